//! What names one firing of a campaign, and the run that executes it.

use super::{CampaignName, Digest, SdkAppId};
use chrono::{NaiveDateTime, Timelike};
use chrono_tz::Tz;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// An app as the vendor tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VendorApp {
    pub sdk_app_id: SdkAppId,
    pub host: String,
}

/// The identity of an occurrence: unique in a journal, so that opening it twice is one run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OccurrenceKey {
    pub app: VendorApp,
    pub campaign: CampaignName,
    pub local: NaiveDateTime,
    /// 1 in the second pass of a repeated hour, else 0.
    pub fold: u8,
    pub zone: Tz,
    /// 1, and more for each `--again`.
    pub ordinal: u32,
    /// A rendering for a group of one's own: the occurrence itself stays untaken.
    pub test: bool,
}

impl OccurrenceKey {
    pub fn digest(&self) -> Digest {
        Digest::of(
            if self.test { "test" } else { "occurrence" },
            [
                self.app.sdk_app_id.0.to_be_bytes().as_slice(),
                self.app.host.as_bytes(),
                self.campaign.as_str().as_bytes(),
                civil_text(self.local).as_bytes(),
                &[self.fold],
                self.zone.name().as_bytes(),
                &self.ordinal.to_be_bytes(),
            ],
        )
    }

    pub fn run_name(&self) -> RunName {
        RunName {
            campaign: self.campaign.clone(),
            local: self.local,
            ordinal: self.ordinal,
            test: self.test,
        }
    }
}

/// What people call a run: `campaign@2026-11-11T09:00`, with `#2` appended for a repetition; a test of that occurrence
/// has `#test`, the next one `#test2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName {
    pub campaign: CampaignName,
    pub local: NaiveDateTime,
    pub ordinal: u32,
    pub test: bool,
}

const TEST: &str = "test";

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "a run is written `campaign@2026-11-11T09:00`, with `#2` behind it for a repetition or `#test` for a test"
)]
pub struct InvalidRunName;

impl fmt::Display for RunName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", self.campaign, civil_text(self.local))?;
        match (self.test, self.ordinal) {
            (false, 1) => Ok(()),
            (false, ordinal) => write!(formatter, "#{ordinal}"),
            (true, 1) => write!(formatter, "#{TEST}"),
            (true, ordinal) => write!(formatter, "#{TEST}{ordinal}"),
        }
    }
}

impl FromStr for RunName {
    type Err = InvalidRunName;

    fn from_str(text: &str) -> Result<RunName, InvalidRunName> {
        let (campaign, time) = text.split_once('@').ok_or(InvalidRunName)?;
        let (local, mark) = time.split_once('#').unwrap_or((time, "1"));
        let (is_test, number) = match mark.strip_prefix(TEST) {
            Some("") => (true, "1"),
            Some(number) => (true, number),
            None => (false, mark),
        };
        let ordinal = number.parse().map_err(|_| InvalidRunName)?;
        if ordinal == 0 {
            return Err(InvalidRunName);
        }
        Ok(RunName {
            campaign: CampaignName::try_from(campaign).map_err(|_| InvalidRunName)?,
            local: parse_civil(local).ok_or(InvalidRunName)?,
            ordinal,
            test: is_test,
        })
    }
}

/// A local time as people write it; seconds only where there are any.
pub fn civil_text(local: NaiveDateTime) -> String {
    let format = if local.second() == 0 {
        "%Y-%m-%dT%H:%M"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    };
    local.format(format).to_string()
}

/// A local time as [`civil_text`] writes it.
pub fn parse_civil(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_name_reads_back_as_it_is_written() {
        for text in [
            "welcome@2026-11-11T09:00",
            "welcome@2026-11-11T09:00:07",
            "a-1@2026-01-01T00:00#2",
            "a-1@2026-01-01T00:00#test",
            "a-1@2026-01-01T00:00#test2",
        ] {
            assert_eq!(text.parse::<RunName>().unwrap().to_string(), text);
        }
        for text in [
            "welcome",
            "welcome@",
            "Welcome@2026-11-11T09:00",
            "w@2026-11-11T09:00#0",
            "w@2026-11-11T09:00#",
            "w@2026-11-11T09:00#test0",
            "w@2026-11-11T09:00#tests",
            "w@2026-13-11T09:00",
        ] {
            assert_eq!(text.parse::<RunName>(), Err(InvalidRunName), "{text}");
        }
    }
}
