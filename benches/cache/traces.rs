//! Requests as caches see them: few keys are asked for often, many once.

/// So many keys there are, but for those of a scan.
const UNIVERSE: u64 = 500_000;

/// How requests choose their key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trace {
    /// Zipf's law with the exponent 0.9.
    Zipf,
    /// With the exponent 1.1, and 23 of 100 requests are runs of keys that nobody asks for again.
    Scanned,
    /// With 0.9; five times in all, other keys become those that are asked for often.
    Shifting,
}

impl Trace {
    pub(crate) const ALL: [(Self, &str); 3] = [
        (Self::Zipf, "zipf 0.9"),
        (Self::Scanned, "zipf 1.1, scans"),
        (Self::Shifting, "shifting"),
    ];

    pub(crate) fn keys(self, requests: u64) -> impl Iterator<Item = u64> {
        let mut random = fastrand::Rng::with_seed(7);
        let zipf = Zipf::new(if matches!(self, Self::Scanned) { 1.1 } else { 0.9 });
        let mut scanned = UNIVERSE;
        (0..requests).map(move |nth| match self {
            Self::Zipf => zipf.rank(&mut random),
            Self::Scanned if nth % 1_000 >= 770 => {
                scanned += 1;
                scanned
            }
            Self::Scanned => zipf.rank(&mut random),
            Self::Shifting => {
                let phase = nth * 5 / requests;
                (zipf.rank(&mut random) + phase * UNIVERSE / 5) % UNIVERSE
            }
        })
    }
}

/// The sums of the weights of all ranks up to each.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(exponent: f64) -> Self {
        let weights = (1..=UNIVERSE).map(|rank| (rank as f64).powf(-exponent));
        Self(
            weights
                .scan(0.0, |sum, weight| {
                    *sum += weight;
                    Some(*sum)
                })
                .collect(),
        )
    }

    fn rank(&self, random: &mut fastrand::Rng) -> u64 {
        let at = random.f64() * self.0.last().expect("there are keys");
        self.0.partition_point(|sum| *sum <= at) as u64
    }
}
