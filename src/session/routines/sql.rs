//! LANGUAGE sql: a body of statements, of which the last one gives the result.

use std::sync::Arc;

use dictdb_catalog::Routine;
use dictdb_executor::Expression;
use dictdb_functions::facts::{ProcKind, Volatility};
use dictdb_parser::{Limits, Statement, parse};
use dictdb_planner::variables::Parameters;
use dictdb_types::{Datum, Error, Field, Oid, Record, Result, SqlState, Type, TypeKind, TypeLookup, oids};

use super::Invocation;
use super::invoke::Results;
use super::pl::ContextEntry;
use crate::Session;
use crate::client::{Collector, Column};
use crate::portal::{Outcome, Portal};
use crate::prepared::Source;

/// A function as its calls with some argument types run it.
pub(crate) struct SqlFunction {
    /// The row of `pg_proc` it was made of.
    pub routine: Arc<Routine>,
    /// Its statements.
    pub statements: Vec<Arc<Source>>,
}

/// Types of the rows a function returns.
pub(crate) enum RowShape {
    /// Nothing.
    Void,
    /// One value.
    Scalar(Type),
    /// The fields of a composite; the type that its records have.
    Fields(Oid, Arc<[Field]>),
    /// Whatever the last statement gives.
    Any,
}

/// Whether the one column of a statement is the row that a function returns. A record of one field is what procedures with one
/// output parameter return, whose value the column is.
pub(super) fn is_whole_row(columns: &[Column], returned: Oid, fields: &[Field]) -> bool {
    let is_of_procedure = returned == oids::RECORD && fields.len() == 1;
    matches!(columns, [only] if !is_of_procedure && (only.ty.oid == returned || only.ty.oid == oids::RECORD))
}

impl Session {
    /// What the rows of a function look like in a call.
    pub(crate) fn row_shape(&mut self, routine: &Routine, call: &Invocation<'_>) -> Result<RowShape> {
        let outputs: Vec<_> = routine.outputs().collect();
        if routine.kind == ProcKind::Procedure && outputs.is_empty() || call.result.oid == oids::VOID {
            return Ok(RowShape::Void);
        }
        if call.result.oid == oids::RECORD {
            if !outputs.is_empty() {
                let actual: Vec<Oid> = call.types.iter().map(|ty| ty.oid).collect();
                let env = self.env();
                let path = env.search_path();
                let scope = dictdb_planner::scope::CatalogScope { catalog: &env.catalog, search_path: &path };
                let field = |parameter: &&dictdb_catalog::Parameter| {
                    let mut inputs = routine.args.to_vec();
                    let resolve = dictdb_functions::resolve::resolve_polymorphic;
                    let ty = resolve(&scope, &actual, &mut inputs, parameter.ty)?;
                    Ok(Field { name: parameter.name.clone(), ty: Type::new(ty) })
                };
                return Ok(RowShape::Fields(oids::RECORD, outputs.iter().map(field).collect::<Result<_>>()?));
            }
            if !call.columns.is_empty() {
                return Ok(RowShape::Fields(oids::RECORD, call.columns.into()));
            }
            return Ok(RowShape::Any);
        }
        let env = self.env();
        let base = env.base_type(call.result);
        Ok(match env.type_info(base.oid).map(|info| info.kind.clone()) {
            Some(TypeKind::Composite(fields)) => RowShape::Fields(base.oid, fields),
            _ => RowShape::Scalar(call.result),
        })
    }

    /// The function with the types of a call, made now or kept from before.
    pub(super) fn sql_function(&mut self, routine: &Arc<Routine>, types: &[Type]) -> Result<Arc<SqlFunction>> {
        let key = (routine.oid, types.iter().map(|ty| ty.oid).collect::<Box<[Oid]>>());
        if let Some(known) = self.routines.sql.get(&key)
            && Arc::ptr_eq(&known.routine, routine)
        {
            return Ok(known.clone());
        }
        let parameters: Arc<Parameters> = Arc::new(Parameters::of(routine, types));
        let declared: Vec<Oid> = types.iter().map(|ty| ty.oid).collect();
        let text: Arc<str> = match &routine.body {
            Some(body) => body.statements.clone(),
            None => routine.source.clone(),
        };
        let parsed = parse(&text, &Limits::default())?;
        let source = |statement| {
            let source = Source::new(text.clone(), statement, &declared);
            Arc::new(Source { variables: Some(parameters.clone()), ..source })
        };
        let function =
            Arc::new(SqlFunction { routine: routine.clone(), statements: parsed.into_iter().map(source).collect() });
        self.routines.sql.insert(key, function.clone());
        Ok(function)
    }

