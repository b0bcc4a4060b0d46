//! The rows of a CSV file or of JSON Lines, one at a time.

use super::Repository;
use super::blob::Opened;
use super::repository::{Error, unreadable};
use crate::audience::Row;
use crate::source::Blame;
use csv::{ReaderBuilder, StringRecord};
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
    Csv(csv::Reader<Checked<BufReader<Opened>>>, StringRecord),
    Json(BufReader<Checked<Opened>>, u64),
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
        let ending = Path::new(path).extension().unwrap_or_default();
        let ends = |known: &str| ending.eq_ignore_ascii_case(known);
        if ends("json") || ends("ndjson") {
            let why =
                "JSON is read in lines: an object on each, in a file whose name ends in `.jsonl`";
            return Err(wrong(path, &why));
        }
        let lines = if ends("jsonl") {
            Lines::Json(BufReader::new(Checked::new(file, None)), 0)
        } else {
            let reader = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(Checked::new(BufReader::new(file), Some(Cell::Begins)));
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
                Err(error) => Some(Err(unreadable(Path::new(&self.path), &error))),
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
        csv::ErrorKind::Io(error) => unreadable(Path::new(path), error),
        _ => wrong(path, error),
    }
}

fn wrong(path: &str, why: &impl std::fmt::Display) -> Error {
    Error::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
        blame: Blame::Author,
    }
}

/// Bytes as they come, without the mark that spreadsheets put first, and only as long as every line is short and every
/// quote closed on it: an open quote would swallow the rows below in silence, and a long line the memory.
#[derive(Debug)]
struct Checked<R> {
    inner: R,
    /// Where in a cell of CSV the bytes are; objects have none.
    cell: Option<Cell>,
    at_start: bool,
    line: u64,
    length: usize,
}

/// Read as the parser behind reads it: a quote is one where it opens a cell, and a character of the text elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Begins,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted cell: it ends the cell, or is one of two that stand for one.
    Closed,
}

const NOT_CLOSED: &str = "a quote is not closed on its line";

impl Cell {
    fn then(self, byte: u8) -> Result<Cell, &'static str> {
        Ok(match (self, byte) {
            (Cell::Quoted, b'"') => Cell::Closed,
            (Cell::Quoted, b'\r' | b'\n') => return Err(NOT_CLOSED),
            (Cell::Begins | Cell::Closed, b'"') | (Cell::Quoted, _) => Cell::Quoted,
            (_, b',' | b'\r' | b'\n') => Cell::Begins,
            (Cell::Closed, _) => {
                return Err(
                    "text stands behind a closed quote; a quote inside a quoted cell is doubled: \"a \"\"b\"\"\"",
                );
            }
            (Cell::Begins | Cell::Plain, _) => Cell::Plain,
        })
    }
}

impl<R: Read> Checked<R> {
    fn new(inner: R, cell: Option<Cell>) -> Checked<R> {
        Checked {
            inner,
            cell,
            at_start: true,
            line: 1,
            length: 0,
        }
    }

    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            if let Some(cell) = self.cell {
                let next = cell.then(*byte).map_err(|what| self.error(what))?;
                self.cell = Some(next);
            }
            self.length += 1;
            match byte {
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
        if read == 0 && self.cell == Some(Cell::Quoted) {
            return Err(self.error(NOT_CLOSED));
        }
        self.check(&buffer[..read])?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<String, String> {
        let mut read = String::new();
        let mut bytes = Checked::new(text.as_bytes(), Some(Cell::Begins));
        let done = bytes.read_to_string(&mut read);
        done.map(|_| read).map_err(|error| error.to_string())
    }

    #[test]
    fn a_quote_swallows_no_row_below() {
        for text in [
            "g,a,b\ng1,5\" x,\"abc\ng2,y,\"def\"\n",
            "g,a\ng1,\"abc\rg2,def\"\r",
            "g,a\ng1,\"abc",
        ] {
            let error = checked(text).unwrap_err();
            assert_eq!(error, "line 2: a quote is not closed on its line", "{text}");
        }
        let behind = checked("g,a\ng1,\"Big\" sale\n").unwrap_err();
        assert!(behind.starts_with("line 2: text stands behind"), "{behind}");
        let whole = "\"g\",a\r\ng1,\"a, \"\"b\"\"\"\r\ng2,5\" wide\ng3,\"\"\n";
        assert_eq!(checked(whole).as_deref(), Ok(whole));
    }
}
