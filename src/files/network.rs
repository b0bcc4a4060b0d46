//! Which file systems other machines change, too.

use rustix::fs::statfs;
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
/// Whatever is behind it, the kernel hears of nothing that happens there.
const FUSE: u32 = 0x6573_5546;

/// The name of the file system of other machines that a folder lies on, if it does. A folder that is not there has an
/// error of its own for whoever opens it.
pub fn network_name(folder: &Path) -> Option<&'static str> {
    name_of(kind_of(folder)?)
}

/// Whether the kernel hears of what others change in a folder.
pub fn tells_of_changes(folder: &Path) -> bool {
    kind_of(folder).is_some_and(|kind| kind != FUSE && name_of(kind).is_none())
}

fn kind_of(folder: &Path) -> Option<u32> {
    let found = statfs(folder).ok()?;
    // Its width differs from machine to machine; what counts is in the lower 32 bits.
    u32::try_from(found.f_type & 0xFFFF_FFFF).ok()
}

fn name_of(kind: u32) -> Option<&'static str> {
    let found = NETWORK.iter().find(|(each, _)| *each == kind);
    found.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_share_is_told_from_what_they_do_not() {
        const EXT4: u32 = 0xEF53;
        assert_eq!(name_of(EXT4), None);
        assert_eq!(name_of(0x6969), Some("NFS"));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(network_name(folder.path()), None);
        assert!(tells_of_changes(folder.path()));
        assert!(!tells_of_changes(Path::new("/not/there")));
    }
}
