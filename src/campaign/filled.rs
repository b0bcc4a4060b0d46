//! The campaign with every default filled in, and where each value comes from.

use super::Campaign;
use crate::settings::Settings;
use crate::source::{Content, Node, Source, Span, parse};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// It is written there: in the campaign, in the settings, or in a variable that overrides them.
    Written(Span),
    /// The name of the file.
    FileName,
    /// Nobody says otherwise.
    BuiltIn,
}

/// A part of the campaign.
#[derive(Clone, Debug)]
pub enum Filled {
    One(Value, Origin),
    List(Vec<Filled>),
    Map(Vec<(String, Filled)>),
}

/// The order in which people read them.
const KEYS: [&str; 12] = [
    "name",
    "description",
    "owner",
    "labels",
    "enabled",
    "app",
    "timezone",
    "variables",
    "schedule",
    "audience",
    "send",
    "delivery",
];

impl Campaign {
    /// What the file says, and for the rest what the settings say, or else what holds for everybody. Templates stay as
    /// they are.
    pub fn filled(&self, source: &Arc<Source>, settings: &Settings) -> Filled {
        let tree = parse(source).root;
        let filler = Filler {
            campaign: self,
            settings,
            schema: Campaign::schema().json(),
        };
        let entries = KEYS.into_iter().filter_map(|key| {
            let node = tree.as_ref().and_then(|tree| tree.get(key));
            Some((key.to_owned(), filler.key(key, node)?))
        });
        Filled::Map(entries.collect())
    }
}

struct Filler<'a> {
    campaign: &'a Campaign,
    settings: &'a Settings,
    schema: &'a Value,
}

impl Filler<'_> {
    fn key(&self, key: &str, node: Option<&Node>) -> Option<Filled> {
        let rule = self.schema.pointer("/properties")?.get(key)?;
        match (key, node) {
            ("schedule", node) => node.map(|node| self.schedule(node, rule)),
            ("delivery", node) => Some(self.delivery(node, rule)),
            (_, Some(node)) => Some(self.fill(Some(node), None, rule)),
            ("name", None) => {
                let name = Value::from(self.campaign.name.as_str());
                Some(Filled::One(name, Origin::FileName))
            }
            ("app", None) => self.app(),
            ("timezone", None) => {
                let zone = Value::from(self.campaign.zone.name());
                let origin = written(self.settings.written(&["timezone"]));
                Some(Filled::One(zone, origin))
            }
            (_, None) => {
                let default = rule.get("default")?.clone();
                Some(Filled::One(default, Origin::BuiltIn))
            }
        }
    }

    /// That of the settings, or the only one there is.
    fn app(&self) -> Option<Filled> {
        let app = self.settings.app(None).ok()?;
        let only = self.settings.written(&["apps"]);
        let only = only.and_then(|apps| apps.entry(&app.role));
        let named = self.settings.written(&["default_app"]);
        let node = named.or_else(|| only.map(|(role, _)| role));
        Some(Filled::One(Value::from(app.role.as_str()), written(node)))
    }

    fn schedule(&self, node: &Node, rule: &Value) -> Filled {
        let defaults = self.settings.written(&["defaults", "schedule"]);
        let mut filled = self.fill(Some(node), defaults, rule);
        // What ends early starts no later: its default gives way.
        let schedule = self.campaign.schedule.as_ref();
        if let (Filled::Map(entries), Some(schedule)) = (&mut filled, schedule) {
            for (key, value) in entries {
                if let ("start_within", Filled::One(text, Origin::BuiltIn)) = (key.as_str(), value)
                {
                    let length = humantime::format_duration(schedule.start_within);
                    *text = Value::from(length.to_string());
                }
            }
        }
        filled
    }

    /// Without a rate of its own it goes as fast as its lane.
    fn delivery(&self, node: Option<&Node>, rule: &Value) -> Filled {
        let defaults = self.settings.written(&["defaults", "delivery"]);
        let mut filled = self.fill(node, defaults, rule);
        if let Filled::Map(entries) = &mut filled
            && entries.iter().all(|(key, _)| key != "rate")
            && let Ok(app) = self.settings.app(self.campaign.app.as_ref())
        {
            let channel = self.campaign.channel();
            let limit = ["apps", app.role.as_str(), "limits", channel.name()];
            let origin = written(self.settings.written(&limit));
            let rate = Value::from(channel.limit(&app.limits));
            entries.insert(0, ("rate".to_owned(), Filled::One(rate, origin)));
        }
        filled
    }

    /// The entries of the file in their order, those of the defaults that it lacks, and what the schema says of the rest.
    fn fill(&self, node: Option<&Node>, defaults: Option<&Node>, rule: &Value) -> Filled {
        let (content, place) = match node {
            Some(node) => (&node.content, Some(&node.span)),
            None => (&Content::Null, None),
        };
        match (content, place) {
            (Content::List(items), _) => {
                let rule = self.find(rule, &|rule| rule.get("items"));
                let rule = rule.unwrap_or(&Value::Null);
                let items = items.iter().map(|item| self.fill(Some(item), None, rule));
                Filled::List(items.collect())
            }
            (Content::Map(entries), _) => self.map(entries, defaults, rule),
            (_, None) => self.map(&[], defaults, rule),
            (_, Some(place)) => {
                let value = node.map(Node::to_json).unwrap_or_default();
                Filled::One(value, Origin::Written(place.clone()))
            }
        }
    }

    fn map(&self, written: &[(Node, Node)], defaults: Option<&Node>, rule: &Value) -> Filled {
        let properties = self.properties(rule);
        let mut filled: Vec<(String, Filled)> = Vec::new();
        let others = defaults.map_or(&[][..], |defaults| match &defaults.content {
            Content::Map(entries) => entries,
            _ => &[],
        });
        for (key, value) in written.iter().chain(others) {
            let key = key.text().unwrap_or_default();
            let is_given = filled.iter().any(|(known, _)| known == key);
            if !is_given && value.content != Content::Null {
                let rule = properties.and_then(|properties| properties.get(key));
                let value = self.fill(Some(value), None, rule.unwrap_or(&Value::Null));
                filled.push((key.to_owned(), value));
            }
        }
        for (key, rule) in properties.into_iter().flatten() {
            let is_given = filled.iter().any(|(known, _)| known == key);
            if let (false, Some(default)) = (is_given, rule.get("default")) {
                let default = Filled::One(default.clone(), Origin::BuiltIn);
                filled.push((key.clone(), default));
            }
        }
        Filled::Map(filled)
    }

    fn properties<'r>(&'r self, rule: &'r Value) -> Option<&'r Map<String, Value>> {
        self.find(rule, &|rule| rule.get("properties")?.as_object())
    }

    /// The first find in a rule, in what it refers to, and in the shapes it allows.
    fn find<'r, T>(&'r self, rule: &'r Value, find: &impl Fn(&'r Value) -> Option<T>) -> Option<T> {
        if let Some(reference) = rule.get("$ref").and_then(Value::as_str) {
            let referred = self.schema.pointer(reference.trim_start_matches('#'))?;
            return self.find(referred, find);
        }
        let shapes = ["allOf", "anyOf", "oneOf"]
            .iter()
            .filter_map(|name| rule.get(*name)?.as_array());
        find(rule).or_else(|| shapes.flatten().find_map(|shape| self.find(shape, find)))
    }
}

fn written(node: Option<&Node>) -> Origin {
    node.map_or(Origin::BuiltIn, |node| Origin::Written(node.span.clone()))
}
