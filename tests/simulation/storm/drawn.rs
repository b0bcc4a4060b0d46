//! Scripts drawn from a seed.

use super::chance::Chance;
use super::script::{
    Disk, EIGHT_OCLOCK_MS, Fate, History, Kind, Mishap, Path, RunScript, Script, Trigger, What,
};
use super::{DAY, MS, SECOND};
use campanile::workbench::{Bounds, Channel, Hours, OnUnknown, parse_zone};

impl Script {
    pub(super) fn draw(seed: u64) -> Script {
        let mut chance = Chance::new(seed);
        let channel = match chance.between(0, 9) {
            0..=5 => Channel::GroupMessage,
            6..=8 => Channel::Notification,
            _ => Channel::Broadcast,
        };
        let limit = match channel {
            Channel::Broadcast => chance.pick(&[1, 1, 3]),
            _ => chance.pick(&[5, 10, 20, 40, 200]),
        };
        let total = chance.number(50, 90);
        let span_ns = u64::from(total) * SECOND / u64::from(limit);
        let (runs, begins_wall_ms) = runs(&mut chance, channel, total, span_ns);
        let quiet_ns = span_ns + chance.pick(&[20, 60, 300, 600, 1_500]) * SECOND;
        let mishaps = 0..chance.between(4, 7);
        let mishaps = mishaps.map(|place| mishap(&mut chance, place, limit, span_ns));
        let mut script = Script {
            seed,
            channel,
            limit,
            runs,
            mishaps: mishaps.collect(),
            path: path(&mut chance),
            disk: Disk {
                commit: chance.pick(&[100_000, 2 * MS, 8 * MS]),
                varies: chance.pick(&[100_000, 3 * MS, 40 * MS]),
            },
            history: History {
                is_count_late: false,
                is_kept: !chance.one_in(6),
                lag_ns: chance.pick(&[0, 2, 20, 85]) * SECOND,
                others: chance.number(0, 3),
            },
            odds: odds(&mut chance),
            page: chance.number(7, 60),
            begins_wall_ms,
            quiet_ns,
        };
        if channel == Channel::GroupMessage && chance.one_in(6) {
            script.fail_twice(&mut chance);
        }
        script
    }

    /// What is unknown because its history could not be asked is wanted again, and so is in doubt once more when that
    /// can: this takes two outages of minutes at the right times.
    fn fail_twice(&mut self, chance: &mut Chance) {
        let mishap = |trigger, what| Mishap { trigger, what };
        let deaf_ns = chance.between(400, 700) * SECOND;
        self.mishaps.truncate(2);
        self.mishaps.extend([
            mishap(
                Trigger::After(Kind::Leaves, chance.number(2, 8)),
                outage(chance),
            ),
            mishap(Trigger::After(Kind::Leaves, 1), What::Deaf(deaf_ns)),
            mishap(Trigger::After(Kind::Retries, 1), outage(chance)),
            mishap(
                Trigger::After(Kind::Retries, chance.number(1, 9)),
                if chance.one_in(2) {
                    outage(chance)
                } else {
                    What::Cancel {
                        run: chance.number(0, 4),
                    }
                },
            ),
        ]);
        // And now and then the vendor says that nothing may be sent.
        self.odds.push((Fate::Answered(70_009), 20));
        self.history.is_kept = true;
        self.quiet_ns += 2_000 * SECOND;
        for run in &mut self.runs {
            run.is_online_only = false;
            run.retries = 3;
        }
    }
}

/// So long that the vendor forgets meanwhile: some is stored then, or nothing is.
fn outage(chance: &mut Chance) -> What {
    let for_ns = chance.between(240, 400) * SECOND;
    if chance.one_in(2) {
        return What::Silence(for_ns);
    }
    What::Sick {
        status: 503,
        code: 0,
        for_ns,
    }
}

fn runs(chance: &mut Chance, channel: Channel, total: u32, span_ns: u64) -> (Vec<RunScript>, i64) {
    let count = chance.pick(&[1, 1, 2, 3, 5]);
    // Some windows close while the first calls go out, others open then.
    let (hours, begins_wall_ms) = match chance.between(0, 11) {
        0 => (
            "08:00-08:01",
            EIGHT_OCLOCK_MS + 60_000 - draw_ms(chance, span_ns),
        ),
        1 => (
            "08:01-08:02",
            EIGHT_OCLOCK_MS + 60_000 - draw_ms(chance, span_ns),
        ),
        _ => ("", EIGHT_OCLOCK_MS),
    };
    let hours = hours.parse().ok().map(|window| Hours {
        window,
        zone: parse_zone("UTC").unwrap(),
    });
    let runs = (0..count).map(|run| {
        let targets = total / count + 1;
        RunScript {
            targets,
            begins_ns: if run == 0 {
                0
            } else {
                chance.between(0, 2 * span_ns + 2 * SECOND)
            },
            on_unknown: match channel {
                Channel::Broadcast => OnUnknown::Hold,
                _ => chance.pick(&[OnUnknown::Hold, OnUnknown::Resend]),
            },
            attempts: chance.pick(&[1, 2, 5, 5]),
            bounds: bounds(chance, targets, begins_wall_ms, hours),
            groups: match chance.between(0, 3) {
                0 => chance.number(1, 3),
                1 => targets / 2,
                _ => targets,
            },
            is_online_only: chance.one_in(8),
            retries: chance.pick(&[0, 1, 2, 4]),
        }
    });
    (runs.collect(), begins_wall_ms)
}

fn draw_ms(chance: &mut Chance, up_to_ns: u64) -> i64 {
    i64::try_from(chance.between(0, up_to_ns / MS)).unwrap()
}

