//! `serve`: the daemon.

use super::arguments::Common;
use super::checkout;
use super::daemons::Serve;
use super::exit::Exit;
use super::failure::Failure;
use super::log_thread;
use super::signals::Signals;
use super::workspace::{SettingsFile, Workspace, variable};
use crate::clock;
use crate::containment::STACK_SIZE;
use crate::daemon::{
    self, Daemon, Event, Heartbeat, Notifier, Probes, Reached, Readiness, Setup, Supervisor,
    Target, Unresolved,
};
use crate::delivery::Interruption;
use crate::files::Repository;
use crate::journal::{self, Journal, LaneLock};
use crate::process::{probe_connections, reap_inherited};
use crate::sandbox::Sandbox;
use crate::settings::{App, Settings};
use crate::source::in_a_line;
use crate::vendor::Client;
use anyhow::Context;
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot::{self, Receiver};
use tokio::sync::{mpsc, watch};
use tokio::time::{interval, sleep};

/// How long the daemon may take to end. What is under way comes home in 20 s.
const END_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the children are reaped that children leave behind.
const REAP_INTERVAL: Duration = Duration::from_secs(1);
/// How long webhooks may take at the end to hear of it.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn serve(common: &Common, options: &Serve) -> Result<Exit, Failure> {
    log_thread::start(options.log).context("cannot start a thread for the log")?;
    let git = checkout::follow(common, options)?;
    let workspace = Workspace::find(common, options.sandbox)?;
    check_roles(&workspace)?;
    let targets = targets(&workspace)?;
    let journal = workspace.journal().await?;
    let place = take_place(&journal)?;
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
        settings_file: SettingsFile::find(common)?
            .map(|file| file.path)
            .unwrap_or_default(),
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
    let tell = |event: &Event| {
        let at_ms = clock::now().wall_ms;
        options.log.tell(event, at_ms);
        notifier.tell(event, at_ms);
    };
    let mut signals = Signals::listen()?;
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let first = Cell::new(None);
    let left = left(&mut signals, &drain, &first);
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
    ended.context("the daemon's thread ended early")??;
    notifier.finish(TOLD_WITHIN).await;
    drop(probes);
    for stand_in in stand_ins {
        stand_in.stop().await;
    }
    journal.close().await;
    drop(place);
    Ok(first.get().unwrap_or(Exit::Terminated))
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

fn reread(
    common: &Common,
    sandbox: bool,
) -> Box<dyn Fn() -> Result<(Settings, Repository), String> + Send> {
    let common = common.clone();
    Box::new(move || match Workspace::find(&common, sandbox) {
        Ok(workspace) => Ok((workspace.settings, workspace.repository)),
        Err(failure) => {
            Err(in_a_line(failure.diagnostics(), 0).unwrap_or_else(|| failure.to_string()))
        }
    })
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
