//! One webhook, post by post.

use super::super::Event;
use super::body::{gap, refusal, take};
use super::queue::{Note, Queue};
use super::target::Target;
use crate::vendor::words;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

/// Between the tries of a post, of which there is one more. An answer that is lost may bring it twice.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];
/// More of an answer is not read.
const ANSWER_MAX: usize = 16 * 1_024;

pub(super) struct Posting {
    client: reqwest::Client,
    target: Arc<Target>,
    told: UnboundedSender<Event>,
    is_failing: bool,
}

/// Why a post did not arrive.
struct Refused {
    why: String,
    /// Another try would go the same way.
    is_final: bool,
}

impl Posting {
    pub(super) fn new(
        client: reqwest::Client,
        target: Arc<Target>,
        told: UnboundedSender<Event>,
    ) -> Posting {
        Posting {
            client,
            target,
            told,
            is_failing: false,
        }
    }

    /// Until the queue is closed and empty.
    pub(super) async fn run(mut self, queue: Arc<Queue>) {
        let format = self.target.format;
        while queue.has_any().await {
            let Some((body, notes)) = take(&queue, format) else {
                continue;
            };
            self.tell_dropped(&notes);
            let posted = self.post(&body).await;
            self.tell_failing(posted.err());
            sleep(gap(format)).await;
        }
    }

    async fn post(&self, body: &Value) -> Result<(), Refused> {
        for pause in PAUSES {
            match self.try_once(body).await {
                Err(refused) if !refused.is_final => sleep(pause).await,
                over => return over,
            }
        }
        self.try_once(body).await
    }

    async fn try_once(&self, body: &Value) -> Result<(), Refused> {
        let lost = |error: reqwest::Error| Refused {
            why: words(error),
            is_final: false,
        };
        let request = self.client.post(self.target.address.secret());
        let request = request.header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.map_err(lost)?;
        let status = response.status();
        if !status.is_success() {
            let may_change = status.is_server_error() || [408, 429].contains(&status.as_u16());
            return Err(Refused {
                why: format!("it answers with {}", status.as_u16()),
                is_final: !may_change,
            });
        }
        let answer = read(response).await.map_err(lost)?;
        match refusal(self.target.format, &answer) {
            Some(why) => Err(Refused {
                why,
                is_final: false,
            }),
            None => Ok(()),
        }
    }

    fn tell_dropped(&self, notes: &[Note]) {
        let is_dropped = |note: &&Note| matches!(note.event, Event::NotifyDropped { .. });
        for note in notes.iter().filter(is_dropped) {
            self.tell(note.event.clone());
        }
    }

    /// Once for each time that it begins to fail.
    fn tell_failing(&mut self, refused: Option<Refused>) {
        let was_failing = self.is_failing;
        self.is_failing = refused.is_some();
        if let Some(Refused { why, .. }) = refused.filter(|_| !was_failing) {
            let url_host = self.target.address.host().to_owned();
            self.tell(Event::NotifyFailed { url_host, why });
        }
    }

    fn tell(&self, event: Event) {
        // Where nobody listens any more the daemon has ended.
        let _ = self.told.send(event);
    }
}

async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut answer = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        answer.extend_from_slice(&chunk);
        if answer.len() > ANSWER_MAX {
            answer.truncate(ANSWER_MAX);
            break;
        }
    }
    Ok(answer)
}
