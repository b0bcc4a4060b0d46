//! Reads what groups remember, on a lane of its own.

use crate::channel::{LookupFailure, Told};
use crate::clock;
use crate::delivery::{Finding, Search, Wanted};
use crate::identity::GroupId;
use crate::vendor::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Half of what the vendor allows: nothing waits for these but a run's very end.
const ASKED_EVERY: Duration = Duration::from_millis(10);

#[derive(Clone, Debug)]
pub(super) struct Historian {
    client: Client,
    turns: Arc<Mutex<Interval>>,
}

impl Historian {
    pub(super) fn new(client: Client) -> Historian {
        let mut turns = interval(ASKED_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Historian {
            client,
            turns: Arc::new(Mutex::new(turns)),
        }
    }

    /// Asks until the search has come to its end. It changes nothing, and may be given up at any time.
    pub(super) async fn search(&self, group: GroupId, wanted: Wanted) -> Finding {
        let mut search = Search::new(wanted.clone());
        loop {
            if let Some(finding) = self.ask(&mut search, &group, &wanted).await {
                return finding;
            }
        }
    }

    /// The same; `None`: an answer could not be used, and nothing is tried again. Without a connection it waits for one.
    pub(super) async fn search_once(&self, group: GroupId, wanted: Wanted) -> Option<Finding> {
        let mut search = Search::new(wanted.clone());
        while !search.has_failed() {
            let finding = self.ask(&mut search, &group, &wanted).await;
            if finding.is_some() {
                return finding;
            }
        }
        None
    }

    async fn ask(&self, search: &mut Search, group: &GroupId, wanted: &Wanted) -> Option<Finding> {
        tokio::time::sleep(search.pause()).await;
        self.turns.lock().await.tick().await;
        let ask = search.next();
        let (reply, vendor_ms) = self.client.ask(ask.command(), ask.body(group)).await;
        let told = Told::decode(ask, group, &reply);
        if told.as_ref().is_err_and(LookupFailure::wants_new_signature) {
            self.client.forget_signature(&reply);
        }
        let finding = search.learn(told)?;
        Some(wanted.weigh(finding, clock::now(), vendor_ms))
    }
}
