//! The campaign files of a folder.

use super::Repository;
use super::repository::{Error, unreadable};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folders in folders are followed so far.
const DEPTH_MAX: usize = 16;

/// Every `.yaml` file below `folder`, sorted, as paths below the repository's root. Links to folders are not followed.
/// A `.yml` and a `.YAML` are among them, so that who reads them complains: passed over in silence they would never be
/// sent. For the same reason a name that is no text is among them, with `REPLACEMENT_CHARACTER` in it, and a folder too
/// deep is an error.
pub fn campaign_files(repository: &Repository, folder: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    repository.check_inside(folder)?;
    collect(repository, &PathBuf::from(folder), 0, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(
    repository: &Repository,
    folder: &Path,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<(), Error> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = std::fs::read_dir(repository.root().join(folder))
        .map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let path = folder.join(entry.file_name());
        let kind = entry
            .file_type()
            .map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            if depth >= DEPTH_MAX {
                return Err(Error::TooDeep(path.display().to_string()));
            }
            collect(repository, &path, depth + 1, found)?;
        } else if path.extension().is_some_and(is_yaml) {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn is_yaml(ending: &OsStr) -> bool {
    ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml")
}

/// The plain files of a folder and not of those in it, sorted, as paths below the repository's root. A folder that is
/// not there has none.
pub fn files_in(repository: &Repository, folder: &str) -> Vec<String> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    let entries = std::fs::read_dir(repository.root().join(folder));
    let plain = entries.into_iter().flatten().filter_map(|entry| {
        let entry = entry.ok()?;
        entry.file_type().ok()?.is_file().then(|| entry.file_name())
    });
    let paths = plain.filter_map(|name| Path::new(folder).join(name).to_str().map(str::to_owned));
    let mut paths: Vec<String> = paths.collect();
    paths.sort();
    paths
}
