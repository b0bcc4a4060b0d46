//! `sandbox`: the stand-in for the vendor alone, on a port.

use super::access::SANDBOX_KEY;
use super::arguments::{Output, Sandbox as SandboxOptions};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use super::signals::Signals;
use crate::files::append_to;
use crate::sandbox::{Faults, Options, Sandbox};
use anyhow::Context;

pub(super) async fn sandbox(options: &SandboxOptions) -> Result<Exit, Failure> {
    let faults: Faults = match options.fault.as_str() {
        "" => Faults::default(),
        text => text
            .parse()
            .map_err(|error| Failure::new(Exit::Usage, format!("--fault: {error}")))?,
    };
    let ledger = match &options.ledger {
        Some(path) => {
            Some(append_to(path).with_context(|| format!("cannot open `{}`", path.display()))?)
        }
        None => None,
    };
    let mut signals = Signals::listen()?;
    let sandbox = Sandbox::start(Options {
        listen: options.listen,
        sdk_app_id: options.sdk_app_id,
        administrator: "administrator".to_owned(),
        secret_key: SANDBOX_KEY.to_owned(),
        rate_per_s: options.limit,
        broadcast_per_s: 1,
        deduplication: options.deduplication,
        latency: options.latency,
        jitter: options.jitter,
        faults,
        seed: options.seed,
        ledger,
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
        "what it received: curl http://{address}/sandbox/ledger, /sandbox/statistics"
    ));
}
