//! Places to write to.

use super::partial::Partial;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes a folder for the program's own files, which git is told to ignore.
pub fn ensure_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    fs::create_dir_all(path)?;
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    fs::write(path.join(".gitignore"), "*\n")
}

/// Whether there is nothing in a folder, or no such folder.
pub fn is_empty(path: &Path) -> io::Result<bool> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Opens a file for reading and for adding to its end.
pub fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

/// Writes a file, and the folders above it, in the place of what is there.
pub fn write_over(path: &Path, text: &str) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    fs::write(path, text)
}

/// Writes a file, and the folders above it, where there is none. `false`: there is one, or something else of that name.
pub fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    if let Err(error) = file.write_all(text.as_bytes()) {
        // Half of it would be taken for the whole the next time.
        #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(true)
}

/// Writes a file in the place of what is there, whole or not at all, and only for its owner to read.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let partial = Partial::over(path, Permissions::from_mode(OWNER_ONLY))?;
    let mut file = OpenOptions::new().write(true).open(partial.path())?;
    file.write_all(text.as_bytes())?;
    partial.replace()
}

const OWNER_ONLY: u32 = 0o600;
