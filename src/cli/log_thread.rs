//! The thread that writes the daemon's log. In `serve` nothing else touches stderr, so a log driver that stops reading stops
//! neither scheduling nor sending, probes, signals or the end of the process.

use super::print;
use super::telling::LogFormat;
use crate::clock;
use crate::containment::{report_others, restart_on_panic};
use crate::daemon::Event;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Lines that may wait for the reader.
const LINES_MAX: usize = 4_096;
/// Their bytes.
const BYTES_MAX: usize = 4 << 20;
/// How long the end of the process waits for the lines that are left.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after a failed write, and after one that a descriptor in non-blocking mode did not take.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
/// How the standard library names the thread with which the process ends.
const MAIN_THREAD: &str = "main";

static LOG: OnceLock<Log> = OnceLock::new();

/// Starts the thread. From here on stderr and the reports of panics are its business alone.
pub(super) fn start(format: LogFormat) -> io::Result<()> {
    let log = LOG.get_or_init(|| Log::new(format));
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(|| restart_on_panic(|| log.write_to(io::stderr())))?;
    report_others(|info| report(log, info));
    Ok(())
}

/// Hands a line to the thread. `false`: there is none, and the caller writes by itself.
pub(super) fn take(line: &str) -> bool {
    let log = LOG.get();
    log.inspect(|log| log.push(line.to_owned())).is_some()
}

/// Waits at the end of the process until what was handed over is written, within [`FLUSH_TIMEOUT`].
pub(super) fn flush() {
    if let Some(log) = LOG.get() {
        log.flush(FLUSH_TIMEOUT);
    }
}

fn report(log: &Log, info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed").to_owned();
    let is_main = thread == MAIN_THREAD;
    // A text that was put together may quote what is to be sent.
    let why = info.payload().downcast_ref::<&'static str>();
    let why = why.copied().unwrap_or("its message is left out").to_owned();
    let place = info.location().map(ToString::to_string);
    log.push(log.format.printed(&Event::Panicked {
        thread,
        place: place.unwrap_or_default(),
        why,
    }));
    if is_main {
        log.flush(FLUSH_TIMEOUT);
    }
}

/// Lines on their way from the process to the reader.
#[derive(Debug)]
struct Log {
    format: LogFormat,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    /// Lines that were not written. While there are any, new ones are dropped too, so that the gap in the log is where the
    /// log says that it is.
    dropped: u64,
    is_writing: bool,
    is_failing: bool,
}

/// A line and the number of lines that are lost with it if it cannot be written.
struct Next {
    line: String,
    stands_for: u64,
    is_gap: bool,
}

