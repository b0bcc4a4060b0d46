//! The rows of a CSV file, one at a time.

use super::Repository;
use super::repository::{Error, unreadable};
use crate::audience::Row;
use csv::{ReaderBuilder, StringRecord};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// A file is no larger.
const FILE_MAX: u64 = 2 << 30;
const FILE_MAX_WORDS: &str = "2 GiB";
/// A line is no longer.
const LINE_MAX: usize = 64 << 10;

/// The header first, then row after row.
#[derive(Debug)]
pub struct Rows {
    path: String,
    reader: csv::Reader<Checked<BufReader<File>>>,
    record: StringRecord,
}

impl Repository {
    pub fn rows(&self, path: &str) -> Result<Rows, Error> {
        let file = self.open(path)?;
        let length = file
            .metadata()
            .map_err(|error| unreadable(Path::new(path), &error))?
            .len();
        if length > FILE_MAX {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                limit: FILE_MAX_WORDS,
            });
        }
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Checked::new(BufReader::new(file)));
        Ok(Rows {
            path: path.to_owned(),
            reader,
            record: StringRecord::new(),
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Result<Row, Error>> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(Ok(self.row())),
            Err(error) => Some(Err(self.error(&error))),
        }
    }
}

impl Rows {
    fn row(&self) -> Row {
        let line = self.record.position().map_or(0, csv::Position::line);
        Row {
            line,
            cells: self.record.iter().map(str::to_owned).collect(),
        }
    }

    fn error(&self, error: &csv::Error) -> Error {
        match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => {
                let line = pos.as_ref().map_or(0, csv::Position::line);
                let why = format!(
                    "line {line} is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
                );
                Error::Unreadable {
                    path: self.path.clone(),
                    why,
                }
            }
            csv::ErrorKind::Io(error) => Error::Unreadable {
                path: self.path.clone(),
                why: error.to_string(),
            },
            _ => Error::Unreadable {
                path: self.path.clone(),
                why: error.to_string(),
            },
        }
    }
}

/// Bytes as they come, without the mark that spreadsheets put first, and only as long as every line is short and every
/// quote closed on it: an open quote would swallow the rows below in silence, and a long line the memory.
#[derive(Debug)]
struct Checked<R> {
    inner: R,
    at_start: bool,
    line: u64,
    length: usize,
    in_quotes: bool,
}

impl<R: Read> Checked<R> {
    fn new(inner: R) -> Checked<R> {
        Checked {
            inner,
            at_start: true,
            line: 1,
            length: 0,
            in_quotes: false,
        }
    }

    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.length += 1;
            match byte {
                b'"' => self.in_quotes = !self.in_quotes,
                b'\n' if self.in_quotes => {
                    return Err(self.error("a quote is not closed on its line"));
                }
                b'\n' => (self.line, self.length) = (self.line + 1, 0),
                _ if self.length > LINE_MAX => {
                    return Err(self.error("the line is longer than 64 KiB"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn error(&self, what: &str) -> io::Error {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("line {}: {what}", self.line),
        )
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        let mut read = self.inner.read(buffer)?;
        if std::mem::take(&mut self.at_start) && buffer[..read].starts_with(MARK) {
            buffer.copy_within(MARK.len()..read, 0);
            read -= MARK.len();
        }
        if read == 0 && self.in_quotes {
            return Err(self.error("a quote is not closed on its line"));
        }
        self.check(&buffer[..read])?;
        Ok(read)
    }
}
