//! The lanes that this process sends on.

use super::{Error, Event, LaneName, Reached};
use crate::channel::Channel;
use crate::clock;
use crate::delivery::{Interruption, RunState};
use crate::executor::{self, Resident, Seat};
use crate::identity::{Moment, RunName, VendorApp};
use crate::journal::{self, Journal, LaneLock, RunId};
use std::fmt;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How often a lane is asked for that another process has, or that failed.
const ASKED_EVERY: Duration = Duration::from_secs(2);
/// Longest pause before a lane that fails again and again is taken; the first is `ASKED_EVERY`, and each further one doubles.
const BACKOFF_MAX: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Lanes {
    journal: Journal,
    drain: watch::Receiver<Option<Interruption>>,
    all: Vec<Lane>,
    left_alone: mpsc::UnboundedReceiver<(RunName, RunState)>,
    left_alone_out: mpsc::UnboundedSender<(RunName, RunState)>,
}

#[derive(Debug)]
struct Lane {
    app: VendorApp,
    channel: Channel,
    held: Held,
    /// Once taken it is let go of by the end of the process: whatever breaks, nothing is on its way into the journal then.
    lock: Option<LaneLock>,
    /// How long to leave it alone when it fails once more.
    backoff: Duration,
    taken_at: Moment,
}

/// Reason why this process does not send on a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LaneProblem {
    /// It has not tried to take the lane yet.
    NotTaken,
    /// Another process holds the lane, and sends what is opened here.
    HeldElsewhere { holder: String },
    /// The lane could not be taken, or what was being sent on it broke.
    Failed { why: String },
}

impl fmt::Display for LaneProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaneProblem::NotTaken => formatter.write_str("not taken yet"),
            LaneProblem::HeldElsewhere { holder } => write!(formatter, "{holder} sends on it"),
            LaneProblem::Failed { why } => formatter.write_str(why),
        }
    }
}

/// Arguments that are the same for all lanes.
type OfLanes<'a> = (
    &'a Journal,
    &'a watch::Receiver<Option<Interruption>>,
    &'a mpsc::UnboundedSender<(RunName, RunState)>,
);

#[derive(Debug)]
enum Held {
    Ours(Resident),
    /// Not at present.
    Elsewhere {
        problem: LaneProblem,
        ask_again: Moment,
    },
}

impl Lanes {
    pub(super) fn new(journal: Journal, drain: watch::Receiver<Option<Interruption>>) -> Lanes {
        let (left_alone_out, left_alone) = mpsc::unbounded_channel();
        Lanes {
            journal,
            drain,
            all: Vec::new(),
            left_alone,
            left_alone_out,
        }
    }

    /// From now on the lane is wanted.
    pub(super) fn want(&mut self, app: &VendorApp, channel: Channel) {
        if self.position(app, channel).is_some() {
            return;
        }
        self.all.push(Lane {
            app: app.clone(),
            channel,
            held: Held::Elsewhere {
                problem: LaneProblem::NotTaken,
                ask_again: clock::now(),
            },
            lock: None,
            backoff: ASKED_EVERY,
            taken_at: clock::now(),
        });
    }

    fn position(&self, app: &VendorApp, channel: Channel) -> Option<usize> {
        let mut lanes = self.all.iter();
        lanes.position(|lane| lane.app == *app && lane.channel == channel)
    }

    /// A run that was opened is to begin at once. Where the lane is held elsewhere its holder finds it.
    pub(super) fn begin(&self, app: &VendorApp, channel: Channel, run: RunId) {
        let lane = self.position(app, channel).map(|at| &self.all[at]);
        if let Some(Held::Ours(resident)) = lane.map(|lane| &lane.held) {
            resident.begin(run);
        }
    }

    /// Takes what can be had, and notices what was lost; what there is to tell of that.
    pub(super) async fn tend(&mut self, apps: &[Reached], now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for lane in &mut self.all {
            let of_lanes = (&self.journal, &self.drain, &self.left_alone_out);
            events.extend(lane.tend(of_lanes, apps, now).await);
        }
        let left = std::iter::from_fn(|| self.left_alone.try_recv().ok());
        events.extend(left.map(|(run, state)| Event::Left { run, state }));
        events
    }

    /// Returns the lanes on which this process does not send, with the reason.
    pub(super) fn others(&self) -> impl Iterator<Item = (LaneName, &LaneProblem)> {
        self.all.iter().filter_map(|lane| match &lane.held {
            Held::Ours(_) => None,
            Held::Elsewhere { problem, .. } => Some((lane.name(), problem)),
        })
    }

    /// Waits until nothing is under way any more; the drain was told to all.
    pub(super) async fn ended(&mut self) -> Result<(), Error> {
        let mut ended = Ok(());
        for lane in &mut self.all {
            if let Held::Ours(resident) = &mut lane.held {
                ended = both(ended, resident.ended().await);
            }
        }
        Ok(ended?)
    }
}

