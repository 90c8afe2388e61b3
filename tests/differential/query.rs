//! Queries: SELECT with all its clauses, set operations, VALUES, WITH.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, Sort, phrase};
use super::scope::{Column, Relation, Scope};

/// A query whose ORDER BY is still to come.
struct Body {
    sql: Phrase,
    /// The number of its select list.
    list: u32,
    /// What ORDER BY can have besides positions.
    scope: Option<Scope>,
}

impl Generator {
    /// A query as a statement.
    pub fn statement_query(&mut self, depth: u32) -> Phrase {
        if self.chance(4) {
            let (from, scope) = self.from(&[], depth);
            let filter = self.filter(&scope, depth, 65);
            return Phrase::Part(Sort::Query(Vec::new()), Box::new(phrase!["SELECT * FROM ", from, filter]));
        }
        let kinds = self.kinds(4);
        self.query(&kinds, &[], depth, true)
    }

    /// A query over one table whose expression may fail for any of its rows.
    pub fn fallible_query(&mut self) -> Phrase {
        let table = self.any_table();
        let (name, kind) = self.random.pick(&table.columns);
        let column = || Phrase::from(&*name);
        // Without the column it could fail before there are rows.
        let value = match kind {
            Kind::Int | Kind::Big | Kind::Small => match self.below(5) {
                0 => phrase![self.constant(kind), " / ", column()],
                1 => phrase![column(), " % (", column(), " - ", self.small(-2, 9), ")"],
                2 => {
                    phrase![column(), " * ", self.random.pick(&["9000::smallint", "500000000", "4000000000000000000"])]
                }
                3 => phrase!["(", column(), ")::smallint * 400::smallint"],
                _ => phrase!["chr(", column(), "::int)"],
            },
            Kind::Text | Kind::Char => {
                let to = ["int", "boolean", "jsonb", "int[]", "mood", "numeric", "interval", "date", "float8", "bytea"];
                phrase!["(", column(), ")::text::", self.random.pick(&to)]
            }
            Kind::Float => match self.below(4) {
                0 => phrase!["sqrt(", column(), ")"],
                1 => phrase![column(), " * 1e300"],
                2 => phrase!["1 / ", column()],
                _ => phrase![column(), "::", self.random.pick(&["smallint", "int", "bigint", "numeric(4,2)"])],
            },
            Kind::Numeric => {
                phrase!["(", column(), " * 100)::", self.random.pick(&["smallint", "int", "numeric(4,1)"])]
            }
            Kind::Json => match self.below(3) {
                0 => phrase!["(", column(), ")::int"],
                1 => phrase!["jsonb_array_length(", column(), ")"],
                _ => phrase![column(), " - 'a'"],
            },
            Kind::Date => phrase![column(), " + 2147000000"],
            Kind::Moment | Kind::Stamp => phrase![column(), " + interval '290000 years'"],
            Kind::Ints | Kind::Texts => phrase!["array_cat(ARRAY[", column(), ", ", column(), "], ", column(), ")"],
            Kind::Range => phrase![column(), " + int4range(", self.small(-2, 3), ", 5)"],
            Kind::Bytes => phrase!["get_byte(", column(), ", 1)"],
            Kind::Bool | Kind::Mood | Kind::Interval => {
                phrase!["(", column(), ")::text::", self.random.pick(&["int", "date"])]
            }
        };
        phrase!["SELECT ", value, " FROM ", &*table.name]
    }

    /// A query whose columns have these types, and the names `c1`, `c2` … unless it is at the top.
    pub(super) fn query(&mut self, kinds: &[Kind], outer: &[Column], depth: u32, top: bool) -> Phrase {
        let made = if depth > 0 && self.chance(if top { 18 } else { 6 }) {
            self.with(kinds, outer, depth - 1, top)
        } else {
            self.ordered(kinds, outer, depth, top)
        };
        Phrase::Part(Sort::Query(kinds.to_vec()), Box::new(made))
    }

    /// A query that an expression has inside.
    pub(super) fn subquery(&mut self, kinds: &[Kind], scope: &Scope, depth: u32) -> Phrase {
        let saved = self.rows_limit;
        self.rows_limit = (saved / scope.rows.max(1)).max(5);
        let outer = scope.for_subqueries();
        let query = self.query(kinds, &outer, depth.saturating_sub(1), false);
        self.rows_limit = saved;
        query
    }

