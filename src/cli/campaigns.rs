//! The campaigns of a repository, found and read.

use super::exit::Exit;
use super::failure::Failure;
use super::parallel::in_order;
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
        take: impl FnMut(&str, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let read = |path: &str| {
            let campaign = self.read_campaign(path);
            let name = campaign.as_ref().ok().map(|campaign| campaign.name.clone());
            (name, campaign)
        };
        let twice = |name: &str, path: &str, other: &str| Err(two_of(name, path, other));
        self.each_file(read, twice, make, take)
    }

    /// The same with as much as can be read of each.
    pub(super) fn examine_each<T: Send>(
        &self,
        make: impl Fn(&str, Result<Examined, Failure>) -> T + Sync,
        take: impl FnMut(&str, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let read = |path: &str| {
            let examined = self.examine_at(path);
            let name = examined.as_ref().ok().and_then(name_in);
            (name, examined)
        };
        let twice = |name: &str, path: &str, other: &str| {
            let mut examined = self.examine_at(path)?;
            examined.complaints.push(self.two_of(name, path, other));
            Ok(examined)
        };
        self.each_file(read, twice, make, take)
    }

    /// `read` tells the name as well; `twice` makes of a file what it is where one before it has its name, too.
    fn each_file<R, T: Send>(
        &self,
        read: impl Fn(&str) -> (Option<CampaignName>, R) + Sync,
        twice: impl Fn(&str, &str, &str) -> R,
        make: impl Fn(&str, R) -> T + Sync,
        mut take: impl FnMut(&str, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut known: BTreeMap<CampaignName, String> = BTreeMap::new();
        let read = |path: &String| {
            let (name, read) = read(path);
            (name, make(path, read))
        };
        in_order(&self.campaign_paths()?, read, |path, (name, made)| {
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

    /// One as far as it can be read, by its path or its name; and its path.
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
        let source = self.source_of(path)?;
        let texts = self.texts(&source);
        let mut examined = Campaign::examine(&source, &self.settings, &texts);
        if let Some(ending) = other_ending(path) {
            let message = ends_otherwise(path, ending);
            let complaint = Diagnostic::error("file", &Span::beginning(&source), message);
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
        if let Some(ending) = other_ending(path) {
            let text = ends_otherwise(path, ending);
            return Err(Failure::new(Exit::Invalid, text).help(RENAME));
        }
        let source = self.source_of(path)?;
        let texts = self.texts(&source);
        Campaign::read(&source, &self.settings, &texts).map_err(|found| Failure::invalid(found, 0))
    }

    fn source_of(&self, path: &str) -> Result<Arc<Source>, Failure> {
        if path.contains(char::REPLACEMENT_CHARACTER) {
            let text = format!("the name of the file `{path}` is not UTF-8 text");
            return Err(Failure::new(Exit::Invalid, text).help(RENAME));
        }
        let text = self.repository.read_text(path);
        let text = text.map_err(|error| unreadable(&error))?;
        Ok(Source::new(path, text))
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

/// The name of a campaign that has one which can be used.
fn name_in(examined: &Examined) -> Option<CampaignName> {
    let has_none = |complaint: &Diagnostic| complaint.code == "campaign-name";
    let campaign = examined.campaign.as_ref();
    let campaign = campaign.filter(|_| !examined.complaints.iter().any(has_none));
    campaign.map(|campaign| campaign.name.clone())
}

fn ends_otherwise(path: &str, ending: &str) -> String {
    format!("`{path}` ends in `.{ending}`; campaign files end in `.yaml`")
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
