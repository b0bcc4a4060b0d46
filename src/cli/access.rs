//! How the vendor is reached: the secret of an app, or the stand-in that is started for it.

use super::exit::Exit;
use super::failure::Failure;
use super::workspace::{OWN_FOLDER, Workspace, variable};
use crate::delivery::Patience;
use crate::files::{append_to, read_secret};
use crate::sandbox::{Deduplication, Manner, Options, Sandbox};
use crate::settings::{App, SecretSource};
use crate::vendor::{Access, Signer};
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;

/// The stand-in's secret is none.
pub(super) const SANDBOX_KEY: &str = "sandbox";

impl Workspace {
    /// How to reach the vendor, or the stand-in that is started for it.
    pub(super) async fn access(&self, app: &App) -> Result<(Access, Option<Sandbox>), Failure> {
        let signer = |secret_key: String| Signer {
            sdk_app_id: app.sdk_app_id.0,
            identifier: app.administrator.clone(),
            secret_key,
        };
        if self.sandbox {
            let stand_in = self.stand_in(app).await?;
            let endpoint = format!("http://{}", stand_in.address());
            return Ok((
                Access {
                    endpoint,
                    signer: signer(SANDBOX_KEY.to_owned()),
                },
                Some(stand_in),
            ));
        }
        let access = Access {
            endpoint: app.endpoint.clone(),
            signer: signer(self.secret(app)?),
        };
        Ok((access, None))
    }

    /// For whoever has nothing to ask or to tell the vendor: no secret is read, and no stand-in is started.
    pub(super) fn no_access(app: &App) -> Access {
        Access {
            endpoint: app.endpoint.clone(),
            signer: Signer {
                sdk_app_id: app.sdk_app_id.0,
                identifier: app.administrator.clone(),
                secret_key: String::new(),
            },
        }
    }

    /// Whether it is not the vendor itself: without TLS only this machine is called.
    pub(super) fn is_stand_in(&self, app: &App) -> bool {
        self.is_sandbox() || app.endpoint.starts_with("http://")
    }

    /// How long a message must be missing from its group's history: how far the vendor's lag behind, no setting says.
    pub(super) fn patience(&self, app: &App) -> Patience {
        if self.is_stand_in(app) {
            Patience::in_proportion_to(app.limits.deduplication)
        } else {
            Patience::default()
        }
    }

    /// Whether there is a secret, where one is needed.
    pub(super) fn check_access(&self, app: &App) -> Result<(), Failure> {
        if self.sandbox {
            return Ok(());
        }
        self.secret(app).map(drop)
    }

    async fn stand_in(&self, app: &App) -> Result<Sandbox, Failure> {
        self.ensure_own_folder()?;
        let ledger = append_to(&self.ledger_path()).context("cannot open the sandbox's ledger")?;
        let deduplication = Deduplication {
            span: app.limits.deduplication,
            ..Deduplication::default()
        };
        let manner = Manner {
            rate_per_s: app.limits.group_message,
            broadcast_per_s: app.limits.broadcast,
            deduplication,
            latency: Duration::from_millis(30),
            jitter: Duration::from_millis(20),
            ..Manner::default()
        };
        let options = Options {
            administrator: app.administrator.clone(),
            manner,
            ledger: Some(ledger),
            ..Options::new(([127, 0, 0, 1], 0).into(), app.sdk_app_id.0, SANDBOX_KEY)
        };
        Ok(Sandbox::start(options)
            .await
            .context("cannot start the sandbox")?)
    }

    /// What the stand-in received, kept so that it remembers after a crash.
    pub(super) fn ledger_path(&self) -> PathBuf {
        self.repository
            .root()
            .join(OWN_FOLDER)
            .join("sandbox-ledger.jsonl")
    }

    fn secret(&self, app: &App) -> Result<String, Failure> {
        let invalid = |text: String| Failure::new(Exit::Invalid, text);
        let secret = match &app.secret {
            None => {
                let failure = invalid(format!("the app `{}` has no `secret_key`", app.role));
                let help =
                    "add `secret_key: { env: CAMPANILE_SECRET_KEY }`, or rehearse with --sandbox";
                return Err(failure.help(help));
            }
            Some(SecretSource::Environment(name)) => variable(name).ok_or_else(|| {
                invalid(format!(
                    "the environment variable `{name}` with the secret key of `{}` is not set",
                    app.role
                ))
                .help(format!("export {name}=..., or rehearse with --sandbox"))
            })?,
            Some(SecretSource::File(path)) => read_secret(&self.repository.root().join(path))
                .map_err(|error| {
                    invalid(format!(
                        "the secret key of `{}` cannot be read from `{path}`: {error}",
                        app.role
                    ))
                })?,
        };
        if secret.is_empty() {
            return Err(invalid(format!(
                "the secret key of `{}` is empty",
                app.role
            )));
        }
        Ok(secret)
    }
}
