//! SEARCH and CYCLE of a recursive WITH item: columns that its two terms carry along (`rewriteSearchAndCycle`).
//!
//! ```text
//!   base: SELECT columns, start of each added column FROM (non-recursive term)
//!   step: SELECT columns, each added column one step further FROM (recursive term and the added columns of its reference)
//!         WHERE mark <> value
//! ```
//! SEARCH DEPTH FIRST and CYCLE add an array of the rows passed, SEARCH BREADTH FIRST a row that starts with the depth. The
//! depth is a column of its own besides, which nothing else sees, because a `record` does not tell its fields apart.

use std::sync::Arc;

use dictdb_parser::ast::{self, Expr as Ast, Ident, SelectItem, SetExpr, TableFactor};
use dictdb_parser::node::{self, CycleClause, SearchClause};
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::Binder;
use super::cte::{CteState, VisibleCte};
use crate::logical::{Column, Node};

/// The name of the column that counts the depth.
const DEPTH: &str = "*DEPTH*";

/// The clauses of one WITH item.
pub(super) struct Clauses<'a> {
    search: Option<SearchClause<'a>>,
    cycle: Option<CycleClause<'a>>,
}

impl<'a> Clauses<'a> {
    pub(super) fn of(query: &'a ast::Query) -> Self {
        Clauses { search: node::search(query), cycle: node::cycle(query) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.search.is_none() && self.cycle.is_none()
    }

    /// Whether the depth is among the added columns, as the last one.
    pub(super) fn counts_depth(&self) -> bool {
        self.search.as_ref().is_some_and(|search| !search.depth_first)
    }

    /// The names of the added columns.
    fn names(&self) -> Vec<&str> {
        let sequence = self.search.iter().map(|search| search.sequence.value.as_str());
        let cycle = self.cycle.iter().flat_map(|cycle| [cycle.mark.value.as_str(), cycle.path.value.as_str()]);
        sequence.chain(cycle).chain(self.counts_depth().then_some(DEPTH)).collect()
    }

    /// The values of the added columns, given how a list of passed rows goes on and what the depth is.
    fn values(
        &self,
        passed: impl Fn(&str, String) -> String,
        mark: impl Fn(&str) -> String,
        depth: &str,
    ) -> Vec<String> {
        let mut values = Vec::new();
        if let Some(search) = &self.search {
            let row = quoted(search.columns.iter().copied());
            values.push(match search.depth_first {
                true => passed(&search.sequence.value, row),
                false => format!("ROW({depth}, {row})"),
            });
        }
        if let Some(cycle) = &self.cycle {
            let row = quoted(cycle.columns.iter().copied());
            values.push(mark(&row));
            values.push(passed(&cycle.path.value, row));
        }
        values.extend(self.counts_depth().then(|| depth.to_owned()));
        values
    }
}

/// The terms of a recursive item with the columns added.
pub(super) struct Extended {
    pub base: Node,
    pub step: Node,
    pub columns: Vec<Column>,
}

impl Binder<'_> {
    /// The added columns as the recursive term sees them.
    pub(super) fn search_cycle_columns(&mut self, clauses: &Clauses<'_>) -> Result<Vec<Column>> {
        let path = Type::new(oids::RECORD_ARRAY);
        let mut types = Vec::new();
        if let Some(search) = &clauses.search {
            types.push(if search.depth_first { path } else { Type::new(oids::RECORD) });
        }
        if let Some(cycle) = &clauses.cycle {
            types.extend([self.mark_type(cycle)?, path]);
        }
        types.push(Type::new(oids::INT8));
        Ok(clauses.names().into_iter().zip(types).map(|(name, ty)| self.new_column(name, ty)).collect())
    }

    fn mark_type(&mut self, cycle: &CycleClause<'_>) -> Result<Type> {
        let values = [cycle.value, cycle.default];
        let places = values.map(|value| self.leftmost(value));
        self.in_level(|binder| {
            let bound = values.map(|value| binder.bind_expr(value)).into_iter().collect::<Result<Vec<_>>>()?;
            let (_, ty) = binder.unify_at(bound, &places, "CYCLE")?;
            binder.require_equality(ty, None)?;
            Ok(ty)
        })
    }

