//! Aggregates and windows by collation.

use dictdb_types::{Error, Oid, Result, Type, oids};

use super::state::{State, Strength};
use super::{Settler, is_key, key};
use crate::expr::{AggregateCall, Expr, SortKey, WindowCall};
use crate::logical::Column;

/// A column whose call gives a key: the key's column, and the text that the column is.
pub(super) type FromKey = (Column, Expr);

impl Settler<'_, '_> {
    /// Settles an aggregate; its collation, and whether it gives a key instead of a text now.
    pub(super) fn aggregate(&mut self, call: &mut AggregateCall) -> Result<(State, bool)> {
        let mut state = self.merged(call.args.iter_mut())?;
        call.filter.iter_mut().try_for_each(|filter| self.expr(filter).map(drop))?;
        let own = call.ty;
        let gives_key = match call.within_group {
            true => self.within_group(call, &mut state)?,
            false => {
                call.order.iter_mut().try_for_each(|key| self.sort_key(key).map(drop))?;
                self.distinct_by(call, state)?;
                self.extreme_by(&call.function.name, &mut call.args, &mut call.ty, state)
            }
        };
        Ok((self.result(state, own), gives_key))
    }

    /// `min` and `max` work on keys; whether they do now.
    fn extreme_by(&mut self, name: &str, args: &mut [Expr], ty: &mut Type, state: State) -> bool {
        let ([argument], "min" | "max") = (args, name) else { return false };
        let collation = state.agreed();
        if state.strength != Strength::None && !collation.is_valid() {
            self.by_order(state, "string comparison", [argument]);
            return false;
        }
        let Some(order) = self.order(collation).filter(|_| self.is_text(argument.ty())) else { return false };
        let value = std::mem::replace(argument, Expr::boolean(false));
        *argument = key::keyed_as(self.cx, value, &order.rule, true);
        *ty = Type::new(oids::BYTEA);
        true
    }

    /// What is collated and no array.
    fn is_text(&self, ty: Type) -> bool {
        use dictdb_types::TypeLookup;
        matches!(self.cx.catalog.base_type(ty).oid, oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::NAME)
    }

    /// DISTINCT sees the arguments in the order of their collation. 0A000.
    fn distinct_by(&mut self, call: &mut AggregateCall, state: State) -> Result<()> {
        let Some(order) = self.order(state.agreed()).filter(|_| call.distinct) else { return Ok(()) };
        if order.deterministic {
            if call.order.is_empty() {
                let keys = call.args.iter().filter(|arg| self.of_type(arg.ty()).strength != Strength::None);
                let keys = keys.map(|arg| SortKey {
                    expr: key::keyed(self.cx, arg.clone(), &order),
                    descending: false,
                    nulls_first: false,
                    using: None,
                });
                call.order = if call.args.len() == 1 { keys.collect() } else { Vec::new() };
            }
            return Ok(());
        }
        match (&*call.function.name, call.args.as_mut_slice()) {
            ("count", [argument]) => {
                self.put_key(argument, &order);
                Ok(())
            }
            _ => Err(Error::unsupported("DISTINCT in an aggregate over a nondeterministic collation")),
        }
    }

    /// What is sorted is what is aggregated.
    fn within_group(&mut self, call: &mut AggregateCall, state: &mut State) -> Result<bool> {
        let mut keyed = false;
        for (number, sorted) in call.order.iter_mut().enumerate() {
            let mut own = self.expr(&mut sorted.expr)?;
            // Hypothetical-set aggregates have a direct argument of the type of every sorted one.
            let direct = call.args.get_mut(number).filter(|direct| self.is_text(direct.ty()));
            if let Some(direct) = direct.filter(|_| self.is_text(sorted.expr.ty())) {
                let part = self.expr(direct)?;
                self.merge(&mut own, part)?;
                self.by_order(own, "string comparison", [direct, &mut sorted.expr]);
            } else if self.is_text(sorted.expr.ty())
                && let Some(order) = self.order(own.agreed())
            {
                let value = std::mem::replace(&mut sorted.expr, Expr::boolean(false));
                sorted.expr = key::keyed_as(self.cx, value, &order.rule, true);
            }
            keyed |= is_key(&sorted.expr);
            if self.is_text(call.ty) {
                self.merge(state, own)?;
            }
        }
        let gives_key = keyed && self.is_text(call.ty);
        if gives_key {
            call.ty = Type::new(oids::BYTEA);
        }
        Ok(gives_key)
    }

    /// Settles a window call; likewise.
    pub(super) fn window(&mut self, call: &mut WindowCall) -> Result<(State, bool)> {
        let state = self.merged(call.args.iter_mut())?;
        call.filter.iter_mut().try_for_each(|filter| self.expr(filter).map(drop))?;
        for partition in &mut call.window.partition {
            let own = self.expr(partition)?;
            self.by_equality(own, "string comparison", [partition]);
        }
        call.window.order.iter_mut().try_for_each(|key| self.sort_key(key).map(drop))?;
        let own = call.ty;
        let gives_key = call.aggregate && self.extreme_by(&call.function.name, &mut call.args, &mut call.ty, state);
        Ok((self.result(state, own), gives_key))
    }

    /// The column that a call with a key for its result has, and what makes the text of it that the column was.
    pub(super) fn text_from_key(&mut self, column: &mut Column) -> FromKey {
        let text = column.clone();
        *column = Column { id: (self.next_id)(), ty: Type::new(oids::BYTEA), source: None, ..text.clone() };
        let value = key::text_of_key(self.cx, Expr::column(column), text.ty);
        (text, value)
    }
}

/// The first of a group's values, whatever they are.
pub(super) fn first(argument: Expr) -> AggregateCall {
    use std::sync::Arc;
    let name: Arc<str> = Arc::from("collation_first");
    let function = crate::expr::Function {
        oid: Oid::INVALID,
        name: name.clone(),
        strict: false,
        volatility: dictdb_functions::facts::Volatility::Immutable,
        returns_set: false,
        source: name,
        kernel: None,
        set: None,
        aggregate: None,
    };
    let ty = argument.ty();
    AggregateCall {
        function: Arc::new(function),
        args: vec![argument],
        distinct: false,
        order: Vec::new(),
        within_group: false,
        filter: None,
        ty,
    }
}
