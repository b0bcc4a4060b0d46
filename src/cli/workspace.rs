//! Where one works: the settings, the repository, the journal, and whether the vendor is the real one.

use super::arguments::Common;
use super::exit::Exit;
use super::failure::Failure;
use crate::campaign::{Campaign, NotRead, Texts};
use crate::files::{
    Repository, append_to, campaign_files, ensure_directory, find_upwards, read_secret,
    read_settings,
};
use crate::identity::{CampaignName, RunName, VendorApp};
use crate::journal::{Journal, Run};
use crate::sandbox::{Faults, Options, Sandbox};
use crate::settings::{
    App, InvalidJournal, JournalSource, OVERRIDE_PREFIX, SecretSource, Settings, journal_path,
};
use crate::source::{Source, list_of, nearest};
use crate::vendor::{Access, Signer};
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const SETTINGS: &str = "campanile.yaml";
/// The folder of the program's own files, ignored by git.
const OWN_FOLDER: &str = ".campanile";
/// The host of the stand-in in occurrence keys: its port is another each time.
const SANDBOX_HOST: &str = "sandbox";
/// The stand-in's secret is none.
pub(super) const SANDBOX_KEY: &str = "sandbox";

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) settings: Settings,
    pub(super) repository: Repository,
    directory: PathBuf,
    sandbox: bool,
    /// `-C` and `--config` as they were typed.
    typed: String,
}

impl Workspace {
    pub(super) fn find(common: &Common, sandbox: bool) -> Result<Workspace, Failure> {
        Workspace::find_any(common, sandbox)?.ok_or_else(|| {
            let directory = common.directory.as_deref().unwrap_or(Path::new("."));
            let here = std::env::current_dir().unwrap_or_default();
            let text = format!(
                "there is no `{SETTINGS}` in `{}` or a folder above it",
                here.join(directory).display()
            );
            Failure::new(Exit::Invalid, text)
                .help("go to the repository, or name the file with --config")
        })
    }

