//! Functions against PostgreSQL 15's answers: every file here is `expression => answer`, rewritten by `rewrite.sh`.

use crate::evaluate::{run, run_aggregates};

mod user_types;

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(include_str!(concat!(stringify!($name), ".txt")));
        })*
    };
}

cases!(
    array, bytes, float, hash, integer, json, jsonpath, network, numeric, pattern, range, regexp, sets, text, type_io
);

#[test]
fn aggregates() {
    run_aggregates(include_str!("aggregates.txt"));
}
