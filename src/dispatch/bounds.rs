//! What a campaign says about the first attempts of its deliveries; repetitions are bounded by time alone.

use crate::settings::Hours;

/// None of them: as fast as the lane allows, at any hour, to the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bounds {
    /// Calls a second at most.
    pub rate: Option<f64>,
    /// So many more first attempts; then the run pauses.
    pub first_attempts: Option<u64>,
    /// The part of the day in which first attempts are made.
    pub hours: Option<Hours>,
    /// Milliseconds since 1970: what was never started by then never will be.
    pub finish_by_ms: Option<i64>,
}
