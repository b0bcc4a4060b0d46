//! What changes in files that can be used.

use super::{Place, SETTINGS, campaign, named, settings, told};
use crate::catalog::Changes;
use std::fs;

#[test]
fn what_did_not_change_is_not_touched() {
    let mut place = Place::with(&["news", "tips"]);
    let before = place.catalog.get(&named("news")).unwrap().clone();
    assert_eq!(place.refresh(), Changes::default());
    place.write("campaigns/tips.yaml", &campaign("tips", "somebody-else"));
    // Written again without another word in it.
    place.write("campaigns/news.yaml", &campaign("news", "hello"));
    let changes = place.refresh();
    assert_eq!(told(&changes.changed), ["tips"]);
    assert_eq!(
        (place.owner("news"), place.owner("tips")),
        ("hello".into(), "somebody-else".into())
    );
    let after = place.catalog.get(&named("news")).unwrap();
    assert_eq!(before.digest(), after.digest());
    let (before, after) = (before.schedule.unwrap(), after.schedule.as_ref().unwrap());
    assert!(std::sync::Arc::ptr_eq(&before, after));
}

#[test]
fn a_campaign_comes_from_the_text_that_was_checked() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/news.yaml", "name: [");
    assert_eq!(place.owner("news"), "hello");
    place.refresh();
    assert_eq!(place.owner("news"), "hello");
}

#[test]
fn a_file_saved_under_another_name_first_is_another_file() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/.news.yaml.tmp", &campaign("news", "byname"));
    place.rename("campaigns/.news.yaml.tmp", "campaigns/news.yaml");
    assert_eq!(told(&place.refresh().changed), ["news"]);
    assert_eq!(place.owner("news"), "byname");
}

#[test]
fn a_renamed_file_is_the_same_campaign() {
    let mut place = Place::with(&["news", "tips"]);
    fs::create_dir(place.path("campaigns/deep")).unwrap();
    place.rename("campaigns/news.yaml", "campaigns/deep/other.yaml");
    let changes = place.refresh();
    let expected = Changes {
        changed: vec![named("news")],
        ..Changes::default()
    };
    assert_eq!(changes, expected);
    let entry = place.catalog.get(&named("news")).unwrap();
    assert_eq!(entry.path, "campaigns/deep/other.yaml");
}

#[test]
fn another_name_in_the_same_file_is_another_campaign() {
    let mut place = Place::with(&["news", "tips"]);
    place.write("campaigns/news.yaml", &campaign("brand-new", "hello"));
    let changes = place.refresh();
    assert_eq!(told(&changes.added), ["brand-new"]);
    assert_eq!(told(&changes.removed), ["news"]);
}

#[test]
fn a_text_in_a_file_of_its_own_is_part_of_its_campaign() {
    let mut place = Place::with(&["tips"]);
    let yaml = campaign("news", "hello").replace("text: \"hello\"", "text_file: texts/news.txt");
    place.write("campaigns/news.yaml", &yaml);
    place.write("texts/news.txt", "hello");
    assert_eq!(told(&place.refresh().added), ["news"]);
    let before = place.catalog.get(&named("news")).unwrap().digest();
    place.write("texts/news.txt", "good morning");
    assert_eq!(told(&place.refresh().changed), ["news"]);
    assert_ne!(before, place.catalog.get(&named("news")).unwrap().digest());
    place.write("texts/news.txt", "good {{ morning");
    assert_eq!(place.refresh().invalid.len(), 1);
    assert!(
        place
            .stale("news")
            .starts_with("campaigns/news.yaml: texts/news.txt:1: "),
        "{}",
        place.stale("news")
    );
    place.remove("texts/news.txt");
    assert!(
        place.refresh().invalid[0]
            .why
            .contains("there is no file `texts/news.txt`")
    );
    place.write("texts/news.txt", "good morning");
    let changes = place.refresh();
    assert_eq!(told(&changes.mended), ["news"]);
    assert!(changes.changed.is_empty(), "it says what it said before");
}

#[test]
fn settings_that_campaigns_rely_on_change_them_all() {
    let mut place = Place::with(&["news", "tips"]);
    place.catalog.use_settings(settings(&format!(
        "{SETTINGS}serve: {{ listen: 127.0.0.1:1 }}\n"
    )));
    assert_eq!(place.refresh(), Changes::default());
    let late = "defaults: { schedule: { start_within: 9m } }\n";
    place
        .catalog
        .use_settings(settings(&format!("{SETTINGS}{late}")));
    assert_eq!(told(&place.refresh().changed), ["news", "tips"]);
    let schedule = place
        .catalog
        .get(&named("news"))
        .unwrap()
        .schedule
        .as_ref()
        .unwrap();
    assert_eq!(schedule.start_within.as_secs(), 540);
    let apps = "apps: { a: { sdk_app_id: 1, region: singapore }, b: { sdk_app_id: 2, region: singapore } }\n";
    place.catalog.use_settings(settings(apps));
    assert_eq!(place.refresh().invalid.len(), 2);
    assert!(
        place.stale("news").contains("no `default_app`"),
        "{}",
        place.stale("news")
    );
    place.catalog.use_settings(settings(SETTINGS));
    assert_eq!(told(&place.refresh().mended), ["news", "tips"]);
}

#[test]
fn linked_files_are_swapped_with_the_folder_behind_them() {
    let mut place = Place::with(&["tips"]);
    place.write(
        "campaigns/..2026_11_21/news.yaml",
        &campaign("news", "monday"),
    );
    place.link("..2026_11_21", "campaigns/..data");
    place.link("..data/news.yaml", "campaigns/news.yaml");
    assert_eq!(told(&place.refresh().added), ["news"]);
    assert!(
        place.invalid().is_empty(),
        "the real file is not another campaign"
    );
    place.write(
        "campaigns/..2026_11_22/news.yaml",
        &campaign("news", "tuesday"),
    );
    place.link("..2026_11_22", "campaigns/..data");
    assert_eq!(told(&place.refresh().changed), ["news"]);
    assert_eq!(place.owner("news"), "tuesday");
}
