//! What is found in the end: every thumbnail of every accepted photo is decoded and measured.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    num::NonZero,
    path::Path,
    thread::available_parallelism,
};

use image::ImageFormat;
use seawall_core::BoxError;
use seawall_queue::{
    Queue,
    job::{JobId, State},
};
use tokio::task::{JoinSet, spawn_blocking};

use crate::{
    album::{Album, Photo, WIDTHS, thumbnail},
    thumbs::size,
    uploader::Accepted,
};

#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) accepted: usize,
    /// Those whose job is not done, or of which a thumbnail is missing or wrong.
    pub(crate) lost: Vec<JobId>,
    /// Those that a second worker had, as no word came from the first.
    pub(crate) again: BTreeSet<JobId>,
    /// Those of which two claims have made thumbnails: the first was killed after it was done, and before it
    /// could say so.
    pub(crate) twice: usize,
    /// What was begun, and never read by anybody.
    pub(crate) halves: usize,
    /// How many photos each worker has done.
    pub(crate) by: BTreeMap<String, usize>,
}

impl Verdict {
    pub(crate) async fn over(
        queue: &Queue<Photo>,
        album: &Album,
        accepted: &[Accepted],
    ) -> Result<Self, BoxError> {
        let mut verdict =
            Self { accepted: accepted.len(), halves: album.parts()?, ..Self::default() };
        let mut is_done = BTreeSet::new();
        for &Accepted { id, .. } in accepted {
            let Some(job) = queue.job(id).await? else { continue };
            if job.state == State::Done {
                is_done.insert(id);
                let worker = job.worker.map_or_else(String::new, |name| name.to_string());
                *verdict.by.entry(worker).or_default() += 1;
            }
            if job.counts.crashes > 0 {
                verdict.again.insert(id);
            }
        }
        let share = accepted.len().div_ceil(available_parallelism().map_or(1, NonZero::get)).max(1);
        let mut looking = JoinSet::new();
        for some in accepted.chunks(share) {
            let (album, some) = (album.clone(), some.to_vec());
            looking.spawn(async move { spawn_blocking(move || look(&album, &some)).await });
        }
        while let Some(looked) = looking.join_next().await {
            for (id, made) in looked??? {
                verdict.twice += usize::from(made.claims > 1);
                if !made.is_whole || !is_done.contains(&id) {
                    verdict.lost.push(id);
                }
            }
        }
        verdict.lost.sort_unstable();
        Ok(verdict)
    }
}

/// What there is of a photo.
struct Made {
    /// How many claims have made thumbnails.
    claims: usize,
    /// Whether all of the last one are right.
    is_whole: bool,
}

fn look(album: &Album, photos: &[Accepted]) -> io::Result<Vec<(JobId, Made)>> {
    let look = |photo: &Accepted| {
        let made = album.made(photo.id)?;
        let is_right = |width| {
            let file = made.last().map(|made| thumbnail(made, width));
            file.and_then(|file| whole(&file)) == Some(size(photo.size, width))
        };
        let is_whole = WIDTHS.into_iter().all(is_right);
        Ok((photo.id, Made { claims: made.len(), is_whole }))
    };
    photos.iter().map(look).collect()
}

/// How large a picture is, if it is whole. A decoder makes do with half of it, so its end is looked for, too.
fn whole(file: &Path) -> Option<(u32, u32)> {
    const END: &[u8] = b"\xff\xd9";
    let jpeg = fs::read(file).ok()?;
    let picture = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg).ok()?;
    jpeg.ends_with(END).then(|| (picture.width(), picture.height()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_queue::{Claim, job};

    use super::*;
    use crate::{picture::Picture, thumbs::develop};

    /// Two photos that were accepted; the first is developed, and settled as such.
    async fn half_way() -> (Queue<Photo>, Album, Vec<Accepted>, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");
        let queue = Queue::memory("photos").build().expect("the defaults can be");
        let picture = Picture::new(3, 200).expect("it can be encoded");
        let mut accepted = Vec::new();
        for number in 1..=2 {
            let photo = Photo { file: format!("{number}.jpg") };
            album.keep(&photo, &picture.jpeg).expect("it is writable");
            let id = queue.push(photo).await.expect("there is room");
            accepted.push(Accepted { id, size: picture.size });
        }
        one(&queue, &album).await;
        (queue, album, accepted, dir)
    }

    async fn one(queue: &Queue<Photo>, album: &Album) {
        let claim = Claim::new(1, Duration::from_secs(30));
        let job: seawall_queue::Job<_> =
            queue.claim(claim).await.expect("it is in memory").remove(0).into();
        let verdict = develop(album, &job).expect("the disk does not fail");
        assert_eq!(verdict, job::Verdict::DONE);
        queue.settle_one(job.lease(), verdict).await.expect("it is in memory");
    }

    #[tokio::test]
    async fn a_photo_that_nobody_has_done_is_lost() {
        let (queue, album, accepted, _dir) = half_way().await;

        let verdict = Verdict::over(&queue, &album, &accepted).await.expect("it is readable");
        assert_eq!(verdict.lost, [accepted[1].id]);

        one(&queue, &album).await;
        let verdict = Verdict::over(&queue, &album, &accepted).await.expect("it is readable");
        assert!(verdict.lost.is_empty() && verdict.again.is_empty(), "{verdict:?}");
    }

    #[tokio::test]
    async fn a_photo_is_lost_with_any_thumbnail_of_the_last_claim_that_is_cut_or_another_size() {
        let (queue, album, accepted, _dir) = half_way().await;
        let accepted = &accepted[..1];
        let made = album.made(accepted[0].id).expect("it is readable").remove(0);
        let file = thumbnail(&made, 160);
        let right = fs::read(&file).expect("it was made");
        let other = fs::read(thumbnail(&made, 640)).expect("it was made");

        for wrong in [&right[..right.len() / 2], &other] {
            fs::write(&file, wrong).expect("it is writable");
            let verdict = Verdict::over(&queue, &album, accepted).await.expect("it is readable");
            assert_eq!(verdict.lost, [accepted[0].id], "{} bytes", wrong.len());
        }

        fs::write(&file, &right).expect("it is writable");
        let verdict = Verdict::over(&queue, &album, accepted).await.expect("it is readable");
        assert!(verdict.lost.is_empty(), "{verdict:?}");
    }
}
