//! Blocks, conditions and loops that need no query.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, Result, SqlState, Type, oids};

use super::{Flow, Interpreter, Value, null_error};
use crate::context::Place as ContextPlace;
use crate::sql::Sql;
use crate::tree::{Block, Label, Loop, Place, RowVariable, Statement, Target};

/// What a loop does after a run of its body.
enum After {
    Again,
    Leave(Flow),
}

impl Interpreter<'_> {
    /// A block: its variables get their defaults, then its statements run.
    pub(crate) fn block(&mut self, block: &Block) -> Result<Flow> {
        self.initialise(block)?;
        let flow = match &block.exceptions {
            None => self.statements(&block.body)?,
            Some(exceptions) => self.guarded(&block.body, exceptions)?,
        };
        Ok(match flow {
            Flow::Exit(Some(label)) if block.label == Some(label) => Flow::Next,
            other => other,
        })
    }

    fn initialise(&mut self, block: &Block) -> Result<()> {
        let function = self.function;
        for variable in &block.declared {
            let declared = &function.variables[*variable];
            self.site.at(ContextPlace::during(declared.line, "during statement block local variable initialization"));
            if declared.cursor.is_some() {
                self.frame.values[*variable] = Datum::Text(declared.name.clone());
                continue;
            }
            match (&declared.default, &declared.row) {
                (None, Some(RowVariable::Record)) => {
                    self.frame.shapes[*variable] = None;
                    self.frame.values[*variable] = Datum::Null;
                }
                (None, None) if declared.base.oid != declared.ty.oid => {
                    let value = self.host.cast(Datum::Null, Type::new(oids::UNKNOWN), declared.ty)?;
                    self.frame.values[*variable] = value;
                }
                (None, Some(RowVariable::Composite(_))) => {
                    self.frame.values[*variable] = self.checked_row(*variable, Datum::Null)?;
                }
                (None, _) => self.frame.values[*variable] = Datum::Null,
                (Some(default), _) => {
                    let place = Place { variable: *variable, field: None };
                    self.assign_expression(&place, default)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn if_statement(&mut self, branches: &[(Sql, Vec<Statement>)], otherwise: &[Statement]) -> Result<Flow> {
        for (condition, body) in branches {
            if self.condition(condition)? {
                return self.statements(body);
            }
        }
        self.statements(otherwise)
    }

    pub(crate) fn case_statement(
        &mut self,
        operand: Option<&(usize, Sql)>,
        branches: &[(Sql, Vec<Statement>)],
        otherwise: Option<&[Statement]>,
    ) -> Result<Flow> {
        if let Some((variable, sql)) = operand {
            let ty = self.host.assign(sql, &mut self.frame, self.function, *variable, None)?;
            self.set_type(*variable, ty);
        }
        for (condition, body) in branches {
            if self.condition(condition)? {
                return self.statements(body);
            }
        }
        match otherwise {
            Some(body) => self.statements(body),
            None => {
                Err(Error::new(SqlState::CASE_NOT_FOUND, "case not found").hint("CASE statement is missing ELSE part."))
            }
        }
    }

    /// The hidden variable of CASE takes the type of its operand.
    fn set_type(&mut self, variable: usize, ty: Type) {
        if self.frame.types[variable].oid == ty.oid {
            return;
        }
        let mut types = self.frame.types.to_vec();
        types[variable] = ty;
        self.frame.types = types.into();
        *self.function.types.lock() = self.frame.types.clone();
        self.function.type_changes.fetch_add(1, std::sync::atomic::Ordering::Release);
    }

    /// What becomes of a loop after its body.
    #[inline]
    fn after(&self, flow: Flow, body: &Loop) -> After {
        let own = |label: Option<Label>| label.is_none() || label == body.label;
        match flow {
            Flow::Next => After::Again,
            Flow::Continue(label) if own(label) => After::Again,
            Flow::Exit(label) if own(label) => After::Leave(Flow::Next),
            other => After::Leave(other),
        }
    }

    /// One run of a loop's body; `Some`: the loop ends.
    #[inline]
    pub(crate) fn run_body(&mut self, body: &Loop) -> Result<Option<Flow>> {
        let flow = self.statements(&body.body)?;
        Ok(match self.after(flow, body) {
            After::Again => None,
            After::Leave(flow) => Some(flow),
        })
    }

    pub(crate) fn loop_statement(&mut self, body: &Loop) -> Result<Flow> {
        loop {
            if let Some(flow) = self.run_body(body)? {
                return Ok(flow);
            }
            self.tick()?;
        }
    }

    pub(crate) fn while_statement(&mut self, condition: &Sql, body: &Loop) -> Result<Flow> {
        while self.condition(condition)? {
            if let Some(flow) = self.run_body(body)? {
                return Ok(flow);
            }
            self.tick()?;
        }
        Ok(Flow::Next)
    }

    pub(crate) fn for_range(
        &mut self,
        variable: usize,
        reverse: bool,
        (first, last, step): (&Sql, &Sql, Option<&Sql>),
        body: &Loop,
    ) -> Result<Flow> {
        let bound = |interpreter: &mut Self, sql: &Sql, what: &str| match interpreter
            .evaluate_as(sql, Type::new(oids::INT4))?
        {
            Datum::Int4(value) => Ok(value),
            _ => Err(null_error(format!("{what} of FOR loop cannot be null"))),
        };
        let mut value = bound(self, first, "lower bound")?;
        let end = bound(self, last, "upper bound")?;
        let step = match step {
            Some(step) => bound(self, step, "BY value")?,
            None => 1,
        };
        if step <= 0 {
            let message = "BY value of FOR loop must be greater than zero";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let mut found = false;
        let mut outcome = Flow::Next;
        while if reverse { value >= end } else { value <= end } {
            found = true;
            self.tick()?;
            match &mut self.frame.values[variable] {
                Datum::Int4(place) => *place = value,
                place => *place = Datum::Int4(value),
            }
            if let Some(flow) = self.run_body(body)? {
                outcome = flow;
                break;
            }
            let next = if reverse { value.checked_sub(step) } else { value.checked_add(step) };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        self.set_found(found);
        Ok(outcome)
    }

    pub(crate) fn foreach(&mut self, target: &Target, slice: usize, sql: &Sql, body: &Loop) -> Result<Flow> {
        let value = self.evaluate(sql)?;
        if value.datum.is_null() {
            return Err(null_error("FOREACH expression must not be null"));
        }
        let (Datum::Array(array), Some(element)) = (&value.datum, self.host.element(value.ty)) else {
            let message = format!("FOREACH expression must yield an array, not type {}", self.type_name(value.ty));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        };
        let array = array.clone();
        if slice > array.dims.len() {
            let dims = array.dims.len();
            let message = format!("slice dimension ({slice}) is out of the valid range 0..{dims}");
            return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
        }
        let is_array = {
            let ty = match target {
                Target::Row(variable) => self.function.variables[*variable].ty,
                Target::List(places) => self.function.variables[places[0].variable].ty,
            };
            self.host.element(ty).is_some()
        };
        if slice > 0 && !is_array {
            let message = "FOREACH ... SLICE loop variable must be of an array type";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if slice == 0 && is_array && self.host.element(element).is_none() {
            let message = "FOREACH loop variable must not be of an array type";
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let inner: Vec<_> = array.dims[array.dims.len() - slice..].to_vec();
        let size = inner.iter().map(|dimension| dimension.len as usize).product::<usize>().max(1);
        let (mut found, mut outcome) = (false, Flow::Next);
        let whole = self.whole_items(target, element).filter(|_| slice == 0);
        for chunk in array.items.chunks(size) {
            found = true;
            self.tick()?;
            if let Some(variable) = whole {
                self.frame.values[variable].clone_from(&chunk[0]);
                if let Some(flow) = self.run_body(body)? {
                    outcome = flow;
                    break;
                }
                continue;
            }
            let (datum, ty) = match slice {
                0 => (chunk[0].clone(), element),
                _ => {
                    let part = Array { element: array.element, dims: inner.clone(), items: chunk.to_vec() };
                    (Datum::Array(Arc::new(part)), value.ty)
                }
            };
            self.assign_item(target, Value { datum, ty, fields: None })?;
            if let Some(flow) = self.run_body(body)? {
                outcome = flow;
                break;
            }
        }
        self.set_found(found);
        Ok(outcome)
    }

    /// The variable that takes elements of a type as they are.
    fn whole_items(&self, target: &Target, element: Type) -> Option<usize> {
        let Target::List(places) = target else { return None };
        let [Place { variable, field: None }] = &**places else { return None };
        let declared = &self.function.variables[*variable];
        let fits = declared.ty.oid == element.oid && declared.ty.typmod < 0;
        (fits && declared.row.is_none() && !declared.not_null).then_some(*variable)
    }

    /// An item of FOREACH to its variable, or its fields to several.
    fn assign_item(&mut self, target: &Target, value: Value) -> Result<()> {
        match (target, &value.datum) {
            (Target::Row(variable), _) => self.assign_row(*variable, value),
            (Target::List(places), Datum::Record(record)) if places.len() > 1 => {
                let (record, fields) = (record.clone(), self.fields_of_record(record));
                self.assign_target(target, Some(&fields), Some(record.fields.clone()))
            }
            (Target::List(places), _) => self.assign(&places[0], value),
        }
    }

    pub(crate) fn exit_statement(
        &mut self,
        is_exit: bool,
        label: Option<Label>,
        condition: Option<&Sql>,
    ) -> Result<Flow> {
        if let Some(condition) = condition
            && !self.condition(condition)?
        {
            return Ok(Flow::Next);
        }
        Ok(if is_exit { Flow::Exit(label) } else { Flow::Continue(label) })
    }
}
