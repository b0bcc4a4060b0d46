//! The campaign files and those of their texts, as they were at one time.

use super::entry::{Entry, digest};
use super::folder::{name_given, not_read, other_ending};
use super::parallel::in_order;
use super::{Error, Folder, Unusable};
use crate::campaign::{Campaign, NotRead, Texts};
use crate::files::{Listing, Repository, Stamp};
use crate::identity::CampaignName;
use crate::source::{Blame, Diagnostic, Severity, Source, in_a_line};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, File>,
    texts: BTreeMap<String, TextFile>,
}

/// Why a file is no campaign that could be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What it says it is called, if that can be told.
    pub(super) name: Option<CampaignName>,
    pub(super) why: String,
}

#[derive(Debug)]
struct File {
    found: Found,
    read: Result<Arc<Entry>, Fault>,
}

/// A file as it lay there.
#[derive(Clone, Debug)]
struct Found {
    stamp: Option<Stamp>,
    /// Written so lately that another write might leave the stamp as it is.
    is_fresh: bool,
    /// Or why it cannot be read.
    source: Result<Arc<Source>, String>,
    /// The files of its texts.
    texts: Vec<String>,
}

#[derive(Clone, Debug)]
struct TextFile {
    stamp: Option<Stamp>,
    is_fresh: bool,
    text: Result<Arc<Source>, NotRead>,
}

impl Tree {
    /// Every file with the campaign that it is, or why it is none.
    pub(super) fn campaigns(&self) -> impl Iterator<Item = (&str, Result<&Arc<Entry>, &Fault>)> {
        let files = self.files.iter();
        files.map(|(path, file)| (path.as_str(), file.read.as_ref()))
    }

    /// The files of texts, as they are written.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// Whether the same files lie there, by their stamps.
    pub(super) fn is_as(&self, listing: &Listing, repository: &Repository) -> bool {
        let ours = self
            .files
            .iter()
            .map(|(path, file)| (path, &file.found.stamp));
        let mut texts = self.texts.iter();
        listing.files.iter().eq(ours)
            && texts.all(|(path, text)| repository.stamp(path) == text.stamp)
    }

    /// Whether a stamp may hide another write.
    pub(super) fn is_fresh(&self) -> bool {
        self.files.keys().any(|path| self.is_fresh_at(path))
    }

    /// Whether a file or one of its texts was written just before it was read.
    pub(super) fn is_fresh_at(&self, path: &str) -> bool {
        let Some(file) = self.files.get(path) else {
            return false;
        };
        let mut texts = file
            .found
            .texts
            .iter()
            .filter_map(|text| self.texts.get(text));
        file.found.is_fresh || texts.any(|text| text.is_fresh)
    }

    /// The files as they are now. What has the stamp it had is not read again, and what says what it said is not
    /// looked through again, unless `is_all`: the settings are others.
    pub(super) fn next(
        &self,
        listing: &Listing,
        folder: Folder<'_>,
        is_all: bool,
        now_ms: i64,
    ) -> Result<Tree, Error> {
        let found = self.find(listing, folder, now_ms)?;
        let names: BTreeSet<&String> = found.values().flat_map(|found| &found.texts).collect();
        let texts = self.find_texts(&names, folder, now_ms)?;
        let files = self.look(found, &texts, folder, is_all)?;
        Ok(Tree { files, texts })
    }

    fn find(
        &self,
        listing: &Listing,
        folder: Folder<'_>,
        now_ms: i64,
    ) -> Result<BTreeMap<String, Found>, Error> {
        let known = |path: &str| self.files.get(path).map(|file| &file.found);
        let is_same = |(path, stamp): &(&String, &Option<Stamp>)| {
            known(path).is_some_and(|found| found.stamp == **stamp && !found.is_fresh)
        };
        let (same, others): (Vec<_>, Vec<_>) = listing.files.iter().partition(is_same);
        let same = same
            .into_iter()
            .filter_map(|(path, _)| Some((path.clone(), known(path)?.clone())));
        let mut all: BTreeMap<String, Found> = same.collect();
        let read = |(path, stamp): &(&String, &Option<Stamp>)| {
            Found::read(path, **stamp, folder, known(path), now_ms)
        };
        in_order(&others, read, |(path, _), found| {
            all.insert((*path).clone(), found?);
            Ok::<(), Error>(())
        })?;
        Ok(all)
    }

    fn find_texts(
        &self,
        paths: &BTreeSet<&String>,
        folder: Folder<'_>,
        now_ms: i64,
    ) -> Result<BTreeMap<String, TextFile>, Error> {
        let paths: Vec<&String> = paths.iter().copied().collect();
        let mut all = BTreeMap::new();
        let read = |path: &&String| {
            let stamp = folder.repository.stamp(path);
            let known = self.texts.get(*path);
            match known.filter(|known| known.stamp == stamp && !known.is_fresh) {
                Some(known) => Ok(known.clone()),
                None => TextFile::read(path, stamp, folder, known, now_ms),
            }
        };
        in_order(&paths, read, |path, text| {
            all.insert((*path).clone(), text?);
            Ok::<(), Error>(())
        })?;
        Ok(all)
    }

