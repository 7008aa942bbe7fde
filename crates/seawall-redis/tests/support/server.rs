//! A private `redis-server` on a port of its own: started by a test, and gone when the test is over,
//! also when it panics.
//!
//! Its data lies in a directory that goes with it, and nothing is ever written there.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::PATIENCE;

pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
    options: Vec<String>,
}

impl Server {
    /// Starts a server, and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more options on its command line.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        for _ in 0..10 {
            let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
            let port = listener.local_addr().expect("it is bound").port();
            drop(listener); // somebody else may take it before the server does
            if let Some(server) = Self::start_on(port, options).await {
                return server;
            }
        }
        panic!("no port stayed free for long enough");
    }

    /// Starts a server on a port; `None` where it ended, as it does when the port is taken.
    pub(crate) async fn start_on(port: u16, options: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().expect("there is room for a directory");
        let options: Vec<_> = options.iter().map(ToString::to_string).collect();
        let child = spawn(port, &dir, &options);
        let mut server = Self { child, port, dir, options };
        server.answers().await.then_some(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("it is ours to wait for");
    }

    /// Stands still: accepts connections, and answers nothing.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Goes on where it stood still, and works off what came in meanwhile.
    pub(crate) fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts an empty one in the same place.
    pub(crate) async fn restart(&mut self) {
        // The port may be in use for a moment by what is left of the old one.
        for _ in 0..100 {
            self.child = spawn(self.port, &self.dir, &self.options);
            if self.answers().await {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("it did not start again");
    }

    /// Asks it over a connection of its own, and returns the answer as it is on the wire.
    pub(crate) fn ask(&self, command: &str) -> String {
        self.try_ask(command).expect("it answers")
    }

    /// A number that `INFO` tells.
    pub(crate) fn info(&self, field: &str) -> u64 {
        let info = self.ask("INFO");
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.expect("it tells").trim().parse().expect("a number")
    }

    /// How often a command was carried out, by scripts too.
    pub(crate) fn count_of(&self, command: &str) -> u64 {
        let stats = self.ask("INFO commandstats");
        let mut lines = stats.lines();
        let line = lines.find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        let count = line.and_then(|line| line.split(',').next()).unwrap_or("0");
        count.parse().expect("a number")
    }

    fn try_ask(&self, command: &str) -> std::io::Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        (&stream).write_all(format!("{command}\r\n").as_bytes())?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some(length) = line.strip_prefix('$') else { return Ok(line.trim_end().to_owned()) };
        let length = length.trim_end().parse::<usize>().unwrap_or(0);
        let mut bulk = vec![0; length];
        reader.read_exact(&mut bulk)?;
        Ok(String::from_utf8_lossy(&bulk).into_owned())
    }

    /// Waits until it answers; `false` where it has ended.
    async fn answers(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        // One with a password refuses, which is an answer too; one that loads says so.
        while !self.try_ask("PING").is_ok_and(|said| said == "+PONG" || said.starts_with("-NOAUTH"))
        {
            if self.child.try_wait().expect("it is ours to ask about").is_some() {
                return false;
            }
            assert!(Instant::now() < end, "a server that was started does not answer");
            sleep(Duration::from_millis(5)).await;
        }
        // Not one that had the port before us.
        self.child.try_wait().expect("it is ours to ask about").is_none()
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it is ours to signal");
    }
}

fn spawn(port: u16, dir: &TempDir, options: &[String]) -> Child {
    let started = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .args(["--dir".as_ref(), dir.path().as_os_str()])
        .args(["--unixsocket".as_ref(), dir.path().join("socket").as_os_str()])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!(
                "`redis-server` is missing; on Debian and Ubuntu: sudo apt-get install redis-server"
            )
        }
        Err(error) => panic!("`redis-server` did not start: {error}"),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test killed it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
