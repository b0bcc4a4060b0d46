//! Files of the repository that are written anew.

use super::Repository;
use super::partial::{Partial, rename_new, settle_folder};
use super::repository::{Error, real_below};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

impl Repository {
    /// Puts `after` in the place of a file that says `before`: whole or not at all, with the permissions it had. A link is
    /// followed while it stays below the root, and stays a link.
    pub fn replace_text(&self, path: &str, before: &str, after: &str) -> Result<(), Error> {
        let failed = |error: io::Error| unwritable(path, &error);
        let real = self.real(path)?;
        let about = fs::metadata(&real).map_err(failed)?;
        if !about.is_file() {
            return Err(Error::NotPlain(path.to_owned()));
        }
        // Who may not write the file is not to put another in its place.
        OpenOptions::new().write(true).open(&real).map_err(failed)?;
        let partial = Partial::over(&real, about.permissions()).map_err(failed)?;
        let mut file = OpenOptions::new()
            .write(true)
            .open(partial.path())
            .map_err(failed)?;
        file.write_all(after.as_bytes()).map_err(failed)?;
        if self.read_text(path)? != before {
            return Err(Error::Changed(path.to_owned()));
        }
        partial.replace().map_err(failed)
    }

    /// Gives a file another name in its folder. `false`: there is something of that name.
    pub fn rename_file(&self, path: &str, name: &str) -> Result<bool, Error> {
        let failed = |error: io::Error| unwritable(path, &error);
        self.real(path)?;
        let below = Path::new(path);
        let folder = below.parent().and_then(Path::to_str).unwrap_or_default();
        let folder = if folder.is_empty() { "." } else { folder };
        let folder = self.real(folder)?;
        let to = folder.join(name);
        match rename_new(&folder.join(below.file_name().unwrap_or_default()), &to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(failed(error)),
        }
        settle_folder(&to).map_err(failed)?;
        Ok(true)
    }

    fn real(&self, path: &str) -> Result<std::path::PathBuf, Error> {
        real_below(self.root(), path, path, || Error::Outside(path.to_owned()))
    }
}

fn unwritable(path: &str, error: &io::Error) -> Error {
    Error::Unwritable {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A repository with a file, and another file beside it.
    fn place() -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        for path in ["root/a.yaml", "secret"] {
            #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
            fs::write(folder.path().join(path), "old").unwrap();
        }
        let repository = Repository::at(&root).unwrap();
        (folder, repository)
    }

    fn names(repository: &Repository) -> Vec<String> {
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let entries = fs::read_dir(repository.root()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_nothing_is_left_beside_it() {
        let (_folder, repository) = place();
        let path = repository.root().join("a.yaml");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        repository.replace_text("a.yaml", "old", "new").unwrap();
        assert_eq!(repository.read_text("a.yaml").as_deref(), Ok("new"));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(names(&repository), ["a.yaml"]);
    }

    #[test]
    fn what_somebody_changed_meanwhile_is_left_as_it_is() {
        let (_folder, repository) = place();
        let told = repository.replace_text("a.yaml", "older", "new");
        assert_eq!(told, Err(Error::Changed("a.yaml".to_owned())));
        assert_eq!(repository.read_text("a.yaml").as_deref(), Ok("old"));
        assert_eq!(names(&repository), ["a.yaml"]);
    }

    #[test]
    fn a_link_stays_one_and_leads_nobody_out() {
        let (folder, repository) = place();
        symlink("a.yaml", repository.root().join("in.yaml")).unwrap();
        symlink(
            folder.path().join("secret"),
            repository.root().join("out.yml"),
        )
        .unwrap();
        repository.replace_text("in.yaml", "old", "new").unwrap();
        assert_eq!(repository.read_text("a.yaml").as_deref(), Ok("new"));
        assert!(repository.root().join("in.yaml").is_symlink());
        let outside = Error::Outside("out.yml".to_owned());
        let told = repository.replace_text("out.yml", "old", "new");
        assert_eq!(told, Err(outside));
        assert!(repository.rename_file("out.yml", "out.yaml").is_err());
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let secret = fs::read_to_string(folder.path().join("secret")).unwrap();
        assert_eq!(secret, "old");
        for path in ["../secret", "none"] {
            assert!(
                repository.replace_text(path, "old", "new").is_err(),
                "{path}"
            );
        }
    }

    #[test]
    fn a_name_that_is_taken_is_left_alone() {
        let (_folder, repository) = place();
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        fs::write(repository.root().join("b.yml"), "b").unwrap();
        assert_eq!(repository.rename_file("b.yml", "a.yaml"), Ok(false));
        assert_eq!(repository.read_text("a.yaml").as_deref(), Ok("old"));
        assert_eq!(repository.rename_file("b.yml", "b.yaml"), Ok(true));
        assert_eq!(names(&repository), ["a.yaml", "b.yaml"]);
    }
}