    /// For what can be done without settings. `None`: there are none.
    pub(super) fn find_any(common: &Common, sandbox: bool) -> Result<Option<Workspace>, Failure> {
        let here = std::env::current_dir().context("cannot tell the working directory")?;
        let directory = common
            .directory
            .as_ref()
            .map_or(here.clone(), |directory| here.join(directory));
        let found = match &common.config {
            Some(path) => Some(directory.join(path)),
            None => find_upwards(&directory, SETTINGS),
        };
        let Some(path) = found else {
            return Ok(None);
        };
        let text =
            read_settings(&path).map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?;
        let shown = path
            .strip_prefix(&here)
            .unwrap_or(&path)
            .display()
            .to_string();
        let settings = Settings::read(&Source::new(shown, text), &overrides()?)
            .map_err(|found| Failure::invalid(found, 0))?;
        let root = path.parent().unwrap_or(Path::new("."));
        let repository = Repository::at(root)
            .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))?
            .with_roots(&settings.roots);
        Ok(Some(Workspace {
            settings,
            repository,
            directory,
            sandbox,
            typed: typed(common),
        }))
    }

    /// A campaign by its path or its name.
    pub(super) fn campaign(&self, wanted: &str) -> Result<Campaign, Failure> {
        let path = if is_path(wanted) {
            let invalid =
                |error: crate::files::Error| Failure::new(Exit::Invalid, error.to_string());
            self.repository
                .relative(&self.directory.join(wanted))
                .map_err(invalid)?
        } else {
            self.named(wanted)?
        };
        let campaign = self.read_campaign(&path)?;
        self.check_only(campaign.name.as_str(), &path)?;
        Ok(campaign)
    }

    /// Every campaign of the folder, also those that cannot be used.
    pub(super) fn all_campaigns(&self) -> Result<Vec<Result<Campaign, Failure>>, Failure> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let mut campaigns = Vec::new();
        for path in self.campaign_paths()? {
            let campaign = self.read_campaign(&path);
            let name = campaign.as_ref().ok().map(|campaign| campaign.name.clone());
            let other = name.and_then(|name| known.insert(name, path.clone()));
            campaigns.push(match (campaign, other) {
                (Ok(campaign), Some(other)) => Err(two_of(campaign.name.as_str(), &path, &other)),
                (campaign, _) => campaign,
            });
        }
        Ok(campaigns)
    }

    fn read_campaign(&self, path: &str) -> Result<Campaign, Failure> {
        if Path::new(path)
            .extension()
            .is_some_and(|ending| ending == "yml")
        {
            let text = format!("`{path}` ends in `.yml`; campaign files end in `.yaml`");
            return Err(Failure::new(Exit::Invalid, text).help("rename the file"));
        }
        let text = self
            .repository
            .read_text(path)
            .map_err(|error| unreadable(&error))?;
        let source = Source::new(path, text);
        let texts = self.texts(&source);
        Campaign::read(&source, &self.settings, &texts).map_err(|found| Failure::invalid(found, 0))
    }

    /// The files that hold a campaign's texts.
    fn texts(&self, source: &Arc<Source>) -> Texts {
        let read = |path: String| {
            let text = self.repository.read_text(&path);
            let text = text.map(|text| Source::new(path.as_str(), as_sent(&text)));
            let text = text.map_err(|error| NotRead {
                why: error.to_string(),
                help: error.help(),
            });
            (path, text)
        };
        Campaign::text_files(source).into_iter().map(read).collect()
    }

    /// The path of the campaign of this name.
    fn named(&self, wanted: &str) -> Result<String, Failure> {
        let mut names = Vec::new();
        for (path, name) in self.campaigns()? {
            if name == wanted {
                return Ok(path);
            }
            names.push(name);
        }
        let folder = &self.settings.campaigns;
        let failure = Failure::new(
            Exit::Invalid,
            format!("there is no campaign `{wanted}` in `{folder}`"),
        );
        Err(match nearest(wanted, &names) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None if names.is_empty() => {
                failure.help(format!("write one: `{folder}/{wanted}.yaml`"))
            }
            None => failure.help(format!("there are {}", list_of(&names))),
        })
    }

    /// A name is an identity: two files with one would take each other's runs for their own.
    fn check_only(&self, name: &str, path: &str) -> Result<(), Failure> {
        // A campaign outside the folder may be run by its path where there is no such folder.
        let others = self.campaigns().unwrap_or_default();
        let Some((other, _)) = others
            .into_iter()
            .find(|(other, named)| named == name && other != path)
        else {
            return Ok(());
        };
        Err(two_of(name, path, &other))
    }

    fn campaign_paths(&self) -> Result<Vec<String>, Failure> {
        campaign_files(&self.repository, &self.settings.campaigns)
            .map_err(|error| Failure::new(Exit::Invalid, error.to_string()))
    }

    /// Every campaign file with the name it says.
    fn campaigns(&self) -> Result<Vec<(String, String)>, Failure> {
        Ok(self
            .campaign_paths()?
            .into_iter()
            .filter_map(|path| self.name_of(&path).map(|name| (path, name)))
            .collect())
    }

    /// What a file says its campaign is called. One that cannot be read goes by its file's name, so that who asks for it
    /// hears why.
    fn name_of(&self, path: &str) -> Option<String> {
        let text = self.repository.read_text(path).unwrap_or_default();
        let tree = crate::source::parse(&Source::new(path, text)).root;
        let given = tree
            .as_ref()
            .and_then(|tree| tree.get("name")?.text().map(str::to_owned));
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str());
        given.or_else(|| stem.map(str::to_owned))
    }

    /// The journal in use. The stand-in has one of its own, so that no rehearsal eats a real occurrence.
    fn journal_path(&self) -> Result<PathBuf, Failure> {
        let root = self.repository.root();
        if self.sandbox {
            return Ok(root.join(OWN_FOLDER).join("sandbox.db"));
        }
        let invalid = |text: String| Failure::new(Exit::Invalid, text);
        let (text, place) = match &self.settings.journal {
            JournalSource::Path(path) => return Ok(root.join(path)),
            JournalSource::Environment(name) => {
                let text = variable(name).ok_or_else(|| {
                    invalid(format!(
                        "the environment variable `{name}` with the journal is not set"
                    ))
                    .help(format!("export {name}=sqlite:campanile.db"))
                })?;
                (text, format!("the environment variable `{name}`"))
            }
            JournalSource::File(path) => {
                let text = read_secret(&root.join(path)).map_err(|error| {
                    invalid(format!(
                        "where the journal is cannot be read from `{path}`: {error}"
                    ))
                })?;
                (text, format!("`{path}`"))
            }
        };
        // The text is not repeated: it may hold a password.
        let path = journal_path(&text).map_err(|error| {
            invalid(format!("{place} names no journal: {error}")).help(InvalidJournal::HELP)
        })?;
        Ok(root.join(path))
    }

    pub(super) async fn journal(&self) -> Result<Journal, Failure> {
        if self.sandbox {
            self.ensure_own_folder()?;
        }
        Ok(Journal::open(&self.journal_path()?).await?)
    }

    fn ensure_own_folder(&self) -> Result<(), Failure> {
        Ok(ensure_directory(&self.repository.root().join(OWN_FOLDER))
            .context("cannot make the sandbox's folder")?)
    }

    /// For reading what has been sent; nothing is made.
    pub(super) async fn existing_journal(&self) -> Result<Journal, Failure> {
        let path = self.journal_path()?;
        if !path.exists() {
            let text = format!(
                "nothing has been sent yet: there is no journal `{}`",
                self.shown(&path)
            );
            let failure = Failure::new(Exit::Error, text);
            let help = "runs of the stand-in are in a journal of their own: add --sandbox";
            return Err(if self.sandbox {
                failure
            } else {
                failure.help(help)
            });
        }
        Ok(Journal::open(&path).await?)
    }

    /// A path as people want to read it.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.repository.root())
            .unwrap_or(path)
            .display()
            .to_string()
    }

    pub(super) fn vendor_app(&self, app: &App) -> VendorApp {
        let vendor_app = app.vendor_app();
        if self.sandbox {
            VendorApp {
                host: SANDBOX_HOST.to_owned(),
                ..vendor_app
            }
        } else {
            vendor_app
        }
    }

    pub(super) fn is_sandbox(&self) -> bool {
        self.sandbox
    }

    /// What a command needs added to mean the same journal.
    pub(super) fn flag(&self) -> String {
        format!(
            "{}{}",
            if self.sandbox { " --sandbox" } else { "" },
            self.typed
        )
    }

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

    async fn stand_in(&self, app: &App) -> Result<Sandbox, Failure> {
        self.ensure_own_folder()?;
        let ledger = append_to(&self.ledger_path()).context("cannot open the sandbox's ledger")?;
        let options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            sdk_app_id: app.sdk_app_id.0,
            administrator: app.administrator.clone(),
            secret_key: SANDBOX_KEY.to_owned(),
            rate_per_s: app.limits.group_message,
            broadcast_per_s: app.limits.broadcast,
            deduplication: app.limits.deduplication,
            latency: Duration::from_millis(30),
            jitter: Duration::from_millis(20),
            faults: Faults::default(),
            seed: 1,
            ledger: Some(ledger),
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

    /// The run that a person means: by its whole name, or the latest of a campaign.
    pub(super) async fn find_run(&self, journal: &Journal, wanted: &str) -> Result<Run, Failure> {
        if wanted.contains('@') {
            let name: RunName =
                wanted
                    .parse()
                    .map_err(|error: crate::identity::InvalidRunName| {
                        Failure::new(Exit::Usage, error.to_string())
                    })?;
            let found = journal.runs_named(&name).await?.into_iter().next();
            return match found {
                Some(run) => Ok(run),
                None => Err(self.no_run(journal, name.campaign.as_str(), wanted).await?),
            };
        }
        let path = self.repository.relative(&self.directory.join(wanted)).ok();
        let named = path
            .filter(|_| is_path(wanted))
            .and_then(|path| self.name_of(&path));
        let stem = named.as_deref().unwrap_or(wanted);
        let campaign = crate::identity::CampaignName::try_from(stem)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
        let latest = journal.runs_of(&campaign).await?.into_iter().next();
        match latest {
            Some(run) => Ok(run),
            None => Err(self.no_run(journal, stem, wanted).await?),
        }
    }

    async fn no_run(
        &self,
        journal: &Journal,
        campaign: &str,
        wanted: &str,
    ) -> Result<Failure, Failure> {
        const SHOWN: usize = 5;
        let text = format!(
            "there is no run `{wanted}` in `{}`",
            self.shown(journal.path())
        );
        let failure = Failure::new(Exit::Error, text);
        let campaigns = journal.campaigns().await?;
        if let Ok(name) = crate::identity::CampaignName::try_from(campaign) {
            let runs = journal.runs_of(&name).await?;
            let names: Vec<String> = runs
                .iter()
                .take(SHOWN)
                .map(|run| run.name().to_string())
                .collect();
            if !names.is_empty() {
                return Ok(failure.help(format!("there are {}", list_of(&names))));
            }
        }
        Ok(match nearest(campaign, &campaigns) {
            Some(meant) => failure.help(format!("did you mean `{meant}`?")),
            None if campaigns.is_empty() => failure.help("nothing has been sent yet"),
            None => failure.help(format!("there are runs of {}", list_of(&campaigns))),
        })
    }
}

