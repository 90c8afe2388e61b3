//! Values into variables: conversion, NOT NULL, rows field by field.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Record, Result, SqlState, Type, oids};

use super::{Interpreter, Value, null_error};
use crate::names::{Shape, not_assigned};
use crate::parse::MULTIPLE_ASSIGNMENT;
use crate::sql::{Sql, SqlKind};
use crate::tree::{Place, RowVariable, Target};

impl Interpreter<'_> {
    /// `place := expression`.
    pub(crate) fn assign_expression(&mut self, place: &Place, sql: &Sql) -> Result<()> {
        let variable = &self.function.variables[place.variable];
        if place.field.is_none() && variable.row.is_none() {
            let value = self.evaluate_as(sql, variable.ty)?;
            return self.set(place.variable, value);
        }
        if place.field.is_some() && self.frame.shapes[place.variable].is_none() {
            return Err(sql.locate(not_assigned(&variable.name)));
        }
        if let Some(field) = &place.field {
            let (index, ty) = self.known_field(place.variable, field, sql.number).map_err(|error| sql.locate(error))?;
            if self.is_plain_row(place.variable, index)
                && self.host.assign_field(sql, &mut self.frame, (place.variable, index), ty)?
            {
                return Ok(());
            }
        }
        let value = self.evaluate(sql)?;
        let is_row = matches!(value.datum, Datum::Record(_) | Datum::Null);
        if !is_row && place.field.is_none() && sql.kind == SqlKind::Expression {
            let message = "cannot assign non-composite value to a record variable";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        self.assign(place, value)
    }

    /// A value to a variable or a part of it.
    pub(crate) fn assign(&mut self, place: &Place, value: Value) -> Result<()> {
        let variable = place.variable;
        if let Some(field) = &place.field {
            return self.assign_field(variable, field, value);
        }
        if self.function.variables[variable].row.is_some() {
            return self.assign_row(variable, value);
        }
        let ty = self.function.variables[variable].ty;
        let datum = self.convert(value, ty)?;
        self.set(variable, datum)
    }

    /// A value as one of a type.
    pub(crate) fn convert(&mut self, value: Value, ty: Type) -> Result<Datum> {
        if value.ty == ty || value.ty.oid == ty.oid && ty.typmod < 0 {
            return Ok(value.datum);
        }
        if let Datum::Record(record) = &value.datum
            && record.ty != ty.oid
            && let Some(fields) = self.host.fields(ty)
        {
            let (record, from) = (record.clone(), value.fields.unwrap_or_else(|| self.fields_of_record(record)));
            let values = self.convert_row(&from, record.fields.clone(), &fields)?;
            let (base, types) = (self.base_type(ty), fields.iter().map(|field| field.ty.oid).collect());
            let row = Datum::Record(Arc::new(Record { ty: base.oid, types, fields: values, names: None }));
            return if base.oid == ty.oid { Ok(row) } else { self.host.cast(row, base, ty) };
        }
        self.host.cast(value.datum, value.ty, ty)
    }

    /// Stores a value of the variable's type. 22004.
    #[inline]
    pub(crate) fn set(&mut self, variable: usize, value: Datum) -> Result<()> {
        if value.is_null() && self.function.variables[variable].not_null {
            let name = &self.function.variables[variable].name;
            return Err(null_error(format!("null value cannot be assigned to variable \"{name}\" declared NOT NULL")));
        }
        self.frame.values[variable] = value;
        Ok(())
    }

    /// A composite value to a row variable.
    pub(crate) fn assign_row(&mut self, variable: usize, value: Value) -> Result<()> {
        match value.datum {
            Datum::Null => {
                if self.frame.shapes[variable].is_none() {
                    self.frame.shapes[variable] = value.fields;
                }
                let null = self.checked_row(variable, Datum::Null)?;
                self.set(variable, null)
            }
            Datum::Record(record) => {
                let fields = match value.fields {
                    Some(fields) => fields,
                    None => self.fields_of_record(&record),
                };
                self.move_row(variable, &fields, record.fields.clone(), record.ty)
            }
            _ if self.function.variables[variable].ty.oid == oids::RECORD => {
                let message = "input of anonymous composite types is not implemented";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
            // The text of the value is read as a row.
            datum => {
                let ty = self.function.variables[variable].ty;
                let row = self.host.cast(datum, value.ty, ty)?;
                self.set(variable, row)
            }
        }
    }

    /// Values of a row to a row variable.
    pub(crate) fn move_row(
        &mut self,
        variable: usize,
        fields: &Shape,
        values: Vec<Datum>,
        ty: dictdb_types::Oid,
    ) -> Result<()> {
        let function = self.function;
        match &function.variables[variable].row {
            Some(RowVariable::Composite(own)) => {
                let base = function.variables[variable].base.oid;
                let values = match ty == base {
                    true => values,
                    false => self.convert_row(fields, values, own)?,
                };
                let types = own.iter().map(|field| field.ty.oid).collect();
                let row = Datum::Record(Arc::new(Record { ty: base, types, fields: values, names: None }));
                let row = self.checked_row(variable, row)?;
                self.set(variable, row)
            }
            _ => {
                let known = self.frame.shapes[variable].as_ref().is_some_and(|shape| Arc::ptr_eq(shape, fields));
                if !known {
                    self.frame.shapes[variable] = Some(fields.clone());
                }
                let types = fields.iter().map(|field| field.ty.oid).collect();
                let ty = if ty.is_valid() { ty } else { oids::RECORD };
                self.set(variable, Datum::Record(Arc::new(Record { ty, types, fields: values, names: None })))
            }
        }
    }

    /// A row of a variable's type; a domain over it checks it.
    pub(crate) fn checked_row(&mut self, variable: usize, row: Datum) -> Result<Datum> {
        let declared = &self.function.variables[variable];
        match declared.base.oid == declared.ty.oid {
            true => Ok(row),
            false => self.host.cast(row, declared.base, declared.ty),
        }
    }

    /// The values of a row as those of another, by position; missing ones are NULL.
    pub(crate) fn convert_row(&mut self, from: &Shape, values: Vec<Datum>, to: &Shape) -> Result<Vec<Datum>> {
        let mut converted = Vec::with_capacity(to.len());
        let mut values = values.into_iter();
        for (index, field) in to.iter().enumerate() {
            let value = values.next().unwrap_or(Datum::Null);
            let source = from.get(index).map_or(field.ty, |own| own.ty);
            converted.push(self.convert(Value { datum: value, ty: source, fields: None }, field.ty)?);
        }
        Ok(converted)
    }

    /// A row of a query to a target; NULLs when there is no row.
    pub(crate) fn assign_target(
        &mut self,
        target: &Target,
        columns: Option<&Shape>,
        row: Option<Vec<Datum>>,
    ) -> Result<()> {
        let columns: Shape = columns.cloned().unwrap_or_default();
        if row.is_some() && self.wanted_columns(target).is_some_and(|wanted| wanted != columns.len()) {
            self.extra_check(MULTIPLE_ASSIGNMENT, |list| {
                let message = "number of source and target fields in assignment does not match";
                Error::new(SqlState::DATATYPE_MISMATCH, message)
                    .detail(format!("strict_multi_assignment check of {list} is active."))
                    .hint("Make sure the query returns the exact list of columns.")
            })?;
        }
        match target {
            Target::Row(variable) => {
                let values = row.unwrap_or_else(|| vec![Datum::Null; columns.len()]);
                self.move_row(*variable, &columns, values, oids::RECORD)
            }
            Target::List(places) => {
                let mut values = row.unwrap_or_default().into_iter();
                for (index, place) in places.iter().enumerate() {
                    let datum = values.next().unwrap_or(Datum::Null);
                    let ty = columns.get(index).map_or(Type::new(oids::TEXT), |column| column.ty);
                    let value = match datum.is_null() && index >= columns.len() {
                        true => Value { datum, ty: self.place_type(place), fields: None },
                        false => Value { datum, ty, fields: None },
                    };
                    self.assign(place, value)?;
                }
                Ok(())
            }
        }
    }

    /// How many columns fit a target; any number fits a record.
    fn wanted_columns(&self, target: &Target) -> Option<usize> {
        match target {
            Target::List(places) => Some(places.len()),
            Target::Row(variable) => match &self.function.variables[*variable].row {
                Some(RowVariable::Composite(fields)) => Some(fields.len()),
                _ => None,
            },
        }
    }

    fn place_type(&mut self, place: &Place) -> Type {
        match place.field {
            None => self.function.variables[place.variable].ty,
            Some(_) => Type::new(oids::UNKNOWN),
        }
    }
}
