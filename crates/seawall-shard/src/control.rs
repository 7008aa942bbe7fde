//! What changes a table: the one updater at a time, under the map's lock.
//!
//! An update goes through these steps, of which readers see the last two:
//!
//! 1. the topology is changed, on a copy, and checked: what is refused has changed nothing;
//! 2. room is made for nodes that are new: if need be, by a table that follows with the same placement;
//! 3. the words that differ are computed;
//! 4. cells are written for the nodes that are new;
//! 5. those words are stored, each by itself.

mod cells;
mod moving;

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use seawall_core::ConfigError;

pub(crate) use self::moving::Stepped;
use self::{cells::Cells, moving::Moving};
use crate::{
    Algorithm, Member, Node, PlacementSpec, Plan, Topology, Update, ZoneSkew,
    explicit::Explicit,
    plan::PlanStats,
    rendezvous::Rendezvous,
    roster::Roster,
    route::Routing,
    slots::Table,
    spec::Run,
    word::{LANES, NOBODY, Word},
};

/// What computes the words.
#[derive(Clone, Debug)]
enum Fill {
    Rendezvous(Rendezvous),
    Explicit(Explicit),
}

/// From one topology to another, before the words are known.
struct Step {
    /// The indexes of the nodes to be.
    indexes: Vec<u16>,
    /// The places of those among them that have no cell yet.
    newcomers: Vec<usize>,
    /// Where a node goes to another zone, and so has another index from now on: the one of each index.
    moved: Option<Vec<u16>>,
    rosters: (Roster, Roster),
}

/// A slot that gets another word.
struct Change {
    slot: usize,
    old: Word,
    new: Word,
}

impl Step {
    /// A word as it is, by the indexes to be: whose node goes to another zone has its data still.
    fn kept(&self, word: Word) -> Word {
        match &self.moved {
            None => word,
            Some(now) => Word::of(word.nodes().map(|old| now[usize::from(old)])),
        }
    }

    /// What makes the `slots` words that are there those that are to be.
    fn changes(&self, fill: &mut Fill, slots: usize, word: impl Fn(usize) -> Word) -> Vec<Change> {
        let (before, after) = &self.rosters;
        let mut changes = Vec::new();
        let mut change = |slot, new| {
            let old = word(slot);
            if old != new {
                changes.push(Change { slot, old, new });
            }
        };
        match fill {
            Fill::Rendezvous(rendezvous) => rendezvous.refill(before, after, &word, change),
            Fill::Explicit(explicit) => {
                let mut words: Vec<_> = (0..slots).map(|slot| self.kept(word(slot))).collect();
                explicit.refill(&mut words, after);
                (0..).zip(words).for_each(|(slot, new)| change(slot, new));
            }
        }
        changes
    }

    /// The words to be, made of those that are there.
    fn words(&self, fill: &mut Fill, mut words: Vec<Word>) -> Vec<Word> {
        let changes = self.changes(fill, words.len(), |slot| words[slot]);
        changes.iter().for_each(|change| words[change.slot] = change.new);
        words
    }

    fn stats(&self, slots: usize, changes: &[Change]) -> PlanStats {
        PlanStats::of(slots, changes.iter().map(|change| (self.kept(change.old), change.new)))
    }
}

/// The table, and all that is known of it.
pub(crate) struct Control {
    table: Arc<Table>,
    routing: Arc<Routing>,
    cells: Cells,
    topology: Topology,
    fill: Fill,
    /// What it was built with; its nodes and runs are those of the beginning.
    spec: PlacementSpec,
    fingerprint: u64,
    epoch: u64,
    /// How often words were changed by migrations: what fences compare.
    moves: u64,
    moving: Option<Moving>,
    /// Of the present topology: looked for when that changes, and not by each snapshot.
    zone_skew: Option<ZoneSkew>,
}

