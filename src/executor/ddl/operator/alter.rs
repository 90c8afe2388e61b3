//! ALTER OPERATOR, and how commands find an operator.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Key, Object, Operator};
use dictdb_parser::utility::{AlterOperator, DefElem, DefValue, OperatorRef, RoleSpec};
use dictdb_types::{Error, Oid, Result, SqlState, quote_identifier};

use super::create::invalid;
use super::option;
use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};
use crate::ddl::ownership::not_owner;

impl DdlContext<'_> {
    /// The operator a command means, built in or a user's; the inner error (42883) says that there is none.
    pub(in crate::ddl) fn find_operator(&mut self, reference: &OperatorRef) -> Result<Result<Oid>> {
        let mut operand = |data_type: &Option<dictdb_parser::ast::DataType>| match data_type {
            Some(data_type) => self.definition_type(data_type),
            None => Ok(Oid::INVALID),
        };
        let types = operand(&reference.left).and_then(|left| Ok((left, operand(&reference.right)?)));
        let (left, right) = match types {
            Ok((_, right)) if !right.is_valid() => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "postfix operators are not supported"));
            }
            Ok(types) => types,
            Err(error) if crate::ddl::drop::is_missing_type(&error) => return Ok(Err(error)),
            Err(error) => return Err(error),
        };
        let bare = parts(&reference.name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let namespaces = match self.namespaces_of(&reference.name) {
            Ok(namespaces) => namespaces,
            Err(missing) => return Ok(Err(missing)),
        };
        let catalog = self.view();
        let found = namespaces.iter().find_map(|namespace| catalog.operator_in(*namespace, &bare, left, right));
        Ok(found.ok_or_else(|| {
            let left = if left.is_valid() { format!("{} ", self.shown_type(left, &catalog)) } else { String::new() };
            let right = self.shown_type(right, &catalog);
            let message = format!("operator does not exist: {left}{} {right}", shown(&reference.name));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        }))
    }

    /// A user's operator that a command changes; one that is built in belongs to nobody else. 42883, 42501.
    fn operator_to_alter(&mut self, reference: &OperatorRef) -> Result<Arc<Operator>> {
        let oid = self.find_operator(reference)??;
        let Some(own) = self.view().operator(oid).cloned() else {
            return Err(Error::unsupported(format_args!("ALTER of the built-in operator {}", shown(&reference.name))));
        };
        self.check_operator_owner(&own)?;
        Ok(own)
    }

    /// 42501 unless the role owns the operator.
    pub(in crate::ddl) fn check_operator_owner(&mut self, operator: &Operator) -> Result<()> {
        match self.has_privileges_of(operator.owner) {
            true => Ok(()),
            false => Err(not_owner("operator", &operator.name)),
        }
    }

    /// ALTER OPERATOR … SET. 42601, 42P13.
    pub(in crate::ddl) fn alter_operator(&mut self, alter: &AlterOperator) -> Result<()> {
        let (mut restrict, mut join) = (None, None);
        for item in &alter.options {
            let estimator = estimator_name(item)?;
            match item.name.value.as_str() {
                "restrict" => restrict = Some(estimator),
                "join" => join = Some(estimator),
                "leftarg" | "rightarg" | "function" | "procedure" | "commutator" | "negator" | "hashes" | "merges" => {
                    let message = format!("operator attribute \"{}\" cannot be changed", item.name.value);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                name => {
                    let message = format!("operator attribute \"{name}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        let own = self.operator_to_alter(&alter.operator)?;
        let mut changed = Operator::clone(&own);
        if let Some(name) = &restrict {
            changed.restriction_estimator = self.restriction_estimator(name.as_ref())?;
        }
        if let Some(name) = &join {
            changed.join_estimator = self.join_estimator(name.as_ref())?;
        }
        let boolean = changed.result == dictdb_types::oids::BOOL;
        let (restricts, joins) = (changed.restriction_estimator.is_valid(), changed.join_estimator.is_valid());
        if !changed.left.is_valid() && joins {
            return Err(invalid("only binary operators can have join selectivity"));
        }
        if !boolean && restricts {
            return Err(invalid("only boolean operators can have restriction selectivity"));
        }
        if !boolean && joins {
            return Err(invalid("only boolean operators can have join selectivity"));
        }
        self.depend_on_estimators(&own, &changed);
        self.put(Object::Operator(Arc::new(changed)));
        Ok(())
    }

    /// Records that the operator uses other estimators of users than before.
    fn depend_on_estimators(&mut self, old: &Operator, new: &Operator) {
        use dictdb_catalog::Dependency;
        let catalog = self.view();
        let own = Key::Operator(new.oid);
        let gone = [old.restriction_estimator, old.join_estimator].map(Key::Function);
        let kept: Vec<(Key, Dependency)> = catalog.dependencies_of(own).filter(|(on, _)| !gone.contains(on)).collect();
        self.undepend_all(own);
        let added = [new.code, new.restriction_estimator, new.join_estimator].into_iter();
        let added = added.filter(|oid| *oid >= Oid::FIRST_NORMAL).map(|oid| (Key::Function(oid), Dependency::Normal));
        for (on, kind) in kept.into_iter().chain(added).collect::<Vec<_>>() {
            self.depend(own, on, kind);
        }
    }

    /// ALTER OPERATOR … OWNER TO.
    pub(in crate::ddl) fn set_operator_owner(&mut self, reference: &OperatorRef, owner: &RoleSpec) -> Result<()> {
        let own = self.operator_to_alter(reference)?;
        let owner = self.role_oid(owner)?;
        self.check_new_owner(owner)?;
        self.put(Object::Operator(Arc::new(Operator { owner, ..Operator::clone(&own) })));
        Ok(())
    }

    /// ALTER OPERATOR … SET SCHEMA. 42710.
    pub(in crate::ddl) fn set_operator_schema(&mut self, reference: &OperatorRef, schema: &str) -> Result<()> {
        let own = self.operator_to_alter(reference)?;
        let namespace = self.new_schema(schema)?;
        self.move_operator(&own, namespace)
    }

    /// Moves an operator to another schema.
    pub(in crate::ddl) fn move_operator(&mut self, own: &Operator, namespace: Oid) -> Result<()> {
        if own.namespace == namespace {
            return Ok(());
        }
        self.check_move(own.namespace, namespace)?;
        let catalog = self.view();
        if catalog.operator_in(namespace, &own.name, own.left, own.right).is_some() {
            let schema = catalog.schema(namespace).map(|schema| schema.name.to_string()).unwrap_or_default();
            let message = format!("operator {} already exists in schema \"{schema}\"", own.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.move_dependency(Key::Operator(own.oid), own.namespace, namespace);
        self.put(Object::Operator(Arc::new(Operator { namespace, ..Operator::clone(own) })));
        Ok(())
    }

    /// Takes an operator away, and the links of others to it.
    pub(in crate::ddl) fn drop_operator(&mut self, oid: Oid) {
        let catalog = self.view();
        for other in catalog.operators().filter(|other| other.oid != oid) {
            if other.commutator != oid && other.negator != oid {
                continue;
            }
            let mut changed = Operator::clone(other);
            for link in [&mut changed.commutator, &mut changed.negator] {
                if *link == oid {
                    *link = Oid::INVALID;
                }
            }
            self.put(Object::Operator(Arc::new(changed)));
        }
        self.remove(Key::Operator(oid));
    }

    /// `operator +(integer,integer)`.
    pub(in crate::ddl) fn describe_operator(&self, oid: Oid, catalog: &Arc<Catalog>) -> String {
        let Some(operator) = catalog.any_operator(oid) else { return format!("operator {oid}") };
        let side = |ty: Oid| if ty.is_valid() { self.shown_type(ty, catalog) } else { "NONE".to_owned() };
        let first = self.search_path.iter();
        let first =
            first.filter_map(|schema| catalog.operator_in(*schema, &operator.name, operator.left, operator.right));
        let visible = first.into_iter().next() == Some(oid);
        let schema = match catalog.schema(operator.namespace).filter(|_| !visible) {
            Some(schema) => format!("{}.", quote_identifier(&schema.name)),
            None => String::new(),
        };
        format!("operator {schema}{}({},{})", operator.name, side(operator.left), side(operator.right))
    }
}

/// The function an estimator is set to; `NONE` is none.
fn estimator_name(item: &DefElem) -> Result<Option<dictdb_parser::ast::ObjectName>> {
    match &item.value {
        Some(DefValue::Keyword(word)) if word == "none" => Ok(None),
        None => Ok(None),
        Some(_) => option::of_name(item).map(Some),
    }
}
