//! From bound expression to [`Code`]: kernels looked up, types resolved, deep trees made safe for the stack.

use dictdb_planner::expr::{Assign, Call, Expr, Function, Part, Subscript};
use dictdb_planner::physical::Plan;
use dictdb_types::{Error, Oid, Result, Type, TypeLookup};

use super::arithmetic::{Arithmetic, FloatArithmetic};
use super::array::{ArrayCode, ArrayCoerceCode, ScalarArrayCode};
use super::assign::{AssignCode, PartCode};
use super::compare::RowCompareCode;
use super::conditional::CaseCode;
use super::convert::{Relabel, ViaIoCode};
use super::record::RowCode;
use super::subscript::{IndexCodes, SubscriptCode};
use super::{CallCode, Code, Comparison};
use crate::slots::Dependencies;
use crate::subplan::SubplanCode;

/// Levels of nesting after which evaluation checks how much stack is left.
const LEVELS_PER_STACK_CHECK: u32 = 32;

/// What compilation needs to know.
#[derive(Clone, Copy)]
pub(crate) struct CompileContext<'a> {
    /// Types, users' included.
    pub types: &'a dyn TypeLookup,
    /// The plan the expressions belong to, for its subqueries; none for expressions of tables.
    pub plan: Option<(&'a Plan, &'a Dependencies)>,
}

impl<'a> CompileContext<'a> {
    /// For expressions of tables and indexes, which have no subqueries.
    pub fn of_table(types: &'a dyn TypeLookup) -> Self {
        CompileContext { types, plan: None }
    }
}

/// Compiles an expression. 0A000 for a function without implementation.
pub(crate) fn compile(expr: &Expr, cx: &CompileContext<'_>) -> Result<Code> {
    Compiler { cx, level: 0 }.code(expr)
}

/// Compiles a list.
pub(crate) fn compile_all<'e>(
    exprs: impl IntoIterator<Item = &'e Expr>,
    cx: &CompileContext<'_>,
) -> Result<Box<[Code]>> {
    exprs.into_iter().map(|expr| compile(expr, cx)).collect()
}

/// Compiles an optional predicate.
pub(crate) fn compile_predicate(expr: Option<&Expr>, cx: &CompileContext<'_>) -> Result<Option<Code>> {
    expr.map(|expr| compile(expr, cx)).transpose()
}

struct Compiler<'a> {
    cx: &'a CompileContext<'a>,
    level: u32,
}

