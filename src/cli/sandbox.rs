//! `sandbox`: the stand-in for the vendor alone, on a port.

use super::access::SANDBOX_KEY;
use super::arguments::{Output, Sandbox as SandboxOptions};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::signals::Signals;
use crate::audience::Row;
use crate::files::{Repository, append_to};
use crate::sandbox::{Deduplication, GroupRow, Groups, Manner, Options, Sandbox};
use anyhow::Context;
use std::path::Path;

pub(super) async fn sandbox(options: &SandboxOptions) -> Result<Exit, Failure> {
    let manner = manner(options)?;
    let ledger = match &options.ledger {
        Some(path) => {
            Some(append_to(path).with_context(|| format!("cannot open `{}`", path.display()))?)
        }
        None => None,
    };
    let mut signals = Signals::listen()?;
    let sandbox = Sandbox::start(Options {
        manner,
        ledger,
        ..Options::new(options.listen, options.sdk_app_id, SANDBOX_KEY)
    })
    .await
    .context("cannot start the sandbox")?;
    greet(&sandbox, options);
    signals.next().await;
    let statistics = sandbox.stop().await;
    match options.output {
        Output::Text => print::result(statistics.to_string().trim_end())?,
        Output::Json => {
            print::result(&serde_json::to_string(&statistics).context("cannot write JSON")?)?
        }
    };
    Ok(Exit::Success)
}

fn manner(options: &SandboxOptions) -> Result<Manner, Failure> {
    let groups = match &options.groups {
        Some(path) => groups(path)?,
        None => Groups::default(),
    };
    let deduplication = Deduplication {
        span: options.deduplication,
        scope: options.dedup_scope,
        key: options.dedup_key,
        answer: options.dedup_answer,
        registers: options.dedup_registers,
    };
    Ok(Manner {
        groups,
        rate_per_s: options.limit,
        broadcast_per_s: options.broadcast_limit,
        group_per_s: options.group_limit,
        over_group_limit: options.over_group_limit,
        deduplication,
        history_lag: options.history_lag,
        latency: options.latency,
        jitter: options.jitter,
        faults: options.fault.clone(),
        seed: options.seed,
        ..Manner::default()
    })
}

/// Reads a list of groups, or says everything that is wrong with it.
fn groups(path: &Path) -> Result<Groups, Failure> {
    let shown = path.display();
    let invalid = |why: &str| {
        Failure::new(
            Exit::Invalid,
            format!("`{shown}` is no list of groups{why}"),
        )
    };
    let unreadable = |error| anyhow::Error::new(error).context(format!("cannot read `{shown}`"));
    let (folder, name) = (path.parent(), path.file_name());
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let name = name.and_then(|name| name.to_str()).unwrap_or("");
    let repository = Repository::at(folder.unwrap_or(Path::new("."))).map_err(unreadable)?;
    let mut rows = repository.rows(name).map_err(unreadable)?;
    let Some(Row::Cells { cells: header, .. }) = rows.next().transpose().map_err(unreadable)?
    else {
        return Err(invalid(": it is empty, or not CSV"));
    };
    let column = |name| header.iter().position(|cell| cell.trim() == name);
    let Some(group) = column("group") else {
        return Err(
            invalid(": line 1 has no column `group`").help("begin the file with `group,type`")
        );
    };
    let kind = column("type");
    let mut failed = None;
    let rows = rows.map_while(|row| row.map_err(|error| failed = Some(error)).ok());
    let rows = rows.filter_map(|row| match row {
        Row::Cells { line, cells } => {
            let cell = |column: usize| cells.get(column).map(|cell| cell.trim().to_owned());
            Some(GroupRow {
                line,
                group: cell(group).unwrap_or_default(),
                kind: kind.and_then(cell),
            })
        }
        Row::Object { .. } => None,
    });
    let groups = Groups::listed(rows);
    match (groups, failed) {
        (_, Some(error)) => Err(unreadable(error).into()),
        (Err(complaints), None) => Err(invalid(&format!(":\n  {}", complaints.join("\n  ")))),
        (Ok(groups), None) => Ok(groups),
    }
}

fn greet(sandbox: &Sandbox, options: &SandboxOptions) {
    let address = sandbox.address();
    print::say(&format!(
        "the sandbox listens on http://{address}; Ctrl-C ends it"
    ));
    print::say(&format!(
        "\nsettings for it (campanile.yaml), with `export CAMPANILE_SECRET_KEY={SANDBOX_KEY}`:\n\
         apps:\n  main:\n    sdk_app_id: {}\n    secret_key: {{ env: CAMPANILE_SECRET_KEY }}\n    \
         endpoint: http://{address}\n",
        options.sdk_app_id
    ));
    print::say(&format!(
        "what it received: curl http://{address}/sandbox/ledger, /sandbox/statistics, /sandbox/faults"
    ));
}
