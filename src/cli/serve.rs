//! `serve`: the daemon.

use super::arguments::Common;
use super::checkout;
use super::daemons::Serve;
use super::exit::Exit;
use super::failure::Failure;
use super::log_thread;
use super::signals::Signals;
use super::telling::LogFormat;
use super::workspace::{Workspace, variable};
use crate::clock;
use crate::containment::STACK_SIZE;
use crate::daemon::{
    self, Daemon, Event, Follower, Heartbeat, Notifier, Probes, Reached, Readiness, Reread, Setup,
    Supervisor, Target, Unresolved,
};
use crate::delivery::Interruption;
use crate::journal::{self, Journal, LaneLock};
use crate::process::{probe_connections, reap_inherited};
use crate::sandbox::Sandbox;
use crate::settings::App;
use crate::source::in_a_line;
use crate::vendor::Client;
use anyhow::Context;
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot::{self, Receiver};
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, sleep};

/// How long the daemon may take to end. What is under way comes home in 20 s, and its answers may need another 10 s until the
/// journal can be written.
const END_TIMEOUT: Duration = Duration::from_secs(35);
/// How often the children are reaped that children leave behind.
const REAP_INTERVAL: Duration = Duration::from_secs(1);
/// How long webhooks may take at the end to hear of it.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn serve(common: &Common, options: &Serve) -> Result<Exit, Failure> {
    log_thread::start(options.log).context("cannot start a thread for the log")?;
    let mut signals = Signals::listen()?;
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    tokio::select! {
        begun = begin(common, options) => {
            serve_until_ended((common, options), begun?, (&mut signals, &mut hangups)).await
        }
        // Nothing is under way yet.
        exit = signals.next() => {
            options.log.tell(&Event::Stopped, clock::now().wall_ms);
            Ok(exit)
        }
    }
}

/// Serves until a signal ends it, or it cannot go on.
async fn serve_until_ended(
    (common, options): (&Common, &Serve),
    begun: Begun,
    (signals, hangups): (&mut Signals, &mut Signal),
) -> Result<Exit, Failure> {
    let Begun {
        workspace,
        journal,
        _place,
        git,
    } = begun;
    let targets = targets(&workspace)?;
    let (apps, stand_ins) = reach(&workspace).await?;
    let (told, mut events) = mpsc::unbounded_channel();
    let notifier = Notifier::start(targets, &told).context("cannot notify")?;
    let heartbeat = Heartbeat::new(clock::now());
    let (probes, readiness) = probes(&workspace, &heartbeat)?;
    let (drain, _) = watch::channel(None);
    let (reload, reload_in) = mpsc::channel(1);
    let daemon = Daemon::new(Setup {
        journal: journal.clone(),
        repository: workspace.repository.clone(),
        settings: Arc::new(workspace.settings.clone()),
        settings_file: workspace.settings_file.clone(),
        apps,
        reread: reread(common, options.sandbox),
        drain: drain.clone(),
        reload: reload_in,
        told,
        git,
        flag: workspace.flag(),
        heartbeat,
        readiness,
        supervisor: supervisor()?,
    });
    // The workspace would keep the tree of the first commit.
    drop(workspace);
    let tell = |event: &Event| {
        let at_ms = clock::now().wall_ms;
        options.log.tell(event, at_ms);
        notifier.tell(event, at_ms);
    };
    let first = Cell::new(None);
    let left = left(signals, &drain, &first);
    let mut serving = on_its_thread(daemon)?;
    tokio::pin!(left);
    let mut reap = interval(REAP_INTERVAL);
    let ended = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => tell(&event),
            ended = &mut serving => break ended,
            why = &mut left => {
                let text = format!("left {why}, with calls open; the next daemon goes on with them");
                return Err(Failure::new(first.get().unwrap_or(Exit::Error), text));
            }
            Some(()) = hangups.recv() => drop(reload.try_send(())),
            _ = reap.tick() => reap_inherited(),
        }
    };
    std::iter::from_fn(|| events.try_recv().ok()).for_each(|event| tell(&event));
    // Also of what ended the daemon people are told.
    notifier.finish(TOLD_WITHIN).await;
    ended.context("the daemon's thread ended early")??;
    drop(probes);
    for stand_in in stand_ins {
        stand_in.stop().await;
    }
    journal.close().await;
    Ok(first.get().unwrap_or(Exit::Terminated))
}

/// Things that the daemon needs before it serves anything.
struct Begun {
    workspace: Workspace,
    journal: Journal,
    _place: LaneLock,
    git: Option<Follower>,
}

/// Waits for the first commit and for the journal, however long that takes.
async fn begin(common: &Common, options: &Serve) -> Result<Begun, Failure> {
    let followed = checkout::follow(common, options).await?;
    let commit = followed.as_ref().map(|followed| &followed.commit);
    let workspace = Workspace::of_commit(common, options.sandbox, commit)?;
    check_roles(&workspace)?;
    let journal = journal(&workspace, options.log).await?;
    let place = take_place(&journal)?;
    let git = checkout::pinned(followed, &journal).await?;
    Ok(Begun {
        workspace,
        journal,
        _place: place,
        git,
    })
}

