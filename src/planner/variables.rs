//! Names that are neither columns nor tables: variables of a PL/pgSQL block and parameters of a SQL function.
//!
//! Whoever runs such a body gives the binder [`Variables`]; a name it knows becomes a parameter of the statement.

use std::sync::Arc;

use dictdb_catalog::Routine;
use dictdb_types::{Error, Field, Result, SqlState, Type, quote_identifier, quote_qualified};

use crate::bind::Binder;
use crate::expr::Expr;

/// What happens to a name that is a column and a variable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conflict {
    /// 42702.
    #[default]
    Error,
    /// It is the variable.
    Variable,
    /// It is the column.
    Column,
}

/// A variable as the binder sees it.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its parameter number, 0-based.
    pub number: usize,
    /// Its type.
    pub ty: Type,
    /// The fields of a record whose type does not tell them.
    pub fields: Option<Arc<[Field]>>,
    /// How many of the name's parts it took; the others are fields.
    pub parts: usize,
}

/// The variables that a statement may name.
pub trait Variables {
    /// The variable that a dotted name begins with. The error is that of a record without structure.
    fn find(&self, name: &[&str]) -> Result<Option<Variable>>;

    /// What happens to a name that is a column too.
    fn conflict(&self) -> Conflict;

    /// DETAIL of 42702.
    fn noun(&self) -> &'static str {
        "PL/pgSQL variable"
    }
}

/// The parameters of a function as names in its body.
pub struct Parameters {
    function: Arc<str>,
    names: Vec<Arc<str>>,
    types: Vec<Type>,
}

impl Variables for Parameters {
    fn find(&self, name: &[&str]) -> Result<Option<Variable>> {
        let named = |name: &str| self.names.iter().position(|own| **own == *name);
        let found = match name {
            [function, parameter, ..] if *function == &*self.function && named(parameter).is_some() => {
                named(parameter).map(|number| (number, 2))
            }
            [parameter, ..] => named(parameter).map(|number| (number, 1)),
            [] => None,
        };
        Ok(found.map(|(number, parts)| Variable { number, ty: self.types[number], fields: None, parts }))
    }

    fn conflict(&self) -> Conflict {
        Conflict::Column
    }
}

impl Parameters {
    /// The input parameters of a routine with the types of a call.
    pub fn of(routine: &Routine, types: &[Type]) -> Self {
        let names = routine.inputs().map(|parameter| parameter.name.clone()).collect();
        Parameters { function: routine.name.clone(), names, types: types.to_vec() }
    }

    pub(crate) fn types(&self) -> &[Type] {
        &self.types
    }

    /// What a parameter is called, if it has a name; after the function's where that could mean something else.
    pub(crate) fn shown(&self, number: usize, is_alone: bool) -> Option<String> {
        let name = self.names.get(number).filter(|name| !name.is_empty())?;
        Some(match is_alone {
            true => quote_identifier(name).into_owned(),
            false => quote_qualified(&self.function, name),
        })
    }
}

impl Binder<'_> {
    /// The value of the variable that a dotted name means, if there is one.
    pub(crate) fn variable(&mut self, name: &[&str]) -> Result<Option<Expr>> {
        let Some(variables) = self.variables else { return Ok(None) };
        let Some(found) = variables.find(name)? else { return Ok(None) };
        if let Some(fields) = &found.fields {
            self.record_fields.insert(found.number, fields.clone());
        }
        let mut value = Expr::Param(found.number, found.ty);
        for field in &name[found.parts..] {
            let Some(inner) = self.field_named(&value, field) else {
                if self.row_fields(&value).is_none() {
                    return Ok(None);
                }
                return Err(Error::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("record \"{}\" has no field \"{field}\"", name[found.parts - 1]),
                ));
            };
            value = inner;
        }
        Ok(Some(value))
    }

    /// A name that a column was found for, or not: which of column and variable it is.
    pub(crate) fn column_or_variable(
        &mut self,
        name: &[&str],
        position: Option<u32>,
        column: impl FnOnce(&mut Self) -> Result<Expr>,
    ) -> Result<Expr> {
        let Some(conflict) = self.variables.map(Variables::conflict) else { return column(self) };
        if conflict == Conflict::Variable
            && let Some(variable) = self.variable(name)?
        {
            return Ok(variable);
        }
        match column(self) {
            Ok(found) => {
                if conflict == Conflict::Error && self.variable(name).is_ok_and(|found| found.is_some()) {
                    let noun = self.variables.map_or("", Variables::noun);
                    let message = format!("column reference \"{}\" is ambiguous", name.join("."));
                    return Err(Error::new(SqlState::AMBIGUOUS_COLUMN, message)
                        .detail(format!("It could refer to either a {noun} or a table column."))
                        .at(position));
                }
                Ok(found)
            }
            Err(missing) if matches!(missing.code(), SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_TABLE) => {
                self.variable(name)?.ok_or(missing)
            }
            Err(error) => Err(error),
        }
    }
}