impl Control {
    /// Builds the table of a spec.
    pub(crate) fn new(mut spec: PlacementSpec, routing: Routing) -> Result<Self, ConfigError> {
        let topology = spec.check()?;
        let (slots, replicas) = (spec.slots(), spec.replicas as usize);
        let mut fill = match spec.algorithm {
            Algorithm::Rendezvous => Fill::Rendezvous(Rendezvous::new(spec.seed, replicas, slots)),
            Algorithm::Explicit => Fill::Explicit(Explicit::new(spec.seed, replicas)),
        };
        let indexes: Vec<_> = (0..topology.len() as u16).collect();
        let words = if spec.runs.is_empty() {
            let step = Step {
                indexes: Vec::new(),
                newcomers: Vec::new(),
                moved: None,
                rosters: (Roster::default(), Roster::new(&topology, &indexes)),
            };
            step.words(&mut fill, vec![Word::EMPTY; slots])
        } else {
            words_of(&spec, &topology)
        };
        (spec.nodes, spec.runs) = (Vec::new(), Vec::new());
        let moves = std::mem::take(&mut spec.epoch);

        let members = topology.nodes().iter().map(|node| Member::new(node, &routing)).collect();
        let table = Arc::new(Table::new(&words, members, cells_for(slots, topology.len())));
        let cells = Cells::new(topology.nodes());
        let mut control = Self {
            table,
            routing: Arc::new(routing),
            cells,
            topology,
            fill,
            spec,
            fingerprint: 0,
            epoch: 0,
            moves,
            moving: None,
            zone_skew: None,
        };
        control.look_again();
        Ok(control)
    }

    pub(crate) const fn table(&self) -> &Arc<Table> {
        &self.table
    }

    pub(crate) const fn routing(&self) -> &Arc<Routing> {
        &self.routing
    }

