//! What a run is opened with.

use crate::campaign::Campaign;
use crate::identity::{OccurrenceKey, VendorApp};
use crate::journal::Opening;
use crate::plan::{Frame, Header};
use crate::schedule::Occurrence;
use crate::settings::App;

/// What a plan is made for, and what names its occurrence.
pub fn frame(
    (app, vendor_app): (&App, VendorApp),
    campaign: &Campaign,
    occurrence: &Occurrence,
    ordinal: u32,
) -> (Frame, OccurrenceKey) {
    let key = OccurrenceKey {
        app: vendor_app,
        campaign: campaign.name.clone(),
        local: occurrence.local(),
        fold: occurrence.fold,
        zone: occurrence.zone(),
        ordinal,
        test: false,
    };
    let frame = Frame {
        occurrence: occurrence.clone(),
        digest: key.digest(),
        members_max: campaign.channel().members_max(&app.limits),
    };
    (frame, key)
}

/// The first run of an occurrence, as its campaign wants it sent.
pub fn opening(
    app: &App,
    campaign: &Campaign,
    occurrence: &Occurrence,
    (key, header): (OccurrenceKey, Header),
) -> Opening {
    let rules = &campaign.rules;
    Opening {
        key,
        app: app.role.clone(),
        header,
        rate: rules.rate,
        attempts: rules.attempts,
        tolerate: rules.tolerate,
        window: rules.window,
        pause_after: rules.pause_after,
        stop_after: None,
        earlier: None,
        on_unknown: rules.on_unknown,
        finish_by_ms: finish_by_ms(campaign, occurrence),
        start_within: campaign
            .schedule
            .as_ref()
            .map(|schedule| schedule.start_within),
        revision: None,
        is_scheduled: false,
    }
}

/// After this no delivery of the occurrence is begun. A campaign that is sent by hand only has no such instant: the limit
/// belongs to its schedule.
pub fn finish_by_ms(campaign: &Campaign, occurrence: &Occurrence) -> Option<i64> {
    let within = campaign.schedule.as_ref()?.finish_within?;
    let within_ms = i64::try_from(within.as_millis()).unwrap_or(i64::MAX);
    Some(occurrence.at.timestamp_millis().saturating_add(within_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Texts;
    use crate::identity::Moment;
    use crate::settings::Settings;
    use crate::source::Source;

    fn campaign(schedule: &str, defaults: &str) -> Campaign {
        let settings =
            format!("apps: {{ main: {{ sdk_app_id: 1, region: singapore }} }}\n{defaults}");
        let settings = Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap();
        let text = format!(
            "name: news\n{schedule}audience: {{ groups: [g1] }}\nsend: {{ group_message: {{ text: \"x\" }} }}\n"
        );
        Campaign::read(&Source::new("news.yaml", text), &settings, &Texts::new()).unwrap()
    }

    #[test]
    fn a_run_ends_so_long_after_its_occurrence_as_its_schedule_says() {
        const HOUR_MS: i64 = 3_600_000;
        let now = Moment {
            wall_ms: 1_800_000_000_900,
            boot_ns: 0,
            boot_id: 0,
        };
        let occurrence = Occurrence::at_moment(now, chrono_tz::Asia::Shanghai);
        let by = |schedule: &str, defaults: &str| {
            finish_by_ms(&campaign(schedule, defaults), &occurrence)
        };
        let defaults = "defaults: { schedule: { finish_within: 3h } }\n";
        let daily = "schedule: { cron: \"0 9 * * *\" }\n";
        let limited = "schedule: { cron: \"0 9 * * *\", finish_within: 6h }\n";
        assert_eq!(by("", ""), None);
        assert_eq!(by(daily, ""), None);
        assert_eq!(by(limited, ""), Some(1_800_000_000_000 + 6 * HOUR_MS));
        assert_eq!(by(limited, defaults), by(limited, ""));
        assert_eq!(by(daily, defaults), Some(1_800_000_000_000 + 3 * HOUR_MS));
        assert_eq!(by("", defaults), None, "it has no schedule");
    }
}
