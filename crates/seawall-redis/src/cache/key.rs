//! A key of a cache as text, and back.

use std::{borrow::Cow, sync::Arc};

/// A key of a cache that has a text by which other machines know it.
///
/// Two keys have one text only if they are one, and a text is read back as the key that wrote it: what
/// another instance says of a key travels as its text.
///
/// # Examples
///
/// How do I use a key of my own?
///
/// ```
/// # use seawall_redis::cache::CacheKey;
/// #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// struct Seat {
///     hall: u32,
///     number: u32,
/// }
///
/// impl CacheKey for Seat {
///     fn write(&self, into: &mut String) {
///         *into += &format!("{}-{}", self.hall, self.number);
///     }
///
///     fn read(text: &str) -> Option<Self> {
///         let (hall, number) = text.split_once('-')?;
///         Some(Self { hall: hall.parse().ok()?, number: number.parse().ok()? })
///     }
/// }
/// # assert_eq!(Seat::read("3-14"), Some(Seat { hall: 3, number: 14 }));
/// ```
pub trait CacheKey: Sized + Send + Sync + 'static {
    /// Adds its text to `into`.
    fn write(&self, into: &mut String);

    /// The key that has this text; `None` where there is none.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! texts {
    ($($text:ty)*) => {$(
        impl CacheKey for $text {
            fn write(&self, into: &mut String) {
                into.push_str(self);
            }

            fn read(text: &str) -> Option<Self> {
                Some(text.to_owned().into())
            }
        }
    )*};
}

texts! { String Box<str> Arc<str> Cow<'static, str> }

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl CacheKey for $number {
            fn write(&self, into: &mut String) {
                into.push_str(&self.to_string());
            }

            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
