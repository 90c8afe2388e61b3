//! Aggregate calls, window calls, GROUPING and set-returning calls, which stand as columns in a bound query.

use std::borrow::Cow;

use dictdb_types::{Result, quote_identifier};

use super::printer::{CLAUSE, Printer};
use crate::deparse::output_parameter;
use crate::expr::{
    AggregateCall, ColumnId, Expr, Frame, FrameBound, FrameExclude, FrameForm, FrameUnit, SortKey, Window, WindowCall,
};

/// The words after a sort key; the defaults say nothing.
pub(super) fn direction(key: &SortKey) -> Cow<'static, str> {
    if let Some(operator) = key.using {
        let nulls = if key.nulls_first { "FIRST" } else { "LAST" };
        return format!(" USING {operator} NULLS {nulls}").into();
    }
    let words = match (key.descending, key.nulls_first) {
        (false, false) => "",
        (false, true) => " NULLS FIRST",
        (true, true) => " DESC",
        (true, false) => " DESC NULLS LAST",
    };
    words.into()
}

/// A call that a column stands for.
enum Found {
    Aggregate(AggregateCall),
    Grouping(Vec<Expr>),
    Window(WindowCall),
    Set(Expr),
}

impl Printer<'_> {
    /// The call a column stands for, if it does.
    pub fn call(&self, id: ColumnId, out: &mut String) -> Result<bool> {
        match self.find_call(id) {
            None => return Ok(false),
            Some(Found::Aggregate(call)) => self.aggregate(&call, out)?,
            Some(Found::Grouping(args)) => {
                out.push_str("GROUPING(");
                self.list(&args, ", ", out)?;
                out.push(')');
            }
            Some(Found::Window(call)) => self.window_call(&call, out)?,
            Some(Found::Set(call)) => self.expr(&call, out)?,
        }
        Ok(true)
    }

    /// A field of a record: of a column whose fields are known, or of a set-returning call of the select list; false for a
    /// field of anything else.
    pub fn field_of_record(&self, row: &Expr, index: usize, out: &mut String) -> Result<bool> {
        let Expr::Column(id, _) = row else { return Ok(false) };
        let name = match self.find_call(*id) {
            Some(Found::Set(call)) => output_parameter(&call, index).map(|name| name.to_string()),
            _ => self.field_name(*id, index).map(str::to_owned),
        };
        let Some(name) = name else { return Ok(false) };
        out.push('(');
        self.expr(row, out)?;
        out.push_str(&format!(").{}", quote_identifier(&name)));
        Ok(true)
    }

    fn find_call(&self, id: ColumnId) -> Option<Found> {
        self.find_in_scopes(|scope| {
            let calls = &scope.calls;
            let aggregate = calls.aggregates.iter().find(|(column, _)| column.id == id);
            let grouping = calls.groupings.iter().find(|(column, _)| column.id == id);
            let window = calls.windows.iter().find(|(column, _)| column.id == id);
            let set = calls.sets.iter().find(|(column, _)| column.id == id);
            (aggregate.map(|(_, call)| Found::Aggregate(call.clone())))
                .or_else(|| grouping.map(|(_, args)| Found::Grouping(args.clone())))
                .or_else(|| window.map(|(_, call)| Found::Window(call.clone())))
                .or_else(|| set.map(|(_, call)| Found::Set(call.clone())))
        })
    }

    fn aggregate(&self, call: &AggregateCall, out: &mut String) -> Result<()> {
        out.push_str(&quote_identifier(&call.function.name));
        out.push('(');
        if call.distinct {
            out.push_str("DISTINCT ");
        }
        self.arguments(&call.args, call.within_group, out)?;
        if call.within_group {
            out.push_str(") WITHIN GROUP (ORDER BY ");
            self.order_by(&call.order, out)?;
        } else if !call.order.is_empty() {
            out.push_str(" ORDER BY ");
            self.order_by(&call.order, out)?;
        }
        out.push(')');
        self.filter(call.filter.as_ref(), out)
    }

    /// Arguments; a call without any is of `*`, unless its arguments come from WITHIN GROUP.
    fn arguments(&self, args: &[Expr], may_be_empty: bool, out: &mut String) -> Result<()> {
        if args.is_empty() && !may_be_empty {
            out.push('*');
        }
        self.list(args, ", ", out)
    }

    fn filter(&self, filter: Option<&Expr>, out: &mut String) -> Result<()> {
        let Some(filter) = filter else { return Ok(()) };
        out.push_str(" FILTER (WHERE ");
        self.expr(filter, out)?;
        out.push(')');
        Ok(())
    }

    fn window_call(&self, call: &WindowCall, out: &mut String) -> Result<()> {
        out.push_str(&quote_identifier(&call.function.name));
        out.push('(');
        self.arguments(&call.args, !call.aggregate, out)?;
        out.push(')');
        self.filter(call.filter.as_ref(), out)?;
        out.push_str(" OVER ");
        match &call.window.name {
            Some(name) => out.push_str(&quote_identifier(name)),
            None => self.window(&call.window, out)?,
        }
        Ok(())
    }

    pub fn window_clause(&self, windows: &[(std::sync::Arc<str>, Window)], out: &mut String) -> Result<()> {
        for (i, (name, window)) in windows.iter().enumerate() {
            match i {
                0 => self.keyword(out, " WINDOW ", -CLAUSE, CLAUSE, 1),
                _ => out.push_str(", "),
            }
            out.push_str(&format!("{} AS ", quote_identifier(name)));
            self.window(window, out)?;
        }
        Ok(())
    }

    /// A window's specification: what it takes from another window is not said again.
    fn window(&self, window: &Window, out: &mut String) -> Result<()> {
        let mut parts: Vec<String> = Vec::new();
        let mut ordered_by_base = false;
        match &window.base {
            Some((base, ordered)) => {
                ordered_by_base = *ordered;
                parts.push(quote_identifier(base).into_owned());
            }
            None if !window.partition.is_empty() => {
                let mut text = String::from("PARTITION BY ");
                self.sort_items(&window.partition, &mut text)?;
                parts.push(text);
            }
            None => {}
        }
        if !window.order.is_empty() && !ordered_by_base {
            let mut text = String::from("ORDER BY ");
            self.order_by(&window.order, &mut text)?;
            parts.push(text);
        }
        if window.frame.written != FrameForm::Absent {
            parts.push(self.frame(&window.frame)?);
        }
        out.push_str(&format!("({})", parts.join(" ")));
        Ok(())
    }

    fn frame(&self, frame: &Frame) -> Result<String> {
        let mut text = String::from(match frame.unit {
            FrameUnit::Rows => "ROWS ",
            FrameUnit::Range => "RANGE ",
            FrameUnit::Groups => "GROUPS ",
        });
        if frame.written == FrameForm::Between {
            text.push_str("BETWEEN ");
        }
        self.frame_bound(&frame.start, &mut text)?;
        if frame.written == FrameForm::Between {
            text.push_str(" AND ");
            self.frame_bound(&frame.end, &mut text)?;
        }
        text.push_str(match frame.exclude {
            FrameExclude::NoOthers => "",
            FrameExclude::CurrentRow => " EXCLUDE CURRENT ROW",
            FrameExclude::Group => " EXCLUDE GROUP",
            FrameExclude::Ties => " EXCLUDE TIES",
        });
        Ok(text)
    }

    fn frame_bound(&self, bound: &FrameBound, out: &mut String) -> Result<()> {
        let (offset, word) = match bound {
            FrameBound::UnboundedPreceding => (None, "UNBOUNDED PRECEDING"),
            FrameBound::CurrentRow => (None, "CURRENT ROW"),
            FrameBound::UnboundedFollowing => (None, "UNBOUNDED FOLLOWING"),
            FrameBound::Preceding(offset) => (Some(offset), " PRECEDING"),
            FrameBound::Following(offset) => (Some(offset), " FOLLOWING"),
        };
        if let Some(offset) = offset {
            self.bare(offset, out)?;
        }
        out.push_str(word);
        Ok(())
    }
}
