//! The processes that work: this same program, started again. They end with their handle, also by a panic.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use seawall_core::BoxError;
use tokio::time::{Instant, sleep};

/// How long a worker may take to finish what it has, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Fleet {
    dir: PathBuf,
    /// How many were started so far: none has the name of another.
    started: u32,
    members: Vec<Member>,
}

struct Member {
    name: String,
    child: Child,
}

impl Fleet {
    /// Nobody yet, for the album in this directory.
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), started: 0, members: Vec::new() }
    }

    /// Starts one more, and says what it is called.
    pub(crate) fn join(&mut self) -> io::Result<String> {
        let name = format!("worker-{}", self.started + 1);
        let child = Command::new(std::env::current_exe()?)
            .arg("work")
            .arg("--dir")
            .arg(&self.dir)
            .args(["--name", &name])
            .stdin(Stdio::piped()) // it learns by this that we are gone, should we be killed ourselves
            .stdout(Stdio::null())
            .spawn()?;
        self.started += 1;
        self.members.push(Member { name: name.clone(), child });
        Ok(name)
    }

    /// `kill -9`: it has no time to say anything.
    pub(crate) fn kill(&mut self, name: &str) -> io::Result<()> {
        let Some(index) = self.members.iter().position(|member| member.name == name) else {
            return Err(io::Error::other(format!("no `{name}` works here")));
        };
        drop(self.members.swap_remove(index));
        Ok(())
    }

    /// Whether all are at work; tells of one that ended and was not asked to.
    pub(crate) fn check(&mut self) -> Result<(), BoxError> {
        for Member { name, child } in &mut self.members {
            if let Some(status) = child.try_wait()? {
                return Err(format!("{name} ended by itself: {status}").into());
            }
        }
        Ok(())
    }

    /// `kill -TERM`: each finishes what it has, and ends.
    pub(crate) async fn stop(&mut self) -> Result<(), BoxError> {
        for member in &self.members {
            kill_process(Pid::from_child(&member.child), Signal::TERM)?;
        }
        let end = Instant::now() + PATIENCE;
        for Member { name, child } in &mut self.members {
            let status = loop {
                match child.try_wait()? {
                    Some(status) => break status,
                    None if Instant::now() >= end => {
                        return Err(format!("{name} does not end").into());
                    }
                    None => sleep(Duration::from_millis(5)).await,
                }
            };
            if !status.success() {
                return Err(format!("{name} was to end in peace: {status}").into());
            }
        }
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It has ended already where it was asked to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
