//! What was stored: in memory to be served, and in a file to outlive the process.

use super::record::Line;
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use thiserror::Error;

/// Lines are kept in pieces of about this size, so that serving the ledger copies no more than one of them.
const PIECE_BYTES: usize = 256 * 1_024;

/// How many full pieces are kept, a gibibyte in all. Beyond that the oldest are in the file only.
const PIECES_MAX: usize = 4_096;

/// How long a line of the file may be; the longest one written is under 8 KiB.
const LINE_BYTES_MAX: u64 = 64 * 1_024;

/// A ledger file that cannot be continued.
#[derive(Debug, Error)]
pub enum LedgerError {
    #[error("cannot read or cut the ledger")]
    File(#[from] io::Error),
    #[error("line {line} of the ledger is not a record")]
    Line {
        line: usize,
        source: serde_json::Error,
    },
    #[error("line {line} of the ledger is longer than {LINE_BYTES_MAX} bytes")]
    LongLine { line: usize },
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    file: Option<File>,
    /// How long the file is with its last whole line.
    file_bytes: u64,
    /// Half a line is at the end of the file and could not be cut off: nothing more is written.
    spoilt: bool,
    failures: u64,
    full: VecDeque<Piece>,
    rest: Vec<u8>,
    /// Where the rest begins.
    rest_start: u64,
}

/// Some whole lines.
#[derive(Debug)]
struct Piece {
    start: u64,
    lines: Bytes,
}

/// Where a line begins, counted in bytes from the first line ever kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u64);

impl Ledger {
    /// Reads back a file opened for reading and appending, and hands each line to `restore`. A last line without its
    /// end was torn by a crash, and nobody was told of it: it is cut off.
    pub(super) fn open(
        file: File,
        mut restore: impl FnMut(&Line, Position),
    ) -> Result<Ledger, LedgerError> {
        let mut ledger = Ledger::default();
        let mut reader = BufReader::new(&file);
        reader.rewind()?;
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            reader
                .by_ref()
                .take(LINE_BYTES_MAX)
                .read_until(b'\n', &mut line)?;
            let bytes = length_of(&line);
            if line.last() != Some(&b'\n') {
                if bytes == LINE_BYTES_MAX {
                    return Err(LedgerError::LongLine { line: number });
                }
                break;
            }
            let read = Line::parse(&line).map_err(|source| LedgerError::Line {
                line: number,
                source,
            })?;
            restore(&read, ledger.keep(&line));
            ledger.file_bytes += bytes;
        }
        drop(reader);
        if !line.is_empty() {
            file.set_len(ledger.file_bytes)?;
        }
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// One write for each line and no sync: a killed process loses nothing, a killed machine may.
    pub(super) fn append(&mut self, line: &impl Serialize) -> Position {
        let mut line = serde_json::to_vec(line).expect("a line holds only strings and numbers");
        line.push(b'\n');
        let position = self.keep(&line);
        let Some(file) = &mut self.file else {
            return position;
        };
        if !self.spoilt && file.write_all(&line).is_ok() {
            self.file_bytes += length_of(&line);
            return position;
        }
        self.failures += 1;
        // Half a line would spoil the next one.
        self.spoilt = self.spoilt || file.set_len(self.file_bytes).is_err();
        position
    }

    /// How many lines are not in the file because writing failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// The lines in memory, oldest first.
    pub(super) fn pieces(&self) -> VecDeque<Bytes> {
        let mut pieces: VecDeque<Bytes> =
            self.full.iter().map(|piece| piece.lines.clone()).collect();
        if !self.rest.is_empty() {
            pieces.push_back(Bytes::copy_from_slice(&self.rest));
        }
        pieces
    }

    /// One line, unless it is in the file only.
    pub(super) fn line(&self, Position(position): Position) -> Option<Line> {
        let (start, lines) = if position >= self.rest_start {
            (self.rest_start, self.rest.as_slice())
        } else {
            let after = self.full.partition_point(|piece| piece.start <= position);
            let piece = self.full.get(after.checked_sub(1)?)?;
            (piece.start, &*piece.lines)
        };
        let from = usize::try_from(position - start).ok()?;
        let line = lines.get(from..)?.split(|byte| *byte == b'\n').next()?;
        Line::parse(line).ok()
    }

