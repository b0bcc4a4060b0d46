//! A strict vendor: what it was sent, what it keeps, and what its answers prove.

use super::script::{Fate, History};
use super::{Id, SECOND};
use campanile::workbench::{
    Ask, Channel, GroupFacts, HistoryItem, HistoryPage, Placeholder, Reply, Told,
};
use std::collections::{BTreeMap, HashMap, VecDeque};

const GROUP_LIMIT: usize = 40;
const DEDUPLICATION: u64 = 300 * SECOND;
/// Messages of one page of a history.
const PAGE: usize = 20;

/// What an answer proves about its call, whatever its reader makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Delivered,
    NotDelivered,
    Nothing,
}

/// What the vendor reads of a call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) id: Id,
    pub(super) group: String,
    pub(super) random: Option<u32>,
}

impl Call {
    pub(super) fn read(body: &str) -> Call {
        let text = |key: &str| {
            let at = body.find(key)? + key.len();
            let end = body[at..].find(['"', ','])?;
            Some(&body[at..at + end])
        };
        let id = text("\"CloudCustomData\":\"").unwrap();
        let (run, number) = id.split_once('/').unwrap();
        Call {
            id: (run.parse().unwrap(), number.parse().unwrap()),
            group: text("\"GroupId\":\"").unwrap_or_default().to_owned(),
            random: text("\"Random\":").map(|random| random.parse().unwrap()),
        }
    }
}

/// What others do to the lane just now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) busy: Option<u32>,
    pub(super) taken: u32,
}

#[derive(Debug)]
pub(super) struct Vendor {
    channel: Channel,
    limit: usize,
    history: History,
    begins_wall_ms: i64,
    pub(super) arrivals: Vec<u64>,
    /// When each message was stored.
    pub(super) stored: BTreeMap<Id, Vec<u64>>,
    executed: VecDeque<u64>,
    seen: HashMap<u32, (u64, u64)>,
    groups: HashMap<String, Group>,
}

#[derive(Debug, Default)]
struct Group {
    recent: VecDeque<u64>,
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    random: u32,
    is_ours: bool,
    at_ns: u64,
}

fn within_a_second(times: &mut VecDeque<u64>, now_ns: u64) -> usize {
    while times.front().is_some_and(|at| at + SECOND <= now_ns) {
        times.pop_front();
    }
    times.len()
}

