//! A routine as the catalog functions describe it, whether it is built in or a user's.

use std::borrow::Cow;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Routine};
use dictdb_functions::facts::{self, ArgMode, Parallel, Proc, ProcKind, Volatility, ids};
use dictdb_types::{Oid, TypeLookup};

/// A parameter.
pub(super) struct Parameter {
    pub mode: ArgMode,
    pub name: Arc<str>,
    pub ty: Oid,
    pub default: Option<Arc<str>>,
}

/// A row of `pg_proc`.
pub(super) struct Described {
    pub oid: Oid,
    pub name: Arc<str>,
    pub namespace: Oid,
    pub language: Oid,
    pub cost: f32,
    pub rows: f32,
    pub support: Oid,
    pub kind: ProcKind,
    pub security_definer: bool,
    pub leakproof: bool,
    pub strict: bool,
    pub returns_set: bool,
    pub volatility: Volatility,
    pub parallel: Parallel,
    pub result: Oid,
    pub args: Box<[Oid]>,
    pub params: Vec<Parameter>,
    pub source: Arc<str>,
    pub library: Option<&'static str>,
    /// A body in standard SQL, as it is shown.
    pub sql_body: Option<Arc<str>>,
    /// Number of direct arguments of an ordered-set aggregate.
    pub direct_args: Option<usize>,
    pub config: Vec<Arc<str>>,
}

impl Described {
    /// The routine with this oid.
    pub fn find(catalog: &Catalog, oid: Oid) -> Option<Described> {
        match catalog.routine(oid) {
            Some(routine) => Some(Described::of_user(routine)),
            None => facts::proc_by_oid(oid).map(Described::of_builtin),
        }
    }

    fn of_user(routine: &Routine) -> Described {
        let parameter = |p: &dictdb_catalog::Parameter| Parameter {
            mode: p.mode,
            name: p.name.clone(),
            ty: p.ty,
            default: p.default.as_ref().map(|(text, _)| text.clone()),
        };
        Described {
            oid: routine.oid,
            name: routine.name.clone(),
            namespace: routine.namespace,
            language: routine.language_oid(),
            cost: routine.cost,
            rows: routine.rows,
            support: Oid::INVALID,
            kind: routine.kind,
            security_definer: routine.security_definer,
            leakproof: routine.leakproof,
            strict: routine.strict,
            returns_set: routine.returns_set,
            volatility: routine.volatility,
            parallel: routine.parallel,
            result: routine.result,
            args: routine.args.to_vec().into(),
            params: routine.params.iter().map(parameter).collect(),
            source: routine.source.clone(),
            library: None,
            sql_body: routine.body.as_ref().map(|body| body.shown.clone()),
            direct_args: routine
                .aggregate
                .as_ref()
                .filter(|a| a.kind != facts::AggregateKind::Normal)
                .map(|a| a.direct_args),
            config: routine.config.clone(),
        }
    }

    fn of_builtin(proc: &'static Proc) -> Described {
        let aggregate = facts::aggregate(proc.oid).filter(|a| a.kind != facts::AggregateKind::Normal);
        Described {
            oid: proc.oid,
            name: Arc::from(proc.name),
            namespace: proc.namespace,
            language: proc.language,
            cost: proc.cost,
            rows: proc.rows,
            support: proc.support,
            kind: proc.kind,
            security_definer: proc.security_definer,
            leakproof: proc.leakproof,
            strict: proc.strict,
            returns_set: proc.returns_set,
            volatility: proc.volatility,
            parallel: proc.parallel,
            result: proc.result,
            args: proc.args.clone(),
            params: builtin_parameters(proc),
            source: match proc.language == ids::LANGUAGE_SQL && !proc.has_parsed_body() {
                true => Arc::from(proc.body().unwrap_or(Cow::Borrowed(proc.source))),
                false => Arc::from(proc.source),
            },
            library: proc.library,
            sql_body: proc.body().filter(|_| proc.has_parsed_body()).map(Arc::from),
            direct_args: aggregate.map(|a| a.direct_args),
            config: Vec::new(),
        }
    }
}

/// The element type of a variadic parameter's array.
pub(super) fn variadic(catalog: &Catalog, routine: &Routine) -> Oid {
    routine.variadic(|array| catalog.type_info(array).map(|info| info.element).filter(|oid| oid.is_valid()))
}

fn builtin_parameters(proc: &'static Proc) -> Vec<Parameter> {
    let types = proc.all_args.as_deref().unwrap_or(&proc.args);
    let inputs = proc.args.len();
    let defaults = split_list(proc.defaults.unwrap_or_default());
    let mut position = 0;
    let parameter = |(i, ty): (usize, &Oid)| {
        let mode = proc.arg_modes.as_ref().and_then(|modes| modes.get(i)).copied().unwrap_or(ArgMode::In);
        let mut default = None;
        if mode.is_input() {
            position += 1;
            let from_end = inputs + 1 - position;
            default = defaults.len().checked_sub(from_end).and_then(|i| defaults.get(i)).map(|text| Arc::from(*text));
        }
        let name = proc.arg_names.as_ref().and_then(|names| names.get(i)).copied().unwrap_or_default();
        Parameter { mode, name: Arc::from(name), ty: *ty, default }
    };
    types.iter().enumerate().map(parameter).collect()
}

/// Splits expressions at the commas between them.
fn split_list(text: &'static str) -> Vec<&'static str> {
    let (mut quoted, mut depth, mut start, mut items) = (false, 0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        items.push(text[start..].trim());
    }
    items
}
