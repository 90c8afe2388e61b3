//! Random histories of a server: what is done to it ([`writer`], out of [`statements`]), and everything it holds afterwards ([`state`]).

pub mod state;
pub mod statements;
pub mod writer;
