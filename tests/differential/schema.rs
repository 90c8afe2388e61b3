//! Random schemas with data: tables with a key `id` whose values nobody else has, with indexes of every sort; one table with a
//! child, one that is partitioned, views.

use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::scope::Relation;
use crate::random::Random;

/// A relation that statements can name.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name, its columns and its key `id`.
    pub relation: Relation,
    /// The columns that have unique values, beside `id`.
    pub unique: Vec<String>,
    /// Columns that must stay: a view has them, or they tell partitions apart.
    pub kept: Vec<String>,
    /// Whether it is a table with an index that ON CONFLICT can infer from `id`.
    pub has_key: bool,
    /// Whether it is no view.
    pub is_table: bool,
    /// Rows that the first table had when this one was made.
    pub parents: i64,
}

/// Relations and how they are made.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// What can be named.
    pub tables: Vec<Table>,
    /// The statements that make it.
    pub setup: Vec<Phrase>,
    /// The last `id` that a row has.
    pub last_id: i64,
    parents: i64,
    indexes: u32,
}

/// The column that refers to the first table.
const PARENT: &str = "parent";
/// The column that the server computes.
const GENERATED: &str = "gen";

impl Table {
    /// Whether a column may have any value.
    pub fn is_free(&self, column: &str) -> bool {
        !["id", PARENT, GENERATED].contains(&column) && !self.unique.iter().any(|unique| unique == column)
    }

    /// The columns that an INSERT gives.
    pub fn given(&self) -> Vec<(String, Kind)> {
        self.relation.columns.iter().filter(|(name, _)| name != GENERATED).cloned().collect()
    }

    /// `INSERT INTO t (id, i1, …)`
    pub fn insert_into(&self) -> String {
        let names: Vec<String> = self.given().into_iter().map(|(name, _)| name).collect();
        format!("INSERT INTO {} ({})", self.relation.name, names.join(", "))
    }
}

/// How many rows a table may have that is made from single values.
const FEW_ROWS: i64 = 40;

impl Schema {
    /// A random schema.
    pub fn random(random: &mut Random) -> Self {
        let mut schema = Schema::default();
        let labels: Vec<String> = Kind::MOODS.iter().map(|label| format!("'{label}'")).collect();
        schema.setup.push(Phrase::from(format!("CREATE TYPE mood AS ENUM ({})", labels.join(", "))));
        for number in 1..=2 + random.below(2) {
            schema.add_table(random, &format!("t{number}"));
        }
        if random.chance(60) {
            schema.add_child(random);
        }
        if random.chance(70) {
            schema.add_partitioned(random);
        }
        if random.chance(60) {
            schema.add_view(random);
        }
        if random.chance(60) {
            let names: Vec<String> =
                schema.tables.iter().filter(|table| table.is_table).map(|table| table.relation.name.clone()).collect();
            schema.setup.extend(names.iter().map(|name| Phrase::from(format!("ANALYZE {name}"))));
        }
        schema
    }

