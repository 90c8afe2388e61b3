//! SQL text as a tree that knows what of it could be left out or be simpler, so that a shrinker need not understand SQL, and
//! where its constants are, so that they can be written into the text or bound as parameters.

use std::collections::BTreeMap;

use super::kind::Kind;

/// A piece of SQL.
#[derive(Clone, Debug)]
pub enum Phrase {
    /// Words that stand as they are.
    Text(String),
    /// One after another.
    All(Vec<Phrase>),
    /// What may be missing.
    Optional(Box<Phrase>),
    /// Items, of which some may be missing.
    List {
        /// How [`Phrase::Positions`] finds it; zero when nothing looks for it.
        number: u32,
        /// What stands between items.
        separator: &'static str,
        /// The items.
        items: Vec<Phrase>,
        /// How many must stay.
        fewest: usize,
    },
    /// An expression or a query: any other of the same sort inside of it could stand for it.
    Part(Sort, Box<Phrase>),
    /// A constant.
    Constant(Constant),
    /// `1 DESC, 2, 3`: the positions of all items that a list has.
    Positions {
        /// The list's number.
        list: u32,
        /// What stands behind each position.
        directions: Vec<&'static str>,
        /// Whether they order the statement, whose rows have only one order then.
        top: bool,
    },
}

/// What a part can stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A value of a type.
    Value(Kind),
    /// Rows of such values.
    Query(Vec<Kind>),
}

/// A constant that may become a parameter.
#[derive(Clone, Debug)]
pub struct Constant {
    /// Copies of a constant are one parameter.
    pub number: u32,
    /// Its type.
    pub kind: Kind,
    /// How it is written in the statement.
    pub sql: String,
    /// How it is sent.
    pub value: String,
}

/// The text of a phrase.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// With `$1` and so on, if constants are parameters.
    pub sql: String,
    /// What the parameters stand for.
    pub parameters: Vec<Constant>,
    /// Whether the rows have only one order that is right.
    pub ordered: bool,
}

/// Concatenates phrases and texts.
macro_rules! phrase {
    ($($part:expr),* $(,)?) => {
        $crate::differential::phrase::Phrase::All(vec![$($crate::differential::phrase::Phrase::from($part)),*])
    };
}
pub(crate) use phrase;

impl From<&str> for Phrase {
    fn from(text: &str) -> Self {
        Phrase::Text(text.to_owned())
    }
}

impl From<String> for Phrase {
    fn from(text: String) -> Self {
        Phrase::Text(text)
    }
}

impl From<&Phrase> for Phrase {
    fn from(phrase: &Phrase) -> Self {
        phrase.clone()
    }
}

impl Phrase {
    /// What may be missing.
    pub fn optional(phrase: Phrase) -> Self {
        Phrase::Optional(Box::new(phrase))
    }

    /// Nothing.
    pub fn empty() -> Self {
        Phrase::Text(String::new())
    }

    /// Whether it is nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Phrase::Text(text) if text.is_empty())
    }

    /// Items with commas, of which one must stay.
    pub fn list(items: Vec<Phrase>) -> Self {
        Phrase::List { number: 0, separator: ", ", items, fewest: 1 }
    }

    /// Items with commas, all of which must stay.
    pub fn fixed_list(items: Vec<Phrase>) -> Self {
        let fewest = items.len();
        Phrase::List { number: 0, separator: ", ", items, fewest }
    }

    /// An expression of a type.
    pub fn value(kind: Kind, phrase: Phrase) -> Self {
        Phrase::Part(Sort::Value(kind), Box::new(phrase))
    }

    /// The text with its constants.
    pub fn text(&self) -> Rendered {
        self.rendered(false)
    }

    /// The text with parameters for its constants.
    pub fn with_parameters(&self) -> Rendered {
        self.rendered(true)
    }

    fn rendered(&self, parameters: bool) -> Rendered {
        let mut writer = Writer { parameters, lists: BTreeMap::new(), done: Rendered::default() };
        writer.write(self);
        writer.done
    }

    /// The phrase with the simplification of this number, counted from the outermost on; `None` when there are not so many.
    pub fn simpler(&self, number: usize) -> Option<Phrase> {
        let mut left = number;
        self.simplified(&mut left)
    }

    fn simplified(&self, left: &mut usize) -> Option<Phrase> {
        for simpler in self.own_simplifications() {
            if *left == 0 {
                return Some(simpler());
            }
            *left -= 1;
        }
        match self {
            Phrase::Text(_) | Phrase::Positions { .. } | Phrase::Constant(_) => None,
            Phrase::All(parts) => simplified_item(parts, left).map(Phrase::All),
            Phrase::Optional(inner) => inner.simplified(left).map(Phrase::optional),
            Phrase::Part(sort, inner) => Some(Phrase::Part(sort.clone(), Box::new(inner.simplified(left)?))),
            Phrase::List { number, separator, items, fewest } => {
                let items = simplified_item(items, left)?;
                Some(Phrase::List { number: *number, separator, items, fewest: *fewest })
            }
        }
    }

    /// What can be done to this node, not looking into it.
    fn own_simplifications(&self) -> Vec<Box<dyn FnOnce() -> Phrase + '_>> {
        match self {
            Phrase::Optional(_) => vec![Box::new(Phrase::empty)],
            Phrase::List { number, separator, items, fewest } if items.len() > *fewest => {
                let without = move |from: usize, to: usize| {
                    let items = items[..from].iter().chain(&items[to..]).cloned().collect();
                    Phrase::List { number: *number, separator, items, fewest: *fewest }
                };
                let mut all: Vec<Box<dyn FnOnce() -> Phrase + '_>> = Vec::new();
                let half = items.len() / 2;
                if items.len() > 3 && half >= *fewest {
                    all.push(Box::new(move || without(0, half)));
                    all.push(Box::new(move || without(items.len() - half, items.len())));
                }
                all.extend((0..items.len()).map(|i| Box::new(move || without(i, i + 1)) as Box<_>));
                all
            }
            Phrase::Part(sort, inner) => {
                let mut inside = Vec::new();
                inner.parts_of(sort, &mut inside);
                let mut all: Vec<Box<dyn FnOnce() -> Phrase + '_>> = Vec::new();
                if let Sort::Value(kind) = sort
                    && !matches!(**inner, Phrase::Text(_) | Phrase::Constant(_))
                {
                    all.push(Box::new(|| {
                        Phrase::Part(sort.clone(), Box::new(Phrase::from(format!("NULL::{}", kind.name()))))
                    }));
                }
                all.extend(inside.into_iter().map(|part| Box::new(move || part.clone()) as Box<_>));
                all
            }
            _ => Vec::new(),
        }
    }

    /// The outermost parts of a sort.
    fn parts_of<'a>(&'a self, wanted: &Sort, found: &mut Vec<&'a Phrase>) {
        match self {
            Phrase::Part(sort, _) if sort == wanted => found.push(self),
            Phrase::Part(_, inner) | Phrase::Optional(inner) => inner.parts_of(wanted, found),
            Phrase::All(parts) | Phrase::List { items: parts, .. } => {
                parts.iter().for_each(|part| part.parts_of(wanted, found));
            }
            Phrase::Text(_) | Phrase::Constant(_) | Phrase::Positions { .. } => {}
        }
    }
}

