//! A case: a schema with data, and statements one after another, all from one seed.

use super::generator::Generator;
use super::phrase::{Phrase, phrase};
use super::schema::{Schema, Table};
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
    /// As a prepared statement with parameters.
    Prepared {
        /// How often it is run, each time with other values.
        executions: u32,
        /// A statement that comes between two of them.
        between: Option<Phrase>,
        /// Whether rows come in the binary format.
        binary: bool,
    },
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

/// Settings that lead to other plans, none of which may lead to other rows.
const SETTINGS: [&str; 18] = [
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "enable_nestloop = off",
    "enable_seqscan = off",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_bitmapscan = off",
    "enable_hashagg = off",
    "enable_sort = off",
    "enable_material = off",
    "enable_memoize = off",
    "enable_incremental_sort = off",
    "enable_partition_pruning = off",
    "enable_partitionwise_join = on",
    "join_collapse_limit = 1",
    "plan_cache_mode = force_generic_plan",
    "plan_cache_mode = force_custom_plan",
    "work_mem = '64kB'",
];

/// The steps of a seed.
pub fn steps_of(seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed);
    // The first numbers of neighbouring seeds are much alike.
    (0..8).for_each(|_| {
        random.below(2);
    });
    let schema = Schema::random(&mut random);
    let mut steps: Vec<Step> = schema.setup.iter().cloned().map(Step::text).collect();
    for setting in SETTINGS {
        if random.chance(8) {
            steps.push(Step::text(Phrase::from(format!("SET {setting}"))));
        }
    }
    let mut generator = Generator::new(random, schema);
    let mut transaction = Transaction::default();
    for number in 0..STATEMENTS {
        let depth = 1 + number * 4 / STATEMENTS;
        if generator.random.chance(7) {
            let statement = transaction.next(&mut generator);
            steps.push(Step::text(Phrase::from(statement)));
        }
        steps.push(random_step(&mut generator, depth, transaction.is_open()));
    }
    steps
}

/// Where a transaction can go back to.
#[derive(Default)]
struct Transaction {
    begun: Option<Vec<Table>>,
    savepoint: Option<Vec<Table>>,
}

impl Transaction {
    fn is_open(&self) -> bool {
        self.begun.is_some()
    }

    /// A step towards its end, or its begin.
    fn next(&mut self, generator: &mut Generator) -> &'static str {
        const BEGINS: [&str; 4] =
            ["BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"];
        if self.begun.is_none() {
            self.begun = Some(generator.schema.tables.clone());
            return generator.random.pick(&BEGINS);
        }
        let choice = generator.random.below(5);
        if choice < 2 {
            return match &self.savepoint {
                Some(tables) if choice == 0 => {
                    generator.schema.tables.clone_from(tables);
                    "ROLLBACK TO s"
                }
                _ => {
                    self.savepoint = Some(generator.schema.tables.clone());
                    "SAVEPOINT s"
                }
            };
        }
        self.savepoint = None;
        match self.begun.take() {
            Some(tables) if choice == 2 => {
                generator.schema.tables = tables;
                "ROLLBACK"
            }
            _ => "COMMIT",
        }
    }
}

fn random_step(generator: &mut Generator, depth: u32, in_transaction: bool) -> Step {
    let mut step = match generator.random.below(100) {
        0..=5 => return Step::text(generator.definition()),
        6..=24 => {
            let (phrase, table) = generator.change(depth.min(3));
            Step { changes: Some(table), ..Step::text(phrase) }
        }
        25..=28 => Step { any_error: true, ..Step::text(generator.fallible_query()) },
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
