//! After a crash: every `.part` in the recordings folder becomes a WAV that plays. Its header is set to
//! the bytes that are there, and it gets its final name, which says whose ticket it is. Runs before the
//! recorder starts; never overwrites, never deletes.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    super::wav::Layout,
    syncer::{rename_new, sync_folder},
};
use crate::desk::ticket::TicketId;

/// Folders within folders: year, month, day, and some to spare.
const MAX_DEPTH: u32 = 8;

/// What a start-up found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    pub repaired: Vec<Repaired>,
    pub left_alone: Vec<LeftAlone>,
}

/// A recording that plays again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// From its name; `None` where that is no ticket's.
    pub ticket: Option<TicketId>,
    /// Its final name, relative to the recordings folder.
    pub path: PathBuf,
    /// Samples per channel.
    pub samples: u64,
    /// Hz.
    pub sample_rate: u32,
}

/// A file or folder that stays as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// Relative to the recordings folder.
    pub path: PathBuf,
    /// In words.
    pub why: String,
}

/// A file's or folder's name below the recordings folder, and what it is.
type Found = (PathBuf, fs::FileType);

/// Repairs all that the recordings folder `dir` holds; a folder that does not exist holds nothing.
/// Links are not followed. In the order of names.
pub fn repair(dir: &Path) -> Repairs {
    let mut repairs = Repairs::default();
    if dir.exists() {
        walk(dir, Path::new(""), MAX_DEPTH, &mut repairs);
    }
    repairs
}

fn walk(dir: &Path, below: &Path, depth: u32, repairs: &mut Repairs) {
    let found = match unfinished(&dir.join(below), below) {
        Ok(found) => found,
        Err(error) => {
            repairs.left_alone.push(LeftAlone { path: below.to_path_buf(), why: error.to_string() });
            return;
        }
    };
    for (name, kind) in found {
        if kind.is_dir() && depth > 0 {
            walk(dir, &name, depth - 1, repairs);
        } else if kind.is_file() && is_part(&name) {
            let path = name.with_extension("");
            match repair_file(&dir.join(&name), &dir.join(&path)) {
                Ok((samples, sample_rate)) => {
                    let ticket =
                        path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
                    repairs.repaired.push(Repaired { ticket, path, samples, sample_rate });
                }
                Err(error) => repairs.left_alone.push(LeftAlone { path: name, why: error.to_string() }),
            }
        }
    }
}

/// The folders and `.part` files of one folder. The folder's own list says which is which, so that years
/// of finished recordings cost no system call each.
fn unfinished(folder: &Path, below: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        // A file that is gone by now needs no repair.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() || is_part(&name) {
            found.push((name, kind));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}

fn is_part(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "part")
}

/// Samples per channel of a finished recording, and their rate.
///
/// # Errors
/// It cannot be read, or its header is not whole or does not fit its length.
pub fn measure(path: &Path) -> io::Result<(u64, u32)> {
    let file = File::open(path)?;
    let layout = Layout::read(&file)?;
    let frames = file.metadata()?.len().saturating_sub(layout.samples_at) / layout.frame_bytes;
    Ok((frames, layout.sample_rate))
}

/// Samples per channel and their rate.
fn repair_file(part: &Path, path: &Path) -> io::Result<(u64, u32)> {
    if path.symlink_metadata().is_ok() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a recording of that name exists"));
    }
    let file = OpenOptions::new().read(true).write(true).open(part)?;
    let layout = Layout::read(&file)?;
    let length = file.metadata()?.len();
    let frames = length.saturating_sub(layout.samples_at) / layout.frame_bytes;
    let bytes = frames * layout.frame_bytes;
    let too_long = |_| io::Error::new(io::ErrorKind::InvalidData, "longer than a WAV file can be");
    let in_data = u32::try_from(bytes).map_err(too_long)?;
    let in_file = u32::try_from(layout.samples_at + bytes - 8).map_err(too_long)?;
    file.set_len(layout.samples_at + bytes)?;
    file.write_all_at(&in_file.to_le_bytes(), 4)?;
    file.write_all_at(&in_data.to_le_bytes(), layout.samples_at - 4)?;
    file.sync_all()?;
    rename_new(part, path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok((frames, layout.sample_rate))
}
