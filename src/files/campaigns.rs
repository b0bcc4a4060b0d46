//! The campaign files of a folder.

use super::Repository;
use super::repository::{Error, unreadable};
use std::path::{Path, PathBuf};

/// Folders in folders are followed so far.
const DEPTH_MAX: usize = 16;

/// Every `.yaml` file below `folder`, sorted, as paths below the repository's root. Links to folders are not followed.
/// A `.yml` is among them, so that who reads them complains of it: passed over in silence it would never be sent. For the
/// same reason a name that is no text is among them, with `REPLACEMENT_CHARACTER` in it, and a folder too deep is an error.
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
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            found.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}
