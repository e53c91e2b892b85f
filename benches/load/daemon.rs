//! `hotlined serve` in a folder of its own, and what the system says of it.

use std::{
    collections::BTreeMap,
    fs::File,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};

use crate::sip::{HOTLINE, PASSWORD, PHONE};

/// The clock in which Linux counts CPU time for programs (USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// The generator's niceness: it must not be what is measured.
pub(crate) const PRECEDENCE: i32 = -15;

/// Every fdatasync and fsync that goes through the C library, SQLite's included, takes 2 s.
const SLOW_SYNC: &str = "
#include <unistd.h>
#include <sys/syscall.h>
int fdatasync(int fd) { sleep(2); return syscall(SYS_fdatasync, fd); }
int fsync(int fd) { sleep(2); return syscall(SYS_fsync, fd); }
";

/// Where a daemon runs: configuration, database, recordings, log.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) folder: PathBuf,
    preload: Option<PathBuf>,
    /// Of the daemon's environment.
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
}

/// A running daemon; it dies with this value.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
}

impl House {
    /// Writes the configuration: the carrier as a static trunk, one phone that takes many calls.
    pub(crate) fn new(folder: &Path, daemon: SocketAddr, carrier: SocketAddr) -> Self {
        let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        let settings = format!(
            "[[sip.listeners]]\ntransport = \"udp\"\nbind = \"{daemon}\"\n\
             [media]\naddress = \"127.0.0.1\"\n\
             [recordings]\ndir = \"{folder}/recordings\"\ndisk_floor_mb = 10\n\
             [traces]\ndir = \"{folder}/traces\"\n\
             [database]\npath = \"{folder}/hotlined.db\"\n\
             [control]\nsocket = \"{folder}/hotlined.sock\"\n\
             [prompts]\ndir = \"{prompts}\"\n\
             [[trunks]]\nname = \"carrier\"\nkind = \"static\"\nservers = [\"{carrier}\"]\n\
             number = \"{HOTLINE}\"\n",
            folder = folder.display(),
            prompts = prompts.display(),
        );
        let rules = format!(
            "company = \"load\"\nhotlines = [\"{HOTLINE}\"]\n\
             [notice]\nat = \"off\"\n\
             [[phones]]\nname = \"{PHONE}\"\npassword = \"{PASSWORD}\"\nlines = 1000\n"
        );
        std::fs::write(folder.join("hotlined.toml"), settings).expect("a folder of our own");
        std::fs::write(folder.join("house.toml"), rules).expect("a folder of our own");
        Self { folder: folder.to_owned(), preload: None, variables: Vec::new() }
    }

    /// Its disk is slow from now on.
    pub(crate) fn slow_sync(&mut self) {
        self.preload("slow_sync", SLOW_SYNC);
    }

    /// The daemon meets these functions before the C library's.
    pub(crate) fn preload(&mut self, name: &str, code: &str) {
        let (source, library) =
            (self.folder.join(format!("{name}.c")), self.folder.join(format!("{name}.so")));
        std::fs::write(&source, code).expect("a folder of our own");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status()
            .expect("cc");
        assert!(built.success(), "cc builds {name}");
        self.preload = Some(library);
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join("hotlined.db")
    }

    pub(crate) fn recordings(&self) -> PathBuf {
        self.folder.join("recordings")
    }

    /// Starts the daemon; its log is in the folder.
    pub(crate) fn serve(&self) -> Daemon {
        let log = File::options().append(true).create(true).open(self.folder.join("log"));
        let built = Path::new(env!("CARGO_BIN_EXE_hotlined")).to_owned();
        let mut command = Command::new(std::env::var_os("HOTLINED").map_or(built, PathBuf::from));
        command.arg("serve").arg("--config").arg(self.folder.join("hotlined.toml"));
        command.arg("--house").arg(self.folder.join("house.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a folder of our own"));
        if let Some(library) = &self.preload {
            command.env("LD_PRELOAD", library);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        // A child inherits the generator's precedence, so that is laid down meanwhile. Where this is not
        // allowed, there is none to inherit either.
        let _ = rustix::process::setpriority_process(None, 0);
        let child = command.spawn().expect("the daemon starts");
        let _ = rustix::process::setpriority_process(None, PRECEDENCE);
        Daemon { child }
    }
}

impl Daemon {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap_or_default()
    }

    /// User and system time of every thread, the ended ones included (`/proc/PID/stat`).
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.file("stat");
        // The name in brackets may hold spaces.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u32>().ok());
        TICK * ticks.sum()
    }

    /// CPU time by the threads' names, for threads that live.
    pub(crate) fn cpu_by_thread(&self) -> BTreeMap<String, Duration> {
        let mut times = BTreeMap::<String, Duration>::new();
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten();
        for task in tasks.filter_map(Result::ok) {
            let read = |name: &str| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let spent = read("schedstat").split_whitespace().next().and_then(|n| n.parse().ok());
            *times.entry(read("comm").trim().to_owned()).or_default() +=
                Duration::from_nanos(spent.unwrap_or_default());
        }
        times
    }

    pub(crate) fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id())).map_or(0, Iterator::count)
    }

    /// Resident memory, in KB.
    pub(crate) fn resident_kb(&self) -> f64 {
        let status = self.file("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        rustix::process::kill_process(self.pid(), Signal::TERM).expect("our own child");
        self.child.wait().expect("our own child")
    }

    /// SIGKILL: what a crash leaves.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.child.wait().expect("our own child");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // After `stop` and `kill` it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
