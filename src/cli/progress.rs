//! How far a run is: a bar on a terminal, plain lines elsewhere.

use super::print;
use crate::clock;
use crate::delivery::Counts;
use crate::executor::{Progress, WaitReason};
use crate::report::cut;
use crate::source::{plural, thousands};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use unicode_width::UnicodeWidthStr;

/// How often a terminal is drawn to.
const DRAWN_EVERY: Duration = Duration::from_millis(100);
/// How often a line is printed where there is no terminal.
const PRINTED_EVERY: Duration = Duration::from_secs(5);

/// Shows a run until it is dropped. A thread of its own: a terminal that blocks must not hold up the calls.
pub(super) struct Shown {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    pub(super) fn start(name: String, progress: watch::Receiver<Progress>) -> Shown {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            if print::is_drawn_on() {
                draw(&name, &progress, &stopped);
            } else {
                lines(&name, &progress, &stopped);
            }
        });
        Shown {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Shown {
    /// Waits for the bar to be cleared away, so that the summary stands where it was.
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn draw(name: &str, progress: &watch::Receiver<Progress>, stopped: &Receiver<()>) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    while stopped.recv_timeout(DRAWN_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = progress.borrow().clone();
        let row = Row::of(name, &now, print::width());
        bar.set_style(row.style());
        bar.set_prefix(row.prefix);
        bar.set_length(now.counts.planned);
        bar.set_position(now.counts.ended());
        bar.set_message(row.message);
    }
    bar.finish_and_clear();
}

/// What is drawn: in one line, or nobody could clear it away.
struct Row {
    prefix: String,
    message: String,
    /// How wide the bar is, if there is room for one.
    bar: Option<usize>,
}

impl Row {
    fn of(name: &str, now: &Progress, width: usize) -> Row {
        const BAR_MIN: usize = 8;
        let digits = |count: u64| count.to_string().len();
        let counts = digits(now.counts.ended()) + digits(now.counts.planned) + 1;
        // A blank behind the prefix, two before the message, and one that stays free.
        let room = width.saturating_sub(counts + 4);
        let prefix = cut(name, room / 2);
        let room = room.saturating_sub(prefix.width());
        let message = state(now);
        // In brackets, and a blank behind it.
        let bar = room.checked_sub(message.width() + 3);
        Row {
            bar: bar.filter(|bar| *bar >= BAR_MIN),
            message: cut(&message, room),
            prefix,
        }
    }

    fn style(&self) -> ProgressStyle {
        let bar = self.bar.map(|bar| format!("[{{bar:{bar}}}] "));
        let bar = bar.unwrap_or_default();
        let style =
            ProgressStyle::with_template(&format!("{{prefix}} {bar}{{pos}}/{{len}}  {{msg}}"));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        style.progress_chars("=> ")
    }
}

fn lines(name: &str, progress: &watch::Receiver<Progress>, stopped: &Receiver<()>) {
    let mut lines = Lines {
        name,
        told: String::new(),
    };
    while stopped.recv_timeout(PRINTED_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = progress.borrow().clone();
        if let Some(line) = lines.next(&now) {
            print::say(&line);
        }
    }
}

/// What is told from time to time.
struct Lines<'a> {
    name: &'a str,
    told: String,
}

