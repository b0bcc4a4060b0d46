//! The way to the vendor and back.

use super::invariants::may_leave;
use super::script::Fate;
use super::vendor::{Call, Proof, Weather};
use super::world::{Event, TIMEOUT_NS, World};
use super::{MS, SECOND, at};
use campanile::workbench::{CallId, Reply};

/// A call on its way to the vendor.
pub(super) struct Flight {
    call: CallId,
    what: Call,
    fate: Fate,
    /// The process that made it.
    process: u32,
    /// When its answer is waited for no longer.
    until_ns: u64,
}

impl World {
    /// What is wrong with a call that leaves now.
    fn fate(&mut self) -> Fate {
        let draw = self.chance.between(0, 999);
        if self.now_ns < self.troubles.no_connection {
            return Fate::NoConnection;
        }
        if let Some(code) = self.troubles.locked {
            return Fate::Answered(code);
        }
        let (until, status, code) = self.troubles.sick;
        if self.now_ns < until {
            return if status == 200 {
                Fate::Answered(code)
            } else {
                Fate::Status(status)
            };
        }
        if self.is_quiet() {
            return Fate::Well;
        }
        let mut left = draw;
        for &(fate, parts) in &self.script.odds {
            if left < parts {
                self.faults += 1;
                return fate;
            }
            left -= parts;
        }
        Fate::Well
    }

    pub(super) fn leave(&mut self, call: CallId, what: Call, by_ns: u64) -> Result<(), String> {
        let process = self.process.as_ref();
        let is_halted = process.is_some_and(|process| process.has_halted(what.id.0));
        if is_halted || self.is_blind() || self.now().boot_ns > by_ns {
            self.tell(|_| format!("call {call} is kept back"));
            return self.keep_back(call);
        }
        let fate = self.fate();
        self.tell(|_| format!("call {call} leaves for {what:?}: {fate:?}"));
        if fate == Fate::NoConnection {
            let reply = Reply::NotSent("refused".to_owned());
            self.after(MS, Event::Answered(call, reply, Proof::NotDelivered));
            return Ok(());
        }
        self.observer.left(self.now_ns);
        may_leave(what.id, self.runs[at(what.id.0)].halted_ns, self.now_ns)?;
        let now = self.now();
        if let Some(process) = &mut self.process {
            process.dispatcher.on_wire(call, now, now);
        }
        let path = self.script.path;
        let varies = self.chance.between(0, path.out_varies);
        let late = match fate {
            Fate::RequestLate(seconds) => seconds * SECOND,
            _ => 0,
        };
        let until_ns = self.now_ns + TIMEOUT_NS;
        let arrives = self.through_stalls(path.out + varies + late);
        if fate == Fate::RequestLost || arrives >= until_ns {
            self.give_up(call, until_ns);
        }
        if fate != Fate::RequestLost {
            let flight = Flight {
                call,
                what,
                fate,
                process: self.process_count,
                until_ns,
            };
            self.at(arrives, Event::Arrives(flight));
        }
        Ok(())
    }

    pub(super) fn arrive(&mut self, flight: Flight) {
        let Flight {
            call,
            what,
            fate,
            process,
            until_ns,
        } = flight;
        let (busy_until, busy) = self.troubles.busy;
        let (crowded_until, taken) = self.troubles.crowded;
        let weather = Weather {
            busy: (self.now_ns < busy_until).then_some(busy),
            taken: if self.now_ns < crowded_until {
                taken
            } else {
                0
            },
        };
        let (reply, proof) = self.vendor.receive(self.now_ns, &what, fate, weather);
        self.tell(|_| format!("call {call} arrives: {reply:?}"));
        let is_given_up = self.now_ns >= until_ns;
        if is_given_up || process != self.process_count || self.process.is_none() {
            return;
        }
        let path = self.script.path;
        let varies = self.chance.between(0, path.back_varies);
        let late = match fate {
            Fate::ReplyLate(seconds) => seconds * SECOND,
            _ => 0,
        };
        if fate == Fate::ReplyLost || self.now_ns < self.troubles.silence {
            return self.give_up(call, until_ns);
        }
        let (reply, proof) = match fate {
            Fate::ReplyBroken => (
                Reply::Lost("the connection broke".to_owned()),
                Proof::Nothing,
            ),
            _ => (reply, proof),
        };
        let answered = self.through_stalls(path.back + varies + late);
        if answered >= until_ns {
            return self.give_up(call, until_ns);
        }
        self.at(answered, Event::Answered(call, reply, proof));
    }

    fn give_up(&mut self, call: CallId, at_ns: u64) {
        let reply = Reply::Lost("no answer in time".to_owned());
        self.at(at_ns, Event::Answered(call, reply, Proof::Nothing));
    }

    /// When something comes through that takes so long while the path is well.
    fn through_stalls(&self, takes_ns: u64) -> u64 {
        (self.now_ns + takes_ns).max(self.troubles.stall)
    }
}
