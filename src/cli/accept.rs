//! `settings accept`: operator's values of a commit become those in use.

use super::arguments::{Common, Output};
use super::exit::Exit;
use super::failure::Failure;
use super::operators::Accept;
use super::pin::Pin;
use super::print;
use super::workspace::Workspace;
use crate::journal::Journal;
use crate::settings::{PendingSettings, SettingChange};
use crate::source::{nearest, unbroken};
use anyhow::Context;
use serde_json::{Value, json};

pub(super) async fn accept(common: &Common, options: &Accept) -> Result<Exit, Failure> {
    let workspace = Workspace::find(common, options.sandbox)?;
    let root = workspace.repository.root();
    let Some(pin) = Pin::read(root)? else {
        let text = "no settings are pinned here: only a checkout of `serve --git` keeps the settings that it was started with";
        let help =
            "name the folder of the daemon with -C; elsewhere a start takes what the file says";
        return Err(Failure::new(Exit::Error, text).help(help));
    };
    let pending = meant(&workspace, &options.digest)?;
    let pin = match pending {
        Some(pending) => Pin::now(pending.values.clone(), &workspace.repository),
        None => pin,
    };
    if pending.is_some() {
        if let Some(path) = workspace.journal_if_any()? {
            let journal = Journal::open(&path).await?;
            pin.record(&journal).await?;
            journal.close().await;
        }
        pin.write(root)?;
    }
    let changes = pending.map_or(&[][..], |pending| pending.changes.as_slice());
    if options.output == Output::Json {
        let answer = json!({
            "digest": pin.values.digest(),
            "commit": pin.revision,
            "changes": changes.iter().map(change_json).collect::<Vec<_>>(),
        });
        print::result(&serde_json::to_string(&answer).context("cannot write JSON")?)?;
        return Ok(Exit::Success);
    }
    if changes.is_empty() {
        print::told("these settings are accepted already")?;
        return Ok(Exit::Success);
    }
    for change in changes {
        let (used, pending) = (change.used.as_deref(), change.pending.as_deref());
        let text = format!(
            "{}: {} in place of {}",
            change.key,
            pending.unwrap_or("not set"),
            used.unwrap_or("not set")
        );
        print::told(&text)?;
    }
    print::say("accepted; the daemon uses them from its next start on");
    Ok(Exit::Success)
}

/// Finds what waits to be accepted. `None`: it is accepted.
fn meant<'a>(
    workspace: &'a Workspace,
    digest: &str,
) -> Result<Option<&'a PendingSettings>, Failure> {
    let root = workspace.repository.root();
    let accepted = Pin::read(root)?.map(|pin| pin.values.digest());
    let Some(pending) = &workspace.settings.pending else {
        if accepted.as_deref() == Some(digest) {
            return Ok(None);
        }
        let text = format!("no settings wait to be accepted, and none have the digest `{digest}`");
        let help = "the commit that is checked out says what is in use";
        return Err(Failure::new(Exit::Error, text).help(help));
    };
    let known = pending.digest();
    if known == digest {
        return Ok(Some(pending));
    }
    let text = format!("no settings with the digest `{digest}` wait to be accepted");
    let failure = Failure::new(Exit::Error, text);
    // What is accepted is looked at first: another commit may have come meanwhile.
    let help = nearest(digest, [known.as_str()]).map_or_else(
        || {
            let command = unbroken(&format!("campanile status{}", workspace.flag()));
            format!("see what waits: {command}")
        },
        |near| format!("did you mean `{near}`?"),
    );
    Err(failure.help(help))
}

pub(super) fn change_json(change: &SettingChange) -> Value {
    json!({ "key": change.key, "used": change.used, "pending": change.pending })
}
