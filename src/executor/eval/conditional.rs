//! CASE, COALESCE, NULLIF.

use dictdb_types::{Datum, Result};

use super::{CallCode, Code, Scope};

/// `CASE [operand] WHEN … THEN … ELSE … END`.
#[derive(Debug)]
pub(crate) struct CaseCode {
    /// Evaluated once; conditions see it as [`Code::TestValue`].
    pub operand: Option<Code>,
    /// Conditions and results, in order.
    pub whens: Box<[(Code, Code)]>,
    /// `ELSE`.
    pub otherwise: Option<Code>,
}

impl CaseCode {
    pub(super) fn eval(&self, scope: Scope<'_>) -> Result<Datum> {
        match &self.operand {
            Some(operand) => {
                let value = operand.eval_ref(scope)?;
                self.choose(scope.with_test(&value), scope)
            }
            None => self.choose(scope, scope),
        }
    }

    fn choose(&self, conditions: Scope<'_>, results: Scope<'_>) -> Result<Datum> {
        for (condition, result) in &self.whens {
            if condition.is_true(conditions)? {
                return result.eval(results);
            }
        }
        self.otherwise.as_ref().map_or(Ok(Datum::Null), |otherwise| otherwise.eval(results))
    }
}

pub(super) fn coalesce(items: &[Code], scope: Scope<'_>) -> Result<Datum> {
    for item in items {
        let value = item.eval(scope)?;
        if !value.is_null() {
            return Ok(value);
        }
    }
    Ok(Datum::Null)
}

pub(super) fn null_if(equality: &CallCode, scope: Scope<'_>) -> Result<Datum> {
    let (left, right) = equality.operands(scope)?;
    if left.is_null() || right.is_null() {
        return Ok(left.into_owned());
    }
    let left = left.into_owned();
    Ok(if equality.holds(scope, left.clone(), right.into_owned())? { Datum::Null } else { left })
}
