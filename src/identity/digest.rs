//! SHA-256 over named, length-prefixed parts.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A digest of an identity for a purpose. Two digests differ when any part, the number of parts or the purpose differs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// How many hexadecimal digits tell two plans apart for people.
    const SHORT: usize = 12;

    pub fn of<'a>(purpose: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hasher = Hasher::new(purpose);
        for part in parts {
            hasher.part(part);
        }
        hasher.finish()
    }

    /// A digest that is fed while its parts come by.
    pub fn over(purpose: &str) -> Hasher {
        Hasher::new(purpose)
    }

    pub fn first_32_bits(self) -> u32 {
        u32::from_be_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }

    pub fn first_64_bits(self) -> u64 {
        let (first, rest) = self.0.split_at(4);
        let half = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        u64::from(half(first)) << 32 | u64::from(half(rest))
    }

    pub fn short(self) -> String {
        self.to_string()[..Self::SHORT].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({})", self.short())
    }
}

/// A digest under way.
#[derive(Clone, Debug)]
pub struct Hasher(Sha256);

impl Hasher {
    fn new(purpose: &str) -> Hasher {
        let mut hasher = Hasher(Sha256::new());
        hasher.part(purpose.as_bytes());
        hasher
    }

    /// The length goes first, so that ("ab", "c") and ("a", "bc") differ.
    pub fn part(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundaries_between_parts_count() {
        let one = Digest::of("test", [b"ab".as_slice(), b"c"]);
        let other = Digest::of("test", [b"a".as_slice(), b"bc"]);
        assert_ne!(one, other);
        assert_ne!(one, Digest::of("tes", [b"tab".as_slice(), b"c"]));
    }
}
