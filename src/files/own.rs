//! Files that no campaign reads: the program's own, those of git, and those that the kernel makes up.

use super::repository::Error;
use rustix::fs::fstatfs;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Files of the program's own in use, by absolute paths: those that hold secrets, the journal, and the folder of the
/// stand-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFiles {
    paths: Vec<PathBuf>,
}

/// Folders whose files tell of processes and devices.
const SYSTEM: [&str; 3] = ["/proc", "/sys", "/dev"];
/// Endings of the files beside a journal whose names are known; those of lanes only begin so.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-epoch", "-serve.lock"];
const GIT: &str = ".git";

/// File systems of the kernel's own, by what `statfs(2)` and `magic.h` call them, wherever they are mounted.
const KERNEL: [u32; 14] = [
    0x0000_9FA0, // proc
    0x6265_6572, // sysfs
    0x0000_1CD1, // devpts
    0x0027_E0EB, // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x6265_6570, // configfs
    0xCAFE_4A11, // bpf
    0x6165_676C, // pstore
    0x1980_0202, // mqueue
    0xF97C_FF8C, // selinuxfs
    0x6E73_6673, // nsfs
];

impl OwnFiles {
    pub fn new(paths: Vec<PathBuf>) -> OwnFiles {
        OwnFiles { paths }
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Refuses a file by its name before it is opened; `real` has no links in it.
    pub(super) fn check_path(&self, real: &Path, root: &Path, shown: &str) -> Result<(), Error> {
        let is_git = |part: Component<'_>| part.as_os_str().eq_ignore_ascii_case(GIT);
        let below = real.strip_prefix(root).unwrap_or(real);
        if below.components().any(is_git) || self.paths.iter().any(|own| is_at(real, own)) {
            return Err(Error::Own(shown.to_owned()));
        }
        // A repository in /dev/shm, say, has files as any other has.
        let is_system = |folder: &str| real.starts_with(folder) && !root.starts_with(folder);
        if SYSTEM.iter().any(|folder| is_system(folder)) {
            return Err(Error::System(shown.to_owned()));
        }
        Ok(())
    }

    /// Refuses a file that is open, whatever it is called: by a second link, or by a folder that is mounted twice.
    pub(super) fn check_file(&self, file: &File, shown: &str) -> Result<(), Error> {
        let is_of_kernel = fstatfs(file).is_ok_and(|found| {
            let kind = u32::try_from(found.f_type & 0xFFFF_FFFF);
            kind.is_ok_and(|kind| KERNEL.contains(&kind))
        });
        if is_of_kernel {
            return Err(Error::System(shown.to_owned()));
        }
        let about = file.metadata();
        if about.is_ok_and(|about| self.has(&about)) {
            return Err(Error::Own(shown.to_owned()));
        }
        Ok(())
    }

    fn has(&self, about: &Metadata) -> bool {
        let is_same = |path: &Path| {
            let own = fs::metadata(path);
            own.is_ok_and(|own| {
                own.is_file() && (own.dev(), own.ino()) == (about.dev(), about.ino())
            })
        };
        self.paths.iter().any(|own| {
            let beside = |ending: &str| is_same(&with_ending(own, ending));
            is_same(own) || BESIDE.iter().any(|ending| beside(ending))
        })
    }
}

/// Whether a file is an own one, lies in an own folder, or beside a journal: `campanile.db-epoch`.
fn is_at(path: &Path, own: &Path) -> bool {
    let is_below = |own: &Path| {
        let begins = path
            .as_os_str()
            .as_encoded_bytes()
            .strip_prefix(own.as_os_str().as_encoded_bytes());
        begins.is_some_and(|rest| matches!(rest.first(), None | Some(b'/' | b'-')))
    };
    is_below(own) || own.canonicalize().is_ok_and(|real| is_below(&real))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// Refuses a root by its name as it is written: `/proc/self/root/srv` is `/srv`, and no name for it.
pub(super) fn check_root(folder: &Path, shown: &str) -> Result<(), Error> {
    let mut plain = PathBuf::new();
    for part in folder.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    if SYSTEM.iter().any(|system| plain.starts_with(system)) {
        return Err(Error::System(shown.to_owned()));
    }
    Ok(())
}
