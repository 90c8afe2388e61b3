//! Stored expressions, indexes, constraints and sequences as SQL text.

use std::sync::Arc;

use dictdb_catalog::{
    Constraint, ConstraintKind, ForeignKey, IndexInfo, IndexTarget, ReferentialAction, Relation, RelationKind,
    ReplicaIdentity,
};
use dictdb_functions::resolve::opclass;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{
    Datum, Error, Oid, RegKind, Result, SqlState, TypeKind, quote_identifier, quote_literal, quote_qualified,
};

use super::arguments::{flag, integer, nullable, oid, session, text};
use crate::StatementEnv;
use crate::system::names;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_get_expr", pg_get_expr),
    ("pg_get_expr_ext", pg_get_expr),
    ("pg_get_indexdef", pg_get_indexdef),
    ("pg_get_indexdef_ext", pg_get_indexdef_ext),
    ("pg_get_constraintdef", pg_get_constraintdef),
    ("pg_get_constraintdef_ext", pg_get_constraintdef),
    ("pg_get_serial_sequence", pg_get_serial_sequence),
    ("pg_get_replica_identity_index", pg_get_replica_identity_index),
];

/// The text of an expression of a relation, or of none, as the search path shows it; as it is kept where it cannot be bound: the
/// defaults of a routine's parameters are a list.
fn pg_get_expr(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let stored = text(args, 0);
    match env.catalog.relation(oid(args, 1)) {
        // The bound of a partition is kept as it is shown.
        Some(relation) if relation.is_partition() && (stored == "DEFAULT" || stored.starts_with("FOR VALUES")) => {
            Ok(Datum::text(stored))
        }
        Some(relation) => Ok(Datum::text(expression(env, relation, stored, flag(args, 2)))),
        None if oid(args, 1).is_valid() => Ok(Datum::Null),
        None => Ok(Datum::text(of_domain(env, stored, flag(args, 2)).unwrap_or_else(|| stored.to_owned()))),
    }
}

/// The default or CHECK of a domain as shown now. An expression comes here as its text alone, which tells whose it is.
fn of_domain(env: &StatementEnv, stored: &str, pretty: bool) -> Option<String> {
    let base = env.catalog.user_types().find_map(|info| {
        let TypeKind::Domain(base) = info.kind else { return None };
        let domain = env.catalog.domain(info.oid)?;
        let is_own =
            domain.default.as_deref() == Some(stored) || domain.checks.iter().any(|own| *own.expression == *stored);
        is_own.then_some(base)
    })?;
    let path = env.search_path();
    dictdb_planner::table_expr::domain_shown(stored, base, pretty, env.bind_context(&path)).ok()
}

/// A stored expression as shown now, with all parentheses or only those that are needed; as stored when it cannot be bound any more.
pub(super) fn expression(env: &StatementEnv, relation: &Arc<Relation>, stored: &str, pretty: bool) -> String {
    let path = env.search_path();
    dictdb_planner::table_expr::shown(stored, relation, pretty, env.bind_context(&path))
        .or_else(|_| dictdb_planner::policy::shown(stored, relation, pretty, env.bind_context(&path)))
        .unwrap_or_else(|_| stored.to_owned())
}

fn pg_get_indexdef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    Ok(nullable(index(env, oid(args, 0)).map(|(relation, info)| index_definition(env, relation, info, false))))
}

/// `pg_get_indexdef(index, column, pretty)`; column zero is the whole index.
fn pg_get_indexdef_ext(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some((relation, info)) = index(env, oid(args, 0)) else { return Ok(Datum::Null) };
    let Some(table) = env.catalog.relation(info.table) else { return Ok(Datum::Null) };
    match integer(args, 1).unwrap_or(0) {
        0 => Ok(Datum::text(index_definition(env, relation, info, flag(args, 2)))),
        column => {
            let column = usize::try_from(column).ok().and_then(|n| n.checked_sub(1));
            Ok(nullable(column.and_then(|n| index_column(env, table, info, n, flag(args, 2)))))
        }
    }
}

fn index(env: &StatementEnv, oid: Oid) -> Option<(&Relation, &IndexInfo)> {
    let relation = env.catalog.relation(oid)?;
    match &relation.kind {
        RelationKind::Index(info) => Some((relation, info)),
        _ => None,
    }
}

