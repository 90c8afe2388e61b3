//! `tablefunc`: random numbers around a mean. Its functions over queries are in the session.

use std::sync::PoisonError;

use dictdb_types::{Datum, Error, Result, SqlState};

use crate::kernel::CallContext;
use crate::set_returning::{Rows, SetFn};

/// Set-returning functions by symbol.
pub const SETS: &[(&str, SetFn)] = &[("normal_rand", normal_rand)];

/// As many numbers of a normal distribution, by the polar method (Knuth, The Art of Computer Programming 2, 3.4.1 C). 22023.
fn normal_rand(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let [Datum::Int4(count), Datum::Float8(mean), Datum::Float8(deviation)] = args else {
        return Err(Error::internal("normal_rand() of other types"));
    };
    let (mean, deviation) = (*mean, *deviation);
    if *count < 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "number of rows cannot be negative"));
    }
    let mut numbers = Vec::with_capacity(*count as usize);
    let mut random = cx.env.random().lock().unwrap_or_else(PoisonError::into_inner);
    while numbers.len() < *count as usize {
        let (a, b) = (2.0 * random.next_f64() - 1.0, 2.0 * random.next_f64() - 1.0);
        let square = a * a + b * b;
        if square >= 1.0 {
            continue;
        }
        let factor = if square == 0.0 { 0.0 } else { (-2.0 * square.ln() / square).sqrt() };
        numbers.extend([mean + deviation * a * factor, mean + deviation * b * factor]);
    }
    numbers.truncate(*count as usize);
    Ok(Box::new(numbers.into_iter().map(|number| Ok(Datum::Float8(number)))))
}
