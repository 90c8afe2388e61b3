//! A case: a schema with data, and statements one after another, all from one seed.

use super::generator::Generator;
use super::phrase::{Phrase, phrase};
use super::schema::Schema;
use crate::random::Random;

/// A statement and how it is sent.
#[derive(Clone, Debug)]
pub struct Step {
    /// The statement.
    pub phrase: Phrase,
    /// How it is sent.
    pub manner: Manner,
    /// The relation whose rows are compared afterwards.
    pub changes: Option<String>,
    /// Whether it may fail, and then with any error.
    pub any_error: bool,
}

/// How a statement is sent.
#[derive(Clone, Debug)]
pub enum Manner {
    /// As a query string with its constants in it.
    Text,
    /// As a prepared statement with parameters, run so many times with different values; the phrase is a statement that
    /// comes between two of them.
    Prepared { executions: u32, between: Option<Phrase>, binary: bool },
}

/// Statements of a case beside those that make its schema.
const STATEMENTS: u32 = 40;

impl Step {
    /// A query string.
    pub fn text(phrase: Phrase) -> Self {
        Step { phrase, manner: Manner::Text, changes: None, any_error: false }
    }

    /// Whether it can be run again and again.
    pub fn only_reads(&self) -> bool {
        self.changes.is_none()
            && matches!(self.manner, Manner::Text | Manner::Prepared { between: None, .. })
            && self.is_query()
    }

    fn is_query(&self) -> bool {
        matches!(self.phrase, Phrase::Part(..))
    }
}

/// The steps of a seed.
pub fn steps_of(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    // The first numbers of neighbouring seeds are much alike.
    (0..8).for_each(|_| {
        random.below(2);
    });
    let schema = Schema::random(&mut random);
    let mut steps: Vec<Step> = schema.setup.iter().cloned().map(Step::text).collect();
    let mut generator = Generator::new(random, schema);
    let mut savepoints = 0;
    let mut in_transaction = false;
    for number in 0..STATEMENTS {
        let depth = 1 + number * 4 / STATEMENTS;
        if generator.random.chance(6) {
            let statement = transaction_step(&mut generator, &mut in_transaction, &mut savepoints);
            steps.push(Step::text(Phrase::from(statement)));
        }
        let step = random_step(&mut generator, depth, in_transaction);
        steps.push(step);
    }
    steps
}

/// A step towards the end of a transaction, or its begin.
fn transaction_step(generator: &mut Generator, in_transaction: &mut bool, savepoints: &mut u32) -> String {
    if !*in_transaction {
        *in_transaction = true;
        return generator
            .random
            .pick(&["BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"])
            .to_owned();
    }
    match generator.random.below(4) {
        0 => {
            *savepoints += 1;
            "SAVEPOINT s".to_owned()
        }
        1 if *savepoints > 0 => "ROLLBACK TO s".to_owned(),
        2 => {
            (*in_transaction, *savepoints) = (false, 0);
            "ROLLBACK".to_owned()
        }
        _ => {
            (*in_transaction, *savepoints) = (false, 0);
            "COMMIT".to_owned()
        }
    }
}

fn random_step(generator: &mut Generator, depth: u32, in_transaction: bool) -> Step {
    let mut step = match generator.random.below(100) {
        // The generator would not know what a rollback has made of a definition.
        0..=5 if !in_transaction => return Step::text(generator.definition()),
        0..=24 => {
            let (phrase, table) = generator.change(depth.min(3));
            Step { changes: Some(table), ..Step::text(phrase) }
        }
        _ => Step::text(generator.statement_query(depth)),
    };
    if generator.random.chance(40) {
        let executions = generator.random.pick(&[1, 1, 2, 7]);
        let change = executions > 1 && !in_transaction && generator.random.chance(30);
        let between = if change { Some(generator.plan_change()) } else { None };
        step.manner = Manner::Prepared { executions, between, binary: generator.random.chance(30) };
    }
    step
}

impl Step {
    /// A query for all that the changed relation has.
    pub fn aftermath(&self) -> Option<String> {
        self.changes.as_ref().map(|table| phrase!["SELECT * FROM ", &**table].text().sql)
    }
}