/// Opens the journal, however long another program holds its lock or its disk is full.
async fn journal(workspace: &Workspace, log: LogFormat) -> Result<Journal, Failure> {
    let mut is_reported = false;
    let outlasts = |error: journal::Error| {
        if !error.is_temporary() {
            return Err(error);
        }
        if !is_reported {
            let why = error.to_string();
            log.tell(&Event::JournalUnavailable { why }, clock::now().wall_ms);
            is_reported = true;
        }
        Ok(())
    };
    workspace.journal_or(outlasts).await
}

/// Serves on a thread of its own: whatever keeps that waiting, such as a folder on a mount that is away, the log is written,
/// webhooks are told and signals are heeded.
fn on_its_thread(daemon: Daemon) -> Result<Receiver<Result<(), daemon::Error>>, Failure> {
    let (ended_out, ended) = oneshot::channel();
    let handle = Handle::current();
    thread::Builder::new()
        .name("daemon".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(move || drop(ended_out.send(handle.block_on(daemon.serve()))))
        .context("cannot start a thread for the daemon")?;
    Ok(ended)
}

/// Drains at the first signal, and returns at the second, or when the daemon does not end. `first` tells which the first was.
async fn left(
    signals: &mut Signals,
    drain: &watch::Sender<Option<Interruption>>,
    first: &Cell<Option<Exit>>,
) -> &'static str {
    let mut drained = drain.subscribe();
    let overdue = async {
        // It never fails: the sender is here.
        let _ = drained.wait_for(Option::is_some).await;
        sleep(END_TIMEOUT).await;
    };
    tokio::select! {
        () = signals.drain(drain, first) => "at once",
        () = overdue => "after waiting for it to end",
    }
}

/// What machines ask, and where they are told.
fn probes(
    workspace: &Workspace,
    heartbeat: &Heartbeat,
) -> Result<(Probes, watch::Sender<Readiness>), Failure> {
    let (readiness, seen) = watch::channel(Readiness {
        waits_for: vec!["the campaigns".to_owned()],
    });
    let listen = workspace.settings.listen;
    let probes = Probes::start(listen, heartbeat.clone(), seen, probe_connections());
    let probes = probes.map_err(|error| {
        let help = "name another address in the settings, `serve: { listen: 127.0.0.1:8788 }`, or in \
            CAMPANILE_SERVE__LISTEN";
        Failure::from(anyhow::Error::new(error)).help(help)
    });
    Ok((probes?, readiness))
}

/// Where webhooks are, as settings and environment say.
fn targets(workspace: &Workspace) -> Result<Vec<Target>, Failure> {
    let root = workspace.repository.root();
    let webhooks = workspace.settings.notify.iter();
    let targets = webhooks.map(|webhook| Target::resolve(webhook, root, variable));
    let targets: Result<Vec<Target>, Unresolved> = targets.collect();
    targets.map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
}

fn supervisor() -> Result<Supervisor, Failure> {
    let connected = Supervisor::connect(variable, std::process::id());
    Ok(connected.context("cannot tell the service manager how the daemon stands")?)
}

/// One daemon for each journal.
fn take_place(journal: &Journal) -> Result<LaneLock, Failure> {
    journal.lock_daemon().map_err(|error| match error {
        journal::Error::LaneHeld { holder } => {
            let text = format!("{holder} serves this journal already");
            Failure::new(Exit::Temporary, text)
        }
        error => error.into(),
    })
}

/// Messages of two administrators would come by one lane, which is sent on as one of them.
fn check_roles(workspace: &Workspace) -> Result<(), Failure> {
    let apps = &workspace.settings.apps;
    for (at, app) in apps.iter().enumerate() {
        let same = |other: &&App| workspace.vendor_app(other) == workspace.vendor_app(app);
        if let Some(other) = apps[..at].iter().find(same) {
            let text = format!(
                "`{}` and `{}` are one app at the vendor, and the daemon cannot send as both",
                other.role, app.role
            );
            let help = "keep one of them in the settings of this daemon";
            return Err(Failure::new(Exit::Invalid, text).help(help));
        }
    }
    Ok(())
}

async fn reach(workspace: &Workspace) -> Result<(Vec<Reached>, Vec<Sandbox>), Failure> {
    let (mut apps, mut stand_ins) = (Vec::new(), Vec::new());
    for app in &workspace.settings.apps {
        let (access, stand_in) = workspace.access(app).await?;
        stand_ins.extend(stand_in);
        let client = Client::new(access, clock::now());
        apps.push(Reached {
            app: app.clone(),
            vendor_app: workspace.vendor_app(app),
            client: client.context("cannot set up the vendor's client")?,
            patience: workspace.patience(app),
        });
    }
    Ok((apps, stand_ins))
}

fn reread(common: &Common, sandbox: bool) -> Reread {
    let common = common.clone();
    Box::new(
        move |commit| match Workspace::of_commit(&common, sandbox, commit) {
            Ok(workspace) => Ok((workspace.settings, workspace.repository)),
            Err(failure) => {
                Err(in_a_line(failure.diagnostics(), 0).unwrap_or_else(|| failure.to_string()))
            }
        },
    )
}

impl From<daemon::Error> for Failure {
    fn from(error: daemon::Error) -> Failure {
        match error {
            daemon::Error::Journal(error) => error.into(),
            daemon::Error::Executor(error) => error.into(),
            daemon::Error::Task(error) => anyhow::Error::new(error).into(),
        }
    }
}
