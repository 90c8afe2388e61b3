//! Coercions: applying what [`dictdb_functions::resolve`] decides, and giving unknown literals and parameters a type.

use std::sync::Arc;

use dictdb_catalog::{AggregateInfo, Language, PROC_CLASS, Routine};
use dictdb_functions::facts::{self, CastContext};
use dictdb_functions::kernel::Registry;
use dictdb_functions::resolve::{self, Coercion};
use dictdb_types::{Datum, Error, Oid, Physical, Result, SqlState, Type, TypeKind, TypeLookup, oids};

use super::Binder;
use crate::expr::{AggregateSteps, Call, Case, Expr, Function, UserAggregate};
use crate::repeatable::{self, Repeatable};

impl Binder<'_> {
    /// The expression as a value of `target`; `None` when there is no such coercion in this context.
    pub(crate) fn coerce(&mut self, expr: Expr, target: Type, context: CastContext) -> Result<Option<Expr>> {
        let coerced = self.coerced(expr, target, context)?;
        coerced.iter().for_each(|value| self.note_type(value));
        Ok(coerced)
    }

    fn coerced(&mut self, expr: Expr, target: Type, context: CastContext) -> Result<Option<Expr>> {
        let source = expr.ty();
        if source == target || matches!(target.oid, oids::ANY | oids::UNKNOWN) {
            return Ok(Some(expr));
        }
        if source.oid == oids::UNKNOWN {
            return self.coerce_unknown(expr, target, context).map(Some);
        }
        if source.oid == target.oid {
            return self.apply_typmod(expr, target, context).map(Some);
        }
        let Some(path) = resolve::coercion_path(&self.scope(), source.oid, target.oid, context) else {
            return Ok(None);
        };
        let coerced = self.apply_path(expr, path, target, context)?;
        self.apply_typmod(coerced, target, context).map(Some)
    }

    /// Like [`Binder::coerce`]; 42846 when there is no such cast.
    pub(crate) fn cast(&mut self, expr: Expr, target: Type, position: Option<u32>) -> Result<Expr> {
        self.cast_at(expr, target, position, position)
    }

    /// Likewise, with places of its own for the value and for the cast itself.
    pub(crate) fn cast_at(
        &mut self,
        expr: Expr,
        target: Type,
        value: Option<u32>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let source = expr.ty();
        // Casts of records, which are looked at field by field, fail where the cast is.
        let at = |e: &Error| if e.code() == SqlState::CANNOT_COERCE { position } else { value };
        let coerced = self.coerce(expr, target, CastContext::Explicit).map_err(|e| {
            let place = at(&e);
            e.at(place)
        })?;
        coerced.ok_or_else(|| {
            Error::new(
                SqlState::CANNOT_COERCE,
                format!(
                    "cannot cast type {} to {}",
                    self.type_name(Type::new(source.oid)),
                    self.type_name(Type::new(target.oid))
                ),
            )
            .at(position)
        })
    }

    /// Implicitly, for an argument whose coercibility resolution has established.
    pub(crate) fn coerce_implicit(&mut self, expr: Expr, target: Oid) -> Result<Expr> {
        let source = expr.ty();
        self.coerce(expr, Type::new(target), CastContext::Implicit)?.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "cannot convert type {} to {}",
                    self.type_name(Type::new(source.oid)),
                    self.type_name(Type::new(target))
                ),
            )
        })
    }

    /// To boolean, for WHERE and its like; 42804 naming the construct.
    pub(crate) fn coerce_to_boolean(&mut self, expr: Expr, construct: &str, position: Option<u32>) -> Result<Expr> {
        let source = expr.ty();
        let coerced = self.coerce(expr, Type::new(oids::BOOL), CastContext::Assignment).map_err(|e| e.at(position))?;
        coerced.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {construct} must be type boolean, not type {}", self.type_name(source)),
            )
            .at(position)
        })
    }

    /// To `int8`, for LIMIT and OFFSET.
    pub(crate) fn coerce_to_int8(&mut self, expr: Expr, construct: &str, position: Option<u32>) -> Result<Expr> {
        let source = expr.ty();
        let coerced = self.coerce(expr, Type::new(oids::INT8), CastContext::Assignment).map_err(|e| e.at(position))?;
        coerced.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("argument of {construct} must be type bigint, not type {}", self.type_name(source)),
            )
            .at(position)
        })
    }

    /// An output column nobody gave a type is `text`.
    pub(crate) fn resolve_unknown(&mut self, expr: Expr) -> Result<Expr> {
        if expr.ty().oid == oids::UNKNOWN { self.coerce_implicit(expr, oids::TEXT) } else { Ok(expr) }
    }

    /// A value of which no type is asked: a literal is `text`, a parameter of which nothing else is known stays unknown.
    pub(crate) fn resolve_any(&mut self, expr: Expr) -> Result<Expr> {
        if matches!(expr, Expr::Param(..)) { Ok(expr) } else { self.resolve_unknown(expr) }
    }

    fn coerce_unknown(&mut self, expr: Expr, target: Type, context: CastContext) -> Result<Expr> {
        let base = self.cx.catalog.base_type(target);
        // A client's parameter is of the domain itself: its value is checked when it is read.
        if let Expr::Param(index, _) = expr
            && base.oid != target.oid
            && !self.lifted
        {
            return self.decide_param(index, target);
        }
        let value = match expr {
            Expr::Param(index, _) => self.decide_param(index, base)?,
            Expr::Const(Datum::Null, _) => Expr::null(Type::new(base.oid)),
            Expr::Const(Datum::Text(text), ty) => self.read_literal(text, ty, base)?,
            other => Expr::ViaIo(Box::new(other), Type::new(base.oid)),
        };
        let value = self.apply_typmod(value, base, context)?;
        Ok(if base.oid == target.oid { value } else { Expr::ToDomain(Box::new(value), target) })
    }

    /// Reads a literal now, unless its value depends on when the statement runs.
    fn read_literal(&mut self, text: Arc<str>, unknown: Type, base: Type) -> Result<Expr> {
        // The input function of interval restricts fields itself; the others leave the modifier to a length coercion.
        let typmod = if base.oid == oids::INTERVAL { base.typmod } else { -1 };
        let ty = Type::with_typmod(base.oid, typmod);
        let value = dictdb_types::text::input(&text, ty, self.cx.env);
        let value = value.map_err(|error| error.at(self.literal_position(&text)))?;
        if depends_on_clock(base.oid, &text) {
            return Ok(Expr::ViaIo(Box::new(Expr::Const(Datum::Text(text), unknown)), ty));
        }
        Ok(Expr::Const(value, ty))
    }

    fn apply_path(&mut self, expr: Expr, path: Coercion, target: Type, context: CastContext) -> Result<Expr> {
        let bare = Type::new(target.oid);
        Ok(match path {
            Coercion::Identity => expr,
            // The row keeps its own type, which functions of any row ask for.
            Coercion::Relabel if target.oid == oids::RECORD => expr,
            Coercion::Relabel if self.differs_inside(expr.ty(), target) => Expr::ViaIo(Box::new(expr), bare),
            Coercion::Relabel => Expr::Relabel(Box::new(expr), Type::with_typmod(target.oid, -1)),
            Coercion::Function(proc) => self.cast_call(proc, expr, target, context)?,
            Coercion::ViaIo => Expr::ViaIo(Box::new(expr), bare),
            Coercion::Array(_) => {
                let (from, to) = (self.element_of(expr.ty()), self.element_of(target));
                let (Some(from), Some(to)) = (from, to) else {
                    return Err(Error::internal("array coercion between types that are not arrays"));
                };
                let element = self.coerce(Expr::TestValue(from), to, context)?;
                let element = element.ok_or_else(|| Error::internal("array coercion without an element coercion"))?;
                Expr::ArrayCoerce(Box::new(expr), Box::new(element), target)
            }
            Coercion::ToDomain(_) => {
                let base = self.cx.catalog.base_type(target);
                let inner = self.coerce(expr, base, context)?;
                let inner = inner.ok_or_else(|| Error::internal("domain coercion without a base coercion"))?;
                Expr::ToDomain(Box::new(inner), target)
            }
            Coercion::RecordToComposite => self.coerce_row(expr, target, context)?,
            Coercion::ChildToParent => self.parent_row(expr, target)?,
        })
    }

    /// Whether values of two types that PostgreSQL takes for the same bytes are kept differently: `citext` is no `text` here, because it
    /// carries its own equality.
    fn differs_inside(&self, from: Type, to: Type) -> bool {
        let opaque = |ty: Type| self.cx.catalog.physical(ty.oid) == Physical::Opaque;
        opaque(from) != opaque(to) && to.oid != oids::RECORD && !resolve::is_polymorphic(to.oid)
    }

    /// The row of a child table as one of its parent: the columns of the same names.
    fn parent_row(&mut self, expr: Expr, target: Type) -> Result<Expr> {
        if matches!(expr, Expr::Const(Datum::Null, _)) {
            return Ok(Expr::null(target));
        }
        let (Some(own), Some(wanted)) = (self.fields_of(expr.ty()), self.fields_of(target)) else {
            return Err(Error::internal("a row type without fields"));
        };
        let mut items = Vec::with_capacity(wanted.len());
        for field in wanted.iter() {
            let place = own.iter().position(|other| other.name == field.name);
            let place = place.ok_or_else(|| Error::internal("a child without a column of its parent"))?;
            items.push(match &expr {
                Expr::Row(known, ..) => known[place].clone(),
                other => Expr::Field(Box::new(other.clone()), place, own[place].ty),
            });
        }
        let row = Expr::Row(items, target, None);
        if matches!(expr, Expr::Row(..)) {
            return Ok(row);
        }
        // Of no row there are no fields.
        let missing = Expr::IsNull(Box::new(expr), false);
        Ok(Expr::Case(Box::new(Case {
            operand: None,
            whens: vec![(missing, Expr::null(target))],
            otherwise: Some(row),
            ty: target,
        })))
    }

    /// `ROW(…)` to a composite type, field by field. 42846 for any other record: nobody knows its fields.
    fn coerce_row(&mut self, expr: Expr, target: Type, context: CastContext) -> Result<Expr> {
        let fields = self.fields_of(target).unwrap_or_else(|| Arc::from([]));
        let (items, source) = match expr {
            Expr::Row(items, source, _) => (items, source),
            // What a routine gives: its fields are looked at when it is there.
            Expr::Input(..) => return Ok(Expr::Relabel(Box::new(expr), target)),
            other => {
                let (source, target) = (self.type_name(other.ty()), self.type_name(target));
                let message = format!("cannot cast type {source} to {target}");
                return Err(Error::new(SqlState::CANNOT_COERCE, message));
            }
        };
        if items.len() != fields.len() {
            let detail =
                if items.len() < fields.len() { "Input has too few columns." } else { "Input has too many columns." };
            return Err(Error::new(
                SqlState::CANNOT_COERCE,
                format!("cannot cast type {} to {}", self.type_name(source), self.type_name(target)),
            )
            .detail(detail));
        }
        let mut coerced = Vec::with_capacity(items.len());
        for (number, (item, field)) in items.into_iter().zip(fields.iter()).enumerate() {
            let item_type = item.ty();
            let item = self.coerce(item, field.ty, context)?.ok_or_else(|| {
                Error::new(
                    SqlState::CANNOT_COERCE,
                    format!("cannot cast type {} to {}", self.type_name(source), self.type_name(target)),
                )
                .detail(format!(
                    "Cannot cast type {} to {} in column {}.",
                    self.type_name(item_type),
                    self.type_name(field.ty),
                    number + 1
                ))
            })?;
            coerced.push(item);
        }
        Ok(Expr::Row(coerced, target, None))
    }

    /// A cast function: some take the modifier and whether the cast is explicit.
    fn cast_call(&mut self, proc: Oid, expr: Expr, target: Type, context: CastContext) -> Result<Expr> {
        let function = self.function(proc)?;
        let declared = self.declared_args(proc);
        let takes = declared.len().max(1);
        // A function may take what the value is to be seen as: an implicit cast's result, a type of the same bytes.
        let expr = match declared.first() {
            Some(first) if *first != expr.ty().oid && !resolve::is_polymorphic(*first) => {
                self.coerce(expr, Type::new(*first), CastContext::Implicit)?.unwrap_or(Expr::null(Type::new(*first)))
            }
            _ => expr,
        };
        let mut args = vec![expr];
        if takes > 1 {
            args.push(Expr::Const(Datum::Int4(target.typmod), Type::new(oids::INT4)));
        }
        if takes > 2 {
            args.push(Expr::boolean(context == CastContext::Explicit));
        }
        let ty = Type::with_typmod(target.oid, if takes > 1 { target.typmod } else { -1 });
        // Some give a type that is only stored like the target: smallint becomes oid by way of integer.
        let own = self.cx.catalog.routine(proc).map(|routine| routine.result);
        let result = own.or_else(|| facts::proc_by_oid(proc).map(|proc| proc.result));
        let result = result.map_or(ty, |result| if result == ty.oid { ty } else { Type::new(result) });
        let call = Expr::Call(Box::new(Call::new(function, args, result, None)));
        Ok(if result.oid == ty.oid { call } else { Expr::Relabel(Box::new(call), ty) })
    }

    fn apply_typmod(&mut self, expr: Expr, target: Type, context: CastContext) -> Result<Expr> {
        let source = expr.ty();
        if target.typmod < 0 || source.typmod == target.typmod {
            return Ok(expr);
        }
        if let Some(TypeKind::Domain(_)) = self.type_info(target.oid).map(|info| info.kind.clone()) {
            return Ok(expr);
        }
        if let (Some(from), Some(to)) = (self.element_of(source), self.element_of(target)) {
            let element = self.apply_typmod(Expr::TestValue(Type::new(from.oid)), to, context)?;
            return Ok(Expr::ArrayCoerce(Box::new(expr), Box::new(element), target));
        }
        let length = resolve::length_coercion(&self.scope(), target.oid);
        let coerced = match length {
            Some(length) => self.cast_call(length.function, expr, target, context)?,
            None => Expr::Relabel(Box::new(expr), target),
        };
        self.fold(coerced)
    }

    /// Evaluates a call of constants now, so that literals stay literals.
    fn fold(&self, expr: Expr) -> Result<Expr> {
        if self.keep_casts {
            return Ok(expr);
        }
        crate::fold::constant_call(expr, self.cx.env)
    }

    /// The function with this oid, as plans call it.
    pub(crate) fn function(&self, oid: Oid) -> Result<Arc<Function>> {
        if let Some(routine) = self.cx.catalog.routine(oid) {
            self.functions.borrow_mut().insert(oid);
            self.is_repeatable_as(Repeatable::Never);
            return self.user_function(routine);
        }
        let proc = facts::proc_by_oid(oid)
            .ok_or_else(|| Error::internal(format!("cache lookup failed for function {oid}")))?;
        self.is_repeatable_as(repeatable::of_function(proc));
        if proc.runs_statements() {
            self.runs_statements.set(true);
        }
        if proc.acl.is_some() || self.cx.catalog.acl_of(PROC_CLASS, oid).is_some() {
            self.guarded.borrow_mut().insert(oid);
        }
        Ok(builtin_function(proc, self.cx.registry))
    }

    /// A function that a user wrote: its kernel is the one that runs all of its language.
    fn user_function(&self, routine: &Routine) -> Result<Arc<Function>> {
        let key = match routine.language {
            Language::Internal | Language::C => &*routine.source,
            language => language.handler(),
        };
        let aggregate = routine.aggregate.as_ref().map(|own| self.user_aggregate(own)).transpose()?;
        Ok(Arc::new(Function {
            oid: routine.oid,
            name: routine.name.clone(),
            strict: routine.strict,
            volatility: routine.volatility,
            returns_set: routine.returns_set,
            // An extension's symbol is known for what it computes; what a user binds to an internal one is not.
            source: if routine.language == Language::C { routine.source.clone() } else { Arc::from("") },
            kernel: self.cx.registry.scalar(key),
            set: self.cx.registry.set(key),
            aggregate: aggregate.map(Arc::new),
        }))
    }

    /// The functions of a user's aggregate.
    fn user_aggregate(&self, own: &AggregateInfo) -> Result<UserAggregate> {
        let function = |oid: Oid| oid.is_valid().then(|| self.function(oid)).transpose();
        let plain = AggregateSteps {
            transition: self.function(own.transition)?,
            args: self.declared_args(own.transition),
            finish: function(own.finish)?,
            finish_extra: own.finish_extra,
            state: own.state,
            initial: own.initial.clone(),
        };
        let moving = own.moving.as_ref().map(|moving| {
            let steps = AggregateSteps {
                transition: self.function(moving.transition)?,
                args: self.declared_args(moving.transition),
                finish: function(moving.finish)?,
                finish_extra: moving.finish_extra,
                state: moving.state,
                initial: moving.initial.clone(),
            };
            Ok::<_, Error>((steps, self.function(moving.inverse)?))
        });
        Ok(UserAggregate { plain, moving: moving.transpose()? })
    }

    /// `proargtypes`.
    fn declared_args(&self, function: Oid) -> Arc<[Oid]> {
        match self.cx.catalog.routine(function) {
            Some(own) => own.args.clone(),
            None => facts::proc_by_oid(function).map(|proc| Arc::from(&*proc.args)).unwrap_or_default(),
        }
    }

    /// The scope that resolution works in.
    pub(crate) fn scope(&self) -> crate::scope::CatalogScope<'_> {
        self.cx.scope()
    }
}

/// A function of PostgreSQL's own, as plans call it.
pub(crate) fn builtin_function(proc: &facts::Proc, registry: &Registry) -> Arc<Function> {
    let key = dictdb_functions::kernel::key(proc);
    Arc::new(Function {
        oid: proc.oid,
        name: Arc::from(proc.name),
        strict: proc.strict,
        volatility: proc.volatility,
        returns_set: proc.returns_set,
        source: Arc::from(proc.source),
        kernel: registry.scalar(&key),
        set: registry.set(&key),
        aggregate: None,
    })
}

/// Words that date and time types read as the present moment.
fn depends_on_clock(oid: Oid, text: &str) -> bool {
    let temporal = matches!(oid, oids::DATE | oids::TIME | oids::TIMETZ | oids::TIMESTAMP | oids::TIMESTAMPTZ);
    let lower = || text.to_ascii_lowercase();
    temporal && ["now", "today", "tomorrow", "yesterday"].iter().any(|word| lower().contains(word))
}