/// A key or included column of an index, without its order.
fn index_column(
    env: &StatementEnv,
    table: &Arc<Relation>,
    index: &IndexInfo,
    position: usize,
    pretty: bool,
) -> Option<String> {
    let name = |attnum: i16| table.column(attnum).map(|column| quote_identifier(&column.name).into_owned());
    match index.keys.get(position).map(|key| &key.target) {
        Some(IndexTarget::Column(attnum)) => name(*attnum),
        Some(IndexTarget::Expression(stored)) => Some(index_expression(env, table, stored, pretty)),
        None => name(*index.include.get(position - index.keys.len())?),
    }
}

/// An index expression stands in parentheses unless it is a call.
pub(super) fn index_expression(env: &StatementEnv, table: &Arc<Relation>, stored: &str, pretty: bool) -> String {
    let path = env.search_path();
    dictdb_planner::table_expr::shown_as_key(stored, table, pretty, env.bind_context(&path))
        .unwrap_or_else(|_| format!("({stored})"))
}

/// The whole definition; the pretty form names the table as the search path does.
fn index_definition(env: &StatementEnv, relation: &Relation, index: &IndexInfo, pretty: bool) -> String {
    let Some(table) = env.catalog.relation(index.table) else { return String::new() };
    let unique = if index.unique { "UNIQUE " } else { "" };
    let method = quote_identifier(index.method.name());
    let keys: Vec<String> = (0..index.keys.len()).map(|i| index_key(env, table, index, i, pretty)).collect();
    let mut text = format!(
        "CREATE {unique}INDEX {} ON {}{} USING {method} ({})",
        quote_identifier(&relation.name),
        if index.partitioned { "ONLY " } else { "" },
        relation_name(env, table, !pretty),
        keys.join(", ")
    );
    index_clauses(env, table, relation, index, pretty, &mut text);
    if let Some(predicate) = &index.predicate {
        text += &format!(" WHERE {}", expression(env, table, predicate, pretty));
    }
    text
}

/// What stands between the keys of an index and its predicate.
fn index_clauses(
    env: &StatementEnv,
    table: &Arc<Relation>,
    relation: &Relation,
    index: &IndexInfo,
    pretty: bool,
    text: &mut String,
) {
    if !index.include.is_empty() {
        let included = (index.keys.len()..).map_while(|i| index_column(env, table, index, i, pretty));
        *text += &format!(" INCLUDE ({})", included.collect::<Vec<_>>().join(", "));
    }
    if index.nulls_not_distinct {
        *text += " NULLS NOT DISTINCT";
    }
    if !relation.options.is_empty() {
        *text += &format!(" WITH ({})", options(&relation.options));
    }
}

fn index_key(env: &StatementEnv, table: &Arc<Relation>, index: &IndexInfo, position: usize, pretty: bool) -> String {
    let mut text = index_column(env, table, index, position, pretty).unwrap_or_default();
    let Some(key) = index.keys.get(position) else { return text };
    let own = match key.target {
        IndexTarget::Column(attnum) => table.column(attnum).map(|column| column.collation),
        IndexTarget::Expression(ref stored) => {
            let path = [dictdb_catalog::namespaces::PG_CATALOG];
            let purpose = dictdb_planner::table_expr::TableExpr::IndexKey;
            let bound = dictdb_planner::table_expr::bind_text(stored, table, purpose, env.bind_context(&path));
            bound.ok().map(|bound| bound.collation)
        }
    };
    if let Some(collation) = key.collation.filter(|collation| own != Some(*collation)) {
        text += &format!(" COLLATE {}", env.catalog.collation_text(collation, &env.search_path(), false));
    }
    let path = env.search_path();
    let scope = CatalogScope { catalog: &env.catalog, search_path: &path };
    let default =
        opclass::default_opclass(&scope, key.ty.oid, env.catalog.index_method_oid(index.method)).map(|class| class.oid);
    let class = env.catalog.any_opclass(key.opclass);
    let is_shown = |oid: Oid| !key.options.is_empty() || default.is_none_or(|default| default != oid);
    if let Some(class) = class.filter(|class| is_shown(class.oid)) {
        text += " ";
        if !path.contains(&class.namespace)
            && let Some(schema) = env.catalog.schema(class.namespace)
        {
            text += &quote_identifier(&schema.name);
            text += ".";
        }
        text += &quote_identifier(&class.name);
        if !key.options.is_empty() {
            text += &format!(" ({})", options(&key.options));
        }
    }
    text += match (key.descending, key.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    };
    text
}

