//! The state behind all connections: who may pass, what is stored, what is counted. Pure but for the ledger's file.

mod lookups;
mod manner;
mod misfortunes;
mod sending;

#[cfg(test)]
mod tests;

pub use manner::{Manner, OverGroupLimit};

use super::answer::{Answer, Refusal, code};
use super::archive::Archive;
use super::call::Call;
use super::chance::{Purpose, draw, spread};
use super::deduplication::{Registers, Seen};
use super::expiring::Expiring;
use super::faults::Fault;
use super::ledger::{Ledger, LedgerError, Position};
use super::record::{Fingerprint, Line, Record};
use super::rules::Request;
use super::statistics::Statistics;
use super::window::{GroupWindow, Window};
use crate::clock::Moment;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::time::Duration;

const FIRST_MINUTE_NS: u64 = 60_000_000_000;

/// What was decided about a call when its head arrived.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) fault: Option<Fault>,
    pub(super) admitted: Result<(), Refusal>,
    /// How long its reply takes.
    pub(super) latency: Duration,
}

/// The seconds of one call.
#[derive(Debug, Default)]
struct Lane {
    arrivals: Window,
    executed: Window,
}

#[derive(Debug)]
pub(super) struct Desk {
    manner: Manner,
    /// The account a message comes from when its body names none.
    administrator: String,
    faults_since: Moment,
    /// How many requests were given a delay.
    delays: u64,
    tickets: u64,
    first_arrival_ns: Option<u64>,
    lanes: HashMap<Call, Lane>,
    group_second: GroupWindow,
    seen: Seen,
    /// Each message that was stored lately, and whether it was again since.
    stored: Expiring<Fingerprint, bool>,
    archive: Archive,
    ledger: Ledger,
    statistics: Statistics,
}

impl Desk {
    /// Continues `file` if there is one: its messages count as stored, and their `Random`s as seen. What was dropped or
    /// refused is not in a file, so such a `Random` is forgotten.
    pub(super) fn open(
        manner: Manner,
        administrator: String,
        file: Option<File>,
        now: Moment,
    ) -> Result<Desk, LedgerError> {
        let mut desk = Desk {
            administrator,
            faults_since: now,
            delays: 0,
            tickets: 0,
            first_arrival_ns: None,
            lanes: HashMap::new(),
            group_second: GroupWindow::default(),
            seen: Seen::new(manner.deduplication),
            stored: Expiring::default(),
            archive: Archive::default(),
            ledger: Ledger::default(),
            statistics: Statistics::default(),
            manner,
        };
        if let Some(file) = file {
            desk.ledger = Ledger::open(file, |line, position| desk.restore(line, position, now))?;
        }
        Ok(desk)
    }

    /// Decides about a call whose head has arrived. A call takes a place in the rate's second as soon as it passes
    /// here, whatever its body turns out to be.
    pub(super) fn arrive(
        &mut self,
        call: Call,
        at: Moment,
        credentials: Result<(), Refusal>,
    ) -> Ticket {
        let seed = self.manner.seed;
        let fault = self
            .manner
            .faults
            .pick(draw(seed, Purpose::Fault, self.tickets));
        let chance = draw(seed, Purpose::Latency, self.tickets);
        let latency = spread(self.manner.latency, self.manner.jitter, chance);
        self.tickets += 1;
        self.first_arrival_ns.get_or_insert(at.boot_ns);
        self.statistics.arrived(call, at.wall_ms);
        let lane = self.lanes.entry(call).or_default();
        lane.arrivals.push(at.boot_ns);
        let most = self.statistics.most_in_one_second.entry(call).or_default();
        *most = lane.arrivals.count(at.boot_ns).max(*most);
        let admitted = match fault {
            // None of these gets as far as the application.
            Some(Fault::LostBefore | Fault::Http500) => Ok(()),
            _ => credentials.and_then(|()| self.admit(call, at, fault)),
        };
        Ticket {
            fault,
            admitted,
            latency,
        }
    }

