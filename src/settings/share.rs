//! A part of a whole.

use std::str::FromStr;
use thiserror::Error;

/// A share from nothing to all, exact to a ten-thousandth of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    millionths: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a share is a percentage from 0 to 100 with at most four decimals")]
pub struct InvalidShare;

impl Share {
    const ALL: u32 = 1_000_000;
    const PERCENT: u32 = 10_000;
    const DECIMALS_MAX: usize = 4;

    /// As journals keep it.
    pub fn millionths(self) -> u32 {
        self.millionths
    }

    pub fn from_millionths(millionths: u32) -> Option<Share> {
        (millionths <= Self::ALL).then_some(Share { millionths })
    }

    /// Whether `part` of `whole` is no more than this share.
    pub fn allows(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(Self::ALL) <= u128::from(whole) * u128::from(self.millionths)
    }
}

impl FromStr for Share {
    type Err = InvalidShare;

    fn from_str(text: &str) -> Result<Share, InvalidShare> {
        // Nothing is nothing in every unit.
        if text == "0" {
            return Ok(Share::default());
        }
        let number = text.strip_suffix('%').ok_or(InvalidShare)?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > Self::DECIMALS_MAX {
            return Err(InvalidShare);
        }
        let whole: u32 = whole.parse().map_err(|_| InvalidShare)?;
        let decimals: u32 = format!("{decimals:0<width$}", width = Self::DECIMALS_MAX)
            .parse()
            .map_err(|_| InvalidShare)?;
        let millionths = whole
            .checked_mul(Self::PERCENT)
            .and_then(|whole| whole.checked_add(decimals));
        millionths
            .and_then(Share::from_millionths)
            .ok_or(InvalidShare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        let millionths = |text: &str| text.parse::<Share>().map(Share::millionths);
        assert_eq!(millionths("1%"), Ok(10_000));
        assert_eq!(millionths("0.5%"), Ok(5_000));
        assert_eq!(millionths("0.0001%"), Ok(1));
        assert_eq!(millionths("100%"), Ok(1_000_000));
        assert_eq!(millionths("0"), Ok(0));
        for text in [
            "1",
            "",
            "%",
            ".5%",
            "1.%",
            "100.0001%",
            "-1%",
            "+1%",
            "1 %",
            "0.00001%",
            "99999999999%",
        ] {
            assert_eq!(millionths(text), Err(InvalidShare), "{text}");
        }
    }

    #[test]
    fn a_share_is_met_up_to_its_edge() {
        let share: Share = "1%".parse().unwrap();
        assert!(share.allows(3, 300));
        assert!(!share.allows(4, 300));
        assert!(!share.allows(1, 99));
        assert!(Share::default().allows(0, 0));
        assert!(!Share::default().allows(1, u64::MAX));
    }
}
