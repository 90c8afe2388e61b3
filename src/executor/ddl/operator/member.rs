//! What operator classes and families are made of: operators with their strategies, support functions, the type that is stored.

use dictdb_catalog::Key;
use dictdb_functions::facts::{AmProc, Strategy, ids};
use dictdb_parser::ast::{DataType, ObjectName};
use dictdb_parser::utility::OperatorClassItem;
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::function::Named;
use super::method::Method;
use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};

/// The members of a definition.
#[derive(Default)]
pub(super) struct Members {
    pub operators: Vec<Strategy>,
    pub functions: Vec<AmProc>,
    pub storage: Option<Oid>,
}

impl Members {
    /// The users' objects that the members are.
    pub fn uses(&self) -> Vec<Key> {
        let operators = self.operators.iter().map(|strategy| strategy.operator);
        let operators = operators.filter(|oid| *oid >= Oid::FIRST_NORMAL).map(Key::Operator);
        let functions = self.functions.iter().map(|function| function.proc);
        let functions = functions.filter(|oid| *oid >= Oid::FIRST_NORMAL).map(Key::Function);
        operators.chain(functions).collect()
    }
}

/// 42P17.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

fn in_range(what: &str, number: i32, highest: i32) -> Result<i16> {
    let highest = if highest == 0 { i32::from(i16::MAX) } else { highest };
    if (1..=highest).contains(&number) {
        return Ok(number as i16);
    }
    Err(invalid(format!("invalid {what} number {number}, must be between 1 and {highest}")))
}

