//! That somebody who waits is told.

use super::{Place, SETTINGS, campaign};
use crate::catalog::{Watch, Watched};
use std::fs;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_mins(1);

async fn told(watch: &mut Watch, what: &str) {
    let told = timeout(PATIENCE, watch.changed()).await;
    assert_eq!(told, Ok(None), "{what}");
}

#[tokio::test]
async fn every_change_that_matters_is_told_of() {
    let place = Place::with(&["news"]);
    place.write("texts/news.txt", "hello");
    let (mut watch, complaint) = Watch::new(vec![
        Watched::Campaigns(place.path("campaigns")),
        Watched::File(place.path("campanile.yaml")),
        Watched::File(place.path("texts/news.txt")),
    ]);
    assert_eq!(complaint, None);
    place.write("campaigns/news.yaml", &campaign("news", "second"));
    told(&mut watch, "written").await;
    place.write("campaigns/.tmp", &campaign("news", "third"));
    place.rename("campaigns/.tmp", "campaigns/news.yaml");
    told(&mut watch, "saved under another name first").await;
    place.rename("campaigns/news.yaml", "news.yaml");
    told(&mut watch, "taken away").await;
    fs::create_dir(place.path("campaigns/in")).unwrap();
    told(&mut watch, "a folder").await;
    place.write("campaigns/in/a.yaml", &campaign("a", "a"));
    told(&mut watch, "in the new folder").await;
    place.link("..2026_11_21", "campaigns/..data");
    told(&mut watch, "a link that was swapped").await;
    place.write("texts/news.txt", "good morning");
    told(&mut watch, "a text").await;
    place.write("campanile.yaml", SETTINGS);
    told(&mut watch, "settings").await;
}

#[tokio::test]
async fn the_files_that_campaigns_read_are_watched_as_they_come() {
    let mut place = Place::with(&["news"]);
    place.write("texts/news.txt", "hello");
    let (mut watch, _) = Watch::new(place.catalog.watched());
    let text = campaign("news", "a").replace("text: \"hello\"", "text_file: texts/news.txt");
    place.write("campaigns/news.yaml", &text);
    told(&mut watch, "written").await;
    place.refresh();
    watch.follow(place.catalog.watched());
    place.write("texts/news.txt", "good morning");
    told(&mut watch, "its text").await;
}

#[tokio::test]
async fn a_folder_that_takes_the_place_of_the_campaigns_is_watched() {
    let place = Place::with(&["news"]);
    let (mut watch, _) = Watch::new(vec![Watched::Campaigns(place.path("campaigns"))]);
    place.rename("campaigns", "old");
    fs::create_dir(place.path("campaigns")).unwrap();
    told(&mut watch, "the folder").await;
    place.write("campaigns/b.yaml", &campaign("b", "b"));
    told(&mut watch, "what is in it").await;
}