    /// 42601 and 42701 for names that do not fit; 0A000 for terms that columns cannot be added to.
    pub(super) fn check_search_cycle(&self, clauses: &Clauses<'_>, columns: &[Column]) -> Result<()> {
        let known = |name: &Ident| columns.iter().any(|column| *column.name == *name.value);
        let wrong = |message: String, position| Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
        let check_list = |what: &str, list: &[&Ident], position: Option<u32>| {
            for (index, name) in list.iter().enumerate() {
                if !known(name) {
                    return wrong(format!("{what} column \"{}\" not in WITH query column list", name.value), position);
                }
                if list[..index].iter().any(|other| other.value == name.value) {
                    let message = format!("{what} column \"{}\" specified more than once", name.value);
                    return Err(Error::new(SqlState::DUPLICATE_COLUMN, message).at(position));
                }
            }
            Ok(())
        };
        let check_new = |what: &str, name: &Ident, position: Option<u32>| match known(name) {
            true => {
                wrong(format!("{what} column name \"{}\" already used in WITH query column list", name.value), position)
            }
            false => Ok(()),
        };
        if let Some(search) = &clauses.search {
            check_list("search", &search.columns, search.position)?;
            check_new("search sequence", search.sequence, search.position)?;
        }
        if let Some(cycle) = &clauses.cycle {
            check_list("cycle", &cycle.columns, cycle.position)?;
            check_new("cycle mark", cycle.mark, cycle.position)?;
            check_new("cycle path", cycle.path, cycle.position)?;
            if cycle.mark.value == cycle.path.value {
                let message = "cycle mark column name and cycle path column name are the same";
                return wrong(message.to_owned(), cycle.position);
            }
        }
        if let (Some(search), Some(cycle)) = (&clauses.search, &clauses.cycle) {
            for (other, what) in [(cycle.mark, "mark"), (cycle.path, "path")] {
                if other.value == search.sequence.value {
                    let message = format!("search sequence column name and cycle {what} column name are the same");
                    return wrong(message, search.position);
                }
            }
        }
        Ok(())
    }

