//! Numbered buckets of which only the last can go: vectors of the originals, and what moves.

use crate::fleet_support::{SplitMix, count, hashes, spread};
use proptest::prelude::*;
use seawall_shard::fleet::{Jump, JumpBack};
use xxhash_rust::xxh3::xxh3_64;

fn jump(key: u64, buckets: u32) -> u32 {
    Jump::new(buckets).expect("buckets").lookup(key)
}

fn back(key: u64, buckets: u32) -> u32 {
    JumpBack::new(buckets).expect("buckets").lookup(key)
}

/// Made by the paper's code, as found in the tests of go-jump (dgryski) and of Guava.
#[test]
fn jump_answers_as_the_papers_code() {
    let one = [0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 17, 17];
    let beef = [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16];
    let food = [0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 15, 15, 15, 15];
    for (key, buckets) in
        [(1, one), (0xdead_beef, beef), (0x0ddc_0ffe_ebad_f00d, food), (0, [0; 19])]
    {
        for (at, bucket) in buckets.into_iter().enumerate() {
            assert_eq!(jump(key, at as u32 + 1), bucket, "of {key:#x}, {} buckets", at + 1);
        }
    }

    let hundred = [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83];
    for (key, bucket) in hundred.into_iter().enumerate() {
        assert_eq!(jump(key as u64, 100), bucket, "of {key}");
    }

    for (key, buckets, bucket) in [
        (10_863_919_174_838_991, 11, 6),
        (2_016_238_256_797_177_309, 11, 3),
        (1_673_758_223_894_951_030, 11, 5),
        (2, 100_001, 80_343),
        (2_201, 100_001, 22_152),
        (2_202, 100_001, 15_018),
        (u64::MAX, 1_024, 313),
        (u64::MAX, i32::MAX as u32, 699_554_662),
    ] {
        assert_eq!(jump(key, buckets), bucket, "of {key}, {buckets} buckets");
    }
}

/// The README of hash4j, and what its code answers for small keys.
#[test]
fn jump_back_answers_as_hash4j() {
    let readme = [0x7f74_87ee_708c_8a96, 0x6265_648f_bc79_7f25, 0x85ef_23a0_b545_d53b];
    assert_eq!(readme.map(|key| back(key, 2)), [1, 0, 0]);
    assert_eq!(readme.map(|key| back(key, 3)), [1, 0, 2]);

    let two = [0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0];
    let three = [0, 1, 0, 1, 0, 2, 1, 1, 2, 2, 0, 0, 2, 0, 2, 0, 2, 1, 2, 2];
    let seven = [4, 5, 0, 1, 0, 6, 1, 3, 6, 2, 6, 0, 4, 0, 2, 3, 3, 3, 2, 4];
    let hundred = [25, 33, 30, 13, 50, 90, 64, 55, 6, 30, 74, 93, 87, 94, 52, 3, 92, 16, 80, 36];
    let thousand = [
        313, 492, 990, 484, 370, 90, 256, 55, 944, 766, 446, 253, 131, 439, 52, 775, 135, 227, 562,
        324,
    ];
    for (buckets, expected) in
        [(1, [0; 20]), (2, two), (3, three), (7, seven), (100, hundred), (1_000, thousand)]
    {
        for (key, bucket) in expected.into_iter().enumerate() {
            assert_eq!(back(key as u64, buckets), bucket, "of {key}, {buckets} buckets");
        }
    }

    let all = [
        454_938_031,
        285_879_788,
        211_244_750,
        1_526_829_037,
        242_475_890,
        1_661_156_108,
        493_135_321,
        600_564_196,
        1_872_049_718,
        514_806_526,
    ];
    for (key, bucket) in all.into_iter().enumerate() {
        assert_eq!(back(key as u64, i32::MAX as u32), bucket, "of {key}");
    }
}

/// The million of keys and counts that hash4j's own test draws from Java's `SplittableRandom`.
///
/// It compares them by their Komihash, `23d7a0d288cd67e7`. The same bytes had that checksum here when this
/// test was written; their XXH3, which needs no further dependency, has stood for it since.
#[test]
fn jump_back_answers_as_hash4j_for_a_million_keys_and_counts() {
    let mut random = SplitMix(0x0a55_871a_9d91_03b7);
    let mut bytes = Vec::with_capacity(4_000_000);
    for _ in 0..1_000_000 {
        let (count, shift) = (next_int(&mut random), next_int(&mut random));
        let buckets = ((count >> 1) >> (shift & 31)).max(1);
        bytes.extend(back(random.next_u64(), buckets).to_le_bytes());
    }

    assert_eq!(xxh3_64(&bytes), 0xbcc2_3850_2ab8_2be4);
}

/// `SplittableRandom.nextInt`.
fn next_int(random: &mut SplitMix) -> u32 {
    let word = random.step();
    let word = (word ^ (word >> 33)).wrapping_mul(0x62a9_d9ed_7997_05f5);
    ((word ^ (word >> 28)).wrapping_mul(0xcb24_d0a5_c88c_35b3) >> 32) as u32
}

#[test]
fn keys_spread_evenly() {
    for (buckets, most, least) in [(10_u32, 1.016, 0.984), (100, 1.05, 0.95), (1_000, 1.16, 0.84)] {
        let jump = Jump::new(buckets).expect("buckets");
        let back = JumpBack::new(buckets).expect("buckets");
        let by_jump =
            count(buckets as usize, hashes(1_000_000).map(|key| jump.lookup(key) as usize));
        let by_back =
            count(buckets as usize, hashes(1_000_000).map(|key| back.lookup(key) as usize));

        for (largest, smallest) in [spread(&by_jump), spread(&by_back)] {
            assert!(largest <= most && smallest >= least, "{buckets}: {largest}, {smallest}");
        }
    }
}

#[test]
fn one_more_bucket_moves_its_share() {
    for buckets in [1_u32, 2, 10, 100, 1_000] {
        let keys = 200_000;
        let slack = 5.0 * (1.0 / (f64::from(buckets + 1) * keys as f64)).sqrt();
        let share = 1.0 / f64::from(buckets + 1);

        let jumped =
            hashes(keys).filter(|key| jump(*key, buckets) != jump(*key, buckets + 1)).count();
        let backed =
            hashes(keys).filter(|key| back(*key, buckets) != back(*key, buckets + 1)).count();

        for moved in [jumped, backed] {
            let moved = moved as f64 / keys as f64;
            assert!((moved - share).abs() <= slack, "{buckets}: {moved}");
        }
    }
}

proptest! {
    #[test]
    fn a_key_stays_or_moves_to_the_new_bucket(key: u64, buckets in 1_u32..i32::MAX as u32) {
        for (before, after) in
            [(jump(key, buckets), jump(key, buckets + 1)), (back(key, buckets), back(key, buckets + 1))]
        {
            prop_assert!(before < buckets);
            prop_assert!(after == before || after == buckets);
        }
    }

    #[test]
    fn a_bucket_is_a_keys_own_down_to_its_own_number(key: u64, buckets in 1_u32..=i32::MAX as u32) {
        let bucket = jump(key, buckets);
        prop_assert_eq!(jump(key, bucket + 1), bucket);
        let bucket = back(key, buckets);
        prop_assert_eq!(back(key, bucket + 1), bucket);
    }
}