    /// A query for one value.
    pub(super) fn scalar_subquery(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        let saved = self.rows_limit;
        self.rows_limit = (saved / scope.rows.max(1)).max(5);
        let outer = scope.for_subqueries();
        let (from, inner) = self.from(&outer, depth.saturating_sub(1));
        let filter = self.filter(&inner, depth.saturating_sub(1), 80);
        self.rows_limit = saved;
        if self.chance(60) {
            let aggregate = self.aggregate_of(kind, &inner);
            return phrase!["(SELECT ", aggregate.sql, " FROM ", from, filter, ")"];
        }
        let value = self.value(kind, &inner, depth.saturating_sub(1).min(1));
        phrase!["(SELECT ", value, " FROM ", from, filter, " ORDER BY 1", self.direction(), " LIMIT 1)"]
    }

    /// `ARRAY(SELECT …)`
    pub(super) fn array_subquery(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        let saved = self.rows_limit;
        self.rows_limit = (saved / scope.rows.max(1)).max(5);
        let outer = scope.for_subqueries();
        let (from, inner) = self.from(&outer, depth.saturating_sub(1));
        self.rows_limit = saved;
        let filter = self.filter(&inner, 0, 80);
        phrase![
            "ARRAY(SELECT ",
            self.value(kind, &inner, 1),
            " FROM ",
            from,
            filter,
            " ORDER BY 1",
            self.direction(),
            " LIMIT 4)"
        ]
    }

    /// A WHERE clause or none.
    pub(super) fn filter(&mut self, scope: &Scope, depth: u32, percent: u64) -> Phrase {
        if !self.chance(percent) {
            return Phrase::empty();
        }
        Phrase::optional(phrase![" WHERE ", self.condition(scope, depth)])
    }

    fn with(&mut self, kinds: &[Kind], outer: &[Column], depth: u32, top: bool) -> Phrase {
        let known = self.named_queries.len();
        let mut items = Vec::new();
        let mut recursive = "";
        for _ in 0..1 + self.below(2) {
            let name = self.alias('w');
            let inner = self.kinds(3);
            let query = if self.chance(20) {
                recursive = "RECURSIVE ";
                self.recursive(&name, outer, depth)
            } else {
                let materialized = self.random.pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
                let query = self.query(&inner, outer, depth, false);
                let relation = Relation::of_query(&name, &inner, self.rows_made);
                let names: Vec<&str> = relation.columns.iter().map(|(name, _)| name.as_str()).collect();
                let sql = phrase![format!("{name}({}) AS {materialized}(", names.join(", ")), query, ")"];
                self.named_queries.push(relation);
                sql
            };
            items.push(query);
        }
        let main = self.ordered(kinds, outer, depth, top);
        self.named_queries.truncate(known);
        phrase![Phrase::optional(phrase![format!("WITH {recursive}"), Phrase::list(items), " "]), main]
    }

    /// A CTE that refers to itself, at most four deep.
    fn recursive(&mut self, name: &str, outer: &[Column], depth: u32) -> Phrase {
        let kind = self.kind();
        let relation = Relation {
            name: name.to_owned(),
            columns: vec![("n".to_owned(), Kind::Int), ("c2".to_owned(), kind)],
            key: vec!["n".to_owned(), "c2".to_owned()],
            rows: 60,
        };
        let (from, scope) = self.from(outer, 0);
        let start = phrase![
            "SELECT 1, ",
            self.value(kind, &scope, 1),
            " FROM ",
            from,
            self.filter(&scope, 0, 50),
            " ORDER BY 1, 2 LIMIT 5"
        ];
        let mut scope = Scope::inside(outer);
        let itself = relation.named(&self.alias('w'));
        scope.add(&itself);
        scope.rows = 20;
        let (join, limit) = if self.chance(60) {
            let tables: Vec<Relation> = self.schema.tables.iter().map(|table| table.relation.clone()).collect();
            let small: Vec<Relation> = tables.into_iter().filter(|table| table.rows <= 40).collect();
            let table = if small.is_empty() { None } else { Some(self.random.pick(&small)) };
            let other = table.map(|table| (table.named(&self.alias('r')), table.name));
            match other.and_then(|(other, table)| Some((self.equalities(&scope, &other)?, other, table))) {
                Some((condition, other, table)) => {
                    scope.add(&other);
                    (phrase![format!(" JOIN {table} AS {} ON ", other.name), condition], 3)
                }
                None => (Phrase::empty(), 4),
            }
        } else {
            (Phrase::empty(), 4)
        };
        let step = self.value(kind, &scope, depth.min(1));
        let union = self.random.pick(&["UNION", "UNION ALL"]);
        let own = &itself.name;
        let sql = phrase![
            format!("{name}(n, c2) AS (("),
            start,
            format!(") {union} SELECT {own}.n + 1, "),
            step,
            format!(" FROM {name} AS {own}"),
            join,
            format!(" WHERE {own}.n < {limit}"),
            Phrase::optional(phrase![" AND ", self.condition(&scope, 0)]),
            ")"
        ];
        self.named_queries.push(relation);
        sql
    }

