//! Window calls and window specifications.

use std::sync::Arc;

use dictdb_functions::facts::CastContext;
use dictdb_functions::resolve::FunctionMatch;
use dictdb_parser::ast::{self, NamedWindowExpr, WindowFrameUnits, WindowType};
use dictdb_parser::node::{self, FrameBound as Bound, FrameExclusion};
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::clause::{Clause, Forbidden};
use crate::expr::{Expr, Frame, FrameBound, FrameExclude, FrameForm, FrameUnit, SortKey, Window, WindowCall};

impl Binder<'_> {
    pub(crate) fn bind_window_function(
        &mut self,
        syntax: &ast::Function,
        found: FunctionMatch,
        values: Vec<Expr>,
        position: Option<u32>,
    ) -> Result<Expr> {
        let function = self.function(found.oid)?;
        if syntax.over.is_none() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("window function {} requires an OVER clause", function.name),
            )
            .at(position));
        }
        let result = Type::new(found.result);
        let values = self.call_args(&found, values, position)?;
        let window = self.bind_over(syntax, position)?;
        let call = WindowCall { function, aggregate: false, args: values, filter: None, window, ty: result };
        self.collect_window(call, position)
    }

    pub(crate) fn collect_window(&mut self, call: WindowCall, position: Option<u32>) -> Result<Expr> {
        let clause = self.level().clause;
        if clause.forbids(Forbidden::Window) {
            return Err(Error::new(
                SqlState::WINDOWING_ERROR,
                match clause {
                    Clause::WindowPartition | Clause::WindowOrder | Clause::WindowFrame => {
                        "window functions are not allowed in window definitions".to_owned()
                    }
                    clause => format!("window functions are not allowed in {}", clause.noun()),
                },
            )
            .at(position));
        }
        let is_window = |e: &Expr, level: &super::Level| matches!(e, Expr::Column(id, _) if level.windows.iter().any(|(column, _)| column.id == *id));
        let level = self.levels.last().ok_or_else(|| Error::internal("a window call outside a query"))?;
        if call.args.iter().any(|arg| arg.any(&mut |e| is_window(e, level))) {
            return Err(Error::new(SqlState::WINDOWING_ERROR, "window function calls cannot be nested").at(position));
        }
        let set = call.args.iter().find_map(|arg| self.set_call_in(arg));
        if let Some(id) = set {
            let message = "window function calls cannot contain set-returning function calls";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .hint("You might be able to move the set-returning function into a LATERAL FROM item.")
                .at(self.call_position(id)));
        }
        let column = self.new_column(Arc::from(&*call.function.name), call.ty);
        let expr = Expr::column(&column);
        self.level().windows.push((column, call));
        Ok(expr)
    }

    /// The first set-returning call of this level that an expression mentions.
    fn set_call_in(&self, expr: &Expr) -> Option<crate::expr::ColumnId> {
        let sets = &self.levels.last()?.sets;
        let mut found = None;
        expr.visit(&mut |e| match e {
            Expr::Column(id, _) if found.is_none() && sets.iter().any(|(column, _)| column.id == *id) => {
                found = Some(*id);
            }
            _ => {}
        });
        found
    }

    /// The window of a call with OVER.
    pub(crate) fn bind_over(&mut self, syntax: &ast::Function, position: Option<u32>) -> Result<Window> {
        match &syntax.over {
            Some(WindowType::NamedWindow(name)) => self.named_window(name),
            Some(WindowType::WindowSpec(spec)) => {
                let bound = self.bind_window_spec(spec);
                Ok(self.window_or_later_error(bound))
            }
            None => Err(Error::internal("a window call without OVER").at(position)),
        }
    }

    /// A window, or something in its place until its error is reported.
    fn window_or_later_error(&mut self, bound: Result<Window>) -> Window {
        bound.unwrap_or_else(|error| {
            self.level().window_error.get_or_insert(error);
            Window::default()
        })
    }

    /// The first error of a window, once the rest of the SELECT is bound.
    pub(crate) fn check_windows(&mut self) -> Result<()> {
        self.level().window_error.take().map_or(Ok(()), Err)
    }

    fn named_window(&mut self, name: &ast::Ident) -> Result<Window> {
        let position = self.position(name.span);
        let found = self.level().named_windows.iter().find(|(n, _)| **n == *name.value);
        let found = found.map(|(name, window)| Window { name: Some(name.clone()), ..window.clone() });
        found.ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_OBJECT, format!("window \"{}\" does not exist", name.value)).at(position)
        })
    }

    /// `WINDOW name AS (…)`, in order; later ones may build on earlier ones.
    pub(crate) fn bind_named_windows(&mut self, definitions: &[ast::NamedWindowDefinition]) {
        for ast::NamedWindowDefinition(name, definition) in definitions {
            let bound = self.bind_named_window(name, definition);
            let window = self.window_or_later_error(bound);
            self.level().named_windows.push((Arc::from(name.value.as_str()), window));
        }
    }

    fn bind_named_window(&mut self, name: &ast::Ident, definition: &NamedWindowExpr) -> Result<Window> {
        if self.level().named_windows.iter().any(|(n, _)| **n == *name.value) {
            let message = format!("window \"{}\" is already defined", name.value);
            return Err(Error::new(SqlState::WINDOWING_ERROR, message).at(self.position(name.span)));
        }
        match definition {
            NamedWindowExpr::NamedWindow(other) => self.named_window(other),
            NamedWindowExpr::WindowSpec(spec) => self.bind_window_spec(spec),
        }
    }

    fn bind_window_spec(&mut self, spec: &ast::WindowSpec) -> Result<Window> {
        let base =
            spec.window_name.as_ref().map(|name| Ok::<_, Error>((name, self.named_window(name)?))).transpose()?;
        let mut inherited = None;
        let mut order = self.in_clause(Clause::WindowOrder, |binder| binder.bind_sort_keys(&spec.order_by))?;
        let mut partition = Vec::with_capacity(spec.partition_by.len());
        for expr in &spec.partition_by {
            let bound = self.in_clause(Clause::WindowPartition, |binder| binder.bind_expr(expr))?;
            let bound = self.resolve_unknown(bound)?;
            self.require_equality(bound.ty(), self.leftmost(expr))?;
            partition.push(bound);
        }
        if let Some((name, base)) = base {
            let refuse = |what: &str| {
                Err(Error::new(
                    SqlState::WINDOWING_ERROR,
                    format!("cannot override {what} clause of window \"{}\"", name.value),
                )
                .at(dictdb_parser::position::of_span(name.span)))
            };
            if !partition.is_empty() {
                return refuse("PARTITION BY");
            }
            if !order.is_empty() && !base.order.is_empty() {
                return refuse("ORDER BY");
            }
            inherited = Some((Arc::from(name.value.as_str()), order.is_empty()));
            if base.has_frame {
                let message = format!("cannot copy window \"{}\" because it has a frame clause", name.value);
                let error = Error::new(SqlState::WINDOWING_ERROR, message);
                let bare = order.is_empty() && spec.window_frame.is_none();
                return Err(if bare { error.hint("Omit the parentheses in this OVER clause.") } else { error });
            }
            partition = base.partition;
            if order.is_empty() {
                order = base.order;
            }
        }
        let frame = self.bind_frame(spec, &order)?;
        Ok(Window { partition, order, frame, name: None, base: inherited, has_frame: spec.window_frame.is_some() })
    }

    fn bind_frame(&mut self, spec: &ast::WindowSpec, order: &[crate::expr::SortKey]) -> Result<Frame> {
        let Some(frame) = &spec.window_frame else {
            return Ok(Frame::default());
        };
        let written = if frame.end_bound.is_some() { FrameForm::Between } else { FrameForm::Start };
        let frame = node::frame(frame);
        let unit = match frame.units {
            WindowFrameUnits::Rows => FrameUnit::Rows,
            WindowFrameUnits::Range => FrameUnit::Range,
            WindowFrameUnits::Groups => FrameUnit::Groups,
        };
        if unit == FrameUnit::Groups && order.is_empty() {
            let offset = [frame.start, frame.end].into_iter().find_map(|bound| match bound {
                Bound::Preceding(offset) | Bound::Following(offset) => Some(offset),
                _ => None,
            });
            let position = offset.and_then(|offset| self.locations.window_of(offset));
            return Err(Error::new(SqlState::WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause").at(position));
        }
        let start = self.bind_frame_bound(frame.start, unit, order)?;
        let end = self.bind_frame_bound(frame.end, unit, order)?;
        check_frame(&start, &end)?;
        Ok(Frame { unit, start, end, exclude: frame_exclude(frame.exclusion), written })
    }

    fn bind_frame_bound(
        &mut self,
        bound: Bound<'_>,
        unit: FrameUnit,
        order: &[crate::expr::SortKey],
    ) -> Result<FrameBound> {
        Ok(match bound {
            Bound::CurrentRow => FrameBound::CurrentRow,
            Bound::UnboundedPreceding => FrameBound::UnboundedPreceding,
            Bound::UnboundedFollowing => FrameBound::UnboundedFollowing,
            Bound::Preceding(offset) => FrameBound::Preceding(Box::new(self.bind_frame_offset(offset, unit, order)?)),
            Bound::Following(offset) => FrameBound::Following(Box::new(self.bind_frame_offset(offset, unit, order)?)),
        })
    }

    fn bind_frame_offset(
        &mut self,
        offset: &ast::Expr,
        unit: FrameUnit,
        order: &[crate::expr::SortKey],
    ) -> Result<Expr> {
        let position = self.leftmost(offset);
        let bound = self.in_clause(Clause::WindowFrame, |binder| binder.bind_expr(offset))?;
        if bound.any(&mut |e| matches!(e, Expr::Column(..))) {
            let mode = if unit == FrameUnit::Rows {
                "ROWS"
            } else if unit == FrameUnit::Range {
                "RANGE"
            } else {
                "GROUPS"
            };
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!("argument of {mode} must not contain variables"),
            )
            .at(position));
        }
        if unit != FrameUnit::Range {
            let construct = if unit == FrameUnit::Rows { "ROWS" } else { "GROUPS" };
            return self.coerce_to_int8(bound, construct, position);
        }
        let [key] = order else {
            return Err(Error::new(
                SqlState::WINDOWING_ERROR,
                "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            )
            .at(self.locations.window_of(offset)));
        };
        let key_type = key.expr.ty();
        let Some(target) = range_offset_type(self.cx.catalog.base_type(key_type)) else {
            let key_type = if key_type.oid == oids::VARCHAR { Type::new(oids::TEXT) } else { key_type };
            let message = format!(
                "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {}",
                self.type_name(key_type)
            );
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position));
        };
        let source = bound.ty();
        self.coerce(bound, target, CastContext::Implicit)?.ok_or_else(|| {
            Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!(
                    "RANGE with offset PRECEDING/FOLLOWING is not supported for column type {} and offset type {}",
                    self.type_name(key.expr.ty()),
                    self.type_name(source)
                ),
            )
            .hint("Cast the offset value to an appropriate type.")
            .at(position)
        })
    }
}

