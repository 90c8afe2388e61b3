//! `random()` and `setseed()`.

use std::sync::PoisonError;

use dictdb_types::{Datum, RandomState, Result, bail};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "drandom" => |cx;| cx.env.random().lock().unwrap_or_else(PoisonError::into_inner).next_f64(),
    "setseed" => |cx; seed: f64| set_seed(cx, seed),
};

/// The result is `void`.
fn set_seed(cx: &CallContext<'_>, seed: f64) -> Result<Datum> {
    if !(-1.0..=1.0).contains(&seed) {
        bail!(INVALID_PARAMETER_VALUE, "setseed parameter {seed} is out of allowed range [-1,1]");
    }
    *cx.env.random().lock().unwrap_or_else(PoisonError::into_inner) = RandomState::seeded(seed);
    Ok(Datum::text(""))
}
