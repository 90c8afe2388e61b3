//! WITH: common table expressions, recursive ones too.

use std::sync::Arc;

use dictdb_parser::ast::{self, CteAsMaterialized, SetExpr, SetQuantifier};
use dictdb_types::{Error, Result, SqlState, Type};

use super::Binder;
use super::names::NamedColumn;
use super::recursion::IN_SUBQUERY;
use crate::expr::Expr;
use crate::logical::{Column, Cte, CteId, Node};

/// A CTE that names may refer to.
pub(crate) struct VisibleCte {
    pub(super) name: Arc<str>,
    pub(super) id: CteId,
    pub(super) columns: Vec<Column>,
    /// How many of the columns, the last ones, `*` leaves out.
    pub(super) hidden: usize,
    pub(super) state: CteState,
    /// How often it was named.
    pub(super) references: usize,
}

/// What a reference to a CTE may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CteState {
    /// Read its result.
    Complete,
    /// Nothing: its own non-recursive term is being bound.
    NonRecursiveTerm,
    /// Read the working table: its recursive term is being bound.
    RecursiveTerm,
}

impl Binder<'_> {
    /// The queries of a WITH clause, which become visible to what follows.
    pub(crate) fn bind_with(&mut self, with: &ast::With) -> Result<Vec<Cte>> {
        self.apart(|binder| binder.bind_with_queries(with))
    }

    fn bind_with_queries(&mut self, with: &ast::With) -> Result<Vec<Cte>> {
        let nested = self.levels.len() > 1 + usize::from(self.in_rule);
        for (index, cte) in with.cte_tables.iter().enumerate() {
            let name = &cte.alias.name;
            if nested && matches!(&*cte.query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_)) {
                let message = "WITH clause containing a data-modifying statement must be at the top level";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(self.position(name.span)));
            }
            if with.cte_tables[..index].iter().any(|other| other.alias.name.value == name.value) {
                return Err(Error::new(
                    SqlState::DUPLICATE_ALIAS,
                    format!("WITH query name \"{}\" specified more than once", name.value),
                )
                .at(self.position(name.span)));
            }
            if let SetExpr::Merge(_) = &*cte.query.body {
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MERGE not supported in WITH query")
                    .at(self.position(name.span)));
            }
        }
        let order = self.binding_order(with)?;
        let mut bound = Vec::with_capacity(with.cte_tables.len());
        let known = self.later_ctes.len();
        self.later_ctes.extend(order.iter().rev().map(|(index, _)| with.cte_tables[*index].alias.name.value.clone()));
        for (index, recursive) in &order {
            let cte = &with.cte_tables[*index];
            bound.push(if *recursive { self.bind_recursive_cte(cte)? } else { self.bind_plain_cte(cte)? });
            self.later_ctes.pop();
        }
        self.later_ctes.truncate(known);
        self.record_cte_order(&order);
        Ok(bound)
    }

    fn new_cte_id(&mut self) -> CteId {
        self.next_cte += 1;
        CteId(self.next_cte)
    }

    fn bind_plain_cte(&mut self, cte: &ast::Cte) -> Result<Cte> {
        let query = self.bind_cte_query(&cte.query)?;
        if cte.query.settings.is_some() {
            let position = self.position(cte.alias.name.span);
            return Err(Error::new(SqlState::SYNTAX_ERROR, "WITH query is not recursive").at(position));
        }
        let query = self.settle_unknown(query)?;
        self.record_cte(cte, materialized(cte));
        let id = self.new_cte_id();
        let columns = self.cte_columns(cte, &query)?;
        self.ctes.push(VisibleCte {
            name: Arc::from(cte.alias.name.value.as_str()),
            id,
            columns,
            hidden: 0,
            state: CteState::Complete,
            references: 0,
        });
        let name: Arc<str> = Arc::from(cte.alias.name.value.as_str());
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

    /// `non-recursive term UNION [ALL] recursive term`.
    fn bind_recursive_cte(&mut self, cte: &ast::Cte) -> Result<Cte> {
        let place = self.misplaced.take();
        let bound = self.bind_recursive_terms(cte);
        self.misplaced = place;
        let (own, columns, base, step, all) = bound?;
        let clauses = super::search_cycle::Clauses::of(&cte.query);
        self.record_cte(cte, materialized(cte));
        let (base, step, columns) = match clauses.is_empty() {
            true => (base, step, columns),
            false => {
                self.check_search_cycle(&clauses, &columns)?;
                let added = self.bind_search_cycle(cte, &clauses, &own, &columns)?;
                (added.base, added.step, added.columns)
            }
        };
        let hidden = usize::from(clauses.counts_depth());
        let name = own.name.clone();
        let id = own.id;
        self.ctes.push(VisibleCte { state: CteState::Complete, columns, hidden, ..own });
        Ok(Cte { id, name, query: base, recursive: Some((step, all)), materialized: materialized(cte) })
    }

    /// The two terms as they are written, and the name they make visible.
    fn bind_recursive_terms(&mut self, cte: &ast::Cte) -> Result<(VisibleCte, Vec<Column>, Node, Node, bool)> {
        let query = &cte.query;
        let SetExpr::SetOperation { left, set_quantifier, right, .. } = &*query.body else {
            return Err(Error::internal("a recursive query is no UNION"));
        };
        let name: Arc<str> = Arc::from(cte.alias.name.value.as_str());
        let visible = self.ctes.len();
        let id = self.new_cte_id();
        let state = CteState::NonRecursiveTerm;
        self.ctes.push(VisibleCte { name: name.clone(), id, columns: Vec::new(), hidden: 0, state, references: 0 });
        let inner = match &query.with {
            Some(with) => {
                self.ctes[visible].state = CteState::RecursiveTerm;
                let inner = self.misplacing(IN_SUBQUERY, |binder| binder.bind_with(with))?;
                self.ctes[visible].state = CteState::NonRecursiveTerm;
                inner
            }
            None => Vec::new(),
        };
        let base = self.in_level(|binder| binder.bind_set_expr(left))?;
        let base = self.settle_unknown(base)?;
        let columns = self.cte_columns(cte, &base)?;
        let base = if inner.is_empty() { base } else { Node::With { ctes: inner, body: Box::new(base) } };
        let clauses = super::search_cycle::Clauses::of(query);
        let added = self.search_cycle_columns(&clauses)?;
        self.ctes[visible].hidden = added.len();
        self.ctes[visible].columns = columns.iter().cloned().chain(added).collect();
        self.ctes[visible].state = CteState::RecursiveTerm;
        let step = self.in_level(|binder| binder.bind_set_expr(right))?;
        self.ctes.truncate(visible + 1);
        let Some(own) = self.ctes.pop().filter(|own| own.references > 0) else {
            return Err(Error::internal("missing recursive reference"));
        };
        let items = super::insert_source::items(left);
        let places: Vec<_> = items.iter().map(|item| self.leftmost(item)).collect();
        let step = self.match_recursive_columns(&name, &columns, step, &places)?;
        let all = *set_quantifier == SetQuantifier::All;
        if !all {
            self.require_recursive_union(left, &columns)?;
        }
        self.record_recursive_terms(query, all, &columns);
        Ok((own, columns, base, step, all))
    }

    /// A UNION that is not ALL keeps the rows it has seen in a hash table.
    fn require_recursive_union(&mut self, left: &SetExpr, columns: &[Column]) -> Result<()> {
        let items = super::insert_source::items(left);
        let mut places = items.iter().map(|item| self.leftmost(item));
        for column in columns {
            self.require_equality(column.ty, places.next().flatten())?;
        }
        if columns.iter().any(|column| !self.is_hashable(column.ty)) {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "could not implement recursive UNION")
                .detail("All column datatypes must be hashable."));
        }
        Ok(())
    }

    pub(super) fn match_recursive_columns(
        &mut self,
        name: &str,
        columns: &[Column],
        step: Node,
        places: &[Option<u32>],
    ) -> Result<Node> {
        let produced = step.columns();
        if produced.len() != columns.len() {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "each UNION query must have the same number of columns"));
        }
        for (number, (want, have)) in columns.iter().zip(&produced).enumerate() {
            let (types, ty) = self.unify(vec![Expr::column(want), Expr::column(have)], "UNION")?;
            drop(types);
            let modifier = if want.ty.typmod == have.ty.typmod { want.ty.typmod } else { -1 };
            if ty.oid != want.ty.oid || modifier != want.ty.typmod {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!(
                        "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                        number + 1,
                        self.type_name_with_modifier(want.ty),
                        self.type_name_with_modifier(Type { typmod: modifier, ..ty })
                    ),
                )
                .at(places.get(number).copied().flatten())
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
    /// The columns come last that only their names lead to.
    pub(crate) fn bind_cte_reference(
        &mut self,
        name: &ast::Ident,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Option<CteReference>> {
        let (position, misplaced) = (self.position(name.span), self.misplaced);
        let name = name.value.as_str();
        let Some(cte) = self.ctes.iter_mut().rev().find(|cte| *cte.name == *name) else { return Ok(None) };
        cte.references += 1;
        let wrong = match cte.state {
            CteState::Complete => None,
            CteState::NonRecursiveTerm => Some("within its non-recursive term"),
            CteState::RecursiveTerm => misplaced.or((cte.references > 1).then_some("more than once")),
        };
        if let Some(wrong) = wrong {
            let message = format!("recursive reference to query \"{name}\" must not appear {wrong}");
            return Err(Error::new(SqlState::INVALID_RECURSION, message).at(position));
        }
        let recursive = cte.state == CteState::RecursiveTerm;
        let shown = alias.map_or_else(|| cte.name.clone(), |alias| Arc::from(alias.name.value.as_str()));
        let (id, source, hidden) = (cte.id, cte.columns.clone(), cte.hidden);
        if source.is_empty() {
            return Err(Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!("WITH query \"{name}\" does not have a RETURNING clause"),
            )
            .at(position));
        }
        self.level().recursive_reference |= recursive;
        let mut columns: Vec<Column> = Vec::with_capacity(source.len());
        for column in &source {
            let own = Column { source: column.source, ..self.new_column(column.name.clone(), column.ty) };
            if let Some(shape) = self.row_shapes.get(&column.id).cloned() {
                self.row_shapes.insert(own.id, shape);
            }
            columns.push(own);
        }
        let mut columns_named: Vec<NamedColumn> = columns.iter().map(NamedColumn::of).collect();
        let hidden = columns_named.split_off(columns_named.len() - hidden);
        Ok(Some(CteReference {
            node: Node::CteScan { cte: id, alias: shown, columns },
            columns: columns_named,
            hidden,
        }))
    }
}

/// A FROM item that is a CTE.
pub(crate) struct CteReference {
    /// The scan.
    pub node: Node,
    /// What `*` stands for.
    pub columns: Vec<NamedColumn>,
    /// Columns that `*` leaves out.
    pub hidden: Vec<NamedColumn>,
}

fn materialized(cte: &ast::Cte) -> Option<bool> {
    cte.materialized.as_ref().map(|m| matches!(m, CteAsMaterialized::Materialized))
}
