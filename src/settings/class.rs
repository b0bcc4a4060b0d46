//! Who decides a setting: the author of a commit, or the operator of the daemon.
//!
//! With `serve --git` the operator's values are pinned at the first start. A commit with different ones is served with
//! those that are pinned, until the operator accepts its values.

use super::secret::redacted;
use super::spec::SettingsSpec;
use crate::identity::Digest;
use crate::source::{Content, Node, Source, Span, Style, parse};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who decides a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Whoever writes campaigns: it says how they are sent.
    Campaign,
    /// Whoever runs the daemon: it says what may be read, where is sent and recorded, and as whom.
    Operator,
}

/// Returns every key at the top with its class. A field that is added does not compile until it stands here.
fn classes(spec: &SettingsSpec) -> [(&'static str, Class); 10] {
    let SettingsSpec {
        apps: _,
        default_app: _,
        timezone: _,
        campaigns: _,
        roots: _,
        defaults: _,
        on_invalid: _,
        journal: _,
        serve: _,
        notify: _,
    } = spec;
    [
        ("apps", Class::Operator),
        ("default_app", Class::Campaign),
        ("timezone", Class::Campaign),
        ("campaigns", Class::Operator),
        ("roots", Class::Operator),
        ("defaults", Class::Campaign),
        ("on_invalid", Class::Campaign),
        ("journal", Class::Operator),
        ("serve", Class::Operator),
        ("notify", Class::Operator),
    ]
}

fn operator_keys() -> impl Iterator<Item = &'static str> {
    let classes = classes(&SettingsSpec::default()).into_iter();
    classes.filter_map(|(key, class)| (class == Class::Operator).then_some(key))
}

/// The operator's values as a file has them, before any variable of the environment overrides them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorValues(Map<String, Value>);

impl OperatorValues {
    /// Reads them from the text of a settings file that can be used.
    pub fn of(source: &Arc<Source>) -> OperatorValues {
        let root = parse(source).root;
        OperatorValues::in_tree(root.as_ref())
    }

    fn in_tree(root: Option<&Node>) -> OperatorValues {
        let value = |key: &str| Some((key.to_owned(), root?.get(key)?.to_json()));
        let values = operator_keys().filter_map(value);
        OperatorValues(values.filter(|(_, value)| !value.is_null()).collect())
    }

    /// Reads what [`OperatorValues::to_json`] returned.
    pub fn from_json(value: &Value) -> Option<OperatorValues> {
        let values = value.as_object()?.clone();
        Some(OperatorValues(values))
    }

    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Returns the name by which an operator accepts them.
    pub fn digest(&self) -> String {
        let text = self.to_json().to_string();
        Digest::of("operator settings", [text.as_bytes()]).short()
    }

    /// Puts them in the place of those of a tree.
    pub(super) fn replace_in(&self, root: &mut Node) {
        let text = self.to_json().to_string();
        let source = Source::new(IN_USE, text);
        let Content::Map(entries) = &mut root.content else {
            return;
        };
        let is_operator = |key: &Node| {
            let name = key.text().unwrap_or_default();
            operator_keys().any(|key| key == name)
        };
        entries.retain(|(key, _)| !is_operator(key));
        if let Some(Node {
            content: Content::Map(pinned),
            ..
        }) = parse(&source).root
        {
            entries.extend(pinned);
        }
    }
}

/// What complaints call the values that are pinned.
const IN_USE: &str = "the settings in use";

/// Operator's values of a commit that differ from those in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSettings {
    pub changes: Vec<SettingChange>,
    pub values: OperatorValues,
    /// Names of the apps and roots that only they have.
    apps: BTreeSet<String>,
    roots: BTreeSet<String>,
}

/// A setting that differs. Values are JSON in which nothing that looks like a secret is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Such as `roots.exports`.
    pub key: String,
    pub used: Option<String>,
    pub pending: Option<String>,
}

impl PendingSettings {
    /// Compares two trees of settings, overrides included.
    pub(super) fn between(
        used: Option<&Node>,
        pending: Option<&Node>,
        values: OperatorValues,
    ) -> PendingSettings {
        let used = OperatorValues::in_tree(used);
        let pending = OperatorValues::in_tree(pending);
        let names = |key: &str| {
            let names = |values: &OperatorValues| -> BTreeSet<String> {
                let map = values.0.get(key).and_then(Value::as_object);
                map.map(|map| map.keys().cloned().collect())
                    .unwrap_or_default()
            };
            names(&pending).difference(&names(&used)).cloned().collect()
        };
        let (apps, roots) = (names("apps"), names("roots"));
        let (used, pending) = (leaves(&used), leaves(&pending));
        let keys: BTreeSet<&String> = used.keys().chain(pending.keys()).collect();
        let change = |key: &String| SettingChange {
            used: used.get(key).cloned(),
            pending: pending.get(key).cloned(),
            key: key.clone(),
        };
        let changes = keys.into_iter().map(change);
        PendingSettings {
            changes: changes.filter(|each| each.used != each.pending).collect(),
            values,
            apps,
            roots,
        }
    }