    pub(super) fn run_sql_function(&mut self, routine: &Arc<Routine>, call: &Invocation<'_>) -> Result<Results> {
        let name = routine.name.clone();
        let startup = |error: Error| in_body(error, routine).context(format!("SQL function \"{name}\" during startup"));
        let function = self.sql_function(routine, call.types).map_err(startup)?;
        let shape = self.row_shape(routine, call)?;
        self.check_result(&function, &shape, call.result).map_err(startup)?;
        let params: Arc<[Datum]> = call.args.into();
        let mut results = Results::One(Datum::Null);
        for (index, source) in function.statements.iter().enumerate() {
            let is_last = index + 1 == function.statements.len();
            let wanted = (is_last && !matches!(shape, RowShape::Void)).then_some(&shape);
            let place = format!("SQL function \"{name}\" statement {}", index + 1);
            let run = self.within(ContextEntry::Text(place.as_str().into()), |session| {
                session.run_statement(source, &params, wanted, routine)
            });
            results = run.map_err(|error| in_body(error, routine).context(place))?;
        }
        Ok(match (results, &shape) {
            (_, RowShape::Void) if routine.returns_set => Results::Many(Vec::new()),
            (_, RowShape::Void) => Results::One(Datum::Null),
            (results, _) => results,
        })
    }

