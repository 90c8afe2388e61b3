//! WITH: common table expressions, recursive ones too.

use std::sync::Arc;

use dictdb_parser::ast::{self, CteAsMaterialized, SetExpr, SetOperator, SetQuantifier};
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::names::NamedColumn;
use crate::expr::Expr;
use crate::logical::{Column, Cte, CteId, Node};

/// A CTE that names may refer to.
pub(crate) struct VisibleCte {
    name: Arc<str>,
    id: CteId,
    columns: Vec<Column>,
    state: CteState,
    /// How often it was named.
    references: usize,
}

/// What a reference to a CTE may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CteState {
    /// Read its result.
    Complete,
    /// Nothing: its own non-recursive term is being bound.
    NonRecursiveTerm,
    /// Read the working table: its recursive term is being bound.
    RecursiveTerm,
}

impl Binder<'_> {
    pub(crate) fn bind_with(&mut self, with: &ast::With) -> Result<Vec<Cte>> {
        let mut bound = Vec::with_capacity(with.cte_tables.len());
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let name = &cte.alias.name;
            if with.cte_tables[..index].iter().any(|other| other.alias.name.value == name.value) {
                return Err(Error::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("WITH query name \"{}\" specified more than once", name.value),
                )
                .at(self.position(name.span)));
            }
            let recursive = if with.recursive { self.bind_recursive_cte(cte)? } else { None };
            if let SetExpr::Merge(_) = &*cte.query.body {
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MERGE not supported in WITH query")
                    .at(self.position(name.span)));
            }
            let item = match recursive {
                Some(item) => item,
                None => self.bind_plain_cte(cte)?,
            };
            bound.push(item);
        }
        Ok(bound)
    }

    fn new_cte_id(&mut self) -> CteId {
        self.next_cte += 1;
        CteId(self.next_cte)
    }

    fn bind_plain_cte(&mut self, cte: &ast::Cte) -> Result<Cte> {
        let query = self.bind_cte_query(&cte.query)?;
        let query = self.settle_unknown(query)?;
        self.record_cte(cte, materialized(cte));
        let id = self.new_cte_id();
        let columns = self.cte_columns(cte, &query)?;
        let name: Arc<str> = Arc::from(cte.alias.name.value.as_str());
        self.ctes.push(VisibleCte { name: name.clone(), id, columns, state: CteState::Complete, references: 0 });
        Ok(Cte { id, name, query, recursive: None, materialized: materialized(cte) })
    }

    fn bind_cte_query(&mut self, query: &ast::Query) -> Result<Node> {
        let names = match self.levels.last_mut() {
            Some(level) => std::mem::take(&mut level.names),
            None => Default::default(),
        };
        let result = self.bind_subquery(query);
        if let Some(level) = self.levels.last_mut() {
            level.names = names;
        }
        result
    }

    /// `non-recursive term UNION [ALL] recursive term`; `None` when the query does not mention itself and so is plain.
    fn bind_recursive_cte(&mut self, cte: &ast::Cte) -> Result<Option<Cte>> {
        let query = &cte.query;
        let SetExpr::SetOperation { left, op: SetOperator::Union, set_quantifier, right } = &*query.body else {
            return Ok(None);
        };
        let name: Arc<str> = Arc::from(cte.alias.name.value.as_str());
        let visible = self.ctes.len();
        let mut own = VisibleCte {
            name: name.clone(),
            id: self.new_cte_id(),
            columns: Vec::new(),
            state: CteState::NonRecursiveTerm,
            references: 0,
        };
        let id = own.id;
        self.ctes.push(own);
        let mark = self.record_mark();
        let inner = match &query.with {
            Some(with) => self.bind_with(with)?,
            None => Vec::new(),
        };
        let base = self.in_level(|binder| binder.bind_set_expr(left))?;
        let base = self.settle_unknown(base)?;
        let columns = self.cte_columns(cte, &base)?;
        self.ctes[visible].columns.clone_from(&columns);
        self.ctes[visible].state = CteState::RecursiveTerm;
        let step = self.in_level(|binder| binder.bind_set_expr(right))?;
        self.ctes.truncate(visible + 1);
        own = match self.ctes.pop() {
            Some(own) if own.references > 0 => own,
            _ => {
                self.record_reset(mark);
                return Ok(None);
            }
        };
        refuse_clauses(query)?;
        let step = self.match_recursive_columns(&name, &columns, step)?;
        if *set_quantifier != SetQuantifier::All {
            let items = super::insert_source::items(left);
            let mut places = items.iter().map(|item| self.leftmost(item));
            for column in &columns {
                self.require_equality(column.ty, places.next().flatten())?;
            }
        }
        self.ctes.push(VisibleCte { state: CteState::Complete, ..own });
        let all = *set_quantifier == SetQuantifier::All;
        self.record_recursive_terms(query, all, &columns);
        self.record_cte(cte, materialized(cte));
        let base = if inner.is_empty() { base } else { Node::With { ctes: inner, body: Box::new(base) } };
        Ok(Some(Cte { id, name, query: base, recursive: Some((step, all)), materialized: materialized(cte) }))
    }

    fn match_recursive_columns(&mut self, name: &str, columns: &[Column], step: Node) -> Result<Node> {
        let produced = step.columns();
        if produced.len() != columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        for (number, (want, have)) in columns.iter().zip(&produced).enumerate() {
            let (types, ty) = self.unify(vec![Expr::column(want), Expr::column(have)], "UNION")?;
            drop(types);
            if ty.oid != want.ty.oid {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                        number + 1,
                        self.type_name(want.ty),
                        self.type_name(ty)
                    ),
                )
                .hint("Cast the output of the non-recursive term to the correct type."));
            }
        }
        let targets: Vec<_> = columns.iter().map(|column| column.ty).collect();
        self.coerce_columns(step, &targets)
    }

    /// The columns of a CTE under its own names.
    fn cte_columns(&mut self, cte: &ast::Cte, query: &Node) -> Result<Vec<Column>> {
        let produced = query.columns();
        if produced.is_empty() {
            return Ok(Vec::new());
        }
        if cte.alias.columns.len() > produced.len() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "WITH query \"{}\" has {} columns available but {} columns specified",
                    cte.alias.name.value,
                    produced.len(),
                    cte.alias.columns.len()
                ),
            )
            .at(self.position(cte.alias.name.span)));
        }
        let mut columns = produced;
        for (column, definition) in columns.iter_mut().zip(&cte.alias.columns) {
            column.name = Arc::from(definition.name.value.as_str());
        }
        Ok(columns)
    }

    /// A FROM item that names a CTE: a scan with columns of its own.
    pub(crate) fn bind_cte_reference(&mut self, name: &str) -> Result<Option<(Node, Vec<NamedColumn>)>> {
        let Some(cte) = self.ctes.iter_mut().rev().find(|cte| *cte.name == *name) else { return Ok(None) };
        cte.references += 1;
        if cte.state == CteState::NonRecursiveTerm {
            return Err(Error::new(
                SqlState::INVALID_RECURSION,
                format!("recursive reference to query \"{name}\" must not appear within its non-recursive term"),
            ));
        }
        let (id, shown, source) = (cte.id, cte.name.clone(), cte.columns.clone());
        if source.is_empty() {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("WITH query \"{name}\" does not have a RETURNING clause"),
            ));
        }
        let mut columns: Vec<Column> = Vec::with_capacity(source.len());
        for column in &source {
            let own = Column { source: column.source, ..self.new_column(column.name.clone(), column.ty) };
            if let Some(shape) = self.row_shapes.get(&column.id).cloned() {
                self.row_shapes.insert(own.id, shape);
            }
            columns.push(own);
        }
        let named = columns.iter().map(NamedColumn::of).collect();
        Ok(Some((Node::CteScan { cte: id, name: shown, columns }, named)))
    }
}

fn materialized(cte: &ast::Cte) -> Option<bool> {
    cte.materialized.as_ref().map(|m| matches!(m, CteAsMaterialized::Materialized))
}

/// Clauses that a recursive query cannot have around its UNION.
fn refuse_clauses(query: &ast::Query) -> Result<()> {
    let clauses = [
        (query.order_by.is_some(), "ORDER BY"),
        (query.limit_clause.is_some() || query.fetch.is_some(), "LIMIT"),
        (!query.locks.is_empty(), "FOR UPDATE/SHARE"),
    ];
    match clauses.iter().find(|(present, _)| *present) {
        Some((_, what)) => {
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} in a recursive query is not implemented")))
        }
        None => Ok(()),
    }
}
