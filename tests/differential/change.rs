//! Statements that change rows: INSERT, UPDATE, DELETE and MERGE, alone and in WITH. What they do does not depend on the order
//! of rows: a row has at most one partner in UPDATE … FROM and MERGE, and unique columns get values that nothing else has.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::schema::{Table, row_of_constants};
use super::scope::{Relation, Scope};

/// Rows that one INSERT adds, at most.
const NEW_ROWS: i64 = 4;

impl Generator {
    /// A change, and the relation to look at afterwards.
    pub fn change(&mut self, depth: u32) -> (Phrase, String) {
        let table = self.changed_table();
        let name = table.relation.name.clone();
        let (sql, returned) = match self.below(10) {
            0 | 1 => self.insert(&table, depth),
            2 => self.insert_query(&table, depth),
            3..=5 => self.update(&table, depth),
            6 | 7 => self.delete(&table, depth),
            _ if table.is_table => (self.merge(&table, depth), Vec::new()),
            _ => self.update(&table, depth),
        };
        if returned.is_empty() || !self.chance(30) {
            return (sql, name);
        }
        // The changed rows as a relation of a query around, which sees the tables as they were.
        self.named_queries.push(Relation::of_query("changed", &returned, 20));
        let kinds = self.kinds(3);
        let query = self.ordered(&kinds, &[], depth.min(2), true);
        self.named_queries.clear();
        (phrase!["WITH changed(c1, c2) AS (", sql, ") ", query], name)
    }

    fn changed_table(&mut self) -> Table {
        let at = self.below(self.schema.tables.len());
        self.schema.tables[at].clone()
    }

    /// RETURNING with two columns, or nothing.
    fn returning(&mut self, scope: &Scope) -> (Phrase, Vec<Kind>) {
        if self.chance(45) {
            return (Phrase::empty(), Vec::new());
        }
        let kind = self.kind_in(scope);
        let (first, second) = (self.value(Kind::Int, scope, 1), self.value(kind, scope, 2));
        (Phrase::optional(phrase![" RETURNING ", first, ", ", second]), vec![Kind::Int, kind])
    }

    fn scope_of(&self, relation: &Relation) -> Scope {
        let mut scope = Scope::inside(&[]);
        scope.add(relation);
        scope.rows = relation.rows.max(1);
        scope
    }

    fn insert(&mut self, table: &Table, depth: u32) -> (Phrase, Vec<Kind>) {
        let count = self.random.between(1, NEW_ROWS);
        let mut rows = Vec::new();
        for _ in 0..count {
            let known = table.has_key && self.chance(30);
            let id = if known { self.random.between(1, self.schema.last_id.max(1)) } else { self.new_id() };
            // The same row twice would meet itself.
            rows.push((id, row_of_constants(&mut self.random, table, id)));
        }
        rows.sort_by_key(|(id, _)| *id);
        rows.dedup_by_key(|(id, _)| *id);
        let conflict = self.on_conflict(table, depth);
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        let scope = self.scope_of(&table.relation);
        let (returning, returned) = self.returning(&scope);
        let head = format!("{} VALUES ", table.insert_into());
        (phrase![head, Phrase::list(rows), conflict, returning], returned)
    }

    pub(super) fn new_id(&mut self) -> i64 {
        self.schema.last_id += 1;
        self.schema.last_id
    }

    /// ON CONFLICT, where there is a key to infer.
    fn on_conflict(&mut self, table: &Table, depth: u32) -> Phrase {
        if !table.has_key {
            return Phrase::empty();
        }
        match self.below(4) {
            0 => Phrase::from(" ON CONFLICT DO NOTHING"),
            1 => Phrase::from(" ON CONFLICT (id) DO NOTHING"),
            _ => {
                let scope = self.scope_of(&table.relation);
                let excluded = self.scope_of(&table.relation.named("excluded"));
                let both = Scope { columns: [scope.columns, excluded.columns].concat(), ..scope };
                let assignments = self.assignments(table, &both, depth.min(1));
                let filter = self.filter(&both, 0, 30);
                phrase![" ON CONFLICT (id) DO UPDATE SET ", assignments, filter]
            }
        }
    }

