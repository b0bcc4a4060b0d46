//! Verbs, options, finding the settings, output and exit codes: the only room that prints.
//!
//! Knows what a person typed and what they read. Must never decide what is sent; it asks the rooms above.

mod absent;
mod accept;
mod access;
mod arguments;
mod browsing;
mod campaigns;
mod cancel;
mod check;
mod checkout;
mod columns;
mod completions;
mod daemons;
mod dry;
mod ending;
mod exit;
mod explain;
mod failure;
mod findings;
mod fix;
mod following;
mod init;
mod journal;
mod journals;
mod lanes;
mod list;
mod log;
mod log_thread;
mod manual;
mod next;
mod occurrences;
mod opening;
mod operators;
mod pause;
mod pin;
mod preview;
mod print;
mod progress;
mod prompt;
mod prose;
mod release;
mod resume;
mod retry;
mod run;
mod safety;
mod sandbox;
mod schedules;
mod schema;
mod senders;
mod sending;
mod serve;
mod show;
mod signals;
mod status;
mod telling;
mod test;
mod unused;
mod upcoming;
mod version;
mod workspace;

pub use telling::LogFormat;

use crate::containment::STACK_SIZE;
use crate::process::raise_limit;
use crate::seeded_bug::SeededBug;
use arguments::{Arguments, JournalVerb, SettingsVerb, Verb};
use clap::Parser;
use exit::Exit;
use failure::Failure;
use nix::libc;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use tokio::signal::unix::{SignalKind, signal};

pub use show::shown;
use workspace::withhold_secrets;

/// Parses, runs the verb, prints what went wrong, and picks the exit code: all in this one place.
pub fn main() -> ExitCode {
    // A core file would hold the secret key, also where a limit of its size counts for nothing because a program of the
    // system's takes it. Where this fails there is nothing to be done about it.
    if !SeededBug::CoreFiles.is_active() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    raise_limit();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return print::usage(&error).into(),
    };
    let outcome = on_large_stack(move || run_verb(arguments));
    let exit = outcome.unwrap_or_else(|failure| failure.print());
    log_thread::flush();
    exit.into()
}

/// Runs on a thread whose stack has the named size: that of the main thread is what a limit of the system says.
fn on_large_stack<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let thread = thread::Builder::new()
        .name("main".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(work)
        .map_err(anyhow::Error::new)?;
    match thread.join() {
        Ok(done) => done,
        Err(panic) => resume_unwind(panic),
    }
}

fn run_verb(arguments: Arguments) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_SIZE)
        .build()
        .map_err(anyhow::Error::new)?;
    let outcome = runtime.block_on(dispatch(arguments));
    // Calls that were left behind by a second Ctrl-C are not waited for, and lanes may use the runtime to the last.
    std::mem::forget(runtime);
    outcome
}

async fn dispatch(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { common, verb } = arguments;
    // Where the parent has set this signal to be ignored no child could be waited for.
    let _ = signal(SignalKind::child());
    // A file that may not grow any more is an error of the write, and no end of the process.
    let _ = signal(SignalKind::from_raw(libc::SIGXFSZ));
    withhold_secrets();
    match verb {
        Verb::Check(options) => check::check(&common, &options),
        Verb::Preview(options) => preview::preview(&common, &options),
        Verb::Run(options) => run::run(&common, &options).await,
        Verb::Test(options) => test::test(&common, &options).await,
        Verb::Resume(options) => resume::resume(&common, &options).await,
        Verb::Pause(options) => pause::pause(&common, &options).await,
        Verb::Cancel(options) => cancel::cancel(&common, &options).await,
        Verb::Status(options) => status::status(&common, &options).await,
        Verb::Retry(options) => retry::retry(&common, &options).await,
        Verb::Log(options) => log::log(&common, &options).await,
        Verb::Journal(JournalVerb::Prune(options)) => journal::prune(&common, &options).await,
        Verb::Journal(JournalVerb::Backup(options)) => journal::back_up(&common, &options).await,
        Verb::Settings(SettingsVerb::Accept(options)) => accept::accept(&common, &options).await,
        Verb::Serve(options) => serve::serve(&common, &options).await,
        Verb::Release(options) => release::release(&common, &options).await,
        Verb::Sandbox(options) => sandbox::sandbox(&options).await,
        Verb::List(options) => list::list(&common, &options).await,
        Verb::Show(options) => show::show(&common, &options),
        Verb::Init(options) => init::init(&common, &options),
        Verb::Completions(options) => completions::completions(&options),
        Verb::Man(options) => manual::man(&common, &options),
        Verb::Next(options) => next::next(&common, &options),
        Verb::Schema(options) => schema::schema(&options),
        Verb::Version(options) => version::version(&options).await,
    }
}
