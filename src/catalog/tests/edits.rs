//! Whatever is done to the files, and whenever somebody looks, in the end it is known what they say.

use super::{Place, campaign, catalog_of};
use crate::catalog::Catalog;
use crate::clock;
use crate::files::write_over;
use crate::identity::{CampaignName, Digest};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[derive(Clone, Debug)]
enum Edit {
    Write(&'static str, &'static str, u8),
    /// A campaign without anything to send.
    Spoil(&'static str, &'static str),
    /// No YAML at all.
    Break(&'static str),
    Delete(&'static str),
    Rename(&'static str, &'static str),
    Swap(&'static str, &'static str),
    Text(u8),
    Look,
}

fn edit() -> impl Strategy<Value = Edit> {
    let path = || {
        select(vec![
            "a.yaml",
            "b.yaml",
            "c.yaml",
            "in/a.yaml",
            "in/d.yaml",
            "e.yml",
        ])
    };
    let name = || select(vec!["news", "tips", "more"]);
    prop_oneof![
        4 => (path(), name(), 0..4_u8).prop_map(|(path, name, text)| Edit::Write(path, name, text)),
        2 => (path(), name()).prop_map(|(path, name)| Edit::Spoil(path, name)),
        1 => path().prop_map(Edit::Break),
        2 => path().prop_map(Edit::Delete),
        2 => (path(), path()).prop_map(|(from, to)| Edit::Rename(from, to)),
        1 => (path(), path()).prop_map(|(one, other)| Edit::Swap(one, other)),
        1 => (0..4_u8).prop_map(Edit::Text),
        6 => Just(Edit::Look),
    ]
}

impl Edit {
    fn make(&self, place: &mut Place) {
        let at = |path: &str| format!("campaigns/{path}");
        match self {
            Edit::Write(path, name, text) => place.write(&at(path), &yaml(name, *text)),
            Edit::Spoil(path, name) => place.write(&at(path), &format!("name: {name}\n")),
            Edit::Break(path) => place.write(&at(path), "name: [\n"),
            Edit::Text(text) => place.write("texts/text.txt", &format!("text {text}")),
            Edit::Delete(path) => drop(fs::rename(place.path(&at(path)), place.path("gone"))),
            Edit::Rename(from, to) => drop(fs::rename(place.path(&at(from)), place.path(&at(to)))),
            Edit::Swap(one, other) => {
                let [one, other] = [one, other].map(|path| place.path(&at(path)));
                let between = place.path("between");
                if one != other && one.exists() && other.exists() {
                    fs::rename(&one, &between).unwrap();
                    fs::rename(&other, &one).unwrap();
                    fs::rename(&between, &other).unwrap();
                }
            }
            Edit::Look => look(&mut place.catalog),
        }
    }
}

/// Some have their text in a file.
fn yaml(name: &str, text: u8) -> String {
    let yaml = campaign(name, &format!("owner-{text}"));
    match text {
        0 => yaml.replace("text: \"hello\"", "text_file: texts/text.txt"),
        _ => yaml,
    }
}

/// Looks as somebody who has waited long enough for those who write without end: what was written just now is taken as
/// it is, and is looked at again the next time, since another write in the same tick of the clock leaves its stamp.
fn look(catalog: &mut Catalog) {
    let now = clock::now().wall_ms;
    catalog.confirm_disappearance();
    if catalog.refresh(now - 50_000).is_err() {
        catalog.refresh(now - 35_000).unwrap();
    }
}

type Valid<'a> = BTreeMap<&'a CampaignName, (&'a str, Digest)>;

fn valid(catalog: &Catalog) -> Valid<'_> {
    let fit = catalog.entries().filter(|entry| entry.stale.is_none());
    fit.map(|entry| (&entry.name, (entry.path.as_str(), entry.digest())))
        .collect()
}

/// The files that are known to be wrong.
fn wrong(catalog: &Catalog) -> BTreeSet<&str> {
    let stale = catalog.entries().filter(|entry| entry.stale.is_some());
    let stale = stale.map(|entry| entry.path.as_str());
    stale
        .chain(catalog.invalid().map(|invalid| invalid.path.as_str()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_catalog_that_looked_along_the_way_knows_what_a_new_one_finds(edits in prop::collection::vec(edit(), 1..24)) {
        let mut place = Place::new();
        write_over(&place.path("campaigns/in/readme"), "").unwrap();
        place.write("texts/text.txt", "text");
        for edit in &edits {
            edit.make(&mut place);
        }
        look(&mut place.catalog);
        let mut fresh = catalog_of(&place.path("."));
        look(&mut fresh);
        prop_assert_eq!(valid(&place.catalog), valid(&fresh));
        prop_assert_eq!(wrong(&place.catalog), wrong(&fresh));
    }
}
