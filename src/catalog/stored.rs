//! The catalog on disk: changes as bytes, and a whole catalog as the changes that make it of a new one.
//!
//! The encoding is `dictdb_types::stored`: numbered fields, written by hand once per object. Objects can grow without a new format, a
//! name can change without one, and a field that was forgotten here does not compile. (A derived encoding by names would need
//! `serde` to know about `Arc`, and would tie the files to the names of the source.)

use dictdb_types::stored::Stored;
use dictdb_types::{Oid, Physical, Result, TypeLookup, stored_enum, stored_struct};

use crate::trigger::{Event, Firing, Timing};
use crate::{
    AccessMethodInfo, AggregateInfo, BaseInfo, Catalog, Change, CheckOption, CollationInfo, Column, CommandEvent,
    ConfigurationInfo, Constraint, ConstraintKind, ConversionInfo, Definition, DefinitionBody, DefinitionKind,
    Dependency, DictionaryInfo, Domain, DomainCheck, EventTriggerInfo, Extension, ForeignKey, ForeignTable, Identity,
    IndexInfo, IndexKey, IndexMethod, IndexTarget, Key, Language, LanguageInfo, MovingAggregate, Object, OnCommit,
    Operator, OperatorClass, OperatorFamily, Parameter, ParserInfo, PartitionBound, PartitionColumn, PartitionKey,
    PartitionStrategy, Persistence, Policy, PolicyCommand, PublicationInfo, PublishedTable, RangeDatum, RangeInfo,
    ReferencedPart, ReferentialAction, Relation, RelationKind, ReplicaIdentity, Role, Routine, Rule, RuleAction,
    Schema, SequenceInfo, ServerInfo, SqlBody, StatisticsInfo, SubscriptionInfo, TablespaceInfo, TemplateInfo,
    ToldSize, Trigger, UserMappingInfo, ViewInfo, WrapperInfo,
};

/// Changes as bytes.
pub fn encode_changes(changes: &[Change]) -> Vec<u8> {
    let mut bytes = Vec::new();
    changes.iter().for_each(|change| change.write(&mut bytes));
    bytes
}

/// Changes from bytes. XX001 if they are none.
pub fn decode_changes(mut bytes: &[u8]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    while !bytes.is_empty() {
        changes.push(Change::read(&mut bytes)?);
    }
    Ok(changes)
}

