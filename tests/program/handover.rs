//! One lane and several processes, at the moments in which one of them must not do what the other does.

use super::place::{Place, Running, pause};
use super::vendor::Vendor;
use rustix::process::Signal;
use std::path::PathBuf;

const OTHER: &str = r#"
app: other
audience: { group_files: [audiences/few.csv] }
send: { group_message: { text: "Also {{ group.city }}" } }
"#;

/// A big campaign `news`, and a small one from another administrator of the same app.
fn place(vendor: &Vendor, groups: usize) -> Place {
    let place = Place::with_news(&vendor.endpoint(), groups);
    let app = |role: &str, more: &str| {
        format!(
            "  {role}: {{ sdk_app_id: 1400000000, secret_key: {{ env: CAMPANILE_SECRET_KEY }}, endpoint: {}{more} }}\n",
            vendor.endpoint()
        )
    };
    let apps = [app("main", ""), app("other", ", administrator: herald")].concat();
    place.write(
        "campanile.yaml",
        &format!("default_app: main\napps:\n{apps}"),
    );
    place.write("campaigns/small.yaml", OTHER);
    let rows: Vec<String> = (0..20).map(|number| format!("s{number},B")).collect();
    place.write(
        "audiences/few.csv",
        &format!("group,city\n{}\n", rows.join("\n")),
    );
    place
}

/// Does something to the journal that no command does.
pub(crate) fn alter(place: &Place, statements: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let path = format!("sqlite:{}", journal(place).display());
        let mut journal = sqlx::SqliteConnection::connect(&path).await.unwrap();
        sqlx::raw_sql(statements)
            .execute(&mut journal)
            .await
            .unwrap();
        journal.close().await.unwrap();
    });
}

/// Keeps everybody from writing to the journal in the meantime.
pub(crate) fn held(place: &Place, meanwhile: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        use sqlx::Connection;
        let path = format!("sqlite:{}", journal(place).display());
        let mut journal = sqlx::SqliteConnection::connect(&path).await.unwrap();
        let mut say = async |statement: &'static str| {
            sqlx::raw_sql(statement)
                .execute(&mut journal)
                .await
                .unwrap()
        };
        say("BEGIN IMMEDIATE").await;
        meanwhile();
        say("ROLLBACK").await;
    });
}

fn journal(place: &Place) -> PathBuf {
    place.path().join("campanile.db")
}

#[test]
fn nobody_sends_in_the_name_of_another_administrator() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = place(&vendor, 200);
    let big = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    // The stand-in knows one administrator only.
    place
        .run(&["run", "small", "--yes"])
        .assert(6, &["`other`", "60010 identifier is not an administrator"]);
    big.end().assert(0, &["200 accepted"]);
    vendor.assert_each_once(200);
}

/// As if `news` had been cut off between two calls an hour ago.
const OLD: &str = "UPDATE entry SET wall_ms = wall_ms - 3600000; DELETE FROM run_entry;
    UPDATE run SET opened_ms = opened_ms - 3600000";

/// A run `news` that was cut off long ago, and another one under way.
fn cut_off_long_ago(vendor: &Vendor) -> (Place, Running) {
    let place = Place::with_news(&vendor.endpoint(), 100);
    place.write(
        "campaigns/small.yaml",
        "audience: { group_files: [audiences/few.csv] }\ndelivery: { rate: 10 }\n\
         send: { group_message: { text: \"Also {{ group.city }}\" } }\n",
    );
    place.write("audiences/few.csv", "group,city\na,A\nb,B\nc,C\nd,D\ne,E\nf,F\ng,G\nh,H\ni,I\nj,J\nk,K\nl,L\nm,M\nn,N\no,O\np,P\n");
    let news = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    news.signal(Signal::INT);
    news.end().assert(130, &["paused"]);
    alter(&place, OLD);
    let arrived = vendor.arrivals();
    let small = place.start(&["run", "small", "--yes"]);
    vendor.wait_for(arrived + 2);
    (place, small)
}

#[test]
fn what_was_cut_off_long_ago_is_left_to_a_person_also_where_the_lane_is_held() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let (place, small) = cut_off_long_ago(&vendor);
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["nothing has happened in it since", "resume news@"]);
    small.end().assert(0, &["16 accepted"]);
    let ended = place.run(&["log", "news"]);
    assert!(!ended.err.contains("100 accepted"), "{ended:?}");
}

#[test]
fn what_was_cut_off_long_ago_is_sent_by_whoever_holds_the_lane_when_a_person_says_so() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let (place, small) = cut_off_long_ago(&vendor);
    let news = place.start(&["resume", "news"]);
    let ended = news.end();
    ended.assert(0, &["100 accepted"]);
    assert!(!ended.err.contains(" here"), "{}", ended.err);
    small.end().assert(0, &["16 accepted"]);
    vendor.assert_each_once(116);
}

#[test]
fn a_run_that_was_left_at_once_is_paused() {
    let vendor = Vendor::start(&["--latency", "2s"]);
    let place = Place::with_news(&vendor.endpoint(), 300);
    let news = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    // Somebody else writes, so that what is written down takes its time.
    held(&place, || {
        news.signal(Signal::INT);
        (0..60).for_each(|_| pause());
        news.signal(Signal::INT);
        (0..60).for_each(|_| pause());
    });
    news.end().assert(130, &["left at once"]);
    place
        .run(&["run", "news", "--yes"])
        .assert(4, &["is paused (Ctrl-C)"]);
}

#[test]
fn a_run_that_cannot_be_read_keeps_no_other_from_being_sent() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let (place, small) = cut_off_long_ago(&vendor);
    small.end().assert(0, &["16 accepted"]);
    alter(
        &place,
        "UPDATE run SET zone = 'Mars/Olympus' WHERE campaign = 'news'",
    );
    place
        .run(&["run", "small", "--yes", "--again"])
        .assert(0, &["16 accepted"]);
}

#[test]
fn a_run_of_another_that_breaks_ends_alone() {
    let vendor = Vendor::start(&["--latency", "20ms"]);
    let place = Place::with_news(&vendor.endpoint(), 800);
    place.write(
        "campaigns/small.yaml",
        "audience: { groups: [a, b, c, d, e, f, g, h] }\ndelivery: { rate: 4 }\n\
         send: { group_message: { text: \"Also\" } }\n",
    );
    let news = place.start(&["run", "news", "--yes"]);
    vendor.wait_for(5);
    let mut small = place.start(&["run", "small", "--yes"]);
    small.line_with("sends on this lane");
    alter(
        &place,
        "DELETE FROM delivery WHERE number = 7 AND plan = (SELECT max(id) FROM run)",
    );
    let ended = news.end();
    ended.assert(0, &["800 accepted"]);
    small.end().assert(1, &["damaged"]);
}
