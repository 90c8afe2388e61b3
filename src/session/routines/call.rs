//! CALL, and the SET clauses of CREATE FUNCTION.

use std::sync::Arc;

use dictdb_catalog::Routine;
use dictdb_executor::ddl::routine::FunctionSetting;
use dictdb_parser::ast;
use dictdb_parser::utility::{FunctionOption, SetAction, Utility};
use dictdb_types::{Datum, Error, Result, Type};

use super::Invocation;
use super::sql::RowShape;
use crate::Session;
use crate::client::{Column, Tag};
use crate::portal::{Outcome, Portal, RowSource, TagCount};
use crate::prepared::{Analysis, Source};
use crate::settings::Settings;

/// The output parameters of a CALL.
pub(super) struct CallResults {
    pub columns: Arc<[Column]>,
    pub row: Vec<Datum>,
}

impl Session {
    /// CALL.
    pub(crate) fn run_call(&mut self, call: &ast::Function, portal: &Portal) -> Result<Outcome> {
        let Some(source) = &portal.source else { return Err(Error::internal("CALL without text")) };
        let nonatomic = !self.block.in_block() && self.routines.calls.depth == 0;
        self.block.snapshot_taken = true;
        match self.call_procedure(call, source, &portal.params, nonatomic, &mut |_, _| Ok(()))? {
            None => Ok(Outcome::Done(Tag::new("CALL"))),
            Some(results) => Ok(Outcome::Rows {
                columns: results.columns,
                source: RowSource::stored(vec![results.row]),
                command: "CALL",
                count: TagCount::None,
            }),
        }
    }

    /// Calls a procedure; the row of its output parameters, if it has any. Before it runs, `check` sees it and the arguments
    /// that stand for its output parameters.
    pub(super) fn call_procedure(
        &mut self,
        call: &ast::Function,
        source: &Source,
        params: &Arc<[Datum]>,
        nonatomic: bool,
        check: &mut dyn FnMut(&Routine, &[Option<ast::Expr>]) -> Result<()>,
    ) -> Result<Option<CallResults>> {
        let declared: Vec<Type> = source.declared.clone();
        let env = self.env();
        let path = env.search_path();
        let cx = env.bind_context(&path);
        let variables = source.variables.as_deref().map(|variables| variables as _);
        let planned = dictdb_planner::routine::plan_call(call, &source.parsed.locations, &declared, variables, cx)?;
        let routine = self.routine(planned.routine)?;
        check(&routine, &planned.outputs)?;
        let args = self.call_arguments(&planned, params, env)?;
        let invocation = Invocation {
            routine: planned.routine,
            types: &planned.types,
            result: Type::new(routine.result),
            columns: &[],
            args: &args,
            nonatomic,
        };
        let value = self.invoke(&invocation)?;
        let RowShape::Fields(_, fields) = self.row_shape(&routine, &invocation)? else {
            return Ok(None);
        };
        let row = match value {
            Datum::Record(record) => record.fields.clone(),
            _ => vec![Datum::Null; fields.len()],
        };
        let columns: Arc<[Column]> = fields.iter().map(|field| Column::new(&field.name, field.ty)).collect();
        Ok(Some(CallResults { columns, row }))
    }

    /// CALL's parameters, whose types its procedure tells where the client does not, and the columns that it returns.
    pub(crate) fn analyze_call(&mut self, call: &ast::Function, source: &Source) -> Result<Analysis> {
        let env = self.env();
        let path = env.search_path();
        let cx = env.bind_context(&path);
        let locations = &source.parsed.locations;
        let planned = dictdb_planner::routine::plan_call(call, locations, &source.declared, None, cx)?;
        let routine = self.routine(planned.routine)?;
        let outputs = routine.outputs().zip(&planned.output_types);
        let columns: Vec<Column> = outputs.map(|(output, ty)| Column::new(&output.name, *ty)).collect();
        Ok(Analysis {
            params: planned.params.iter().map(|ty| ty.oid).collect(),
            columns: (!columns.is_empty()).then(|| columns.into()),
            failure: None,
        })
    }

    /// The SET clauses among a command's options with their values as text.
    pub(crate) fn function_settings(&mut self, command: &Utility) -> Result<Vec<FunctionSetting>> {
        let options = match command {
            Utility::CreateFunction(create) => &create.options,
            Utility::AlterFunction(alter) => &alter.options,
            _ => return Ok(Vec::new()),
        };
        let mut settings = Vec::new();
        for option in options {
            let FunctionOption::Set(set) = option else { continue };
            settings.push(match &set.action {
                SetAction::Value { name, values } => {
                    let text = self.flatten(name, values)?;
                    self.check_setting(name, &text)?;
                    self.note_missing_object(name, &text);
                    (Some(Settings::canonical_name(name)), Some(text))
                }
                SetAction::FromCurrent { name } => {
                    let value = self.shared.show(name)?;
                    (Some(Settings::canonical_name(name)), Some(value))
                }
                SetAction::Default { name, .. } => (Some(Settings::canonical_name(name)), None),
                SetAction::ResetAll => (None, None),
                SetAction::Transaction { .. } | SetAction::TransactionSnapshot(_) => {
                    return Err(Error::unsupported("SET TRANSACTION in a function definition"));
                }
            });
        }
        Ok(settings)
    }

    /// Whether a value can be set at all: it is, and taken back.
    fn check_setting(&mut self, name: &str, text: &str) -> Result<()> {
        let catalog = self.env().catalog.clone();
        let authority = self.shared.authority_over(&catalog, name);
        let mut settings = self.shared.settings.lock();
        settings.push_savepoint();
        let depth = self.block.savepoints.len();
        let result = settings.set(name, text, crate::settings::Scope::Local, authority);
        settings.rollback_to_savepoint(depth);
        settings.release_savepoints(depth);
        result
    }
}
