//! Child processes of a test: started, listened to, and killed in the middle of what they do.
//!
//! A child is this binary once more, told to run one test that is none. What it says is what its parent can
//! know of it: a line is written whole or not at all, and each thing is said after it happened.

use std::{
    env, fmt,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use seawall_queue::sqlite::rusqlite::Connection;

/// What a child is, and where its file is.
const ROLE: &str = "SEAWALL_CRASH_ROLE";
const FILE: &str = "SEAWALL_CRASH_FILE";

/// How often each is killed: a few times, or as the long form of these tests asks for.
pub(super) fn rounds() -> u64 {
    match env::var("SEAWALL_CRASH_ROUNDS") {
        Ok(rounds) => rounds.parse().expect("`SEAWALL_CRASH_ROUNDS` is a number"),
        Err(_) => 3,
    }
}

/// What this process is to do, and on which file, where it is somebody's child.
pub(super) fn role() -> Option<(String, PathBuf)> {
    Some((env::var(ROLE).ok()?, env::var(FILE).ok()?.into()))
}

/// Before what a child says: all else is of the harness.
const MARK: &str = "> ";

/// What a child says, to whoever may kill it for that.
pub(super) fn say(what: fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{what}").and_then(|()| out.flush()).expect("somebody reads");
}

/// A child that lives.
pub(super) struct Life {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Life {
    /// Starts this binary once more, as the test `sqlite::{test}`.
    pub(super) fn start(test: &str, role: &str, path: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            // With one thread, the harness would begin a line of its own.
            .args(["--exact", &format!("sqlite::{test}"), "--nocapture", "--test-threads=2"])
            .env(ROLE, role)
            .env(FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn said(&mut self) -> impl Iterator<Item = String> {
        let lines = self.lines.by_ref().map_while(Result::ok);
        lines.filter_map(|line| line.strip_prefix(MARK).map(str::to_owned))
    }

    /// Lets it say so many lines, and kills it; all that it said.
    pub(super) fn killed_after(mut self, lines: u64) -> Vec<String> {
        let mut heard: Vec<_> = self.said().take(lines as usize).collect();
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), None, "it lived until it was killed: {status}");
        heard.extend(self.said()); // what it had said when it was killed
        heard
    }

    /// Tells it to end, by closing what it reads.
    pub(super) fn send_home(&mut self) {
        drop(self.child.stdin.take());
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Listens until it has ended well.
    pub(super) fn listen(mut self) -> Vec<String> {
        let heard = self.said().collect();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        heard
    }
}

/// Whether all is where its row says, and the totals are those of the rows.
pub(super) fn is_whole(path: &Path) {
    let mut file = Connection::open(path).unwrap();
    let file = file.transaction().unwrap(); // one moment, if others write
    let text = |sql: &str| -> String { file.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    let total = "SELECT concat_ws(' ', scheduled, ready, held_up, leased, done, cancelled, dead)
        FROM seawall_queue";
    let counted =
        "SELECT concat_ws(' ', sum(phase = 0), sum(phase = 1), sum(phase = 2), sum(phase = 3),
        sum(phase = 4), sum(phase = 5), sum(phase = 6)) FROM
        (SELECT phase FROM seawall_jobs UNION ALL SELECT 9)";
    assert_eq!(text(total), text(counted));
}
