//! The campaign files of a world.

use campanile::workbench::{
    Campaign, Definition, Digest, Dst, Schedule, ScheduleKey, Settings, Source, Span, Spanned,
    parse_zone,
};
use campanile::workbench::{CampaignName, Cron, Overlap, SdkAppId, VendorApp};
use std::sync::Arc;
use std::time::Duration;

/// A campaign's file as it is on the disk.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) name: CampaignName,
    pub(super) content: Content,
    /// Counts the edits.
    pub(super) revision: u64,
    /// When it was edited last.
    pub(super) edited_ns: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) exists: bool,
    pub(super) enabled: bool,
    pub(super) is_valid: bool,
    pub(super) schedule: Arc<Schedule>,
    /// How long a worker needs to plan it.
    pub(super) cost_ms: u64,
}

impl File {
    pub(super) fn key(&self) -> ScheduleKey {
        ScheduleKey {
            app: VendorApp {
                sdk_app_id: SdkAppId(1),
                host: "host".to_owned(),
            },
            campaign: self.name.clone(),
        }
    }

    pub(super) fn definition(&self) -> Definition {
        Definition {
            key: self.key(),
            schedule: Arc::clone(&self.content.schedule),
            hours: None,
            invalid: (!self.content.is_valid).then(|| "it is not YAML".to_owned()),
            version: self.version(),
        }
    }

    pub(super) fn version(&self) -> Digest {
        Digest::of("test", [self.revision.to_be_bytes().as_slice()])
    }
}

/// Every `minutes` from `from` on, for some hours.
pub(super) fn every(
    minutes: i64,
    from_ms: i64,
    (within, overlap): (Duration, Overlap),
    is_cron: bool,
) -> Arc<Schedule> {
    let mut schedule = if is_cron {
        cron(&format!("*/{minutes} 8-13 * * *"))
    } else {
        single_times(minutes, from_ms)
    };
    schedule.start_within = within;
    schedule.overlap = overlap;
    Arc::new(schedule)
}

fn cron(expression: &str) -> Schedule {
    let source = Source::new("news.yaml", expression);
    let span = Span::new(&source, 0..expression.len());
    let value = Cron::parse(expression).unwrap();
    let zone = parse_zone("UTC").unwrap();
    Schedule::of_cron(Spanned { value, span }, zone, Dst::RunOnce)
}

fn single_times(minutes: i64, from_ms: i64) -> Schedule {
    const TIMES: i64 = 180;
    let times = (0..TIMES).map(|number| {
        let at = from_ms / 60_000 * 60_000 + number * minutes * 60_000;
        let at = chrono::DateTime::from_timestamp_millis(at).unwrap();
        at.format("%Y-%m-%dT%H:%MZ").to_string()
    });
    let settings = "apps: { main: { sdk_app_id: 1, region: singapore } }";
    let settings = Settings::read(&Source::new("campanile.yaml", settings), &[]).unwrap();
    let yaml = format!(
        "name: news\ntimezone: UTC\nschedule: {{ at: [{}] }}\naudience: {{ groups: [g1] }}\n\
         send: {{ group_message: {{ text: \"x\" }} }}\n",
        times.collect::<Vec<_>>().join(", ")
    );
    let source = Source::new("news.yaml", yaml);
    let campaign = Campaign::read(&source, &settings, &[].into()).unwrap();
    campaign.schedule.unwrap()
}
