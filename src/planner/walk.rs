//! One traversal of expressions, on which analyses and rewrites are built. Subqueries are not entered.

use crate::expr::{AggregateCall, Expr, FrameBound, Part, SublinkKind, Window};

/// What the traversals that read and those that change have in common: all but `mut`.
macro_rules! traversals {
    ($children:ident, $parts:ident, $operands:ident, $iter:ident $(, $mutable:tt)?) => {
        impl Expr {
            /// Calls `f` with every direct operand.
            pub fn $children<'e>(&'e $($mutable)? self, f: &mut dyn FnMut(&'e $($mutable)? Expr)) {
                match self {
                    Expr::Column(..)
                    | Expr::Input(..)
                    | Expr::Outer(..)
                    | Expr::Const(..)
                    | Expr::Param(..)
                    | Expr::TestValue(_) => {}
                    Expr::Call(call) => call.args.$iter().for_each(f),
                    Expr::And(items)
                    | Expr::Or(items)
                    | Expr::Coalesce(items, _)
                    | Expr::MinMax(_, items, _)
                    | Expr::Row(items, _, _)
                    | Expr::Grouping(items)
                    | Expr::Array { items, .. } => items.$iter().for_each(f),
                    Expr::Not(arg)
                    | Expr::IsNull(arg, _)
                    | Expr::BoolTest(arg, _)
                    | Expr::Field(arg, _, _)
                    | Expr::Collate(arg, _, _)
                    | Expr::Relabel(arg, _)
                    | Expr::ViaIo(arg, _)
                    | Expr::ToDomain(arg, _) => f(arg),
                    Expr::ArrayCoerce(arg, element, _) => {
                        f(arg);
                        f(element);
                    }
                    Expr::Distinct(_, pair, _) | Expr::NullIf(_, pair) => {
                        f(&$($mutable)? pair.0);
                        f(&$($mutable)? pair.1);
                    }
                    Expr::Case(case) => {
                        case.operand.$iter().for_each(&mut *f);
                        for (condition, result) in &$($mutable)? case.whens {
                            f(condition);
                            f(result);
                        }
                        case.otherwise.$iter().for_each(f);
                    }
                    Expr::ScalarArray(array) => {
                        f(&$($mutable)? array.left);
                        f(&$($mutable)? array.array);
                    }
                    Expr::RowCompare(_, pairs) => pairs.$iter().for_each(|(left, right)| {
                        f(left);
                        f(right);
                    }),
                    Expr::Subscript(subscript) => {
                        f(&$($mutable)? subscript.array);
                        for (lower, upper) in &$($mutable)? subscript.indexes {
                            lower.$iter().for_each(&mut *f);
                            upper.$iter().for_each(&mut *f);
                        }
                    }
                    Expr::Assign(assign) => {
                        f(&$($mutable)? assign.container);
                        if let Part::Element { indexes, .. } = &$($mutable)? assign.part {
                            for (lower, upper) in indexes {
                                lower.$iter().for_each(&mut *f);
                                upper.$iter().for_each(&mut *f);
                            }
                        }
                        f(&$($mutable)? assign.value);
                    }
                    Expr::Sublink(sublink) => sublink.kind.$operands().$iter().for_each(f),
                    Expr::Subplan(subplan) => {
                        subplan.kind.$operands().$iter().for_each(&mut *f);
                        subplan.args.$iter().for_each(|(_, arg)| f(arg));
                    }
                    Expr::Aggregate(call) => call.$parts(f),
                    Expr::Window(call) => {
                        call.args.$iter().for_each(&mut *f);
                        call.filter.$iter().for_each(&mut *f);
                        call.window.$parts(f);
                    }
                }
            }
        }

        impl AggregateCall {
            /// Calls `f` with every operand.
            pub fn $parts<'e>(&'e $($mutable)? self, f: &mut dyn FnMut(&'e $($mutable)? Expr)) {
                self.args.$iter().for_each(&mut *f);
                self.order.$iter().for_each(|key| f(&$($mutable)? key.expr));
                self.filter.$iter().for_each(f);
            }
        }

        impl Window {
            /// Calls `f` with every operand.
            pub fn $parts<'e>(&'e $($mutable)? self, f: &mut dyn FnMut(&'e $($mutable)? Expr)) {
                self.partition.$iter().for_each(&mut *f);
                self.order.$iter().for_each(|key| f(&$($mutable)? key.expr));
                for bound in [&$($mutable)? self.frame.start, &$($mutable)? self.frame.end] {
                    if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                        f(offset);
                    }
                }
            }
        }

        impl SublinkKind {
            fn $operands(&$($mutable)? self) -> &$($mutable)? [Expr] {
                match self {
                    SublinkKind::Compare { left, .. } => left,
                    _ => &$($mutable)? [],
                }
            }
        }
    };
}

traversals!(for_each_child, for_each_operand, operands, iter);
traversals!(for_each_child_mut, for_each_operand_mut, operands_mut, iter_mut, mut);

impl Expr {
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
