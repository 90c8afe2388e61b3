//! Sort keys as expressions.

use std::sync::Arc;

use dictdb_catalog::{Catalog, DEFAULT_COLLATION, IndexKey, IndexMethod, IndexTarget, Relation};
use dictdb_functions::collation::{KEY, LOWER, REFUSAL, TEXT_OF_KEY};
use dictdb_functions::facts::Volatility;
use dictdb_functions::kernel;
use dictdb_types::{Datum, Oid, Type, TypeLookup, oids};

use crate::BindContext;
use crate::expr::{Call, Expr, Function};

/// How a collation orders texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The rule of [`dictdb_functions::collation::Rule`].
    pub rule: Arc<str>,
    /// Whether texts of other bytes are never equal.
    pub deterministic: bool,
}

impl Order {
    /// The order of a collation; `None` is by bytes.
    pub fn of(catalog: &Catalog, collation: Oid) -> Option<Order> {
        if collation == DEFAULT_COLLATION && !catalog.has_locale() {
            return None;
        }
        let info = catalog.collation_info(collation)?;
        Some(Order { rule: Arc::from(info.order_rule()?), deterministic: info.deterministic })
    }
}

/// The order of a key of an index, where it is not the one of its type's bytes. Operator classes that compare patterns go by bytes, and
/// so does a hash index of a collation in which no two texts are equal.
pub fn index_order(catalog: &Catalog, table: &Relation, method: IndexMethod, key: &IndexKey) -> Option<Order> {
    const PATTERN_FAMILIES: [Oid; 2] = [Oid(2095), Oid(2097)];
    let own = match key.target {
        IndexTarget::Column(attnum) => table.column(attnum).map(|column| column.collation),
        IndexTarget::Expression(_) => catalog.type_info(key.ty.oid).map(|info| info.collation),
    };
    let collation = key.collation.or(own)?;
    let order = Order::of(catalog, collation)?;
    let class = catalog.any_opclass(key.opclass);
    let by_bytes = class.is_some_and(|class| PATTERN_FAMILIES.contains(&class.family))
        || method == IndexMethod::Hash && order.deterministic;
    (!by_bytes && !method.is_bitmap()).then_some(order)
}

/// A function that is in no catalog.
fn internal(cx: BindContext<'_>, name: &'static str) -> Function {
    Function {
        oid: Oid::INVALID,
        name: Arc::from(name),
        strict: name != REFUSAL,
        // What refuses is not to do so before it is asked.
        volatility: if name == REFUSAL { Volatility::Stable } else { Volatility::Immutable },
        returns_set: false,
        source: Arc::from(name),
        kernel: cx.registry.scalar(name),
        set: None,
        aggregate: None,
    }
}

/// A call of one.
fn call(cx: BindContext<'_>, name: &'static str, args: Vec<Expr>, ty: Type) -> Expr {
    Expr::Call(Box::new(Call::new(Arc::new(internal(cx, name)), args, ty, None)))
}

/// PostgreSQL's function with this oid.
pub(super) fn known(cx: BindContext<'_>, oid: Oid) -> Option<Arc<Function>> {
    let proc = dictdb_functions::facts::proc_by_oid(oid)?;
    Some(Arc::new(Function {
        oid,
        name: Arc::from(proc.name),
        strict: proc.strict,
        volatility: proc.volatility,
        returns_set: false,
        source: Arc::from(proc.source),
        kernel: cx.registry.scalar(&kernel::key(proc)),
        set: None,
        aggregate: None,
    }))
}

/// A function by a rule, in the place of one of PostgreSQL's.
pub(super) fn by_rule(cx: BindContext<'_>, original: &Function, name: &'static str) -> Arc<Function> {
    Arc::new(Function { oid: original.oid, name: original.name.clone(), ..internal(cx, name) })
}

/// A text as a constant.
pub(super) fn text(value: &str) -> Expr {
    Expr::Const(Datum::text(value), Type::new(oids::TEXT))
}

/// The sort key of a value, or those of an array's elements.
pub(crate) fn keyed(cx: BindContext<'_>, value: Expr, order: &Order) -> Expr {
    keyed_as(cx, value, &order.rule, order.deterministic)
}

/// Likewise, with a determinism of its own.
pub(super) fn keyed_as(cx: BindContext<'_>, value: Expr, rule: &str, deterministic: bool) -> Expr {
    let base = cx.catalog.base_type(value.ty()).oid;
    let is_array = cx.catalog.type_info(base).is_some_and(|info| info.is_array());
    let ty = Type::new(if is_array { oids::BYTEA_ARRAY } else { oids::BYTEA });
    call(cx, KEY, vec![value, text(rule), Expr::boolean(deterministic)], ty)
}

/// The text of a deterministic key, as a value of this type.
pub(super) fn text_of_key(cx: BindContext<'_>, key: Expr, ty: Type) -> Expr {
    call(cx, TEXT_OF_KEY, vec![key], ty)
}

/// An error when it is computed: 42P22 where no collation is agreed on, else 0A000.
pub(super) fn refusal(cx: BindContext<'_>, indeterminate: bool, message: &str, ty: Type) -> Expr {
    call(cx, REFUSAL, vec![Expr::boolean(indeterminate), text(message)], ty)
}

/// Whether an expression is a sort key.
pub(crate) fn is_key(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if &*call.function.source == KEY)
}

/// Whether an expression is a sort key that no two texts share.
pub(crate) fn is_deterministic(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    is_key(expr) && matches!(call.args.get(2), Some(Expr::Const(Datum::Bool(true), _)))
}

/// The sort key of another value, or of the elements of an array, in the same order.
pub(crate) fn with_value(key: &Expr, value: &Expr) -> Expr {
    let mut key = key.clone();
    if let Expr::Call(call) = &mut key
        && let Some(first) = call.args.first_mut()
    {
        *first = value.clone();
    }
    key
}

/// What a sort key is the key of.
pub(crate) fn without_key(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Call(call) if &*call.function.source == KEY => call.args.first(),
        _ => None,
    }
}

/// A text in lower case by a rule.
pub(super) fn lowered(cx: BindContext<'_>, value: Expr, rule: &str) -> Expr {
    call(cx, LOWER, vec![value, text(rule)], Type::new(oids::TEXT))
}
