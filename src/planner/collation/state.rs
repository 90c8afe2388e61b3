//! The collation of an expression while it is derived from its parts, and how strongly it is meant (`parse_collate.c`).

use dictdb_catalog::DEFAULT_COLLATION;
use dictdb_types::Oid;

/// Where a collation comes from; the stronger wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// The value has none.
    #[default]
    None,
    /// From a column or type.
    Implicit,
    /// From columns that do not agree.
    Conflict,
    /// From COLLATE.
    Explicit,
}

/// The collation of an expression.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// `pg_collation.oid`; zero where there is none or none is agreed on.
    pub collation: Oid,
    /// How it is meant.
    pub strength: Strength,
    /// Where COLLATE stands.
    pub position: Option<u32>,
    /// The other one of two that do not agree.
    pub other: Oid,
}

/// Two COLLATE clauses that do not agree: both collations, and where the second stands.
pub(crate) struct Mismatch(pub Oid, pub Oid, pub Option<u32>);

impl State {
    pub(crate) fn implicit(collation: Oid) -> State {
        let strength = if collation.is_valid() { Strength::Implicit } else { Strength::None };
        State { collation, strength, ..State::default() }
    }

    /// What is known of it outside the query that computes it.
    pub(crate) fn of_column(self) -> State {
        State { position: self.position, ..State::implicit(self.agreed()) }
    }

    /// The collation to be used; zero where none is agreed on.
    pub(crate) fn agreed(self) -> Oid {
        if self.strength == Strength::Conflict { Oid::INVALID } else { self.collation }
    }

    /// Takes another operand into account.
    pub(crate) fn merge(&mut self, part: State) -> Result<(), Mismatch> {
        if part.strength > self.strength {
            *self = part;
            return Ok(());
        }
        if part.strength < self.strength || part.collation == self.collation {
            return Ok(());
        }
        match part.strength {
            Strength::Explicit => return Err(Mismatch(self.collation, part.collation, part.position)),
            Strength::Implicit if self.collation == DEFAULT_COLLATION => *self = part,
            Strength::Implicit if part.collation != DEFAULT_COLLATION => {
                let position = part.position;
                *self = State { strength: Strength::Conflict, other: part.collation, position, ..*self };
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEDISH: Oid = Oid(1);
    const GERMAN: Oid = Oid(2);

    fn merged(parts: &[(Oid, Strength)]) -> Option<(Oid, Strength)> {
        let mut state = State::default();
        for (collation, strength) in parts {
            let part = State { collation: *collation, strength: *strength, ..State::default() };
            state.merge(part).ok()?;
        }
        Some((state.agreed(), state.strength))
    }

    #[test]
    fn the_stronger_wins() {
        use Strength::{Conflict, Explicit, Implicit};
        assert_eq!(merged(&[(DEFAULT_COLLATION, Implicit), (GERMAN, Implicit)]), Some((GERMAN, Implicit)));
        assert_eq!(merged(&[(GERMAN, Implicit), (DEFAULT_COLLATION, Implicit)]), Some((GERMAN, Implicit)));
        assert_eq!(merged(&[(GERMAN, Implicit), (SWEDISH, Implicit)]), Some((Oid::INVALID, Conflict)));
        assert_eq!(merged(&[(GERMAN, Implicit), (SWEDISH, Explicit)]), Some((SWEDISH, Explicit)));
        assert_eq!(merged(&[(GERMAN, Implicit), (SWEDISH, Implicit), (GERMAN, Explicit)]), Some((GERMAN, Explicit)));
        assert_eq!(merged(&[(GERMAN, Explicit), (SWEDISH, Explicit)]), None);
    }
}
