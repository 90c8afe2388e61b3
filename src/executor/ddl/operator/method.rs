//! Access methods of indexes, and what each allows in an operator class.

use dictdb_functions::facts::ids;
use dictdb_parser::ast::Ident;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::ddl::DdlContext;

/// An access method as definitions see it.
#[derive(Clone, Copy)]
pub(super) struct Method {
    pub oid: Oid,
    pub name: &'static str,
    /// Highest strategy and support function; zero strategies is any number.
    pub strategies: i32,
    pub functions: i32,
    pub stores_other: bool,
    pub orders: bool,
}

/// `pg_am` with what each method allows.
const METHODS: &[Method] = &[
    Method { oid: ids::BTREE, name: "btree", strategies: 5, functions: 5, stores_other: false, orders: false },
    Method { oid: ids::HASH, name: "hash", strategies: 1, functions: 3, stores_other: false, orders: false },
    Method { oid: ids::GIST, name: "gist", strategies: 0, functions: 11, stores_other: true, orders: true },
    Method { oid: ids::GIN, name: "gin", strategies: 0, functions: 7, stores_other: true, orders: false },
    Method { oid: ids::SPGIST, name: "spgist", strategies: 0, functions: 7, stores_other: true, orders: true },
    Method { oid: ids::BRIN, name: "brin", strategies: 0, functions: 15, stores_other: true, orders: false },
];

/// What the methods that extensions make allow; their oids are in the catalog.
const BLOOM: Method =
    Method { oid: Oid::INVALID, name: "bloom", strategies: 1, functions: 2, stores_other: false, orders: false };

impl DdlContext<'_> {
    /// The method of this name. 42704.
    pub(super) fn method_named(&mut self, name: &Ident) -> Result<Method> {
        if let Some(method) = METHODS.iter().find(|method| method.name == name.value) {
            return Ok(*method);
        }
        let catalog = self.view();
        match catalog.index_method_named(&name.value) {
            Some(made) => Ok(Method { oid: catalog.index_method_oid(made), ..BLOOM }),
            None => {
                let message = format!("access method \"{}\" does not exist", name.value);
                Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
            }
        }
    }
}
