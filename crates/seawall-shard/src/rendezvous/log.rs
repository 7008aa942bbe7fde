//! A logarithm in integers, which is the same on every platform.
//!
//! What `f64::ln` returns in its last bits is left to each platform's library, and a placement that rests on
//! it differs between two machines for a few keys. Here are shifts, multiplications and a table that the
//! compiler computes, by multiplications.
//!
//! # How it is done
//!
//! With u = (score + 1) / 2^64, from just above 0 to 1, and u = y / 2^e with y from 1 to 2, the result is
//! e - log2 y. The 7 bits after the leading one choose a c near 1 / y, of which the table knows the
//! logarithm; what is left, y c = 1 + r with |r| below 2^-8, goes through five terms of the series of
//! log2 (1 + r).
//!
//! # How exact it is
//!
//! To 2^-49 of the true value, as measured against the table's own way, which squares its way from bit to
//! bit; most of it is the series' sixth term. Relative to one of 16 000 nodes' winning scores, which are near
//! 2^-14, that is 2^-35: no share of keys is off by more than a thirty-billionth.

/// How many binary places a result has.
pub(crate) const PLACES: u32 = 57;

/// -log2((score + 1) / 2^64), with [`PLACES`] binary places: from 0 to 64, and never below 1 - u.
///
/// That it is never below follows from the concave logarithm; a last comparison keeps it so where both are
/// next to nothing. It lets a caller tell most scores from better ones without a logarithm.
pub(crate) fn neg_log2(score: u64) -> u64 {
    let Some(u) = score.checked_add(1) else { return 0 };
    let zeros = u.leading_zeros();
    let log = i64_log2(u << zeros) >> (Q - PLACES); // from 0 to 1, of y
    let whole = u64::from(zeros + 1) << PLACES;
    (whole - log as u64).max(at_least(score))
}

/// 1 - u, with [`PLACES`] binary places: never above [`neg_log2`].
#[inline]
pub(crate) const fn at_least(score: u64) -> u64 {
    !score >> (u64::BITS - PLACES)
}

/// Numbers with 62 binary places, from -2 to 2.
const Q: u32 = 62;
const ONE: i64 = 1 << Q;
/// log2 e.
const LOG2_E: i64 = 0x5C55_1D94_AE0B_F85E;

#[inline]
const fn times(a: i64, b: i64) -> i64 {
    ((a as i128 * b as i128) >> Q) as i64
}

/// log2(y), with y = bits / 2^63 from 1 to 2.
fn i64_log2(bits: u64) -> i64 {
    let entry = &TABLE[(bits >> 56) as usize & (TABLE.len() - 1)];
    // y c with 63 places, without the one; then with 62.
    let product = (u128::from(bits) * u128::from(entry.inverse)) >> 64;
    let r = (product as u64).wrapping_sub(1 << 63) as i64 >> 1;
    let mut series = ONE / 5;
    series = ONE / 4 - times(r, series);
    series = ONE / 3 - times(r, series);
    series = ONE / 2 - times(r, series);
    series = ONE - times(r, series);
    (entry.log + times(times(r, series), LOG2_E)).clamp(0, ONE)
}

/// A c near 1 / y, and -log2 c.
struct Entry {
    /// c, with 64 places.
    inverse: u64,
    /// With 62 places.
    log: i64,
}

static TABLE: [Entry; 128] = {
    let mut table = [const { Entry { inverse: 0, log: 0 } }; 128];
    let mut at = 0;
    while at < table.len() {
        // The middle of the at-th of 128 parts between 1 and 2 is (257 + 2 at) / 256.
        let inverse = ((256_u128 << 64) / (257 + 2 * at as u128)) as u64;
        table[at] = Entry { inverse, log: ONE - log2_by_squares(inverse) };
        at += 1;
    }
    table
};

/// log2(bits / 2^63), bit by bit: y squared is at least 2 where the next bit of its logarithm is 1.
///
/// Each square is cut off at 2^-63, half as much of which reaches the result as of the one before: the
/// result is below the true value, by less than 2^-60.
const fn log2_by_squares(bits: u64) -> i64 {
    let mut y = bits as u128;
    let mut log = 0;
    let mut place = 1;
    while place <= Q {
        y = (y * y) >> 63;
        if y >> 64 != 0 {
            y >>= 1;
            log |= 1 << (Q - place);
        }
        place += 1;
    }
    log
}

#[cfg(all(test, not(seawall_loom)))]
#[path = "../tests/log.rs"]
mod tests;
