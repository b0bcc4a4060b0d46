//! The audience as written.

use crate::source::{Entries, Node, Short, Shorthand, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// Who it goes to. Groups given here come first, then those of the files, in the order of the file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceSpec {
    /// Target groups. A group of which only the id is given may be written as that id: `["@TGS#1"]`.
    pub groups: Option<Vec<Short<GroupSpec>>>,
    /// CSV files below the folder of `campanile.yaml`, UTF-8 with a header. The column `group` holds the group's id
    /// (`GroupId`); every other column is a variable: `{{ group.city }}`. An empty cell is missing.
    pub group_files: Option<Vec<Spanned<String>>>,
}

/// One target group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// The group's id at the vendor (`GroupId`). Ids begin with `@`, so they are quoted.
    pub id: Spanned<String>,
    /// Plain values for the templates: `{{ group.city }}`.
    pub variables: Option<Entries<Node>>,
}

impl Shorthand for GroupSpec {
    type First = Spanned<String>;

    fn from_first(id: Spanned<String>) -> GroupSpec {
        GroupSpec {
            id,
            variables: None,
        }
    }
}