    /// The members of the present topology.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> + Clone {
        let indexes = self.indexes_of(&self.topology).0;
        indexes.into_iter().map(|index| self.table.member(index))
    }

    pub(crate) const fn zone_skew(&self) -> Option<&ZoneSkew> {
        self.zone_skew.as_ref()
    }

    pub(crate) const fn topology(&self) -> &Topology {
        &self.topology
    }

    pub(crate) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) const fn moves(&self) -> u64 {
        self.moves
    }

    pub(crate) const fn replicas(&self) -> u32 {
        self.spec.replicas
    }

    /// How many slots the fullest node owns for each that it would by its weight.
    pub(crate) fn fullest_over_share(&self) -> f64 {
        let mut owned = vec![0_u32; self.table.cells()];
        let words = self.table.words();
        words.iter().for_each(|word| owned[usize::from(word.owner())] += 1);
        let nodes = self.topology.nodes();
        let sum: f64 = nodes.iter().map(|node| f64::from(node.weight)).sum();
        let indexes = self.indexes_of(&self.topology).0;
        let over_share =
            nodes.iter().zip(indexes).filter(|(node, _)| node.weight > 0).map(|(node, index)| {
                let share = words.len() as f64 * f64::from(node.weight) / sum;
                f64::from(owned[usize::from(index)]) / share
            });
        over_share.fold(0.0, f64::max)
    }

    /// What another map is to be built from to be the same.
    pub(crate) fn spec(&self) -> PlacementSpec {
        let mut spec = PlacementSpec {
            nodes: self.topology.nodes().to_vec(),
            epoch: self.moves,
            ..self.spec.clone()
        };
        self.each_run(|slots, places| spec.runs.push(Run { slots, nodes: places.to_vec() }));
        spec
    }

    /// The fingerprint of that, without making it: an explicit map has thousands of runs.
    fn fingerprint_now(&self) -> u64 {
        let mut encoding = self.spec.encode(self.topology.nodes().iter());
        self.each_run(|slots, places| encoding.run(slots, places));
        encoding.fingerprint()
    }

    /// Of an explicit map, tells the slots that follow each other with the same nodes, and those by their places
    /// in the topology.
    fn each_run(&self, mut tell: impl FnMut(u32, &[u32])) {
        if self.spec.algorithm != Algorithm::Explicit {
            return;
        }
        let mut places = vec![0; self.table.cells()];
        let indexes = self.indexes_of(&self.topology).0;
        (0..).zip(indexes).for_each(|(place, index)| places[usize::from(index)] = place);
        let words = match &self.moving {
            None => Cow::Owned(self.table.words()),
            Some(moving) => Cow::Borrowed(&*moving.course.ways.before), // until it has arrived
        };
        for run in words.chunk_by(|a, b| a == b) {
            let mut of_run = [0; LANES];
            let nodes = run[0].nodes().zip(&mut of_run);
            nodes.for_each(|(index, place)| *place = places[usize::from(index)]);
            tell(run.len() as u32, &of_run[..run[0].len()]);
        }
    }

    /// What it would take to get to another topology.
    pub(crate) fn plan(&mut self, next: &Topology) -> Result<Plan, ConfigError> {
        self.check_rests()?;
        let step = self.step_to(next)?;
        let before = self.table.words();
        let after = step.words(&mut self.fill.clone(), before.clone());
        let kept: Vec<_> = before.into_iter().map(|word| step.kept(word)).collect();
        let coming: HashMap<_, _> = step.indexes.iter().zip(next.nodes()).collect();
        Ok(Plan::between(&kept, &after, |index| match coming.get(&index) {
            Some(node) => node.name.clone(),
            None => self.table.member(index).full_name(),
        }))
    }

    /// Gets there.
    pub(crate) fn update(&mut self, next: Topology) -> Result<Update, ConfigError> {
        if self.moving.is_some() {
            return self.update_states(next);
        }
        let step = self.step_to(&next)?;
        let slots = self.table.len();
        let changes = step.changes(&mut self.fill, slots, |slot| self.table.word_here(slot));

        self.follow(&next, &step);
        changes.iter().for_each(|change| self.table.store(change.slot, change.new));

        self.topology = next;
        Ok(self.updated(step.stats(slots, &changes)))
    }

    fn updated(&mut self, stats: PlanStats) -> Update {
        self.epoch += 1;
        self.look_again();
        Update {
            epoch: self.epoch,
            fingerprint: self.fingerprint,
            owners_moved: stats.owners_moved,
            copies_moved: stats.copies_moved,
        }
    }

    /// What follows from the topology.
    fn look_again(&mut self) {
        self.routing.weigh(&self.topology);
        self.fingerprint = self.fingerprint_now();
        self.zone_skew = self.topology.zone_skew(self.spec.replicas, self.spec.algorithm);
    }

    /// Gives newcomers their cells, and tells the others what they are now.
    fn follow(&mut self, next: &Topology, step: &Step) {
        self.admit(next, step);
        self.tell_members(&self.indexes_of(&self.topology).0, next, &step.indexes);
    }

    fn admit(&mut self, next: &Topology, step: &Step) {
        for &place in &step.newcomers {
            let node = &next.nodes()[place];
            self.table.admit(step.indexes[place], Member::new(node, &self.routing));
            self.cells.give(node, step.indexes[place]);
        }
    }

    /// Those of `present` who are none of the nodes to be have left; the others are what `next` says.
    fn tell_members(&self, present: &[u16], next: &Topology, indexes: &[u16]) {
        let mut leaves = vec![false; self.table.cells()];
        present.iter().for_each(|&index| leaves[usize::from(index)] = true);
        indexes.iter().for_each(|&index| leaves[usize::from(index)] = false);
        for &index in present.iter().filter(|&&index| leaves[usize::from(index)]) {
            self.table.member(index).leave();
        }
        for (node, &index) in next.nodes().iter().zip(indexes) {
            self.table.member(index).follow(node);
        }
    }

    /// Checks the topology, makes room for it, and looks at what there is.
    fn step_to(&mut self, next: &Topology) -> Result<Step, ConfigError> {
        next.check()?;
        self.spec.check_draws(next.len())?;
        let (indexes, newcomers) = self.make_room(next)?;
        let moved = self.moved_to(next, &indexes, &newcomers);
        let rosters = (self.roster(), Roster::new(next, &indexes));
        Ok(Step { indexes, newcomers, moved, rosters })
    }

    /// By index, which one each node has from now on, where one goes to another zone.
    fn moved_to(&self, next: &Topology, indexes: &[u16], newcomers: &[usize]) -> Option<Vec<u16>> {
        let mut now = None;
        for &place in newcomers {
            let stays = self.topology.node(&next.nodes()[place].name);
            if let Some(old) = stays.and_then(|node| self.cells.of(node)) {
                let now = now.get_or_insert_with(|| (0..NOBODY).collect::<Vec<_>>());
                now[usize::from(old)] = indexes[place];
            }
        }
        now
    }

    /// The indexes of the nodes of `next`, after making sure that there are enough, and the places of those
    /// that have no cell yet.
    fn make_room(&mut self, next: &Topology) -> Result<(Vec<u16>, Vec<usize>), ConfigError> {
        let (indexes, newcomers) = self.indexes_of(next);
        if self.cells.len() + newcomers.len() <= self.table.cells() {
            return Ok((indexes, newcomers));
        }
        let most = usize::from(NOBODY);
        let both = self.topology.len() + newcomers.len();
        if both > most {
            let rule = format!("at most {most}, those that leave and those that come together");
            return Err(ConfigError::new("nodes", both, rule));
        }
        self.renumber(both);
        Ok(self.indexes_of(next))
    }

    /// Goes on in a new table, in which those who have left have no cell; the placement is the same.
    fn renumber(&mut self, members: usize) {
        let old = self.indexes_of(&self.topology).0;
        let mut new_of = vec![NOBODY; self.table.cells()];
        (0..).zip(&old).for_each(|(new, &old)| new_of[usize::from(old)] = new);
        let renumbered = |word: Word| Word::of(word.nodes().map(|old| new_of[usize::from(old)]));
        let words: Vec<_> = self.table.words().into_iter().map(renumbered).collect();

        let stay = old.iter().map(|&old| self.table.member(old).clone()).collect();
        let table = Arc::new(Table::new(&words, stay, cells_for(words.len(), members)));
        self.cells = Cells::new(self.topology.nodes());
        self.table.follow_with(Arc::clone(&table));
        self.table = table;
    }

    /// The index of each node, and the places of those that have no cell: they get the next free ones.
    fn indexes_of(&self, topology: &Topology) -> (Vec<u16>, Vec<usize>) {
        let mut newcomers = Vec::new();
        let mut indexes = Vec::with_capacity(topology.len());
        for (place, node) in topology.nodes().iter().enumerate() {
            let index = self.cells.of(node).unwrap_or_else(|| {
                newcomers.push(place);
                (self.cells.len() + newcomers.len() - 1) as u16
            });
            indexes.push(index);
        }
        (indexes, newcomers)
    }

    fn roster(&self) -> Roster {
        Roster::new(&self.topology, &self.indexes_of(&self.topology).0)
    }
}

/// How many cells a table gets: twice as many as it needs at once, and so many that joins fill them up
/// about as fast as they fill the memory of the slots.
fn cells_for(slots: usize, members: usize) -> usize {
    (slots / 16).max(2 * members).min(NOBODY.into())
}

/// The words of a spec that says who has which slots. Indexes are places in the topology.
fn words_of(spec: &PlacementSpec, topology: &Topology) -> Vec<Word> {
    let place =
        |node: &Node| topology.place_of(&node.name).expect("it is made of these nodes") as u16;
    let places: Vec<_> = spec.nodes.iter().map(place).collect();
    let runs = spec.runs.iter().flat_map(|run| {
        let word = Word::of(run.nodes.iter().map(|&node| places[node as usize]));
        std::iter::repeat_n(word, run.slots as usize)
    });
    runs.collect()
}
