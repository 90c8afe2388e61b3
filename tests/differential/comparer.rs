//! Whether two answers are the same.

use super::side::Answer;

/// How two answers compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They are the same.
    Same,
    /// PostgreSQL cannot do this, or one of the two had no time: nothing to compare.
    Void,
    /// DictDB had no time for what PostgreSQL could do.
    Slow,
    /// They are not the same; what is different in words.
    Different(String),
}

/// Lines shown of each answer.
const SHOWN_ROWS: usize = 6;
const CANCELLED: &str = "57014";
/// The SQLSTATE of what a server does not have.
pub const NOT_SUPPORTED: &str = "0A000";

/// Compares what DictDB says with what PostgreSQL says. Rows in no order are compared as multisets; when any error will do, both
/// must have one.
pub fn compare(dictdb: &Answer, postgres: &Answer, ordered: bool, any_error: bool) -> Verdict {
    if postgres.sqlstate == CANCELLED || postgres.sqlstate == NOT_SUPPORTED {
        return Verdict::Void;
    }
    if dictdb.sqlstate == CANCELLED {
        return Verdict::Slow;
    }
    let both_fail = !dictdb.sqlstate.is_empty() && !postgres.sqlstate.is_empty();
    if both_fail && (any_error || dictdb.sqlstate == postgres.sqlstate) {
        return Verdict::Same;
    }
    if dictdb.sqlstate != postgres.sqlstate {
        let shown = |answer: &Answer| {
            if answer.sqlstate.is_empty() { format!("{} rows", answer.rows.len()) } else { answer.error.clone() }
        };
        return Verdict::Different(format!("  DictDB:     {}\n  PostgreSQL: {}", shown(dictdb), shown(postgres)));
    }
    if dictdb.columns != postgres.columns {
        return different("columns", &dictdb.columns, &postgres.columns);
    }
    if dictdb.tags != postgres.tags {
        return different("tags", &dictdb.tags.join(", "), &postgres.tags.join(", "));
    }
    compare_rows(&dictdb.rows, &postgres.rows, ordered)
}

fn different(what: &str, dictdb: &str, postgres: &str) -> Verdict {
    Verdict::Different(format!("  {what} on DictDB:     {dictdb}\n  {what} on PostgreSQL: {postgres}"))
}

fn compare_rows(dictdb: &[String], postgres: &[String], ordered: bool) -> Verdict {
    let (mut left, mut right) = (dictdb.to_vec(), postgres.to_vec());
    left.sort();
    right.sort();
    if left == right {
        if !ordered || dictdb == postgres {
            return Verdict::Same;
        }
        let at = dictdb.iter().zip(postgres).position(|(left, right)| left != right).unwrap_or(0);
        let shown = |rows: &[String]| rows[at..].iter().take(SHOWN_ROWS).cloned().collect::<Vec<_>>().join(" ⏎ ");
        return different(&format!("rows from {} on", at + 1), &shown(dictdb), &shown(postgres));
    }
    let (only_left, only_right) = (without(&left, &right), without(&right, &left));
    let shown = |rows: &[String], of: usize| {
        let lines: Vec<String> = rows.iter().take(SHOWN_ROWS).cloned().collect();
        format!("{} of {of}: {}", rows.len(), lines.join(" ⏎ "))
    };
    different("rows only", &shown(&only_left, left.len()), &shown(&only_right, right.len()))
}

/// The rows that are in a sorted list, but not in the other.
fn without(rows: &[String], others: &[String]) -> Vec<String> {
    let mut others = others.iter().peekable();
    let mut left = Vec::new();
    for row in rows {
        while others.peek().is_some_and(|other| *other < row) {
            others.next();
        }
        if others.peek() == Some(&row) {
            others.next();
        } else {
            left.push(row.clone());
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[&str]) -> Answer {
        Answer { rows: rows.iter().map(|row| (*row).to_owned()).collect(), ..Answer::default() }
    }

    #[test]
    fn rows_without_an_order_are_multisets() {
        let (ab, ba, aab) = (answer(&["a", "b"]), answer(&["b", "a"]), answer(&["a", "a", "b"]));
        assert_eq!(compare(&ab, &ba, false, false), Verdict::Same);
        assert!(matches!(compare(&ab, &ba, true, false), Verdict::Different(_)));
        let Verdict::Different(text) = compare(&aab, &ab, false, false) else { panic!("they are not the same") };
        assert!(text.contains("on DictDB:     1 of 3: a\n") && text.contains("0 of 2"), "{text}");
    }

    #[test]
    fn errors_have_one_code_unless_any_will_do() {
        let error = |code: &str| Answer { sqlstate: code.to_owned(), ..Answer::default() };
        assert!(matches!(compare(&error("22012"), &error("22003"), false, false), Verdict::Different(_)));
        assert_eq!(compare(&error("22012"), &error("22003"), false, true), Verdict::Same);
        assert!(matches!(compare(&error("22012"), &answer(&[]), false, true), Verdict::Different(_)));
        assert_eq!(compare(&error("XX000"), &error("0A000"), false, false), Verdict::Void);
    }
}
