//! On which kind of file system a journal lies.

use super::Error;
use rustix::fs::statfs;
use std::fs::Metadata;
use std::path::Path;

/// File systems of other machines, by what `statfs(2)` and the kernel's `magic.h` call them. Locks and the order of writes
/// cannot be relied on there.
const NETWORK: [(u32, &str); 12] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB 2"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0102_1997, "9P"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
];

fn network_name(kind: u32) -> Option<&'static str> {
    let found = NETWORK.iter().find(|(each, _)| *each == kind);
    found.map(|(_, name)| *name)
}

/// Refuses a place that other machines share, and what keeps nothing.
pub(super) fn check(journal: &Path) -> Result<(), Error> {
    check_kind(journal)?;
    let folder = match journal.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A folder that is not there has an error of its own, when the journal is opened.
    let Ok(found) = statfs(folder) else {
        return Ok(());
    };
    // Its width differs from machine to machine; what counts is in the lower 32 bits.
    let kind = u32::try_from(found.f_type & 0xFFFF_FFFF).unwrap_or(0);
    match network_name(kind) {
        Some(name) => Err(Error::Network {
            path: journal.to_owned(),
            name,
        }),
        None => Ok(()),
    }
}

/// A device takes what is written to it and forgets it.
pub(super) fn check_kind(journal: &Path) -> Result<(), Error> {
    let is_other = |found: Metadata| !found.is_file() && !found.is_dir();
    if journal.metadata().is_ok_and(is_other) {
        return Err(Error::Open {
            path: journal.to_owned(),
            why: "it is not a plain file".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_share_is_told_from_what_they_do_not() {
        const EXT4: u32 = 0xEF53;
        assert_eq!(network_name(EXT4), None);
        assert_eq!(network_name(0x6969), Some("NFS"));
        let folder = tempfile::tempdir().unwrap();
        check(&folder.path().join("a.db")).unwrap();
        check(Path::new("a.db")).unwrap();
        check(Path::new("/not/there/a.db")).unwrap();
    }
}
