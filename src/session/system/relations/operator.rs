//! `pg_operator`, `pg_cast`, `pg_aggregate`, `pg_opclass`, `pg_opfamily`, `pg_am`, `pg_amop`, `pg_amproc` and
//! `pg_language`: what PostgreSQL is born with and what
//! users made.

use dictdb_catalog::{AggregateInfo, Language, Operator};
use dictdb_functions::facts::{AggregateKind, Cast, CastContext, CastMethod};
use dictdb_types::{Datum, Oid};

use super::super::exported;
use super::super::output::{Output, acl, row};
use super::{Source, push_exported};

/// Operators.
pub fn pg_operator(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_operator"), out);
    source.catalog.operators().for_each(|operator| push_operator(operator, out));
}

fn push_operator(operator: &Operator, out: &mut Output<'_>) {
    row!(out;
        operator.oid, &operator.name, operator.namespace, operator.owner,
        if operator.left.is_valid() { 'b' } else { 'l' }, operator.can_merge, operator.can_hash, operator.left,
        operator.right, operator.result, operator.commutator, operator.negator, operator.code,
        operator.restriction_estimator, operator.join_estimator,
    );
}

/// Casts.
pub fn pg_cast(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_cast"), out);
    source.catalog.casts().for_each(|cast| push_cast(cast, out));
}

fn push_cast(cast: &Cast, out: &mut Output<'_>) {
    let (function, method) = match cast.method {
        CastMethod::Function(function) => (function, 'f'),
        CastMethod::Binary => (Oid::INVALID, 'b'),
        CastMethod::InOut => (Oid::INVALID, 'i'),
    };
    let context = match cast.context {
        CastContext::Implicit => 'i',
        CastContext::Assignment => 'a',
        CastContext::PlPgSql | CastContext::Explicit => 'e',
    };
    row!(out; cast.oid, cast.source, cast.target, function, context, method);
}

/// Aggregates.
pub fn pg_aggregate(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_aggregate"), out);
    for routine in source.catalog.routines() {
        if let Some(aggregate) = &routine.aggregate {
            push_aggregate(routine.oid, aggregate, out);
        }
    }
}

fn push_aggregate(oid: Oid, own: &AggregateInfo, out: &mut Output<'_>) {
    let kind = match own.kind {
        AggregateKind::Normal => 'n',
        AggregateKind::OrderedSet => 'o',
        AggregateKind::HypotheticalSet => 'h',
    };
    let moving = own.moving.as_ref();
    let function = |of: fn(&dictdb_catalog::MovingAggregate) -> Oid| moving.map_or(Oid::INVALID, of);
    let modify = if own.kind == AggregateKind::Normal { 'r' } else { 'w' };
    row!(out;
        oid, kind, own.direct_args as i16, own.transition, own.finish, own.combine, own.serialize, own.deserialize,
        function(|m| m.transition), function(|m| m.inverse), function(|m| m.finish), own.finish_extra,
        moving.is_some_and(|m| m.finish_extra), char::from(own.finish_modify),
        moving.map_or(modify, |m| char::from(m.finish_modify)), own.sort_operator, own.state, own.state_space,
        function(|m| m.state), moving.map_or(0, |m| m.state_space), own.initial.clone(),
        moving.and_then(|m| m.initial.clone()),
    );
}

/// Operator classes.
pub fn pg_opclass(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_opclass"), out);
    for own in source.catalog.operator_classes() {
        let class = &own.class;
        row!(out;
            class.oid, class.method, &class.name, class.namespace, own.owner, class.family, class.input, class.default,
            class.key,
        );
    }
}

/// Operator families.
pub fn pg_opfamily(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_opfamily"), out);
    for family in source.catalog.operator_families().filter(|family| !family.name.is_empty()) {
        row!(out; family.oid, family.method, &family.name, family.namespace, family.owner);
    }
}

/// Access methods.
pub fn pg_am(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_am"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.access_method() else { continue };
        row!(out; own.oid, &own.name, info.handler, if info.is_of_tables() { 't' } else { 'i' });
    }
}

/// Procedural languages.
pub fn pg_language(source: &Source<'_>, out: &mut Output<'_>) {
    let list = |oid: Oid| acl(source.catalog.acl_of(Language::CLASS, oid));
    for row in exported::rows("pg_language") {
        let mut row = row.clone();
        if let (Some(Datum::Oid(oid)), Some(last)) = (row.first().cloned(), row.last_mut()) {
            *last = list(Oid(oid));
        }
        out.push(&row);
    }
    for own in source.catalog.definitions() {
        let Some(info) = own.language() else { continue };
        row!(out;
            own.oid, &own.name, own.owner, true, info.trusted, info.handler, info.inline, info.validator, list(own.oid),
        );
    }
}

/// Operators of families.
pub fn pg_amop(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_amop"), out);
    let operators = source.catalog.operator_families().flat_map(|family| &family.operators);
    for (strategy, _) in operators {
        row!(out;
            strategy.oid, strategy.family, strategy.left, strategy.right, strategy.number,
            if strategy.ordering { 'o' } else { 's' }, strategy.operator, strategy.method, Oid::INVALID,
        );
    }
}

/// Support functions of families.
pub fn pg_amproc(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_amproc"), out);
    let functions = source.catalog.operator_families().flat_map(|family| &family.functions);
    for (function, _) in functions {
        row!(out; function.oid, function.family, function.left, function.right, function.number, function.proc);
    }
}
