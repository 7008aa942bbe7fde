//! What is done with a photo: three thumbnails of it, together or not at all.

use image::{DynamicImage, ImageError, ImageFormat, imageops::FilterType};
use seawall_core::BoxError;
use seawall_queue::{Job, job::Verdict, storage::Progress};

use crate::album::{Album, Photo, WIDTHS};

/// How large the thumbnail of a photo is: none is larger than its photo.
pub(crate) fn size((width, height): (u32, u32), wanted: u32) -> (u32, u32) {
    let wide = wanted.min(width);
    let high = u64::from(height) * u64::from(wide) / u64::from(width.max(1));
    (wide, (high as u32).max(1))
}

/// Reads a JPEG, and makes its thumbnails of it, the widest first. Each is given to `each` before the next.
pub(crate) fn thumbnails<E: From<ImageError>>(
    jpeg: &[u8],
    mut each: impl FnMut(u32, &DynamicImage) -> Result<(), E>,
) -> Result<(), E> {
    let mut picture = image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg)?;
    let full = (picture.width(), picture.height());
    for width in WIDTHS {
        let (wide, high) = size(full, width);
        picture = picture.resize_exact(wide, high, FilterType::Triangle);
        each(width, &picture)?;
    }
    Ok(())
}

/// A job from its beginning to its end, on a thread that may block.
///
/// The photo's name, its lease and how far it is come from the job. Should the run be stopped, this can't be
/// dropped as a future is: it asks between two thumbnails.
pub(crate) fn develop(album: &Album, job: &Job<Photo>) -> Result<Verdict, BoxError> {
    let jpeg = std::fs::read(album.upload(job.payload()))?;
    let part = album.begin(job.lease())?;
    let mut done = 0;
    let made = thumbnails(&jpeg, |width, picture| {
        if let Some(why) = job.stopped() {
            return Err(BoxError::from(format!("stopped: {why:?}")));
        }
        picture.save(part.path(width))?;
        done += 1;
        let note = format!("{width} px");
        job.progress(Progress { done, total: WIDTHS.len() as u64, note });
        Ok(())
    });
    match made {
        // No attempt will do: a dead letter at once, with its reason.
        Err(error) if is_no_photo(&error) => Ok(Verdict::refuse(error.to_string())),
        Err(error) => Err(error),
        Ok(()) => {
            part.finish()?;
            Ok(Verdict::DONE)
        }
    }
}

fn is_no_photo(error: &BoxError) -> bool {
    let error = error.downcast_ref::<ImageError>();
    matches!(error, Some(ImageError::Decoding(_) | ImageError::Unsupported(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seawall_queue::{Claim, Queue};

    use super::*;
    use crate::{album::thumbnail, picture::Picture};

    /// Runs a photo's job once, and says what became of it, with the album.
    async fn developed(jpeg: &[u8]) -> (Verdict, Album, Job<Photo>, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("there is room");
        let album = Album::open(dir.path()).expect("it is writable");
        let photo = Photo { file: "1.jpg".into() };
        album.keep(&photo, jpeg).expect("it is writable");
        let queue = Queue::memory("photos").build().expect("the defaults can be");
        queue.push(photo).await.expect("there is room");
        let claim = Claim::new(1, Duration::from_secs(30));
        let job = queue.claim(claim).await.expect("it is in memory").remove(0).into();
        let verdict = develop(&album, &job).expect("the disk does not fail");
        (verdict, album, job, dir)
    }

    #[tokio::test]
    async fn a_photo_has_its_thumbnails_in_all_widths() {
        let picture = Picture::new(3, 330).expect("it can be encoded");

        let (verdict, album, job, _dir) = developed(&picture.jpeg).await;

        assert_eq!(verdict, Verdict::DONE);
        let made = album.made(job.id()).expect("it is readable");
        for width in WIDTHS {
            let is = image::image_dimensions(thumbnail(&made[0], width)).expect("it is a JPEG");
            assert_eq!(is, size(picture.size, width));
        }
    }

    #[tokio::test]
    async fn what_is_no_photo_is_a_dead_letter_at_once_and_leaves_nothing() {
        let (verdict, album, job, _dir) = developed(b"\xff\xd8\xff and no more").await;

        assert!(matches!(verdict, Verdict::Bury { .. }), "{verdict:?}");
        assert!(album.made(job.id()).expect("it is readable").is_empty());
        assert_eq!(album.parts().expect("it is readable"), 0);
    }

    #[test]
    fn no_thumbnail_is_larger_than_its_photo() {
        assert_eq!(size((1_600, 1_066), 640), (640, 426));
        assert_eq!(size((200, 150), 640), (200, 150));
        assert_eq!(size((4_000, 1), 160), (160, 1));
    }
}
