//! What goes wrong with files, and what is kept all the same.

use super::{LATER_MS, Place, campaign, named, told};
use crate::catalog::{Changes, Error};
use crate::clock;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn a_file_that_cannot_be_used_any_more_stays_the_campaign_it_was() {
    let mut place = Place::with(&["news"]);
    let wrong = format!("{}enabled: 3\n", campaign("news", "[a]"));
    place.write("campaigns/news.yaml", &wrong);
    let changes = place.refresh();
    assert_eq!(
        (changes.invalid.len(), changes.invalid[0].name.as_ref()),
        (1, Some(&named("news")))
    );
    assert!(changes.removed.is_empty());
    let why = place.stale("news");
    assert!(why.starts_with("campaigns/news.yaml:2: "), "{why}");
    assert!(why.ends_with(" (and 1 more)"), "{why}");
    assert_eq!(place.owner("news"), "hello");
    let since = place
        .catalog
        .get(&named("news"))
        .unwrap()
        .stale
        .clone()
        .unwrap()
        .since_ms;
    assert!(place.refresh().is_empty());
    place.write("campaigns/news.yaml", "name: news\n");
    let changes = place.refresh();
    assert_eq!(
        changes.invalid[0].since_ms, since,
        "it is wrong since then, and for another reason now"
    );
    place.write("campaigns/news.yaml", &campaign("news", "mended"));
    let changes = place.refresh();
    assert_eq!(
        (told(&changes.mended), told(&changes.changed)),
        (vec!["news"], vec!["news"])
    );
    assert_eq!(place.owner("news"), "mended");
}

#[test]
fn a_file_that_never_could_be_used_is_no_campaign() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/odd.yaml", "name: odd\n");
    place.write("campaigns/ending.yml", &campaign("ending", "hello"));
    assert_eq!(place.refresh().invalid.len(), 2);
    assert_eq!(place.names(), ["news"]);
    assert_eq!(
        place.invalid(),
        ["campaigns/ending.yml", "campaigns/odd.yaml"]
    );
    assert!(place.refresh().is_empty(), "told once");
    place.write("campaigns/odd.yaml", &campaign("odd", "hello"));
    assert_eq!(told(&place.refresh().added), ["odd"]);
}

#[test]
fn half_a_file_is_not_taken_for_the_whole() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/news.yaml", "name: ne");
    assert!(
        place
            .unsettled()
            .contains("`campaigns/news.yaml` was just written")
    );
    assert!(place.catalog.get(&named("news")).unwrap().stale.is_none());
    place.write("campaigns/news.yaml", &campaign("news", "the-other-half"));
    let now = clock::now().wall_ms;
    assert_eq!(told(&place.catalog.refresh(now).unwrap().changed), ["news"]);
}

#[test]
fn who_writes_without_end_is_waited_for_only_so_long() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/news.yaml", "name: ne");
    // As if each look came right behind a write.
    let now = clock::now().wall_ms;
    assert!(place.catalog.refresh(now - 40_000).is_err());
    assert!(place.catalog.refresh(now - 31_000).is_err());
    assert_eq!(
        place.catalog.refresh(now - 29_000).unwrap().invalid.len(),
        1
    );
}

#[test]
fn a_campaign_that_was_just_taken_away_may_come_back() {
    let mut place = Place::with(&["more", "news", "tips"]);
    place.remove("campaigns/news.yaml");
    assert!(place.unsettled().contains("may come back"));
    assert_eq!(place.names().len(), 3);
    let changes = place.refresh();
    assert_eq!(told(&changes.removed), ["news"]);
    assert_eq!(place.names(), ["more", "tips"]);
}

#[test]
fn an_emptied_folder_is_not_believed_until_somebody_says_so() {
    let names = ["a", "b", "c", "d", "e"];
    let mut place = Place::with(&names);
    place.rename("campaigns", "elsewhere");
    let is_all =
        |done: Result<Changes, Error>| matches!(done, Err(Error::Disappeared { gone: 5, of: 5 }));
    assert!(is_all(place.try_refresh()), "the folder is gone");
    fs::create_dir(place.path("campaigns")).unwrap();
    assert!(is_all(place.try_refresh()), "it is empty");
    assert_eq!(place.names(), names);
    for name in ["a", "b"] {
        place.write(&format!("campaigns/{name}.yaml"), &campaign(name, "hello"));
    }
    let done = place.try_refresh();
    assert!(
        matches!(done, Err(Error::Disappeared { gone: 3, of: 5 })),
        "{done:?}"
    );
    place.catalog.confirm_disappearance();
    assert_eq!(told(&place.refresh().removed), ["c", "d", "e"]);
    place.remove("campaigns/a.yaml");
    assert_eq!(told(&place.refresh().removed), ["a"], "one of two may go");
    place.remove("campaigns/b.yaml");
    let last = place.try_refresh();
    assert!(
        matches!(last, Err(Error::Disappeared { gone: 1, of: 1 })),
        "{last:?}"
    );
}

