//! Functions, procedures and aggregates that users made (`pg_proc`), and the look-ups that find them.

use std::sync::Arc;

use dictdb_functions::facts::{AggregateKind, ArgMode, Parallel, ProcKind, Volatility};
use dictdb_types::{Oid, oids};

use crate::{Catalog, Language};

/// A parameter of a routine, in any direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// `proargmodes`.
    pub mode: ArgMode,
    /// `proargnames`; empty when it has none.
    pub name: Arc<str>,
    /// `proallargtypes`.
    pub ty: Oid,
    /// The default as canonical text, and its type.
    pub default: Option<(Arc<str>, Oid)>,
}

/// The parsed body of a routine in standard SQL: `RETURN expression` or `BEGIN ATOMIC … END`.
#[derive(Clone, Debug, PartialEq)]
pub struct SqlBody {
    /// The statements, separated by semicolons; of `RETURN` one SELECT.
    pub statements: Arc<str>,
    /// Which of the statements inside of `BEGIN ATOMIC` are `RETURN expression`.
    pub returns: Vec<usize>,
    /// As `pg_get_function_sqlbody` shows it.
    pub shown: Arc<str>,
    /// Schemas its names are looked up in: the search path it was created under.
    pub search_path: Arc<[Oid]>,
}

/// `pg_aggregate`, for routines that are aggregates.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateInfo {
    /// `aggtransfn`.
    pub transition: Oid,
    /// `aggfinalfn`, or zero.
    pub finish: Oid,
    /// `aggtranstype`.
    pub state: Oid,
    /// `agginitval`.
    pub initial: Option<Arc<str>>,
    /// `aggsortop`, or zero.
    pub sort_operator: Oid,
    /// `aggkind`.
    pub kind: AggregateKind,
    /// `aggnumdirectargs`.
    pub direct_args: usize,
    /// `aggcombinefn`, or zero.
    pub combine: Oid,
    /// `aggserialfn`, or zero.
    pub serialize: Oid,
    /// `aggdeserialfn`, or zero.
    pub deserialize: Oid,
    /// `aggfinalextra`: the final function also takes the aggregated arguments, as NULLs.
    pub finish_extra: bool,
    /// `aggfinalmodify`: `r`, `s` or `w`.
    pub finish_modify: u8,
    /// `aggtransspace`.
    pub state_space: i32,
    /// What it is computed by over moving window frames.
    pub moving: Option<MovingAggregate>,
}

/// The columns of `pg_aggregate` for moving frames.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingAggregate {
    /// `aggmtransfn`.
    pub transition: Oid,
    /// `aggminvtransfn`.
    pub inverse: Oid,
    /// `aggmfinalfn`, or zero.
    pub finish: Oid,
    /// `aggmfinalextra`.
    pub finish_extra: bool,
    /// `aggmfinalmodify`.
    pub finish_modify: u8,
    /// `aggmtranstype`.
    pub state: Oid,
    /// `aggmtransspace`.
    pub state_space: i32,
    /// `aggminitval`.
    pub initial: Option<Arc<str>>,
}

/// A row of `pg_proc`.
#[derive(Clone, Debug)]
pub struct Routine {
    /// `oid`.
    pub oid: Oid,
    /// `proname`.
    pub name: Arc<str>,
    /// `pronamespace`.
    pub namespace: Oid,
    /// `proowner`.
    pub owner: Oid,
    /// What the body is written in.
    pub language: Language,
    /// `prolang`, where CREATE LANGUAGE made it; zero is that of `language`.
    pub own_language: Oid,
    /// `prokind`.
    pub kind: ProcKind,
    /// `procost`.
    pub cost: f32,
    /// `prorows`.
    pub rows: f32,
    /// `prosecdef`.
    pub security_definer: bool,
    /// `proleakproof`.
    pub leakproof: bool,
    /// `proisstrict`.
    pub strict: bool,
    /// `proretset`.
    pub returns_set: bool,
    /// `provolatile`.
    pub volatility: Volatility,
    /// `proparallel`.
    pub parallel: Parallel,
    /// The parameters in order.
    pub params: Vec<Parameter>,
    /// `proargtypes`: input parameters only; [`Routine::with_params`] keeps it in step.
    pub args: Arc<[Oid]>,
    /// `proallargtypes`; empty when all parameters are input.
    pub all_args: Arc<[Oid]>,
    /// `proargmodes`; empty when all parameters are plain input.
    pub modes: Arc<[ArgMode]>,
    /// Types of the defaults, in the order of their parameters.
    pub default_types: Arc<[Oid]>,
    /// `prorettype`.
    pub result: Oid,
    /// `prosrc`.
    pub source: Arc<str>,
    /// `probin`.
    pub library: Option<Arc<str>>,
    /// `prosqlbody`.
    pub body: Option<SqlBody>,
    /// What makes it an aggregate.
    pub aggregate: Option<AggregateInfo>,
    /// `proconfig`, as `name=value`.
    pub config: Vec<Arc<str>>,
    /// `proacl`.
    pub acl: Option<Vec<Arc<str>>>,
}

