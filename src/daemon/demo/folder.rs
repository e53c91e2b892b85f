//! The folder in which the demo's daemon lives: its two configuration files, prompts out of the
//! program itself, database and recordings. Never writes into a folder that holds somebody's files.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::Pace;

/// The hotline's number in the demo.
pub const HOTLINE: &str = "4001234567";

/// The duty mobile's number.
pub const MOBILE: &str = "13800000001";

/// The desk phone that the demo plays, and its password.
pub const DESK: (&str, &str) = ("801", "desk-801");

/// The desk phone that a softphone may be, and its password.
pub const SOFTPHONE: (&str, &str) = ("802", "soft-802");

/// What the mobile hears: “物业热线来电，接听请按一”.
pub const CONFIRM: &[u8] = include_bytes!("../../../prompts/forward_confirm.wav");

const PROMPTS: [(&str, &[u8]); 30] = [
    ("away_off.wav", include_bytes!("../../../prompts/away_off.wav")),
    ("away_on.wav", include_bytes!("../../../prompts/away_on.wav")),
    ("away_reminder.wav", include_bytes!("../../../prompts/away_reminder.wav")),
    ("busy_wait.wav", include_bytes!("../../../prompts/busy_wait.wav")),
    ("caller_gone.wav", include_bytes!("../../../prompts/caller_gone.wav")),
    ("connecting.wav", include_bytes!("../../../prompts/connecting.wav")),
    ("digit_0.wav", include_bytes!("../../../prompts/digit_0.wav")),
    ("digit_1.wav", include_bytes!("../../../prompts/digit_1.wav")),
    ("digit_2.wav", include_bytes!("../../../prompts/digit_2.wav")),
    ("digit_3.wav", include_bytes!("../../../prompts/digit_3.wav")),
    ("digit_4.wav", include_bytes!("../../../prompts/digit_4.wav")),
    ("digit_5.wav", include_bytes!("../../../prompts/digit_5.wav")),
    ("digit_6.wav", include_bytes!("../../../prompts/digit_6.wav")),
    ("digit_7.wav", include_bytes!("../../../prompts/digit_7.wav")),
    ("digit_8.wav", include_bytes!("../../../prompts/digit_8.wav")),
    ("digit_9.wav", include_bytes!("../../../prompts/digit_9.wav")),
    ("done.wav", include_bytes!("../../../prompts/done.wav")),
    ("forward_confirm.wav", CONFIRM),
    ("forward_too_late.wav", include_bytes!("../../../prompts/forward_too_late.wav")),
    ("forwarding.wav", include_bytes!("../../../prompts/forwarding.wav")),
    ("goodbye.wav", include_bytes!("../../../prompts/goodbye.wav")),
    ("greeting.wav", include_bytes!("../../../prompts/greeting.wav")),
    ("invalid.wav", include_bytes!("../../../prompts/invalid.wav")),
    ("line_fault.wav", include_bytes!("../../../prompts/line_fault.wav")),
    ("please_hold.wav", include_bytes!("../../../prompts/please_hold.wav")),
    ("recording_notice.wav", include_bytes!("../../../prompts/recording_notice.wav")),
    ("sorry_waiting.wav", include_bytes!("../../../prompts/sorry_waiting.wav")),
    ("urgent_marked.wav", include_bytes!("../../../prompts/urgent_marked.wav")),
    ("voicemail.wav", include_bytes!("../../../prompts/voicemail.wav")),
    ("voicemail_saved.wav", include_bytes!("../../../prompts/voicemail_saved.wav")),
];

/// The first line of our configuration; a folder with another one is not ours.
const MARK: &str = "# Written by `hotlined demo`; it is written anew each time.";

/// Longest path of a Unix socket (`sun_path`, less its end).
const LONGEST_SOCKET: usize = 107;

/// Where everything lies.
#[derive(Debug, Clone)]
pub struct Folder {
    pub root: PathBuf,
    pub daemon: PathBuf,
    pub house: PathBuf,
    pub database: PathBuf,
    pub recordings: PathBuf,
}