impl Compiler<'_> {
    fn code(&mut self, expr: &Expr) -> Result<Code> {
        self.level += 1;
        let check = self.level.is_multiple_of(LEVELS_PER_STACK_CHECK);
        let code = if check {
            stacker::maybe_grow(super::RED_ZONE_BYTES, super::SEGMENT_BYTES, || self.node(expr))
                .map(|code| Code::Deep(Box::new(code)))
        } else {
            self.node(expr)
        };
        self.level -= 1;
        code
    }

    fn node(&mut self, expr: &Expr) -> Result<Code> {
        Ok(match expr {
            Expr::Input(index, _) => Code::Input(*index),
            Expr::Outer(slot, _) => Code::Outer(*slot),
            Expr::Const(value, _) => Code::Const(value.clone()),
            Expr::Param(index, _) => Code::Param(*index),
            Expr::TestValue(_) => Code::TestValue,
            Expr::Call(call) => self.call(call)?,
            Expr::And(items) => Code::And(self.codes(items)?),
            Expr::Or(items) => Code::Or(self.codes(items)?),
            Expr::Not(item) => Code::Not(self.boxed(item)?),
            Expr::IsNull(item, not) => Code::IsNull(self.boxed(item)?, *not),
            Expr::BoolTest(item, test) => Code::BoolTest(self.boxed(item)?, *test),
            Expr::Distinct(equality, pair, not) => {
                Code::Distinct(Box::new(self.binary(equality, &pair.0, &pair.1)?), *not)
            }
            Expr::NullIf(equality, pair) => Code::NullIf(Box::new(self.binary(equality, &pair.0, &pair.1)?)),
            Expr::Case(case) => Code::Case(Box::new(CaseCode {
                operand: case.operand.as_ref().map(|operand| self.code(operand)).transpose()?,
                whens: case
                    .whens
                    .iter()
                    .map(|(when, then)| Ok((self.code(when)?, self.code(then)?)))
                    .collect::<Result<_>>()?,
                otherwise: case.otherwise.as_ref().map(|otherwise| self.code(otherwise)).transpose()?,
            })),
            Expr::Coalesce(items, _) => Code::Coalesce(self.codes(items)?),
            Expr::MinMax(greatest, items, ty) => Code::MinMax(*greatest, self.codes(items)?, self.base(*ty)),
            Expr::ScalarArray(test) => Code::ScalarArray(Box::new(ScalarArrayCode {
                call: self.binary(&test.function, &test.left, &test.array)?,
                comparison: Comparison::of_source(&test.function.source),
                all: test.all,
            })),
            Expr::RowCompare(order, pairs) => Code::RowCompare(Box::new(RowCompareCode {
                order: *order,
                pairs: pairs
                    .iter()
                    .map(|(l, r)| Ok((self.code(l)?, self.code(r)?, self.base(l.ty()))))
                    .collect::<Result<_>>()?,
            })),
            Expr::Array { items, nested, ty } => Code::Array(Box::new(ArrayCode {
                element: self.element(*ty)?,
                items: self.codes(items)?,
                nested: *nested,
            })),
            Expr::Row(fields, ty, names) => Code::Row(Box::new(RowCode {
                ty: ty.oid,
                names: names.clone(),
                types: fields.iter().map(|field| field.ty().oid).collect(),
                fields: self.codes(fields)?,
            })),
            Expr::Field(record, index, _) => Code::Field(self.boxed(record)?, *index),
            Expr::Subscript(subscript) => self.subscript(subscript)?,
            Expr::Assign(assign) => self.assign(assign)?,
            Expr::Relabel(item, ty) => self.relabel(item, *ty)?,
            // What is left of it decides nothing.
            Expr::Collate(item, ..) => self.code(item)?,
            Expr::ViaIo(item, ty) => {
                Code::ViaIo(Box::new(ViaIoCode { item: self.code(item)?, from: item.ty(), to: *ty }))
            }
            Expr::ArrayCoerce(array, item, ty) => Code::ArrayCoerce(Box::new(ArrayCoerceCode {
                array: self.code(array)?,
                item: self.code(item)?,
                element: self.element(*ty)?,
            })),
            Expr::ToDomain(item, domain) => Code::ToDomain(self.boxed(item)?, *domain),
            Expr::Subplan(subplan) => Code::Subplan(Box::new(SubplanCode::compile(subplan, self.cx)?)),
            Expr::Column(..) | Expr::Sublink(_) | Expr::Aggregate(_) | Expr::Window(_) | Expr::Grouping(_) => {
                return Err(Error::internal("logical expression in a physical plan"));
            }
        })
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Code>> {
        self.code(expr).map(Box::new)
    }

    fn codes(&mut self, exprs: &[Expr]) -> Result<Box<[Code]>> {
        exprs.iter().map(|expr| self.code(expr)).collect()
    }

    fn call(&mut self, call: &Call) -> Result<Code> {
        let code = CallCode {
            args: self.codes(&call.args)?,
            types: call.args.iter().map(|arg| self.argument_type(call, arg)).collect(),
            result: call.ty,
            variadic: call.variadic,
            columns: call.columns.clone(),
            ..self.bare(&call.function)?
        };
        Ok(specialised(&call.function, code))
    }

    /// A comparison whose operands the caller combines in its own way.
    fn binary(&mut self, function: &Function, left: &Expr, right: &Expr) -> Result<CallCode> {
        Ok(CallCode {
            args: Box::new([self.code(left)?, self.code(right)?]),
            types: Box::new([self.base(left.ty()), self.base(right.ty())]),
            ..self.bare(function)?
        })
    }

    fn bare(&self, function: &Function) -> Result<CallCode> {
        CallCode::bare(function)
    }

    fn subscript(&mut self, subscript: &Subscript) -> Result<Code> {
        Ok(Code::Subscript(Box::new(SubscriptCode {
            array: self.code(&subscript.array)?,
            indexes: self.indexes(&subscript.indexes)?,
            slice: subscript.slice,
        })))
    }

    fn indexes(&mut self, indexes: &[(Option<Expr>, Option<Expr>)]) -> Result<IndexCodes> {
        let mut bound = |expr: &Option<Expr>| expr.as_ref().map(|expr| self.code(expr)).transpose();
        indexes.iter().map(|(lower, upper)| Ok((bound(lower)?, bound(upper)?))).collect()
    }

    fn assign(&mut self, assign: &Assign) -> Result<Code> {
        let part = match &assign.part {
            Part::Field { index, types } => PartCode::Field { row: assign.ty.oid, index: *index, types: types.clone() },
            Part::Element { indexes, slice, element, reads_old } => PartCode::Element {
                indexes: self.indexes(indexes)?,
                slice: *slice,
                element: *element,
                reads_old: *reads_old,
                json: self.base(assign.ty).oid == dictdb_types::oids::JSONB,
                fixed: dictdb_planner::expr::fixed_element(self.base(assign.ty).oid).is_some(),
            },
        };
        Ok(Code::Assign(Box::new(AssignCode {
            container: self.code(&assign.container)?,
            part,
            value: self.code(&assign.value)?,
        })))
    }

    /// Most relabelings leave the value alone and cost nothing.
    fn relabel(&mut self, item: &Expr, ty: Type) -> Result<Code> {
        let code = self.code(item)?;
        let (from, to) = (self.cx.types.physical(item.ty().oid), self.cx.types.physical(ty.oid));
        Ok(match Relabel::between(from, to) {
            Some(relabel) => Code::Relabel(Box::new(code), relabel),
            None => code,
        })
    }

    /// The type of an argument as the function is told: what domains are over, except where the type itself is asked for.
    fn argument_type(&self, call: &Call, arg: &Expr) -> Type {
        const PG_TYPEOF: Oid = Oid(1619);
        if call.function.oid == PG_TYPEOF { arg.ty() } else { self.base(arg.ty()) }
    }

    fn base(&self, ty: Type) -> Type {
        self.cx.types.base_type(ty)
    }

    fn element(&self, array: Type) -> Result<Oid> {
        element_type(self.cx.types, array)
    }
}

