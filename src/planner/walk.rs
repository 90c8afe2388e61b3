//! One traversal of expressions, on which analyses and rewrites are built. Subqueries are not entered.

use crate::expr::{AggregateCall, Expr, FrameBound, Part, SortKey, SublinkKind, Window};

impl Expr {
    /// Calls `f` with every direct operand.
    pub fn for_each_child<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        match self {
            Expr::Column(..)
            | Expr::Input(..)
            | Expr::Outer(..)
            | Expr::Const(..)
            | Expr::Param(..)
            | Expr::TestValue(_) => {}
            Expr::Call(call) => call.args.iter().for_each(f),
            Expr::And(items)
            | Expr::Or(items)
            | Expr::Coalesce(items, _)
            | Expr::MinMax(_, items, _)
            | Expr::Row(items, _, _)
            | Expr::Grouping(items)
            | Expr::Array { items, .. } => items.iter().for_each(f),
            Expr::Not(arg)
            | Expr::IsNull(arg, _)
            | Expr::BoolTest(arg, _)
            | Expr::Field(arg, _, _)
            | Expr::Relabel(arg, _)
            | Expr::ViaIo(arg, _)
            | Expr::ToDomain(arg, _) => f(arg),
            Expr::ArrayCoerce(arg, element, _) => {
                f(arg);
                f(element);
            }
            Expr::Distinct(_, pair, _) | Expr::NullIf(_, pair) => {
                f(&pair.0);
                f(&pair.1);
            }
            Expr::Case(case) => {
                case.operand.iter().for_each(&mut *f);
                for (condition, result) in &case.whens {
                    f(condition);
                    f(result);
                }
                case.otherwise.iter().for_each(f);
            }
            Expr::ScalarArray(array) => {
                f(&array.left);
                f(&array.array);
            }
            Expr::RowCompare(_, pairs) => pairs.iter().for_each(|(left, right)| {
                f(left);
                f(right);
            }),
            Expr::Subscript(subscript) => {
                f(&subscript.array);
                for (lower, upper) in &subscript.indexes {
                    lower.iter().for_each(&mut *f);
                    upper.iter().for_each(&mut *f);
                }
            }
            Expr::Assign(assign) => {
                f(&assign.container);
                if let Part::Element { indexes, .. } = &assign.part {
                    for (lower, upper) in indexes {
                        lower.iter().for_each(&mut *f);
                        upper.iter().for_each(&mut *f);
                    }
                }
                f(&assign.value);
            }
            Expr::Sublink(sublink) => kind_operands(&sublink.kind).iter().for_each(f),
            Expr::Subplan(subplan) => {
                kind_operands(&subplan.kind).iter().for_each(&mut *f);
                subplan.args.iter().for_each(|(_, arg)| f(arg));
            }
            Expr::Aggregate(call) => call.for_each_operand(f),
            Expr::Window(call) => {
                call.args.iter().for_each(&mut *f);
                call.filter.iter().for_each(&mut *f);
                call.window.for_each_operand(f);
            }
        }
    }

    /// Calls `f` with every direct operand, to change it.
    pub fn for_each_child_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        match self {
            Expr::Column(..)
            | Expr::Input(..)
            | Expr::Outer(..)
            | Expr::Const(..)
            | Expr::Param(..)
            | Expr::TestValue(_) => {}
            Expr::Call(call) => call.args.iter_mut().for_each(f),
            Expr::And(items)
            | Expr::Or(items)
            | Expr::Coalesce(items, _)
            | Expr::MinMax(_, items, _)
            | Expr::Row(items, _, _)
            | Expr::Grouping(items)
            | Expr::Array { items, .. } => items.iter_mut().for_each(f),
            Expr::Not(arg)
            | Expr::IsNull(arg, _)
            | Expr::BoolTest(arg, _)
            | Expr::Field(arg, _, _)
            | Expr::Relabel(arg, _)
            | Expr::ViaIo(arg, _)
            | Expr::ToDomain(arg, _) => f(arg),
            Expr::ArrayCoerce(arg, element, _) => {
                f(arg);
                f(element);
            }
            Expr::Distinct(_, pair, _) | Expr::NullIf(_, pair) => {
                f(&mut pair.0);
                f(&mut pair.1);
            }
            Expr::Case(case) => {
                case.operand.iter_mut().for_each(&mut *f);
                for (condition, result) in &mut case.whens {
                    f(condition);
                    f(result);
                }
                case.otherwise.iter_mut().for_each(f);
            }
            Expr::ScalarArray(array) => {
                f(&mut array.left);
                f(&mut array.array);
            }
            Expr::RowCompare(_, pairs) => pairs.iter_mut().for_each(|(left, right)| {
                f(left);
                f(right);
            }),
            Expr::Subscript(subscript) => {
                f(&mut subscript.array);
                for (lower, upper) in &mut subscript.indexes {
                    lower.iter_mut().for_each(&mut *f);
                    upper.iter_mut().for_each(&mut *f);
                }
            }
            Expr::Assign(assign) => {
                f(&mut assign.container);
                if let Part::Element { indexes, .. } = &mut assign.part {
                    for (lower, upper) in indexes {
                        lower.iter_mut().for_each(&mut *f);
                        upper.iter_mut().for_each(&mut *f);
                    }
                }
                f(&mut assign.value);
            }
            Expr::Sublink(sublink) => kind_operands_mut(&mut sublink.kind).iter_mut().for_each(f),
            Expr::Subplan(subplan) => {
                kind_operands_mut(&mut subplan.kind).iter_mut().for_each(&mut *f);
                subplan.args.iter_mut().for_each(|(_, arg)| f(arg));
            }
            Expr::Aggregate(call) => call.for_each_operand_mut(f),
            Expr::Window(call) => {
                call.args.iter_mut().for_each(&mut *f);
                call.filter.iter_mut().for_each(&mut *f);
                call.window.for_each_operand_mut(f);
            }
        }
    }

    /// Calls `f` with this expression and everything below it, parents first.
    pub fn visit<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        f(self);
        self.for_each_child(&mut |child| child.visit(f));
    }

    /// Calls `f` with everything below and then this expression, to change them.
    pub fn rewrite(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.for_each_child_mut(&mut |child| child.rewrite(f));
        f(self);
    }

    /// Whether `test` holds for this expression or one below it.
    pub fn any(&self, test: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut found = test(self);
        self.for_each_child(&mut |child| found = found || child.any(test));
        found
    }
}

