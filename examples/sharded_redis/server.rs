//! A private `redis-server` on a port of its own, which ends with its handle, also by a panic.
//!
//! Its directory goes with it, and nothing is written there. The examples with a server share this file.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use seawall_core::BoxError;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long a server may take to answer, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    child: Child,
    port: u16,
    /// Deleted after the server has ended: fields are dropped after `drop`.
    _dir: TempDir,
}

impl Server {
    /// Whether there is one to start.
    #[cfg(test)]
    pub(crate) fn is_installed() -> bool {
        let asked = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    }

    /// Starts a server, and waits until it answers.
    pub(crate) async fn start() -> Result<Self, BoxError> {
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            // Somebody else may take the port before the server does; then it ends, and another is tried.
            let dir = tempfile::tempdir()?;
            let mut server = Self { child: spawn(port, &dir)?, port, _dir: dir };
            if server.answers().await? {
                return Ok(server);
            }
        }
        Err("no port stayed free for long enough".into())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`: it has no time to say anything.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Waits until it answers; `false` where it has ended.
    async fn answers(&mut self) -> Result<bool, BoxError> {
        let end = Instant::now() + PATIENCE;
        while ping(self.port).is_err() {
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            if Instant::now() >= end {
                return Err("a server that was started does not answer".into());
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(self.child.try_wait()?.is_none()) // not one that had the port before it
    }
}

/// Asks for a sign of life, which one that is up gives at once.
fn ping(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    match &answer {
        b"+PONG\r\n" => Ok(()),
        _ => Err(io::Error::other("it is not ready")),
    }
}

fn spawn(port: u16, dir: &TempDir) -> Result<Child, BoxError> {
    let started = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            "`redis-server` is missing; on Debian and Ubuntu: sudo apt-get install redis-server"
                .into()
        }
        _ => format!("`redis-server` did not start: {error}").into(),
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where it was killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
