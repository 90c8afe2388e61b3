//! Predicates, which are true, false or unknown. An error in an operand is unknown.

use std::cmp::Ordering;

use dictdb_types::jsonpath::{Comparison, Node, Primary};
use dictdb_types::{Jsonb, Result as Checked};

use super::super::regex;
use super::{Evaluation, Fault, Item, Scope, Truth};

impl<'a> Evaluation<'a> {
    pub(super) fn truth(&mut self, node: &Node, scope: Scope<'_, 'a>) -> Result<Truth, Fault> {
        Ok(match node {
            Node::And(left, right) => match self.truth(left, scope)? {
                Truth::False => Truth::False,
                left => match self.truth(right, scope)? {
                    Truth::True => left,
                    right => right,
                },
            },
            Node::Or(left, right) => match self.truth(left, scope)? {
                Truth::True => Truth::True,
                left => match self.truth(right, scope)? {
                    Truth::False => left,
                    right => right,
                },
            },
            Node::Not(inner) => match self.truth(inner, scope)? {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            },
            Node::IsUnknown(inner) => Truth::from(self.truth(inner, scope)? == Truth::Unknown),
            Node::Exists(inner) => self.exists(inner, scope)?,
            Node::Comparison(operator, left, right) => {
                let Some(left) = caught(self.unwrapped(left, scope))? else { return Ok(Truth::Unknown) };
                let Some(right) = caught(self.unwrapped(right, scope))? else { return Ok(Truth::Unknown) };
                let mut error = None;
                let truth = self.any_pair(&left, &right, |a, b| match self.compare(*operator, a, b) {
                    Ok(truth) => truth,
                    Err(fault) => {
                        error.get_or_insert(fault);
                        Truth::Unknown
                    }
                });
                error.map_or(Ok(truth), Err)?
            }
            Node::StartsWith(left, initial) => {
                let Some(left) = caught(self.unwrapped(left, scope))? else { return Ok(Truth::Unknown) };
                let initial: Item<'_> = match &**initial {
                    Primary::Variable(name) => Item::of(self.variable(name)?),
                    Primary::String(text) => Item::made(Jsonb::String(text.as_str().into())),
                    _ => return Ok(Truth::Unknown),
                };
                self.any_pair(&left, &[initial], starts_with)
            }
            Node::LikeRegex { operand, pattern, flags } => {
                let Some(items) = caught(self.unwrapped(operand, scope))? else { return Ok(Truth::Unknown) };
                self.like_regex(&items, pattern, flags)?
            }
            Node::Chain(..) | Node::Sign { .. } | Node::Arithmetic(..) => Truth::Unknown,
        })
    }

    fn exists(&mut self, node: &Node, scope: Scope<'_, 'a>) -> Result<Truth, Fault> {
        // In strict mode an error after the first item still counts.
        let found = if self.strict {
            caught(self.sequence(node, scope))?.map(|items| !items.is_empty())
        } else {
            caught(self.node(node, scope, None))?
        };
        Ok(found.map_or(Truth::Unknown, Truth::from))
    }

    /// True if any pair is, in lax mode even after an unknown one.
    fn any_pair(
        &self,
        left: &[Item<'_>],
        right: &[Item<'_>],
        mut test: impl FnMut(&Item<'_>, &Item<'_>) -> Truth,
    ) -> Truth {
        let mut result = Truth::False;
        for a in left {
            for b in right {
                match test(a, b) {
                    Truth::Unknown if self.strict => return Truth::Unknown,
                    Truth::Unknown if result == Truth::False => result = Truth::Unknown,
                    Truth::True if !self.strict => return Truth::True,
                    Truth::True => result = Truth::True,
                    _ => {}
                }
            }
        }
        result
    }

    fn like_regex(&self, items: &[Item<'_>], pattern: &str, flags: &str) -> Result<Truth, Fault> {
        let mut error = None;
        let truth = self.any_pair(items, &[Item::made(Jsonb::Null)], |item, _| match &**item {
            Jsonb::String(text) => match regex::is_match_with(text, pattern, &options(flags)) {
                Ok(matched) => Truth::from(matched),
                Err(fault) => {
                    error.get_or_insert(fault);
                    Truth::Unknown
                }
            },
            _ => Truth::Unknown,
        });
        error.map_or(Ok(truth), |error| Err(Fault::Hard(error)))
    }
}

/// 2201B for a pattern of `like_regex` that is no regular expression.
pub fn check_path_pattern(pattern: &str, flags: &str) -> Checked<()> {
    regex::check(pattern, &options(flags))
}

/// XQuery's flags as those of PostgreSQL's functions: there `.` matches no newline unless `s` says so.
fn options(flags: &str) -> String {
    let case = if flags.contains('i') { "i" } else { "c" };
    let lines = match (flags.contains('s'), flags.contains('m')) {
        _ if flags.contains('q') => "q",
        (false, false) => "p",
        (false, true) => "n",
        (true, false) => "s",
        (true, true) => "w",
    };
    format!("{case}{lines}")
}

/// The value, or `None` for an error that makes a predicate unknown.
fn caught<T>(result: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Soft(_)) => Ok(None),
        Err(hard) => Err(hard),
    }
}

fn starts_with(whole: &Item<'_>, initial: &Item<'_>) -> Truth {
    match (&**whole, &**initial) {
        (Jsonb::String(whole), Jsonb::String(initial)) => Truth::from(whole.starts_with(initial.as_ref())),
        _ => Truth::Unknown,
    }
}

/// Items of one scalar type compare; null differs from everything else; the rest is unknown.
fn order(a: &Jsonb, b: &Jsonb) -> Option<Ordering> {
    Some(match (a, b) {
        (Jsonb::Null, Jsonb::Null) => Ordering::Equal,
        (Jsonb::Bool(a), Jsonb::Bool(b)) => a.cmp(b),
        (Jsonb::Number(a), Jsonb::Number(b)) => a.cmp(b),
        (Jsonb::String(a), Jsonb::String(b)) => a.cmp(b),
        _ => return None,
    })
}

impl Evaluation<'_> {
    fn compare(&self, operator: Comparison, a: &Item<'_>, b: &Item<'_>) -> Result<Truth, Fault> {
        let order = match (&a.moment, &b.moment) {
            (Some(a), Some(b)) => self.compare_moments(a, b)?,
            (None, None) => order(a, b),
            _ => None,
        };
        let Some(order) = order else {
            let null = matches!(**a, Jsonb::Null) || matches!(**b, Jsonb::Null);
            return Ok(if null { Truth::from(operator == Comparison::NotEqual) } else { Truth::Unknown });
        };
        Ok(Truth::from(match operator {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }))
    }
}