/// Whether a comparison is one of values that are integers to [`Code::integer`].
fn by_integers(source: &str) -> bool {
    ["int", "date_", "timestamp_", "time_"].iter().any(|prefix| source.starts_with(prefix))
}

/// A call in the form that takes least.
fn specialised(function: &Function, code: CallCode) -> Code {
    let (source, args) = (&*function.source, code.args.len());
    if let Some(operation) = Arithmetic::of_source(source, args) {
        return Code::Arithmetic(operation, Box::new(code));
    }
    if let Some(operation) = FloatArithmetic::of_source(source, args) {
        return Code::Float(operation, Box::new(code));
    }
    match Comparison::of_source(source).filter(|_| args == 2) {
        Some(comparison) if by_integers(source) => return Code::CompareIntegers(comparison, Box::new(code)),
        Some(comparison) => return Code::Compare(comparison, Box::new(code)),
        None => {}
    }
    match super::concat::operands(function).filter(|_| args == 2) {
        Some(any) => super::concat::chain(code, any),
        None => Code::Call(Box::new(code)),
    }
}

impl CallCode {
    /// A call of a function, without arguments. 0A000 when it has no kernel.
    pub fn bare(function: &Function) -> Result<CallCode> {
        let kernel = function.kernel.ok_or_else(|| no_kernel(function))?;
        Ok(CallCode {
            kernel,
            function: function.oid,
            strict: function.strict,
            variadic: false,
            columns: Box::default(),
            args: Box::new([]),
            types: Box::new([]),
            result: Type::new(dictdb_types::oids::BOOL),
        })
    }
}

fn no_kernel(function: &Function) -> Error {
    Error::unsupported(format_args!("function {} (oid {})", function.name, function.oid))
}

/// The element type of an array type, through domains.
pub(crate) fn element_type(types: &dyn TypeLookup, array: Type) -> Result<Oid> {
    let info = types.type_info(types.base_type(array).oid);
    match info {
        Some(info) if info.element.is_valid() => Ok(info.element),
        _ => Err(Error::internal(format!("type {} is not an array type", array.oid))),
    }
}