stored_enum!(Change {
    1: Put(object),
    2: Remove(key),
    3: Comment(key, text),
    4: Depend { 1: dependent, 2: on, 3: kind },
    5: Undepend { 1: dependent },
    6: Acl { 1: class, 2: object, 3: acl },
    7: DefaultAcl { 1: place, 2: acl, 3: oid },
    8: Settings { 1: place, 2: values },
    9: Parameter(name, list),
    10: ToldSize(table, size),
});
stored_struct!(ToldSize { 1: storage, 2: pages, 3: tuples });
stored_enum!(Object {
    1: Schema(schema),
    2: Relation(relation),
    3: Type(info),
    4: Role(role),
    5: Domain(domain),
    6: Routine(routine),
    7: Trigger(trigger),
    8: Extension(extension),
    9: Operator(operator),
    10: Cast(cast),
    11: OperatorClass(class),
    12: OperatorFamily(family),
    13: Range(range),
    14: Base(base),
    15: Definition(definition),
});
stored_enum!(Key {
    1: Schema(oid),
    2: Relation(oid),
    3: Column(relation, attnum),
    4: Constraint(relation, constraint),
    5: Type(oid),
    6: Function(oid),
    7: Role(oid),
    8: Default(relation, attnum),
    9: Trigger(relation, trigger),
    10: Extension(oid),
    11: Operator(oid),
    12: Cast(oid),
    13: OperatorClass(oid),
    14: OperatorFamily(oid),
    15: Policy(relation, policy),
    18: Rule(relation, rule),
    16: Definition(kind, oid),
    17: Published(publication, row),
});
stored_enum!(DefinitionKind {
    1: Statistics,
    2: Dictionary,
    3: Configuration,
    4: Publication,
    5: EventTrigger,
    6: Wrapper,
    7: Server,
    8: UserMapping,
    9: Subscription,
    10: Conversion,
    11: Collation,
    12: Template,
    13: Parser,
    14: Tablespace,
    15: AccessMethod,
    16: Language,
});
stored_struct!(Definition { 1: oid, 2: name, 3: namespace, 4: owner, 5: body });
stored_enum!(DefinitionBody {
    1: Statistics(info),
    2: Dictionary(info),
    3: Configuration(info),
    4: Publication(info),
    5: EventTrigger(info),
    6: Wrapper(info),
    7: Server(info),
    8: UserMapping(info),
    9: Subscription(info),
    10: Conversion(info),
    11: Collation(info),
    12: Template(info),
    13: Parser(info),
    14: Tablespace(info),
    15: AccessMethod(info),
    16: Language(info),
});
stored_struct!(CollationInfo {
    1: provider,
    2: deterministic,
    3: encoding,
    4: collate,
    5: ctype,
    6: icu_locale,
    7: version,
});
stored_enum!(CommandEvent { 1: Start, 2: End, 3: Drop, 4: Rewrite });
stored_struct!(EventTriggerInfo { 1: event, 2: function, 3: firing, 4: tags });
stored_struct!(WrapperInfo { 1: handler, 2: validator, 3: options });
stored_struct!(ServerInfo { 1: wrapper, 2: server_type, 3: version, 4: options });
stored_struct!(UserMappingInfo { 1: user, 2: server, 3: options });
stored_struct!(ForeignTable { 1: server, 2: options });
stored_struct!(SubscriptionInfo {
    1: enabled,
    2: binary,
    3: stream,
    4: two_phase,
    5: disable_on_error,
    6: connection,
    7: slot,
    8: synchronous_commit,
    9: publications,
    10: skip_lsn,
});
stored_struct!(ConversionInfo { 1: source, 2: target, 3: function, 4: default });
stored_struct!(StatisticsInfo { 1: relation, 2: columns, 3: expressions, 4: kinds, 5: target });
stored_struct!(DictionaryInfo { 1: template, 2: options });
stored_struct!(TemplateInfo { 1: init, 2: lexize });
stored_struct!(TablespaceInfo { 1: location, 2: options });
stored_struct!(AccessMethodInfo { 1: handler });
stored_struct!(LanguageInfo { 1: trusted, 2: handler, 3: inline, 4: validator });
stored_struct!(ParserInfo { 1: start, 2: token, 3: end, 4: headline, 5: lextype });
stored_struct!(ConfigurationInfo { 1: parser, 2: map });
stored_struct!(PublicationInfo {
    1: all_tables,
    2: insert,
    3: update,
    4: delete,
    5: truncate,
    6: via_root,
    7: tables,
    8: schemas,
});
stored_struct!(PublishedTable { 1: oid, 2: relation, 3: columns, 4: condition });
stored_struct!(Policy { 1: oid, 2: name, 3: permissive, 4: command, 5: roles, 6: using, 7: check });
stored_struct!(Rule { 1: oid, 2: name, 3: event, 4: firing, 5: instead, 6: condition, 7: actions });
stored_struct!(RuleAction { 1: text, 2: uses_row, 3: returning });
stored_enum!(PolicyCommand { 1: All, 2: Select, 3: Insert, 4: Update, 5: Delete });
stored_enum!(Dependency { 1: Normal, 2: Auto, 3: Internal, 4: Extension });
stored_struct!(Extension { 1: oid, 2: name, 3: owner, 4: namespace, 5: relocatable, 6: version });
stored_struct!(Operator {
    1: oid,
    2: name,
    3: namespace,
    4: owner,
    5: can_merge,
    6: can_hash,
    7: left,
    8: right,
    9: result,
    10: commutator,
    11: negator,
    12: code,
    13: restriction_estimator,
    14: join_estimator,
});
stored_struct!(OperatorClass { 1: class, 2: owner });
stored_struct!(OperatorFamily { 1: oid, 2: name, 3: namespace, 4: owner, 5: method, 6: operators, 7: functions });
stored_struct!(RangeInfo {
    1: range,
    2: subtype,
    3: multirange,
    4: collation,
    5: operator_class,
    6: canonical,
    7: subdiff,
});
stored_struct!(BaseInfo {
    1: ty,
    2: input,
    3: output,
    4: receive,
    5: send,
    6: modin,
    7: modout,
    8: analyze,
    9: subscript,
    10: storage,
    11: default,
    12: defined,
    13: default_expression,
});
stored_struct!(Schema { 1: oid, 2: name, 3: owner, 4: acl });
stored_struct!(Relation {
    1: oid,
    2: name,
    3: namespace,
    4: owner,
    5: kind,
    6: persistence,
    7: columns,
    8: row_type,
    9: storage,
    10: acl,
    11: options,
    12: constraints,
    13: indexes,
    14: referenced_by,
    15: clustered_on,
    16: replica_identity,
    17: row_security,
    18: force_row_security,
    19: of_type,
    20: parents,
    21: children,
    22: on_commit,
    23: partition_key,
    24: bound,
    25: policies,
    26: rules,
    27: foreign,
    28: detach_pending,
    29: tablespace,
    30: system_acls,
    31: access_method,
});
stored_struct!(PartitionKey { 1: strategy, 2: columns });
stored_enum!(PartitionStrategy { 1: List, 2: Range, 3: Hash });
stored_struct!(PartitionColumn { 1: target, 2: ty, 3: opclass, 4: collation });
stored_enum!(PartitionBound {
    1: List { 1: values },
    2: Range { 1: from, 2: to },
    3: Hash { 1: modulus, 2: remainder },
    4: Default,
});
stored_enum!(RangeDatum { 1: MinValue, 2: Value(value), 3: MaxValue });
stored_enum!(RelationKind {
    1: Table,
    2: Index(info),
    3: Sequence(info),
    4: View(info),
    5: Composite,
    6: Virtual,
    7: MaterializedView(info),
});
stored_enum!(OnCommit { 1: PreserveRows, 2: DeleteRows, 3: Drop });
stored_enum!(ReplicaIdentity { 1: Default, 2: Nothing, 3: Full, 4: Index(oid) });
stored_enum!(Persistence { 1: Permanent, 2: Unlogged, 3: Temporary });
stored_struct!(Column {
    1: name,
    2: ty,
    3: not_null,
    4: default,
    5: identity,
    6: generated,
    7: dropped,
    8: collation,
    9: slot,
    10: missing,
    11: acl,
    12: statistics,
    13: storage,
    14: compression,
    15: options,
    16: local,
    17: inherited,
    18: foreign_options,
});
stored_enum!(Identity { 1: Always, 2: ByDefault });
stored_struct!(IndexInfo {
    1: table,
    2: method,
    3: unique,
    4: primary,
    5: nulls_not_distinct,
    6: keys,
    7: include,
    8: predicate,
    9: deferrable,
    10: partitioned,
    11: invalid,
});
stored_enum!(IndexMethod { 1: Btree, 2: Hash, 3: Gin, 4: Gist, 5: Brin, 6: Spgist, 7: Bloom });
stored_struct!(IndexKey {
    1: target,
    2: ty,
    3: opclass,
    4: descending,
    5: nulls_first,
    6: statistics,
    7: collation,
    8: options
});
stored_enum!(IndexTarget { 1: Column(attnum), 2: Expression(text) });
stored_struct!(SequenceInfo { 1: ty, 2: start, 3: increment, 4: min, 5: max, 6: cache, 7: cycle, 8: owned_by });
stored_struct!(ViewInfo { 1: query, 2: search_path, 3: check_option, 4: populated });
stored_enum!(CheckOption { 1: Local, 2: Cascaded });
stored_struct!(Constraint {
    1: oid,
    2: name,
    3: relation,
    4: kind,
    5: deferrable,
    6: initially_deferred,
    7: validated,
    8: no_inherit,
    9: local,
    10: inherited,
});
stored_enum!(ConstraintKind {
    1: Check { 1: expression, 2: columns },
    2: Primary { 1: columns, 2: index },
    3: Unique { 1: columns, 2: index },
    4: Foreign(key),
    5: Exclude { 1: columns, 2: index, 3: operators },
});
stored_struct!(ForeignKey {
    1: columns,
    2: referenced,
    3: referenced_columns,
    4: index,
    5: match_full,
    6: on_update,
    7: on_delete,
    8: delete_set_columns,
    9: check_firing,
    10: action_firing,
    11: parts,
});
stored_struct!(ReferencedPart { 1: oid, 2: name, 3: relation, 4: parent, 5: index, 6: firing });
stored_enum!(ReferentialAction { 1: NoAction, 2: Restrict, 3: Cascade, 4: SetNull, 5: SetDefault });
stored_struct!(Domain { 1: oid, 2: not_null, 3: default, 4: checks });
stored_struct!(DomainCheck { 1: oid, 2: name, 3: expression, 4: validated });
stored_enum!(Language { 1: Internal, 2: Sql, 3: Plpgsql, 4: C });
stored_struct!(Parameter { 1: mode, 2: name, 3: ty, 4: default });
stored_struct!(SqlBody { 1: statements, 2: shown, 3: search_path, 4: returns });
stored_struct!(AggregateInfo {
    1: transition,
    2: finish,
    3: state,
    4: initial,
    5: sort_operator,
    6: kind,
    7: direct_args,
    8: combine,
    9: serialize,
    10: deserialize,
    11: finish_extra,
    12: finish_modify,
    13: state_space,
    14: moving,
});
stored_struct!(MovingAggregate {
    1: transition,
    2: inverse,
    3: finish,
    4: finish_extra,
    5: finish_modify,
    6: state,
    7: state_space,
    8: initial,
});
stored_struct!(Routine {
    1: oid,
    2: name,
    3: namespace,
    4: owner,
    5: language,
    6: kind,
    7: cost,
    8: rows,
    9: security_definer,
    10: leakproof,
    11: strict,
    12: returns_set,
    13: volatility,
    14: parallel,
    15: params,
    16: args,
    17: all_args,
    18: modes,
    19: default_types,
    20: result,
    21: source,
    22: body,
    23: aggregate,
    24: config,
    25: acl,
    26: library,
    27: own_language,
});
stored_enum!(Timing { 1: Before, 2: After, 3: InsteadOf });
stored_enum!(Event { 1: Insert, 2: Delete, 3: Update, 4: Truncate });
stored_enum!(Firing { 1: Origin, 2: Disabled, 3: Replica, 4: Always });
stored_struct!(Trigger {
    1: oid,
    2: name,
    3: relation,
    4: function,
    5: timing,
    6: events,
    7: row,
    8: firing,
    9: columns,
    10: args,
    11: when,
    12: old_table,
    13: new_table,
    14: constraint,
    15: referenced,
    16: deferrable,
    17: initially_deferred,
    18: parent,
});
stored_struct!(Role {
    1: oid,
    2: name,
    3: superuser,
    4: inherit,
    5: create_role,
    6: create_db,
    7: login,
    8: replication,
    9: bypass_rls,
    10: connection_limit,
    11: password,
    12: valid_until,
    13: settings,
    14: member_of,
});

