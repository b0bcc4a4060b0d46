//! The machine's service manager is told how the daemon stands, over the datagram socket that systemd calls
//! `NOTIFY_SOCKET`. Without one nobody is told, and nothing else differs.
//!
//! The protocol is a line for each assignment. What reads the environment by itself is no use here, so there is no crate
//! for it.

use crate::clock;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use thiserror::Error;

/// Whoever started the daemon and watches over it.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<UnixDatagram>,
    beat_every: Option<Duration>,
    /// The last state that the manager had no room for. Without it a start is taken for one that failed.
    unsent: Mutex<Option<String>>,
}

#[derive(Debug, Error)]
pub enum SupervisorError {
    #[error("`NOTIFY_SOCKET` names no socket on this machine")]
    Elsewhere,
    #[error("the socket that `NOTIFY_SOCKET` names cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("`WATCHDOG_USEC` is no number of microseconds")]
    Watchdog,
}

impl Supervisor {
    /// As the variables of the environment say; `process` is the id of this one.
    pub fn connect(
        variable: impl Fn(&str) -> Option<String>,
        process: u32,
    ) -> Result<Supervisor, SupervisorError> {
        let named = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let Some(name) = named else {
            return Ok(Supervisor::default());
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address(&name)?)?;
        // A manager that does not listen is no reason to stand still.
        socket.set_nonblocking(true)?;
        // The watchdog of another process is inherited, and none of ours.
        let is_other = variable("WATCHDOG_PID").is_some_and(|id| id != process.to_string());
        let watchdog = variable("WATCHDOG_USEC").filter(|_| !is_other);
        let beat_every = watchdog.map(|text| half(&text)).transpose()?;
        Ok(Supervisor {
            socket: Some(socket),
            beat_every,
            unsent: Mutex::default(),
        })
    }

    /// How often [`Supervisor::beat`] is waited for: half of the time after which the manager loses patience.
    pub fn beat_every(&self) -> Option<Duration> {
        self.beat_every
    }

    pub fn ready(&self, status: &str) {
        self.enter(format!("READY=1\n{}", status_line(status)));
    }

    /// Until the next [`Supervisor::ready`].
    pub fn reloading(&self) {
        let now_us = clock::monotonic_us();
        self.enter(format!("RELOADING=1\nMONOTONIC_USEC={now_us}"));
    }

    pub fn status(&self, status: &str) {
        let _ = self.send(&status_line(status));
    }

    pub fn beat(&self) {
        let unsent = self.unsent().take();
        if let Some(state) = unsent {
            self.enter(state);
        }
        let _ = self.send("WATCHDOG=1");
    }

    pub fn stopping(&self, status: &str) {
        self.enter(format!("STOPPING=1\n{}", status_line(status)));
    }

    /// Sends a state, at the next beat where there is no room for it now.
    fn enter(&self, state: String) {
        let sent = self.send(&state);
        *self.unsent() = sent.is_err().then_some(state);
    }

    /// Never waits: a manager that is gone or does not listen stops nothing.
    fn send(&self, message: &str) -> io::Result<()> {
        match &self.socket {
            Some(socket) => socket.send(message.as_bytes()).map(drop),
            None => Ok(()),
        }
    }

