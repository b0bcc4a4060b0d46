//! The campaign files of a folder, each read as it is now.

use super::error::{ANOTHER_NAME, RENAME};
use super::parallel::in_order;
use super::{Error, Unusable};
use crate::campaign::{Campaign, Examined, NotRead, Texts};
use crate::files::{self, Repository, campaign_files};
use crate::identity::CampaignName;
use crate::settings::Settings;
use crate::source::{Diagnostic, Source, Span, parse};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where the settings say that campaigns are.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    pub settings: &'a Settings,
    pub repository: &'a Repository,
}

impl Folder<'_> {
    /// The files of all campaigns, also of those that cannot be used.
    pub fn paths(&self) -> Result<Vec<String>, Error> {
        campaign_files(self.repository, &self.settings.campaigns).map_err(Error::Folder)
    }

    /// Every campaign file with the name it says.
    pub fn names(&self) -> Result<Vec<(String, String)>, Error> {
        let paths = self.paths()?.into_iter();
        Ok(paths
            .filter_map(|path| self.name_of(&path).map(|name| (path, name)))
            .collect())
    }

    /// Makes something of every campaign, several at a time, and takes it in the order of their paths.
    pub fn read_each<T: Send, E: From<Error>>(
        &self,
        make: impl Fn(&str, Result<Campaign, Unusable>) -> T + Sync,
        take: impl FnMut(&str, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |path: &str| {
            let campaign = self.read(path);
            let name = campaign.as_ref().ok().map(|campaign| campaign.name.clone());
            (name, campaign)
        };
        let twice = |name: &str, path: &str, other: &str| Err(two_of(name, path, other));
        self.each(read, twice, make, take)
    }

    /// The same with as much as can be read of each.
    pub fn examine_each<T: Send, E: From<Error>>(
        &self,
        make: impl Fn(&str, Result<Examined, Unusable>) -> T + Sync,
        take: impl FnMut(&str, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let read = |path: &str| {
            let examined = self.examine(path);
            let name = examined.as_ref().ok().and_then(name_in);
            (name, examined)
        };
        let twice = |name: &str, path: &str, other: &str| {
            let mut examined = self.examine(path)?;
            examined
                .complaints
                .push(self.shown_twice(name, path, other));
            Ok(examined)
        };
        self.each(read, twice, make, take)
    }

    /// `read` tells the name as well; `twice` makes of a file what it is where one before it has its name, too.
    fn each<R, T: Send, E: From<Error>>(
        &self,
        read: impl Fn(&str) -> (Option<CampaignName>, R) + Sync,
        twice: impl Fn(&str, &str, &str) -> R,
        make: impl Fn(&str, R) -> T + Sync,
        mut take: impl FnMut(&str, T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let read = |path: &String| {
            let (name, read) = read(path);
            (name, make(path, read))
        };
        in_order(&self.paths()?, read, |path, (name, made)| {
            let other = name
                .as_ref()
                .and_then(|name| known.insert(name.clone(), path.clone()));
            match (name, other) {
                (Some(name), Some(other)) => {
                    take(path, make(path, twice(name.as_str(), path, &other)))
                }
                _ => take(path, made),
            }
        })
    }

    /// One that can be used, as far as that can be told without the others.
    pub fn read(&self, path: &str) -> Result<Campaign, Unusable> {
        if let Some(ending) = other_ending(path) {
            return Err(ends_otherwise(path, ending));
        }
        let source = self.source(path)?;
        let texts = self.texts(&source);
        Campaign::read(&source, self.settings, &texts).map_err(Unusable::Invalid)
    }

    /// One as far as it can be read, without the others.
    fn examine(&self, path: &str) -> Result<Examined, Unusable> {
        let source = self.source(path)?;
        let texts = self.texts(&source);
        let mut examined = Campaign::examine(&source, self.settings, &texts);
        if let Some(ending) = other_ending(path) {
            let message = ends_otherwise(path, ending).to_string();
            let complaint = Diagnostic::error("file", &Span::beginning(&source), message);
            examined.complaints.insert(0, complaint.help(RENAME));
        }
        Ok(examined)
    }

    /// One as far as it can be read, beside the others.
    pub fn examine_among(&self, path: &str) -> Result<Examined, Unusable> {
        let mut examined = self.examine(path)?;
        if let Some(name) = name_in(&examined)
            && let Some(other) = self.other_of(name.as_str(), path)
        {
            let complaint = self.shown_twice(name.as_str(), path, &other);
            examined.complaints.push(complaint);
        }
        Ok(examined)
    }

    /// A name is an identity: two files with one would take each other's runs for their own.
    pub fn check_only(&self, name: &str, path: &str) -> Result<(), Unusable> {
        match self.other_of(name, path) {
            Some(other) => Err(two_of(name, path, &other)),
            None => Ok(()),
        }
    }

    fn other_of(&self, name: &str, path: &str) -> Option<String> {
        // A campaign outside the folder may be run by its path where there is no such folder.
        let others = self.names().unwrap_or_default().into_iter();
        let mut others = others.filter(|(other, named)| named == name && other != path);
        others.next().map(|(other, _)| other)
    }

    /// Two files with one name, each shown where it says it.
    fn shown_twice(&self, name: &str, path: &str, other: &str) -> Diagnostic {
        let place = |path: &str| {
            let text = self.repository.read_text(path).unwrap_or_default();
            let source = Source::new(path, text);
            let tree = parse(&source).root;
            let name = tree.as_ref().and_then(|tree| tree.get("name"));
            name.map_or_else(|| Span::beginning(&source), |name| name.span.clone())
        };
        let message = format!("two campaigns are named `{name}`");
        Diagnostic::error("campaign-name", &place(path), message)
            .also(&place(other), "so is this one")
            .help(ANOTHER_NAME)
    }

    pub(super) fn source(&self, path: &str) -> Result<Arc<Source>, Unusable> {
        if path.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Unusable::NameNotText(path.to_owned()));
        }
        Ok(Source::new(path, self.repository.read_text(path)?))
    }

    /// The files that hold a campaign's texts.
    pub fn texts(&self, source: &Arc<Source>) -> Texts {
        let paths = Campaign::text_files(source).into_iter();
        paths
            .map(|path| {
                let text = self.text(&path);
                (path, text)
            })
            .collect()
    }

    pub(super) fn text(&self, path: &str) -> Result<Arc<Source>, NotRead> {
        self.text_file(path).map_err(|error| not_read(&error))
    }

    pub(super) fn text_file(&self, path: &str) -> Result<Arc<Source>, files::Error> {
        let text = self.repository.read_text(path)?;
        Ok(Source::new(path, as_sent(&text)))
    }

    /// What a file says its campaign is called. One that cannot be read goes by its file's name, so that who asks for it
    /// hears why.
    pub fn name_of(&self, path: &str) -> Option<String> {
        let text = self.repository.read_text(path).unwrap_or_default();
        name_given(&Source::new(path, text))
    }
}

