//! What the dispatcher wants done is begun: written, sent, read, looked for.

use super::outage::recovered;
use super::{Event, Loop, broken};
use crate::clock;
use crate::dispatch::{CallId, RunTag, Step};
use crate::executor::Error;
use crate::identity::Moment;
use crate::journal::Written;
use crate::vendor::Call;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

impl Loop {
    pub(super) async fn perform(&mut self, steps: Vec<Step>) -> Result<(), Error> {
        for step in steps {
            match step {
                Step::Record {
                    run,
                    number,
                    place,
                    entry,
                } => {
                    let Some(course) = self.courses.get(&run) else {
                        continue;
                    };
                    let written = Written {
                        run: course.run.id,
                        number,
                        place,
                        entry,
                    };
                    self.unwritten.add(&written);
                    // A writer that ended has its error waiting; the loop meets it next.
                    let _ = self.entries.send(written).await;
                }
                Step::Send {
                    call,
                    body,
                    leaves_by_ns,
                } => self.send(call, body, leaves_by_ns),
                Step::Fetch { run } => self.fetch(run),
                Step::LookUp {
                    run,
                    number,
                    group,
                    wanted,
                } => {
                    let historian = self.historian.clone();
                    self.beside(async move {
                        let finding = historian.search(group, wanted).await;
                        Ok(Event::LookedUp(run, number, finding))
                    });
                }
            }
        }
        Ok(())
    }

    fn send(&mut self, call: CallId, body: String, leaves_by_ns: u64) {
        let course = self.dispatcher.run_of(call);
        let Some(course) = course.and_then(|tag| self.courses.get(&tag)) else {
            return;
        };
        let permit = Arc::clone(&course.permit);
        let (client, wire, channel) = (self.client.clone(), self.wire.clone(), self.channel);
        self.calls.spawn(async move {
            let is_kept_back = Arc::new(AtomicBool::new(false));
            let keep_back = Arc::clone(&is_kept_back);
            let noticed = move |at: Moment| {
                // Connecting takes its time, in which somebody may have paused the run; and a process may be stopped, or
                // its machine sleep, at any moment.
                if !permit.holds(at) || at.boot_ns > leaves_by_ns {
                    keep_back.store(true, Ordering::Release);
                    return false;
                }
                // A notice that is lost only makes the limiter count from the decision to send.
                let _ = wire.try_send((call, at));
                true
            };
            let reply = client.call(Call { channel, body }, noticed).await;
            let reply = (!is_kept_back.load(Ordering::Acquire)).then_some(reply);
            (call, reply, clock::now())
        });
    }

    fn fetch(&mut self, tag: RunTag) {
        let course = self.courses.get_mut(&tag);
        if let Some(mut pages) = course.and_then(|course| course.pages.take()) {
            let (own, journal) = (self.own, self.journal.clone());
            self.beside(async move {
                loop {
                    let error = match pages.fresh().await {
                        Ok(jobs) => return Ok(Event::Page(tag, jobs, Box::new(pages))),
                        Err(error) => error,
                    };
                    if let Err(error) = recovered(&journal, error).await {
                        return broken(tag, own, error);
                    }
                }
            });
        }
    }
}
