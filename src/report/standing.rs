//! A run among others: how it stands at a glance.

use super::{RunFacts, state_reason, time_text};
use crate::delivery::{Counts, RunState};
use serde::Serialize;

/// What `pause` and `status` tell of a run. Fields are only ever added.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    pub app: String,
    pub campaign: String,
    pub occurrence: String,
    pub run: String,
    pub channel: &'static str,
    pub state: &'static str,
    /// Why it stands there.
    pub reason: Option<String>,
    /// The code of `reason`, for programs.
    pub reason_code: Option<&'static str>,
    pub planned: u64,
    pub accepted: u64,
    pub refused: u64,
    pub failed: u64,
    pub skipped: u64,
    pub unknown: u64,
    pub pending: u64,
    pub opened_at: Option<String>,
    /// When something last happened in it.
    pub newest_at: Option<String>,
    pub rate_per_s: Option<f64>,
    pub expected_end: Option<String>,
    /// Who sends on its lane.
    pub holder: Option<String>,
    /// What else there is to say.
    pub note: Option<String>,
    /// The command that goes on with it.
    pub go_on: Option<String>,
    pub test: bool,
    /// The commit it was planned from.
    pub commit: Option<String>,
}

impl Standing {
    pub fn new(facts: RunFacts, state: &RunState, counts: &Counts, opened_ms: i64) -> Standing {
        Standing {
            app: facts.app,
            campaign: facts.campaign,
            occurrence: facts.occurrence,
            run: facts.run,
            channel: facts.channel,
            state: state.name(),
            reason: state_reason(state),
            reason_code: state.reason_code(),
            planned: counts.planned,
            accepted: counts.accepted,
            refused: counts.refused,
            failed: counts.failed,
            skipped: counts.skipped,
            unknown: counts.unknown,
            pending: counts.pending,
            opened_at: time_text(opened_ms),
            newest_at: None,
            rate_per_s: None,
            expected_end: None,
            holder: None,
            note: None,
            go_on: None,
            test: facts.test,
            commit: facts.commit,
        }
    }
}