    fn insert_query(&mut self, table: &Table, depth: u32) -> (Phrase, Vec<Kind>) {
        // Ids that nobody has, in an order that only the query's own values tell.
        let kinds: Vec<Kind> =
            table.relation.columns.iter().filter(|(name, _)| table.is_free(name)).map(|(_, kind)| *kind).collect();
        let names: Vec<&str> =
            table.relation.columns.iter().map(|(name, _)| name.as_str()).filter(|name| table.is_free(name)).collect();
        let query = self.query(&kinds, &[], depth, false);
        let base = self.schema.last_id;
        self.schema.last_id += 8;
        let columns: Vec<String> = (1..=kinds.len()).map(|at| format!("c{at}")).collect();
        let bounded: Vec<String> =
            columns.iter().zip(&kinds).map(|(name, kind)| self.kept_small(*kind, name)).collect();
        let sql = phrase![
            format!(
                "INSERT INTO {} (id, {}) SELECT {base} + row_number() OVER (ORDER BY {}), {} FROM (",
                table.relation.name,
                names.join(", "),
                columns.join(", "),
                bounded.join(", ")
            ),
            query,
            format!(") AS q({}) ORDER BY {} LIMIT 8", columns.join(", "), columns.join(", "))
        ];
        let scope = self.scope_of(&table.relation);
        let (returning, returned) = self.returning(&scope);
        (phrase![sql, returning], returned)
    }

    /// An expression whose value a column can have without growing from statement to statement.
    fn kept_small(&self, kind: Kind, value: &str) -> String {
        match kind {
            Kind::Int | Kind::Big | Kind::Small => format!("{value} % 1000"),
            Kind::Numeric => format!("({value} % 1000)::numeric(10,2)"),
            Kind::Text => format!("left({value}, 20)"),
            Kind::Ints | Kind::Texts => format!("({value})[1:5]"),
            Kind::Bytes => format!("substr({value}, 1, 9)"),
            // A value that grows would be copied into itself.
            Kind::Json => format!("CASE WHEN length({value}::text) < 80 THEN {value} END"),
            _ => value.to_owned(),
        }
    }

    fn new_value(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        let value = self.value(kind, scope, depth);
        let value = match kind {
            Kind::Int | Kind::Big | Kind::Small => phrase!["(", value, ") % 1000"],
            Kind::Numeric => phrase!["((", value, ") % 1000)::numeric(10,2)"],
            Kind::Text => phrase!["left(", value, ", 20)"],
            Kind::Ints | Kind::Texts => phrase!["(", value, ")[1:5]"],
            Kind::Bytes => phrase!["substr(", value, ", 1, 9)"],
            Kind::Json => self.leaf(kind, scope),
            // They would come ever further from where others are.
            Kind::Date | Kind::Moment | Kind::Stamp | Kind::Interval => self.leaf(kind, scope),
            _ => value,
        };
        Phrase::value(kind, value)
    }

    /// `i1 = …, t3 = …`
    fn assignments(&mut self, table: &Table, scope: &Scope, depth: u32) -> Phrase {
        let mut items = Vec::new();
        let columns: Vec<(String, Kind)> =
            table.relation.columns.iter().filter(|(name, _)| table.is_free(name)).cloned().collect();
        let first = self.below(columns.len());
        for offset in 0..=self.below(2).min(columns.len() - 1) {
            let (name, kind) = columns[(first + offset) % columns.len()].clone();
            items.push(phrase![format!("{name} = "), self.new_value(kind, scope, depth)]);
        }
        if self.chance(12) {
            let kinds: Vec<Kind> = columns.iter().take(2).map(|(_, kind)| *kind).collect();
            let names: Vec<&str> = columns.iter().take(2).map(|(name, _)| name.as_str()).collect();
            let values = kinds.iter().map(|kind| self.new_value(*kind, scope, depth)).collect();
            let row = self.random.pick(&["ROW(", "(SELECT "]);
            return phrase![format!("({}) = {row}", names.join(", ")), Phrase::fixed_list(values), ")"];
        }
        Phrase::list(items)
    }

    fn update(&mut self, table: &Table, depth: u32) -> (Phrase, Vec<Kind>) {
        let relation = table.relation.named(&self.alias('u'));
        let mut scope = self.scope_of(&relation);
        let head = format!("UPDATE {} AS {} SET ", table.relation.name, relation.name);
        let (from, partner) = if self.chance(30) {
            self.partner(&relation, &mut scope, depth)
        } else {
            (Phrase::empty(), Phrase::empty())
        };
        let assignments = self.assignments(table, &scope, depth.min(2));
        let condition = self.changed_rows(&scope, &partner, depth);
        let from = if from.is_empty() { from } else { phrase![" FROM ", from] };
        let (returning, returned) = self.returning(&scope);
        (phrase![head, assignments, from, condition, returning], returned)
    }

    fn delete(&mut self, table: &Table, depth: u32) -> (Phrase, Vec<Kind>) {
        let relation = table.relation.named(&self.alias('u'));
        let mut scope = self.scope_of(&relation);
        let head = format!("DELETE FROM {} AS {}", table.relation.name, relation.name);
        let (using, partner) = if self.chance(30) {
            self.partner(&relation, &mut scope, depth)
        } else {
            (Phrase::empty(), Phrase::empty())
        };
        // A few rows at a time, so that some are left.
        let few = format!("{}.id % {} = {}", relation.name, self.random.pick(&[3, 5, 11]), self.below(3));
        let condition =
            self.changed_rows(&scope, &phrase![&partner, if partner.is_empty() { "" } else { " AND " }, few], depth);
        let using = if using.is_empty() { using } else { phrase![" USING ", using] };
        let (returning, returned) = self.returning(&scope);
        (phrase![head, using, condition, returning], returned)
    }

