//! A run in short.

use super::RunFacts;
use crate::delivery::Counts;
use crate::plan::Header;
use crate::source::thousands;
use serde::Serialize;

/// What `run -o json` prints. Fields are only ever added.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    pub app: String,
    pub campaign: String,
    pub occurrence: String,
    pub run: String,
    pub state: String,
    pub commit: Option<String>,
    pub digest: String,
    pub planned: u64,
    pub accepted: u64,
    pub refused: u64,
    pub failed: u64,
    pub skipped: u64,
    pub unknown: u64,
    pub pending: u64,
    pub elapsed_s: f64,
    pub rate_per_s: Option<f64>,
    pub test: bool,
}

impl RunReport {
    pub fn new(facts: RunFacts, state: &str, counts: &Counts) -> RunReport {
        RunReport {
            app: facts.app,
            campaign: facts.campaign,
            occurrence: facts.occurrence,
            run: facts.run,
            state: state.to_owned(),
            commit: None,
            digest: String::new(),
            planned: counts.planned,
            accepted: counts.accepted,
            refused: counts.refused,
            failed: counts.failed,
            skipped: counts.skipped,
            unknown: counts.unknown,
            pending: counts.pending,
            elapsed_s: 0.0,
            rate_per_s: None,
            test: facts.test,
        }
    }

    /// A run that would be: none of its calls is made.
    pub fn planned(
        (app, campaign): (&str, &str),
        occurrence: String,
        run: String,
        header: &Header,
        commit: Option<String>,
    ) -> RunReport {
        RunReport {
            app: app.to_owned(),
            campaign: campaign.to_owned(),
            occurrence,
            run,
            state: "planned".to_owned(),
            commit,
            digest: header.digest.to_string(),
            planned: header.planned,
            accepted: 0,
            refused: 0,
            failed: 0,
            skipped: header.skipped,
            unknown: 0,
            pending: header.planned - header.skipped,
            elapsed_s: 0.0,
            rate_per_s: None,
            test: false,
        }
    }
}

/// `300 planned = 300 accepted + 0 refused + 0 failed + 0 skipped + 0 unknown + 0 pending`
pub fn counts_text(counts: &Counts) -> String {
    let Counts {
        planned,
        accepted,
        refused,
        failed,
        skipped,
        unknown,
        pending,
    } = *counts;
    let [
        planned,
        accepted,
        refused,
        failed,
        skipped,
        unknown,
        pending,
    ] = [
        planned, accepted, refused, failed, skipped, unknown, pending,
    ]
    .map(thousands);
    format!(
        "{planned} planned = {accepted} accepted + {refused} refused + {failed} failed + {skipped} skipped + \
         {unknown} unknown + {pending} pending"
    )
}