    /// A query with or without ORDER BY and LIMIT.
    pub(super) fn ordered(&mut self, kinds: &[Kind], outer: &[Column], depth: u32, top: bool) -> Phrase {
        if depth > 0 && self.chance(6) {
            return self.distinct_on(kinds, outer, depth, top);
        }
        let body = if depth > 0 && self.chance(15) {
            self.set_operation(kinds, outer, depth - 1)
        } else if self.chance(4) {
            self.rows_made = 4;
            return self.values_list(kinds, &Scope::inside(outer));
        } else {
            self.select(kinds, outer, depth, top)
        };
        if !self.chance(if top { 55 } else { 15 }) {
            return body.sql;
        }
        if self.chance(8) {
            let ties = format!(" ORDER BY 1{} FETCH FIRST {} ROWS WITH TIES", self.direction(), self.below(6));
            return phrase![body.sql, Phrase::optional(Phrase::from(ties))];
        }
        let mut positions = self.positions(body.list, kinds, top);
        if let Some(scope) = body.scope.filter(|_| self.chance(30)) {
            let kind = self.kind_in(&scope);
            let first = phrase![self.value(kind, &scope, 1), self.direction(), ", "];
            let is_constant = !scope.columns.iter().any(|column| first.text().sql.contains(&column.sql.text().sql));
            if !is_constant {
                positions = phrase![Phrase::optional(first), positions];
            }
        }
        let mut limit = Phrase::empty();
        if self.chance(60) {
            let rows = self.random.pick(&[0, 1, 2, 3, 5, 10, 30]);
            self.rows_made = self.rows_made.min(rows);
            limit = Phrase::optional(Phrase::from(format!(" LIMIT {rows}")));
        }
        let mut offset = Phrase::empty();
        if self.chance(20) {
            offset = Phrase::optional(Phrase::from(format!(" OFFSET {}", self.below(5))));
        }
        phrase![body.sql, Phrase::optional(phrase![" ORDER BY ", positions, limit, offset])]
    }

    fn positions(&mut self, list: u32, kinds: &[Kind], top: bool) -> Phrase {
        let directions = kinds.iter().map(|_| self.direction()).collect();
        Phrase::Positions { list, directions, top }
    }

    fn set_operation(&mut self, kinds: &[Kind], outer: &[Column], depth: u32) -> Body {
        let left = self.select(kinds, outer, depth, false);
        let left_rows = self.rows_made;
        let operator = self.random.pick(&[
            " UNION ",
            " UNION ALL ",
            " UNION ALL ",
            " INTERSECT ",
            " EXCEPT ",
            " INTERSECT ALL ",
            " EXCEPT ALL ",
        ]);
        let right = if depth > 0 && self.chance(20) {
            self.set_operation(kinds, outer, depth - 1)
        } else {
            self.select(kinds, outer, depth, false)
        };
        self.rows_made += left_rows;
        let side = |body: Body| Phrase::Part(Sort::Query(kinds.to_vec()), Box::new(phrase!["(", body.sql, ")"]));
        let list = left.list;
        let (left, right) = (side(left), side(right));
        Body { sql: phrase![left, operator, right], list, scope: None }
    }

    fn distinct_on(&mut self, kinds: &[Kind], outer: &[Column], depth: u32, top: bool) -> Phrase {
        let (from, scope) = self.from(outer, depth - 1);
        let list = self.number();
        let items = self.items(kinds, &scope, depth, top);
        self.rows_made = scope.rows;
        let positions = self.positions(list, kinds, top);
        phrase![
            "SELECT DISTINCT ON (1) ",
            Phrase::List { number: list, separator: ", ", items, fewest: 1 },
            " FROM ",
            from,
            self.filter(&scope, depth, 50),
            " ORDER BY ",
            positions,
            Phrase::optional(Phrase::from(format!(" LIMIT {}", 1 + self.below(8))))
        ]
    }