    fn unsent(&self) -> MutexGuard<'_, Option<String>> {
        self.unsent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path, or a name that is in no file system, which begins with `@`.
fn address(name: &str) -> Result<SocketAddr, SupervisorError> {
    match name.strip_prefix('@') {
        Some(name) => Ok(SocketAddr::from_abstract_name(name)?),
        None if name.starts_with('/') => Ok(SocketAddr::from_pathname(name)?),
        None => Err(SupervisorError::Elsewhere),
    }
}

fn half(microseconds: &str) -> Result<Duration, SupervisorError> {
    let whole = microseconds.parse::<u64>().ok().filter(|whole| *whole > 1);
    let whole = whole.ok_or(SupervisorError::Watchdog)?;
    Ok(Duration::from_micros(whole / 2))
}

/// One line: a second one would be another assignment.
fn status_line(status: &str) -> String {
    let words = status.split(|each: char| each.is_control());
    format!("STATUS={}", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn connected(variables: &[(&str, &str)]) -> Result<Supervisor, SupervisorError> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        let variable = |name: &str| variables.get(name).map(|text| (*text).to_owned());
        Supervisor::connect(variable, 7)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1_024];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_manager_hears_how_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let path = path.to_str().unwrap();
        let watched = [
            ("NOTIFY_SOCKET", path),
            ("WATCHDOG_USEC", "20000000"),
            ("WATCHDOG_PID", "7"),
        ];
        let supervisor = connected(&watched).unwrap();
        assert_eq!(supervisor.beat_every(), Some(Duration::from_secs(10)));
        supervisor.ready("2 campaigns\nWATCHDOG=trigger");
        assert_eq!(
            heard(&manager),
            "READY=1\nSTATUS=2 campaigns WATCHDOG=trigger"
        );
        supervisor.beat();
        assert_eq!(heard(&manager), "WATCHDOG=1");
        let before_us = clock::monotonic_us();
        supervisor.reloading();
        let reloading = heard(&manager);
        let stamp = reloading
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        let stamp: u64 = stamp.parse().unwrap();
        assert!((before_us..=clock::monotonic_us()).contains(&stamp));
        supervisor.status("nothing is due");
        assert_eq!(heard(&manager), "STATUS=nothing is due");
        supervisor.stopping("SIGTERM");
        assert_eq!(heard(&manager), "STOPPING=1\nSTATUS=SIGTERM");
        drop(manager);
        supervisor.beat();
    }

    #[test]
    fn a_socket_may_have_a_name_that_is_no_path() {
        let name = format!("campanile-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let name = format!("@{name}");
        let supervisor = connected(&[("NOTIFY_SOCKET", &name)]).unwrap();
        assert_eq!(supervisor.beat_every(), None);
        supervisor.beat();
        assert_eq!(heard(&manager), "WATCHDOG=1");
    }

    #[test]
    fn a_manager_that_does_not_listen_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _deaf = UnixDatagram::bind(&path).unwrap();
        let supervisor = connected(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap();
        for _ in 0..10_000 {
            supervisor.beat();
        }
    }

    #[test]
    fn state_that_the_manager_had_no_room_for_is_sent_with_a_later_beat() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor = connected(&[("NOTIFY_SOCKET", path.to_str().unwrap())]).unwrap();
        while supervisor.send("WATCHDOG=1").is_ok() {}
        supervisor.ready("3 campaigns");
        let mut told = (0..10_000).map(|_| {
            supervisor.beat();
            heard(&manager)
        });
        let state = told.find(|message| message != "WATCHDOG=1");
        assert_eq!(state.as_deref(), Some("READY=1\nSTATUS=3 campaigns"));
    }

    #[test]
    fn without_a_manager_nobody_is_told() {
        let alone = connected(&[("WATCHDOG_USEC", "20000000")]).unwrap();
        assert_eq!(alone.beat_every(), None);
        alone.ready("");
        let failure = |variables| connected(variables).unwrap_err().to_string();
        assert_eq!(
            failure(&[("NOTIFY_SOCKET", "vsock:2:1")]),
            "`NOTIFY_SOCKET` names no socket on this machine"
        );
        let nowhere = failure(&[("NOTIFY_SOCKET", "/nowhere/notify")]);
        assert!(nowhere.contains("cannot be reached"), "{nowhere}");
    }

    #[test]
    fn the_watchdog_of_another_process_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _manager = UnixDatagram::bind(&path).unwrap();
        let path = path.to_str().unwrap();
        let with =
            |more: [(&str, &str); 2]| connected(&[("NOTIFY_SOCKET", path), more[0], more[1]]);
        let other = with([("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "8")]).unwrap();
        assert_eq!(other.beat_every(), None);
        let wrong = with([("WATCHDOG_USEC", "soon"), ("WATCHDOG_PID", "7")]).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "`WATCHDOG_USEC` is no number of microseconds"
        );
    }
}