impl Vendor {
    pub(super) fn new(channel: Channel, limit: u32, history: History, wall_ms: i64) -> Vendor {
        Vendor {
            channel,
            limit: limit as usize,
            history,
            begins_wall_ms: wall_ms,
            arrivals: Vec::new(),
            stored: BTreeMap::new(),
            executed: VecDeque::new(),
            seen: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    pub(super) fn receive(
        &mut self,
        now_ns: u64,
        call: &Call,
        fate: Fate,
        weather: Weather,
    ) -> (Reply, Proof) {
        self.arrivals.push(now_ns);
        // Another front answers, or the door is shut.
        match fate {
            Fate::Status(status) => return (answer_with(status, ""), Proof::Nothing),
            Fate::Answered(code) if !matches!(code, 10_010 | 10_017 | 80_001) => {
                return coded(code);
            }
            _ => {}
        }
        let others = weather.taken as usize;
        if within_a_second(&mut self.executed, now_ns) + others >= self.limit {
            return coded(60_007);
        }
        self.executed.push_back(now_ns);
        if self.channel == Channel::GroupMessage {
            let is_busy = weather
                .busy
                .is_some_and(|busy| call.group == format!("g{busy}"));
            let group = self.groups.entry(call.group.clone()).or_default();
            if is_busy || within_a_second(&mut group.recent, now_ns) >= GROUP_LIMIT {
                return coded(10_023);
            }
            group.recent.push_back(now_ns);
        }
        match fate {
            Fate::Answered(code) => return coded(code),
            Fate::Dropped => {
                let body = r#"{"ActionStatus":"OK","ErrorCode":0,"MsgDropReason":"MsgFreqCtrl"}"#;
                return (answer_with(200, body), Proof::NotDelivered);
            }
            _ => {}
        }
        let (time_s, seq) = self.store(now_ns, call);
        match fate {
            Fate::Executed(code) => coded(code),
            Fate::ExecutedStatus(status) => (answer_with(status, "<html>"), Proof::Nothing),
            _ => {
                let body = format!(
                    r#"{{"ActionStatus":"OK","ErrorCode":0,"MsgTime":{time_s},"MsgSeq":{seq}}}"#
                );
                (answer_with(200, &body), Proof::Delivered)
            }
        }
    }

    /// Stores it, unless it is a repetition that can be told.
    fn store(&mut self, now_ns: u64, call: &Call) -> (i64, u64) {
        if let Some(random) = call.random
            && let Some((at, seq)) = self.seen.get(&random)
            && now_ns - at < DEDUPLICATION
        {
            return (self.time_s(*at), *seq);
        }
        let others = self.history.others;
        let group = self.groups.entry(call.group.clone()).or_default();
        let message = |random, is_ours| Message {
            random,
            is_ours,
            at_ns: now_ns,
        };
        group
            .messages
            .extend((0..others).map(|other| message(other, false)));
        group
            .messages
            .push(message(call.random.unwrap_or_default(), true));
        let seq = group.messages.len() as u64;
        if let Some(random) = call.random {
            self.seen.insert(random, (now_ns, seq));
        }
        self.stored.entry(call.id).or_default().push(now_ns);
        (self.time_s(now_ns), seq)
    }

    /// The vendor's clock is right.
    pub(super) fn time_s(&self, at_ns: u64) -> i64 {
        (self.begins_wall_ms + i64::try_from(at_ns / 1_000_000).unwrap()) / 1_000
    }

    /// What a group says of itself and of its messages.
    pub(super) fn tell(&self, now_ns: u64, group: &str, ask: Ask) -> Told {
        let none = Vec::new();
        let messages = self
            .groups
            .get(group)
            .map_or(&none, |group| &group.messages);
        let is_there = |message: &&Message| message.at_ns + self.history.lag_ns <= now_ns;
        let newest = messages.iter().take_while(is_there).count();
        let from = match ask {
            Ask::Group => {
                return Told::Group(GroupFacts {
                    keeps_history: Some(self.history.is_kept),
                    next_seq: Some(if self.history.is_count_late {
                        newest as u64 + 1
                    } else {
                        messages.len() as u64 + 1
                    }),
                });
            }
            Ask::Newest => newest,
            Ask::From(seq) => newest.min(usize::try_from(seq).unwrap()),
        };
        let items = (from.saturating_sub(PAGE)..from).rev().map(|place| {
            let message = &messages[place];
            HistoryItem {
                from: if message.is_ours {
                    "administrator"
                } else {
                    "peter"
                }
                .to_owned(),
                random: Some(message.random),
                seq: place as u64 + 1,
                time_s: Some(self.time_s(message.at_ns)),
                placeholder: Placeholder::None,
            }
        });
        Told::Page(HistoryPage {
            items: items.collect(),
        })
    }
}

fn answer_with(status: u16, body: &str) -> Reply {
    Reply::Answered {
        status,
        body: body.into(),
        signature: 0,
    }
}

fn coded(code: u32) -> (Reply, Proof) {
    let status = u16::try_from(code).unwrap_or(200);
    if code < 1_000 {
        return (answer_with(status, ""), Proof::Nothing);
    }
    let body = format!(r#"{{"ActionStatus":"FAIL","ErrorCode":{code},"ErrorInfo":"no"}}"#);
    let proof = match code {
        10_010 | 10_017 | 10_023 | 60_007 | 60_014 | 60_020 | 70_009 | 80_001 => {
            Proof::NotDelivered
        }
        _ => Proof::Nothing,
    };
    (answer_with(200, &body), proof)
}