/// The type of a RANGE offset over an ordering column (`in_range` support functions of btree families); none where there are no offsets.
fn range_offset_type(key: Type) -> Option<Type> {
    Some(Type::new(match key.oid {
        oids::DATE | oids::TIME | oids::TIMETZ | oids::TIMESTAMP | oids::TIMESTAMPTZ | oids::INTERVAL => oids::INTERVAL,
        oids::INT2 | oids::INT4 | oids::INT8 => oids::INT8,
        oids::FLOAT4 | oids::FLOAT8 => oids::FLOAT8,
        oids::NUMERIC => oids::NUMERIC,
        _ => return None,
    }))
}

fn check_frame(start: &FrameBound, end: &FrameBound) -> Result<()> {
    let message = match (start, end) {
        (FrameBound::UnboundedFollowing, _) => "frame start cannot be UNBOUNDED FOLLOWING",
        (_, FrameBound::UnboundedPreceding) => "frame end cannot be UNBOUNDED PRECEDING",
        (FrameBound::CurrentRow, FrameBound::Preceding(_)) => {
            "frame starting from current row cannot have preceding rows"
        }
        (FrameBound::Following(_), FrameBound::Preceding(_) | FrameBound::CurrentRow) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WINDOWING_ERROR, message))
}

fn frame_exclude(exclusion: FrameExclusion) -> FrameExclude {
    match exclusion {
        FrameExclusion::NoOthers => FrameExclude::NoOthers,
        FrameExclusion::CurrentRow => FrameExclude::CurrentRow,
        FrameExclusion::Group => FrameExclude::Group,
        FrameExclusion::Ties => FrameExclude::Ties,
    }
}

