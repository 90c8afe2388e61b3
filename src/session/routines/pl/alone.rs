//! Functions in PL/pgSQL where there is no session: in the keys and conditions of indexes, which storage computes for every row it
//! changes, under latches, and again after a crash.
//!
//! They may compute: assign, branch, loop, raise errors and catch them, and call others of their kind. What asks tables, commands or
//! talks to the client is refused, when an index is made ([`check`]) and at the latest when it is run. Names in a function are
//! looked for where the function is.

use std::cell::Cell;
use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Catalog, Language, Routine, namespaces};
use dictdb_executor::{Expression, IndexEnv};
use dictdb_functions::facts::ProcKind;
use dictdb_parser::{Limits, Statement, ast, parse};
use dictdb_planner::BindContext;
use dictdb_planner::part::part_assignment;
use dictdb_planner::routine::{SimpleExpr, Target, assignment_cast, simple_expression};
use dictdb_plpgsql::{
    Arguments, CallOutput, CallSite, Direction, Executed, Frame, Function, Header, Host, Opening, Params,
    PartAssignment, Read, ResultKind, Returned, Sql, SqlKind, TypeSource, Visible, compile,
};
use dictdb_types::{Datum, Env, Error, Field, Oid, Result, SqlState, Type, TypeKind, TypeLookup, text};

use super::types;
use crate::routines::Invocation;

/// Calls within calls. Each takes some of the stack of whoever writes the row.
const MAX_DEPTH: usize = 100;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// The call of a function whose end takes it off the count.
struct Call;

impl Call {
    fn begin() -> Result<Call> {
        let depth = DEPTH.get() + 1;
        if depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        DEPTH.set(depth);
        Ok(Call)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Calls a function for an index. 0A000 for what needs a session.
pub(in crate::routines) fn call(env: &IndexEnv, call: &Invocation<'_>) -> Result<Datum> {
    let routine = env.catalog().routine(call.routine).cloned();
    let routine = routine.ok_or_else(|| Error::internal("a function that is gone"))?;
    if routine.strict && call.args.iter().any(Datum::is_null) {
        return Ok(Datum::Null);
    }
    let _call = Call::begin()?;
    let mut host = Alone::new(&routine, env);
    let types = call.types.iter().map(|ty| ty.oid).collect();
    let function = env.kept(routine.oid, types, || host.compiled(&routine, call.types, call.result))?;
    let mut activation = function.activation();
    let arguments = Arguments { values: call.args, oid: routine.oid };
    let returned = dictdb_plpgsql::call(&function, &mut activation, arguments, &mut host);
    function.end_activation(activation);
    // No handler of the function may have made a value of it.
    host.unable.map_or(Ok(()), Err)?;
    match returned? {
        Returned::Value(value) => Ok(value),
        Returned::Rows(_) => Err(refused("a set")),
    }
}

/// 0A000 for a function that cannot be called for an index.
pub(crate) fn check(catalog: &Arc<Catalog>, routine: Oid) -> Result<()> {
    let Some(routine) = catalog.routine(routine).filter(|routine| routine.language == Language::Plpgsql) else {
        return Ok(());
    };
    let env = IndexEnv::new(catalog.clone(), BOOTSTRAP_ROLE);
    let mut host = Alone::new(routine, &env);
    let types: Vec<Type> = routine.args.iter().map(|oid| Type::new(*oid)).collect();
    let is_polymorphic = |oid: &Oid| dictdb_functions::resolve::is_polymorphic(*oid);
    check_declaration(routine, catalog)?;
    // What its parameters are is not known before it is called.
    if routine.args.iter().any(is_polymorphic) {
        return Ok(());
    }
    let function = host.compiled(routine, &types, Type::new(routine.result))?;
    function.session_statement(&is_expression).map_or(Ok(()), |statement| Err(refused(statement)))
}

/// 0A000 for what a function is declared to be and cannot be here.
fn check_declaration(routine: &Routine, catalog: &Catalog) -> Result<()> {
    let result = catalog.type_info(routine.result);
    let is_row = result.is_some_and(|info| matches!(info.kind, TypeKind::Composite(_)));
    let has_outputs = routine.params.iter().any(|parameter| !parameter.mode.is_input());
    let obstacles = [
        (routine.security_definer, "SECURITY DEFINER"),
        (!routine.config.is_empty(), "SET"),
        (routine.kind != ProcKind::Function || routine.returns_set, "a set"),
        (has_outputs || is_row, "a row"),
    ];
    let found = obstacles.iter().find(|(is_there, _)| *is_there);
    found.map_or(Ok(()), |(_, what)| Err(refused(what)))
}

fn refused(what: &str) -> Error {
    Error::unsupported(format_args!("a function in PL/pgSQL with {what} in an index"))
}

/// Whether a statement is `SELECT expression`.
fn is_expression(sql: &Sql) -> bool {
    let Ok(statements) = parse(&sql.statement(), &Limits::default()) else { return false };
    let [parsed] = statements.as_slice() else { return false };
    let Statement::Sql(tree) = &parsed.statement else { return false };
    let ast::Statement::Query(query) = &**tree else { return false };
    matches!(&*query.body, ast::SetExpr::Select(select) if select.from.is_empty() && select.projection.len() == 1)
}

/// An expression, compiled for the variables as they are.
struct Planned {
    visible: Arc<Visible>,
    target: Option<Type>,
    expression: Expression,
    ty: Type,
    fields: Option<Arc<[Field]>>,
}

/// The host of a function without a session.
struct Alone<'a> {
    env: &'a IndexEnv,
    /// Where names are looked for.
    path: [Oid; 2],
    calls: Vec<Arc<CallSite>>,
    /// Why the function does not give here what it would give in a session.
    unable: Option<Error>,
}

impl<'a> Alone<'a> {
    fn new(routine: &Routine, env: &'a IndexEnv) -> Self {
        Alone { env, path: [namespaces::PG_CATALOG, routine.namespace], calls: Vec::new(), unable: None }
    }

