//! Misfortunes on purpose: which there are, and which call meets which.

mod outage;
mod shares;
mod text;

pub(super) use outage::{Outage, Phase};

use serde::{Serialize, Serializer};
use shares::{MILLION, Share};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What can go wrong on purpose with one call. A call meets at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The call takes effect, then the connection closes without an answer.
    LostReply,
    /// The connection closes before the call takes effect.
    LostBefore,
    /// The call takes effect and is never answered; the connection stays open.
    Stall,
    /// The call takes effect at once and is answered late.
    Slow,
    /// HTTP status 500, without effect.
    Http500,
    /// The call takes effect, and a page of a proxy is the answer, with HTTP status 200.
    Html,
    /// The same with status 502: a gateway gave up on a call that went through.
    Html502,
    /// The call takes effect, and the answer is longer than any answer is.
    Huge,
    /// Code 60007 below the rate, without effect.
    Throttle,
    /// Code 10023 below the group's rate, without effect; only group messages meet it.
    GroupThrottle,
    /// Code 0 with a `MsgDropReason`, without effect; only group messages meet it.
    Drop,
    /// The call takes effect and is answered with code 10002.
    Internal,
    /// Code 10002, without effect.
    InternalBefore,
    /// The call takes effect and is answered with code 60008.
    Timeout,
    /// Code 60008, without effect.
    TimeoutBefore,
    /// Code 70001 for a signature that is good, without effect.
    Expired,
    /// This code, without effect.
    Code(u32),
}

impl Fault {
    pub(super) const NAMED: [Fault; 16] = [
        Fault::LostReply,
        Fault::LostBefore,
        Fault::Stall,
        Fault::Slow,
        Fault::Http500,
        Fault::Html,
        Fault::Html502,
        Fault::Huge,
        Fault::Throttle,
        Fault::GroupThrottle,
        Fault::Drop,
        Fault::Internal,
        Fault::InternalBefore,
        Fault::Timeout,
        Fault::TimeoutBefore,
        Fault::Expired,
    ];

    const fn name(self) -> &'static str {
        match self {
            Fault::LostReply => "lost_reply",
            Fault::LostBefore => "lost_before",
            Fault::Stall => "stall",
            Fault::Slow => "slow",
            Fault::Http500 => "http_500",
            Fault::Html => "html",
            Fault::Html502 => "html_502",
            Fault::Huge => "huge",
            Fault::Throttle => "throttle",
            Fault::GroupThrottle => "group_throttle",
            Fault::Drop => "drop",
            Fault::Internal => "internal",
            Fault::InternalBefore => "internal_before",
            Fault::Timeout => "timeout",
            Fault::TimeoutBefore => "timeout_before",
            Fault::Expired => "expired",
            Fault::Code(_) => "code",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Code(code) => write!(formatter, "code_{code}"),
            named => formatter.write_str(named.name()),
        }
    }
}

/// By its name, also as the name of a member.
impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which share of all calls meets which fault, and what happens to the whole path:
/// `lost_reply=5%,lost_before=0.02,delay=0ms-20ms,refuse=5s/30s`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    shares: BTreeMap<Fault, Share>,
    /// How long a request is under way before it counts as arrived.
    pub(super) delay: Option<Between>,
    /// When nothing arrives and no reply leaves.
    pub(super) stall_path: Option<Outage>,
    /// When connecting is refused, and connections that are open are cut.
    pub(super) refuse: Option<Outage>,
}

/// Two durations, the shorter first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Between {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Faults {
    /// The fault met by the call with this draw. One draw decides among all, so each share is exact.
    pub(super) fn pick(&self, draw: u64) -> Option<Fault> {
        let mut position = draw % u64::from(MILLION);
        for (&fault, share) in &self.shares {
            match position.checked_sub(share.per_million()) {
                Some(rest) => position = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Purpose, draw};
    use super::*;

    #[test]
    fn about_the_right_share_of_calls_meets_a_fault() {
        let faults: Faults = "lost_reply=5%,stall=20%".parse().unwrap();
        let picks: Vec<_> = (0..10_000)
            .map(|n| faults.pick(draw(9, Purpose::Fault, n)))
            .collect();
        let count = |fault| picks.iter().filter(|&&pick| pick == fault).count();
        assert!((400..600).contains(&count(Some(Fault::LostReply))));
        assert!((1_850..2_150).contains(&count(Some(Fault::Stall))));
        assert_eq!(count(Some(Fault::Drop)), 0);
        let whole: Faults = "code_10016=100%".parse().unwrap();
        let met = Some(Fault::Code(10_016));
        assert!((0..1_000).all(|n| whole.pick(draw(9, Purpose::Fault, n)) == met));
    }

    #[test]
    fn a_fault_is_counted_under_its_name() {
        let counts = BTreeMap::from([(Fault::LostReply, 1), (Fault::Code(10_016), 2)]);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"lost_reply":1,"code_10016":2}"#);
    }
}
