//! A repository of its own for one test, and the program in it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// The key of the sandbox.
pub(crate) const KEY: &str = "sandbox";

/// The program, with an environment that says nothing.
pub(crate) fn campanile() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    clear_environment(&mut command);
    command.stdin(Stdio::null());
    command
}

/// Leaves a command what finds programs, and the seeded bug.
fn clear_environment(command: &mut Command) {
    let kept = ["PATH", "SEEDED_BUG"].map(|name| Some((name, std::env::var_os(name)?)));
    command.env_clear().envs(kept.into_iter().flatten());
}

/// A folder with settings, campaigns and audiences, gone when the test is over.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place {
            folder: tempfile::tempdir().unwrap(),
        };
        place.write("campanile.yaml", &settings("region: singapore"));
        place
    }

    /// A copy of the examples and all that they read.
    pub(crate) fn of_the_examples() -> Place {
        let place = Place::new();
        for folder in ["campaigns", "audiences", "texts"] {
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                place.write(path.to_str().unwrap(), &fs::read_to_string(&path).unwrap());
            }
        }
        let settings = fs::read_to_string("campanile.yaml").unwrap();
        place.write("campanile.yaml", &settings);
        place
    }

    /// A place whose app is the sandbox at `endpoint`, with a campaign `news` to so many groups.
    pub(crate) fn with_news(endpoint: &str, groups: usize) -> Place {
        let place = Place::new();
        place.write(
            "campanile.yaml",
            &settings(&format!("endpoint: {endpoint}")),
        );
        place.write("campaigns/news.yaml", NEWS);
        let rows: Vec<String> = (0..groups)
            .map(|number| format!("g{number},City {number}"))
            .collect();
        place.write(
            "audiences/groups.csv",
            &format!("group,city\n{}\n", rows.join("\n")),
        );
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = campanile();
        command
            .current_dir(self.path())
            .args(arguments)
            .env("CAMPANILE_SECRET_KEY", KEY);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// What a shell makes of a script in which `$CAMPANILE` is the program.
    pub(crate) fn shell(&self, script: &str) -> Ended {
        let mut shell = Command::new("sh");
        clear_environment(&mut shell);
        shell
            .args(["-c", script])
            .current_dir(self.path())
            .env("CAMPANILE", env!("CARGO_BIN_EXE_campanile"))
            .env("CAMPANILE_SECRET_KEY", KEY)
            .stdin(Stdio::null());
        Ended::of(&shell.output().unwrap())
    }

    /// Starts the program and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        Running(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    /// What the stand-in of `--sandbox` stored, in order.
    pub(crate) fn sandbox_ledger(&self) -> Vec<serde_json::Value> {
        let path = self.path().join(".campanile/sandbox-ledger.jsonl");
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The log of the latest run of `news`, a JSON value for each delivery.
    pub(crate) fn log(&self) -> Vec<serde_json::Value> {
        let ended = self.run(&["log", "news", "-o", "jsonl"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

const NEWS: &str = r#"
audience: { group_files: [audiences/groups.csv] }
send: { group_message: { text: "Hello {{ group.city }}" } }
"#;

pub(crate) fn settings(place: &str) -> String {
    format!(
        "apps:\n  main:\n    sdk_app_id: 1400000000\n    secret_key: {{ env: CAMPANILE_SECRET_KEY }}\n    {place}\n"
    )
}

/// What a person has in front of them afterwards.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Ended {
        Ended {
            code: code(output.status),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        let said = format!("{}\n{}", self.out, self.err);
        for word in words {
            assert!(said.contains(word), "`{word}` is not said in:\n{said}");
        }
    }
}

/// Waits until something is so; what never will be fails the test, and does not keep it for ever.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    const TRIES_MAX: u32 = 6_000;
    for _ in 0..TRIES_MAX {
        if is_so() {
            return;
        }
        pause();
    }
    panic!("{what}: never");
}

/// Between two looks at something that is waited for.
pub(crate) fn pause() {
    std::thread::sleep(std::time::Duration::from_millis(5));
}

/// A process that is not left behind.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn of(child: Child) -> Running {
        Running(child)
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// The next line of stderr that says this.
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        let from = self.0.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        let mut byte = [0];
        while from.read(&mut byte).unwrap() > 0 {
            line.push(byte[0]);
            if byte[0] == b'\n' {
                let text = String::from_utf8_lossy(&line).into_owned();
                if text.contains(words) {
                    return text;
                }
                line.clear();
            }
        }
        panic!("it ended without saying {words:?}");
    }

    pub(crate) fn end(mut self) -> Ended {
        let mut output = Output {
            status: ExitStatus::default(),
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        let read = |from: &mut dyn std::io::Read, to: &mut Vec<u8>| from.read_to_end(to).unwrap();
        read(self.0.stdout.as_mut().unwrap(), &mut output.stdout);
        read(self.0.stderr.as_mut().unwrap(), &mut output.stderr);
        output.status = self.0.wait().unwrap();
        Ended::of(&output)
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The exit code, or 128 and the signal, as a shell tells it.
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// Records why a test asserts nothing on this machine; `tests/count` counts the test as skipped.
#[expect(
    clippy::print_stdout,
    reason = "a run of this test alone shows the reason"
)]
pub(crate) fn skipped(reason: &str) {
    let thread = std::thread::current();
    let line = format!("skipped: {reason} ({})\n", thread.name().unwrap_or("?"));
    print!("{line}");
    if let Some(path) = std::env::var_os("SKIPPED_TESTS") {
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
