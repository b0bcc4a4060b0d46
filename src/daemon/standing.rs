//! How the daemon stands, for whoever looks from outside: people, probes, the machine's supervisor.

use super::journal_queue::Request;
use super::lanes::LaneProblem;
use super::{Daemon, Error, Event, Reached, Readiness, run_name};
use crate::identity::Moment;
use crate::journal::{self, Problem};
use crate::source::plural;

impl Daemon {
    /// Fails if the journal is not where it was. Reports a further name that it has got.
    pub(super) fn watch_journal(&mut self, now: Moment) -> Result<(), Error> {
        self.journal.check_in_place()?;
        let Err(error) = self.journal.check_links() else {
            self.problems.clear(&Problem::Journal);
            return Ok(());
        };
        let why = error.to_string();
        if self.problems.set(Problem::Journal, &why, now) {
            self.tell(Event::Journal { why });
        }
        Ok(())
    }

    /// Tells people that the journal is lost, if that is why the daemon ends.
    pub(super) fn tell_lost_journal(&self, error: &Error) {
        if let Error::Journal(error @ journal::Error::Displaced { .. }) = error {
            let why = error.to_string();
            self.tell(Event::Journal { why });
        }
    }

    pub(super) fn report_problems(&mut self, now: Moment) {
        self.problems.see_lanes(self.lanes.others(), now);
        if let Some(problems) = self.problems.changed() {
            self.journal_queue.also(Request::Problems(problems));
        }
    }

    /// How it stands, for probes and for the machine's supervisor.
    pub(super) fn tell_standing(&mut self, now: Moment) {
        self.heartbeat.beat(now);
        self.supervisor.beat();
        // Where another process holds a lane, that process sends.
        let is_lack = |problem: &LaneProblem| match problem {
            LaneProblem::NotTaken | LaneProblem::Failed { .. } => true,
            LaneProblem::HeldElsewhere { .. } => false,
        };
        let lacks = self.lanes.others().filter(|(_, why)| is_lack(why));
        let mut waits_for: Vec<String> = lacks
            .map(|(lane, why)| format!("the lane {lane}: {why}"))
            .collect();
        if !self.is_loaded {
            waits_for.push("the campaigns".to_owned());
        }
        waits_for.extend(self.outages.why().map(|why| format!("the journal: {why}")));
        let readiness = Readiness { waits_for };
        self.readiness.send_if_modified(|before| {
            let is_news = *before != readiness;
            *before = readiness;
            is_news
        });
        let status = self.standing();
        if status != self.status {
            self.supervisor.status(&status);
            self.status = status;
        }
    }

    /// What is signed and looked up goes by both clocks.
    pub(super) fn compare_clocks(&mut self, now: Moment) {
        for at in 0..self.apps.len() {
            let Reached { app, client, .. } = &self.apps[at];
            let problem = Problem::Clock {
                app: app.role.clone(),
            };
            let Some(differs_ms) = client.clock_differs_ms() else {
                self.problems.clear(&problem);
                continue;
            };
            if !self.problems.has(&problem) {
                let event = Event::VendorClock { differs_ms };
                self.problems.set(problem, &event.text(), now);
                self.tell(event);
            }
        }
    }

    fn standing(&self) -> String {
        let open = plural(self.open_runs as u64, "open run");
        let next = self.scheduler.next().map_or_else(
            || "nothing is to come".to_owned(),
            |(name, occurrence)| format!("next is {}", run_name(name, occurrence)),
        );
        format!("{open}; {next}")
    }
}
