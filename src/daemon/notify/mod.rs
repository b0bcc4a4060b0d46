//! People are told of what happened by webhooks: a plain POST of JSON, also in the shapes of the common chat tools.
//!
//! Whoever tells never waits: each webhook has a queue of its own that forgets the oldest when it is full, and a failure
//! is an event among others. The address of a webhook is a secret and appears in none.

mod body;
mod posting;
mod queue;
mod target;

pub use target::{Target, Unresolved};

use super::Event;
use crate::containment::restart_task_on_panic;
use crate::settings::Notice;
use crate::vendor::{http, words};
use posting::Posting;
use queue::Queue;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// One try, from connecting to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tells webhooks. Dropping it leaves at once what has not gone out.
#[derive(Debug)]
pub struct Notifier {
    wanted: Vec<(Vec<Notice>, Arc<Queue>)>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Error)]
#[error("cannot set up HTTP for webhooks: {0}")]
pub struct SetupError(String);

impl Notifier {
    /// `told` hears what becomes of it: a webhook that fails once until it works again, and what was dropped.
    pub fn start(
        targets: Vec<Target>,
        told: &UnboundedSender<Event>,
    ) -> Result<Notifier, SetupError> {
        let (mut wanted, mut tasks) = (Vec::new(), JoinSet::new());
        for target in targets {
            let client = http(target.is_secure()).timeout(TIMEOUT).build();
            let client = client.map_err(|error| SetupError(words(error)))?;
            let queue = Arc::new(Queue::default());
            wanted.push((target.events.clone(), Arc::clone(&queue)));
            let (target, told) = (Arc::new(target), told.clone());
            tasks.spawn(restart_task_on_panic(move || {
                Posting::new(client.clone(), Arc::clone(&target), told.clone())
                    .run(Arc::clone(&queue))
            }));
        }
        Ok(Notifier { wanted, tasks })
    }

    /// Whoever wants to hear of it will.
    pub fn tell(&self, event: &Event, at_ms: i64) {
        for (notices, queue) in &self.wanted {
            if notices.iter().any(|notice| is_of(*notice, event)) {
                queue.put(event.clone(), at_ms);
            }
        }
    }

    /// Lets go out what waits, and gives up what takes longer.
    pub async fn finish(mut self, within: Duration) {
        for (_, queue) in &self.wanted {
            queue.close();
        }
        let all_out = async { while self.tasks.join_next().await.is_some() {} };
        // What is not out by then is in the log.
        let _ = timeout(within, all_out).await;
    }
}

/// Whether somebody who asked for `notice` is told of `event`.
fn is_of(notice: Notice, event: &Event) -> bool {
    match notice {
        Notice::EndedBadly => event.is_bad_end(),
        other => other.name() == event.name(),
    }
}

#[cfg(test)]
mod tests;
