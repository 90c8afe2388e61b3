//! ON CONFLICT: which unique indexes decide that there is a conflict.

use std::sync::Arc;

use dictdb_catalog::{Catalog, ConstraintKind, IndexInfo, IndexKey, IndexTarget, Relation};
use dictdb_functions::facts;
use dictdb_parser::ast;
use dictdb_parser::node::{self, ConflictElement};
use dictdb_types::{Error, Oid, Result, SqlState, TypeLookup};

use super::Binder;
use crate::expr::Expr;
use crate::implication::implies;
use crate::table_expr::{self, TableExpr};

/// What the target of an ON CONFLICT asks of an index.
pub(crate) struct Inference {
    elements: Vec<Element>,
    /// What the target's WHERE promises of the rows.
    promised: Vec<Expr>,
}

/// One element of a target.
struct Element {
    key: ElementKey,
    /// The operator class asked for.
    opclass: Option<String>,
    /// The collation asked for.
    collation: Option<Oid>,
}

enum ElementKey {
    Column(i16),
    Expression(Expr),
}

impl Binder<'_> {
    /// What an ON CONFLICT names instead of a constraint; `None` without a target. `named` is the table under the names that
    /// the statement has for its columns.
    pub(crate) fn inference(&mut self, named: &Arc<Relation>, insert: &ast::Insert) -> Result<Option<Inference>> {
        let Some(target) = node::conflict_target(insert) else { return Ok(None) };
        let mut elements = Vec::with_capacity(target.elements.len());
        for element in &target.elements {
            elements.push(self.conflict_element(named, element)?);
        }
        let mut promised = Vec::new();
        if let Some(predicate) = target.predicate {
            // The condition is of the statement: it knows the table by the statement's name for it.
            let alias = insert.table_alias.as_ref().map(|alias| Arc::from(alias.alias.value.as_str()));
            let named = match alias {
                Some(name) => &Arc::new(Relation { name, ..Relation::clone(named) }),
                None => named,
            };
            let bound = table_expr::bind_of_statement(self, predicate, named, TableExpr::IndexPredicate)?;
            self.with_values(bound)?.into_conjuncts(&mut promised);
        }
        Ok(Some(Inference { elements, promised }))
    }

    /// The index of the constraint that an ON CONFLICT names; none when it names none. 42704, 42809.
    pub(crate) fn named_arbiter(&self, relation: &Arc<Relation>, conflict: &ast::OnConflict) -> Result<Vec<Oid>> {
        let Some(ast::ConflictTarget::OnConstraint(name)) = &conflict.conflict_target else { return Ok(Vec::new()) };
        let parts = super::names::idents(name)?;
        let updates = matches!(conflict.action, ast::OnConflictAction::DoUpdate(_));
        constraint_arbiter(relation, &super::names::dotted(&parts), updates)
    }

    /// The indexes that an ON CONFLICT target means, chosen when the rest of the statement is known to be right. 42P10 when nothing
    /// matches, for a plan without the values of parameters that are in the target only when it is run.
    pub(crate) fn inferred_arbiters(&mut self, relation: &Arc<Relation>, inference: &Inference) -> Result<Vec<Oid>> {
        let mut found = Vec::new();
        for index in self.cx.catalog.valid_indexes(relation) {
            if let Some(info) = index.index()
                && self.is_inferred(relation, info, inference)?
            {
                found.push(index.oid);
            }
        }
        if found.is_empty() {
            let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
            let error = Error::new(SqlState::INVALID_COLUMN_REFERENCE, message);
            if !inference.names_parameters() {
                return Err(error);
            }
            self.undecided = Some(error);
        }
        Ok(found)
    }

    /// An expression of the target in which parameters are their values, if the plan is for these.
    fn with_values(&self, mut expr: Expr) -> Result<Expr> {
        if self.values.is_empty() {
            return Ok(expr);
        }
        expr.rewrite(&mut |part| {
            if let Expr::Param(index, ty) = part
                && let Some(value) = self.values.get(*index)
            {
                *part = Expr::Const(value.clone(), *ty);
            }
        });
        crate::fold::fold(&mut expr, self.cx.env)?;
        Ok(expr)
    }

    fn conflict_element(&mut self, relation: &Arc<Relation>, element: &ConflictElement<'_>) -> Result<Element> {
        let key = match (element.column, element.expr) {
            (Some(ident), _) => {
                let (attnum, _) = relation.column_named(&ident.value).ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_COLUMN, format!("column \"{}\" does not exist", ident.value))
                        .at(self.position(ident.span))
                })?;
                ElementKey::Column(attnum)
            }
            (None, Some(expr)) => {
                let bound = table_expr::bind_of_statement(self, expr, relation, TableExpr::IndexKey)?;
                match self.with_values(bound)? {
                    Expr::Input(place, _) => ElementKey::Column(place as i16 + 1),
                    other => ElementKey::Expression(other),
                }
            }
            (None, None) => return Err(Error::internal("an empty element of a conflict target")),
        };
        let opclass = match element.opclass {
            Some(name) => Some(known_opclass(&name.value, self.cx.catalog)?),
            None => None,
        };
        let collation = match element.collation {
            Some(name) => Some(self.cx.collation(name)?),
            None => None,
        };
        Ok(Element { key, opclass, collation })
    }

    /// Whether an index is unique over just what the target names, for all rows or those the target promises.
    fn is_inferred(&self, relation: &Arc<Relation>, info: &IndexInfo, inference: &Inference) -> Result<bool> {
        if !info.unique {
            return Ok(false);
        }
        let mut keys = Vec::with_capacity(info.keys.len());
        for key in &info.keys {
            keys.push(match &key.target {
                IndexTarget::Column(attnum) => ElementKey::Column(*attnum),
                IndexTarget::Expression(text) => {
                    ElementKey::Expression(table_expr::bind_text(text, relation, TableExpr::IndexKey, self.cx)?.expr)
                }
            });
        }
        let named = inference.elements.iter().all(|element| {
            let mut fitting = keys.iter().zip(&info.keys);
            fitting.any(|(key, facts)| key.is(&element.key) && element.accepts(facts, relation, self.cx.catalog))
        });
        let complete = keys.iter().all(|key| inference.elements.iter().any(|element| element.key.is(key)));
        if !named || !complete {
            return Ok(false);
        }
        let Some(predicate) = &info.predicate else { return Ok(true) };
        let bound = table_expr::bind_text(predicate, relation, TableExpr::IndexPredicate, self.cx)?;
        let mut wanted = Vec::new();
        bound.expr.into_conjuncts(&mut wanted);
        Ok(wanted.iter().all(|wanted| inference.promised.iter().any(|promised| implies(promised, wanted, self.cx))))
    }
}

