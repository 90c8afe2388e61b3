//! FROM clauses: tables, subqueries, functions, and joins of every kind.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::scope::{Column, Relation, Scope};

/// Something in a FROM clause.
struct Source {
    sql: Phrase,
    relation: Relation,
    /// It refers to what stands before it.
    lateral: bool,
}

impl Generator {
    /// A FROM clause without its keyword, and what can be said about its rows.
    pub(super) fn from(&mut self, outer: &[Column], depth: u32) -> (Phrase, Scope) {
        let mut scope = Scope::inside(outer);
        let first = self.source(&Scope::inside(outer), depth, false);
        scope.add(&first.relation);
        scope.rows = first.relation.rows.max(1);
        let mut sql = first.sql;
        let joins = self.random.pick(&[0, 0, 1, 1, 1, 2, 2, 3]).min(depth as usize + 1);
        let mut last = first.relation;
        for number in 0..joins {
            let joined =
                if number == 0 && joins == 1 && self.chance(10) { self.using(&last, &mut scope) } else { None };
            let joined = joined.or_else(|| self.joined(&mut scope, depth, &mut last));
            if let Some(joined) = joined {
                sql = phrase![sql, Phrase::optional(joined)];
            }
        }
        (sql, scope)
    }

    /// A join with what stands before; `None` when that would have too many rows.
    fn joined(&mut self, scope: &mut Scope, depth: u32, last: &mut Relation) -> Option<Phrase> {
        if depth > 0 && self.chance(12) {
            return self.nested(scope, depth - 1);
        }
        let source = self.source(scope, depth, true);
        let equal = self.chance(85);
        let rows = if equal {
            joined_rows(scope.rows, source.relation.rows)
        } else {
            scope.rows * source.relation.rows.max(1)
        };
        if rows > self.rows_limit {
            return None;
        }
        let before = scope.clone();
        scope.add(&source.relation);
        scope.rows = rows;
        *last = source.relation.clone();
        if !equal && self.chance(30) {
            let separator = self.random.pick(&[" CROSS JOIN ", ", "]);
            // A comma binds less than JOIN: what follows it cannot refer to what is before it.
            if separator == " CROSS JOIN " {
                return Some(phrase![separator, source.sql]);
            }
        }
        let kind = if source.lateral {
            self.random.pick(&[" JOIN ", " LEFT JOIN "])
        } else if equal {
            self.random.pick(&[" JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "])
        } else {
            self.random.pick(&[" JOIN ", " LEFT JOIN ", " RIGHT JOIN "])
        };
        let condition = if equal { self.equalities(&before, &source.relation) } else { None };
        // It may be looked at for every pair.
        let pairs = Scope { rows: before.rows * source.relation.rows.max(1), ..scope.clone() };
        let condition = match condition {
            Some(condition) if self.chance(70) => condition,
            Some(condition) => {
                phrase![condition, Phrase::optional(phrase![" AND ", self.condition(&pairs, depth.min(2))])]
            }
            None if kind == " FULL JOIN " => Phrase::from("true"),
            None => self.condition(&pairs, depth.min(2)),
        };
        Some(phrase![kind, source.sql, " ON ", condition])
    }

    /// `JOIN (a JOIN b ON …) ON …`
    fn nested(&mut self, scope: &mut Scope, depth: u32) -> Option<Phrase> {
        let mut inner = Scope::inside(&scope.outer);
        let first = self.source(&Scope::inside(&scope.outer), depth, false);
        let second = self.source(&Scope::inside(&scope.outer), depth, false);
        let rows = joined_rows(first.relation.rows, second.relation.rows);
        let all = joined_rows(scope.rows, rows);
        if all > self.rows_limit {
            return None;
        }
        inner.add(&first.relation);
        let condition = self.equalities(&inner, &second.relation)?;
        let within = self.random.pick(&[" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "]);
        let around = self.random.pick(&[" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "]);
        let outer = self.equalities(scope, &first.relation)?;
        scope.add(&first.relation);
        scope.add(&second.relation);
        scope.rows = all;
        Some(phrase![
            around,
            "(",
            first.sql,
            Phrase::optional(phrase![within, second.sql, " ON ", condition]),
            ") ON ",
            outer
        ])
    }

    /// `JOIN t USING (id)`
    fn using(&mut self, last: &Relation, scope: &mut Scope) -> Option<Phrase> {
        let table = self.any_table();
        if !last.columns.iter().any(|(name, kind)| name == "id" && *kind == table.columns[0].1) {
            return None;
        }
        let relation = table.named(&self.alias('r'));
        let sql = phrase![format!("{} AS {}", table.name, relation.name)];
        scope.add(&relation);
        let merged = Phrase::value(relation.columns[0].1, Phrase::from("id"));
        scope.columns.push(Column { sql: merged, kind: relation.columns[0].1, plain: false });
        scope.rows = scope.rows.max(relation.rows);
        let kind = self.random.pick(&["JOIN ", "LEFT JOIN ", "RIGHT JOIN ", "FULL JOIN "]);
        if self.chance(25) {
            return Some(phrase![" NATURAL ", kind, sql]);
        }
        Some(phrase![" ", kind, sql, " USING (id)"])
    }

