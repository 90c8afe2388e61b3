//! Runs `testdata/*.txt`, whose answers are PostgreSQL's (`src/types/datetime/testdata/rewrite.sql` makes them).

use crate::evaluate::run;

#[test]
fn operators() {
    run(include_str!("testdata/operators.txt"));
}

#[test]
fn fields() {
    run(include_str!("testdata/fields.txt"));
}

#[test]
fn functions() {
    run(include_str!("testdata/functions.txt"));
}