fn bounds(chance: &mut Chance, targets: u32, begins_ms: i64, hours: Option<Hours>) -> Bounds {
    let finishes_in_ms = chance.pick(&[300, 2_000, 20_000, 300_000]);
    Bounds {
        rate: chance.one_in(6).then_some(15.0),
        first_attempts: chance.one_in(5).then(|| chance.between(1, targets.into())),
        hours,
        finish_by_ms: chance.one_in(6).then_some(begins_ms + finishes_in_ms),
    }
}

fn path(chance: &mut Chance) -> Path {
    let back = chance.pick(&[1, 10, 30, 400, 1_500]) * MS;
    Path {
        hesitates: chance.pick(&[0, 300_000, 300_000, 20 * MS, 20 * MS, 2_500 * MS]),
        out: chance.pick(&[1, 15, 100]) * MS,
        out_varies: chance.pick(&[0, 0, 3 * MS, 3 * MS, 25 * MS, 200 * MS]),
        back,
        back_varies: back * chance.between(0, 2),
    }
}

fn odds(chance: &mut Chance) -> Vec<(Fate, u64)> {
    let count = chance.between(1, 6);
    let mut left = 900;
    let odds = (0..count).map(|_| {
        let late = chance.between(1, 60);
        let fate = chance.pick(&[
            Fate::NoConnection,
            Fate::RequestLost,
            Fate::RequestLost,
            Fate::RequestLate(late),
            Fate::ReplyLost,
            Fate::ReplyLost,
            Fate::ReplyLate(late),
            Fate::ReplyBroken,
            Fate::Dropped,
            Fate::Answered(10_017),
            Fate::Answered(10_010),
            Fate::Answered(80_001),
            Fate::Answered(60_014),
            Fate::Answered(60_007),
            Fate::Answered(10_023),
            Fate::Answered(10_002),
            Fate::Executed(10_002),
            Fate::Executed(60_008),
            Fate::Executed(99_999),
            Fate::Status(502),
            Fate::ExecutedStatus(500),
        ]);
        let parts = chance.pick(&[40, 40, 120, 300]).min(left);
        left -= parts;
        (fate, parts)
    });
    odds.collect()
}

/// The first few strike soon, so that they strike in nearly every world.
fn mishap(chance: &mut Chance, place: u64, limit: u32, span_ns: u64) -> Mishap {
    let kinds = [
        (Kind::Commit, 60),
        (Kind::Commit, 60),
        (Kind::Notice, 60),
        (Kind::Leaves, 80),
        (Kind::Arrives, 80),
        (Kind::Answered, 80),
        (Kind::Any, 600),
        (Kind::Page, 6),
        (Kind::Asked, 20),
        (Kind::Retries, 6),
    ];
    let is_soon = place < 3;
    let (kind, up_to) = chance.pick(if is_soon { &kinds[..7] } else { &kinds });
    let at = chance.number(1, if is_soon { up_to / 5 } else { up_to });
    let trigger = match chance.between(0, 6) {
        0 => Trigger::At(chance.between(0, span_ns * 2 / 3)),
        1 if !is_soon => Trigger::At(chance.between(0, 600) * SECOND),
        2..=3 => Trigger::Before(kind, at),
        _ => Trigger::After(kind, at),
    };
    Mishap {
        trigger,
        what: what(chance, limit),
    }
}

/// How long somebody or something takes to come back; the vendor forgets after five minutes.
fn absence(chance: &mut Chance) -> u64 {
    match chance.between(0, 9) {
        0..=3 => chance.between(0, 1_500) * MS,
        4..=5 => chance.between(1, 60) * SECOND,
        6..=8 => chance.between(180, 420) * SECOND,
        _ => chance.between(1, 30) * DAY / 24,
    }
}

fn what(chance: &mut Chance, limit: u32) -> What {
    let for_ns = chance.between(1, 30) * chance.between(1, 30) * 100 * MS;
    match chance.between(0, 31) {
        0..=7 => What::Crash {
            down_ns: absence(chance),
            is_reboot: false,
        },
        8 => What::Crash {
            down_ns: absence(chance) + 5 * SECOND,
            is_reboot: true,
        },
        9..=10 => What::Drain {
            down_ns: absence(chance),
        },
        11..=13 => What::Step {
            by_ms: step(chance),
        },
        14 => What::NoConnection(for_ns),
        15 => What::Stall(for_ns / 10),
        16..=17 => What::Silence(for_ns * chance.pick(&[1, 1, 10])),
        18 => sick(chance, for_ns),
        19 => What::Locked {
            code: chance.pick(&[70_009, 60_020, 403]),
        },
        20 => What::Busy {
            group: chance.number(0, 2),
            for_ns,
        },
        21 => What::Crowded {
            taken: chance.number(1, limit),
            for_ns,
        },
        22 => What::SlowDisk(for_ns / 10),
        23 => What::Deaf(for_ns),
        24..=26 => What::Pause {
            run: chance.number(0, 4),
            for_ns: absence(chance),
        },
        27..=29 => What::Freeze {
            for_ns: absence(chance),
            pauses: chance.one_in(3).then(|| chance.number(0, 4)),
        },
        _ => What::Cancel {
            run: chance.number(0, 4),
        },
    }
}

/// Corrections of a second, and clocks that were quite wrong.
fn step(chance: &mut Chance) -> i64 {
    let by = chance.pick(&[900, 20_000, 150_000, 3_600_000, 86_400_000]);
    if chance.one_in(2) { by } else { -by }
}

fn sick(chance: &mut Chance, for_ns: u64) -> What {
    let (status, code) = chance.pick(&[(503, 0), (200, 60_008), (200, 10_002), (302, 0)]);
    What::Sick {
        status,
        code,
        for_ns,
    }
}