    /// Remembers an error that only the lack of a session may have brought: no handler makes a value of it.
    fn noted<T>(&mut self, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| {
            if matches!(error.code(), SqlState::FEATURE_NOT_SUPPORTED | SqlState::INTERNAL_ERROR) {
                self.unable.get_or_insert(error.clone());
            }
        })
    }

    fn refuse<T>(&mut self, what: &str) -> Result<T> {
        self.noted(Err(refused(what)))
    }

    fn cx(&self) -> BindContext<'_> {
        BindContext {
            catalog: self.env.catalog(),
            registry: crate::system::registry(),
            env: self.env,
            search_path: &self.path,
            role: BOOTSTRAP_ROLE,
            transient: &[],
        }
    }

    fn compiled(&mut self, routine: &Routine, types: &[Type], result: Type) -> Result<Function> {
        let catalog = self.env.catalog().clone();
        check_declaration(routine, &catalog)?;
        let header = Header {
            name: routine.name.clone(),
            signature: dictdb_executor::ddl::routine::signature(&catalog, &self.path, routine).into(),
            params: super::parameters(routine, types, &catalog, &self.path)?,
            result: ResultKind { ty: result, set: false, fields: None },
            procedure: false,
            trigger: false,
            source: routine.source.clone(),
            validating: false,
        };
        compile(header, self)
    }

    /// An expression, compiled now or kept from before; `given` is the type of a value after all variables.
    fn planned(
        &self,
        sql: &Sql,
        (frame, function): (&Frame, &Function),
        target: Option<Type>,
        bind: impl FnOnce(&ast::Statement, &dictdb_parser::Locations, &Visible) -> Result<Option<SimpleExpr>>,
    ) -> Result<Option<Arc<Planned>>> {
        let kept = sql.plan.lock().clone().and_then(|plan| plan.downcast::<Planned>().ok());
        if let Some(planned) = kept.filter(|planned| planned.target == target && planned.visible.is_current(frame)) {
            return Ok(Some(planned));
        }
        let visible = Arc::new(function.visible(sql, frame));
        let parsed = parse(&sql.statement(), &Limits::default()).map_err(|error| sql.locate(error))?.pop();
        let Some(parsed) = parsed else { return Err(Error::internal("an empty expression")) };
        let Statement::Sql(tree) = &parsed.statement else { return Ok(None) };
        let bound = bind(tree, &parsed.locations, &visible).map_err(|error| sql.locate(error))?;
        let Some(SimpleExpr { expr, ty, fields, .. }) = bound else { return Ok(None) };
        let expression = Expression::compile(&expr, &**self.env.catalog())?;
        let planned = Arc::new(Planned { visible, target, expression, ty, fields });
        *sql.plan.lock() = Some(planned.clone());
        Ok(Some(planned))
    }

    fn planned_expression(&self, sql: &Sql, place: (&Frame, &Function), target: Option<Type>) -> Result<Arc<Planned>> {
        let wanted = target.map(|ty| Target { ty, located: sql.kind == SqlKind::Assignment });
        let planned = self.planned(sql, place, target, |tree, locations, visible| {
            simple_expression(tree, locations, visible.types(), visible, wanted, self.cx())
        })?;
        planned.ok_or_else(|| refused("a query"))
    }

    fn planned_part(
        &self,
        part: &PartAssignment,
        place: (&Frame, &Function),
        given: Option<Type>,
    ) -> Result<Option<Arc<Planned>>> {
        self.planned(&part.sql, place, given, |tree, locations, visible| {
            part_assignment(tree, locations, visible.types(), visible, (part.names, given), self.cx())
        })
    }
}

