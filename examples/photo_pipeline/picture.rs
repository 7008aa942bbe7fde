//! Photos that nobody took: a sky, a sun, three ridges and some grain, by their seed.
//!
//! They are real in what matters here: a decoder has work with them, and each is another one.

use std::io::Cursor;

use axum::body::Bytes;
use fastrand::Rng;
use image::{DynamicImage, ImageError, ImageFormat, Rgb, RgbImage};

/// Width over height, of landscapes and of one that was held upright.
const SHAPES: [(u32, u32); 4] = [(3, 2), (4, 3), (16, 9), (3, 4)];

const RIDGES: usize = 3;

type Colour = [f32; 3];

/// A picture of the pool.
#[derive(Clone)]
pub(crate) struct Picture {
    pub(crate) jpeg: Bytes,
    pub(crate) size: (u32, u32),
}

impl Picture {
    /// The picture of a seed, `width` wide.
    pub(crate) fn new(seed: u64, width: u32) -> Result<Self, ImageError> {
        let picture = paint(&mut Rng::with_seed(seed), width);
        let size = picture.dimensions();
        let mut jpeg = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut jpeg, ImageFormat::Jpeg)?;
        Ok(Self { jpeg: jpeg.into_inner().into(), size })
    }
}

fn paint(rng: &mut Rng, width: u32) -> RgbImage {
    let (wide, high) = SHAPES[rng.usize(..SHAPES.len())];
    let height = width * high / wide;
    let scale = width.min(height) as f32;

    let hue = rng.f32();
    let (top, bottom) = (colour(hue, 0.55), colour(hue + 0.08, 0.95));
    let (sun_x, sun_y) = (rng.f32() * width as f32, (0.15 + 0.3 * rng.f32()) * height as f32);
    let sun_size = (0.05 + 0.06 * rng.f32()) * scale;
    let ridges: Vec<_> = (0..RIDGES).map(|index| ridge(rng, index, width, height)).collect();
    let earth: Vec<_> = (0..RIDGES)
        .map(|index| mixed(bottom, colour(hue + 0.45, 0.25), (index + 1) as f32 / RIDGES as f32))
        .collect();

    RgbImage::from_fn(width, height, |x, y| {
        // The nearest ridge that is as high as this covers those behind it.
        let covered = (0..RIDGES).rev().find(|&index| y as f32 >= ridges[index][x as usize]);
        let colour = if let Some(index) = covered {
            earth[index]
        } else {
            let sky = mixed(top, bottom, y as f32 / height as f32);
            let away = (x as f32 - sun_x).hypot(y as f32 - sun_y) / sun_size;
            mixed([1.0, 0.97, 0.85], sky, ((away - 0.9) / 0.6).clamp(0.0, 1.0))
        };
        let grain = (rng.f32() - 0.5) * 0.05;
        Rgb(colour.map(|part| ((part + grain).clamp(0.0, 1.0) * 255.0) as u8))
    })
}

/// How far from the top a ridge begins, in each column.
fn ridge(rng: &mut Rng, index: usize, width: u32, height: u32) -> Vec<f32> {
    let base = 0.5 + 0.17 * index as f32;
    let waves: Vec<_> = (1..=4)
        .map(|octave| {
            (octave as f32 * (1.5 + 3.0 * rng.f32()), rng.f32() * 6.3, 0.09 / octave as f32)
        })
        .collect();
    let column = |x: u32| {
        let along = x as f32 / width as f32;
        let rise: f32 =
            waves.iter().map(|&(pace, from, by)| (along * pace + from).sin() * by).sum();
        (base + rise) * height as f32
    };
    (0..width).map(column).collect()
}

/// A soft colour of this hue, of which 1 is once around.
fn colour(hue: f32, light: f32) -> Colour {
    [0.0, 0.33, 0.67].map(|third: f32| {
        let wave = ((hue + third) * std::f32::consts::TAU).cos();
        light * (0.75 + 0.25 * wave)
    })
}

fn mixed(from: Colour, to: Colour, share: f32) -> Colour {
    std::array::from_fn(|part| from[part] + (to[part] - from[part]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_one_of_its_seed() {
        let jpeg = |seed| Picture::new(seed, 200).expect("it can be encoded").jpeg;

        assert_eq!(jpeg(1), jpeg(1));
        assert_ne!(jpeg(1), jpeg(2));
    }

    #[test]
    fn a_picture_can_be_decoded_and_has_its_size() {
        let picture = Picture::new(5, 200).expect("it can be encoded");

        let decoded = image::load_from_memory(&picture.jpeg).expect("it is a JPEG");

        assert_eq!((decoded.width(), decoded.height()), picture.size);
        assert_eq!(picture.size.0, 200);
    }
}