impl Routine {
    /// A routine without parameters and with what CREATE FUNCTION assumes of one in C: volatile, unsafe in parallel, of cost 1. Its
    /// oid is still to be given.
    pub fn new(
        namespace: Oid,
        name: Arc<str>,
        owner: Oid,
        (kind, language): (ProcKind, Language),
        result: Oid,
        source: &str,
    ) -> Routine {
        Routine {
            oid: Oid::INVALID,
            name,
            namespace,
            owner,
            language,
            own_language: Oid::INVALID,
            kind,
            cost: 1.0,
            rows: 0.0,
            security_definer: false,
            leakproof: false,
            strict: false,
            returns_set: false,
            volatility: Volatility::Volatile,
            parallel: Parallel::Unsafe,
            params: Vec::new(),
            args: Arc::default(),
            all_args: Arc::default(),
            modes: Arc::default(),
            default_types: Arc::default(),
            result,
            source: Arc::from(source),
            library: None,
            body: None,
            aggregate: None,
            config: Vec::new(),
            acl: None,
        }
    }

    /// `prolang`.
    pub fn language_oid(&self) -> Oid {
        if self.own_language.is_valid() { self.own_language } else { self.language.oid() }
    }

    /// The routine with these parameters, and what follows from them.
    #[must_use]
    pub fn with_params(mut self, params: Vec<Parameter>) -> Routine {
        self.args = params.iter().filter(|p| p.mode.is_input()).map(|p| p.ty).collect();
        let only_input = params.iter().all(|p| p.mode.is_input() && p.mode != ArgMode::InOut);
        self.all_args = if only_input { Arc::default() } else { params.iter().map(|p| p.ty).collect() };
        let plain = params.iter().all(|p| p.mode == ArgMode::In);
        self.modes = if plain { Arc::default() } else { params.iter().map(|p| p.mode).collect() };
        self.default_types = params.iter().filter_map(|p| p.default.as_ref().map(|(_, ty)| *ty)).collect();
        self.params = params;
        self
    }

    /// The parameters a caller gives values for.
    pub fn inputs(&self) -> impl Iterator<Item = &Parameter> {
        self.params.iter().filter(|p| p.mode.is_input())
    }

    /// The parameters that make up the result.
    pub fn outputs(&self) -> impl Iterator<Item = &Parameter> {
        self.params.iter().filter(|p| matches!(p.mode, ArgMode::Out | ArgMode::InOut | ArgMode::Table))
    }

    /// `pronargdefaults`.
    pub fn default_count(&self) -> usize {
        self.default_types.len()
    }

    /// `provariadic`; the element type of the last input parameter as `element_of` gives it.
    pub fn variadic(&self, element_of: impl Fn(Oid) -> Option<Oid>) -> Oid {
        let parameter = self.params.iter().find(|p| p.mode == ArgMode::Variadic);
        parameter.map_or(Oid::INVALID, |parameter| match parameter.ty {
            oids::ANY => oids::ANY,
            oids::ANYARRAY => oids::ANYELEMENT,
            oids::ANYCOMPATIBLEARRAY => oids::ANYCOMPATIBLE,
            array => element_of(array).unwrap_or(Oid::INVALID),
        })
    }

    /// The kind in words, as messages have it.
    pub fn kind_noun(&self) -> &'static str {
        match self.kind {
            ProcKind::Function | ProcKind::Window => "function",
            ProcKind::Aggregate => "aggregate",
            ProcKind::Procedure => "procedure",
        }
    }
}

impl Catalog {
    /// The routine with this oid.
    pub fn routine(&self, oid: Oid) -> Option<&Arc<Routine>> {
        self.routines.get(&oid)
    }

    /// All routines that users made, by oid.
    pub fn routines(&self) -> impl Iterator<Item = &Arc<Routine>> {
        self.routines.values()
    }

    /// Whether users have made any routine at all.
    pub fn has_routines(&self) -> bool {
        !self.routines.is_empty()
    }

    /// The routines of this name in a schema.
    pub fn routines_named<'a>(&'a self, namespace: Oid, name: &str) -> impl Iterator<Item = &'a Arc<Routine>> + 'a {
        let name: Arc<str> = Arc::from(name);
        let range = (name.clone(), namespace, Oid(0))..=(name, namespace, Oid(u32::MAX));
        self.routine_names.range(range).filter_map(|(_, _, oid)| self.routines.get(oid))
    }
}