/// The items with one of them simplified.
fn simplified_item(items: &[Phrase], left: &mut usize) -> Option<Vec<Phrase>> {
    let (at, simpler) = items.iter().enumerate().find_map(|(at, item)| Some((at, item.simplified(left)?)))?;
    let mut items = items.to_vec();
    items[at] = simpler;
    Some(items)
}

/// Writes phrases.
struct Writer {
    parameters: bool,
    /// How many items the lists have that were written.
    lists: BTreeMap<u32, usize>,
    done: Rendered,
}

impl Writer {
    fn write(&mut self, phrase: &Phrase) {
        match phrase {
            Phrase::Text(text) => self.done.sql.push_str(text),
            Phrase::All(parts) => parts.iter().for_each(|part| self.write(part)),
            Phrase::Optional(inner) | Phrase::Part(_, inner) => self.write(inner),
            Phrase::List { number, separator, items, .. } => {
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.done.sql.push_str(separator);
                    }
                    self.write(item);
                }
                self.lists.insert(*number, items.len());
            }
            Phrase::Constant(constant) => self.constant(constant),
            Phrase::Positions { list, directions, top } => {
                self.done.ordered |= top;
                let count = self.lists.get(list).copied().unwrap_or(1);
                let direction = |at: usize| directions.get(at).copied().unwrap_or_default();
                let positions: Vec<String> = (0..count).map(|at| format!("{}{}", at + 1, direction(at))).collect();
                self.done.sql.push_str(&positions.join(", "));
            }
        }
    }

    fn constant(&mut self, constant: &Constant) {
        if !self.parameters {
            self.done.sql.push_str(&constant.sql);
            return;
        }
        let known = self.done.parameters.iter().position(|other| other.number == constant.number);
        let at = known.unwrap_or_else(|| {
            self.done.parameters.push(constant.clone());
            self.done.parameters.len() - 1
        });
        self.done.sql.push_str(&format!("${}", at + 1));
        if constant.kind.oid() == 0 {
            self.done.sql.push_str(&format!("::{}", constant.kind.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Phrase {
        let constant = Constant { number: 1, kind: Kind::Int, sql: "7".to_owned(), value: "7".to_owned() };
        let seven = Phrase::value(Kind::Int, Phrase::Constant(constant));
        let sum = Phrase::value(Kind::Int, phrase!["(", seven.clone(), " + ", seven, ")"]);
        let items = Phrase::List { number: 9, separator: ", ", items: vec![sum, Phrase::from("a")], fewest: 1 };
        let order = Phrase::Positions { list: 9, directions: vec![" DESC"], top: true };
        phrase!["SELECT ", items, Phrase::optional(phrase![" ORDER BY ", order])]
    }

    #[test]
    fn constants_become_parameters() {
        let (text, bound) = (sample().text(), sample().with_parameters());
        assert_eq!(text.sql, "SELECT (7 + 7), a ORDER BY 1 DESC, 2");
        assert!(text.ordered && text.parameters.is_empty());
        assert_eq!(bound.sql, "SELECT ($1 + $1), a ORDER BY 1 DESC, 2");
        assert_eq!(bound.parameters.len(), 1);
    }

    #[test]
    fn phrases_become_simpler() {
        let phrase = sample();
        let all: Vec<String> = (0..).map_while(|n| phrase.simpler(n)).map(|simpler| simpler.text().sql).collect();
        let expected = [
            "SELECT a ORDER BY 1 DESC",
            "SELECT (7 + 7) ORDER BY 1 DESC",
            "SELECT NULL::int, a ORDER BY 1 DESC, 2",
            "SELECT 7, a ORDER BY 1 DESC, 2",
            "SELECT 7, a ORDER BY 1 DESC, 2",
            "SELECT (7 + 7), a",
        ];
        assert_eq!(all, expected);
    }
}