    /// Columns of both sides are equal; `None` when there are none of one type.
    pub(super) fn equalities(&mut self, left: &Scope, right: &Relation) -> Option<Phrase> {
        let mut items = Vec::new();
        for _ in 0..1 + self.below(2) {
            let (name, kind) = self.random.pick(&right.columns);
            let name = if self.chance(30) { right.columns[0].0.clone() } else { name };
            let kind = right.columns.iter().find(|(other, _)| *other == name).map_or(kind, |(_, kind)| *kind);
            let own: Vec<Phrase> = left
                .columns
                .iter()
                .filter(|column| column.kind == kind && column.plain)
                .map(|column| column.sql.clone())
                .collect();
            if !own.is_empty() {
                items.push(phrase![self.random.pick(&own), " = ", right.column(&name)]);
            }
        }
        (!items.is_empty()).then_some(Phrase::List { number: 0, separator: " AND ", items, fewest: 1 })
    }

    /// A table or view of the schema.
    pub(super) fn any_table(&mut self) -> Relation {
        let tables: Vec<Relation> = self.schema.tables.iter().map(|table| table.relation.clone()).collect();
        self.random.pick(&tables)
    }

    fn source(&mut self, before: &Scope, depth: u32, joined: bool) -> Source {
        if !self.named_queries.is_empty() && self.chance(40) {
            let known = self.named_queries.clone();
            let query = self.random.pick(&known);
            let relation = query.named(&self.alias('w'));
            return Source { sql: phrase![query.name, " AS ", &*relation.name], relation, lateral: false };
        }
        match self.below(20) {
            0..=3 if depth > 0 => self.subquery_source(before, depth - 1, joined),
            4 => self.function_source(before, joined),
            5 if depth > 0 => self.values_source(before),
            _ => self.table_source(before),
        }
    }

    fn table_source(&mut self, before: &Scope) -> Source {
        let tables = self.schema.tables.iter().map(|table| table.relation.clone());
        let fitting: Vec<Relation> = tables.filter(|table| table.rows <= self.rows_limit).collect();
        if fitting.is_empty() {
            return self.values_source(before);
        }
        let table = self.random.pick(&fitting);
        let relation = table.named(&self.alias('r'));
        Source { sql: phrase![table.name, " AS ", &*relation.name], relation, lateral: false }
    }

    fn subquery_source(&mut self, before: &Scope, depth: u32, joined: bool) -> Source {
        let lateral = joined && self.chance(40);
        let outer = if lateral { before.for_subqueries() } else { before.outer.clone() };
        let kinds = self.kinds(3);
        let saved = self.rows_limit;
        if lateral {
            self.rows_limit = (saved / before.rows.max(1)).max(5);
        }
        let query = self.query(&kinds, &outer, depth, false);
        let rows = self.rows_made;
        self.rows_limit = saved;
        let relation = Relation::of_query(&self.alias('q'), &kinds, rows);
        let names: Vec<&str> = relation.columns.iter().map(|(name, _)| name.as_str()).collect();
        let keyword = if lateral { "LATERAL " } else { "" };
        let sql = phrase![keyword, "(", query, ") AS ", &*relation.name, format!("({})", names.join(", "))];
        Source { sql, relation, lateral }
    }

    fn function_source(&mut self, before: &Scope, joined: bool) -> Source {
        let name = self.alias('s');
        let scope = if joined { before.clone() } else { Scope::inside(&before.outer) };
        let (call, kind, rows) = match self.below(5) {
            0 => (
                phrase!["generate_series(", self.small(-1, 1), ", ", self.leaf(Kind::Int, &scope), " % 4)"],
                Kind::Int,
                3,
            ),
            1 => (phrase!["unnest(", self.leaf(Kind::Ints, &scope), ")"], Kind::Int, 3),
            2 => (phrase!["unnest(", self.leaf(Kind::Texts, &scope), ")"], Kind::Text, 3),
            3 => (phrase!["jsonb_path_query(", self.leaf(Kind::Json, &scope), ", '$.*')"], Kind::Json, 2),
            _ => (phrase!["string_to_table(", self.leaf(Kind::Text, &scope), ", 'b')"], Kind::Text, 2),
        };
        let mut relation = Relation::of_query(&name, &[kind], rows);
        let tail = if self.chance(40) {
            relation.columns.push(("c2".to_owned(), Kind::Big));
            relation.key.push("c2".to_owned());
            format!(" WITH ORDINALITY AS {name}(c1, c2)")
        } else {
            format!(" AS {name}(c1)")
        };
        Source { sql: phrase![call, tail], relation, lateral: joined }
    }

    fn values_source(&mut self, before: &Scope) -> Source {
        let kinds = self.kinds(3);
        let rows = self.values_list(&kinds, &Scope::inside(&before.outer));
        let relation = Relation::of_query(&self.alias('v'), &kinds, 4);
        let names: Vec<&str> = relation.columns.iter().map(|(name, _)| name.as_str()).collect();
        Source {
            sql: phrase!["(", rows, ") AS ", &*relation.name, format!("({})", names.join(", "))],
            relation,
            lateral: false,
        }
    }

    /// `VALUES (…), (…)`
    pub(super) fn values_list(&mut self, kinds: &[Kind], scope: &Scope) -> Phrase {
        let rows = (0..1 + self.below(4))
            .map(|_| {
                let cells = kinds.iter().map(|kind| self.leaf(*kind, scope)).collect();
                phrase!["(", Phrase::fixed_list(cells), ")"]
            })
            .collect();
        phrase!["VALUES ", Phrase::list(rows)]
    }
}

/// How many rows a join by equality has, about.
fn joined_rows(left: u64, right: u64) -> u64 {
    (left.max(1) * right.max(1) / 6).max(left).max(right)
}