    pub fn digest(&self) -> String {
        self.values.digest()
    }

    /// What makes them those in use; `flag` is added so that the command means the same checkout.
    pub fn command(&self, flag: &str) -> String {
        format!("campanile settings accept {}{flag}", self.digest())
    }

    /// Whether only these values have an app of that role.
    pub fn has_app(&self, role: &str) -> bool {
        self.apps.contains(role)
    }

    /// Returns the names of the roots that only these values have.
    pub fn roots(&self) -> &BTreeSet<String> {
        &self.roots
    }
}

impl SettingChange {
    /// Words it as `roots.exports: none, would be "/srv"`.
    pub fn text(&self) -> String {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        format!(
            "{} is {} and would be {}",
            self.key,
            shown(&self.used),
            shown(&self.pending)
        )
    }
}

/// Every value that is no map, under its path.
fn leaves(values: &OperatorValues) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    walk(&format!("{path}.{key}"), value, found);
                }
            }
            value => {
                found.insert(path.to_owned(), redacted(&value.to_string()));
            }
        }
    }
    let mut found = BTreeMap::new();
    for (key, value) in &values.0 {
        walk(key, value, &mut found);
    }
    found
}

/// An empty map, for a file that says nothing.
pub(super) fn empty_root(source: &Arc<Source>) -> Node {
    let span = Span::beginning(source);
    Node {
        written: span.clone(),
        span,
        style: Style::Flow,
        content: Content::Map(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn every_key_of_the_schema_has_a_class() {
        let schema = Settings::schema().json();
        let keys = schema["properties"].as_object().unwrap().keys();
        let mut classes: Vec<&str> = classes(&SettingsSpec::default())
            .iter()
            .map(|(key, _)| *key)
            .collect();
        classes.sort_unstable();
        let mut keys: Vec<&str> = keys.map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(classes, keys);
    }

    #[test]
    fn operator_values_read_back_and_take_the_place_of_others() {
        let source = |text: &str| Source::new("campanile.yaml", text);
        let app = "apps: { main: { sdk_app_id: 1, region: singapore } }";
        let pinned = OperatorValues::of(&source(&format!("{app}\nroots: {{ a: /srv/a }}\n")));
        let read = OperatorValues::from_json(&pinned.to_json()).unwrap();
        assert_eq!((&read, read.digest()), (&pinned, pinned.digest()));
        let text = "apps: { main: { sdk_app_id: 2, region: tokyo } }\ntimezone: Asia/Shanghai\n\
            roots: { a: /proc, b: / }\njournal: sqlite:other.db\n";
        let settings = Settings::examine_pinned(&source(text), Some(&pinned), &[]);
        assert_eq!(settings.complaints, []);
        let settings = settings.settings;
        assert_eq!(settings.apps[0].sdk_app_id.0, 1);
        assert_eq!(settings.zone.name(), "Asia/Shanghai");
        assert_eq!(settings.roots.len(), 1);
        let pending = settings.pending.unwrap();
        let told: Vec<String> = pending.changes.iter().map(SettingChange::text).collect();
        assert_eq!(
            told,
            [
                "apps.main.region is \"singapore\" and would be \"tokyo\"",
                "apps.main.sdk_app_id is 1 and would be 2",
                "journal is not set and would be \"sqlite:other.db\"",
                "roots.a is \"/srv/a\" and would be \"/proc\"",
                "roots.b is not set and would be \"/\"",
            ]
        );
        assert!(pending.roots().contains("b") && !pending.has_app("main"));
    }

    #[test]
    fn same_values_in_other_words_and_overridden_ones_are_not_pending() {
        let source = |text: &str| Source::new("campanile.yaml", text);
        let app = "apps: { main: { sdk_app_id: 1, region: singapore } }";
        let pinned = OperatorValues::of(&source(app));
        let pending = |text: &str, variables: &[(String, String)]| {
            let text = source(&format!("{app}\n{text}"));
            let examined = Settings::examine_pinned(&text, Some(&pinned), variables);
            assert_eq!(examined.complaints, []);
            examined.settings.pending
        };
        assert_eq!(pending("campaigns: campaigns\n", &[]), None);
        let journal = (
            "CAMPANILE_JOURNAL".to_owned(),
            "sqlite:/var/a.db".to_owned(),
        );
        assert_eq!(pending("journal: sqlite:b.db\n", &[journal]), None);
        assert!(pending("journal: sqlite:b.db\n", &[]).is_some());
        // A default that names an app of theirs can be used; what needs the app cannot.
        let text = "apps: { main: { sdk_app_id: 1, region: singapore }, b: { sdk_app_id: 2, region: seoul } }\ndefault_app: b\n";
        let examined = Settings::examine_pinned(&source(text), Some(&pinned), &[]);
        assert_eq!(examined.complaints, []);
        let why = examined.settings.app(None).unwrap_err();
        assert!(why.message.contains("not accepted"), "{why:?}");
    }
}
