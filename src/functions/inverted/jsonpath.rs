//! What a `jsonpath` needs of a document's keys: the names on the way, and the values it compares for equality.

use dictdb_types::Jsonb;
use dictdb_types::jsonpath::{Accessor, Comparison, JsonPath, Node, Primary};

use super::Condition;
use super::jsonb::{Trail, name, scalar_keys};

/// What the keys of a class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Names and values, wherever they stand.
    Names,
    /// Values with the names that lead to them.
    Paths,
}

/// `@?`: the path finds something.
pub(super) fn exists(path: &JsonPath, shape: Shape) -> Condition {
    Place::root(shape).finds(&path.root)
}

/// `@@`: the predicate holds.
pub(super) fn holds(path: &JsonPath, shape: Shape) -> Condition {
    Place::root(shape).satisfies(&path.root)
}

/// Where in the document an expression is evaluated, and what led there.
#[derive(Clone)]
struct Place {
    shape: Shape,
    /// Unknown after a step over any key.
    trail: Option<Trail>,
    /// What the document has if anything is here.
    needs: Vec<Condition>,
}

impl Place {
    fn root(shape: Shape) -> Self {
        Place { shape, trail: Some(Trail::default()), needs: Vec::new() }
    }

    /// That a path from here finds something.
    fn finds(&self, node: &Node) -> Condition {
        match self.walk(node) {
            Some((place, _)) => Condition::all(place.needs),
            None => Condition::Everything,
        }
    }

    /// That a predicate holds here.
    fn satisfies(&self, node: &Node) -> Condition {
        match node {
            Node::And(left, right) => Condition::all([self.satisfies(left), self.satisfies(right)]),
            Node::Or(left, right) => Condition::any([self.satisfies(left), self.satisfies(right)]),
            Node::Exists(path) => self.finds(path),
            Node::Comparison(Comparison::Equal, left, right) => match (scalar(left), scalar(right)) {
                (None, Some(value)) => self.equals(left, &value),
                (Some(value), None) => self.equals(right, &value),
                _ => Condition::Everything,
            },
            Node::Chain(primary, accessors) if accessors.is_empty() => match &**primary {
                Primary::Parenthesized(inner) => self.satisfies(inner),
                _ => Condition::Everything,
            },
            _ => Condition::Everything,
        }
    }

    /// That a path from here finds this value.
    fn equals(&self, node: &Node, value: &Jsonb) -> Condition {
        let Some((place, whole)) = self.walk(node) else { return Condition::Everything };
        let value = match (self.shape, place.trail) {
            // A method has made something else of what the document has.
            _ if !whole => Condition::Everything,
            (Shape::Names, _) => Condition::any(scalar_keys(value).into_iter().map(Condition::Key)),
            (Shape::Paths, Some(trail)) => Condition::Key(trail.leaf(value)),
            (Shape::Paths, None) => Condition::Everything,
        };
        Condition::all(place.needs.into_iter().chain([value]))
    }

    /// The place a path leads to, and whether what it finds is part of the document.
    fn walk(&self, node: &Node) -> Option<(Place, bool)> {
        let Node::Chain(primary, accessors) = node else { return None };
        let mut place = match &**primary {
            Primary::Root => Place::root(self.shape),
            Primary::Current => self.clone(),
            Primary::Parenthesized(inner) => match self.walk(inner)? {
                (place, true) => place,
                unfinished => return Some(unfinished),
            },
            _ => return None,
        };
        for accessor in accessors {
            match accessor {
                Accessor::Key(key) => {
                    if self.shape == Shape::Names {
                        place.needs.push(Condition::Key(name(key)));
                    }
                    place.trail = place.trail.map(|trail| trail.key(key));
                }
                Accessor::AnyElement | Accessor::Subscripts(_) => {}
                Accessor::AnyKey | Accessor::Descend(..) => place.trail = None,
                Accessor::Filter(predicate) => {
                    let needed = place.satisfies(predicate);
                    place.needs.push(needed);
                }
                Accessor::Method(_) | Accessor::DateTime(_) => return Some((place, false)),
            }
        }
        Some((place, true))
    }
}

/// A literal.
fn scalar(node: &Node) -> Option<Jsonb> {
    let Node::Chain(primary, accessors) = node else { return None };
    if !accessors.is_empty() {
        return None;
    }
    Some(match &**primary {
        Primary::Null => Jsonb::Null,
        Primary::Bool(value) => Jsonb::Bool(*value),
        Primary::Number(number) => Jsonb::Number(number.clone()),
        Primary::String(text) => Jsonb::String(text.as_str().into()),
        _ => return None,
    })
}
