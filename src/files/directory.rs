//! Places to write to.

use std::fs::{self, File, OpenOptions};
use std::io;
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

/// Opens a file for reading and for adding to its end.
pub fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}
