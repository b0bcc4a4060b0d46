//! The rows of a CSV file, one at a time.

use super::Repository;
use super::repository::{Error, unreadable};
use crate::audience::Row;
use csv::{ReaderBuilder, StringRecord};
use std::fs::File;
use std::io::{BufReader, Read};
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
    reader: csv::Reader<WithoutMark<BufReader<File>>>,
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
            .from_reader(WithoutMark {
                inner: BufReader::new(file),
                at_start: true,
            });
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
            Ok(true) => Some(self.row()),
            Err(error) => Some(Err(self.error(&error))),
        }
    }
}

impl Rows {
    fn row(&self) -> Result<Row, Error> {
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.as_slice().len() > LINE_MAX {
            return Err(Error::TooLarge {
                path: format!("{}:{line}", self.path),
                limit: "64 KiB a line",
            });
        }
        Ok(Row {
            line,
            cells: self.record.iter().map(str::to_owned).collect(),
        })
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
            _ => Error::Unreadable {
                path: self.path.clone(),
                why: error.to_string(),
            },
        }
    }
}

/// Spreadsheets put a byte order mark first.
#[derive(Debug)]
struct WithoutMark<R> {
    inner: R,
    at_start: bool,
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        let read = self.inner.read(buffer)?;
        if std::mem::take(&mut self.at_start) && buffer[..read].starts_with(MARK) {
            buffer.copy_within(MARK.len()..read, 0);
            return Ok(read - MARK.len());
        }
        Ok(read)
    }
}