    /// Binds the terms again with the added columns. What is recorded are the terms as they were written.
    pub(super) fn bind_search_cycle(
        &mut self,
        cte: &ast::Cte,
        clauses: &Clauses<'_>,
        own: &VisibleCte,
        columns: &[Column],
    ) -> Result<Extended> {
        let SetExpr::SetOperation { left, right, .. } = &*cte.query.body else {
            return Err(Error::internal("a recursive query is no UNION"));
        };
        for (side, term) in [("left", left), ("right", right)] {
            if !is_select(term) {
                let message = format!("with a SEARCH or CYCLE clause, the {side} side of the UNION must be a SELECT");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        if cte.query.with.is_some() {
            return Err(Error::unsupported("SEARCH or CYCLE of a query with a WITH clause of its own"));
        }
        let base = base_term(clauses, columns, left)?;
        let step = step_term(clauses, columns, right, &own.name)?;
        let recorder = self.recorder.take();
        let bound = self.bind_extended(&base, &step, own);
        self.recorder = recorder;
        bound
    }

    fn bind_extended(&mut self, base: &SetExpr, step: &SetExpr, own: &VisibleCte) -> Result<Extended> {
        let base = self.in_level(|binder| binder.bind_set_expr(base))?;
        let base = self.settle_unknown(base)?;
        let mut columns = base.columns();
        for (column, named) in columns.iter_mut().zip(&own.columns) {
            column.name = named.name.clone();
        }
        let visible = self.ctes.len();
        self.ctes.push(VisibleCte {
            name: own.name.clone(),
            id: own.id,
            columns: columns.clone(),
            hidden: own.hidden,
            state: CteState::RecursiveTerm,
            references: 0,
        });
        let step = self.in_level(|binder| binder.bind_set_expr(step));
        self.ctes.truncate(visible);
        let step = self.match_recursive_columns(&own.name, &columns, step?, &[])?;
        Ok(Extended { base, step, columns })
    }

    /// Whether values of the type can be kept in a hash table.
    pub(super) fn is_hashable(&self, ty: Type) -> bool {
        let class =
            self.scope().own_default_opclass(ty.oid, dictdb_functions::facts::ids::HASH).map(|own| own.is_some());
        class.unwrap_or(false)
    }
}

fn is_select(term: &SetExpr) -> bool {
    match term {
        SetExpr::Select(_) | SetExpr::Values(_) => true,
        SetExpr::Query(query) => is_select(&query.body),
        _ => false,
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a Ident>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| quote(&name.value)).collect();
    names.join(", ")
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names and values of a select list over a term, without FROM.
fn select_text(columns: &[Column], values: Vec<String>) -> (String, String) {
    let names: Vec<_> = columns.iter().map(|column| quote(&column.name)).collect();
    let list = names.iter().cloned().chain(values).collect::<Vec<_>>().join(", ");
    (names.join(", "), list)
}

fn base_term(clauses: &Clauses<'_>, columns: &[Column], term: &SetExpr) -> Result<SetExpr> {
    let values = clauses.values(|_, row| format!("ARRAY[ROW({row})]"), |_| "NULL".to_owned(), "bigint '0'");
    let (names, list) = select_text(columns, values);
    let mut select = parsed(&format!("SELECT {list} FROM (SELECT) AS \"*TLOCRN*\"({names})"))?;
    replace_source(&mut select, term.clone());
    if let Some(cycle) = &clauses.cycle {
        let mark = columns.len() + usize::from(clauses.search.is_some());
        select.projection[mark] = SelectItem::UnnamedExpr(cycle.default.clone());
    }
    Ok(SetExpr::Select(select))
}

fn step_term(clauses: &Clauses<'_>, columns: &[Column], term: &SetExpr, name: &Arc<str>) -> Result<SetExpr> {
    let passed = |so_far: &str, row| format!("pg_catalog.array_cat({}, ARRAY[ROW({row})])", quote(so_far));
    let seen = |row: &str| {
        let path = clauses.cycle.as_ref().map_or_else(String::new, |cycle| quote(&cycle.path.value));
        format!("CASE WHEN ROW({row}) = ANY ({path}) THEN NULL ELSE NULL END")
    };
    let deeper = format!("pg_catalog.int8inc({})", quote(DEPTH));
    let (names, list) = select_text(columns, clauses.values(passed, seen, &deeper));
    let added: Vec<_> = clauses.names().into_iter().map(quote).collect();
    let stop =
        clauses.cycle.as_ref().map_or_else(String::new, |cycle| format!(" WHERE {} <> NULL", quote(&cycle.mark.value)));
    let text = format!("SELECT {list} FROM (SELECT) AS \"*TROCRN*\"({names}, {}){stop}", added.join(", "));
    let mut select = parsed(&text)?;
    replace_source(&mut select, with_columns_of_reference(term.clone(), name, &clauses.names())?);
    if let Some(cycle) = &clauses.cycle {
        let mark = columns.len() + usize::from(clauses.search.is_some());
        if let SelectItem::UnnamedExpr(Ast::Case { conditions, else_result, .. }) = &mut select.projection[mark] {
            conditions.iter_mut().for_each(|when| when.result = cycle.value.clone());
            *else_result = Some(Box::new(cycle.default.clone()));
        }
        if let Some(Ast::BinaryOp { right, .. }) = &mut select.selection {
            **right = cycle.value.clone();
        }
    }
    Ok(SetExpr::Select(select))
}

/// The recursive term with the columns of its recursive reference added to its select list.
fn with_columns_of_reference(term: SetExpr, name: &Arc<str>, added: &[&str]) -> Result<SetExpr> {
    match term {
        SetExpr::Select(mut select) => {
            let tables = select
                .from
                .iter()
                .flat_map(|item| item.joins.iter().map(|join| &join.relation).chain([&item.relation]));
            let Some(alias) = tables.filter_map(|table| alias_of(table, name)).next() else {
                return Err(hidden_reference(name));
            };
            let column = |added: &&str| vec![alias.clone(), Ident::with_quote('"', *added)];
            select
                .projection
                .extend(added.iter().map(column).map(Ast::CompoundIdentifier).map(SelectItem::UnnamedExpr));
            Ok(SetExpr::Select(select))
        }
        SetExpr::Query(query) if hides(&query, name) => Err(hidden_reference(name)),
        SetExpr::Query(mut query) => {
            *query.body = with_columns_of_reference(*query.body, name, added)?;
            Ok(SetExpr::Query(query))
        }
        _ => Err(hidden_reference(name)),
    }
}

/// Whether a query has a WITH item of its own of this name.
fn hides(query: &ast::Query, name: &str) -> bool {
    query.with.iter().flat_map(|with| &with.cte_tables).any(|cte| cte.alias.name.value == name)
}

fn hidden_reference(name: &str) -> Error {
    let message = format!(
        "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{name}\" must be at the top level of its \
         right-hand SELECT"
    );
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// What a FROM item that is the recursive reference is called.
fn alias_of(table: &TableFactor, name: &str) -> Option<Ident> {
    match table {
        TableFactor::Table { name: table, alias, .. } => match table.0.as_slice() {
            [part] if part.as_ident().is_some_and(|ident| ident.value == name) => {
                Some(alias.as_ref().map_or_else(|| Ident::with_quote('"', name), |alias| alias.name.clone()))
            }
            _ => None,
        },
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            let joined = table_with_joins.joins.iter().map(|join| &join.relation);
            joined.chain([&table_with_joins.relation]).find_map(|table| alias_of(table, name))
        }
        _ => None,
    }
}

fn parsed(text: &str) -> Result<Box<ast::Select>> {
    let statements = dictdb_parser::parse(text, &dictdb_parser::Limits::default())?;
    let tree = statements.into_iter().next().map(|statement| statement.statement);
    if let Some(dictdb_parser::Statement::Sql(tree)) = tree
        && let ast::Statement::Query(query) = &*tree
        && let SetExpr::Select(select) = &*query.body
    {
        return Ok(select.clone());
    }
    Err(Error::internal("a rewritten query is no SELECT"))
}

/// Puts a term where the subquery in FROM stands.
fn replace_source(select: &mut ast::Select, term: SetExpr) {
    if let Some(TableFactor::Derived { subquery, .. }) = select.from.first_mut().map(|item| &mut item.relation) {
        match term {
            SetExpr::Query(query) => **subquery = *query,
            body => *subquery.body = body,
        }
    }
}