    fn admit(&mut self, call: Call, at: Moment, fault: Option<Fault>) -> Result<(), Refusal> {
        let limit = self.manner.limit_of(call);
        let over_rate = || {
            Refusal::new(
                code::CALL_OVER_RATE,
                format!("{call} is over {limit} calls per second"),
            )
        };
        if fault == Some(Fault::Throttle) {
            self.statistics.meet(Fault::Throttle);
            return Err(over_rate());
        }
        if fault == Some(Fault::Expired) {
            self.statistics.meet(Fault::Expired);
            return Err(Refusal::new(
                code::SIGNATURE_EXPIRED,
                "the UserSig has expired",
            ));
        }
        let executed = &mut self.lanes.entry(call).or_default().executed;
        if executed.count(at.boot_ns) >= limit {
            let first_ns = self.first_arrival_ns.unwrap_or(at.boot_ns);
            let is_first_minute = at.boot_ns.saturating_sub(first_ns) <= FIRST_MINUTE_NS;
            self.statistics.pass_limit(call, is_first_minute);
            return Err(over_rate());
        }
        executed.push(at.boot_ns);
        Ok(())
    }

    /// Executes a call whose body is here, unless something is against it.
    pub(super) fn conclude(
        &mut self,
        call: Call,
        at: Moment,
        ticket: &Ticket,
        request: Result<Request, Refusal>,
    ) -> Answer {
        let instead = ticket
            .fault
            .and_then(|fault| misfortunes::instead(fault, call));
        let answer = match (&ticket.admitted, request) {
            (Err(refusal), request) => {
                self.turn_away(call, at, refusal.clone(), request.ok().as_ref())
            }
            (Ok(()), Err(refusal)) => self.refuse(refusal),
            (Ok(()), Ok(request)) => match instead {
                Some((fault, refusal)) => {
                    self.meet(fault);
                    self.turn_away(call, at, refusal, Some(&request))
                }
                None => self.execute(call, at, ticket.fault, request),
            },
        };
        self.statistics.answered(call, answer.code());
        answer
    }

    fn execute(
        &mut self,
        call: Call,
        at: Moment,
        fault: Option<Fault>,
        request: Request,
    ) -> Answer {
        let answer = match request {
            Request::Message(message)
                if fault == Some(Fault::Drop) && call == Call::GroupMessage =>
            {
                self.meet(Fault::Drop);
                self.drop_message(call, at, &message)
            }
            Request::Message(message) => self.send(call, at, message),
            Request::History(request) => self.history(at, request),
            Request::Recall(request) => self.recall(at, &request),
            Request::GroupInfo(request) => self.group_info(request),
        };
        match fault.and_then(misfortunes::afterwards) {
            Some((fault, refusal)) if answer.code() == 0 => {
                self.meet(fault);
                Answer::refused(refusal)
            }
            _ => answer,
        }
    }

    /// Refuses what could be read, or could not.
    fn turn_away(
        &mut self,
        call: Call,
        at: Moment,
        refusal: Refusal,
        request: Option<&Request>,
    ) -> Answer {
        if let Some(Request::Message(message)) = request {
            self.register(Registers::Refused, call, at, message);
        }
        self.refuse(refusal)
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) -> Answer {
        self.statistics.refuse(refusal.code);
        Answer::refused(refusal)
    }

    pub(super) fn meet(&mut self, fault: Fault) {
        self.statistics.meet(fault);
    }

    pub(super) fn break_off(&mut self) {
        self.statistics.broken_off += 1;
    }

    pub(super) fn hold(&mut self) {
        self.statistics.held += 1;
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            groups: self.archive.group_count(),
            accepted_per_s: self.statistics.rate_per_s(),
            ledger_failures: self.ledger.failures(),
            ..self.statistics.clone()
        }
    }

    pub(super) fn ledger(&self) -> VecDeque<Bytes> {
        self.ledger.pieces()
    }

    fn restore(&mut self, line: &Line, position: Position, now: Moment) {
        match line {
            Line::Message(record) => self.restore_message(record, position, now),
            Line::Recall(recalled) => {
                self.archive.recall(recalled);
            }
        }
    }

    fn restore_message(&mut self, record: &Record, position: Position, now: Moment) {
        self.statistics.restored += 1;
        self.statistics.accept(record.arrived_ms);
        self.archive.add(record, position);
        // Only the wall clock spans two runs. A record from the future is as good as new.
        let age_ms = u64::try_from(now.wall_ms.saturating_sub(record.arrived_ms)).unwrap_or(0);
        self.remember(record, now, Duration::from_millis(age_ms));
    }
}

fn group_over_rate() -> Refusal {
    Refusal::new(
        code::GROUP_OVER_RATE,
        "msg count exceeds limit,please retry later",
    )
}
