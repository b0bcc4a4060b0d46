//! The `git` program: without a shell and without questions, for a while only.

use super::{Progress, Remote};
use crate::clock;
use crate::process::AwaitedChild;
use crate::source::tame;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The program in one working tree.
pub(super) struct Git {
    folder: PathBuf,
    remote: Remote,
    stop: Arc<AtomicBool>,
}

/// How long it is waited for it.
#[derive(Clone, Copy)]
pub(super) enum Patience<'a> {
    /// What works on the tree is seen through.
    Here,
    /// What asks others is given up when the daemon ends.
    Others(Duration),
    /// The same, while it is told how far it is.
    First(Duration, &'a Progress),
}

/// How often it is told how far the first fetch is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
const HERE_MAX: Duration = Duration::from_mins(2);
const LOOKED_EVERY: Duration = Duration::from_millis(5);
/// Who is told to end takes his locks with him.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// A list of files is no longer.
const OUTPUT_MAX: u64 = 64 << 20;
const SAID_MAX: usize = 64 << 10;
/// What is told of it in an error.
const TOLD_MAX: usize = 400;

/// Nothing that lies in the repository or in its folder is run, and nothing goes on behind.
const SETTINGS: [&str; 12] = [
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.logAllRefUpdates=false",
    "-c",
    "gc.autoDetach=false",
    "-c",
    "maintenance.autoDetach=false",
    "-c",
    "submodule.recurse=false",
];
const ENVIRONMENT: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("LC_ALL", "C"),
];
/// They would mean another repository.
const FOREIGN: [&str; 5] = [
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
];

