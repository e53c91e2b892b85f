//! The finished recordings on the disk: what lies there, how much room is left, and how one is taken away with
//! everything that lies beside it. It never decides which.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::syncer::sync_folder;
use crate::desk::ticket::TicketId;

/// Folders within folders: year, month, day, and some to spare.
const MAX_DEPTH: u32 = 8;

/// A recording, finished or not, as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lying {
    /// Below the recordings folder.
    pub path: PathBuf,
    /// Whose it is, by its name; `None` where that is no ticket's.
    pub ticket: Option<TicketId>,
    /// It is still called `.part`.
    pub is_part: bool,
    /// When it was last written; `None` where the disk does not say.
    pub modified: Option<SystemTime>,
}

/// Every folder below `dir`, itself included (as the empty path), in the order of names. Links are not followed;
/// a folder that does not exist has none.
///
/// # Errors
/// A folder cannot be read: what it holds is not known.
pub fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if dir.exists() {
        walk(dir, PathBuf::new(), MAX_DEPTH, &mut found)?;
    }
    Ok(found)
}

fn walk(dir: &Path, below: PathBuf, depth: u32, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut inner = Vec::new();
    for entry in fs::read_dir(dir.join(&below))? {
        let entry = entry?;
        // What is gone by now does not lie there.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            inner.push(below.join(entry.file_name()));
        }
    }
    inner.sort();
    found.push(below);
    if depth > 0 {
        inner.into_iter().try_for_each(|folder| walk(dir, folder, depth - 1, found))?;
    }
    Ok(())
}

/// The recordings in one of these folders, in the order of names.
///
/// # Errors
/// The folder cannot be read.
pub fn recordings_in(dir: &Path, folder: &Path) -> io::Result<Vec<Lying>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Some((ticket, is_part)) = read_name(&path)
        {
            let modified = entry.metadata().and_then(|meta| meta.modified()).ok();
            files.push(Lying { path, ticket, is_part, modified });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// Whose recording that is and whether it is finished; `None` for what is no recording.
fn read_name(path: &Path) -> Option<(Option<TicketId>, bool)> {
    let name = path.file_name()?.to_str().unwrap_or_default();
    let (stem, is_part) = match name.strip_suffix(".wav.part") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".wav")?, false),
    };
    Some((stem.parse().ok(), is_part))
}

/// Takes a recording away for good, with whatever lies beside it under the same ticket's name. Fine where it is
/// gone already.
///
/// # Errors
/// The disk refuses; some of it may be gone.
pub fn unlink(dir: &Path, path: &Path) -> io::Result<()> {
    let file = dir.join(path);
    let (Some(folder), Some(stem)) = (file.parent(), file.file_stem()) else { return Ok(()) };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let stem = stem.to_string_lossy();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.strip_prefix(stem.as_ref()).is_some_and(|rest| rest.starts_with('.')) {
            fs::remove_file(entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Bytes that are free for us on the disk of that folder, or of the nearest one above it that exists.
///
/// # Errors
/// The disk does not say.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let there = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let disk = rustix::fs::statvfs(there)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_is_seen_folder_by_folder_and_taken_away_with_its_neighbours() {
        let dir = tempfile::tempdir().unwrap();
        let day = dir.path().join("2026/11/23");
        fs::create_dir_all(&day).unwrap();
        for name in
            ["20261123-0007.wav", "20261123-0007.peaks", "20261123-0070.wav", "20261123-0008.wav.part"]
        {
            fs::write(day.join(name), "x").unwrap();
        }
        fs::write(dir.path().join("song.wav"), "x").unwrap();
        fs::write(dir.path().join("notes.txt"), "x").unwrap();
        let mut seen = Vec::new();
        for folder in folders(dir.path()).unwrap() {
            let files = recordings_in(dir.path(), &folder).unwrap();
            seen.extend(files.into_iter().map(|file| (file.path, file.ticket.is_some(), file.is_part)));
        }
        let lies = |path: &str, of_a_ticket, is_part| (PathBuf::from(path), of_a_ticket, is_part);
        assert_eq!(
            seen,
            [
                lies("song.wav", false, false),
                lies("2026/11/23/20261123-0007.wav", true, false),
                lies("2026/11/23/20261123-0008.wav.part", true, true),
                lies("2026/11/23/20261123-0070.wav", true, false),
            ]
        );
        for _ in 0..2 {
            unlink(dir.path(), Path::new("2026/11/23/20261123-0007.wav")).unwrap();
        }
        let mut left: Vec<_> = fs::read_dir(&day)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["20261123-0008.wav.part", "20261123-0070.wav"]);
        unlink(dir.path(), Path::new("2020/01/01/20200101-0001.wav")).unwrap();
    }

    #[test]
    fn room_is_known_before_the_folder_is_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(free_bytes(&dir.path().join("not/yet")).unwrap() > 0);
        assert!(free_bytes(Path::new("not yet")).unwrap() > 0);
    }
}
