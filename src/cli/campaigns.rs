//! The campaigns of a repository, found and read.

use super::exit::Exit;
use super::failure::Failure;
use super::parallel::in_order;
use super::workspace::Workspace;
use crate::campaign::{Campaign, NotRead, Texts};
use crate::files::campaign_files;
use crate::identity::CampaignName;
use crate::source::{Source, list_of, nearest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

impl Workspace {
    /// A campaign by its path or its name.
    pub(super) fn campaign(&self, wanted: &str) -> Result<Campaign, Failure> {
        let path = self.path_of(wanted)?;
        let campaign = self.read_campaign(&path)?;
        self.check_only(campaign.name.as_str(), &path)?;
        Ok(campaign)
    }

    /// The file of a campaign, below the folder of the settings.
    pub(super) fn path_of(&self, wanted: &str) -> Result<String, Failure> {
        if !is_path(wanted) {
            return self.named(wanted);
        }
        let invalid = |error: crate::files::Error| Failure::new(Exit::Invalid, error.to_string());
        self.repository
            .relative(&self.directory.join(wanted))
            .map_err(invalid)
    }

    /// Every campaign of the folder, also those that cannot be used.
    pub(super) fn all_campaigns(&self) -> Result<Vec<Result<Campaign, Failure>>, Failure> {
        let mut campaigns = Vec::new();
        self.each_campaign(
            |_, campaign| campaign,
            |_, campaign| {
                campaigns.push(campaign);
                Ok(())
            },
        )?;
        Ok(campaigns)
    }

    /// Makes something of every campaign of the folder, several at a time, and takes it in the order of their paths.
    pub(super) fn each_campaign<T: Send>(
        &self,
        make: impl Fn(&str, Result<Campaign, Failure>) -> T + Sync,
        mut take: impl FnMut(&str, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let read = |path: &String| {
            let campaign = self.read_campaign(path);
            let name = campaign.as_ref().ok().map(|campaign| campaign.name.clone());
            (name, make(path, campaign))
        };
        in_order(&self.campaign_paths()?, read, |path, (name, made)| {
            let other = name
                .as_ref()
                .and_then(|name| known.insert(name.clone(), path.clone()));
            match (name, other) {
                (Some(name), Some(other)) => {
                    let failure = two_of(name.as_str(), path, &other);
                    take(path, make(path, Err(failure)))
                }
                _ => take(path, made),
            }
        })
    }

    fn read_campaign(&self, path: &str) -> Result<Campaign, Failure> {
        if let Some(ending) = other_ending(path) {
            let text = format!("`{path}` ends in `.{ending}`; campaign files end in `.yaml`");
            return Err(Failure::new(Exit::Invalid, text).help("rename the file"));
        }
        if path.contains(char::REPLACEMENT_CHARACTER) {
            let text = format!("the name of the file `{path}` is not UTF-8 text");
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
    pub(super) fn texts(&self, source: &Arc<Source>) -> Texts {
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

    pub(super) fn campaign_paths(&self) -> Result<Vec<String>, Failure> {
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
    pub(super) fn name_of(&self, path: &str) -> Option<String> {
        let text = self.repository.read_text(path).unwrap_or_default();
        let tree = crate::source::parse(&Source::new(path, text)).root;
        let given = tree
            .as_ref()
            .and_then(|tree| tree.get("name")?.text().map(str::to_owned));
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str());
        given.or_else(|| stem.map(str::to_owned))
    }
}

/// What a file ends in that was meant for a campaign and would be passed over.
pub(super) fn other_ending(path: &str) -> Option<&str> {
    let ending = Path::new(path).extension()?.to_str()?;
    let is_yaml = ["yaml", "yml"]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known));
    (is_yaml && ending != "yaml").then_some(ending)
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
pub(super) fn is_path(wanted: &str) -> bool {
    wanted.contains(['/', '.'])
}

/// A text as other systems' editors save it, without what nobody means to send.
fn as_sent(text: &str) -> String {
    text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n")
}