impl Catalog {
    /// The changes that make this catalog of [`Catalog::bootstrap`]'s, types before the relations that use them.
    pub fn dump(&self) -> Vec<Change> {
        Catalog::bootstrap().changes_to(self, true)
    }

    /// Applies a stored change.
    pub fn replay(&mut self, change: &Change) {
        self.apply(change);
    }

    /// The highest object id in use by anything, or the last one before users' objects.
    pub fn highest_oid(&self) -> Oid {
        let relations = self.relations.values().flat_map(|relation| {
            let own = [relation.oid, relation.storage, relation.row_type];
            let constraints = relation.constraints.iter().map(|constraint| constraint.oid);
            let policies = relation.policies.iter().map(|policy| policy.oid);
            let rules = relation.rules.iter().map(|rule| rule.oid);
            own.into_iter().chain(constraints).chain(policies).chain(rules)
        });
        let named = self.schemas.keys().chain(self.types.keys()).chain(self.roles.keys()).copied();
        let named = named.chain(self.extensions.keys().copied()).chain(self.operators.keys().copied());
        let named = named.chain(self.casts.values().map(|cast| cast.oid)).chain(self.operator_classes.keys().copied());
        let named = named.chain(self.operator_families.values().flat_map(|family| {
            let operators = family.operators.iter().map(|(strategy, _)| strategy.oid);
            operators.chain(family.functions.iter().map(|(function, _)| function.oid)).chain([family.oid])
        }));
        let named = named.chain(self.definitions.values().flat_map(|own| own.oids()));
        let named = named.chain(self.parameters().map(|(_, oid, _)| oid));
        let routines = self.routines.keys().copied().chain(self.triggers.values().map(|trigger| trigger.oid));
        relations.chain(named).chain(routines).max().unwrap_or_default().max(Oid(Oid::FIRST_NORMAL.0 - 1))
    }

