//! Disks that can be cut, filled and frozen: file systems of their own, made with the system's tools. Everything
//! is unmounted when its value goes.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Runs a tool; its complaint where it fails.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let (tool, rest) = words.split_first().unwrap();
    let done =
        Command::new(tool).args(rest).stdin(Stdio::null()).output().map_err(|e| format!("{tool}: {e}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&done.stderr).trim()))
}

/// A mounted file system.
pub(crate) struct Mounted {
    pub(crate) at: PathBuf,
}

impl Mounted {
    /// A file system in memory, of so many megabytes.
    pub(crate) fn tmpfs(at: PathBuf, megabytes: u32) -> Result<Self, String> {
        std::fs::create_dir_all(&at).unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        run(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs", &at.to_string_lossy()])?;
        Ok(Self { at })
    }

    /// A file with a file system in it, mounted through a loop device.
    pub(crate) fn image(image: &Path, at: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&at).unwrap();
        run(&["mount", "-o", "loop", &image.to_string_lossy(), &at.to_string_lossy()])?;
        Ok(Self { at })
    }

    pub(crate) fn remount(&self, how: &str) -> Result<(), String> {
        run(&["mount", "-o", &format!("remount,{how}"), &self.at.to_string_lossy()])
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: whoever still holds a file of it does not keep us.
        if let Err(why) = run(&["umount", "-l", &self.at.to_string_lossy()]) {
            eprintln!("{why}");
        }
    }
}

/// A file of so many megabytes with a fresh file system.
pub(crate) fn make(image: &Path, kind: &str, megabytes: u64) -> Result<(), String> {
    std::fs::File::create(image).and_then(|file| file.set_len(megabytes << 20)).map_err(|e| e.to_string())?;
    let image = image.to_string_lossy();
    match kind {
        "xfs" => run(&["mkfs.xfs", "-q", "-m", "reflink=1", &image]),
        kind => run(&["mkfs", "-q", "-t", kind, &image]),
    }
}

/// A disk whose power can be cut: an ext4 image that lies on a file system with copy-on-write. A clone of the image
/// holds exactly the writes that the ext4 below the daemon had sent to its disk at one moment; what was only in
/// its memory is lost, as in a power cut. The clone is taken while everything runs on.
pub(crate) struct Disk {
    /// Under it, in this order: dropped from the top.
    pub(crate) mounted: Mounted,
    outer: Mounted,
}

impl Disk {
    /// Below `folder`; why not, where the system does not allow it.
    pub(crate) fn make(folder: &Path) -> Result<Self, String> {
        let outer_image = folder.join("outer.img");
        make(&outer_image, "xfs", 900)?;
        let outer = Mounted::image(&outer_image, folder.join("outer"))?;
        let image = outer.at.join("disk.img");
        make(&image, "ext4", 128)?;
        let mounted = Mounted::image(&image, folder.join("disk"))?;
        Ok(Self { mounted, outer })
    }

    /// Cuts the power: what a machine that starts again would find on the disk.
    pub(crate) fn cut(&self, number: usize) -> Result<PathBuf, String> {
        let (image, clone) = (self.outer.at.join("disk.img"), self.outer.at.join(format!("cut{number}.img")));
        run(&["cp", "--reflink=always", &image.to_string_lossy(), &clone.to_string_lossy()])?;
        Ok(clone)
    }
}
