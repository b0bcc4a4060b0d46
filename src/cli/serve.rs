//! `serve`: the daemon.

use super::arguments::Common;
use super::daemons::{LogForm, Serve};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::signals::Signals;
use super::workspace::{SettingsFile, Workspace};
use crate::clock;
use crate::daemon::{self, Daemon, Event, Health, Reached, Setup};
use crate::journal::{self, Journal, LaneLock};
use crate::report::time_text;
use crate::sandbox::Sandbox;
use crate::settings::{App, Settings};
use crate::vendor::Client;
use anyhow::Context;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

pub(super) async fn serve(common: &Common, options: &Serve) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    check_roles(&workspace)?;
    let journal = workspace.journal().await?;
    let place = take_place(&journal)?;
    let (apps, stand_ins) = reach(&workspace).await?;
    let (drain, drain_seen) = watch::channel(None);
    let (reload, reload_in) = mpsc::channel(1);
    let (told, mut events) = mpsc::unbounded_channel();
    let (health, _) = watch::channel(Health::default());
    let daemon = Daemon::new(Setup {
        journal: journal.clone(),
        repository: workspace.repository.clone(),
        settings: Arc::new(workspace.settings.clone()),
        settings_file: SettingsFile::find(common)?
            .map(|file| file.path)
            .unwrap_or_default(),
        apps,
        reread: reread(common, options.sandbox),
        drain: drain_seen,
        reload: reload_in,
        told,
        flag: workspace.flag(),
        health,
    });
    let mut signals = Signals::listen()?;
    let mut hangups = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let first = Cell::new(None);
    let twice = signals.drain(&drain, &first);
    let serving = daemon.serve();
    tokio::pin!(twice, serving);
    let ended = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => tell(&event, options.log),
            ended = &mut serving => break ended,
            () = &mut twice => {
                let text = "left at once, with calls open; the next daemon goes on with them";
                return Err(Failure::new(first.get().unwrap_or(Exit::Interrupted), text));
            }
            Some(()) = hangups.recv() => drop(reload.try_send(())),
        }
    };
    while let Ok(event) = events.try_recv() {
        tell(&event, options.log);
    }
    ended?;
    for stand_in in stand_ins {
        stand_in.stop().await;
    }
    journal.close().await;
    drop(place);
    Ok(first.get().unwrap_or(Exit::Terminated))
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

fn reread(common: &Common, sandbox: bool) -> Box<dyn Fn() -> Result<Settings, String> + Send> {
    let common = common.clone();
    Box::new(move || match Workspace::find(&common, sandbox) {
        Ok(workspace) => Ok(workspace.settings),
        Err(failure) => {
            Err(daemon::in_a_line(failure.diagnostics(), 0).unwrap_or_else(|| failure.to_string()))
        }
    })
}

/// A line for people, or one for programs.
fn tell(event: &Event, form: LogForm) {
    let at = time_text(clock::now().wall_ms).unwrap_or_default();
    let (level, text) = (event.level().name(), event.text());
    match form {
        LogForm::Text => print::say(&format!("{at} {level:<7} {text}")),
        LogForm::Json => {
            let mut line = Map::new();
            for (key, value) in [
                ("at", at.as_str()),
                ("level", level),
                ("event", event.name()),
            ] {
                line.insert(key.to_owned(), value.into());
            }
            line.extend(event.fields());
            line.insert("message".to_owned(), text.into());
            print::say(&Value::Object(line).to_string());
        }
    }
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