impl Lines<'_> {
    /// Who waits until the morning says so once.
    fn next(&mut self, now: &Progress) -> Option<String> {
        let (ended, planned) = (thousands(now.counts.ended()), thousands(now.counts.planned));
        let parts = [format!("{ended} of {planned}"), state(now)];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let line = format!("{}: {}", self.name, parts.collect::<Vec<_>>().join(", "));
        let is_news = now.waiting.is_none() || line != self.told;
        self.told.clone_from(&line);
        is_news.then_some(line)
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
    } else if let Some(since) = quiet(progress) {
        let seconds = since.as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        parts.push(format!("none accepted for {minutes}:{seconds:02}"));
        if progress.in_flight == 0 {
            parts.push("what is left waits to be tried again or looked up".to_owned());
        }
    } else if let Some(rate) = progress.rate_per_s() {
        parts.push(format!("{rate:.1}/s"));
        parts.extend(left(pending, rate).map(|left| format!("{left} left")));
    } else if progress.in_flight > 0 {
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
    if progress.others > 0 {
        parts.push(format!(
            "beside {}",
            plural(progress.others as u64, "other run")
        ));
    }
    parts.extend(progress.waiting.as_ref().map(|reason| match reason {
        WaitReason::Journal(why) => format!("waiting for the journal: {why}"),
        WaitReason::Cancelled => "cancelled; what is open is being settled".to_owned(),
        WaitReason::Window(reopening) => reopening.to_string(),
    }));
    let trouble = progress.trouble.as_ref();
    parts.extend(
        trouble.map(|(channel, answer)| format!("last answer: {}", answer.summary(*channel))),
    );
    parts.join(", ")
}

/// Since when nothing was accepted, if that is so long that no rate and no end can be told from what was before.
fn quiet(progress: &Progress) -> Option<Duration> {
    const LONG: Duration = Duration::from_secs(10);
    let since = clock::now().age_of(progress.last_accepted?)?;
    (since > LONG && progress.waiting.is_none() && progress.counts.pending > 0).then_some(since)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{Answer, Channel};
    use crate::identity::Moment;
    use crate::settings::Hours;
    use chrono::{TimeZone, Utc};

    const WAITING: &str = "waiting until 2026-11-22 08:00 UTC (window 08:00-22:00)";

    /// A run that waits for its window.
    fn waiting() -> Progress {
        let hours = Hours {
            window: "08:00-22:00".parse().unwrap(),
            zone: chrono_tz::UTC,
        };
        let at = Utc.with_ymd_and_hms(2026, 11, 22, 3, 0, 0).unwrap();
        let now = Moment {
            wall_ms: at.timestamp_millis(),
            boot_ns: 0,
            boot_id: 0,
        };
        Progress {
            waiting: hours.waiting(now).map(WaitReason::Window),
            ..Progress::default()
        }
    }

    #[test]
    fn who_waits_says_so_once_and_again_when_something_changes() {
        let mut lines = Lines {
            name: "news",
            told: String::new(),
        };
        let mut now = waiting();
        (now.counts.planned, now.counts.pending) = (3, 3);
        let told = format!("news: 0 of 3, {WAITING}");
        assert_eq!(lines.next(&now), Some(told));
        assert_eq!(lines.next(&now), None);
        now.others = 1;
        let told = format!("news: 0 of 3, beside 1 other run, {WAITING}");
        assert_eq!(lines.next(&now), Some(told));
        assert_eq!(lines.next(&now), None);
        // Who sends shows a sign of life, whatever it is.
        now.waiting = None;
        assert!(lines.next(&now).is_some());
        assert!(lines.next(&now).is_some());
    }

    #[test]
    fn what_is_drawn_stays_in_one_line() {
        let row = |name: &str, mut now: Progress, width: usize| {
            (now.counts.planned, now.counts.pending) = (300, 300);
            let row = Row::of(name, &now, width);
            let bar = row.bar.map_or(0, |bar| bar + 3);
            let used = row.prefix.width() + 1 + bar + "0/300".len() + 2 + row.message.width();
            assert!(used < width, "{used} of {width}");
            (row.prefix, row.message, row.bar.is_some())
        };
        let news = "news@2026-11-11T09:00";
        let whole = |has_bar| (news.to_owned(), WAITING.to_owned(), has_bar);
        assert_eq!(row(news, waiting(), 105), whole(true));
        assert_eq!(row(news, waiting(), 89), whole(false));
        let answer = Answer::none(&"等".repeat(90));
        let long = Progress {
            trouble: Some((Channel::GroupMessage, answer)),
            ..Progress::default()
        };
        let (prefix, message, has_bar) = row(&"a".repeat(90), long, 80);
        assert!(prefix.ends_with('\u{2026}') && message.ends_with('\u{2026}') && !has_bar);
    }
}
