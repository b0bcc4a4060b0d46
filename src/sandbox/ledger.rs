//! What was stored: in memory to be served, and in a file to outlive the process.

use super::record::Record;
use bytes::Bytes;
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
    full: VecDeque<Bytes>,
    rest: Vec<u8>,
}

impl Ledger {
    /// Reads back a file opened for reading and appending, and hands each record to `restore`. A last line without its
    /// end was torn by a crash, and nobody was told of it: it is cut off.
    pub(super) fn open(
        file: File,
        mut restore: impl FnMut(&Record),
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
            let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
            if line.last() != Some(&b'\n') {
                if bytes == LINE_BYTES_MAX {
                    return Err(LedgerError::LongLine { line: number });
                }
                break;
            }
            let record = serde_json::from_slice(&line).map_err(|source| LedgerError::Line {
                line: number,
                source,
            })?;
            restore(&record);
            ledger.keep(&line);
            ledger.file_bytes += bytes;
        }
        drop(reader);
        file.set_len(ledger.file_bytes)?;
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// One write for each line and no sync: a killed process loses nothing, a killed machine may.
    pub(super) fn append(&mut self, record: &Record) {
        let mut line = serde_json::to_vec(record).expect("a record holds only strings and numbers");
        line.push(b'\n');
        self.keep(&line);
        let Some(file) = &mut self.file else {
            return;
        };
        if !self.spoilt && file.write_all(&line).is_ok() {
            self.file_bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
            return;
        }
        self.failures += 1;
        // Half a line would spoil the next one.
        self.spoilt = self.spoilt || file.set_len(self.file_bytes).is_err();
    }

    /// How many lines are not in the file because writing failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// The lines in memory, oldest first.
    pub(super) fn pieces(&self) -> VecDeque<Bytes> {
        let mut pieces = self.full.clone();
        if !self.rest.is_empty() {
            pieces.push_back(Bytes::copy_from_slice(&self.rest));
        }
        pieces
    }

    fn keep(&mut self, line: &[u8]) {
        self.rest.extend_from_slice(line);
        if self.rest.len() < PIECE_BYTES {
            return;
        }
        if self.full.len() == PIECES_MAX {
            self.full.pop_front();
        }
        self.full
            .push_back(Bytes::from(std::mem::take(&mut self.rest)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::record;
    use super::*;

    fn load(file: &File) -> Result<(Ledger, Vec<Record>), LedgerError> {
        let mut records = Vec::new();
        let ledger = Ledger::open(file.try_clone().unwrap(), |record| {
            records.push(record.clone());
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
