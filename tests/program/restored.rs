//! Journals that are older than the truth: copied back from a backup, or restored together with their machine.

use super::place::{Place, pause, settings};
use super::vendor::Vendor;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

const GROUPS: usize = 30;

/// The first ten groups got their message when the journal is kept, the others afterwards.
struct Story {
    vendor: Vendor,
    place: Place,
}

impl Story {
    fn told(deduplication: &str) -> Story {
        let vendor = Vendor::start(&["--deduplication", deduplication]);
        let place = Place::with_news(&vendor.endpoint(), GROUPS);
        let limits = format!("limits: {{ deduplication: {deduplication} }}");
        let app = format!("endpoint: {}\n    {limits}", vendor.endpoint());
        place.write("campanile.yaml", &settings(&app));
        let news = fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
        let news = format!("{news}delivery: {{ pause_after: 10 }}\n");
        place.write("campaigns/news.yaml", &news);
        place.run(&["run", "news", "--yes"]).assert(6, &["paused"]);
        let story = Story { vendor, place };
        story.copy("campanile.db", "kept.db");
        story.copy("campanile.db-epoch", "kept.db-epoch");
        story.resume(&[]).assert(0, &["30 accepted"]);
        story.vendor.assert_each_once(GROUPS);
        story
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    fn resume(&self, options: &[&str]) -> super::place::Ended {
        self.place.run(&[&["resume", "news"], options].concat())
    }

    /// The whole machine was restored: nothing on it knows better.
    fn restore(&self) {
        self.copy("kept.db", "campanile.db");
        self.copy("kept.db-epoch", "campanile.db-epoch");
    }

    /// Waits until the vendor tells no repetition of what was sent any more.
    fn forget(&self) {
        let log = self.place.log();
        let times = log.iter().filter_map(|line| line["finished_at"].as_str());
        let newest = times.max().unwrap();
        let newest: SystemTime = chrono::DateTime::parse_from_rfc3339(newest).unwrap().into();
        while newest.elapsed().unwrap_or_default().as_millis() < 1_100 {
            pause();
        }
    }
}

#[test]
fn a_journal_that_was_copied_back_is_refused_until_a_person_decides() {
    let story = Story::told("5m");
    story.copy("kept.db", "campanile.db");
    let words = ["older than what was done", "copied back", "rm '", "-epoch'"];
    story.resume(&[]).assert(4, &words);
    let run = ["run", "news", "--yes", "--again"];
    story.place.run(&run).assert(4, &words);
    story.vendor.assert_each_once(GROUPS);
    assert_eq!(
        story.place.log().len(),
        GROUPS,
        "it can be read all the same"
    );

    fs::remove_file(story.path("campanile.db-epoch")).unwrap();
    story.resume(&[]).assert(0, &["30 accepted"]);
    // Within five minutes the vendor tells the repetitions by what they are.
    story.vendor.assert_each_once(GROUPS);
}

#[test]
fn a_restored_machine_is_found_out_by_what_the_groups_remember() {
    let story = Story::told("1s");
    story.forget();
    story.restore();
    let words = [
        "`g10` has its message already",
        "restored from an earlier state",
        "campanile resume news@",
        "--force",
    ];
    story.resume(&[]).assert(4, &words);
    story.resume(&[]).assert(4, &words);
    story.vendor.assert_each_once(GROUPS);

    story.resume(&["--force"]).assert(0, &["30 accepted"]);
    assert_eq!(
        story.vendor.ledger().len(),
        GROUPS + 20,
        "as it was said, what was sent since then went out twice"
    );
}

#[test]
fn whoever_sends_the_runs_of_others_finds_a_restored_one_out_too() {
    let story = Story::told("1s");
    let rows: Vec<String> = (0..500).map(|number| format!("b{number},B")).collect();
    let rows = format!("group,city\n{}\n", rows.join("\n"));
    story.place.write("audiences/many.csv", &rows);
    story.place.write(
        "campaigns/big.yaml",
        "audience: { group_files: [audiences/many.csv] }\n\
         send: { group_message: { text: \"Hi {{ group.city }}\" } }\n",
    );
    story.forget();
    story.restore();
    let big = story.place.start(&["run", "big", "--yes"]);
    story.vendor.wait_for(GROUPS as u64 + 5);
    let ended = story.resume(&[]);
    let words = [
        "error: stopped: the journal is older",
        "`g10` has its message already",
        "--force",
    ];
    ended.assert(6, &words);
    assert!(!ended.err.contains("answered"), "{}", ended.err);
    big.end().assert(0, &["500 accepted"]);
    assert_eq!(story.vendor.ledger().len(), GROUPS + 500);
}

#[test]
fn a_run_that_nobody_else_went_on_with_is_gone_on_with() {
    let vendor = Vendor::start(&["--deduplication", "1s"]);
    let place = Place::with_news(&vendor.endpoint(), GROUPS);
    let app = format!(
        "endpoint: {}\n    limits: {{ deduplication: 1s }}",
        vendor.endpoint()
    );
    place.write("campanile.yaml", &settings(&app));
    let news = fs::read_to_string(place.path().join("campaigns/news.yaml")).unwrap();
    let news = format!("{news}delivery: {{ pause_after: 10 }}\n");
    place.write("campaigns/news.yaml", &news);
    place.run(&["run", "news", "--yes"]).assert(6, &["paused"]);
    let story = Story { vendor, place };
    story.forget();
    story.resume(&[]).assert(0, &["30 accepted"]);
    story.vendor.assert_each_once(GROUPS);
}
