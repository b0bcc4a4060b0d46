//! How the daemon stands, for whoever looks from outside: people, probes, the machine's supervisor.

use super::lanes::SENDS;
use super::{Daemon, Error, Event, Reached, Readiness, run_name};
use crate::identity::Moment;
use crate::source::plural;

impl Daemon {
    pub(super) async fn tell_notices(&mut self, now: Moment) -> Result<(), Error> {
        self.notices.see_lanes(self.lanes.others(), now);
        if let Some(notices) = self.notices.changed() {
            self.journal.set_notices(&notices).await?;
        }
        Ok(())
    }

    /// How it stands, for probes and for the machine's supervisor.
    pub(super) fn tell_standing(&mut self, now: Moment) {
        self.heartbeat.beat(now);
        self.supervisor.beat();
        // A lane that another process sends on is no lack.
        let lacks = self.lanes.others();
        let lacks = lacks.filter(|(_, why)| !why.ends_with(SENDS));
        let mut waits_for: Vec<String> = lacks
            .map(|(lane, why)| format!("the lane {lane}: {why}"))
            .collect();
        if !self.is_loaded {
            waits_for.push("the campaigns".to_owned());
        }
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
            let (role, differs_ms) = (app.role.clone(), client.clock_differs_ms());
            let Some(differs_ms) = differs_ms else {
                self.notices.clear("clock", &role);
                continue;
            };
            if !self.notices.has("clock", &role) {
                let text = Event::VendorClock { differs_ms };
                self.notices.set("clock", &role, &text.text(), now);
                self.tell(text);
            }
        }
    }

    fn standing(&self) -> String {
        let open = plural(self.runs.all().count() as u64, "open run");
        let next = self.roster.first().map_or_else(
            || "nothing is to come".to_owned(),
            |(name, occurrence)| format!("next is {}", run_name(name, occurrence)),
        );
        format!("{open}; {next}")
    }
}
