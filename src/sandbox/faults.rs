//! Misfortunes on purpose: how they are written, and which call meets which.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// One whole, in the unit shares are kept in.
const MILLION: u32 = 1_000_000;

/// What can go wrong on purpose. A call meets at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The call takes effect, then the connection closes without an answer.
    LostReply,
    /// The connection closes before the call takes effect.
    LostBefore,
    /// The call takes effect and is never answered; the connection stays open.
    Stall,
    /// HTTP status 500, without effect.
    Http500,
    /// Code 60007 below the rate, without effect.
    Throttle,
    /// Code 0 with a `MsgDropReason`, without effect; only group messages meet it.
    Drop,
}

impl Fault {
    pub const ALL: [Fault; 6] = [
        Fault::LostReply,
        Fault::LostBefore,
        Fault::Stall,
        Fault::Http500,
        Fault::Throttle,
        Fault::Drop,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Fault::LostReply => "lost_reply",
            Fault::LostBefore => "lost_before",
            Fault::Stall => "stall",
            Fault::Http500 => "http_500",
            Fault::Throttle => "throttle",
            Fault::Drop => "drop",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Which share of all calls meets which fault: `lost_reply=5%,lost_before=0.02`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    shares_per_million: BTreeMap<Fault, u32>,
}

/// A fault list that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FaultsError {
    #[error("`{0}` has no share: write `{0}=5%`")]
    NoShare(String),
    #[error("unknown fault `{name}`, did you mean `{nearest}`? (known: {known})")]
    UnknownName {
        name: String,
        nearest: Fault,
        known: String,
    },
    #[error("`{0}` is given twice")]
    Twice(Fault),
    #[error("`{0}` is not a share: write `5%` or `0.05`, no finer than one in a million")]
    BadShare(String),
    #[error("the shares add up to more than 100%")]
    OverWhole,
}

impl Faults {
    /// The fault met by the call with this draw. One draw decides among all, so each share is exact.
    pub(super) fn pick(&self, draw: u64) -> Option<Fault> {
        let mut position = draw % u64::from(MILLION);
        for (&fault, &share) in &self.shares_per_million {
            match position.checked_sub(u64::from(share)) {
                Some(rest) => position = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

impl FromStr for Faults {
    type Err = FaultsError;

    fn from_str(text: &str) -> Result<Faults, FaultsError> {
        let mut faults = Faults::default();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let (name, share) = item
                .split_once('=')
                .ok_or_else(|| FaultsError::NoShare(item.to_owned()))?;
            let fault = parse_name(name.trim())?;
            let share = parse_share(share.trim())
                .ok_or_else(|| FaultsError::BadShare(share.trim().to_owned()))?;
            if faults.shares_per_million.insert(fault, share).is_some() {
                return Err(FaultsError::Twice(fault));
            }
        }
        // Six shares of at most a million each cannot overflow.
        if faults.shares_per_million.values().sum::<u32>() > MILLION {
            return Err(FaultsError::OverWhole);
        }
        Ok(faults)
    }
}

fn parse_name(name: &str) -> Result<Fault, FaultsError> {
    let mut nearest = (usize::MAX, Fault::LostReply);
    for fault in Fault::ALL {
        let distance = edit_distance(name, fault.name());
        if distance == 0 {
            return Ok(fault);
        }
        if distance < nearest.0 {
            nearest = (distance, fault);
        }
    }
    let known = Fault::ALL.map(|fault| format!("`{fault}`")).join(", ");
    Err(FaultsError::UnknownName {
        name: name.to_owned(),
        nearest: nearest.1,
        known,
    })
}

/// Reads `5%`, `0.5%` or `0.05` digit by digit: shares are exact, so no float.
fn parse_share(text: &str) -> Option<u32> {
    let (number, decimals) = match text.strip_suffix('%') {
        Some(percent) => (percent.trim_end(), 4_usize),
        None => (text, 6),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > decimals {
        return None;
    }
    let share: u32 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    (share <= MILLION).then_some(share)
}

/// How many letters must be added, removed or replaced to get from one word to the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, left) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::super::chance::{Purpose, draw};
    use super::*;

    fn parse(text: &str) -> Result<Faults, FaultsError> {
        text.parse()
    }

    #[test]
    fn shares_are_percents_or_fractions() {
        let shares = parse("lost_reply=5%, lost_before = 0.02,stall=0.5 %")
            .unwrap()
            .shares_per_million;
        let expected = [
            (Fault::LostReply, 50_000),
            (Fault::LostBefore, 20_000),
            (Fault::Stall, 5_000),
        ];
        assert_eq!(shares, BTreeMap::from(expected));
        assert_eq!(parse(""), Ok(Faults::default()));
        assert!(parse("drop=100%").is_ok() && parse("drop=1").is_ok() && parse("drop=0").is_ok());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(
            parse("stall"),
            Err(FaultsError::NoShare("stall".to_owned()))
        );
        assert_eq!(
            parse("drop=1%,drop=2%"),
            Err(FaultsError::Twice(Fault::Drop))
        );
        assert_eq!(parse("drop=60%,stall=50%"), Err(FaultsError::OverWhole));
        for share in [
            "5",
            "101%",
            "",
            "%",
            "-1%",
            "1e-3",
            ".5",
            "1.",
            "0.00005%",
            "0.0000005",
        ] {
            let refused = parse(&format!("drop={share}"));
            assert_eq!(refused, Err(FaultsError::BadShare(share.to_owned())));
        }
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion_and_the_list() {
        let said = parse("lost_replies=1%").unwrap_err().to_string();
        let expected = "unknown fault `lost_replies`, did you mean `lost_reply`? (known: `lost_reply`, \
                        `lost_before`, `stall`, `http_500`, `throttle`, `drop`)";
        assert_eq!(said, expected);
    }

    #[test]
    fn about_the_right_share_of_calls_meets_a_fault() {
        let faults = parse("lost_reply=5%,stall=20%").unwrap();
        let picks: Vec<_> = (0..10_000)
            .map(|n| faults.pick(draw(9, Purpose::Fault, n)))
            .collect();
        let count = |fault| picks.iter().filter(|&&pick| pick == fault).count();
        assert!((400..600).contains(&count(Some(Fault::LostReply))));
        assert!((1_850..2_150).contains(&count(Some(Fault::Stall))));
        assert_eq!(count(Some(Fault::Drop)), 0);
        let whole = parse("drop=100%").unwrap();
        assert!((0..1_000).all(|n| whole.pick(draw(9, Purpose::Fault, n)) == Some(Fault::Drop)));
    }
}
