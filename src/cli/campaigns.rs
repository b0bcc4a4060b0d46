//! The campaigns of a repository, found and read.

use super::exit::Exit;
use super::failure::Failure;
use super::workspace::Workspace;
use crate::campaign::{Campaign, Examined, NotRead, Texts};
use crate::files::campaign_files;
use crate::identity::CampaignName;
use crate::source::{Diagnostic, Source, Span, list_of, nearest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The path of a file, and as much as could be read of it.
pub(super) type FoundWrong = (String, Result<Examined, Failure>);

const ANOTHER_NAME: &str = "give one of them another `name:`";
const RENAME: &str = "rename the file";

/// The path of a file, and what it came to.
pub(super) type Found = (String, Result<Campaign, Failure>);

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
        let campaigns = self.all_campaigns_by_path()?.into_iter();
        Ok(campaigns.map(|(_, campaign)| campaign).collect())
    }

    /// The same with the path of each.
    pub(super) fn all_campaigns_by_path(&self) -> Result<Vec<Found>, Failure> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let mut campaigns = Vec::new();
        for path in self.campaign_paths()? {
            let campaign = self.read_campaign(&path);
            let name = campaign.as_ref().ok().map(|campaign| campaign.name.clone());
            let other = name.and_then(|name| known.insert(name, path.clone()));
            let campaign = match (campaign, other) {
                (Ok(campaign), Some(other)) => Err(two_of(campaign.name.as_str(), &path, &other)),
                (campaign, _) => campaign,
            };
            campaigns.push((path, campaign));
        }
        Ok(campaigns)
    }

    /// Every campaign of the folder as far as it can be read, by its path.
    pub(super) fn examine_all(&self) -> Result<Vec<FoundWrong>, Failure> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let mut campaigns = Vec::new();
        for path in self.campaign_paths()? {
            let mut examined = self.examine_at(&path);
            if let Ok(examined) = &mut examined
                && let Some(name) = name_in(examined)
                && let Some(other) = known.insert(name.clone(), path.clone())
            {
                let complaint = self.two_of(name.as_str(), &path, &other);
                examined.complaints.push(complaint);
            }
            campaigns.push((path, examined));
        }
        Ok(campaigns)
    }

    /// The same of one, by its path or its name.
    pub(super) fn examine_one(&self, wanted: &str) -> FoundWrong {
        let path = match self.path_of(wanted) {
            Ok(path) => path,
            Err(failure) => return (wanted.to_owned(), Err(failure)),
        };
        let mut examined = self.examine_at(&path);
        if let Ok(examined) = &mut examined
            && let Some(name) = name_in(examined)
            && let Some(other) = self.other_of(name.as_str(), &path)
        {
            let complaint = self.two_of(name.as_str(), &path, &other);
            examined.complaints.push(complaint);
        }
        (path, examined)
    }

    fn examine_at(&self, path: &str) -> Result<Examined, Failure> {
        let text = self
            .repository
            .read_text(path)
            .map_err(|error| unreadable(&error))?;
        let source = Source::new(path, text);
        let texts = self.texts(&source);
        let mut examined = Campaign::examine(&source, &self.settings, &texts);
        if is_yml(path) {
            let complaint = Diagnostic::error("file", &Span::beginning(&source), ends_in_yml(path));
            examined.complaints.insert(0, complaint.help(RENAME));
        }
        Ok(examined)
    }

    /// Two files with one name, each shown where it says it.
    fn two_of(&self, name: &str, path: &str, other: &str) -> Diagnostic {
        let place = |path: &str| {
            let text = self.repository.read_text(path).unwrap_or_default();
            let source = Source::new(path, text);
            let tree = crate::source::parse(&source).root;
            let name = tree.as_ref().and_then(|tree| tree.get("name"));
            name.map_or_else(|| Span::beginning(&source), |name| name.span.clone())
        };
        let message = format!("two campaigns are named `{name}`");
        Diagnostic::error("campaign-name", &place(path), message)
            .also(&place(other), "so is this one")
            .help(ANOTHER_NAME)
    }

    fn read_campaign(&self, path: &str) -> Result<Campaign, Failure> {
        if is_yml(path) {
            return Err(Failure::new(Exit::Invalid, ends_in_yml(path)).help(RENAME));
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
        match self.other_of(name, path) {
            Some(other) => Err(two_of(name, path, &other)),
            None => Ok(()),
        }
    }

    fn other_of(&self, name: &str, path: &str) -> Option<String> {
        // A campaign outside the folder may be run by its path where there is no such folder.
        let others = self.campaigns().unwrap_or_default().into_iter();
        let mut others = others.filter(|(other, named)| named == name && other != path);
        others.next().map(|(other, _)| other)
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

fn unreadable(error: &crate::files::Error) -> Failure {
    let failure = Failure::new(Exit::Invalid, error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// The name of a campaign that has one which can be used.
fn name_in(examined: &Examined) -> Option<CampaignName> {
    let has_none = |complaint: &Diagnostic| complaint.code == "campaign-name";
    let campaign = examined.campaign.as_ref();
    let campaign = campaign.filter(|_| !examined.complaints.iter().any(has_none));
    campaign.map(|campaign| campaign.name.clone())
}

fn is_yml(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|ending| ending == "yml")
}

fn ends_in_yml(path: &str) -> String {
    format!("`{path}` ends in `.yml`; campaign files end in `.yaml`")
}

fn two_of(name: &str, path: &str, other: &str) -> Failure {
    let text = format!("two campaigns are named `{name}`: `{path}` and `{other}`");
    Failure::new(Exit::Invalid, text).help(ANOTHER_NAME)
}

/// Names have neither.
pub(super) fn is_path(wanted: &str) -> bool {
    wanted.contains(['/', '.'])
}

/// A text as other systems' editors save it, without what nobody means to send.
fn as_sent(text: &str) -> String {
    text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n")
}
