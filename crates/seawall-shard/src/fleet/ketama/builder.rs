//! What a ring is made of.

use seawall_core::ConfigError;

use super::{
    super::{
        members::{Members, distinct},
        points::Points,
    },
    Form, Ketama, KetamaHash,
    hash::words,
};

/// Settings of a [`Ketama`]: from one of its forms.
#[derive(Clone, Debug)]
pub struct KetamaBuilder {
    form: Form,
    keys: KetamaHash,
    nodes: Members,
}

impl KetamaBuilder {
    pub(super) fn new(form: Form) -> Self {
        Self { form, keys: form.keys(), nodes: Members::default() }
    }

    /// A node, by its name (`host:port` as the other side spells it, or the label that it gives), and its
    /// weight.
    #[must_use]
    pub fn node(mut self, name: impl Into<Box<str>>, weight: u32) -> Self {
        self.nodes.push(name, weight);
        self
    }

    /// How keys are hashed, where the other side is set to something else than its default.
    #[must_use]
    pub fn key_hash(mut self, hash: KetamaHash) -> Self {
        self.keys = hash;
        self
    }

    /// The ring.
    ///
    /// # Errors
    ///
    /// Where there is no node or more than 65535, where one has no name, the label of another or no weight,
    /// where the weights together pass 32 bits, and where they differ in a form that has none.
    pub fn build(self) -> Result<Ketama, ConfigError> {
        self.nodes.check()?;
        let (form, keys) = (self.form, self.keys);
        let labels: Vec<_> = self.nodes.names().iter().map(|name| form.label(name)).collect();
        if let Some(node) = labels.iter().position(|label| label.is_empty()) {
            return Err(ConfigError::new("node", &self.nodes.names()[node], "a host"));
        }
        distinct(labels.iter().map(AsRef::as_ref).collect())?;
        let weights = self.nodes.weights();
        if let Some(other) =
            weights.iter().find(|weight| !form.weighted() && **weight != weights[0])
        {
            let rule = format!("{} for all: this form knows no weights", weights[0]);
            return Err(ConfigError::new("weight", other, rule));
        }
        let mut pairs = Vec::with_capacity(160 * labels.len());
        for (node, label) in labels.iter().enumerate() {
            for turn in 0..form.labels(weights[node], self.nodes.total(), labels.len()) {
                let text = format!("{label}-{turn}");
                if form.one_point() {
                    pairs.push((keys.of(text.as_bytes()), node as u16));
                } else {
                    pairs.extend(words(text.as_bytes()).map(|point| (point, node as u16)));
                }
            }
        }
        if form.last_wins() {
            pairs.reverse(); // of equal points the first answers
        }
        Ok(Ketama { form, keys, points: Points::new(pairs), nodes: self.nodes.into_names() })
    }
}