pub(super) fn name_given(source: &Arc<Source>) -> Option<String> {
    let tree = parse(source).root;
    let given = tree
        .as_ref()
        .and_then(|tree| tree.get("name")?.text().map(str::to_owned));
    let path = Path::new(&source.path);
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    given.or_else(|| stem.map(str::to_owned))
}

/// What a file ends in that was meant for a campaign and would be passed over.
pub fn other_ending(path: &str) -> Option<&str> {
    let ending = Path::new(path).extension()?.to_str()?;
    let is_yaml = ["yaml", "yml"]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known));
    (is_yaml && ending != "yaml").then_some(ending)
}

fn ends_otherwise(path: &str, ending: &str) -> Unusable {
    Unusable::Ending {
        path: path.to_owned(),
        ending: ending.to_owned(),
    }
}

fn two_of(name: &str, path: &str, other: &str) -> Unusable {
    Unusable::Twice {
        name: name.to_owned(),
        path: path.to_owned(),
        other: other.to_owned(),
    }
}

/// The name of a campaign that has one which can be used.
fn name_in(examined: &Examined) -> Option<CampaignName> {
    let has_none = |complaint: &Diagnostic| complaint.code == "campaign-name";
    let campaign = examined.campaign.as_ref();
    let campaign = campaign.filter(|_| !examined.complaints.iter().any(has_none));
    campaign.map(|campaign| campaign.name.clone())
}

pub(super) fn not_read(error: &files::Error) -> NotRead {
    NotRead {
        why: error.to_string(),
        help: error.help(),
        premise: error.premise(),
        blame: error.blame(),
    }
}

/// A text as other systems' editors save it, without what nobody means to send.
fn as_sent(text: &str) -> String {
    text.trim_start_matches('\u{FEFF}').replace("\r\n", "\n")
}
