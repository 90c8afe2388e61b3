//! TABLESAMPLE: rows whose number, hashed with a seed, is below a threshold.
//!
//! The same seed gives the same rows as long as the table does not change.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use dictdb_planner::logical::SampleMethod;
use dictdb_storage::BLOCK_ROWS;
use dictdb_types::{Datum, Error, Result, SqlState};

use super::{Cursor, Node, Row};
use crate::access::columns::row_id;
use crate::eval::{Code, Scope};
use crate::runtime::Runtime;

/// Sample.
#[derive(Debug)]
pub(crate) struct Sample {
    /// The table's rows.
    pub input: Arc<dyn Node>,
    /// Input column with the row id.
    pub row_id: usize,
    /// How rows are chosen.
    pub method: SampleMethod,
    /// How many in a hundred.
    pub percent: Code,
    /// The seed.
    pub seed: Option<Code>,
}

/// Which rows are chosen.
#[derive(Clone, Copy)]
struct Choice {
    /// Hashes below it are in.
    threshold: u64,
    seed: u64,
}

impl Sample {
    /// 2202H, 2202G.
    fn choice(&self, rt: &Runtime, random: u64) -> Result<Choice> {
        let scope = Scope::new(rt, &[]);
        let percent = match self.percent.eval(scope)? {
            Datum::Float4(percent) => percent,
            _ => return Err(argument("TABLESAMPLE parameter cannot be null")),
        };
        if !(0.0..=100.0).contains(&percent) {
            return Err(argument("sample percentage must be between 0 and 100"));
        }
        let seed = match &self.seed {
            None => random,
            Some(code) => match code.eval(scope)? {
                Datum::Float8(seed) => seed.to_bits(),
                _ => {
                    let message = "TABLESAMPLE REPEATABLE parameter cannot be null";
                    return Err(Error::new(SqlState::INVALID_TABLESAMPLE_REPEAT, message));
                }
            },
        };
        let threshold = (f64::from(percent) / 100.0 * (1u64 << 32) as f64).round() as u64;
        Ok(Choice { threshold, seed })
    }
}

impl Choice {
    /// Whether the row or block of this number is in. The mixing is that of SplitMix64.
    fn takes(self, number: u64) -> bool {
        let mut hash = number.wrapping_add(self.seed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (hash ^ (hash >> 31)) >> 32 < self.threshold
    }
}

fn argument(message: &str) -> Error {
    Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, message)
}

impl Node for Sample {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
        Box::new(SampleCursor { input: self.input.clone().open(), node: self, random, choice: None })
    }
}

struct SampleCursor {
    node: Arc<Sample>,
    input: Box<dyn Cursor>,
    /// The seed of samples that are not repeatable.
    random: u64,
    choice: Option<Choice>,
}

impl Cursor for SampleCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let choice = match self.choice {
            Some(choice) => choice,
            None => *self.choice.insert(self.node.choice(rt, self.random)?),
        };
        while self.input.next(rt, row)? {
            let Some((member, id)) = row_id(row.get(self.node.row_id).unwrap_or(&Datum::Null))? else { continue };
            let number = match self.node.method {
                SampleMethod::Bernoulli => id.0,
                SampleMethod::System => id.0 / BLOCK_ROWS as u64,
            };
            let number = number ^ (member as u64) << u32::BITS;
            if choice.takes(number) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rows chosen stay the same for the whole execution, unless the arguments change.
    fn rescan(&mut self, rt: &Runtime) -> Result<()> {
        self.choice = None;
        self.input.rescan(rt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_takes_about_its_share() {
        let choice = Choice { threshold: 1 << 31, seed: 7 };
        let taken = (0..10_000).filter(|number| choice.takes(*number)).count();
        assert!((4_800..5_200).contains(&taken), "{taken}");
        assert!((0..1_000).all(|number| Choice { threshold: 1 << 32, seed: 7 }.takes(number)));
        assert!(!(0..1_000).any(|number| Choice { threshold: 0, seed: 7 }.takes(number)));
    }
}
