//! The rows of a CSV file or of JSON Lines, one at a time.

use super::Repository;
use super::repository::{Error, unreadable};
use crate::audience::Row;
use csv::{ReaderBuilder, StringRecord};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A file is no larger.
const FILE_MAX: u64 = 2 << 30;
const FILE_MAX_WORDS: &str = "2 GiB";
/// A line is no longer.
const LINE_MAX: usize = 64 << 10;

/// Row after row; of a CSV file the header first.
#[derive(Debug)]
pub struct Rows {
    path: String,
    lines: Lines,
    modified_ms: Option<i64>,
}

#[derive(Debug)]
enum Lines {
    Csv(csv::Reader<Checked<BufReader<File>>>, StringRecord),
    Json(BufReader<Checked<File>>, u64),
}

impl Repository {
    /// The rows of a CSV file, or of JSON Lines if its name ends so.
    pub fn rows(&self, path: &str) -> Result<Rows, Error> {
        let file = self.open(path)?;
        let about = file
            .metadata()
            .map_err(|error| unreadable(Path::new(path), &error))?;
        if about.len() > FILE_MAX {
            return Err(Error::TooLarge {
                path: path.to_owned(),
                limit: FILE_MAX_WORDS,
            });
        }
        let modified = about.modified().ok();
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let is_json = Path::new(path)
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("jsonl"));
        let lines = if is_json {
            Lines::Json(BufReader::new(Checked::new(file, Quotes::Free)), 0)
        } else {
            let reader = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(Checked::new(BufReader::new(file), Quotes::OnOneLine));
            Lines::Csv(reader, StringRecord::new())
        };
        Ok(Rows {
            path: path.to_owned(),
            lines,
            modified_ms: modified.and_then(|age| i64::try_from(age.as_millis()).ok()),
        })
    }
}

impl Iterator for Rows {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Result<Row, Error>> {
        match &mut self.lines {
            Lines::Csv(reader, record) => match reader.read_record(record) {
                Ok(false) => None,
                Ok(true) => Some(Ok(cells(record))),
                Err(error) => Some(Err(wrong_csv(&self.path, &error))),
            },
            Lines::Json(reader, line) => match next_object(reader, line) {
                Ok(text) => text.map(|text| Ok(Row::Object { line: *line, text })),
                Err(error) => Some(Err(wrong(&self.path, &error))),
            },
        }
    }
}

impl Rows {
    /// Whether they are objects, which need no header.
    pub fn are_objects(&self) -> bool {
        matches!(self.lines, Lines::Json(..))
    }

    /// When the file was written last, on the wall clock.
    pub fn modified_ms(&self) -> Option<i64> {
        self.modified_ms
    }
}

fn cells(record: &StringRecord) -> Row {
    Row::Cells {
        line: record.position().map_or(0, csv::Position::line),
        cells: record.iter().map(str::to_owned).collect(),
    }
}

/// The next line that is not empty.
fn next_object(reader: &mut impl BufRead, line: &mut u64) -> io::Result<Option<String>> {
    loop {
        let mut bytes = Vec::new();
        *line += 1;
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            let why = format!("line {line} is not UTF-8; save the file as UTF-8");
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        let text = text.trim();
        if !text.is_empty() {
            return Ok(Some(text.to_owned()));
        }
    }
}

fn wrong_csv(path: &str, error: &csv::Error) -> Error {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            let why = format!(
                "line {line} is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"
            );
            wrong(path, &why)
        }
        csv::ErrorKind::Io(error) => wrong(path, error),
        _ => wrong(path, error),
    }
}

fn wrong(path: &str, why: &impl std::fmt::Display) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// What quotes mean for lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    /// A quote is closed on the line it was opened on.
    OnOneLine,
    Free,
}

/// Bytes as they come, without the mark that spreadsheets put first, and only as long as every line is short and every
/// quote closed on it: an open quote would swallow the rows below in silence, and a long line the memory.
#[derive(Debug)]
struct Checked<R> {
    inner: R,
    quotes: Quotes,
    at_start: bool,
    line: u64,
    length: usize,
    in_quotes: bool,
}

impl<R: Read> Checked<R> {
    fn new(inner: R, quotes: Quotes) -> Checked<R> {
        Checked {
            inner,
            quotes,
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
                b'"' if self.quotes == Quotes::OnOneLine => self.in_quotes = !self.in_quotes,
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
