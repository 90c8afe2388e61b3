//! Subscripts of `hstore`: `h['key']`, and the assignment to one.

use std::sync::Arc;

use dictdb_functions::facts::{CastContext, Volatility};
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::assign::Bounds;
use crate::expr::{Call, Expr, Function};

impl Binder<'_> {
    /// Whether values of a type are subscripted by keys.
    pub(crate) fn is_hstore(&self, ty: Type) -> bool {
        let base = self.cx.catalog.base_type(ty).oid;
        base >= dictdb_types::Oid::FIRST_NORMAL
            && self.type_info(base).is_some_and(|info| {
                dictdb_types::ExtensionType::of_input(&info.input) == Some(dictdb_types::ExtensionType::Hstore)
            })
    }

    /// `value['key']`. 0A000, 42804.
    pub(crate) fn bind_hstore_value(
        &mut self,
        value: Expr,
        bounds: &[Bounds<'_>],
        position: Option<u32>,
    ) -> Result<Expr> {
        let base = self.cx.catalog.base_type(value.ty()).oid;
        let key = self.hstore_key(bounds)?;
        let catalog = self.cx.catalog;
        let fetch = catalog.routines().find(|own| &*own.source == "hstore_fetchval" && own.args.first() == Some(&base));
        let fetch = fetch.ok_or_else(|| Error::unsupported("subscripts of hstore without its extension"))?.oid;
        let call = Call::new(self.function(fetch)?, vec![value, key], Type::new(oids::TEXT), position);
        Ok(Expr::Call(Box::new(call)))
    }

    /// A value with one key set. 0A000, 42804.
    pub(crate) fn assign_hstore_value(
        &mut self,
        container: Expr,
        ty: Type,
        bounds: &[Bounds<'_>],
        value: Expr,
    ) -> Result<Expr> {
        const SYMBOL: &str = "hstore_subscript_assign";
        let key = self.hstore_key(bounds)?;
        let function = Function {
            oid: dictdb_types::Oid::INVALID,
            name: Arc::from(SYMBOL),
            strict: false,
            volatility: Volatility::Immutable,
            returns_set: false,
            source: Arc::from(SYMBOL),
            kernel: self.cx.registry.scalar(SYMBOL),
            set: None,
            aggregate: None,
        };
        Ok(Expr::Call(Box::new(Call::new(Arc::new(function), vec![container, key, value], ty, None))))
    }

    fn hstore_key(&mut self, bounds: &[Bounds<'_>]) -> Result<Expr> {
        let [Bounds::Index(index)] = bounds else {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "hstore allows only one subscript"));
        };
        let place = self.leftmost(index);
        let bound = self.bind_expr(index)?;
        let coerced = self.coerce(bound, Type::new(oids::TEXT), CastContext::Assignment).map_err(|e| e.at(place))?;
        coerced.ok_or_else(|| Error::new(SqlState::DATATYPE_MISMATCH, "hstore subscript must have type text").at(place))
    }
}
