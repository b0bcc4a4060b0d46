//! Secrets kept in files.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// A secret is no longer.
const SECRET_MAX: u64 = 4_096;

/// The text of a secret's file without the line break at its end.
pub fn read_secret(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a plain file"));
    }
    #[expect(clippy::disallowed_methods, reason = "this is the room of files")]
    fs::File::open(path)?
        .take(SECRET_MAX)
        .read_to_string(&mut text)?;
    Ok(text.trim_end().to_owned())
}
