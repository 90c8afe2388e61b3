//! Access to tables, functions, CTEs and rows of constants.

use dictdb_parser::{Lexeme, LexemeKind, lexemes};
use dictdb_types::{oids, quote_identifier};

use super::label::{Label, Prefix};
use super::*;
use crate::bind::cursor_of;
use crate::physical::{Bitmap, ReadOrder, TidCondition, TidTest, Tids};

impl Describer<'_> {
    /// A node that reads; `None` for any other.
    pub(super) fn scan(&mut self, node: &Node, shown: &mut ExplainNode) -> Option<Labels> {
        Some(match &node.op {
            Op::SeqScan { table, tids, .. } => {
                kind(
                    shown,
                    match tids {
                        None => "Seq Scan",
                        Some(Tids::Named(_)) => "Tid Scan",
                        Some(Tids::Range(_)) => "Tid Range Scan",
                    },
                );
                self.table_scan(node, table, shown)
            }
            Op::VirtualScan { table, .. } if self.is_transition(table) => {
                kind(shown, "Named Tuplestore Scan");
                self.own_names(node)
            }
            Op::VirtualScan { table, .. } => {
                kind(shown, "Seq Scan");
                self.table_scan(node, table, shown)
            }
            Op::IndexScan { table, index, bounds, order: ReadOrder::Table, .. } => {
                kind(shown, "Bitmap Heap Scan");
                let labels = self.table_scan(node, table, shown);
                let search = Bitmap::Ranges { index: index.clone(), bounds: bounds.clone() };
                shown.children.push(child("Outer", self.bitmap(node, &search, &labels)));
                labels
            }
            Op::IndexScan { table, index, order, fetch, .. } => {
                self.by_index(index, *order == ReadOrder::Backward, fetch, shown);
                self.table_scan(node, table, shown)
            }
            Op::BitmapScan { table, bitmap, .. } => {
                kind(shown, "Bitmap Heap Scan");
                let labels = self.table_scan(node, table, shown);
                shown.children.push(child("Outer", self.bitmap(node, bitmap, &labels)));
                labels
            }
            Op::Values { rows } => self.values(node, rows, shown),
            Op::FunctionScan { calls, .. } => self.functions(node, calls, shown),
            Op::CteScan { cte, .. } | Op::WorkTable { cte, .. } => {
                let is_scan = matches!(node.op, Op::CteScan { .. });
                kind(shown, if is_scan { "CTE Scan" } else { "WorkTable Scan" });
                let name = self.plan.ctes.get(*cte).map_or("?", |cte| &cte.name).to_owned();
                let alias = self.naming.alias(node).to_owned();
                shown.target = target(&name, &alias, None);
                shown.attributes.push(("CTE Name", name));
                shown.attributes.push(("Alias", alias));
                self.own_names(node)
            }
            _ => return None,
        })
    }

    /// Whether a table is one of the rows that a trigger is about.
    fn is_transition(&self, table: &TableRef) -> bool {
        self.cx.transient.iter().any(|transient| transient.oid == table.relation.oid)
    }

    /// The search of an index that rows are read by.
    pub(super) fn by_index(&self, index: &Relation, reverse: bool, fetch: &Fetch, shown: &mut ExplainNode) {
        kind(shown, if fetch.from_keys { "Index Only Scan" } else { "Index Scan" });
        let direction = if reverse { " Backward" } else { "" };
        shown.target = format!("{direction} using {}", dictdb_types::quote_identifier(&index.name));
        shown.attributes.push(("Scan Direction", if reverse { "Backward" } else { "Forward" }.into()));
        shown.attributes.push(("Index Name", index.name.to_string()));
    }

    fn table_scan(&self, node: &Node, table: &TableRef, shown: &mut ExplainNode) -> Labels {
        self.relation(node, table, shown);
        self.own_names(node)
    }

    /// The table that a node reads or changes, by the name it has in this plan.
    pub(super) fn relation(&self, node: &Node, table: &TableRef, shown: &mut ExplainNode) {
        shown.target.push_str(&self.table(node, table));
        shown.attributes.extend(self.relation_attributes(node, table));
    }

    pub(super) fn relation_attributes(&self, node: &Node, table: &TableRef) -> Vec<(&'static str, String)> {
        let mut attributes = vec![("Relation Name", table.relation.name.to_string())];
        if self.options.verbose {
            attributes.push(("Schema", self.schema(table.relation.namespace)));
        }
        attributes.push(("Alias", self.naming.alias(node).to_owned()));
        attributes
    }

    fn schema(&self, schema: dictdb_types::Oid) -> String {
        self.cx.env.reg_out(dictdb_types::RegKind::Namespace, schema)
    }

    pub(super) fn table(&self, node: &Node, table: &TableRef) -> String {
        let schema = self.options.verbose.then(|| self.schema(table.relation.namespace));
        target(&table.relation.name, self.naming.alias(node), schema.as_deref())
    }

    /// The columns of a scan under its alias.
    pub(super) fn own_names(&self, node: &Node) -> Labels {
        let alias = self.naming.alias(node);
        node.names.iter().map(|name| Label::column(alias, shown_name(name))).collect()
    }

    fn functions(&mut self, node: &Node, calls: &[(Expr, Option<usize>)], shown: &mut ExplainNode) -> Labels {
        if let [(Expr::Call(call), _)] = calls
            && crate::xml_table::XmlTable::of(call).is_some()
        {
            return self.table_function(node, &calls[0].0, shown);
        }
        kind(shown, "Function Scan");
        let alias = self.naming.alias(node).to_owned();
        let function = match calls {
            [(Expr::Call(call), _)] => Some(&call.function),
            _ => None,
        };
        let schema = function.filter(|_| self.options.verbose).map(|function| {
            let own = self.cx.catalog.routine(function.oid).map(|routine| routine.namespace);
            own.map_or_else(|| "pg_catalog".to_owned(), |schema| self.schema(schema))
        });
        shown.target = target(function.map_or(&*alias, |function| &*function.name), &alias, schema.as_deref());
        if let Some(function) = function {
            shown.attributes.push(("Function Name", function.name.to_string()));
            shown.attributes.extend(schema.map(|schema| ("Schema", schema)));
        }
        shown.attributes.push(("Alias", alias));
        if self.options.verbose {
            let calls = calls.iter().map(|(call, _)| self.text(call, &[], Prefix::Yes)).collect::<Vec<_>>();
            shown.properties.push(("Function Call", Value::Text(calls.join(", "))));
        }
        self.subplans_in(node, &[], shown);
        self.own_names(node)
    }

    /// `XMLTABLE`.
    fn table_function(&mut self, node: &Node, call: &Expr, shown: &mut ExplainNode) -> Labels {
        kind(shown, "Table Function Scan");
        let alias = self.naming.alias(node).to_owned();
        shown.target = target("xmltable", &alias, None);
        shown.attributes.push(("Table Function Name", "xmltable".to_owned()));
        shown.attributes.push(("Alias", alias));
        if self.options.verbose {
            let call = self.text(call, &[], Prefix::Yes);
            shown.properties.push(("Table Function Call", Value::Text(call)));
        }
        self.subplans_in(node, &[], shown);
        self.own_names(node)
    }

    fn values(&mut self, node: &Node, rows: &[Vec<Expr>], shown: &mut ExplainNode) -> Labels {
        self.subplans_in(node, &[], shown);
        match rows {
            [row] => {
                kind(shown, "Result");
                row.iter().map(|expr| self.label(expr, &[])).collect()
            }
            [] => {
                kind(shown, "Result");
                shown.properties.push(("One-Time Filter", Value::Text("false".into())));
                node.names.iter().map(|name| Label::nameless(shown_name(name))).collect()
            }
            _ => {
                kind(shown, "Values Scan");
                let alias = self.naming.alias(node);
                shown.target = target(alias, alias, None);
                shown.attributes.push(("Alias", alias.to_owned()));
                (1..=node.columns.len()).map(|at| Label::column(alias, &format!("column{at}"))).collect()
            }
        }
    }

    /// Conditions of scans.
    pub(super) fn conditions(&mut self, node: &Node, labels: &Labels, shown: &mut ExplainNode) {
        let prefix = self.scan_prefix();
        match &node.op {
            Op::SeqScan { tids: Some(tids), .. } => {
                shown.properties.push(("TID Cond", Value::Text(self.tid_condition(node, tids, prefix))));
            }
            Op::IndexScan { table, index, bounds, order, fetch, .. } => {
                let searched = Searched { alias: self.naming.alias(node), table, fetch, names: &node.names };
                let condition = self.searched_for(bounds, &searched, index, &[]);
                let label = if *order == ReadOrder::Table { "Recheck Cond" } else { "Index Cond" };
                if !condition.is_empty() {
                    shown.properties.push((label, Value::Text(condition)));
                }
            }
            Op::BitmapScan { recheck, .. } => {
                shown.properties.push(("Recheck Cond", Value::Text(self.text(recheck, labels, prefix))));
            }
            _ => {}
        }
        let (Op::SeqScan { filter, .. }
        | Op::IndexScan { filter, .. }
        | Op::BitmapScan { filter, .. }
        | Op::VirtualScan { filter, .. }) = &node.op
        else {
            return;
        };
        if let Some(filter) = filter {
            shown.properties.push(("Filter", Value::Text(self.text(filter, labels, prefix))));
        }
        if let Op::IndexScan { fetch, .. } = &node.op {
            show_heap_fetches(fetch, shown);
        }
        self.subplans_in(node, labels, shown);
    }

    /// What conditions on `ctid` say.
    fn tid_condition(&self, node: &Node, tids: &Tids, prefix: Prefix) -> String {
        let own = Label::column(self.naming.alias(node), "ctid");
        let own = self.text(&Expr::Input(0, Type::new(oids::TID)), &[own], prefix);
        let one = |condition: &TidCondition| {
            if let Some(cursor) = cursor_of(&condition.value) {
                return format!("CURRENT OF {}", quote_identifier(cursor));
            }
            let value = self.text(&condition.value, &[], prefix);
            match (condition.test, condition.commuted) {
                (TidTest::EqualAny, _) => format!("({own} = ANY ({value}))"),
                (test, false) => format!("({own} {} {value})", test.symbol()),
                (test, true) => format!("({value} {} {own})", crate::condition::commuted(test.symbol())),
            }
        };
        let texts: Vec<String> = tids.conditions().iter().map(one).collect();
        match tids {
            Tids::Named(_) if texts.len() > 1 => format!("({})", texts.join(" OR ")),
            _ => conjunction(texts),
        }
    }

    /// The condition of the searches of an index; values are over `outer`.
    pub(super) fn searched_for(
        &self,
        bounds: &[IndexBounds],
        table: &Searched<'_>,
        index: &Relation,
        outer: &[Label],
    ) -> String {
        let texts: Vec<String> = bounds.iter().map(|bounds| self.bounds(bounds, table, index, outer)).collect();
        match texts.len() {
            1 => texts.concat(),
            _ => format!("({})", texts.join(" OR ")),
        }
    }

    /// The condition of one search of an index; values are over `outer`.
    fn bounds(&self, bounds: &IndexBounds, table: &Searched<'_>, index: &Relation, outer: &[Label]) -> String {
        let Some(info) = index.index() else { return String::new() };
        let prefix = self.scan_prefix();
        let name = |position: usize| match info.keys.get(position).map(|key| &key.target) {
            Some(IndexTarget::Column(attnum)) => table.column(*attnum).map_or_else(String::new, |(name, ty)| {
                self.text(&Expr::Input(0, ty), &[Label::column(table.alias, name)], prefix)
            }),
            Some(IndexTarget::Expression(text)) => self.on_path(text),
            None => String::new(),
        };
        let value = |expr: &Expr| match outer {
            [] => self.text(expr, outer, prefix),
            outer => self.text(expr, outer, Prefix::Yes),
        };
        let mut parts: Vec<String> =
            bounds.equal.iter().enumerate().map(|(i, expr)| format!("({} = {})", name(i), value(expr))).collect();
        let next = bounds.equal.len();
        if let Some(array) = &bounds.any {
            parts.push(format!("({} = ANY ({}))", name(next), value(array)));
        }
        if bounds.is_null || bounds.not_null {
            parts.push(format!("({} IS {}NULL)", name(next), if bounds.not_null { "NOT " } else { "" }));
        }
        if let Some((lower, inclusive)) = &bounds.lower {
            parts.push(format!("({} {} {})", name(next), if *inclusive { ">=" } else { ">" }, value(lower)));
        }
        if let Some((upper, inclusive)) = &bounds.upper {
            parts.push(format!("({} {} {})", name(next), if *inclusive { "<=" } else { "<" }, value(upper)));
        }
        if parts.is_empty() { String::new() } else { conjunction(parts) }
    }

    /// A stored text with the schemas left out of the functions that are found without.
    fn on_path(&self, text: &str) -> String {
        let lexemes = lexemes(text).map(|(found, _)| found).unwrap_or_default();
        let mut shown = String::with_capacity(text.len());
        let mut copied = 0;
        for window in lexemes.windows(4) {
            let [schema, dot, name, open] = window else { continue };
            let is = |symbol: &Lexeme, wanted: &str| text.get(symbol.start..symbol.end) == Some(wanted);
            if is(dot, ".") && is(open, "(") && schema.start >= copied && self.is_on_path(&schema.kind, &name.kind) {
                shown.push_str(&text[copied..schema.start]);
                copied = name.start;
            }
        }
        shown.push_str(&text[copied..]);
        shown
    }

    fn is_on_path(&self, schema: &LexemeKind, name: &LexemeKind) -> bool {
        let (LexemeKind::Word(schema) | LexemeKind::Name(schema), LexemeKind::Word(name) | LexemeKind::Name(name)) =
            (schema, name)
        else {
            return false;
        };
        let namespace = self.cx.catalog.schema_named(schema).map(|schema| schema.oid);
        let routine = namespace.and_then(|namespace| self.cx.catalog.routines_named(namespace, name).next());
        routine.is_some_and(|routine| {
            self.cx.env.reg_out(dictdb_types::RegKind::Proc, routine.oid) == quote_identifier(name)
        })
    }
}

