//! A campaign as it is kept, and what is told of changes.

use crate::campaign::{Campaign, Texts};
use crate::channel::Channel;
use crate::files::Repository;
use crate::identity::{CampaignName, Digest};
use crate::schedule::Schedule;
use crate::settings::{Settings, Window};
use crate::source::{Diagnostic, Source, Spanned};
use std::sync::Arc;

/// What has to be at hand of a campaign: there may be ten thousand, so the rest is read again where it is needed.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: CampaignName,
    /// Its file, below the root of the repository.
    pub path: String,
    /// `false`: checked, and never scheduled.
    pub enabled: bool,
    /// None: by hand only.
    pub schedule: Option<Arc<Schedule>>,
    /// As written; without one it is the default app.
    pub app: Option<Spanned<String>>,
    pub channel: Channel,
    /// When first attempts may be made.
    pub window: Option<Window>,
    /// The files that it reads besides its own.
    pub reads: Vec<String>,
    /// Its file cannot be used any more: this is what was in it before.
    pub stale: Option<Stale>,
    pub(super) source: Arc<Source>,
    pub(super) texts: Texts,
    pub(super) digest: Digest,
}

/// Since when a file cannot be used, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Stale {
    pub since_ms: i64,
    /// The first complaint on one line, and how many more there are.
    pub why: String,
    /// Files that it was read from while it could be used.
    pub(super) repository: Repository,
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub path: String,
    /// The campaign that is kept as it was before; of a file that never was one there is none.
    pub name: Option<CampaignName>,
    pub since_ms: i64,
    pub why: String,
}

/// What became of the campaigns since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<CampaignName>,
    /// Other text, another file, or other settings that campaigns rely on.
    pub changed: Vec<CampaignName>,
    pub removed: Vec<CampaignName>,
    /// Files that cannot be used any more, or for another reason than before.
    pub invalid: Vec<Invalid>,
    /// Campaigns whose files can be used again.
    pub mended: Vec<CampaignName>,
    /// A lock of git's that somebody seems to have left behind; told once.
    pub ignored_lock: Option<String>,
}

impl Entry {
    /// The whole campaign from the text that was checked, whatever its file says by now.
    pub fn campaign(&self, settings: &Settings) -> Result<Campaign, Vec<Diagnostic>> {
        Campaign::read(&self.source, settings, &self.texts)
    }

    /// Of its text and of those in files of their own.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}

/// Of everything that is read to know a campaign.
pub(super) fn digest(source: &Source, texts: &Texts) -> Digest {
    let mut hasher = Digest::over("campaign text");
    hasher.part(source.text.as_bytes());
    for (path, text) in texts {
        hasher.part(path.as_bytes());
        let text = text.as_ref().map_or("", |source| &source.text);
        hasher.part(text.as_bytes());
    }
    hasher.finish()
}