impl TypeSource for Alone<'_> {
    fn named(&mut self, name: &str) -> Result<Type> {
        types::named(name, self.cx())
    }

    fn fields(&mut self, ty: Type) -> Option<Arc<[Field]>> {
        types::fields(ty, self.env)
    }

    fn base(&mut self, ty: Type) -> Type {
        self.env.base_type(ty)
    }

    fn element(&mut self, ty: Type) -> Option<Type> {
        types::element(ty, self.env)
    }

    fn array_of(&mut self, ty: Type) -> Option<Type> {
        types::array_of(ty, self.env)
    }

    fn check_collation(&mut self, ty: Type, name: &str) -> Result<()> {
        types::check_collation(ty, name, self.cx())
    }

    /// The settings of the language have the values they have by default.
    fn setting(&mut self, name: &str) -> String {
        match name {
            "plpgsql.variable_conflict" => "error",
            "plpgsql.check_asserts" => "on",
            "plpgsql.print_strict_params" => "off",
            _ => "none",
        }
        .to_owned()
    }
}

impl Host for Alone<'_> {
    fn env(&mut self) -> Arc<dyn Env> {
        Arc::new(self.env.clone())
    }

    fn evaluate(
        &mut self,
        sql: &Sql,
        frame: &mut Frame,
        function: &Function,
        target: Option<Type>,
    ) -> Result<(Datum, Type, Option<Arc<[Field]>>)> {
        let planned = self.planned_expression(sql, (&*frame, function), target);
        let planned = self.noted(planned)?;
        let value = self.noted(planned.expression.eval(self.env, &frame.values))?;
        Ok((value, planned.ty, planned.fields.clone()))
    }

    fn value(&mut self, sql: &Sql, frame: &mut Frame, function: &Function, target: Type) -> Result<Datum> {
        self.evaluate(sql, frame, function, Some(target)).map(|(value, ..)| value)
    }

    fn assign(
        &mut self,
        sql: &Sql,
        frame: &mut Frame,
        function: &Function,
        variable: usize,
        target: Option<Type>,
    ) -> Result<Type> {
        let (value, ty, _) = self.evaluate(sql, frame, function, target)?;
        frame.values[variable] = value;
        Ok(ty)
    }

    fn assign_field(&mut self, _: &Sql, _: &mut Frame, _: (usize, usize), _: Type) -> Result<bool> {
        Ok(false)
    }

    fn is_true(&mut self, sql: &Sql, frame: &mut Frame, function: &Function) -> Result<bool> {
        let (value, ..) = self.evaluate(sql, frame, function, Some(Type::new(dictdb_types::oids::BOOL)))?;
        Ok(matches!(value, Datum::Bool(true)))
    }

    fn evaluate_part(
        &mut self,
        part: &PartAssignment,
        frame: &mut Frame,
        function: &Function,
    ) -> Result<Option<Datum>> {
        let planned = self.planned_part(part, (&*frame, function), None);
        let planned = self.noted(planned.and_then(|planned| planned.ok_or_else(|| refused("a query"))))?;
        self.noted(planned.expression.eval(self.env, &frame.values)).map(Some)
    }

    /// The only row of `SELECT expression`.
    fn execute(&mut self, sql: &Sql, frame: &Frame, function: &Function, _: Read) -> Result<Executed> {
        let planned = self.planned_expression(sql, (frame, function), None);
        let planned = self.noted(planned)?;
        let value = self.noted(planned.expression.eval(self.env, &frame.values))?;
        let column = Field { name: Arc::from("?column?"), ty: planned.ty };
        let columns = Some(Arc::from([column]));
        Ok(Executed { columns, rows: vec![vec![value]], processed: 1, command: "SELECT".into() })
    }

    fn execute_text(&mut self, _: &str, _: Params, _: Read) -> Result<Executed> {
        self.refuse("EXECUTE")
    }

    fn is_nonatomic(&self) -> bool {
        false
    }

    fn execute_call(
        &mut self,
        _: &Sql,
        _: &Frame,
        _: &Function,
        _: &mut dyn FnMut(&[CallOutput]) -> Result<()>,
    ) -> Result<Option<Executed>> {
        self.refuse("CALL")
    }

    fn open(&mut self, _: Opening<'_>, _: &Sql, _: &Frame, _: &Function) -> Result<Arc<str>> {
        self.refuse("a cursor")
    }

    fn open_text(&mut self, _: Opening<'_>, _: &str, _: Params) -> Result<Arc<str>> {
        self.refuse("a cursor")
    }

    fn fetch(&mut self, _: &str, _: Direction, _: bool) -> Result<Executed> {
        self.refuse("a cursor")
    }

    fn close(&mut self, _: &str) -> Result<()> {
        self.refuse("a cursor")
    }

    fn cast(&mut self, value: Datum, from: Type, to: Type) -> Result<Datum> {
        if from == to || from.oid == to.oid && to.typmod < 0 {
            return Ok(value);
        }
        let cast = assignment_cast(from, to, self.cx());
        let cast = cast.and_then(|cast| Expression::compile(&cast, &**self.env.catalog()));
        let converted = cast.and_then(|cast| cast.eval(self.env, &[value]));
        self.noted(converted)
    }

    fn text(&mut self, value: &Datum, ty: Type) -> Result<String> {
        let mut out = String::new();
        self.noted(text::output(value, ty.oid, self.env, &mut out))?;
        Ok(out)
    }

    /// Nothing outside of its variables changes, so there is nothing to take back.
    fn begin_part(&mut self) -> Result<()> {
        Ok(())
    }

    fn end_part(&mut self, _: bool) -> Result<()> {
        Ok(())
    }

    fn end_transaction(&mut self, _: bool, _: bool) -> Result<()> {
        self.refuse("COMMIT or ROLLBACK")
    }

    /// Functions that say RAISE below EXCEPTION are refused; warnings of compiling one were told when it was made.
    fn notice(&mut self, _: Error) {}

    fn enter(&mut self, call: Arc<CallSite>) {
        self.calls.push(call);
    }

    fn leave(&mut self) {
        self.calls.pop();
    }

    fn outer_context(&mut self) -> Vec<String> {
        self.calls.iter().rev().skip(1).map(|site| site.line()).collect()
    }
}