impl Git {
    pub(super) fn new(folder: PathBuf, remote: Remote, stop: Arc<AtomicBool>) -> Git {
        Git {
            folder,
            remote,
            stop,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Set, it ends what asks others.
    pub(super) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Makes the repository, or finds that it is there.
    pub(super) fn init(&self) -> Result<(), String> {
        let mut command = self.command(&["init", "--quiet", "--template=", "--"]);
        // Else the tree is written down by its path, and may be moved nowhere.
        command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        self.finish(command.arg(&self.folder), Patience::Here)?;
        Ok(())
    }

    /// What it prints; an error is what it says, without secrets.
    pub(super) fn run(
        &self,
        arguments: &[&str],
        patience: Patience<'_>,
    ) -> Result<Vec<u8>, String> {
        self.finish(&mut self.command(arguments), patience)
    }

    /// Runs it with files for what it reads and prints.
    pub(super) fn run_between(
        &self,
        arguments: &[&str],
        (from, to): (File, File),
    ) -> Result<(), String> {
        let mut command = self.command(arguments);
        self.finish(command.stdin(from).stdout(to), Patience::Here)?;
        Ok(())
    }

    /// The same as a line.
    pub(super) fn line(&self, arguments: &[&str]) -> Result<String, String> {
        let bytes = self.run(arguments, Patience::Here)?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(SETTINGS).args(arguments).envs(ENVIRONMENT);
        for name in FOREIGN {
            command.env_remove(name);
        }
        // A folder above that is a repository is never meant.
        command
            .env("GIT_DIR", self.folder.join(".git"))
            .env("GIT_WORK_TREE", &self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if self.folder.is_dir() {
            command.current_dir(&self.folder);
        }
        command
    }

    fn finish(&self, command: &mut Command, patience: Patience<'_>) -> Result<Vec<u8>, String> {
        let cannot = |error: io::Error| format!("`git` cannot be run: {error}");
        let mut awaited = AwaitedChild::spawn(command).map_err(cannot)?;
        let child = &mut awaited.child;
        let latest = Arc::new(Mutex::new(String::new()));
        // Output that goes into a file is not read here.
        let printed = child.stdout.take().map(|from| reader(from, OUTPUT_MAX));
        let said = child.stderr.take();
        let said = said.map(|from| said_reader(from, Arc::clone(&latest)));
        let (Ok(printed), Some(Ok(said))) = (printed.transpose(), said) else {
            end(child);
            return Err("no thread can be started for what `git` says".to_owned());
        };
        let status = self.wait(child, patience, &latest);
        // Whoever it has left behind may hold on to its output.
        let text = |from: Receiver<Vec<u8>>| from.recv_timeout(ENDS_WITHIN).unwrap_or_default();
        let (printed, said) = (printed.map(text).unwrap_or_default(), text(said));
        let status = status?;
        if !status.success() {
            return Err(self.why(&said, status));
        }
        if printed.len() as u64 > OUTPUT_MAX {
            return Err("`git` prints more than 64 MiB".to_owned());
        }
        Ok(printed)
    }

    fn wait(
        &self,
        child: &mut Child,
        patience: Patience<'_>,
        latest: &Mutex<String>,
    ) -> Result<ExitStatus, String> {
        let (within, progress) = match patience {
            Patience::Here => (HERE_MAX, None),
            Patience::Others(within) => (within, None),
            Patience::First(within, progress) => (within, Some(progress)),
        };
        let may_stop = !matches!(patience, Patience::Here);
        let began = clock::now();
        let mut told = TOLD_EVERY;
        loop {
            let status = child.try_wait();
            if let Some(status) = status.map_err(|error| error.to_string())? {
                return Ok(status);
            }
            let took = Duration::from_nanos(clock::now().boot_ns.saturating_sub(began.boot_ns));
            if took >= within {
                end(child);
                let within = humantime::format_duration(within);
                return Err(format!("it takes longer than {within}"));
            }
            if let Some(progress) = progress.filter(|_| took >= told) {
                told += TOLD_EVERY;
                let latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                let latest: String = latest.chars().take(TOLD_MAX).map(tame).collect();
                progress(&self.remote.masked(&latest));
            }
            if may_stop && self.stop.load(Ordering::Relaxed) {
                end(child);
                return Err("the daemon ends".to_owned());
            }
            thread::sleep(LOOKED_EVERY);
        }
    }

    /// Its first line, for that is what a helper says, and what git makes of it.
    fn why(&self, said: &[u8], status: ExitStatus) -> String {
        let text = String::from_utf8_lossy(said);
        let is_told = |line: &&str| !line.is_empty() && !line.starts_with("warning:");
        let mut lines = text.lines().map(str::trim).filter(is_told);
        let first = lines.next();
        let fatal = lines.find(|line| line.starts_with("fatal:"));
        let lines: Vec<&str> = first.into_iter().chain(fatal).collect();
        if lines.is_empty() {
            return format!("`git` ended with {status}");
        }
        let told = self.remote.masked(&lines.join("; "));
        told.chars().take(TOLD_MAX).map(tame).collect()
    }
}

/// Reads all there is, and keeps so much that it can be told whether it is too much.
fn reader(mut from: impl Read + Send + 'static, most: u64) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = Vec::new();
        let _ = from.by_ref().take(most + 1).read_to_end(&mut bytes);
        let _ = io::copy(&mut from, &mut io::sink());
        let _ = sender.send(bytes);
    };
    thread::Builder::new().spawn(read)?;
    Ok(receiver)
}

/// Reads what git says. Lines that it writes over each other are progress, of which the latest is kept elsewhere.
fn said_reader(
    mut from: impl Read + Send + 'static,
    latest: Arc<Mutex<String>>,
) -> io::Result<Receiver<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let (mut said, mut line, mut is_over) = (Vec::new(), Vec::new(), false);
        let mut buffer = [0; 4_096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            for byte in &buffer[..count] {
                if is_over && *byte != b'\n' {
                    line.clear();
                }
                is_over = *byte == b'\r';
                if is_over {
                    let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                    *latest = String::from_utf8_lossy(&line).into_owned();
                }
                match byte {
                    b'\r' => {}
                    b'\n' => {
                        line.push(b'\n');
                        said.append(&mut line);
                    }
                    _ if said.len() + line.len() < SAID_MAX => line.push(*byte),
                    _ => {}
                }
            }
        }
        said.append(&mut line);
        let _ = sender.send(said);
    };
    thread::Builder::new().spawn(read)?;
    Ok(receiver)
}

/// It and whatever it has started.
fn end(child: &mut Child) {
    let group = Pid::from_child(child);
    let _ = kill_process_group(group, Signal::TERM);
    let began = clock::now().boot_ns;
    let ends_within_ns = u64::try_from(ENDS_WITHIN.as_nanos()).unwrap_or(u64::MAX);
    while clock::now().boot_ns.saturating_sub(began) < ends_within_ns {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(LOOKED_EVERY);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}
