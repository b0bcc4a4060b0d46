//! Shares of a whole, exact to one in a million.

use std::fmt;

/// One whole, in the unit shares are kept in.
pub(super) const MILLION: u32 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(u32);

impl Share {
    /// Reads `5%`, `0.5%` or `0.05` digit by digit: shares are exact, so no float.
    pub(super) fn parse(text: &str) -> Option<Share> {
        let (number, decimals) = match text.strip_suffix('%') {
            Some(percent) => (percent.trim_end(), 4_usize),
            None => (text, 6),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > decimals {
            return None;
        }
        let share: u32 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
        (share <= MILLION).then_some(Share(share))
    }

    pub(super) fn per_million(self) -> u64 {
        u64::from(self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            return write!(formatter, "{whole}%");
        }
        let decimals = format!("{rest:04}");
        write!(formatter, "{whole}.{}%", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_percents_or_fractions() {
        let per_million = |text| Share::parse(text).map(Share::per_million);
        assert_eq!(per_million("5%"), Some(50_000));
        assert_eq!(per_million("0.02"), Some(20_000));
        assert_eq!(per_million("0.5 %"), Some(5_000));
        assert_eq!(
            ["100%", "1", "0"].map(per_million),
            [Some(1_000_000), Some(1_000_000), Some(0)]
        );
        for text in ["5", "101%", "", "%", "-1%", "1e-3", ".5", "1."] {
            assert_eq!(Share::parse(text), None, "{text}");
        }
        assert_eq!(Share::parse("0.00005%"), None);
        assert_eq!(Share::parse("0.0000005"), None);
    }

    proptest! {
        #[test]
        fn a_share_is_read_as_it_is_shown(millionths in 0..=MILLION) {
            let share = Share(millionths);
            prop_assert_eq!(Share::parse(&share.to_string()), Some(share));
        }
    }
}