impl Log {
    fn new(format: LogFormat) -> Log {
        Log {
            format,
            waiting: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Never waits for the reader.
    fn push(&self, line: String) {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes.saturating_add(line.len());
        let is_full = waiting.lines.len() >= LINES_MAX || bytes > BYTES_MAX;
        if is_full || waiting.dropped > 0 {
            waiting.dropped += 1;
        } else {
            waiting.bytes = bytes;
            waiting.lines.push_back(line);
        }
        self.changed.notify_all();
    }

    /// Writes line after line, for as long as the process lives.
    fn write_to(&self, mut out: impl Write) {
        let mut is_cut = false;
        loop {
            let Next {
                mut line,
                stands_for,
                is_gap,
            } = self.next();
            line.push('\n');
            if is_cut {
                line.insert(0, '\n');
            }
            let written = write(&mut out, line.as_bytes());
            let has_failed = written < line.len();
            is_cut = has_failed && (is_cut || written > 0);
            self.note(has_failed, stands_for);
            if has_failed && is_gap {
                thread::sleep(RETRY_PAUSE);
            }
        }
    }

    /// The oldest line; behind the last one that fitted in, how many did not.
    fn next(&self) -> Next {
        let mut waiting = self.waiting();
        loop {
            let next = if let Some(line) = waiting.lines.pop_front() {
                waiting.bytes -= line.len();
                Next {
                    line,
                    stands_for: 1,
                    is_gap: false,
                }
            } else if waiting.dropped > 0 {
                let dropped = std::mem::take(&mut waiting.dropped);
                Next {
                    line: self.format.printed(&Event::LogDropped { dropped }),
                    stands_for: dropped,
                    is_gap: true,
                }
            } else {
                let changed = self.changed.wait(waiting);
                waiting = changed.unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            waiting.is_writing = true;
            return next;
        }
    }

    fn note(&self, has_failed: bool, stands_for: u64) {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        waiting.is_failing = has_failed;
        if has_failed {
            waiting.dropped += stands_for;
        }
        self.changed.notify_all();
    }

    fn flush(&self, within: Duration) {
        let is_left = |waiting: &mut Waiting| {
            let is_behind = !waiting.lines.is_empty() || waiting.is_writing;
            is_behind || (waiting.dropped > 0 && !waiting.is_failing)
        };
        // What is not read by then is lost, and the process ends.
        let _ = self
            .changed
            .wait_timeout_while(self.waiting(), within, is_left);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many bytes were written before it failed.
fn write(out: &mut impl Write, line: &[u8]) -> usize {
    let mut written = 0;
    while written < line.len() {
        match out.write(&line[written..]) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process that shares the pipe may have set it to non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_PAUSE),
            Err(_) => break,
        }
    }
    written
}

impl LogFormat {
    /// Returns the line that [`LogFormat::tell`] prints.
    fn printed(self, event: &Event) -> String {
        let line = self.line(event, clock::now().wall_ms);
        print::harmless(&line, self == LogFormat::Text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

    const PATIENCE: Duration = Duration::from_mins(1);

    /// A reader that takes a write only when it is told what to make of it.
    struct Reader {
        answers: Receiver<io::Result<usize>>,
        read: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = self.answers.recv().unwrap_or(Ok(bytes.len()))?;
            let taken = taken.min(bytes.len());
            let _ = self.read.send(bytes[..taken].to_vec());
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Watched {
        log: Arc<Log>,
        answers: Sender<io::Result<usize>>,
        read: Receiver<Vec<u8>>,
    }

    fn watched() -> Watched {
        let log = Arc::new(Log::new(LogFormat::Text));
        let (answers, answers_in) = channel();
        let (read_out, read) = channel();
        let reader = Reader {
            answers: answers_in,
            read: read_out,
        };
        let writing = Arc::clone(&log);
        thread::spawn(move || writing.write_to(reader));
        Watched { log, answers, read }
    }

    impl Watched {
        /// The reader reads as fast as it can from here on; what it has read when the last line says `until`.
        fn read_until(self, until: &str) -> String {
            drop(self.answers);
            let mut text = String::new();
            while !text.contains(until) {
                match self.read.recv_timeout(PATIENCE) {
                    Ok(bytes) => text.push_str(&String::from_utf8(bytes).unwrap()),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                        panic!("never says {until:?}: {text}")
                    }
                }
            }
            text
        }
    }

    #[test]
    fn log_that_is_not_read_keeps_a_bounded_number_of_lines_and_says_how_many_it_dropped() {
        let watched = watched();
        watched.log.push("first".to_owned());
        while !watched.log.waiting().lines.is_empty() {
            thread::yield_now();
        }
        for number in 0..LINES_MAX + 3 {
            watched.log.push(format!("line {number}."));
        }
        assert_eq!(watched.log.waiting().lines.len(), LINES_MAX);
        let log = Arc::clone(&watched.log);
        let text = watched.read_until("3 lines dropped here");
        let last = format!("line {}.\n", LINES_MAX - 1);
        assert!(text.starts_with("first\nline 0.\nline 1.\n"));
        assert!(text.contains(&last), "what was dropped is behind it");
        assert!(!text.contains(&format!("line {LINES_MAX}.")));
        log.flush(PATIENCE);
        assert_eq!(log.waiting().dropped, 0);
    }

    #[test]
    fn long_lines_that_are_not_read_are_bounded_in_bytes() {
        let watched = watched();
        for _ in 0..100 {
            watched.log.push("x".repeat(BYTES_MAX / 50));
        }
        assert!(watched.log.waiting().bytes <= BYTES_MAX);
        assert!(watched.log.waiting().dropped > 0);
        watched.read_until("dropped here");
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_a_cut_line_is_ended() {
        let watched = watched();
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
        for answer in [Ok(3), full(), full(), full()] {
            watched.answers.send(answer).unwrap();
        }
        watched.log.push("first".to_owned());
        watched.log.push("second".to_owned());
        let text = watched.read_until("dropped here");
        assert!(text.starts_with("fir\n20"), "{text}");
        assert!(text.contains(" 2 lines dropped"), "{text}");
    }

    #[test]
    fn flush_beside_a_reader_that_stands_still_ends_in_time() {
        let watched = watched();
        watched.log.push("first".to_owned());
        watched.log.flush(Duration::from_millis(1));
        watched.read_until("first");
    }

    #[test]
    fn flush_does_not_wait_for_a_reader_that_is_gone() {
        let watched = watched();
        let gone = || Err(io::Error::from(io::ErrorKind::BrokenPipe));
        for _ in 0..10_000 {
            watched.answers.send(gone()).unwrap();
        }
        watched.log.push("first".to_owned());
        watched.log.flush(PATIENCE);
        assert_eq!(watched.log.waiting().lines.len(), 0);
    }
}