/// Brings windows into the order in which they are computed, the last of which is the order of the rows: those with keys that
/// the statement mentions later come first, and among those with the same keys the one with more. The keys of ORDER BY are
/// mentioned before all others.
pub(super) fn in_order<C>(windows: &mut [(Window, C)], sort: &[SortKey]) {
    let mut mentioned: Vec<&Expr> = Vec::new();
    let of_windows =
        windows.iter().flat_map(|(window, _)| window.order.iter().map(|key| &key.expr).chain(&window.partition));
    for expr in sort.iter().map(|key| &key.expr).chain(of_windows) {
        if !mentioned.iter().any(|known| known.same(expr)) {
            mentioned.push(expr);
        }
    }
    let place = |expr: &Expr| mentioned.iter().position(|known| known.same(expr));
    let keys = |window: &Window| {
        let mut keys: Vec<_> = window.partition.iter().map(|expr| (place(expr), false, false)).collect();
        for key in &window.order {
            let place = place(&key.expr);
            if !keys.iter().any(|known| known.0 == place) {
                keys.push((place, key.descending, key.nulls_first));
            }
        }
        keys
    };
    let mut order: Vec<_> = windows.iter().map(|(window, _)| keys(window)).collect();
    // Few windows: by insertion, the keys along with them.
    for end in 1..windows.len() {
        let mut at = end;
        while at > 0 && order[at - 1] < order[at] {
            order.swap(at - 1, at);
            windows.swap(at - 1, at);
            at -= 1;
        }
    }
}