    fn keep(&mut self, line: &[u8]) -> Position {
        let position = Position(self.rest_start + length_of(&self.rest));
        self.rest.extend_from_slice(line);
        if self.rest.len() < PIECE_BYTES {
            return position;
        }
        if self.full.len() == PIECES_MAX {
            self.full.pop_front();
        }
        let start = self.rest_start;
        self.rest_start += length_of(&self.rest);
        let lines = Bytes::from(std::mem::take(&mut self.rest));
        self.full.push_back(Piece { start, lines });
        position
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::call::Call;
    use super::super::fixtures::record;
    use super::super::record::{Recalled, Record};
    use super::*;

    fn load(file: &File) -> Result<(Ledger, Vec<Record>), LedgerError> {
        let mut records = Vec::new();
        let ledger = Ledger::open(file.try_clone().unwrap(), |line, _| match line {
            Line::Message(record) => records.push(record.clone()),
            Line::Recall(_) => {}
        })?;
        Ok((ledger, records))
    }

    fn text(mut file: &File) -> String {
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    /// Reads and appends, as the caller of the sandbox opens it.
    fn appending() -> (tempfile::TempDir, File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let file = std::fs::OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        (folder, file)
    }

    #[test]
    fn what_was_appended_is_read_back() {
        let (_folder, file) = appending();
        let (mut ledger, records) = load(&file).unwrap();
        assert_eq!(records, []);
        let written = [record("@TGS#a", 1, 1), record("@TGS#b", 2, 1)];
        for record in &written {
            ledger.append(record);
        }
        assert_eq!(load(&file).unwrap().1, written);
        assert_eq!(
            Vec::from(ledger.pieces()).concat(),
            text(&file).into_bytes()
        );
    }

    #[test]
    fn every_line_in_memory_is_found_by_its_position() {
        let mut ledger = Ledger::default();
        let records: Vec<Record> = (1..3_000).map(|seq| record("@TGS#a", 7, seq)).collect();
        let positions: Vec<Position> = records.iter().map(|each| ledger.append(each)).collect();
        assert!(ledger.full.len() > 1, "more than one piece is searched");
        for (record, position) in records.iter().zip(&positions) {
            assert_eq!(ledger.line(*position), Some(Line::Message(record.clone())));
        }
        ledger.full.pop_front();
        assert_eq!(ledger.line(positions[0]), None);
        assert!(ledger.line(positions[2_998]).is_some());
    }

    #[test]
    fn a_recall_has_a_line_of_its_own() {
        let recalled = Recalled {
            call: Call::Recall,
            group: "@TGS#a".to_owned(),
            topic: None,
            msg_seq: 7,
            arrived_ms: 1,
        };
        let mut ledger = Ledger::default();
        let position = ledger.append(&recalled);
        assert_eq!(ledger.line(position), Some(Line::Recall(recalled)));
    }

    #[test]
    fn a_torn_last_line_is_cut_off() {
        let (_folder, mut file) = appending();
        let (mut ledger, _) = load(&file).unwrap();
        ledger.append(&record("@TGS#a", 1, 1));
        let whole = text(&file);
        file.write_all(&whole.as_bytes()[..whole.len() / 2])
            .unwrap();
        let (mut ledger, records) = load(&file).unwrap();
        assert_eq!((records.len(), text(&file)), (1, whole.clone()));
        ledger.append(&record("@TGS#a", 2, 2));
        let (ledger, records) = load(&file).unwrap();
        assert_eq!(
            (records.len(), records[1].msg_seq, ledger.failures()),
            (2, Some(2), 0)
        );
    }

    #[test]
    fn a_spoilt_line_in_the_middle_is_an_error() {
        let (_folder, mut file) = appending();
        file.write_all(b"{\"call\":\"send_group\n{}\n").unwrap();
        assert!(matches!(
            load(&file),
            Err(LedgerError::Line { line: 1, .. })
        ));
        let (_folder, mut file) = appending();
        file.write_all(" ".repeat(70_000).as_bytes()).unwrap();
        assert!(matches!(
            load(&file),
            Err(LedgerError::LongLine { line: 1 })
        ));
    }

    #[test]
    fn a_failed_write_is_counted() {
        let (folder, _) = appending();
        let file = std::fs::OpenOptions::new()
            .read(true)
            .open(folder.path().join("ledger.jsonl"))
            .unwrap();
        let mut ledger = Ledger {
            file: Some(file),
            ..Ledger::default()
        };
        ledger.append(&record("@TGS#a", 1, 1));
        ledger.append(&record("@TGS#a", 2, 2));
        assert_eq!(ledger.failures(), 2);
        assert_eq!(ledger.pieces().len(), 1);
    }
}