    /// The items of a select list.
    fn items(&mut self, kinds: &[Kind], scope: &Scope, depth: u32, top: bool) -> Vec<Phrase> {
        let mut items = Vec::new();
        for (at, kind) in kinds.iter().enumerate() {
            let set = if self.chance(4) { self.set_call(*kind, scope) } else { None };
            let value = set.unwrap_or_else(|| self.value(*kind, scope, depth.min(3)));
            let named = !top || self.chance(30);
            items.push(if named { phrase![value, format!(" AS c{}", at + 1)] } else { value });
        }
        items
    }

    /// A function that returns a set, if there is one of the type.
    fn set_call(&mut self, kind: Kind, scope: &Scope) -> Option<Phrase> {
        let call = match kind {
            Kind::Int if self.chance(50) => phrase!["generate_series(1, ", self.leaf(Kind::Int, scope), " % 3)"],
            Kind::Int => phrase!["unnest(", self.leaf(Kind::Ints, scope), ")"],
            Kind::Text => phrase!["unnest(", self.leaf(Kind::Texts, scope), ")"],
            Kind::Json => phrase!["jsonb_path_query(", self.leaf(Kind::Json, scope), ", '$.*')"],
            _ => return None,
        };
        Some(Phrase::value(kind, call))
    }

    fn select(&mut self, kinds: &[Kind], outer: &[Column], depth: u32, top: bool) -> Body {
        let (from, scope) = self.from(outer, depth);
        let filter = self.filter(&scope, depth, 65);
        let grouped = depth > 0 && self.chance(28);
        let (scope, tail) = if grouped { self.grouped(&scope, depth - 1) } else { (scope, Phrase::empty()) };
        let mut scope = scope;
        if depth > 0 && self.chance(18) {
            let windows: Vec<Column> = (0..1 + self.below(2)).map(|_| self.window(&scope)).collect();
            scope.columns.extend(windows);
        }
        let distinct = self.random.pick(&["", "", "", "", "DISTINCT "]);
        let list = self.number();
        let items = self.items(kinds, &scope, depth, top);
        self.rows_made = scope.rows;
        let sql = phrase![
            "SELECT ",
            Phrase::optional(Phrase::from(distinct)),
            Phrase::List { number: list, separator: ", ", items, fewest: 1 },
            " FROM ",
            from,
            filter,
            tail
        ];
        let scope = (distinct.is_empty() && !grouped).then_some(scope);
        Body { sql, list, scope }
    }

    /// What a grouped query has, and its GROUP BY and HAVING clauses.
    fn grouped(&mut self, scope: &Scope, depth: u32) -> (Scope, Phrase) {
        let mut keys: Vec<Column> = Vec::new();
        for _ in 0..self.below(3) {
            let kind = self.kind_in(scope);
            let key = self.value(kind, scope, depth.min(1));
            let written = key.text().sql;
            let mut columns = scope.columns.iter().map(|column| (column.plain, column.sql.text().sql));
            // A constant would be a position.
            if columns.clone().any(|(_, sql)| written.contains(&sql)) {
                let is_plain = columns.any(|(plain, sql)| plain && written == sql);
                keys.push(Column { sql: key, kind, plain: is_plain });
            }
        }
        let sets = keys.len() == 2 && self.chance(25);
        let names: Vec<Phrase> = keys.iter().map(|key| key.sql.clone()).collect();
        let clause = match (&names[..], sets) {
            ([], _) => Phrase::empty(),
            ([first, second], true) => match self.below(4) {
                0 => phrase![" GROUP BY ROLLUP (", first, ", ", second, ")"],
                1 => phrase![" GROUP BY CUBE (", first, ", ", second, ")"],
                2 => phrase![" GROUP BY GROUPING SETS ((", first, "), (", second, "), ())"],
                _ => phrase![" GROUP BY ", first, ", ROLLUP (", second, ")"],
            },
            _ => phrase![" GROUP BY ", Phrase::list(names.clone())],
        };
        let identity = if sets { None } else { Some(names) };
        let mut columns = keys;
        if sets {
            let grouping = phrase!["grouping(", &columns[0].sql, ", ", &columns[1].sql, ")"];
            columns.push(Column { sql: Phrase::value(Kind::Int, grouping), kind: Kind::Int, plain: false });
        }
        for _ in 0..1 + self.below(3) {
            let aggregate = self.aggregate(scope);
            columns.push(aggregate);
        }
        let rows = if clause.is_empty() { 1 } else { scope.rows };
        let made = Scope { columns, outer: scope.outer.clone(), identity, rows, names: Vec::new() };
        let having = if self.chance(25) {
            Phrase::optional(phrase![" HAVING ", self.condition(&made, depth)])
        } else {
            Phrase::empty()
        };
        (made, phrase![clause, having])
    }
}
