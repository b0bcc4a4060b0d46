//! What ten thousand campaigns cost; run by hand: `cargo test --release --lib -- --ignored --nocapture ten_thousand`.

use super::{LATER_MS, Place};
use crate::clock;
use std::time::Duration;

const FILES: usize = 10_000;
const ROUNDS: u32 = 20;

fn campaign(at: usize) -> String {
    format!(
        "name: news-{at}\ndescription: News of the week, number {at}\nowner: team-{}\nlabels: {{ season: autumn }}\n\
         variables: {{ bonus: {} }}\n\
         schedule: {{ cron: \"{} {} * * MON-FRI\", from: 2026-11-01, finish_within: 6h }}\n\
         audience: {{ groups: [\"@TGS#{at}\"] }}\n\
         send:\n  group_message:\n    text: \"Hi {{{{ group.id }}}}, {{{{ bonus }}}} coins until {{{{ occurrence.time }}}}\"\n    \
         priority: low\ndelivery: {{ rate: 50 }}\n",
        at % 50,
        10 + at % 90,
        at % 60,
        at % 24
    )
}

/// Resident memory in kilobytes.
fn resident() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the kernel's word, no file of a user's"
    )]
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

fn timed(what: &str, rounds: u32, mut work: impl FnMut()) {
    let before = clock::now().boot_ns;
    (0..rounds).for_each(|_| work());
    let took = Duration::from_nanos(clock::now().boot_ns - before) / rounds;
    println!("{what}: {took:?}, {} MB resident", resident() / 1_000);
}

#[test]
#[ignore = "measures, and takes a while"]
fn ten_thousand_campaigns() {
    let mut place = Place::new();
    for at in 0..FILES {
        place.write(
            &format!("campaigns/{:02}/news-{at}.yaml", at % 100),
            &campaign(at),
        );
    }
    println!("before: {} MB resident", resident() / 1_000);
    let now = clock::now().wall_ms + LATER_MS;
    timed("all read", 1, || {
        assert_eq!(place.catalog.refresh(now).unwrap().added.len(), FILES);
    });
    timed("nothing changed", ROUNDS, || {
        assert!(place.catalog.refresh(now).unwrap().is_empty());
    });
    let mut round = 0;
    timed("one changed", ROUNDS, || {
        round += 1;
        place.write(
            "campaigns/00/news-0.yaml",
            &campaign(0).replace("priority: low", &format!("priority: low # {round}")),
        );
        assert_eq!(place.catalog.refresh(now).unwrap().changed.len(), 1);
    });
}