    fn run_statement(
        &mut self,
        source: &Arc<Source>,
        params: &Arc<[Datum]>,
        shape: Option<&RowShape>,
        routine: &Routine,
    ) -> Result<Results> {
        if let Statement::Utility(_) = &source.parsed.statement {
            if routine.volatility != Volatility::Volatile {
                let tag = crate::statement::command_tag(&source.parsed.statement);
                let message = format!("{tag} is not allowed in a non-volatile function");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            self.run_command(source, params)?;
            return Ok(Results::Many(Vec::new()));
        }
        let plan = self.plan(source)?;
        if routine.volatility != Volatility::Volatile && plan.modifies() {
            let message = format!("{} is not allowed in a non-volatile function", plan.tag());
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let limit = if shape.is_some() && !routine.returns_set { 1 } else { usize::MAX };
        let (columns, rows) = match self.execute_source(source, params, None)? {
            Outcome::Done(_) => return Ok(Results::Many(Vec::new())),
            Outcome::Rows { columns, mut source, .. } => {
                let mut rows: Vec<Vec<Datum>> = Vec::new();
                let lends = source.calls_routines();
                self.lend_if(lends, || {
                    source.pump(limit, &mut Vec::new(), &mut |row| {
                        rows.push(row.clone());
                        Ok(true)
                    })
                })?;
                (columns, rows)
            }
        };
        match shape {
            Some(shape) => self.shape_rows(rows, &columns, shape).map(Results::Many),
            None => Ok(Results::Many(Vec::new())),
        }
    }

    /// A row that a column has as a value of a composite type: one of no type in particular is made one. 42846.
    fn whole_row(&mut self, value: Datum, oid: Oid, fields: &[Field]) -> Result<Datum> {
        let record = match value {
            Datum::Record(record) if oid != oids::RECORD && record.ty != oid => record,
            value => return Ok(value),
        };
        if record.fields.len() != fields.len() {
            let detail = match record.fields.len() < fields.len() {
                true => "Input has too few columns.",
                false => "Input has too many columns.",
            };
            let shown = dictdb_types::type_name(&*self.env().catalog, oid, &|_| None);
            let message = format!("cannot cast type record to {shown}");
            return Err(Error::new(SqlState::CANNOT_COERCE, message).detail(detail));
        }
        let env = self.env();
        let mut values = Vec::with_capacity(fields.len());
        for ((value, from), field) in record.fields.iter().zip(&record.types).zip(fields) {
            let cast = self.cast_to(Type::new(*from), field.ty)?;
            values.push(cast.apply(value.clone(), &*env)?);
        }
        let types = fields.iter().map(|field| field.ty.oid).collect();
        Ok(Datum::Record(Arc::new(Record { ty: oid, types, fields: values, names: None })))
    }

    /// Runs a command that is no query; what it would send goes nowhere.
    pub(crate) fn run_command(&mut self, source: &Arc<Source>, params: &Arc<[Datum]>) -> Result<Outcome> {
        let depth = self.block.savepoints.len();
        let mut portal = Portal::new("", Some(source.clone()), source.text.clone(), params.clone(), depth);
        let mut client = Collector::default();
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(self.run(&mut portal, &mut client)))
    }

    /// Rows of the last statement as values of the function's type.
    pub(super) fn shape_rows(
        &mut self,
        rows: Vec<Vec<Datum>>,
        columns: &[Column],
        shape: &RowShape,
    ) -> Result<Vec<Datum>> {
        let types: Vec<Type> = columns.iter().map(|column| column.ty).collect();
        match shape {
            RowShape::Void => Ok(Vec::new()),
            RowShape::Scalar(ty) => {
                let from = types.first().copied().unwrap_or(*ty);
                let cast = self.cast_to(from, *ty)?;
                let env = self.env();
                let first = |row: Vec<Datum>| row.into_iter().next().unwrap_or(Datum::Null);
                rows.into_iter().map(|row| cast.apply(first(row), &*env)).collect()
            }
            RowShape::Fields(oid, fields) if is_whole_row(columns, *oid, fields) => {
                let values = rows.into_iter().filter_map(|row| row.into_iter().next());
                values.map(|value| self.whole_row(value, *oid, fields)).collect()
            }
            RowShape::Fields(oid, fields) => {
                let casts = types.iter().zip(fields.iter()).map(|(from, field)| self.cast_to(*from, field.ty));
                let casts: Vec<Cast> = casts.collect::<Result<_>>()?;
                let env = self.env();
                let field_types: Vec<Oid> = fields.iter().map(|field| field.ty.oid).collect();
                let mut records = Vec::with_capacity(rows.len());
                for row in rows {
                    let values = row.into_iter().zip(&casts).map(|(value, cast)| cast.apply(value, &*env));
                    let fields = values.collect::<Result<Vec<Datum>>>()?;
                    records.push(Datum::Record(Arc::new(Record {
                        ty: *oid,
                        types: field_types.clone(),
                        fields,
                        names: None,
                    })));
                }
                Ok(records)
            }
            RowShape::Any => {
                let types: Vec<Oid> = types.iter().map(|ty| ty.oid).collect();
                let record = |fields| Record { ty: oids::RECORD, types: types.clone(), fields, names: None };
                Ok(rows.into_iter().map(|row| Datum::Record(Arc::new(record(row)))).collect())
            }
        }
    }

    /// The conversion of values from one type to another.
    pub(crate) fn cast_to(&mut self, from: Type, to: Type) -> Result<Cast> {
        if from == to || from.oid == to.oid && to.typmod < 0 {
            return Ok(Cast(None));
        }
        let env = self.env();
        let path = env.search_path();
        let cast = dictdb_planner::routine::assignment_cast(from, to, env.bind_context(&path))?;
        Ok(Cast(Some(Expression::compile(&cast, &*env.catalog)?)))
    }
}

/// A conversion of values.
pub(crate) struct Cast(Option<Expression>);

impl Cast {
    /// The converted value.
    pub(crate) fn apply(&self, value: Datum, env: &dyn dictdb_types::Env) -> Result<Datum> {
        match &self.0 {
            None => Ok(value),
            Some(expression) => expression.eval(env, &[value]),
        }
    }
}

/// A position in the body is one in a text the client has not sent.
pub(super) fn in_body(mut error: Error, routine: &Routine) -> Error {
    let fields = error.fields_mut();
    if let Some(position) = fields.position.take() {
        let text = routine.body.as_ref().map_or(&routine.source, |body| &body.statements);
        fields.internal = Some((position, text.to_string()));
    }
    error
}
