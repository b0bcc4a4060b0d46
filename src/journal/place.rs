//! On which kind of file system a journal lies.

use super::Error;
use crate::files::network_name;
use std::fs::Metadata;
use std::path::Path;

/// Refuses a place that other machines share, and what keeps nothing.
pub(super) fn check(journal: &Path) -> Result<(), Error> {
    check_kind(journal)?;
    let folder = match journal.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match network_name(folder) {
        Some(name) => Err(Error::Network {
            path: journal.to_owned(),
            name,
        }),
        None => Ok(()),
    }
}

/// A device takes what is written to it and forgets it.
pub(super) fn check_kind(journal: &Path) -> Result<(), Error> {
    let is_other = |found: Metadata| !found.is_file() && !found.is_dir();
    if journal.metadata().is_ok_and(is_other) {
        return Err(Error::Open {
            path: journal.to_owned(),
            why: "it is not a plain file".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_this_machine_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("a.db")).unwrap();
        check(Path::new("a.db")).unwrap();
        check(Path::new("/not/there/a.db")).unwrap();
    }
}
