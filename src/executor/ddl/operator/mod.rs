//! Operators, casts, aggregates, operator classes and families: objects that say what functions are used for.
//!
//! ```text
//!   option      what a definition list says                function   the functions it names
//!   create      CREATE OPERATOR                            alter      ALTER OPERATOR, and how commands find one
//!   cast        CREATE CAST                                aggregate  CREATE AGGREGATE
//!   class       operator classes and families              member     what is in them
//!   method      access methods, and what each allows
//! ```

mod aggregate;
mod alter;
mod cast;
mod class;
mod create;
mod function;
mod member;
mod method;
pub(super) mod option;
