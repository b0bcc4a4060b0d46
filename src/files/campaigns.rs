//! The campaign files of a folder.

use super::repository::{Error, unreadable};
use super::stamp::Stamp;
use super::{CommitTree, Repository};
use crate::process::patiently;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::path::{Component, Path, PathBuf};

/// Folders in folders are followed so far.
const DEPTH_MAX: usize = 16;
/// What begins so is no place for campaigns: Kubernetes keeps the files there to which it links beside it, and each
/// would be found twice.
const HIDDEN: &str = "..";
/// Neither is git's own folder.
const GIT: &str = ".git";

/// Every `.yaml` file below `folder`, sorted, as paths below the repository's root. Links to folders are not followed.
/// A `.yml` and a `.YAML` are among them, so that who reads them complains: passed over in silence they would never be
/// sent. For the same reason a name that is no text is among them, with `REPLACEMENT_CHARACTER` in it, and a folder too
/// deep is an error.
pub fn campaign_files(repository: &Repository, folder: &str) -> Result<Vec<String>, Error> {
    if let Some(commit) = repository.commit() {
        return listed(repository, commit, folder);
    }
    let mut found = Vec::new();
    walk(repository, folder, &mut |met| {
        if let Met::File(path, _) = met {
            found.push(path.to_string_lossy().into_owned());
        }
    })?;
    found.sort();
    Ok(found)
}

/// What lies in a folder of campaigns; without a stamp what cannot be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub files: BTreeMap<String, Option<Stamp>>,
    /// Those of the folder and of all folders in it.
    pub folders: Vec<Stamp>,
}

/// The same files, each with its stamp: of a link that of the file behind it.
pub fn list_campaigns(repository: &Repository, folder: &str) -> Result<Listing, Error> {
    let mut listing = Listing::default();
    if let Some(commit) = repository.commit() {
        for path in listed(repository, commit, folder)? {
            let stamp = repository.stamp(&path);
            listing.files.insert(path, stamp);
        }
        return Ok(listing);
    }
    walk(repository, folder, &mut |met| match met {
        Met::Folder(path) => listing.folders.extend(stamp_of(path)),
        Met::File(path, entry) => {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let stamp = if is_link {
                stamp_of(&repository.root().join(path))
            } else {
                entry.metadata().ok().as_ref().map(Stamp::of)
            };
            let path = path.to_string_lossy().into_owned();
            listing.files.insert(path, stamp);
        }
    })?;
    Ok(listing)
}

/// Returns the campaign files that a commit lists.
fn listed(
    repository: &Repository,
    commit: &CommitTree,
    folder: &str,
) -> Result<Vec<String>, Error> {
    repository.check_inside(folder)?;
    let shown = Path::new(folder);
    let place = repository.files().join(folder);
    let real = place.canonicalize().map_err(|error| {
        let lost = repository.lost_error(folder);
        lost.unwrap_or_else(|| unreadable(shown, &error))
    })?;
    let below = real.strip_prefix(commit.folder()).unwrap_or(shown);
    let mut found = Vec::new();
    for path in commit.files().keys() {
        let Ok(path) = path.strip_prefix(below) else {
            continue;
        };
        let mut parts = path.components();
        let is_hidden = |part: Component<'_>| is_hidden(part.as_os_str());
        if !path.extension().is_some_and(is_yaml) || parts.any(is_hidden) {
            continue;
        }
        if path.components().count() > DEPTH_MAX + 1 {
            return Err(Error::TooDeep(path.display().to_string()));
        }
        found.push(shown.join(path).to_string_lossy().into_owned());
    }
    Ok(found)
}

/// `folder` and the folders in it in which campaigns may be; as many as can be read.
pub fn campaign_folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(repository) = Repository::at(folder) {
        // What cannot be read is complained of where the campaigns are read.
        let _ = walk(&repository, "", &mut |met| {
            if let Met::Folder(path) = met {
                found.push(path.to_owned());
            }
        });
    }
    found
}

pub(super) fn stamp_of(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().as_ref().map(Stamp::of)
}

/// What a walk through a folder meets: folders before what is in them.
enum Met<'a> {
    Folder(&'a Path),
    /// Its path is that below the root.
    File(&'a Path, &'a DirEntry),
}

fn walk(
    repository: &Repository,
    folder: &str,
    meet: &mut impl FnMut(Met<'_>),
) -> Result<(), Error> {
    repository.check_inside(folder)?;
    walk_into(repository, Path::new(folder), 0, meet)
}

fn walk_into(
    repository: &Repository,
    folder: &Path,
    depth: usize,
    meet: &mut impl FnMut(Met<'_>),
) -> Result<(), Error> {
    let place = repository.root().join(folder);
    meet(Met::Folder(&place));
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = patiently(|| fs::read_dir(&place)).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        let path = folder.join(name);
        let kind = entry
            .file_type()
            .map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            if depth >= DEPTH_MAX {
                return Err(Error::TooDeep(path.display().to_string()));
            }
            walk_into(repository, &path, depth + 1, meet)?;
        } else if path.extension().is_some_and(is_yaml) {
            meet(Met::File(&path, &entry));
        }
    }
    Ok(())
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(HIDDEN.as_bytes()) || name == GIT
}

fn is_yaml(ending: &OsStr) -> bool {
    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
}

/// The plain files of a folder and not of those in it, sorted, as paths below the repository's root. A folder that is
/// not there has none.
pub fn files_in(repository: &Repository, folder: &str) -> Vec<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = std::fs::read_dir(repository.files().join(folder));
    let plain = entries.into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        entry.file_type().ok()?.is_file().then(|| entry.file_name())
    });
    let paths = plain.filter_map(|name| Path::new(folder).join(name).to_str().map(str::to_owned));
    let mut paths: Vec<String> = paths.collect();
    paths.sort();
    paths
}