    /// Layouts of the storage columns of these columns. A place of which no values are kept has one that does not depend on types,
    /// which may be gone.
    pub fn layouts(&self, columns: &[Column]) -> Vec<Physical> {
        let width = columns.iter().map(|column| column.slot + 1).max().unwrap_or(0);
        let mut layouts = vec![Physical::Bool; width];
        for column in columns.iter().filter(|column| column.is_kept()) {
            layouts[column.slot] = self.physical(column.ty.oid);
        }
        layouts
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::namespaces;

    #[test]
    fn a_dump_makes_the_same_catalog() {
        let mut catalog = Catalog::bootstrap();
        let schema = Schema { oid: Oid(20_000), name: Arc::from("s \"x\""), owner: Oid(10), acl: None };
        let (a, b) = (Key::Schema(Oid(20_000)), Key::Role(Oid(10)));
        for change in [
            Change::Put(Object::Schema(Arc::new(schema))),
            Change::Remove(Key::Schema(namespaces::PUBLIC)),
            Change::Comment((Oid(2615), namespaces::PUBLIC, 0), None),
            Change::Comment((Oid(2615), Oid(20_000), 0), Some(Arc::from("ä"))),
            Change::Depend { dependent: a, on: b, kind: Dependency::Normal },
        ] {
            catalog.replay(&change);
        }
        let stored = decode_changes(&encode_changes(&catalog.dump())).unwrap();
        let mut copy = Catalog::bootstrap();
        stored.iter().for_each(|change| copy.replay(change));
        assert_eq!(format!("{:?}", copy.dump()), format!("{:?}", catalog.dump()));
        assert!(copy.schema(namespaces::PUBLIC).is_none() && copy.comments().count() == 1);
        assert_eq!(copy.highest_oid(), Oid(20_000));
        assert!(decode_changes(&[1, 2, 3]).is_err());
    }
}