impl Folder {
    /// Makes the folder, or takes the one that an earlier demo left.
    ///
    /// # Errors
    /// It can't be written, or holds a configuration or a database that no demo made.
    pub fn prepare(dir: Option<&Path>) -> anyhow::Result<Self> {
        let root = match dir {
            Some(dir) => dir.to_owned(),
            None => fresh()?,
        };
        fs::create_dir_all(&root).with_context(|| format!("can't make {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("can't find {}", root.display()))?;
        let folder = Self {
            daemon: root.join("hotlined.toml"),
            house: root.join("house.toml"),
            database: root.join("hotlined.db"),
            recordings: root.join("recordings"),
            root,
        };
        let ours = fs::read_to_string(&folder.daemon).is_ok_and(|text| text.starts_with(MARK));
        let files = [&folder.daemon, &folder.house, &folder.database];
        if let Some(foreign) = files.into_iter().find(|file| !ours && file.exists()) {
            bail!("{} is not the demo's: give --dir an empty or new folder", foreign.display());
        }
        fs::create_dir_all(&folder.recordings)?;
        let prompts = folder.root.join("prompts");
        fs::create_dir_all(&prompts)?;
        for (name, wav) in PROMPTS {
            fs::write(prompts.join(name), wav)
                .with_context(|| format!("can't write {}", prompts.join(name).display()))?;
        }
        Ok(folder)
    }

    /// Writes both files: any free SIP port of that address, one trunk, two phones, one mobile.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn configure(&self, ip: IpAddr, carrier: SocketAddr, pace: Pace) -> anyhow::Result<()> {
        let mut socket = self.root.join("hotlined.sock");
        if socket.as_os_str().len() > LONGEST_SOCKET {
            socket = std::env::temp_dir().join(format!("hotlined-demo-{}.sock", std::process::id()));
        }
        let prompts = self.root.join("prompts");
        let traces = self.root.join("traces");
        let bind = SocketAddr::new(ip, 0);
        let media = if ip.is_ipv6() { "address_v6" } else { "address" };
        // A path in quotes with its escapes is the same text in Rust and in TOML, for all that
        // people name folders.
        let daemon = format!(
            "{MARK}\n\
             [[sip.listeners]]\ntransport = \"udp\"\nbind = \"{bind}\"\n\n\
             [media]\n{media} = \"{ip}\"\n\n\
             [recordings]\ndir = {:?}\ndisk_floor_mb = 50\n\n\
             [traces]\ndir = {traces:?}\n\n\
             [database]\npath = {:?}\n\n\
             [control]\nsocket = {socket:?}\n\n\
             [prompts]\ndir = {prompts:?}\n\n\
             [http]\nbind = \"127.0.0.1:0\"\n\n\
             [[trunks]]\nname = \"carrier\"\nkind = \"static\"\nservers = [\"{carrier}\"]\nnumber = \"{HOTLINE}\"\n",
            self.recordings, self.database,
        );
        let ((desk, desk_password), (soft, soft_password)) = (DESK, SOFTPHONE);
        let house = format!(
            "# Written by `hotlined demo`.\n\
             company = \"阳光物业\"\nhotlines = [\"{HOTLINE}\"]\n\n\
             [rings]\non_seconds = {:?}\noff_seconds = {:?}\n\n\
             [[phones]]\nname = \"{desk}\"\npassword = \"{desk_password}\"\nlines = 2\n\n\
             [[phones]]\nname = \"{soft}\"\npassword = \"{soft_password}\"\n\n\
             [notice]\nat = \"off\"\n\n\
             [[mobiles]]\nname = \"duty1\"\nnumber = \"{MOBILE}\"\n",
            pace.ring_on.as_secs_f64(),
            pace.ring_off.as_secs_f64(),
        );
        fs::write(&self.daemon, daemon).with_context(|| format!("can't write {}", self.daemon.display()))?;
        fs::write(&self.house, house).with_context(|| format!("can't write {}", self.house.display()))
    }
}

fn fresh() -> anyhow::Result<PathBuf> {
    let base = std::env::temp_dir();
    for count in 0..1000 {
        let dir = base.join(format!("hotlined-demo-{}-{count}", std::process::id()));
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("can't make {}", dir.display()));
            }
        }
    }
    bail!("{} is full of demos: give --dir a folder", base.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_somebody_elses_configuration_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("hotlined.toml"), "[sip]\n").unwrap();
        let error = Folder::prepare(Some(dir.path())).unwrap_err().to_string();
        assert!(error.contains("is not the demo's"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("hotlined.toml")).unwrap(), "[sip]\n");
    }

    #[test]
    fn what_the_demo_writes_is_a_configuration_and_may_be_written_again() {
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let folder = Folder::prepare(Some(&dir.path().join("a \"folder\" 演示"))).unwrap();
            let carrier = "127.0.0.2:5060".parse().unwrap();
            folder.configure([127, 0, 0, 1].into(), carrier, Pace::default()).unwrap();
            let read = crate::daemon::wiring::read(&folder.daemon, &folder.house)
                .map_err(|faults| crate::daemon::wiring::faults_text(&faults));
            assert_eq!(read.unwrap().daemon.recordings.dir, folder.recordings);
        }
    }
}
