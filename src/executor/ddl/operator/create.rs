//! CREATE OPERATOR.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Key, Object, Operator};
use dictdb_parser::ast::{DataType, ObjectName};
use dictdb_parser::utility::{DefElem, DefValue, DefineObject};
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::option;
use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};

/// 42P13.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}

/// The options as written.
#[derive(Default)]
struct Definition {
    left: Option<DataType>,
    right: Option<DataType>,
    function: Option<ObjectName>,
    commutator: Option<ObjectName>,
    negator: Option<ObjectName>,
    restrict: Option<ObjectName>,
    join: Option<ObjectName>,
    hashes: bool,
    merges: bool,
}

/// An operator that is named beside the one that is made.
enum Other {
    /// Itself.
    Same,
    /// Another one.
    Oid(Oid),
}

impl DdlContext<'_> {
    /// 42P13, 42723, 42883, 42602.
    pub(in crate::ddl) fn create_operator(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let definition = self.operator_definition(define)?;
        let Some(function) = &definition.function else { return Err(invalid("operator function must be specified")) };
        let left = self.operand_of(definition.left.as_ref())?;
        let right = self.operand_of(definition.right.as_ref())?;
        if !left.is_valid() && !right.is_valid() {
            return Err(invalid("operator argument types must be specified"));
        }
        if !right.is_valid() {
            return Err(invalid("operator right argument type must be specified")
                .detail("Postfix operators are not supported."));
        }
        let operands: Vec<Oid> = [left, right].into_iter().filter(|oid| oid.is_valid()).collect();
        let function = self.named_function(function, &operands)?;
        if let Some(routine) = self.view().routine(function.oid).cloned() {
            self.check_routine_privilege(&routine, &routine.name)?;
        }
        self.check_type_usage(function.result)?;
        let restriction_estimator = self.restriction_estimator(definition.restrict.as_ref())?;
        let join_estimator = self.join_estimator(definition.join.as_ref())?;
        let mut operator = Operator {
            oid: Oid::INVALID,
            name,
            namespace,
            owner: self.role,
            can_merge: definition.merges,
            can_hash: definition.hashes,
            left,
            right,
            result: function.result,
            commutator: Oid::INVALID,
            negator: Oid::INVALID,
            code: function.oid,
            restriction_estimator,
            join_estimator,
        };
        check_shape(&operator, definition.commutator.is_some(), definition.negator.is_some())?;
        let shell = self.view().operator_in(namespace, &operator.name, left, right);
        if shell.is_some_and(|oid| self.view().operator(oid).is_none_or(|old| old.code.is_valid())) {
            let message = format!("operator {} already exists", operator.name);
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message));
        }
        operator.oid = shell.unwrap_or_else(|| self.new_oid());
        if let Some(other) = &definition.commutator {
            operator.commutator = self.other_operator(&operator, other, (right, left), true)?;
        }
        if let Some(other) = &definition.negator {
            operator.negator = self.other_operator(&operator, other, (left, right), false)?;
        }
        self.put_operator(operator)
    }

    fn operator_definition(&mut self, define: &DefineObject) -> Result<Definition> {
        let mut found = Definition::default();
        for item in define.definition.iter().flatten() {
            match item.name.value.as_str() {
                "leftarg" => found.left = Some(operand_type(item)?),
                "rightarg" => found.right = Some(operand_type(item)?),
                "function" | "procedure" => found.function = Some(option::of_name(item)?),
                "commutator" => found.commutator = Some(option::of_name(item)?),
                "negator" => found.negator = Some(option::of_name(item)?),
                "restrict" => found.restrict = Some(option::of_name(item)?),
                "join" => found.join = Some(option::of_name(item)?),
                "hashes" => found.hashes = option::of_boolean(item)?,
                "merges" => found.merges = option::of_boolean(item)?,
                // Obsolete, and means that it can merge.
                "sort1" | "sort2" | "ltcmp" | "gtcmp" => found.merges = true,
                _ => self.notices.push(option::unknown("operator", item)),
            }
        }
        Ok(found)
    }

    fn operand_of(&mut self, written: Option<&DataType>) -> Result<Oid> {
        let Some(data_type) = written else { return Ok(Oid::INVALID) };
        let oid = self.definition_type(data_type)?;
        self.check_type_usage(oid)?;
        Ok(oid)
    }

    /// A type in a definition list.
    pub(in crate::ddl) fn definition_type(&mut self, data_type: &DataType) -> Result<Oid> {
        Ok(self.bind_type(data_type)?.oid)
    }

    /// 42P17, 42883.
    pub(super) fn restriction_estimator(&mut self, name: Option<&ObjectName>) -> Result<Oid> {
        let Some(name) = name else { return Ok(Oid::INVALID) };
        let found = self.named_function(name, &[oids::INTERNAL, oids::OID, oids::INTERNAL, oids::INT4])?;
        self.check_estimator(name, found.result, "restriction")?;
        Ok(found.oid)
    }

    /// 42P17, 42883.
    pub(super) fn join_estimator(&mut self, name: Option<&ObjectName>) -> Result<Oid> {
        let Some(name) = name else { return Ok(Oid::INVALID) };
        let long = [oids::INTERNAL, oids::OID, oids::INTERNAL, oids::INT2, oids::INTERNAL];
        let found = match self.exact_function(name, &long)? {
            Some(found) => found,
            None => match self.exact_function(name, &long[..4])? {
                Some(found) => found,
                None => return Err(self.no_function(name, &long)),
            },
        };
        self.check_estimator(name, found.result, "join")?;
        Ok(found.oid)
    }

    fn check_estimator(&self, name: &ObjectName, result: Oid, kind: &str) -> Result<()> {
        if result == oids::FLOAT8 {
            return Ok(());
        }
        let message = format!("{kind} estimator function {} must return type double precision", shown(name));
        Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
    }

    /// The operator that is called the commutator or negator: the new one itself, one that is there, or a shell of it.
    fn other_operator(
        &mut self,
        own: &Operator,
        name: &ObjectName,
        (left, right): (Oid, Oid),
        commutator: bool,
    ) -> Result<Oid> {
        match self.look_up_other(own, name, left, right)? {
            Some(Other::Oid(oid)) => Ok(oid),
            Some(Other::Same) if commutator => Ok(own.oid),
            Some(Other::Same) => Err(invalid("operator cannot be its own negator or sort operator")),
            None => {
                let (namespace, name) = self.new_name(name, false)?;
                self.check_create_in(namespace)?;
                let shell = Operator {
                    oid: self.new_oid(),
                    name,
                    namespace,
                    left,
                    right,
                    result: Oid::INVALID,
                    code: Oid::INVALID,
                    commutator: Oid::INVALID,
                    negator: Oid::INVALID,
                    restriction_estimator: Oid::INVALID,
                    join_estimator: Oid::INVALID,
                    can_merge: false,
                    can_hash: false,
                    owner: self.role,
                };
                let oid = shell.oid;
                self.record_operator(shell);
                Ok(oid)
            }
        }
    }

    fn look_up_other(&mut self, own: &Operator, name: &ObjectName, left: Oid, right: Oid) -> Result<Option<Other>> {
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        for namespace in self.namespaces_of(name)? {
            if namespace == own.namespace && bare == *own.name && (left, right) == (own.left, own.right) {
                return Ok(Some(Other::Same));
            }
            if let Some(found) = self.view().operator_in(namespace, &bare, left, right) {
                return Ok(Some(Other::Oid(found)));
            }
        }
        Ok(None)
    }

    /// Puts a finished operator, and makes the links to it mutual.
    fn put_operator(&mut self, operator: Operator) -> Result<()> {
        let (oid, commutator, negator) = (operator.oid, operator.commutator, operator.negator);
        self.record_operator(operator);
        for (other, of_negator) in [(commutator, false), (negator, true)] {
            let Some(known) = self.view().operator(other).cloned().filter(|_| other != oid) else { continue };
            let mut changed = Operator::clone(&known);
            let link = if of_negator { &mut changed.negator } else { &mut changed.commutator };
            if !link.is_valid() {
                *link = oid;
                self.put(Object::Operator(Arc::new(changed)));
            }
        }
        Ok(())
    }

    fn record_operator(&mut self, operator: Operator) {
        let own = Key::Operator(operator.oid);
        self.undepend_all(own);
        self.depend(own, Key::Schema(operator.namespace), Dependency::Normal);
        for ty in [operator.left, operator.right, operator.result] {
            if ty >= Oid::FIRST_NORMAL {
                self.depend(own, Key::Type(ty), Dependency::Normal);
            }
        }
        for function in [operator.code, operator.restriction_estimator, operator.join_estimator] {
            if function >= Oid::FIRST_NORMAL {
                self.depend(own, Key::Function(function), Dependency::Normal);
            }
        }
        self.put(Object::Operator(Arc::new(operator)));
    }
}