    /// WHERE with what must be and what may be.
    fn changed_rows(&mut self, scope: &Scope, must: &Phrase, depth: u32) -> Phrase {
        let may = self.condition(scope, depth.min(3));
        if must.is_empty() {
            return Phrase::optional(phrase![" WHERE ", may]);
        }
        phrase![" WHERE ", must, Phrase::optional(phrase![" AND ", may])]
    }

    /// Rows for a change to look at, one for each changed row at most: those of a table by its key, or of groups.
    fn partner(&mut self, relation: &Relation, scope: &mut Scope, depth: u32) -> (Phrase, Phrase) {
        let (sql, other, key) = self.keyed_source(depth);
        let kind = other.columns.iter().find(|(name, _)| *name == key).map_or(Kind::Int, |(_, kind)| *kind);
        let own = relation.of_kind(kind);
        if own.is_empty() {
            return (Phrase::empty(), Phrase::empty());
        }
        let own = if self.chance(50) { own[0].clone() } else { self.random.pick(&own) };
        let condition = phrase![relation.column(&own), " = ", other.column(&key)];
        scope.add(&other);
        (sql, condition)
    }

    /// A source with a column whose values are there once.
    fn keyed_source(&mut self, depth: u32) -> (Phrase, Relation, String) {
        let table = self.any_table();
        let groups = table.of_kind(Kind::Int);
        if self.chance(50) || groups.is_empty() {
            let other = table.named(&self.alias('r'));
            return (Phrase::from(format!("{} AS {}", table.name, other.name)), other, "id".to_owned());
        }
        let inner = table.named(&self.alias('r'));
        let scope = self.scope_of(&inner);
        let grouped = self.random.pick(&groups);
        let aggregate = self.aggregate(&scope);
        let name = self.alias('q');
        let other = Relation::of_query(&name, &[Kind::Int, aggregate.kind], 10);
        let filter = self.filter(&scope, depth.min(1), 50);
        let from = format!(" FROM {} AS {}", table.name, inner.name);
        let sql = phrase![
            "(SELECT ",
            inner.column(&grouped),
            ", ",
            aggregate.sql,
            from,
            filter,
            " GROUP BY 1) AS ",
            name,
            "(c1, c2)"
        ];
        (sql, other, "c1".to_owned())
    }

    fn merge(&mut self, table: &Table, depth: u32) -> Phrase {
        let relation = table.relation.named(&self.alias('u'));
        let mut scope = self.scope_of(&relation);
        let (source, condition) = self.partner(&relation, &mut scope, depth);
        if source.is_empty() {
            return self.update(table, depth).0;
        }
        let own = self.scope_of(&relation).columns.len();
        let source_scope = Scope { columns: scope.columns[own..].to_vec(), ..scope.clone() };
        let mut actions = Vec::new();
        let count = 1 + self.below(3);
        for number in 1..=count {
            // Nothing can follow one without a condition.
            let test = match number < count {
                true => phrase![" AND ", self.condition(&scope, 1)],
                false if self.chance(60) => Phrase::optional(phrase![" AND ", self.condition(&scope, 1)]),
                false => Phrase::empty(),
            };
            actions.push(match self.below(4) {
                0 => phrase![" WHEN MATCHED", test, " THEN DELETE"],
                1 => phrase![" WHEN MATCHED", test, " THEN DO NOTHING"],
                _ => phrase![" WHEN MATCHED", test, " THEN UPDATE SET ", self.assignments(table, &scope, 1)],
            });
        }
        if self.chance(50) {
            let test = if self.chance(60) {
                Phrase::optional(phrase![" AND ", self.condition(&source_scope, 1)])
            } else {
                Phrase::empty()
            };
            let value = self.new_value(Kind::Int, &source_scope, 1);
            // Nobody has a key below zero but the rows of this statement, told apart by their source's.
            let base = self.schema.last_id;
            let key = source_scope.columns[0].sql.clone();
            self.schema.last_id += 20_000;
            actions.push(phrase![
                " WHEN NOT MATCHED",
                test,
                format!(" THEN INSERT (id, i1) VALUES ({base} + 10000 + coalesce("),
                key,
                ", 9999), ",
                value,
                ")"
            ]);
        }
        let items = Phrase::List { number: 0, separator: "", items: actions, fewest: 1 };
        phrase![
            format!("MERGE INTO {} AS {} USING ", table.relation.name, relation.name),
            source,
            " ON ",
            condition,
            items
        ]
    }
}
