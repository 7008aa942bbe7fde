//! What a table is made of: names and weights for Envoy's form, offsets and steps for the paper's.

use seawall_core::ConfigError;
use xxhash_rust::xxh64::xxh64;

use super::{
    Keys, Maglev, Members,
    table::{Turn, check, fill},
};

/// Settings of a [`Maglev`] in Envoy's form: from [`Maglev::envoy`].
#[derive(Clone, Debug)]
pub struct MaglevBuilder {
    nodes: Members,
    table: u32,
}

/// Settings of a [`Maglev`] in the paper's form: from [`Maglev::paper`].
#[derive(Clone, Debug)]
pub struct MaglevPaperBuilder {
    nodes: Members,
    walks: Vec<(u32, u32)>,
    table: u32,
}

impl MaglevBuilder {
    pub(super) fn new() -> Self {
        Self { nodes: Members::default(), table: 65_537 }
    }

    /// A node, by the name that Envoy hashes (an address with its port, or a host name where that is set to
    /// be used), and its weight.
    #[must_use]
    pub fn node(mut self, name: impl Into<Box<str>>, weight: u32) -> Self {
        self.nodes.push(name, weight);
        self
    }

    /// How many places the table has (`table_size`): a prime number. At least a hundred for each node keep
    /// the largest within a hundredth of the smallest.
    #[must_use]
    pub fn table(mut self, places: u32) -> Self {
        self.table = places;
        self
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// Where there is no node or more than 65535 or than places, where one has no name, the name of another
    /// or no weight, where the weights together pass 32 bits, and where the table's size is no prime number
    /// or more than 5000011.
    pub fn build(self) -> Result<Maglev, ConfigError> {
        self.nodes.check()?;
        check(self.table, self.nodes.len())?;
        let (names, total) = (self.nodes.names(), self.nodes.total() as f64);
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by_key(|node| &names[*node]); // promise 3
        let turns = order.into_iter().map(|node| {
            let name = names[node].as_bytes();
            let places = u64::from(self.table);
            Turn {
                at: (xxh64(name, 0) % places) as u32,
                step: (xxh64(name, 1) % (places - 1) + 1) as u32,
                share: f64::from(self.nodes.weights()[node]) / total,
                node: node as u16,
            }
        });
        let table = fill(turns.collect(), self.table);
        Ok(Maglev::new(self.nodes, table, Keys::Xxh64))
    }
}

impl MaglevPaperBuilder {
    pub(super) fn new(table: u32) -> Self {
        Self { nodes: Members::default(), walks: Vec::new(), table }
    }

    /// A node, the place that it wants first, and the step from there to the next: in most balancers one
    /// hash of its name modulo the table's size, and another modulo that less one, plus one.
    ///
    /// The order of the nodes decides who takes its turn first; let it be the same for all.
    #[must_use]
    pub fn node(mut self, name: impl Into<Box<str>>, offset: u32, step: u32) -> Self {
        self.nodes.push(name, 1);
        self.walks.push((offset, step));
        self
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// Where there is no node or more than 65535 or than places, where one has no name or the name of
    /// another, where an offset is not in the table or a step is none or as long as the table, and where the
    /// table's size is no prime number or more than 5000011.
    pub fn build(self) -> Result<Maglev, ConfigError> {
        self.nodes.check()?;
        check(self.table, self.nodes.len())?;
        let mut turns = Vec::with_capacity(self.walks.len());
        for (node, (offset, step)) in self.walks.into_iter().enumerate() {
            if offset >= self.table {
                return Err(ConfigError::new("offset", offset, format!("below {}", self.table)));
            }
            if step == 0 || step >= self.table {
                let rule = format!("from 1 to {}", self.table - 1);
                return Err(ConfigError::new("step", step, rule));
            }
            turns.push(Turn { at: offset, step, share: 1.0, node: node as u16 });
        }
        let table = fill(turns, self.table);
        Ok(Maglev::new(self.nodes, table, Keys::Xxh3))
    }
}
