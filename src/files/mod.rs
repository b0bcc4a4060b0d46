//! The only caller of the file system.
//!
//! Knows paths, sizes and what is a plain file. Must never know what a file means.

mod blob;
mod campaigns;
mod commit_tree;
mod directory;
mod git;
mod network;
mod notices;
mod own;
mod partial;
mod pinned;
mod replace;
mod repository;
mod rows;
mod secret;
mod stamp;

pub use blob::BlobId;
pub use campaigns::{Listing, campaign_files, campaign_folders, files_in, list_campaigns};
pub use commit_tree::{
    CommitFile, CommitFiles, CommitTree, TreeError, clear_trees, make_folder, new_unnamed,
};
pub use directory::{append_to, ensure_directory, is_empty, write_new, write_over, write_whole};
pub use git::{git_lock, git_locks, in_git_folder, is_checkout_busy, remove_git_locks};
pub use network::{network_name, tells_of_changes};
pub use notices::{Notice, Notices};
pub use own::OwnFiles;
pub use partial::Partial;
pub use pinned::{
    Access, ByteLock, FileId, OWN_MODE, PinnedFile, is_mount_point, restrict, restrict_path,
};
pub use repository::{Error, Repository, find_upwards, read_settings, revision};
pub use rows::Rows;
pub use secret::read_secret;
pub use stamp::Stamp;
