//! What waits to be told.

use super::super::Event;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// So much waits for one webhook; beyond that the oldest goes.
const WAITING_MAX: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    notes: VecDeque<Note>,
    dropped: u64,
    is_closed: bool,
}

/// Something to be told.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) event: Event,
    pub(super) at_ms: i64,
}

impl Queue {
    pub(super) fn put(&self, event: Event, at_ms: i64) {
        let mut waiting = self.waiting();
        if waiting.notes.len() == WAITING_MAX {
            waiting.notes.pop_front();
            waiting.dropped += 1;
        }
        waiting.notes.push_back(Note { event, at_ms });
        drop(waiting);
        self.changed.notify_one();
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.changed.notify_one();
    }

    /// Returns when there is something to take. `false`: there is nothing and nothing will come.
    pub(super) async fn has_any(&self) -> bool {
        loop {
            {
                let waiting = self.waiting();
                if !waiting.notes.is_empty() {
                    return true;
                }
                if waiting.is_closed {
                    return false;
                }
            }
            self.changed.notified().await;
        }
    }

    /// The oldest, if it is wanted. What was dropped comes before it, as an event of its own.
    pub(super) fn take_if(&self, is_wanted: impl FnOnce(&Note) -> bool) -> Option<Note> {
        let mut waiting = self.waiting();
        let at_ms = waiting.notes.front()?.at_ms;
        if waiting.dropped > 0 {
            let dropped = waiting.dropped;
            let event = Event::NotifyDropped { dropped };
            let note = Note { event, at_ms };
            return is_wanted(&note).then(|| {
                waiting.dropped = 0;
                note
            });
        }
        waiting.notes.pop_front_if(|note| is_wanted(note))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