impl AggregateCall {
    /// Calls `f` with every operand.
    pub fn for_each_operand<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        self.args.iter().for_each(&mut *f);
        self.order.iter().for_each(|key| f(&key.expr));
        self.filter.iter().for_each(f);
    }

    /// Calls `f` with every operand, to change it.
    pub fn for_each_operand_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.args.iter_mut().for_each(&mut *f);
        self.order.iter_mut().for_each(|key| f(&mut key.expr));
        self.filter.iter_mut().for_each(f);
    }
}

impl Window {
    /// Calls `f` with every operand.
    pub fn for_each_operand<'e>(&'e self, f: &mut dyn FnMut(&'e Expr)) {
        self.partition.iter().for_each(&mut *f);
        self.order.iter().for_each(|SortKey { expr, .. }| f(expr));
        for bound in [&self.frame.start, &self.frame.end] {
            if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                f(offset);
            }
        }
    }

    /// Calls `f` with every operand, to change it.
    pub fn for_each_operand_mut(&mut self, f: &mut dyn FnMut(&mut Expr)) {
        self.partition.iter_mut().for_each(&mut *f);
        self.order.iter_mut().for_each(|SortKey { expr, .. }| f(expr));
        for bound in [&mut self.frame.start, &mut self.frame.end] {
            if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                f(offset);
            }
        }
    }
}

fn kind_operands(kind: &SublinkKind) -> &[Expr] {
    match kind {
        SublinkKind::Compare { left, .. } => left,
        _ => &[],
    }
}

fn kind_operands_mut(kind: &mut SublinkKind) -> &mut [Expr] {
    match kind {
        SublinkKind::Compare { left, .. } => left,
        _ => &mut [],
    }
}
