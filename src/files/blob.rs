//! Blobs of git: ids, and files that are compared with theirs while they are read.

use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::str::FromStr;
use std::sync::Arc;
use thiserror::Error;

use super::CommitTree;

/// The id of a blob, which is a hash of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobId {
    Sha1([u8; 20]),
    /// In a repository with `extensions.objectFormat = sha256`.
    Sha256([u8; 32]),
}

impl FromStr for BlobId {
    type Err = ();

    fn from_str(hex: &str) -> Result<BlobId, ()> {
        let digit = |byte: u8| {
            (byte as char)
                .to_digit(16)
                .and_then(|it| u8::try_from(it).ok())
        };
        let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        let bytes: Vec<u8> = pairs.collect::<Option<_>>().ok_or(())?;
        let sha1 = bytes.as_slice().try_into().map(BlobId::Sha1);
        sha1.or_else(|_| bytes.try_into().map(BlobId::Sha256))
            .map_err(drop)
    }
}

impl BlobId {
    pub fn hex(&self) -> String {
        let bytes: &[u8] = match self {
            BlobId::Sha1(bytes) => bytes,
            BlobId::Sha256(bytes) => bytes,
        };
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        digits.collect()
    }
}

/// Bytes that are read to the end only if they are those of a blob.
#[derive(Debug)]
pub(super) struct Verified<R> {
    inner: R,
    hash: Hash,
    id: BlobId,
}

#[derive(Debug)]
enum Hash {
    Sha1(Sha1),
    Sha256(Sha256),
}

/// The bytes are not those of the blob.
#[derive(Debug, Error)]
#[error("it is not as it is in its commit")]
pub(super) struct Altered;

impl<R: Read> Verified<R> {
    pub(super) fn new(inner: R, id: BlobId, size: u64) -> Verified<R> {
        let hash = match id {
            BlobId::Sha1(_) => Hash::Sha1(Sha1::new()),
            BlobId::Sha256(_) => Hash::Sha256(Sha256::new()),
        };
        let mut verified = Verified { inner, hash, id };
        verified.update(format!("blob {size}\0").as_bytes());
        verified
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.hash {
            Hash::Sha1(hash) => hash.update(bytes),
            Hash::Sha256(hash) => hash.update(bytes),
        }
    }

    fn is_right(&self) -> bool {
        let found = match &self.hash {
            Hash::Sha1(hash) => BlobId::Sha1(hash.clone().finalize().into()),
            Hash::Sha256(hash) => BlobId::Sha256(hash.clone().finalize().into()),
        };
        found == self.id
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && !self.is_right() {
            return Err(io::Error::other(Altered));
        }
        Ok(read)
    }
}

/// A file that is open to be read, compared with its blob if it is one of a commit.
#[derive(Debug)]
pub(super) enum Opened {
    Plain(File),
    OfCommit(Verified<File>, Arc<CommitTree>),
}

impl Opened {
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Opened::Plain(file) => file.metadata(),
            Opened::OfCommit(verified, _) => verified.inner.metadata(),
        }
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Opened::Plain(file) => file.read(buffer),
            Opened::OfCommit(verified, tree) => {
                let read = verified.read(buffer);
                if read.as_ref().is_err_and(is_altered) {
                    tree.note_damage();
                }
                read
            }
        }
    }
}

pub(super) fn is_altered(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Altered>)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_to_the_end_only_if_they_are_those_of_the_blob() {
        // By `git hash-object`.
        for (id, bytes) in [
            ("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", ""),
            ("ce013625030ba8dba906f756967f9e9ca394464a", "hello\n"),
            (
                "2cf8d83d9ee29543b34a87727421fdecb7e3f3a183d337639025de576db9ebb4",
                "hello\n",
            ),
        ] {
            let parsed: BlobId = id.parse().unwrap();
            assert_eq!(parsed.hex(), id);
            let read = |text: &str| {
                let mut verified = Verified::new(text.as_bytes(), parsed, text.len() as u64);
                verified.read_to_end(&mut Vec::new())
            };
            assert_eq!(read(bytes).unwrap(), bytes.len());
            for other in [format!("{bytes} "), bytes.replace('l', "L") + "\0"] {
                assert!(is_altered(&read(&other).unwrap_err()), "{other:?}");
            }
        }
        for wrong in ["", "e69", "zz9de29bb2d1d6434b8b29ae775ad8c2e48c5391", "é9"] {
            assert_eq!(wrong.parse::<BlobId>(), Err(()));
        }
    }
}
