//! FunctionCall, the fast path: one function by its oid, with arguments as in Bind. libpq's large object functions use it.

use std::pin::pin;
use std::sync::Arc;

use dictdb_functions::facts::{self, ProcKind};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, quote_identifier};

use super::extended::{decode_parameters, format_of};
use super::isolate;
use crate::client::{Client, Row};
use crate::portal::Outcome;
use crate::prepared::{PreparedStatement, Source};
use crate::transaction::aborted;
use crate::{Session, Status};

/// A FunctionCall message.
#[derive(Debug)]
pub struct FunctionCall<'a> {
    /// `pg_proc.oid`.
    pub function: Oid,
    /// Formats of the arguments: none is text, one is for all.
    pub formats: &'a [i16],
    /// The arguments; NULL is `None`.
    pub arguments: &'a [Option<&'a [u8]>],
    /// The format of the result.
    pub result_format: i16,
}

impl Session {
    /// Calls a function and answers with its value, up to but without ReadyForQuery. 25P02, 42883, 42501, 08P01, and whatever the
    /// function reports.
    pub async fn function_call(&mut self, call: FunctionCall<'_>, client: &mut dyn Client) -> Result<()> {
        let deadline = self.begin_message();
        self.start_statement();
        let result = isolate(&self.shared.beacon(), pin!(self.call_and_send(&call, client))).await;
        drop(deadline);
        if let Err(error) = &result {
            self.fail_message(error);
        }
        self.end_activity(client);
        result
    }

    async fn call_and_send(&mut self, call: &FunctionCall<'_>, client: &mut dyn Client) -> Result<()> {
        if self.block.status() == Status::Failed {
            return Err(aborted());
        }
        self.shared.backend.interrupts.check()?;
        let (sql, types) = self.callable(call)?;
        let text: Arc<str> = sql.into();
        self.show_activity(&text);
        let source = Arc::new(Source::parse_with(&text, &types)?);
        self.admit_statement(&source)?;
        let analysis = self.analyze_query(&source)?;
        let prepared = PreparedStatement::new("", Some(source.clone()), text, analysis);
        let params = decode_parameters(&prepared, call.formats, call.arguments, &self.env())
            .map_err(|refused| refused.surplus(format_args!("function argument {}", refused.number())))?;
        let format = format_of(call.result_format)?;
        let (value, ty) = self.single_value(&source, &params)?;
        self.finish_statement().await?;
        self.send_notices(client);
        client.function_result(&value, ty, format, &*self.env())
    }

    /// The call as a query, and the types of its parameters.
    fn callable(&mut self, call: &FunctionCall<'_>) -> Result<(String, Vec<Oid>)> {
        let oid = call.function;
        let catalog = self.env().catalog.clone();
        let found = match catalog.routine(oid) {
            Some(own) => Some((own.namespace, own.name.to_string(), own.kind, own.returns_set, own.args.to_vec())),
            None => facts::proc_by_oid(oid)
                .map(|proc| (proc.namespace, proc.name.to_owned(), proc.kind, proc.returns_set, proc.args.to_vec())),
        };
        let Some((namespace, name, kind, returns_set, args)) = found else {
            let message = format!("function with OID {oid} does not exist");
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        };
        if kind != ProcKind::Function || returns_set {
            let message = format!("cannot call function \"{name}\" via fastpath interface");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let given = call.arguments.len();
        if given != args.len() {
            let message =
                format!("function call message contains {given} arguments but function requires {}", args.len());
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
        }
        if call.formats.len() > 1 && call.formats.len() != given {
            let formats = call.formats.len();
            let message = format!("function call message contains {formats} argument formats but {given} arguments");
            return Err(Error::new(SqlState::PROTOCOL_VIOLATION, message));
        }
        let schema = catalog.schema(namespace).map_or_else(String::new, |schema| schema.name.to_string());
        let places: Vec<String> = (1..=given).map(|number| format!("${number}")).collect();
        let (schema, name) = (quote_identifier(&schema), quote_identifier(&name));
        Ok((format!("SELECT {schema}.{name}({})", places.join(", ")), args))
    }

    fn single_value(&mut self, source: &Source, params: &Arc<[Datum]>) -> Result<(Datum, Type)> {
        let Outcome::Rows { columns, mut source, .. } = self.execute_source(source, params, None)? else {
            return Err(Error::internal("a function call that returns no row"));
        };
        let ty = columns.first().map(|column| column.ty).ok_or_else(|| Error::internal("a call without a result"))?;
        let mut value = Datum::Null;
        let lends = source.calls_routines();
        self.lend_if(lends, || {
            source.pump(1, &mut Row::new(), &mut |row| {
                value = row.first().cloned().unwrap_or(Datum::Null);
                Ok(true)
            })
        })?;
        Ok((value, ty))
    }
}
