//! `PARTITION BY`.

use std::sync::Arc;

use dictdb_catalog::{
    Dependency, IndexMethod, IndexTarget, Key, PartitionColumn, PartitionKey, PartitionStrategy, Relation,
};
use dictdb_parser::ast::Expr as Ast;
use dictdb_parser::utility::{IndexElement, PartitionBy};
use dictdb_parser::{Locations, position};
use dictdb_planner::expr::Expr;
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeLookup};

use super::super::DdlContext;

/// Columns a partition key may have (`PARTITION_MAX_KEYS`).
const MAX_KEYS: usize = 32;

impl DdlContext<'_> {
    /// The key of a table that is partitioned. 42P17, 42703, 42704.
    pub(in crate::ddl) fn partition_key(
        &mut self,
        relation: &Arc<Relation>,
        by: &PartitionBy,
        locations: &Locations,
    ) -> Result<PartitionKey> {
        let invalid = |message: String| Error::new(SqlState::INVALID_OBJECT_DEFINITION, message);
        let strategy = match by.strategy.value.as_str() {
            "list" => PartitionStrategy::List,
            "range" => PartitionStrategy::Range,
            "hash" => PartitionStrategy::Hash,
            other => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unrecognized partitioning strategy \"{other}\""),
                ));
            }
        };
        if strategy == PartitionStrategy::List && by.keys.len() > 1 {
            return Err(invalid("cannot use \"list\" partition strategy with more than one column".to_owned()));
        }
        if by.keys.len() > MAX_KEYS {
            let message = format!("cannot partition using more than {MAX_KEYS} columns");
            return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
        }
        let keys = by.keys.iter().enumerate();
        let columns = keys.map(|(at, element)| self.key_column(relation, element, at + 1, strategy, locations));
        Ok(PartitionKey { strategy, columns: columns.collect::<Result<_>>()? })
    }

    fn key_column(
        &mut self,
        relation: &Arc<Relation>,
        element: &IndexElement,
        number: usize,
        strategy: PartitionStrategy,
        locations: &Locations,
    ) -> Result<PartitionColumn> {
        let (target, ty) = match &*element.expr.expr {
            Ast::Identifier(ident) => self.named_column(relation, ident)?,
            _ => self.key_expression(relation, element, locations)?,
        };
        self.refuse_pseudo(ty, number)?;
        let method = match strategy {
            PartitionStrategy::Hash => IndexMethod::Hash,
            _ => IndexMethod::Btree,
        };
        let own = match (&target, &element.collation) {
            (IndexTarget::Column(attnum), None) => relation.column(*attnum).map(|column| column.collation),
            _ => None,
        };
        let collation = match own {
            Some(own) => own,
            None => self.column_collation(ty, element.collation.as_ref())?,
        };
        self.refuse_language(strategy, collation)?;
        let opclass = match &element.opclass {
            Some(name) => match self.own_opclass(name, ty, method)? {
                Some(own) => {
                    self.depend(Key::Relation(relation.oid), Key::OperatorClass(own), Dependency::Normal);
                    own
                }
                None => self.named_opclass(name, ty, method)?,
            },
            None => self.key_opclass(ty, method)?,
        };
        Ok(PartitionColumn { target, ty: self.view().base_type(ty), opclass, collation })
    }

    /// 42P16 for a key of a type that no column can have.
    fn refuse_pseudo(&mut self, ty: Type, number: usize) -> Result<()> {
        let catalog = self.view();
        let is_pseudo = |info: Arc<dictdb_types::TypeInfo>| matches!(info.kind, dictdb_types::TypeKind::Pseudo);
        if !catalog.type_info(ty.oid).is_some_and(is_pseudo) {
            return Ok(());
        }
        let message = format!("partition key column {number} has pseudo-type {}", self.shown_type(ty.oid, &catalog));
        Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
    }

    /// 0A000 for partitions that would have to be found by a language's order, or by what it takes for equal.
    fn refuse_language(&mut self, strategy: PartitionStrategy, collation: Oid) -> Result<()> {
        let catalog = self.view();
        let Some(info) = catalog.collation_info(collation).filter(|info| info.order_rule().is_some()) else {
            return Ok(());
        };
        match strategy {
            PartitionStrategy::Range => Err(Error::unsupported("partitioning by ranges in the order of a language")),
            _ if !info.deterministic => Err(Error::unsupported("partitioning by a nondeterministic collation")),
            _ => Ok(()),
        }
    }

    fn named_column(&mut self, relation: &Relation, ident: &dictdb_parser::ast::Ident) -> Result<(IndexTarget, Type)> {
        let at = position::of_span(ident.span);
        let name = &ident.value;
        let Some((attnum, column)) = relation.column_named(name) else {
            let system = super::super::alter::check_system_name(name).is_err();
            let (code, message) = match system {
                true => (
                    SqlState::INVALID_OBJECT_DEFINITION,
                    format!("cannot use system column \"{name}\" in partition key"),
                ),
                false => {
                    (SqlState::UNDEFINED_COLUMN, format!("column \"{name}\" named in partition key does not exist"))
                }
            };
            return Err(Error::new(code, message).at(at));
        };
        if column.generated {
            return Err(Error::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                "cannot use generated column in partition key",
            )
            .detail(format!("Column \"{name}\" is a generated column."))
            .at(at));
        }
        Ok((IndexTarget::Column(attnum), column.ty))
    }

    fn key_expression(
        &mut self,
        relation: &Arc<Relation>,
        element: &IndexElement,
        locations: &Locations,
    ) -> Result<(IndexTarget, Type)> {
        let expr = &*element.expr.expr;
        let bound = self.with_binding(|cx| table_expr::bind(expr, locations, relation, TableExpr::IndexKey, cx));
        // PostgreSQL does not know where the expression stands.
        let bound = bound.map_err(|error| {
            let mut error = renamed(error);
            error.fields_mut().position = None;
            error
        })?;
        for function in &bound.functions {
            self.depend(Key::Relation(relation.oid), Key::Function(*function), Dependency::Normal);
        }
        self.depend_on_types(Key::Relation(relation.oid), &bound.types);
        let invalid = |message: &str| Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        let generated = bound.columns.iter().filter_map(|attnum| relation.column(*attnum)).find(|c| c.generated);
        if let Some(column) = generated {
            let error = invalid("cannot use generated column in partition key");
            let detail = format!("Column \"{}\" is a generated column.", column.name);
            return error.map_err(|error: Error| error.detail(detail).at(Some(element.position)));
        }
        if let Expr::Input(place, ty) = &bound.expr {
            return Ok((IndexTarget::Column(*place as i16 + 1), *ty));
        }
        if bound.columns.is_empty() {
            return invalid("cannot use constant expression as partition key");
        }
        Ok((IndexTarget::Expression(bound.text), bound.expr.ty()))
    }

    /// The operator class of users that a key names, if it hashes or compares by functions of theirs. 42P17 when it lacks the
    /// function that partitions are found by.
    fn own_opclass(
        &mut self,
        name: &dictdb_parser::ast::ObjectName,
        ty: Type,
        method: IndexMethod,
    ) -> Result<Option<Oid>> {
        let (catalog, bare) = (self.view(), super::super::own_type::bare(name));
        let namespaces = self.namespaces_of(name)?;
        let access_method = catalog.index_method_oid(method);
        let found = namespaces.iter().find_map(|namespace| catalog.opclass_in(*namespace, access_method, &bare));
        let base = catalog.base_type(ty);
        let Some(class) = found.filter(|class| class.oid >= Oid::FIRST_NORMAL && class.input == base.oid) else {
            return Ok(None);
        };
        let column =
            PartitionColumn { target: IndexTarget::Column(0), ty: base, opclass: class.oid, collation: Oid::INVALID };
        let (number, known) = match method {
            IndexMethod::Hash => (2, catalog.hash_function(&column)),
            _ => (1, catalog.support_function(&column, 1)),
        };
        if known.is_none() {
            let shown = self.shown_type(class.input, &catalog);
            let message = format!(
                "operator class \"{}\" of access method {} is missing support function {number} for type {shown}",
                class.name,
                method.name()
            );
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        Ok(Some(class.oid))
    }

    /// 42704 where a type cannot be divided so.
    fn key_opclass(&mut self, ty: Type, method: IndexMethod) -> Result<dictdb_types::Oid> {
        self.default_opclass(ty, method).map_err(|error| {
            let method = method.name();
            let catalog = self.view();
            let shown = self.shown_type(ty.oid, &catalog);
            let hint = format!(
                "You must specify a {method} operator class or define a default {method} operator class for the data type."
            );
            match error.code() {
                SqlState::UNDEFINED_OBJECT => Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("data type {shown} has no default operator class for access method \"{method}\""),
                )
                .hint(hint),
                _ => error,
            }
        })
    }
}

/// An error about an index expression, as one about a partition key.
fn renamed(mut error: Error) -> Error {
    let fields = error.fields_mut();
    for (index, key) in [
        (
            "functions in index expression must be marked IMMUTABLE",
            "functions in partition key expression must be marked IMMUTABLE",
        ),
        ("index expressions", "partition key expressions"),
        ("index expression", "partition key expression"),
    ] {
        fields.message = fields.message.replace(index, key);
    }
    error
}
