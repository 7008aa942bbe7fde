//! How the table is filled: turn by turn, with sixteen bytes and a share to remember for each node.

use seawall_core::ConfigError;

/// The largest table that Envoy allows.
const MOST: u32 = 5_000_011;

/// A place that nobody has taken; there are fewer nodes than that.
const FREE: u16 = u16::MAX;

/// A node that takes turns.
pub(super) struct Turn {
    /// The place that it looks at next.
    pub(super) at: u32,
    /// How far it goes when that is taken: at least 1, and less than the table's size.
    pub(super) step: u32,
    /// The node's share of all weights.
    pub(super) share: f64,
    /// Which node that is.
    pub(super) node: u16,
}

/// Whether a table may have this size, for so many nodes.
pub(super) fn check(size: u32, nodes: usize) -> Result<(), ConfigError> {
    if size > MOST || !is_prime(size) {
        return Err(ConfigError::new("table", size, "a prime number, and at most 5000011"));
    }
    if nodes > size as usize {
        let rule = format!("at most {size}, the size of the table");
        return Err(ConfigError::new("nodes", nodes, rule));
    }
    Ok(())
}

/// Fills a table of `size` places.
///
/// A node whose share is a third of the largest takes one turn in three. The comparisons are those of
/// Envoy, in floating point and with its roundings.
pub(super) fn fill(mut turns: Vec<Turn>, size: u32) -> Box<[u16]> {
    let largest = turns.iter().map(|turn| turn.share).fold(0.0, f64::max);
    let mut due = vec![0.0; turns.len()];
    let mut table = vec![FREE; size as usize];
    let mut free = size;
    for round in 1_u32.. {
        for (turn, due) in turns.iter_mut().zip(&mut due) {
            if free == 0 {
                return table.into();
            }
            if f64::from(round) * turn.share < *due {
                continue;
            }
            *due += largest;
            while table[turn.at as usize] != FREE {
                turn.advance(size);
            }
            table[turn.at as usize] = turn.node;
            turn.advance(size);
            free -= 1;
        }
    }
    table.into()
}

impl Turn {
    /// To the next place of the walk: `offset + step * n` modulo `size`, with neither product nor division.
    fn advance(&mut self, size: u32) {
        self.at += self.step; // both are below 2^23
        if self.at >= size {
            self.at -= size;
        }
    }
}

fn is_prime(number: u32) -> bool {
    let mut divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1 && divisors.all(|divisor| !number.is_multiple_of(divisor))
}