fn options(options: &[Arc<str>]) -> String {
    let option = |option: &Arc<str>| match option.split_once('=') {
        Some((name, value)) => {
            let value = if *quote_identifier(value) == *value { value.into() } else { quote_literal(value) };
            format!("{}={value}", quote_identifier(name))
        }
        None => option.to_string(),
    };
    options.iter().map(option).collect::<Vec<_>>().join(", ")
}

pub(super) fn relation_name(env: &StatementEnv, relation: &Relation, qualify: bool) -> String {
    match env.catalog.schema(relation.namespace) {
        Some(schema) if qualify => quote_qualified(&schema.name, &relation.name),
        _ => names::reg_out(env, RegKind::Class, relation.oid),
    }
}

fn pg_get_constraintdef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let wanted = oid(args, 0);
    let found = env.catalog.table_of_constraint(wanted).and_then(|relation| {
        if let Some(constraint) = relation.constraints.iter().find(|constraint| constraint.oid == wanted) {
            return Some(constraint_definition(env, relation, constraint, flag(args, 1)));
        }
        let whole = relation.constraints.iter().find(|own| own.parts().iter().any(|part| part.oid == wanted))?;
        let (part, _) = env.catalog.part_rows(whole).into_iter().find(|(part, _)| part.oid == wanted)?;
        Some(constraint_definition(env, relation, &part, flag(args, 1)))
    });
    let found = found.or_else(|| domain_constraint(env, wanted, flag(args, 1)));
    Ok(nullable(found.or_else(|| trigger_constraint(env, wanted))))
}

/// The definition of a constraint trigger as a constraint.
fn trigger_constraint(env: &StatementEnv, wanted: Oid) -> Option<String> {
    let trigger = env.catalog.triggers().find(|trigger| wanted.is_valid() && trigger.constraint == wanted)?;
    let deferrable = if trigger.deferrable { " DEFERRABLE" } else { "" };
    let deferred = if trigger.initially_deferred { " INITIALLY DEFERRED" } else { "" };
    Some(format!("TRIGGER{deferrable}{deferred}"))
}

/// The definition of a domain's CHECK.
fn domain_constraint(env: &StatementEnv, wanted: Oid, pretty: bool) -> Option<String> {
    let (info, check) = env.catalog.user_types().find_map(|info| {
        let check = env.catalog.domain(info.oid)?.checks.iter().find(|check| check.oid == wanted)?;
        Some((info, check))
    })?;
    let TypeKind::Domain(base) = info.kind else { return None };
    let path = env.search_path();
    let shown = dictdb_planner::table_expr::domain_shown(&check.expression, base, pretty, env.bind_context(&path));
    let text = shown.unwrap_or_else(|_| check.expression.to_string());
    Some(format!("CHECK ({text}){}", if check.validated { "" } else { " NOT VALID" }))
}

fn constraint_definition(
    env: &StatementEnv,
    relation: &Arc<Relation>,
    constraint: &Constraint,
    pretty: bool,
) -> String {
    let mut text = match &constraint.kind {
        ConstraintKind::Check { expression: stored, .. } => {
            let no_inherit = if constraint.no_inherit { " NO INHERIT" } else { "" };
            format!("CHECK ({}){no_inherit}", expression(env, relation, stored, pretty))
        }
        ConstraintKind::Primary { columns, index } => keyed(env, "PRIMARY KEY", relation, columns, *index),
        ConstraintKind::Unique { columns, index } => keyed(env, "UNIQUE", relation, columns, *index),
        ConstraintKind::Foreign(key) => foreign_key(env, relation, key),
        ConstraintKind::Exclude { index, operators, .. } => exclusion(env, *index, operators, pretty),
    };
    if constraint.deferrable {
        text += " DEFERRABLE";
    }
    if constraint.initially_deferred {
        text += " INITIALLY DEFERRED";
    }
    if !constraint.validated {
        text += " NOT VALID";
    }
    text
}

/// The index of an exclusion constraint with its operators.
fn exclusion(env: &StatementEnv, oid: Oid, operators: &[Oid], pretty: bool) -> String {
    let Some((relation, info)) = index(env, oid) else { return String::new() };
    let Some(table) = env.catalog.relation(info.table) else { return String::new() };
    let keys = operators.iter().enumerate().map(|(position, operator)| {
        format!("{} WITH {}", index_key(env, table, info, position, pretty), operator_name(env, *operator))
    });
    let keys = keys.collect::<Vec<_>>().join(", ");
    let mut text = format!("EXCLUDE USING {} ({keys})", quote_identifier(info.method.name()));
    index_clauses(env, table, relation, info, pretty, &mut text);
    if let Some(predicate) = &info.predicate {
        text += &format!(" WHERE ({})", expression(env, table, predicate, pretty));
    }
    text
}

