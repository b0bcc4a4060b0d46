//! Whom the daemon tells, and of what: webhooks.

use super::address::{self, AddressSource, AddressSpec};
use crate::source::{Diagnostic, Short, Spanned};
use schemars::JsonSchema;
use serde::Deserialize;

/// A webhook that is told of what happens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Where its address is kept, which is a secret; an address on this machine may stand here itself.
    #[schemars(required)]
    pub url: Option<Spanned<Short<AddressSpec>>>,
    /// Of what it is told. Default: ends with refused, failed or unknown deliveries, and all else that needs a person.
    #[schemars(length(min = 1), extend("default" = DEFAULT_NOTICES.map(Notice::name)))]
    pub events: Option<Vec<Notice>>,
    /// In which shape: plain JSON, or as a chat tool takes it. Default: json.
    #[schemars(extend("default" = "json"))]
    pub format: Option<Format>,
}

/// The shape of what is posted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The event with its fields, as in the daemon's own log.
    #[default]
    Json,
    /// An incoming webhook of Slack.
    Slack,
    /// A robot of a group in `WeCom`.
    Wecom,
    /// A custom bot of Feishu or Lark.
    Feishu,
    /// A custom robot of `DingTalk`; where it asks for a keyword, `campanile` is one.
    Dingtalk,
    /// A workflow of Teams that posts when a webhook request is received.
    Teams,
}

/// What one may be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The daemon has started.
    Started,
    /// The daemon ends, as it was told to.
    Draining,
    /// A file cannot be used as it is.
    Invalid,
    /// The file of an invalid campaign is valid again.
    Mended,
    /// So many campaigns went at once that it waits for somebody to confirm it.
    Disappeared,
    /// The settings cannot be used as they are.
    SettingsInvalid,
    /// A commit has operator's settings that are not used until they are accepted.
    SettingsPending,
    /// Other files are there: those of another commit of the repository.
    GitSwitched,
    /// The repository is out of reach.
    GitFailed,
    /// The newest commit of the repository cannot be used.
    GitRefused,
    /// A plan is ready before its time.
    Prepared,
    /// An occurrence cannot be prepared; there is still time to mend it.
    Unprepared,
    /// A run has begun.
    Opened,
    /// A run has ended.
    Ended,
    /// A run has ended with refused, failed or unknown deliveries.
    EndedBadly,
    /// A run is stopped or paused, and needs a person.
    Left,
    /// An occurrence is not begun without a person.
    Held,
    /// An occurrence came too late to be begun.
    Missed,
    /// An occurrence was left out, as its campaign says.
    Skipped,
    /// Nothing is sent on a lane.
    LaneFailed,
    /// The journal is not where it was, or has a further name.
    Journal,
    /// The journal cannot be written, so that nothing new is sent.
    JournalUnavailable,
    /// The journal can be written again.
    JournalRecovered,
    /// The machine's clock was set.
    ClockStepped,
    /// The machine's clock differs from the vendor's.
    VendorClock,
}

/// What needs a person.
const DEFAULT_NOTICES: [Notice; 11] = [
    Notice::EndedBadly,
    Notice::Left,
    Notice::Held,
    Notice::Missed,
    Notice::Unprepared,
    Notice::Disappeared,
    Notice::SettingsPending,
    Notice::GitRefused,
    Notice::LaneFailed,
    Notice::Journal,
    Notice::JournalUnavailable,
];

impl Notice {
    pub const ALL: [Notice; 25] = [
        Notice::Started,
        Notice::Draining,
        Notice::Invalid,
        Notice::Mended,
        Notice::Disappeared,
        Notice::SettingsInvalid,
        Notice::SettingsPending,
        Notice::GitSwitched,
        Notice::GitFailed,
        Notice::GitRefused,
        Notice::Prepared,
        Notice::Unprepared,
        Notice::Opened,
        Notice::Ended,
        Notice::EndedBadly,
        Notice::Left,
        Notice::Held,
        Notice::Missed,
        Notice::Skipped,
        Notice::LaneFailed,
        Notice::Journal,
        Notice::JournalUnavailable,
        Notice::JournalRecovered,
        Notice::ClockStepped,
        Notice::VendorClock,
    ];

    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            Notice::Started => "started",
            Notice::Draining => "draining",
            Notice::Invalid => "invalid",
            Notice::Mended => "mended",
            Notice::Disappeared => "disappeared",
            Notice::SettingsInvalid => "settings_invalid",
            Notice::SettingsPending => "settings_pending",
            Notice::GitSwitched => "git_switched",
            Notice::GitFailed => "git_failed",
            Notice::GitRefused => "git_refused",
            Notice::Prepared => "prepared",
            Notice::Unprepared => "unprepared",
            Notice::Opened => "opened",
            Notice::Ended => "ended",
            Notice::EndedBadly => "ended_badly",
            Notice::Left => "left",
            Notice::Held => "held",
            Notice::Missed => "missed",
            Notice::Skipped => "skipped",
            Notice::LaneFailed => "lane_failed",
            Notice::Journal => "journal",
            Notice::JournalUnavailable => "journal_unavailable",
            Notice::JournalRecovered => "journal_recovered",
            Notice::ClockStepped => "clock_stepped",
            Notice::VendorClock => "vendor_clock",
        }
    }
}

