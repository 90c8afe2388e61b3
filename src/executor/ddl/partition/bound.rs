//! `FOR VALUES …`: the bound of a partition, and whether others leave it room.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_catalog::{
    IndexTarget, PartitionBound, PartitionColumn, PartitionKey, PartitionStrategy, Partitions, RangeDatum, Relation,
    compare_bounds_with,
};
use dictdb_parser::Locations;
use dictdb_parser::ast::Expr as Ast;
use dictdb_parser::utility::{PartitionBound as Syntax, PartitionBoundSpec};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Datum, Error, Result, SqlState, Type, oids, order};

use super::super::DdlContext;
use crate::eval::Scope;
use crate::modify::partition::{order_of, routine_name, written_value};
use crate::modify::value_text;

impl DdlContext<'_> {
    /// A bound for a partition of a table. 42P17, 42P16, 42804.
    pub(in crate::ddl) fn partition_bound(
        &mut self,
        parent: &Arc<Relation>,
        spec: &PartitionBoundSpec,
        locations: &Locations,
    ) -> Result<PartitionBound> {
        let Some(key) = parent.partition_key.clone() else {
            let message = format!("\"{}\" is not partitioned", parent.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        };
        let wrong = |what: &str| {
            let message = format!("invalid bound specification for a {what} partition");
            Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(Some(spec.position)))
        };
        match (key.strategy, &spec.bound) {
            (PartitionStrategy::Hash, Syntax::Default) => Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                "a hash-partitioned table may not have a default partition",
            )),
            (_, Syntax::Default) => Ok(PartitionBound::Default),
            (PartitionStrategy::List, Syntax::In(values)) => self.list_bound(parent, &key, values, locations),
            (PartitionStrategy::List, _) => wrong("list"),
            (PartitionStrategy::Range, Syntax::Range(from, to)) => {
                self.range_bound(parent, &key, (from, to), locations)
            }
            (PartitionStrategy::Range, _) => wrong("range"),
            (PartitionStrategy::Hash, Syntax::Hash(modulus, remainder)) => hash_bound(*modulus, *remainder),
            (PartitionStrategy::Hash, _) => wrong("hash"),
        }
    }

    fn list_bound(
        &mut self,
        parent: &Arc<Relation>,
        key: &PartitionKey,
        exprs: &[Ast],
        locations: &Locations,
    ) -> Result<PartitionBound> {
        let column = &key.columns[0];
        let mut values: Vec<Datum> = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let value = self.bound_value(parent, column, expr, locations)?;
            if !self.is_listed(parent, column, &values, &value)? {
                values.push(value);
            }
        }
        Ok(PartitionBound::List { values })
    }

    fn is_listed(
        &mut self,
        parent: &Arc<Relation>,
        column: &PartitionColumn,
        values: &[Datum],
        value: &Datum,
    ) -> Result<bool> {
        for known in values.iter().filter(|known| known.is_null() == value.is_null()) {
            if value.is_null() || self.compare_values(parent, column, known, value)?.is_eq() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The order of two values of a key's column, which a function of a user may say. 42P17 when that gives NULL.
    fn compare_values(
        &mut self,
        parent: &Arc<Relation>,
        column: &PartitionColumn,
        a: &Datum,
        b: &Datum,
    ) -> Result<Ordering> {
        let catalog = self.view();
        let Some(function) = catalog.compare_function(column) else {
            return Ok(order::compare_as(column.ty.oid, a, b));
        };
        let env = self.row_env();
        let written = |value: &Datum| written_value(value, column.ty.oid, &*env, &catalog);
        let text = format!("{}({}, {})", routine_name(function, &catalog)?, written(a), written(b));
        let result = TableExpr::Default(Type::new(oids::INT4));
        let bound = self.with_binding(|cx| table_expr::bind_text(&text, parent, result, cx))?;
        let order = self.row_code(&bound.expr)?.eval(Scope::of_table(&*env, &[]))?;
        order_of(&order)
    }

    fn compare_ends(
        &mut self,
        parent: &Arc<Relation>,
        key: &PartitionKey,
        a: &[RangeDatum],
        b: &[RangeDatum],
    ) -> Result<Ordering> {
        compare_bounds_with(a, b, key, |column, a, b| self.compare_values(parent, column, a, b))
    }

    fn range_bound(
        &mut self,
        parent: &Arc<Relation>,
        key: &PartitionKey,
        (from, to): (&[Ast], &[Ast]),
        locations: &Locations,
    ) -> Result<PartitionBound> {
        for (exprs, word) in [(from, "FROM"), (to, "TO")] {
            if exprs.len() != key.columns.len() {
                let message = format!("{word} must specify exactly one value per partitioning column");
                return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
            }
        }
        let from = self.range_values(parent, key, from, locations)?;
        let to = self.range_values(parent, key, to, locations)?;
        Ok(PartitionBound::Range { from, to })
    }

    fn range_values(
        &mut self,
        parent: &Arc<Relation>,
        key: &PartitionKey,
        exprs: &[Ast],
        locations: &Locations,
    ) -> Result<Vec<RangeDatum>> {
        let mut values: Vec<RangeDatum> = Vec::with_capacity(exprs.len());
        for (expr, column) in exprs.iter().zip(&key.columns) {
            let value = match infinite(expr) {
                Some(end) => end,
                None => match self.bound_value(parent, column, expr, locations)? {
                    Datum::Null => {
                        return Err(Error::new(
                            SqlState::INVALID_OBJECT_DEFINITION,
                            "cannot specify NULL in range bound",
                        ));
                    }
                    value => RangeDatum::Value(value),
                },
            };
            let after = values.last().filter(|last| !matches!(last, RangeDatum::Value(_)));
            let fits = match (after, &value) {
                (Some(RangeDatum::MinValue), RangeDatum::MinValue)
                | (Some(RangeDatum::MaxValue), RangeDatum::MaxValue) => true,
                (Some(_), _) => false,
                (None, _) => true,
            };
            if let (false, Some(after)) = (fits, after) {
                let word = if matches!(after, RangeDatum::MinValue) { "MINVALUE" } else { "MAXVALUE" };
                let message = format!("every bound following {word} must also be {word}");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(locations.leftmost(expr)));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// One value of a bound, as a value of its key's column.
    fn bound_value(
        &mut self,
        parent: &Arc<Relation>,
        column: &PartitionColumn,
        expr: &Ast,
        locations: &Locations,
    ) -> Result<Datum> {
        let bound =
            self.with_binding(|cx| table_expr::bind(expr, locations, parent, TableExpr::Default(column.ty), cx));
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) if error.code() == SqlState::DATATYPE_MISMATCH => {
                let catalog = self.view();
                let name = match &column.target {
                    IndexTarget::Column(attnum) => parent.column(*attnum).map_or("?", |column| &column.name).to_owned(),
                    IndexTarget::Expression(text) => text.to_string(),
                };
                let shown = self.shown_type(column.ty.oid, &catalog);
                let message = format!("specified value cannot be cast to type {shown} for column \"{name}\"");
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).at(locations.leftmost(expr)));
            }
            Err(mut error) => {
                let fields = error.fields_mut();
                let what = match fields.message.contains("column reference") {
                    true => "partition bound expression",
                    false => "partition bound",
                };
                fields.message =
                    fields.message.replace("DEFAULT expressions", what).replace("DEFAULT expression", what);
                return Err(error);
            }
        };
        let code = self.row_code(&bound.expr)?;
        let env = self.row_env();
        code.eval(Scope::of_table(&*env, &[]))
    }

    /// Whether a partition with this bound can be added to a table. 42P17.
    pub(in crate::ddl) fn check_room(
        &mut self,
        parent: &Arc<Relation>,
        name: &str,
        bound: &PartitionBound,
        spec: &PartitionBoundSpec,
        locations: &Locations,
    ) -> Result<()> {
        let catalog = self.view();
        let Some(partitions) = Partitions::of(parent, &catalog) else { return Ok(()) };
        let name_of = |oid| catalog.relation(oid).map_or("?", |relation| &relation.name).to_owned();
        let position = match &spec.bound {
            Syntax::Range(exprs, _) | Syntax::In(exprs) => exprs.first().and_then(|expr| locations.leftmost(expr)),
            Syntax::Hash(..) | Syntax::Default => Some(spec.position),
        };
        let invalid = |message: String| Error::new(SqlState::INVALID_OBJECT_DEFINITION, message).at(position);
        if bound.is_default() {
            return match partitions.default {
                Some(other) => Err(invalid(format!(
                    "partition \"{name}\" conflicts with existing default partition \"{}\"",
                    name_of(other)
                ))),
                None => Ok(()),
            };
        }
        if let PartitionBound::Range { from, to } = bound
            && self.compare_ends(parent, &partitions.key, from, to)? != Ordering::Less
        {
            let env = self.row_env();
            let shown = |bound: &[RangeDatum]| range_text(bound, &partitions.key, &*env);
            return Err(invalid(format!("empty range bound specified for partition \"{name}\"")).detail(format!(
                "Specified lower bound {} is greater than or equal to upper bound {}.",
                shown(from),
                shown(to)
            )));
        }
        if let PartitionBound::Hash { modulus, .. } = bound {
            check_moduli(&partitions, *modulus, name_of)?;
        }
        for (oid, other) in &partitions.bounds {
            if self.overlaps(parent, bound, other, &partitions.key)? {
                let message = format!("partition \"{name}\" would overlap partition \"{}\"", name_of(*oid));
                let end = self.overlapping_end(parent, bound, other, (&partitions.key, spec))?;
                return Err(match end.and_then(|end| locations.leftmost(end)) {
                    Some(position) => Error::new(SqlState::INVALID_OBJECT_DEFINITION, message).at(Some(position)),
                    None => invalid(message),
                });
            }
        }
        Ok(())
    }

    /// The value of a range's bound that reaches into another range: of the lower bound if that is inside, else of the upper one.
    fn overlapping_end<'s>(
        &mut self,
        parent: &Arc<Relation>,
        bound: &PartitionBound,
        other: &PartitionBound,
        (key, spec): (&PartitionKey, &'s PartitionBoundSpec),
    ) -> Result<Option<&'s Ast>> {
        let (PartitionBound::Range { from, to }, PartitionBound::Range { from: other, .. }) = (bound, other) else {
            return Ok(None);
        };
        let Syntax::Range(lower, upper) = &spec.bound else { return Ok(None) };
        let is_inside = self.compare_ends(parent, key, other, from)?.is_le();
        let (end, written) = if is_inside { (from, lower) } else { (to, upper) };
        for at in 0..end.len() {
            if self.compare_ends(parent, key, &other[..=at], &end[..=at])?.is_ne() {
                return Ok(written.get(at));
            }
        }
        Ok(written.first())
    }

    fn overlaps(
        &mut self,
        parent: &Arc<Relation>,
        a: &PartitionBound,
        b: &PartitionBound,
        key: &PartitionKey,
    ) -> Result<bool> {
        Ok(match (a, b) {
            (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
                for value in a {
                    if self.is_listed(parent, &key.columns[0], b, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            (PartitionBound::Range { from, to }, PartitionBound::Range { from: other_from, to: other_to }) => {
                self.compare_ends(parent, key, from, other_to)? == Ordering::Less
                    && self.compare_ends(parent, key, other_from, to)? == Ordering::Less
            }
            (PartitionBound::Hash { modulus: a, remainder: x }, PartitionBound::Hash { modulus: b, remainder: y }) => {
                // Both moduli are powers of one chain: the smaller one decides.
                let common = (*a).min(*b).max(1);
                x % common == y % common
            }
            _ => false,
        })
    }
}

/// `MINVALUE` and `MAXVALUE`, which are names to the grammar.
fn infinite(expr: &Ast) -> Option<RangeDatum> {
    let Ast::Identifier(ident) = expr else { return None };
    match ident.value.as_str() {
        "minvalue" => Some(RangeDatum::MinValue),
        "maxvalue" => Some(RangeDatum::MaxValue),
        _ => None,
    }
}

fn hash_bound(modulus: u32, remainder: u32) -> Result<PartitionBound> {
    let invalid = |message: &str| Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
    let (Ok(modulus), Ok(remainder)) = (i32::try_from(modulus), i32::try_from(remainder)) else {
        return invalid("modulus for hash partition must be an integer value greater than zero");
    };
    if modulus <= 0 {
        return invalid("modulus for hash partition must be an integer value greater than zero");
    }
    if remainder >= modulus {
        return invalid("remainder for hash partition must be less than modulus");
    }
    Ok(PartitionBound::Hash { modulus, remainder })
}

/// Every modulus must be a factor of the next larger one.
fn check_moduli(partitions: &Partitions, modulus: i32, name_of: impl Fn(dictdb_types::Oid) -> String) -> Result<()> {
    let others = partitions.bounds.iter().filter_map(|(oid, bound)| match &**bound {
        PartitionBound::Hash { modulus, .. } => Some((*oid, *modulus)),
        _ => None,
    });
    let (mut below, mut above) = (None, None);
    for (oid, other) in others {
        if other <= modulus {
            below = Some((oid, other));
        } else if above.is_none() {
            above = Some((oid, other));
        }
    }
    let error = |detail: String| {
        let message = "every hash partition modulus must be a factor of the next larger modulus";
        Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message).detail(detail))
    };
    match (below, above) {
        (Some((oid, other)), _) if modulus % other != 0 => error(format!(
            "The new modulus {modulus} is not divisible by {other}, the modulus of existing partition \"{}\".",
            name_of(oid)
        )),
        (_, Some((oid, other))) if other % modulus != 0 => error(format!(
            "The new modulus {modulus} is not a factor of {other}, the modulus of existing partition \"{}\".",
            name_of(oid)
        )),
        _ => Ok(()),
    }
}

/// A range bound as a detail shows it.
fn range_text(bound: &[RangeDatum], key: &PartitionKey, env: &dyn dictdb_types::Env) -> String {
    let value = |(value, column): (&RangeDatum, &PartitionColumn)| match value {
        RangeDatum::MinValue => "MINVALUE".to_owned(),
        RangeDatum::MaxValue => "MAXVALUE".to_owned(),
        RangeDatum::Value(value) => {
            let text = value_text(value, column.ty.oid, env);
            let number = matches!(
                value,
                Datum::Int2(_)
                    | Datum::Int4(_)
                    | Datum::Int8(_)
                    | Datum::Float4(_)
                    | Datum::Float8(_)
                    | Datum::Numeric(_)
            );
            if number { text } else { dictdb_types::quote_literal(&text) }
        }
    };
    format!("({})", bound.iter().zip(&key.columns).map(value).collect::<Vec<_>>().join(", "))
}
