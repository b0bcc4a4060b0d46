//! The audience as written.

use crate::source::{Entries, Node, Short, Shorthand, Spanned, Text};
use schemars::JsonSchema;
use serde::Deserialize;

/// Who it goes to. Groups given here come first, then those of the files, in the order of the files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceSpec {
    /// Target groups. A group of which only the id is given may be written as that id: `["@TGS#1"]`.
    #[schemars(length(min = 1))]
    pub groups: Option<Vec<Short<GroupSpec>>>,
    /// Files of groups below the folder of `campanile.yaml`: CSV with a header (UTF-8), or JSON Lines (`.jsonl`). The
    /// column `group` holds the group's id (`GroupId`), `type` its type; every other column is a variable:
    /// `{{ group.city }}`. An empty cell is missing.
    #[schemars(length(min = 1))]
    pub group_files: Option<Vec<Short<FileSpec>>>,
    /// Only these members of each group (`To_Account`, `ToMembers_Account`). Default: the whole group; a list of none
    /// is an error, for it would be read as everybody.
    #[schemars(length(min = 1))]
    pub members: Option<Vec<Spanned<String>>>,
    /// Files of members: the column `member` holds the account, `group` the group it is meant in (without it: in every
    /// group); every other column is a variable: `{{ member.name }}`. Without `groups` and `group_files` the groups are
    /// those of these files.
    #[schemars(length(min = 1))]
    pub member_files: Option<Vec<Short<FileSpec>>>,
    /// Only those that are also in here, such as a list of consents.
    pub only: Option<Spanned<SelectionSpec>>,
    /// None of those. One that matches nothing is a warning.
    pub exclude: Option<Spanned<SelectionSpec>>,
    /// Only those for whom this expression over `group` (and `member`) is true: `group.city in ["Shenzhen"]`.
    pub r#where: Option<Text>,
    /// A part of the groups, always the same: `10%`. Default: all of them.
    pub sample: Option<Spanned<String>>,
}

/// Groups and members that are picked out of an audience.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectionSpec {
    /// Groups by their ids.
    #[schemars(length(min = 1))]
    pub groups: Option<Vec<Short<GroupSpec>>>,
    /// Files of groups; of their columns only `group` matters.
    #[schemars(length(min = 1))]
    pub group_files: Option<Vec<Short<FileSpec>>>,
    /// Members by their accounts, in whatever group.
    #[schemars(length(min = 1))]
    pub members: Option<Vec<Spanned<String>>>,
    /// Files of members; of their columns only `member` and `group` matter.
    #[schemars(length(min = 1))]
    pub member_files: Option<Vec<Short<FileSpec>>>,
}

/// One target group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// The group's id at the vendor (`GroupId`). Ids begin with `@`, so they are quoted.
    #[schemars(required)]
    pub id: Option<Spanned<String>>,
    /// The group's type, in the vendor's spelling or the console's: `Private` or `Work`, `Public`, `ChatRoom` or
    /// `Meeting`, `AVChatRoom` or `Live`, `Community`, `BChatRoom`. What does not fit the type is then found beforehand.
    pub r#type: Option<Spanned<String>>,
    /// Plain values for the templates: `{{ group.city }}`.
    pub variables: Option<Entries<Node>>,
}

impl Shorthand for GroupSpec {
    type First = Spanned<String>;

    fn from_first(id: Spanned<String>) -> GroupSpec {
        GroupSpec {
            id: Some(id),
            r#type: None,
            variables: None,
        }
    }
}

/// A file of groups or members.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Its path below the folder of `campanile.yaml`, or `name:path` below one of the settings' `roots`.
    #[schemars(required)]
    pub path: Option<Spanned<String>>,
    /// How long ago it may have been written at most, such as `2d`: an export that was not renewed is an error.
    /// Default: any age.
    #[schemars(extend("examples" = ["2d"]))]
    pub newer_than: Option<Spanned<String>>,
}

impl Shorthand for FileSpec {
    type First = Spanned<String>;

    fn from_first(path: Spanned<String>) -> FileSpec {
        FileSpec {
            path: Some(path),
            newer_than: None,
        }
    }
}