impl Inference {
    fn names_parameters(&self) -> bool {
        let keys = self.elements.iter().filter_map(|element| match &element.key {
            ElementKey::Expression(expr) => Some(expr),
            ElementKey::Column(_) => None,
        });
        keys.chain(&self.promised).any(|expr| expr.any(&mut |part| matches!(part, Expr::Param(..))))
    }
}

impl ElementKey {
    fn is(&self, other: &ElementKey) -> bool {
        match (self, other) {
            (ElementKey::Column(a), ElementKey::Column(b)) => a == b,
            (ElementKey::Expression(a), ElementKey::Expression(b)) => a.same(b),
            _ => false,
        }
    }
}

impl Element {
    /// Whether an index key has the operator class and collation asked for.
    fn accepts(&self, key: &IndexKey, relation: &Relation, catalog: &Catalog) -> bool {
        let class = || catalog.any_opclass(key.opclass).map_or("", |class| &*class.name);
        let own = match key.target {
            IndexTarget::Column(attnum) => relation.column(attnum).map(|column| column.collation),
            IndexTarget::Expression(_) => catalog.type_info(key.ty.oid).map(|info| info.collation),
        };
        self.collation.is_none_or(|wanted| key.collation.or(own) == Some(wanted))
            && self.opclass.as_deref().is_none_or(|wanted| wanted == class())
    }
}

/// The operator class by its name without schema. 42704.
fn known_opclass(name: &str, catalog: &Catalog) -> Result<String> {
    let bare = name.rsplit('.').next().unwrap_or(name);
    let mut own = catalog.operator_classes().map(|own| &own.class).chain(facts::opclasses());
    if own.any(|class| *class.name == *bare) {
        return Ok(bare.to_owned());
    }
    Err(Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("operator class \"{name}\" does not exist for access method \"btree\""),
    ))
}

fn constraint_arbiter(relation: &Relation, name: &str, updates: bool) -> Result<Vec<Oid>> {
    match relation.constraints.iter().find(|constraint| *constraint.name == *name).map(|constraint| &constraint.kind) {
        Some(ConstraintKind::Exclude { .. }) if updates => {
            let message = "ON CONFLICT DO UPDATE not supported with exclusion constraints";
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
        }
        Some(kind) => kind.index().map(|index| vec![index]).ok_or_else(|| {
            Error::new(SqlState::WRONG_OBJECT_TYPE, "constraint in ON CONFLICT clause has no associated index")
        }),
        None => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("constraint \"{name}\" for table \"{}\" does not exist", relation.name),
        )),
    }
}
