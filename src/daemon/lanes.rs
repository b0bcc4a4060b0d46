//! The lanes that this process sends on.

use super::{Error, Event, LaneName, Reached};
use crate::channel::Channel;
use crate::clock;
use crate::delivery::Interruption;
use crate::executor::{Resident, Seat};
use crate::identity::{Moment, VendorApp};
use crate::journal::{self, Journal, LaneLock, RunId};
use std::fmt;
use std::time::Duration;
use tokio::sync::watch;

/// How often a lane is asked for that another process has, or that failed.
const ASKED_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Lanes {
    journal: Journal,
    drain: watch::Receiver<Option<Interruption>>,
    all: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    app: VendorApp,
    channel: Channel,
    held: Held,
    /// Once taken it is let go of by the end of the process: whatever breaks, nothing is on its way into the journal then.
    lock: Option<LaneLock>,
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
        Lanes {
            journal,
            drain,
            all: Vec::new(),
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
            let event = lane.tend(&self.journal, &self.drain, apps, now).await;
            events.extend(event);
        }
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
                ended = ended.and(resident.ended().await);
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
        journal: &Journal,
        drain: &watch::Receiver<Option<Interruption>>,
        apps: &[Reached],
        now: Moment,
    ) -> Option<Event> {
        let ask_again = now.plus(ASKED_EVERY);
        let lane = self.name();
        let before = match &mut self.held {
            Held::Ours(resident) => {
                let why = resident.failure()?.to_string();
                let problem = LaneProblem::Failed { why: why.clone() };
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
        let (problem, event) = match self.take(journal, drain, app).await {
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

    async fn take(
        &mut self,
        journal: &Journal,
        drain: &watch::Receiver<Option<Interruption>>,
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
        })?;
        self.held = Held::Ours(resident);
        Ok(())
    }
}
