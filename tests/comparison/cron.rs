//! Cron expressions beside cronsim, an implementation of the rules of Debian's cron that shares nothing with ours.

use super::is_prepared;
use campanile::workbench::{Cron, Dst, Note, Schedule, Slot, Source, Span, Spanned, parse_zone};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::process::Command;

const SEED: &str = "20261111";
const CASES: &str = "8000";

#[derive(Debug, Deserialize)]
struct Case {
    expression: String,
    zone: String,
    from: i64,
    expected: Vec<i64>,
}

/// How many times of a kind were compared, so that the cases are known to reach what they are for.
#[derive(Debug, Default)]
struct Tally {
    plain: usize,
    moved: usize,
    first_pass: usize,
    never: usize,
}

#[test]
fn fixed_expressions_fire_when_cronsim_says() {
    if !is_prepared() {
        return;
    }
    let mut tally = Tally::default();
    let mut differing = Vec::new();
    for case in cases() {
        let found = found(&case, &mut tally);
        if found != case.expected {
            differing.push(format!("{case:?} but found {found:?}"));
        }
    }
    assert!(
        differing.is_empty(),
        "{} differ, such as\n{}",
        differing.len(),
        differing[..differing.len().min(5)].join("\n")
    );
    let Tally {
        plain,
        moved,
        first_pass,
        never,
    } = tally;
    // Few cases of a seed never fire, and perhaps none of a different one.
    let is_known = std::env::var_os("CRON_SEED").is_none();
    assert!(
        !is_known || plain > 10_000 && moved > 150 && first_pass > 200 && never > 2,
        "{tally:?}"
    );
}

fn found(case: &Case, tally: &mut Tally) -> Vec<i64> {
    let source = Source::new("case", case.expression.as_str());
    let cron = Cron::parse(&case.expression)
        .unwrap_or_else(|fault| panic!("{case:?} is refused: {fault:?}"));
    let cron = Spanned {
        value: cron,
        span: Span::beginning(&source),
    };
    let schedule = Schedule::of_cron(cron, parse_zone(&case.zone).unwrap(), Dst::RunOnce);
    let from = DateTime::<Utc>::from_timestamp(case.from, 0).unwrap();
    // Where cronsim gives up, ours may not find anything that it did not look for.
    let wanted = case.expected.len().max(1);
    let firings = schedule.slots(from).map(|slot| match slot {
        Slot::Fires(firing) => firing,
        Slot::Skipped(skipped) => panic!("{case:?} skips {skipped:?}"),
    });
    let firings: Vec<_> = firings.take(wanted).collect();
    for firing in &firings {
        match firing.note {
            None => tally.plain += 1,
            Some(Note::MovedFrom(_)) => tally.moved += 1,
            Some(Note::FirstPass) => tally.first_pass += 1,
            Some(Note::SecondPass) => panic!("{case:?} fires in a second pass"),
        }
    }
    tally.never += usize::from(firings.is_empty());
    firings.iter().map(|firing| firing.at.timestamp()).collect()
}

/// One process makes them all.
fn cases() -> Vec<Case> {
    let setting = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let (seed, cases) = (setting("CRON_SEED", SEED), setting("CRON_CASES", CASES));
    let made = Command::new("target/comparison/bin/python")
        .args(["tests/comparison/cases.py", &seed, &cases])
        // The zones of the package, which are of the same edition as ours, and not those of this machine.
        .env("PYTHONTZPATH", "")
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    serde_json::from_slice(&made.stdout).unwrap()
}
