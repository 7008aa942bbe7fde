//! The directory: what was uploaded, and what was made of it.
//!
//! ```text
//!   photos.db             the queue
//!   uploads/17.jpg        as it came, on the disk before its job is
//!   parts/4.9/            what claim 9 of job 4 makes at this moment
//!   thumbs/4/9/640.jpg    what it has made, whole
//! ```
//!
//! A photo's thumbnails appear together, by one rename of a directory that bears the claim's **token**. So a
//! worker that was thought dead writes beside its successor and never over it; who reads takes the highest
//! token. What a killed worker had begun stays among the parts, where nobody reads.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use seawall_queue::job::{JobId, Lease};
use serde::{Deserialize, Serialize};

/// How wide the thumbnails are, the widest first: each is made of the one before.
pub(crate) const WIDTHS: [u32; 3] = [640, 320, 160];

/// What a job carries: where the photo is, and not the photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Photo {
    /// Its name among the uploads.
    pub(crate) file: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Album(PathBuf);

impl Album {
    /// The album in a directory, which is made ready.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        for part in ["uploads", "parts", "thumbs"] {
            fs::create_dir_all(dir.join(part))?;
        }
        Ok(Self(dir.to_owned()))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0
    }

    /// Keeps what came, so that it is there after a power cut, as its job is.
    pub(crate) fn keep(&self, photo: &Photo, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(self.upload(photo))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// It was not accepted.
    pub(crate) fn forget(&self, photo: &Photo) -> io::Result<()> {
        fs::remove_file(self.upload(photo))
    }

    pub(crate) fn upload(&self, photo: &Photo) -> PathBuf {
        self.0.join("uploads").join(&photo.file)
    }

    /// Begins what a claim makes of its photo.
    pub(crate) fn begin(&self, Lease { id, token }: Lease) -> io::Result<Part<'_>> {
        let dir = self.0.join("parts").join(format!("{id}.{token}"));
        fs::create_dir(&dir)?;
        Ok(Part { album: self, lease: Lease { id, token }, dir })
    }

    /// What was made of a job's photo, the oldest claim's first.
    pub(crate) fn made(&self, id: JobId) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(self.0.join("thumbs").join(id.to_string())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut made = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Some(token) =
                entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok())
            {
                made.push((token, entry.path()));
            }
        }
        made.sort_unstable();
        Ok(made.into_iter().map(|(_, path)| path).collect())
    }

    /// How many directories were begun and not finished.
    pub(crate) fn parts(&self) -> io::Result<usize> {
        Ok(fs::read_dir(self.0.join("parts"))?.count())
    }
}

/// What a claim has begun: removed again unless it is finished.
pub(crate) struct Part<'a> {
    album: &'a Album,
    lease: Lease,
    dir: PathBuf,
}

impl Part<'_> {
    pub(crate) fn path(&self, width: u32) -> PathBuf {
        thumbnail(&self.dir, width)
    }

    /// All of it is there, at one moment.
    pub(crate) fn finish(self) -> io::Result<()> {
        let Lease { id, token } = self.lease;
        let place = self.album.0.join("thumbs").join(id.to_string());
        fs::create_dir_all(&place)?;
        fs::rename(&self.dir, place.join(token.to_string()))
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir); // not there any more, where it was finished
    }
}

/// A thumbnail among those that a claim has made.
pub(crate) fn thumbnail(made: &Path, width: u32) -> PathBuf {
    made.join(format!("{width}.jpg"))
}

#[cfg(test)]
mod tests {
    use seawall_queue::job::Token;

    use super::*;

    const fn lease(token: u64) -> Lease {
        Lease { id: JobId(4), token: Token(token) }
    }

    #[test]
    fn who_was_thought_dead_overwrites_nothing() {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");
        let write =
            |part: &Part<'_>, words| fs::write(part.path(640), words).expect("it is writable");

        let late = album.begin(lease(9)).expect("nobody else has this token");
        write(&late, "late");
        let successor = album.begin(lease(10)).expect("nobody else has this token");
        write(&successor, "right");
        successor.finish().expect("its place is free");
        late.finish().expect("so is this one");

        let made = album.made(JobId(4)).expect("it is readable");
        let newest = made.last().expect("two were made");
        assert_eq!(made.len(), 2);
        assert_eq!(fs::read(thumbnail(newest, 640)).expect("it is there"), b"right");
    }

    #[test]
    fn what_is_not_finished_is_not_there_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");

        let part = album.begin(lease(9)).expect("nobody else has this token");
        fs::write(part.path(640), "half").expect("it is writable");
        assert_eq!(album.parts().expect("it is readable"), 1);
        drop(part);

        assert_eq!(album.parts().expect("it is readable"), 0);
        assert!(album.made(JobId(4)).expect("it is readable").is_empty());
    }
}