/// A table that is searched by an index, and what the statement calls it and the columns that are fetched.
pub(super) struct Searched<'s> {
    pub alias: &'s str,
    pub table: &'s TableRef,
    pub fetch: &'s Fetch,
    pub names: &'s [Arc<str>],
}

impl Searched<'_> {
    /// A column's name and type.
    fn column(&self, attnum: i16) -> Option<(&str, Type)> {
        let column = self.table.relation.column(attnum)?;
        let fetched = self.fetch.columns.iter().position(|own| *own == attnum);
        let given = fetched.and_then(|at| self.names.get(at));
        Some((given.map_or(&*column.name, |name| &**name), column.ty))
    }
}

/// How many rows were looked at that an index alone was to answer for.
pub(super) fn show_heap_fetches(fetch: &Fetch, shown: &mut ExplainNode) {
    if let Some(actual) = shown.actual.filter(|_| fetch.from_keys) {
        shown.properties.push(("Heap Fetches", Value::Number(actual.heap_fetches)));
    }
}

/// The name of a system column.
pub(super) fn system_name(attnum: i16) -> &'static str {
    dictdb_catalog::system_column_name(attnum).unwrap_or("ctid")
}

/// The name of a column that is read: a row's identity is its `ctid`.
fn shown_name(name: &str) -> &str {
    if name == "row id" { "ctid" } else { name }
}

pub(super) fn target(name: &str, alias: &str, schema: Option<&str>) -> String {
    let quoted = dictdb_types::quote_identifier(name);
    let schema = schema.map_or_else(String::new, |schema| format!("{schema}."));
    match alias == name {
        true => format!(" on {schema}{quoted}"),
        false => format!(" on {schema}{quoted} {}", dictdb_types::quote_identifier(alias)),
    }
}