/// A webhook as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub address: AddressSource,
    pub format: Format,
    pub events: Vec<Notice>,
}

pub(super) fn lower(specs: &[WebhookSpec], complaints: &mut Vec<Diagnostic>) -> Vec<Webhook> {
    let webhooks = specs.iter().filter_map(|spec| {
        let address = address::lower(spec.url.as_ref()?, complaints)?;
        let events = spec.events.clone();
        Some(Webhook {
            address,
            format: spec.format.unwrap_or_default(),
            events: events.unwrap_or_else(|| DEFAULT_NOTICES.to_vec()),
        })
    });
    webhooks.collect()
}

#[cfg(test)]
mod tests {
    use super::super::secret::shows_secret;
    use super::super::{Settings, secret::SecretSource};
    use super::*;
    use crate::source::{Source, render};
    use std::sync::Arc;

    fn source(notify: &str) -> Arc<Source> {
        let apps = "apps: { main: { sdk_app_id: 1, region: singapore } }";
        Source::new("campanile.yaml", format!("{apps}\n{notify}\n"))
    }

    fn read(notify: &str, variables: &[(&str, &str)]) -> Result<Vec<Webhook>, Vec<Diagnostic>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let variables: Vec<_> = variables.iter().map(owned).collect();
        Settings::read(&source(notify), &variables).map(|settings| settings.notify)
    }

    fn kept(source: SecretSource) -> AddressSource {
        AddressSource::Kept(source)
    }

    #[test]
    fn a_webhook_hears_of_what_needs_a_person_unless_it_says_otherwise() {
        assert_eq!(read("", &[]).unwrap(), []);
        let webhooks = read(
            "notify: [{ url: { env: HOOK } }, { url: { file: a }, format: slack, events: [ended] }]",
            &[],
        );
        let expected = [
            Webhook {
                address: kept(SecretSource::Environment("HOOK".to_owned())),
                format: Format::Json,
                events: DEFAULT_NOTICES.to_vec(),
            },
            Webhook {
                address: kept(SecretSource::File("a".to_owned())),
                format: Format::Slack,
                events: vec![Notice::Ended],
            },
        ];
        assert_eq!(webhooks.unwrap(), expected);
    }

    #[test]
    fn a_variable_gives_all_webhooks_and_one_that_they_name_is_no_override() {
        let given = (
            "CAMPANILE_NOTIFY",
            "[{ url: { env: HOOK }, format: feishu }]",
        );
        assert_eq!(read("", &[given]).unwrap()[0].format, Format::Feishu);
        let named = ("CAMPANILE_NOTIFY__HOOK", "https://example.com/7f3a9c");
        let webhooks = read(
            "notify: [{ url: { env: CAMPANILE_NOTIFY__HOOK } }]",
            &[named],
        );
        assert_eq!(webhooks.unwrap().len(), 1);
    }

    #[test]
    fn an_address_in_the_settings_is_shown_nowhere() {
        for notify in [
            "notify: [{ url: \"https://example.com/7f3a9c\" }]",
            "notify: [{ url: 7f3a9c }]",
            "notify: [{ url: { env: \"https://example.com/7f3a9c\" } }]",
            "notify: [{ url: { fiel: \"https://example.com/7f3a9c\" } }]",
            "notfy: [{ url: \"https://example.com/7f3a9c\" }]",
            "notfy: [{ ulr: \"https://example.com/hook/7f3a9c\" }]",
        ] {
            let complaints = read(notify, &[]).unwrap_err();
            assert!(!complaints.is_empty(), "{notify}");
            for complaint in complaints {
                let shown = render(&complaint, false, 100);
                assert!(!shown.contains("7f3a9c"), "{shown}");
            }
            assert!(shows_secret(&source(notify)), "{notify}");
        }
        let sound = "notify: [{ url: { env: HOOK } }, { url: \"http://localhost:9000/hook\" }]";
        assert!(read(sound, &[]).is_ok());
        assert!(!shows_secret(&source(sound)));
    }
}