/// An operator, with its schema where the search path does not lead there.
fn operator_name(env: &StatementEnv, oid: Oid) -> String {
    let Some(operator) = env.catalog.any_operator(oid) else { return "?".to_owned() };
    let is_visible = names::operator_is_visible(env, oid) == Some(true);
    match env.catalog.schema(operator.namespace).filter(|_| !is_visible) {
        Some(schema) => format!("OPERATOR({}.{})", quote_identifier(&schema.name), operator.name),
        None => operator.name.to_string(),
    }
}

fn keyed(env: &StatementEnv, word: &str, relation: &Relation, columns: &[i16], oid: Oid) -> String {
    let info = index(env, oid).map(|(_, info)| info);
    let distinct = if info.is_some_and(|info| info.nulls_not_distinct) { " NULLS NOT DISTINCT" } else { "" };
    let include = info.map(|info| &info.include).filter(|include| !include.is_empty());
    let include = include.map(|include| format!(" INCLUDE ({})", column_list(relation, include))).unwrap_or_default();
    format!("{word}{distinct} ({}){include}", column_list(relation, columns))
}

fn column_list(relation: &Relation, columns: &[i16]) -> String {
    let names = columns.iter().filter_map(|attnum| relation.column(*attnum));
    names.map(|column| quote_identifier(&column.name).into_owned()).collect::<Vec<_>>().join(", ")
}

fn foreign_key(env: &StatementEnv, relation: &Relation, key: &ForeignKey) -> String {
    let Some(referenced) = env.catalog.relation(key.referenced) else { return String::new() };
    let mut text = format!(
        "FOREIGN KEY ({}) REFERENCES {}({})",
        column_list(relation, &key.columns),
        relation_name(env, referenced, false),
        column_list(referenced, &key.referenced_columns)
    );
    if key.match_full {
        text += " MATCH FULL";
    }
    if let Some(action) = action(key.on_update) {
        text += &format!(" ON UPDATE {action}");
    }
    if let Some(action) = action(key.on_delete) {
        text += &format!(" ON DELETE {action}");
    }
    if !key.delete_set_columns.is_empty() {
        text += &format!(" ({})", column_list(relation, &key.delete_set_columns));
    }
    text
}

fn action(action: ReferentialAction) -> Option<&'static str> {
    Some(match action {
        ReferentialAction::NoAction => return None,
        ReferentialAction::Restrict => "RESTRICT",
        ReferentialAction::Cascade => "CASCADE",
        ReferentialAction::SetNull => "SET NULL",
        ReferentialAction::SetDefault => "SET DEFAULT",
    })
}

/// `pg_get_serial_sequence(table, column)`: the sequence that a serial or identity column owns. 42P01, 42703.
fn pg_get_serial_sequence(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let table = names::find_relation(env, text(args, 0))?;
    let Some((attnum, _)) = table.column_named(text(args, 1)) else {
        let message = format!("column \"{}\" of relation \"{}\" does not exist", text(args, 1), table.name);
        return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
    };
    let owned = |relation: &&Arc<Relation>| match &relation.kind {
        RelationKind::Sequence(sequence) => {
            sequence.owned_by.is_some_and(|(owner, column, _)| (owner, column) == (table.oid, attnum))
        }
        _ => false,
    };
    let sequence = env.catalog.relations().find(owned);
    Ok(nullable(sequence.map(|sequence| relation_name(env, sequence, true))))
}

/// The index REPLICA IDENTITY names, by default the primary key's.
fn pg_get_replica_identity_index(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let index = env.catalog.relation(oid(args, 0)).and_then(|relation| match relation.replica_identity {
        ReplicaIdentity::Index(index) => Some(index),
        ReplicaIdentity::Full | ReplicaIdentity::Nothing => None,
        ReplicaIdentity::Default => match relation.primary_key()?.kind {
            ConstraintKind::Primary { index, .. } => Some(index),
            _ => None,
        },
    });
    Ok(index.map_or(Datum::Null, |oid| Datum::Oid(oid.0)))
}
