//! A contact sheet: the smallest thumbnails side by side, with a frame around those that a killed worker had.

use std::{collections::BTreeSet, path::Path};

use image::{
    ImageFormat, Rgb, RgbImage,
    imageops::{FilterType, overlay},
};
use seawall_core::BoxError;
use seawall_queue::job::JobId;

use crate::{
    album::{Album, thumbnail},
    uploader::Accepted,
};

const CELL: (u32, u32) = (120, 90);
const GAP: u32 = 6;
const COLUMNS: u32 = 12;

/// More would be no sheet to look at.
const MOST: usize = 120;

const PAPER: Rgb<u8> = Rgb([24, 26, 30]);
const FRAME: Rgb<u8> = Rgb([255, 64, 48]);

/// Writes the sheet of these photos.
pub(crate) fn write(
    out: &Path,
    album: &Album,
    photos: &[Accepted],
    framed: &BTreeSet<JobId>,
) -> Result<(), BoxError> {
    let photos = &photos[..photos.len().min(MOST)];
    let rows = (photos.len() as u32).div_ceil(COLUMNS);
    let pitch = (CELL.0 + GAP, CELL.1 + GAP);
    let mut sheet = RgbImage::from_pixel(COLUMNS * pitch.0 + GAP, rows * pitch.1 + GAP, PAPER);
    for (index, photo) in (0..).zip(photos) {
        let (x, y) = (index % COLUMNS * pitch.0 + GAP, index / COLUMNS * pitch.1 + GAP);
        if framed.contains(&photo.id) {
            let frame = RgbImage::from_pixel(CELL.0 + GAP, CELL.1 + GAP, FRAME);
            overlay(&mut sheet, &frame, (x - GAP / 2).into(), (y - GAP / 2).into());
        }
        let Some(made) = album.made(photo.id)?.pop() else { continue }; // lost: a gap in the sheet
        let thumb = image::open(thumbnail(&made, 160))?;
        let thumb = thumb.resize_to_fill(CELL.0, CELL.1, FilterType::Triangle).into_rgb8();
        overlay(&mut sheet, &thumb, x.into(), y.into());
    }
    Ok(sheet.save_with_format(out, ImageFormat::Jpeg)?)
}