fn unreadable(error: &crate::files::Error) -> Failure {
    let failure = Failure::new(Exit::Invalid, error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn two_of(name: &str, path: &str, other: &str) -> Failure {
    let text = format!("two campaigns are named `{name}`: `{path}` and `{other}`");
    Failure::new(Exit::Invalid, text).help("give one of them another `name:`")
}

/// Names have neither.
fn is_path(wanted: &str) -> bool {
    wanted.contains(['/', '.'])
}

/// A text as other systems' editors save it, without what nobody means to send.
fn as_sent(text: &str) -> String {
    text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n")
}

fn typed(common: &Common) -> String {
    let options = [("-C", &common.directory), ("--config", &common.config)];
    let given = options
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)));
    given
        .map(|(name, path)| format!(" {name} {}", quoted(&path.display().to_string())))
        .collect::<Vec<_>>()
        .concat()
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |each: char| each.is_alphanumeric() || "-_./@:#=,+".contains(each);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The environment is read here and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables that may override settings, read here and nowhere else.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the environment is read"
)]
fn overrides() -> Result<Vec<(String, String)>, Failure> {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        name.starts_with(OVERRIDE_PREFIX).then_some((name, value))
    });
    ours.map(|(name, value)| {
        let value = value.into_string().map_err(|_| {
            let text = format!("the environment variable `{name}` is not UTF-8 text");
            Failure::new(Exit::Invalid, text)
        })?;
        Ok((name, value))
    })
    .collect()
}
