//! Runs `testdata/*.txt`, whose answers are PostgreSQL's (`src/types/datetime/testdata/rewrite.sql` makes them).

use crate::evaluate::run;

#[test]
fn timestamps_and_intervals_to_text() {
    run(include_str!("testdata/to_char_datetime.txt"));
}

#[test]
fn numbers_to_text() {
    run(include_str!("testdata/to_char_number.txt"));
}

#[test]
fn text_to_timestamps() {
    run(include_str!("testdata/to_timestamp.txt"));
}

#[test]
fn text_to_numbers() {
    run(include_str!("testdata/to_number.txt"));
}