impl DdlContext<'_> {
    /// The members of a class over a type, or of a family. 42P17, 42601, 42710, 42883.
    pub(super) fn members(
        &mut self,
        items: &[OperatorClassItem],
        method: Method,
        input: Option<Oid>,
    ) -> Result<Members> {
        let mut found = Members::default();
        for item in items {
            match item {
                OperatorClassItem::Operator { number, operator, types, order_family } => {
                    let number = in_range("operator", *number, method.strategies)?;
                    let Some(name) = operator else { continue };
                    let strategy = self.operator_member(name, types, number, method, input, order_family.as_ref())?;
                    let place = (strategy.left, strategy.right, strategy.number);
                    if found.operators.iter().any(|s| (s.left, s.right, s.number) == place) {
                        return Err(self.repeated("operator", number, strategy.left, strategy.right));
                    }
                    found.operators.push(strategy);
                }
                OperatorClassItem::Function { number, types, function } => {
                    let number = in_range("function", *number, method.functions)?;
                    let Some(reference) = function else { continue };
                    let named = self.referenced_function(reference)?;
                    let member = self.function_member(&named, types, number, method, input)?;
                    let place = (member.left, member.right, member.number);
                    if found.functions.iter().any(|f| (f.left, f.right, f.number) == place) {
                        return Err(self.repeated("function", number, member.left, member.right));
                    }
                    found.functions.push(member);
                }
                OperatorClassItem::Storage(data_type) => {
                    let Some(input) = input else {
                        let message = "STORAGE cannot be specified in ALTER OPERATOR FAMILY";
                        return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                    };
                    found.storage = self.storage_member(data_type, method, input)?;
                }
            }
        }
        Ok(found)
    }

    fn repeated(&mut self, what: &str, number: i16, left: Oid, right: Oid) -> Error {
        let catalog = self.view();
        let [left, right] = [left, right].map(|ty| self.shown_type(ty, &catalog));
        let message = format!("{what} number {number} for ({left},{right}) appears more than once");
        Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
    }

    fn storage_member(&mut self, data_type: &DataType, method: Method, input: Oid) -> Result<Option<Oid>> {
        let storage = self.definition_type(data_type)?;
        if storage == input {
            return Ok(None);
        }
        if !method.stores_other {
            let message =
                format!("storage type cannot be different from data type for access method \"{}\"", method.name);
            return Err(invalid(message));
        }
        Ok(Some(storage))
    }

    fn operator_member(
        &mut self,
        name: &ObjectName,
        types: &[Option<DataType>],
        number: i16,
        method: Method,
        input: Option<Oid>,
        order_family: Option<&ObjectName>,
    ) -> Result<Strategy> {
        let (left, right) = match (types, input) {
            ([], Some(input)) => (input, input),
            ([], None) => {
                let message = "operator argument types must be specified in ALTER OPERATOR FAMILY";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            ([left, right], _) => (self.member_operand(left)?, self.member_operand(right)?),
            _ => return Err(Error::new(SqlState::SYNTAX_ERROR, "missing argument")),
        };
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let catalog = self.view();
        let namespaces = self.namespaces_of(name)?;
        let found = namespaces.iter().find_map(|namespace| catalog.operator_in(*namespace, &bare, left, right));
        let oid = found.ok_or_else(|| {
            let [left, right] = [left, right].map(|ty| self.shown_type(ty, &catalog));
            let message = format!("operator does not exist: {left} {} {right}", shown(name));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })?;
        let operator = catalog.any_operator(oid).ok_or_else(|| Error::internal("an operator that is gone"))?;
        if !operator.left.is_valid() || !operator.right.is_valid() {
            return Err(invalid("index operators must be binary"));
        }
        match order_family {
            Some(_) if !method.orders => {
                let message = format!("access method \"{}\" does not support ordering operators", method.name);
                return Err(invalid(message));
            }
            None if operator.result != oids::BOOL => {
                return Err(invalid("index search operators must return boolean"));
            }
            _ => {}
        }
        Ok(Strategy {
            oid: Oid::INVALID,
            family: Oid::INVALID,
            left,
            right,
            number,
            ordering: order_family.is_some(),
            operator: oid,
            method: method.oid,
        })
    }

    fn member_operand(&mut self, data_type: &Option<DataType>) -> Result<Oid> {
        match data_type {
            Some(data_type) => self.definition_type(data_type),
            None => Ok(Oid::INVALID),
        }
    }

    fn function_member(
        &mut self,
        named: &Named,
        types: &[DataType],
        number: i16,
        method: Method,
        input: Option<Oid>,
    ) -> Result<AmProc> {
        check_support(named, number, method)?;
        let written = types.iter().map(|ty| self.definition_type(ty)).collect::<Result<Vec<_>>>()?;
        let arg = |at: usize| named.args.get(at).copied();
        let default = match (method.oid, number) {
            (ids::BTREE, 1) => (arg(0), arg(1)),
            (ids::HASH, 1 | 2) => (arg(0), arg(0)),
            _ => (input, input),
        };
        let (left, right) = match written.as_slice() {
            [single] => (Some(*single), Some(*single)),
            [left, right, ..] => (Some(*left), Some(*right)),
            [] => default,
        };
        let (Some(left), Some(right)) = (left, right) else {
            return Err(invalid("associated data types must be specified for index support function"));
        };
        Ok(AmProc { oid: Oid::INVALID, family: Oid::INVALID, left, right, number, proc: named.oid })
    }

    /// The places that DROP names: operator or function, number, types.
    pub(super) fn dropped_members(
        &mut self,
        items: &[OperatorClassItem],
        method: Method,
    ) -> Result<Vec<(bool, i16, Oid, Oid)>> {
        let mut found = Vec::with_capacity(items.len());
        for item in items {
            let (is_operator, number, types) = match item {
                OperatorClassItem::Operator { number, types, .. } => {
                    let types: Vec<DataType> = types.iter().flatten().cloned().collect();
                    (true, in_range("operator", *number, method.strategies)?, types)
                }
                OperatorClassItem::Function { number, types, .. } => {
                    (false, in_range("function", *number, method.functions)?, types.clone())
                }
                OperatorClassItem::Storage(_) => continue,
            };
            let types = types.iter().map(|ty| self.definition_type(ty)).collect::<Result<Vec<_>>>()?;
            let (left, right) = match types.as_slice() {
                [single] => (*single, *single),
                [left, right] => (*left, *right),
                _ => {
                    let message = "one or two argument types must be specified";
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            };
            found.push((is_operator, number, left, right));
        }
        Ok(found)
    }
}

/// 42P17 for a support function of another shape than its place asks for.
fn check_support(named: &Named, number: i16, method: Method) -> Result<()> {
    let count = named.args.len();
    let rule = |holds: bool, message: &str| if holds { Ok(()) } else { Err(invalid(message)) };
    match (method.oid, number) {
        (ids::BTREE, 1) => {
            rule(count == 2, "btree comparison functions must have two arguments")?;
            rule(named.result == oids::INT4, "btree comparison functions must return integer")
        }
        (ids::BTREE, 2) => {
            rule(named.args == [oids::INTERNAL], "btree sort support functions must accept type \"internal\"")?;
            rule(named.result == oids::VOID, "btree sort support functions must return void")
        }
        (ids::BTREE, 3) => {
            rule(count == 5, "btree in_range functions must have five arguments")?;
            rule(named.result == oids::BOOL, "btree in_range functions must return boolean")
        }
        (ids::BTREE, 4) => {
            rule(count == 1, "btree equal image functions must have one argument")?;
            rule(named.result == oids::BOOL, "btree equal image functions must return boolean")
        }
        (ids::HASH, 1) => {
            rule(count == 1, "hash function 1 must have one argument")?;
            rule(named.result == oids::INT4, "hash function 1 must return integer")
        }
        (ids::HASH, 2) => {
            rule(count == 2, "hash function 2 must have two arguments")?;
            rule(named.result == oids::INT8, "hash function 2 must return bigint")
        }
        _ => Ok(()),
    }
}
