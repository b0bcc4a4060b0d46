//! How far a run is: a bar on a terminal, plain lines elsewhere.

use super::print;
use crate::delivery::Counts;
use crate::executor::Progress;
use crate::source::thousands;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// How often a terminal is drawn to.
const DRAWN_EVERY: Duration = Duration::from_millis(100);
/// How often a line is printed where there is no terminal.
const PRINTED_EVERY: Duration = Duration::from_secs(5);

/// Shows a run until it is dropped.
pub(super) async fn show(name: String, mut progress: watch::Receiver<Progress>) -> Infallible {
    if print::is_drawn_on() {
        draw(&name, &mut progress).await
    } else {
        lines(&name, &mut progress).await
    }
}

async fn draw(name: &str, progress: &mut watch::Receiver<Progress>) -> Infallible {
    let bar = Bar(ProgressBar::with_draw_target(
        None,
        ProgressDrawTarget::stderr(),
    ));
    let style = ProgressStyle::with_template("{prefix} [{wide_bar}] {pos}/{len}  {msg}");
    bar.0.set_style(
        style
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> "),
    );
    bar.0.set_prefix(name.to_owned());
    let mut ticks = interval(DRAWN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = progress.borrow_and_update().clone();
        bar.0.set_length(now.counts.planned);
        bar.0.set_position(now.counts.ended());
        bar.0.set_message(state(&now));
    }
}

/// Clears itself away, so that the summary stands where the bar was.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn lines(name: &str, progress: &mut watch::Receiver<Progress>) -> Infallible {
    let mut ticks = interval(PRINTED_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let now = progress.borrow_and_update().clone();
        let (ended, planned) = (thousands(now.counts.ended()), thousands(now.counts.planned));
        print::say(&format!("{name}: {ended} of {planned}, {}", state(&now)));
    }
}

/// `199.4/s, 0:07 left, 2 refused`
fn state(progress: &Progress) -> String {
    let Counts {
        refused,
        failed,
        unknown,
        pending,
        ..
    } = progress.counts;
    let mut parts = Vec::new();
    if progress.draining {
        parts.push(format!(
            "draining, {} in flight (Ctrl-C again leaves at once)",
            progress.in_flight
        ));
    } else if let Some(rate) = progress.rate_per_s() {
        parts.push(format!("{rate:.1}/s"));
        parts.extend(left(pending, rate).map(|left| format!("{left} left")));
    } else {
        parts.push(format!("{} in flight", progress.in_flight));
    }
    for (count, what) in [
        (refused, "refused"),
        (failed, "failed"),
        (unknown, "unknown"),
    ] {
        if count > 0 {
            parts.push(format!("{} {what}", thousands(count)));
        }
    }
    parts.extend(
        progress
            .trouble
            .as_ref()
            .map(|trouble| format!("last answer: {trouble}")),
    );
    parts.join(", ")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "for people"
)]
fn left(pending: u64, rate: f64) -> Option<String> {
    let seconds = (pending as f64 / rate).ceil();
    (rate > 0.0).then(|| {
        let seconds = seconds as u64;
        format!("{}:{:02}", seconds / 60, seconds % 60)
    })
}
