//! The logarithm against its slow and obvious form, and against the platform's.

use super::*;

/// -log2 u, to 2^-60.
fn slow(score: u64) -> i128 {
    let u = score + 1;
    let zeros = u.leading_zeros();
    let whole = i128::from(zeros + 1) << Q;
    whole - i128::from(log2_by_squares(u << zeros))
}

/// Numbers of all sizes, and those beside a power of two.
fn scores() -> impl Iterator<Item = u64> {
    let random = (0..200_000_u64).map(seawall_core::mix).map(|x| x >> (x % 61));
    let high = (0..200_000_u64).map(seawall_core::mix).map(|x| !(x >> (x % 61)));
    let edges = (1..64).flat_map(|bits| [(1_u64 << bits) - 2, (1 << bits) - 1, 1 << bits]);
    random.chain(high).chain(edges).filter(|&score| score != u64::MAX)
}

#[test]
fn the_error_is_below_two_to_the_minus_49() {
    for score in scores() {
        let fast = i128::from(neg_log2(score)) << (Q - PLACES);
        let error = (fast - slow(score)).abs();
        assert!(error < 1 << (Q - 49), "{score}: off by 2^{}", error.ilog2() as i32 - Q as i32);
    }
}

#[test]
fn it_is_a_logarithm() {
    for score in scores() {
        let told = neg_log2(score) as f64 / (1_u64 << PLACES) as f64;
        let known = 64.0 - (score as f64 + 1.0).log2();
        assert!((told - known).abs() < 1e-12, "{score}: {told} and {known}");
    }
    assert_eq!(neg_log2(u64::MAX), 0);
}

#[test]
fn it_is_never_below_its_bound() {
    for score in scores().chain([u64::MAX]) {
        assert!(neg_log2(score) >= at_least(score), "{score}");
    }
}

#[test]
fn its_values_are_pinned() {
    for (score, value) in PINNED {
        assert_eq!(neg_log2(score), value, "of {score:#x}");
    }
}

/// The true values are 9079256848778919936.00, 7264593553677565802.28, 3458764513820351831.08,
/// 1126084545955828430.57, 926122988537751.98 and 0.01.
const PINNED: [(u64, u64); 6] = [
    (1, 9_079_256_848_778_919_816),
    (12_345, 7_264_593_553_677_565_800),
    (1 << 40, 3_458_764_513_820_351_711),
    (0x0123_4567_89AB_CDEF, 1_126_084_545_955_828_431),
    (0xFEDC_BA98_7654_3210, 926_122_988_537_752),
    (u64::MAX - 1, 0),
];
