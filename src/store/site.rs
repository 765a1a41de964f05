//! What there is to know of the place where runs are to be kept. Nothing is written to find out.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

/// The place where runs are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The folder, or the nearest one above it that exists.
    pub(crate) path: PathBuf,
    /// Whether the folder itself exists.
    pub(crate) exists: bool,
    /// Whether this process can create files in it.
    pub(crate) is_writable: bool,
    /// Whether anybody could remove what is in it.
    pub(crate) others_can_write: bool,
    /// The bytes that are left for this process.
    pub(crate) free: Option<u64>,
    /// What is said of its file system.
    pub(crate) kind: FileSystem,
}

/// A kind of file system, as far as a run has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileSystem {
    /// On a disk, or unknown.
    Disk,
    /// In memory: gone with the machine.
    Memory,
    /// On another machine.
    Network,
}

impl Site {
    /// What is known of a folder; `None` where not even its parents can be looked at.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let whole = std::path::absolute(folder).ok()?;
        let path = whole.ancestors().find(|path| path.exists())?.to_owned();
        let others_can_write = fs::metadata(&path).is_ok_and(|metadata| {
            const BY_ALL: u32 = 0o002;
            const STICKY: u32 = 0o1000;
            metadata.mode() & BY_ALL != 0 && metadata.mode() & STICKY == 0
        });
        Some(Self {
            exists: path == whole,
            is_writable: path.is_dir() && access(&path, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
            others_can_write,
            free: statvfs(&path).ok().map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
            kind: file_system(&path),
            path,
        })
    }
}

/// Whether others than those who are meant to can read a file. A file of somebody else's that is
/// readable by a group is meant for it: so are secrets that systemd and Kubernetes hand over.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    let others = if is_own { 0o077 } else { 0o007 };
    metadata.is_file() && metadata.mode() & others != 0
}

#[cfg(target_os = "linux")]
fn file_system(path: &Path) -> FileSystem {
    /// Numbers of `linux/magic.h`: NFS, SMB, SMB2, CIFS, 9P, Ceph, AFS.
    const NETWORK: [u32; 7] =
        [0x6969, 0x517B, 0xFE53_4D42, 0xFF53_4D42, 0x0102_1997, 0x00C3_6400, 0x5346_414F];
    /// tmpfs and ramfs.
    const MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58F6];
    let Ok(about) = rustix::fs::statfs(path) else { return FileSystem::Disk };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the type differs between machines, and the numbers have 32 bits"
    )]
    let number = about.f_type as u32;
    match number {
        _ if NETWORK.contains(&number) => FileSystem::Network,
        _ if MEMORY.contains(&number) => FileSystem::Memory,
        _ => FileSystem::Disk,
    }
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> FileSystem {
    FileSystem::Disk
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_looked_at_where_it_is_or_is_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::of(folder.path()).unwrap();
        assert!(site.exists && site.is_writable && !site.others_can_write, "{site:?}");
        assert!(site.free.is_some_and(|free| free > 0));
        let below = Site::of(&folder.path().join("a/b")).unwrap();
        assert_eq!((below.exists, &below.path), (false, &site.path));
        let change = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode));
        for (mode, expected) in [(0o777, true), (0o1777, false), (0o755, false)] {
            change(mode).unwrap();
            assert_eq!(Site::of(folder.path()).unwrap().others_can_write, expected, "{mode:o}");
        }
    }
}
