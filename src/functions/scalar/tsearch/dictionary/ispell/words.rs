//! The words of a dictionary file as a tree of their bytes, which compound words are read along.

use dictdb_types::Result;

use super::affixes::Affixes;
use super::flags::{self, Role};

/// A node of the tree.
pub(super) type NodeId = usize;

/// The root.
pub(super) const ROOT: NodeId = 0;

/// All words.
#[derive(Debug)]
pub(super) struct Words {
    nodes: Vec<Node>,
    /// The sets of flags in use.
    pub(super) flag_sets: Vec<String>,
}

#[derive(Debug, Default)]
struct Node {
    /// By byte, ascending.
    next: Vec<(u8, NodeId)>,
    word: Option<Word>,
}

/// What is known of a word.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Flags of the affixes it goes with.
    flags: String,
    role: Role,
}

impl Words {
    /// The words of a file with what their flags mean to `affixes`. F0000.
    pub(super) fn new(text: &str, affixes: &Affixes) -> Result<Self> {
        let mut own = Words { nodes: vec![Node::default()], flag_sets: Vec::new() };
        let mut entries = Vec::new();
        for line in text.lines() {
            let (word, given) = line.split_once('/').unwrap_or((line, ""));
            let word: &str = word.split(char::is_whitespace).next().unwrap_or_default();
            let given = given.split(|c: char| !c.is_ascii_graphic()).next().unwrap_or_default();
            entries.push((word.to_lowercase(), affixes.word_flags(given)?));
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        entries.iter().try_for_each(|(word, given)| own.add(word, given, affixes))?;
        own.flag_sets.sort_unstable();
        own.flag_sets.dedup();
        Ok(own)
    }

    fn add(&mut self, word: &str, given: &str, affixes: &Affixes) -> Result<()> {
        if word.is_empty() {
            return Ok(());
        }
        self.flag_sets.push(given.to_owned());
        let mut at = ROOT;
        for byte in word.bytes() {
            at = match self.nodes[at].next.binary_search_by_key(&byte, |(byte, _)| *byte) {
                Ok(found) => self.nodes[at].next[found].1,
                Err(place) => {
                    let new = self.nodes.len();
                    self.nodes.push(Node::default());
                    self.nodes[at].next.insert(place, (byte, new));
                    new
                }
            };
        }
        let mut flags = given.to_owned();
        let mut always_alone = false;
        if let Some(other) = &self.nodes[at].word
            && other.flags != given
        {
            // One that is only for compound words in one of its entries is not so in general.
            always_alone = !(other.role.meets(Role::ONLY) && affixes.roles(given)?.meets(Role::ONLY));
            flags = affixes.merged(&other.flags, given);
            self.flag_sets.push(flags.clone());
        }
        let mut role = affixes.roles(&flags)?.only(Role::OF_WORDS);
        if role.meets(Role::ONLY) && !role.meets(Role::ANYWHERE) {
            role = role.and(Role::ANYWHERE);
        }
        if always_alone {
            role = role.without(Role::ONLY);
        }
        self.nodes[at].word = Some(Word { flags, role });
        Ok(())
    }

    /// The node after this byte, and the word that ends there.
    pub(super) fn step(&self, from: NodeId, byte: u8) -> Option<(NodeId, Option<&Word>)> {
        let next = &self.nodes[from].next;
        let found = next.binary_search_by_key(&byte, |(byte, _)| *byte).ok()?;
        let to = next[found].1;
        Some((to, self.nodes[to].word.as_ref()))
    }

    /// Whether words go on here.
    pub(super) fn goes_on(&self, at: NodeId) -> bool {
        !self.nodes[at].next.is_empty()
    }

    /// Whether a word is here that goes with this affix (none asks for no affix) at this place of a compound word.
    pub(super) fn has(&self, word: &str, affix: &str, place: Role, affixes: &Affixes) -> Result<bool> {
        let mut at = ROOT;
        let mut found = None;
        for byte in word.bytes() {
            let Some((next, word)) = self.step(at, byte) else { return Ok(false) };
            (at, found) = (next, word);
        }
        let Some(own) = found else { return Ok(false) };
        let fits = match place {
            Role(0) => !own.role.meets(Role::ONLY),
            place => own.role.meets(place),
        };
        Ok(fits && flags::contains(affixes.mode, &own.flags, affix)?)
    }
}

impl Word {
    /// Whether it may stand at this place of a compound word.
    pub(super) fn may_be(&self, place: Role) -> bool {
        self.role.meets(place)
    }
}