    /// Makes of each file what it is: as before where it and its texts say what they said.
    fn look(
        &self,
        found: BTreeMap<String, Found>,
        texts: &BTreeMap<String, TextFile>,
        folder: Folder<'_>,
        is_all: bool,
    ) -> Result<BTreeMap<String, File>, Error> {
        let (mut files, mut others) = (BTreeMap::new(), Vec::new());
        for (path, found) in found {
            let known = self.files.get(&path).filter(|_| !is_all);
            match known.filter(|known| self.says_the_same(&known.found, &found, texts)) {
                Some(known) => {
                    let read = known.read.clone();
                    files.insert(path, File { found, read });
                }
                None => others.push((path, found)),
            }
        }
        let look = |(path, found): &(String, Found)| File {
            found: found.clone(),
            read: entry(path, found, texts, folder).map(Arc::new),
        };
        in_order(&others, look, |(path, _), file| {
            files.insert(path.clone(), file);
            Ok::<(), Error>(())
        })?;
        Ok(files)
    }

    fn says_the_same(
        &self,
        before: &Found,
        now: &Found,
        texts: &BTreeMap<String, TextFile>,
    ) -> bool {
        let mut both = now
            .texts
            .iter()
            .map(|path| self.texts.get(path).zip(texts.get(path)));
        is_same(&before.source, &now.source)
            && both.all(|both| both.is_some_and(|(before, now)| is_same(&before.text, &now.text)))
    }
}

/// What is read again and says the same is kept, so that it is enough to look whether it is the same thing.
fn is_same<E: PartialEq>(before: &Result<Arc<Source>, E>, now: &Result<Arc<Source>, E>) -> bool {
    match (before, now) {
        (Ok(before), Ok(now)) => Arc::ptr_eq(before, now),
        (Err(before), Err(now)) => before == now,
        _ => false,
    }
}

impl Found {
    fn read(
        path: &str,
        stamp: Option<Stamp>,
        folder: Folder<'_>,
        before: Option<&Found>,
        now_ms: i64,
    ) -> Result<Found, Error> {
        let source = match folder.source(path) {
            Err(Unusable::Unreadable(error)) if error.blame() == Blame::Machine => {
                return Err(Error::Folder(error));
            }
            source => source.map_err(|error| error.to_string()),
        };
        let before = before.and_then(|before| before.source.as_ref().ok());
        let source = source.map(|source| kept(source, before));
        Ok(Found {
            stamp,
            is_fresh: stamp.is_some_and(|stamp| stamp.is_fresh(now_ms)),
            texts: source
                .as_ref()
                .map(Campaign::text_files)
                .unwrap_or_default(),
            source,
        })
    }
}

impl TextFile {
    fn read(
        path: &str,
        stamp: Option<Stamp>,
        folder: Folder<'_>,
        before: Option<&TextFile>,
        now_ms: i64,
    ) -> Result<TextFile, Error> {
        let before = before.and_then(|before| before.text.as_ref().ok());
        let text = match folder.text_file(path) {
            Err(error) if error.blame() == Blame::Machine => return Err(Error::Folder(error)),
            text => text.map_err(|error| not_read(&error)),
        };
        Ok(TextFile {
            stamp,
            is_fresh: stamp.is_some_and(|stamp| stamp.is_fresh(now_ms)),
            text: text.map(|source| kept(source, before)),
        })
    }
}

/// The one from before, if it says the same.
fn kept(source: Arc<Source>, before: Option<&Arc<Source>>) -> Arc<Source> {
    match before {
        Some(before) if before.text == source.text => Arc::clone(before),
        _ => source,
    }
}

/// What a file is by itself.
fn entry(
    path: &str,
    found: &Found,
    texts: &BTreeMap<String, TextFile>,
    folder: Folder<'_>,
) -> Result<Entry, Fault> {
    let source = found.source.as_ref().map_err(|why| Fault {
        name: None,
        why: why.clone(),
    })?;
    let fault = |why: String| Fault {
        name: name_given(source).and_then(|name| CampaignName::try_from(name.as_str()).ok()),
        why,
    };
    if let Some(ending) = other_ending(path) {
        let ending = Unusable::Ending {
            path: path.to_owned(),
            ending: ending.to_owned(),
        };
        return Err(fault(ending.to_string()));
    }
    let texts = found.texts.iter().filter_map(|path| {
        let text = texts.get(path)?;
        Some((path.clone(), text.text.clone()))
    });
    let texts: Texts = texts.collect();
    let campaign = Campaign::read(source, folder.settings, &texts);
    let campaign = campaign.map_err(|found| fault(complaints(path, &found)))?;
    Ok(Entry {
        channel: campaign.channel(),
        window: campaign.rules.window,
        reads: campaign.files().map(str::to_owned).collect(),
        digest: digest(source, &texts),
        name: campaign.name,
        path: path.to_owned(),
        enabled: campaign.enabled,
        schedule: campaign.schedule.map(Arc::new),
        app: campaign.app,
        stale: None,
        source: Arc::clone(source),
        texts,
    })
}

/// Returns what is wrong with a file in a line that names it, as every reason against a file does. The first error may be
/// in a file that it reads.
fn complaints(path: &str, found: &[Diagnostic]) -> String {
    let Some(line) = in_a_line(found, 0) else {
        return format!("{path} cannot be used");
    };
    let mut errors = found
        .iter()
        .filter(|found| found.severity == Severity::Error);
    let place = errors.next().and_then(|first| first.primary.as_ref());
    if place.is_some_and(|label| label.span.source().path == path) {
        line
    } else {
        format!("{path}: {line}")
    }
}
