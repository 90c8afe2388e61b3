//! Subscripts: elements and slices of arrays, members of `jsonb`.

use dictdb_functions::facts::CastContext;
use dictdb_functions::resolve;
use dictdb_parser::ast::{self, AccessExpr, Expr as Ast};
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::assign::Bounds;
use crate::expr::{Expr, Subscript, fixed_element};

/// Dimensions an array may have.
const MAX_DIMENSIONS: usize = 6;

/// Lower (slices only) and upper or single subscript of each dimension.
type Indexes = Vec<(Option<Expr>, Option<Expr>)>;

impl Binder<'_> {
    /// `value[i][j:k]…`.
    pub(crate) fn bind_subscripts(
        &mut self,
        value: Expr,
        subscripts: &[AccessExpr],
        position: Option<u32>,
    ) -> Result<Expr> {
        let ty = value.ty();
        let mut bounds = Vec::with_capacity(subscripts.len());
        for access in subscripts {
            let AccessExpr::Subscript(subscript) = access else { continue };
            bounds.push(match subscript {
                ast::Subscript::Index { index } => Bounds::Index(index),
                ast::Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                    Bounds::Slice(lower_bound.as_ref(), upper_bound.as_ref())
                }
                ast::Subscript::Slice { .. } => return Err(Error::unsupported("an array slice with a stride")),
            });
        }
        if self.is_hstore(ty) {
            return self.bind_hstore_value(value, &bounds, position);
        }
        if self.cx.catalog.base_type(ty).oid == oids::JSONB {
            let indexes = self.json_path(&bounds)?;
            let ty = Type::new(oids::JSONB);
            return Ok(Expr::Subscript(Box::new(Subscript { array: value, indexes, slice: false, ty })));
        }
        let fixed = match ty.oid {
            oids::NAME => Some(Type::new(oids::CHAR)),
            other => fixed_element(other).map(Type::new),
        };
        let element = fixed.or_else(|| self.element_of(ty)).ok_or_else(|| self.not_subscriptable(ty).at(position))?;
        let (indexes, slice) = self.array_bounds(&bounds)?;
        if slice && fixed.is_some() {
            return Err(fixed_slice());
        }
        let ty = if slice { self.array_type_of(element).unwrap_or(ty) } else { element };
        Ok(Expr::Subscript(Box::new(Subscript { array: value, indexes, slice, ty })))
    }

    /// Subscripts of an array, and whether they are a slice.
    pub(crate) fn array_bounds(&mut self, bounds: &[Bounds<'_>]) -> Result<(Indexes, bool)> {
        if bounds.len() > MAX_DIMENSIONS {
            let message =
                format!("number of array dimensions ({}) exceeds the maximum allowed ({MAX_DIMENSIONS})", bounds.len());
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        let slice = bounds.iter().any(|bound| matches!(bound, Bounds::Slice(..)));
        let mut indexes = Vec::with_capacity(bounds.len());
        for bound in bounds {
            indexes.push(match bound {
                // In a slice, a lone subscript is an upper bound, and the lower one is 1.
                Bounds::Index(index) if slice => {
                    let one = Expr::Const(dictdb_types::Datum::Int4(1), Type::new(oids::INT4));
                    (Some(one), Some(self.array_subscript(index)?))
                }
                Bounds::Index(index) => (None, Some(self.array_subscript(index)?)),
                Bounds::Slice(lower, upper) => {
                    let lower = lower.map(|bound| self.array_subscript(bound)).transpose()?;
                    (lower, upper.map(|bound| self.array_subscript(bound)).transpose()?)
                }
            });
        }
        Ok((indexes, slice))
    }

    fn array_subscript(&mut self, index: &Ast) -> Result<Expr> {
        let position = self.leftmost(index);
        let bound = self.bind_expr(index)?;
        let coerced = self.coerce(bound, Type::new(oids::INT4), CastContext::Assignment).map_err(|e| e.at(position))?;
        coerced.ok_or_else(|| {
            Error::new(SqlState::DATATYPE_MISMATCH, "array subscript must have type integer").at(position)
        })
    }

    /// Subscripts of a `jsonb`: each an integer or a text.
    pub(crate) fn json_path(&mut self, bounds: &[Bounds<'_>]) -> Result<Indexes> {
        let mut indexes = Vec::with_capacity(bounds.len());
        for bound in bounds {
            match bound {
                Bounds::Index(index) => indexes.push((None, Some(self.json_subscript(index)?))),
                Bounds::Slice(lower, upper) => {
                    let position = upper.or(*lower).and_then(|bound| self.leftmost(bound));
                    return Err(
                        Error::new(SqlState::DATATYPE_MISMATCH, "jsonb subscript does not support slices").at(position)
                    );
                }
            }
        }
        Ok(indexes)
    }

    fn json_subscript(&mut self, index: &Ast) -> Result<Expr> {
        let position = self.leftmost(index);
        let bound = self.bind_expr(index)?;
        let source = bound.ty();
        let fits = |target| {
            let path = resolve::coercion_path(&self.scope(), source.oid, target, CastContext::Implicit);
            source.oid == target || path.is_some()
        };
        let target = match (source.oid, fits(oids::INT4), fits(oids::TEXT)) {
            (oids::UNKNOWN, ..) | (_, false, true) => oids::TEXT,
            (_, true, false) => oids::INT4,
            (_, both, _) => {
                let hint = match both {
                    true => "jsonb subscript must be coercible to only one type, integer or text.",
                    false => "jsonb subscript must be coercible to either integer or text.",
                };
                let message = format!("subscript type {} is not supported", self.type_name(source));
                return Err(Error::new(SqlState::DATATYPE_MISMATCH, message).hint(hint).at(position));
            }
        };
        self.coerce_implicit(bound, target).map_err(|e| e.at(position))
    }

    /// 42804 for a value without elements.
    pub(crate) fn not_subscriptable(&self, ty: Type) -> Error {
        Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("cannot subscript type {} because it does not support subscripting", self.type_name(ty)),
        )
    }
}

pub(crate) fn fixed_slice() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "slices of fixed-length arrays not implemented")
}