    /// The relation of a name.
    pub fn table_mut(&mut self, name: &str) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.relation.name == name)
    }

    fn add_table(&mut self, random: &mut Random, name: &str) {
        let columns = random_columns(random);
        let unique = if random.chance(50) { vec!["u".to_owned()] } else { Vec::new() };
        let key = random.pick(&["int PRIMARY KEY", "int PRIMARY KEY", "bigint PRIMARY KEY", "int UNIQUE NOT NULL"]);
        let id = if key.starts_with("bigint") { Kind::Big } else { Kind::Int };
        let mut definitions = vec![Phrase::from(format!("id {key}"))];
        definitions.extend(unique.iter().map(|name| Phrase::from(format!("{name} int UNIQUE"))));
        definitions.extend(columns.iter().map(|(name, kind)| Phrase::from(format!("{name} {}", kind.column_type()))));
        if random.chance(25) {
            definitions.push(Phrase::from("CHECK (i1 < 1000 OR i2 IS NULL)"));
        }
        let mut all = vec![("id".to_owned(), id)];
        all.extend(unique.iter().map(|name| (name.clone(), Kind::Int)));
        all.extend(columns);
        if random.chance(25) && self.parents > 0 {
            let action = random.pick(&["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON DELETE NO ACTION"]);
            let other = &self.tables[0].relation.name;
            definitions.push(Phrase::from(format!("{PARENT} int REFERENCES {other} (id){action}")));
            all.push((PARENT.to_owned(), Kind::Int));
        }
        if random.chance(25) {
            definitions.push(Phrase::from(format!("{GENERATED} int GENERATED ALWAYS AS (i1 * 2 + 1) STORED")));
            all.push((GENERATED.to_owned(), Kind::Int));
        }
        self.setup.push(phrase![format!("CREATE TABLE {name} ("), Phrase::list(definitions), ")"]);
        self.finish_table(random, name, all, unique);
    }

    /// Fills and indexes a table that has been made.
    fn finish_table(&mut self, random: &mut Random, name: &str, all: Vec<(String, Kind)>, unique: Vec<String>) {
        let relation = Relation { name: name.to_owned(), columns: all, key: vec!["id".to_owned()], rows: 0 };
        let table = Table { relation, unique, kept: Vec::new(), has_key: true, is_table: true, parents: self.parents };
        self.tables.push(table);
        let rows = self.fill(random, self.tables.len() - 1);
        if self.tables.len() == 1 {
            self.parents = self.last_id;
        }
        let at = self.tables.len() - 1;
        self.tables[at].relation.rows = rows;
        for _ in 0..random.below(4) {
            let index = self.random_index(random, at);
            self.setup.push(index);
        }
    }

    fn add_child(&mut self, random: &mut Random) {
        let parent = self.tables[0].clone();
        let name = "c1";
        self.setup
            .push(Phrase::from(format!("CREATE TABLE {name} (PRIMARY KEY (id)) INHERITS ({})", parent.relation.name)));
        self.tables.push(Table { relation: parent.relation.named(name), ..parent });
        let at = self.tables.len() - 1;
        let rows = self.fill(random, at);
        self.tables[at].relation.rows = rows;
        self.tables[0].relation.rows += rows;
        // A key of the parent says nothing of the child's rows.
        self.tables[0].has_key = false;
    }

    fn add_partitioned(&mut self, random: &mut Random) {
        let name = "p1";
        let columns = random_columns(random);
        let by_id = random.chance(50);
        let (strategy, parts): (&str, Vec<String>) = match (by_id, random.below(2)) {
            (true, 0) => (
                "RANGE (id)",
                (0..3)
                    .map(|n| format!("FOR VALUES FROM ({}) TO ({})", self.last_id + n * 10, self.last_id + n * 10 + 10))
                    .collect(),
            ),
            (true, _) => ("HASH (id)", (0..3).map(|n| format!("FOR VALUES WITH (MODULUS 3, REMAINDER {n})")).collect()),
            (false, 0) => {
                ("LIST (i1)", vec!["FOR VALUES IN (0, 1, 2)".to_owned(), "FOR VALUES IN (3, NULL)".to_owned()])
            }
            (false, _) => (
                "RANGE (i1)",
                vec!["FOR VALUES FROM (MINVALUE) TO (0)".to_owned(), "FOR VALUES FROM (0) TO (5)".to_owned()],
            ),
        };
        let key = if by_id { "id int PRIMARY KEY" } else { "id int" };
        let definitions: Vec<String> = std::iter::once(key.to_owned())
            .chain(columns.iter().map(|(name, kind)| format!("{name} {}", kind.column_type())))
            .collect();
        self.setup
            .push(Phrase::from(format!("CREATE TABLE {name} ({}) PARTITION BY {strategy}", definitions.join(", "))));
        for (at, bounds) in parts.iter().enumerate() {
            self.setup.push(Phrase::from(format!("CREATE TABLE {name}_{at} PARTITION OF {name} {bounds}")));
        }
        if !strategy.starts_with("HASH") {
            self.setup.push(Phrase::from(format!("CREATE TABLE {name}_rest PARTITION OF {name} DEFAULT")));
        }
        let all = std::iter::once(("id".to_owned(), Kind::Int)).chain(columns).collect();
        self.finish_table(random, name, all, Vec::new());
        if let Some(table) = self.table_mut(name) {
            table.kept.push("i1".to_owned());
            table.has_key = by_id;
        }
    }

    fn add_view(&mut self, random: &mut Random) {
        let at = random.below(self.tables.len() as u64) as usize;
        let table = self.tables[at].clone();
        let mut columns: Vec<(String, Kind)> = table.relation.columns.clone();
        columns.retain(|(name, _)| name == "id" || table.unique.contains(name) || random.chance(75));
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let condition = random.pick(&[" WHERE i1 > 0", " WHERE i1 IS NOT NULL AND i2 <> 3", "", " WHERE id % 3 <> 1"]);
        self.setup.push(Phrase::from(format!(
            "CREATE VIEW v1 AS SELECT {} FROM {}{condition}",
            names.join(", "),
            table.relation.name
        )));
        self.tables[at].kept = table.relation.columns.iter().map(|(name, _)| name.clone()).collect();
        let relation = Relation { name: "v1".to_owned(), columns, ..table.relation };
        self.tables.push(Table { relation, is_table: false, ..table });
    }

    /// Puts rows into a table and says how many.
    fn fill(&mut self, random: &mut Random, at: usize) -> u64 {
        let rows = random.between(0, FEW_ROWS);
        let first = self.last_id + 1;
        self.last_id += rows;
        let table = self.tables[at].clone();
        if rows > 0 {
            let tuples = (first..=self.last_id).map(|id| row_of_constants(random, &table, id)).collect();
            self.setup.push(phrase![format!("{} VALUES ", table.insert_into()), Phrase::list(tuples)]);
        }
        if !random.chance(35) {
            return rows as u64;
        }
        // Rows enough for batches and hash tables.
        let many = random.pick(&[150, 260, 260, 300, 300, 300, 400, 1500]);
        let first = self.last_id + 1;
        self.last_id += many;
        self.setup.push(computed_rows(random, &table, first, self.last_id));
        (rows + many) as u64
    }

    /// A statement that makes an index of some sort.
    pub fn random_index(&mut self, random: &mut Random, at: usize) -> Phrase {
        let table = &self.tables[at];
        self.indexes += 1;
        let name = format!("x{}", self.indexes);
        let on = &table.relation.name;
        let columns = &table.relation.columns;
        let (first, kind) = random.pick(columns);
        let (second, _) = random.pick(columns);
        let order = random.pick(&["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
        Phrase::from(match random.below(7) {
            0 => format!("CREATE INDEX {name} ON {on} ({first}{order}, {second})"),
            1 => format!("CREATE INDEX {name} ON {on} ({first}) WHERE i1 > 2"),
            2 => format!("CREATE INDEX {name} ON {on} (({first} IS NULL), i2)"),
            3 => format!("CREATE INDEX {name} ON {on} ((i1 + i2))"),
            4 if matches!(kind, Kind::Json | Kind::Ints | Kind::Texts) => {
                format!("CREATE INDEX {name} ON {on} USING gin ({first})")
            }
            5 => format!("CREATE INDEX {name} ON {on} USING hash ({first})"),
            _ => format!("CREATE INDEX {name} ON {on} ({first}{order})"),
        })
    }
}

/// Columns beside the key: two integers always, others as it comes.
fn random_columns(random: &mut Random) -> Vec<(String, Kind)> {
    let mut columns = vec![("i1".to_owned(), Kind::Int), ("i2".to_owned(), Kind::Int)];
    for number in 3..3 + random.between(2, 6) {
        let kind = random.pick(&Kind::ALL);
        columns.push((format!("{}{number}", kind.letter()), kind));
    }
    columns
}

/// A value for a column of a new row.
pub(super) fn cell(random: &mut Random, table: &Table, id: i64, name: &str, kind: Kind) -> String {
    match name {
        "id" => id.to_string(),
        PARENT if random.chance(30) => "NULL".to_owned(),
        PARENT => random.between(1, table.parents.max(1)).to_string(),
        _ if table.unique.iter().any(|unique| unique == name) && random.chance(70) => (id * 3).to_string(),
        _ if table.unique.iter().any(|unique| unique == name) || random.chance(12) => "NULL".to_owned(),
        _ => {
            let value = kind.sample(random);
            kind.written(&value)
        }
    }
}

/// `(1, 'a', …)`
pub(super) fn row_of_constants(random: &mut Random, table: &Table, id: i64) -> Phrase {
    let cells: Vec<String> = table.given().iter().map(|(name, kind)| cell(random, table, id, name, *kind)).collect();
    Phrase::from(format!("({})", cells.join(", ")))
}

fn computed_rows(random: &mut Random, table: &Table, first: i64, last: i64) -> Phrase {
    let cells: Vec<String> = table
        .given()
        .iter()
        .map(|(name, kind)| match name.as_str() {
            "id" => "g".to_owned(),
            PARENT => format!("1 + g % {}", table.parents.max(1)),
            _ if table.unique.contains(name) => "g * 3".to_owned(),
            _ => {
                let choices = random.between(2, 9);
                let factor = random.pick(&[1, 7, 13]);
                let values: Vec<String> =
                    (1..choices).map(|at| format!("WHEN {at} THEN {}", kind.written(&kind.sample(random)))).collect();
                format!("CASE (g * {factor}) % {choices} {} END", values.join(" "))
            }
        })
        .collect();
    Phrase::from(format!("{} SELECT {} FROM generate_series({first}, {last}) g", table.insert_into(), cells.join(", ")))
}
