//! The campaigns that a person asked for.

use super::exit::Exit;
use super::failure::Failure;
use super::workspace::Workspace;
use crate::campaign::{Campaign, Examined, Texts};
use crate::catalog::Folder;
use crate::source::{Source, list_of, nearest};
use std::sync::Arc;

/// The path of a file, and as much as could be read of it.
pub(super) type FoundWrong = (String, Result<Examined, Failure>);

impl Workspace {
    fn folder(&self) -> Folder<'_> {
        Folder {
            settings: &self.settings,
            repository: &self.repository,
        }
    }

    /// A campaign by its path or its name.
    pub(super) fn campaign(&self, wanted: &str) -> Result<Campaign, Failure> {
        let path = self.path_of(wanted)?;
        let campaign = self.folder().read(&path)?;
        self.folder().check_only(campaign.name.as_str(), &path)?;
        Ok(campaign)
    }

    /// The file of a campaign, below the folder of the settings.
    pub(super) fn path_of(&self, wanted: &str) -> Result<String, Failure> {
        if !is_path(wanted) {
            return self.named(wanted);
        }
        let path = self.directory.join(wanted);
        self.repository.relative(&path).map_err(Failure::from)
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
        self.folder().read_each(
            |path, campaign| make(path, campaign.map_err(Failure::from)),
            take,
        )
    }

    /// The same with as much as can be read of each.
    pub(super) fn examine_each<T: Send>(
        &self,
        make: impl Fn(&str, Result<Examined, Failure>) -> T + Sync,
        take: impl FnMut(&str, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.folder().examine_each(
            |path, examined| make(path, examined.map_err(Failure::from)),
            take,
        )
    }

    /// One as far as it can be read, by its path or its name; and its path.
    pub(super) fn examine_one(&self, wanted: &str) -> FoundWrong {
        let path = match self.path_of(wanted) {
            Ok(path) => path,
            Err(failure) => return (wanted.to_owned(), Err(failure)),
        };
        let examined = self.folder().examine_among(&path).map_err(Failure::from);
        (path, examined)
    }

    /// The files that hold a campaign's texts.
    pub(super) fn texts(&self, source: &Arc<Source>) -> Texts {
        self.folder().texts(source)
    }

    /// The path of the campaign of this name.
    fn named(&self, wanted: &str) -> Result<String, Failure> {
        let mut names = Vec::new();
        for (path, name) in self.folder().names()? {
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

    pub(super) fn campaign_paths(&self) -> Result<Vec<String>, Failure> {
        Ok(self.folder().paths()?)
    }

    /// What a file says its campaign is called.
    pub(super) fn name_of(&self, path: &str) -> Option<String> {
        self.folder().name_of(path)
    }
}

/// Names have neither.
pub(super) fn is_path(wanted: &str) -> bool {
    wanted.contains(['/', '.'])
}
