//! `numeric`: exact decimal numbers with a display scale, NaN and infinities.

use std::sync::Arc;

use num_bigint::BigInt;

/// An exact decimal: `coefficient / 10^scale`, or one of the three special values.
///
/// Small coefficients are inline; the representation is canonical, so a value that fits inline is never boxed.
#[derive(Clone, Debug)]
pub struct Numeric(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Small { coefficient: i64, scale: u16 },
    Big(Arc<(BigInt, u16)>),
    NaN,
    Infinity,
    NegInfinity,
}