#[test]
fn what_was_confirmed_holds_for_one_look() {
    let mut place = Place::with(&["news"]);
    place.catalog.confirm_disappearance();
    assert!(place.refresh().is_empty());
    place.remove("campaigns/news.yaml");
    assert!(place.try_refresh().is_err());
}

#[test]
fn of_two_with_one_name_the_one_that_was_known_stays_as_it_was() {
    let mut place = Place::with(&["news"]);
    place.write("campaigns/a.yaml", &campaign("news", "second"));
    assert_eq!(place.refresh().invalid.len(), 2);
    let why = place.stale("news");
    assert_eq!(
        why,
        "two campaigns are named `news`: `campaigns/news.yaml` and `campaigns/a.yaml`"
    );
    assert_eq!(place.owner("news"), "hello");
    assert_eq!(place.invalid(), ["campaigns/a.yaml"]);
    // The other of them goes on, once it is alone.
    place.remove("campaigns/news.yaml");
    let changes = place.refresh();
    assert_eq!(
        (told(&changes.changed), told(&changes.mended)),
        (vec!["news"], vec!["news"])
    );
    assert_eq!(place.owner("news"), "second");
    assert!(place.invalid().is_empty());
}

#[test]
fn a_campaign_that_was_moved_to_a_file_which_is_wrong_is_not_gone() {
    let mut place = Place::with(&["news", "tips"]);
    place.remove("campaigns/news.yaml");
    place.write("campaigns/moved.yaml", "name: news\n");
    let changes = place.refresh();
    assert!(changes.removed.is_empty());
    assert_eq!(changes.invalid[0].path, "campaigns/moved.yaml");
    assert_eq!(place.owner("news"), "hello");
    assert!(place.invalid().is_empty());
}

#[test]
fn git_is_waited_for_while_it_is_at_work() {
    let mut place = Place::with(&["news"]);
    place.write(".git/index.lock", "");
    assert_eq!(
        place.refresh(),
        Changes::default(),
        "there is nothing to take in"
    );
    place.write("campaigns/news.yaml", &campaign("news", "checked-out"));
    let now = clock::now().wall_ms;
    let why = place.catalog.refresh(now + 30_000).unwrap_err().to_string();
    assert!(why.contains(".git/index.lock"), "{why}");
    let changes = place.catalog.refresh(now + 61_000).unwrap();
    assert_eq!(told(&changes.changed), ["news"]);
    assert!(changes.ignored_lock.unwrap().ends_with("/.git/index.lock"));
    place.write("campaigns/news.yaml", &campaign("news", "once-more"));
    let changes = place.catalog.refresh(now + 62_000).unwrap();
    assert_eq!(changes.ignored_lock, None, "told once");
}

#[test]
fn git_is_waited_for_in_a_second_working_tree_too() {
    let mut place = Place::with(&["news"]);
    place.write(".git", "gitdir: elsewhere/worktrees/one\n");
    place.write("elsewhere/worktrees/one/HEAD.lock", "");
    place.write("campaigns/news.yaml", &campaign("news", "checked-out"));
    assert!(place.unsettled().contains("HEAD.lock"));
    place.remove("elsewhere/worktrees/one/HEAD.lock");
    assert_eq!(told(&place.refresh().changed), ["news"]);
}

#[test]
fn a_tree_that_changes_while_it_is_read_is_not_taken_in() {
    let names: Vec<String> = (0..100).map(|number| format!("c{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut place = Place::with(&names);
    let is_over = AtomicBool::new(false);
    let path = place.path("campaigns/c000.yaml");
    let beside = place.path("campaigns/c000.tmp");
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0_u64.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let text = campaign("c000", &format!("round-{round}"));
                crate::files::write_over(&beside, &text).unwrap();
                fs::rename(&beside, &path).unwrap();
            }
        });
        // Each change is read, and is behind the times before that is done.
        let unsettled = (0..10_000).find_map(|_| {
            match place.catalog.refresh(clock::now().wall_ms + LATER_MS) {
                Err(Error::Unsettled { why, .. }) => Some(why),
                _ => None,
            }
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(
            unsettled.as_deref(),
            Some("files were changed while they were read")
        );
    });
    place.refresh();
}