impl Lane {
    fn name(&self) -> LaneName {
        LaneName {
            sdk_app_id: self.app.sdk_app_id,
            channel: self.channel,
        }
    }

    async fn tend(
        &mut self,
        of_lanes: OfLanes<'_>,
        apps: &[Reached],
        now: Moment,
    ) -> Option<Event> {
        let ask_again = now.plus(ASKED_EVERY);
        let lane = self.name();
        let before = match &mut self.held {
            Held::Ours(resident) => {
                let why = resident.failure()?.to_string();
                let problem = LaneProblem::Failed { why: why.clone() };
                let ask_again = now.plus(self.back_off(now));
                self.held = Held::Elsewhere { problem, ask_again };
                return Some(Event::LaneFailed { lane, why });
            }
            Held::Elsewhere { ask_again, .. } if now.boot_ns < ask_again.boot_ns => return None,
            Held::Elsewhere {
                problem,
                ask_again: next,
            } => {
                *next = ask_again;
                problem.clone()
            }
        };
        let app = apps.iter().find(|app| app.vendor_app == self.app)?;
        let (problem, event) = match self.take(of_lanes, app).await {
            Ok(()) => return Some(Event::LaneTaken { lane }),
            Err(Error::Journal(journal::Error::LaneHeld { holder })) => (
                LaneProblem::HeldElsewhere {
                    holder: holder.clone(),
                },
                Event::LaneElsewhere { lane, holder },
            ),
            Err(error) => {
                let why = error.to_string();
                (
                    LaneProblem::Failed { why: why.clone() },
                    Event::LaneFailed { lane, why },
                )
            }
        };
        let is_news = problem != before;
        self.held = Held::Elsewhere { problem, ask_again };
        is_news.then_some(event)
    }

    /// Returns the pause before the lane is taken again. One that was sent on for longer than the longest pause starts over.
    fn back_off(&mut self, now: Moment) -> Duration {
        let has_lasted = now
            .age_of(self.taken_at)
            .is_none_or(|age| age > BACKOFF_MAX);
        let pause = if has_lasted {
            ASKED_EVERY
        } else {
            self.backoff
        };
        self.backoff = (pause * 2).min(BACKOFF_MAX);
        pause
    }

    async fn take(
        &mut self,
        (journal, drain, left_alone): OfLanes<'_>,
        app: &Reached,
    ) -> Result<(), Error> {
        if self.lock.is_none() {
            self.lock = Some(journal.lock_lane(&self.app, self.channel)?);
        }
        journal.check_newest().await?;
        let resident = Resident::start(Seat {
            journal: journal.clone(),
            client: app.client.clone(),
            app: self.app.clone(),
            role: app.app.role.clone(),
            channel: self.channel,
            rules: app.rules(self.channel),
            drain: drain.clone(),
            left_alone: left_alone.clone(),
        })?;
        self.held = Held::Ours(resident);
        self.taken_at = clock::now();
        Ok(())
    }
}

/// Returns the first error, with all that could not be written on either lane.
fn both(
    first: Result<(), executor::Error>,
    second: Result<(), executor::Error>,
) -> Result<(), executor::Error> {
    use executor::Error::Unwritten;
    match (first, second) {
        (Err(Unwritten { within, why, what }), Err(Unwritten { what: more, .. })) => {
            let what = format!("{what}; {more}");
            Err(Unwritten { within, why, what })
        }
        (first, second) => first.and(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SdkAppId;

    #[test]
    fn what_two_lanes_could_not_write_is_reported_in_one_error() {
        let unwritten = |what: &str| executor::Error::Unwritten {
            within: Duration::from_secs(10),
            why: "the disk of the journal is full".to_owned(),
            what: what.to_owned(),
        };
        let error = both(
            Err(unwritten("1 answer of a")),
            Err(unwritten("the state of b")),
        );
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("1 answer of a; the state of b"), "{error}");
        assert!(both(Ok(()), Err(unwritten("a"))).is_err());
        assert!(both(Err(executor::Error::Lane), Ok(())).is_err());
    }

    #[test]
    fn lane_that_fails_again_and_again_is_left_alone_for_longer_each_time() {
        let taken_at = clock::now();
        let later = |seconds| taken_at.plus(Duration::from_secs(seconds));
        let mut lane = Lane {
            app: VendorApp {
                sdk_app_id: SdkAppId(1),
                host: "h".to_owned(),
            },
            channel: Channel::GroupMessage,
            held: Held::Elsewhere {
                problem: LaneProblem::NotTaken,
                ask_again: taken_at,
            },
            lock: None,
            backoff: ASKED_EVERY,
            taken_at,
        };
        let mut pauses = || lane.back_off(later(1)).as_secs();
        let all: Vec<u64> = (0..7).map(|_| pauses()).collect();
        assert_eq!(all, [2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(lane.back_off(later(61)), ASKED_EVERY);
    }
}