/// 42P13 for a set.
fn operand_type(item: &DefElem) -> Result<DataType> {
    match &item.value {
        Some(DefValue::SetOf(_)) => Err(invalid("SETOF type not allowed for operator argument")),
        _ => option::of_type(item),
    }
}

/// 42P13 for options that an operator of this shape cannot have.
fn check_shape(operator: &Operator, commutator: bool, negator: bool) -> Result<()> {
    let wrong = |given: bool, message: &str| if given { Err(invalid(message)) } else { Ok(()) };
    if !operator.left.is_valid() {
        wrong(commutator, "only binary operators can have commutators")?;
        wrong(operator.join_estimator.is_valid(), "only binary operators can have join selectivity")?;
        wrong(operator.can_merge, "only binary operators can merge join")?;
        wrong(operator.can_hash, "only binary operators can hash")?;
    }
    if operator.result != oids::BOOL {
        wrong(negator, "only boolean operators can have negators")?;
        wrong(operator.restriction_estimator.is_valid(), "only boolean operators can have restriction selectivity")?;
        wrong(operator.join_estimator.is_valid(), "only boolean operators can have join selectivity")?;
        wrong(operator.can_merge, "only boolean operators can merge join")?;
        wrong(operator.can_hash, "only boolean operators can hash")?;
    }
    Ok(())
}
