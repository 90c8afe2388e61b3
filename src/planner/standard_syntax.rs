//! Calls in the SQL standard's own syntax: `EXTRACT(year FROM x)` and its relatives, as PostgreSQL writes them back.

use dictdb_types::{Datum, Result, oids};

use crate::deparse::Names;
use crate::expr::{Call, Expr};

/// A piece of a call's text.
#[derive(Clone, Copy)]
enum Piece {
    Text(&'static str),
    /// An argument.
    Arg(usize),
    /// An argument beside a keyword of an operator, in parentheses where it needs them.
    Operand(usize),
    /// An argument that is a constant word.
    Word(usize),
}

use Piece::{Arg, Operand, Text, Word};

/// The name under which the form of `substring` by patterns is kept, which has the name of that by positions.
const SIMILAR: &str = "substring similar";

/// The form of a call by function name and number of arguments.
const FORMS: &[(&str, usize, &[Piece])] = &[
    ("timezone", 2, &[Text("("), Operand(1), Text(" AT TIME ZONE "), Operand(0), Text(")")]),
    (
        "overlaps",
        4,
        &[Text("(("), Arg(0), Text(", "), Arg(1), Text(") OVERLAPS ("), Arg(2), Text(", "), Arg(3), Text("))")],
    ),
    ("extract", 2, &[Text("EXTRACT("), Word(0), Text(" FROM "), Arg(1), Text(")")]),
    ("is_normalized", 1, &[Text("("), Operand(0), Text(" IS NORMALIZED)")]),
    ("is_normalized", 2, &[Text("("), Operand(0), Text(" IS "), Word(1), Text(" NORMALIZED)")]),
    ("pg_collation_for", 1, &[Text("COLLATION FOR ("), Arg(0), Text(")")]),
    ("normalize", 1, &[Text("NORMALIZE("), Arg(0), Text(")")]),
    ("normalize", 2, &[Text("NORMALIZE("), Arg(0), Text(", "), Word(1), Text(")")]),
    ("overlay", 3, &[Text("OVERLAY("), Arg(0), Text(" PLACING "), Arg(1), Text(" FROM "), Arg(2), Text(")")]),
    (
        "overlay",
        4,
        &[
            Text("OVERLAY("),
            Arg(0),
            Text(" PLACING "),
            Arg(1),
            Text(" FROM "),
            Arg(2),
            Text(" FOR "),
            Arg(3),
            Text(")"),
        ],
    ),
    ("position", 2, &[Text("POSITION(("), Arg(1), Text(") IN ("), Arg(0), Text("))")]),
    ("substring", 2, &[Text("SUBSTRING("), Arg(0), Text(" FROM "), Arg(1), Text(")")]),
    ("substring", 3, &[Text("SUBSTRING("), Arg(0), Text(" FROM "), Arg(1), Text(" FOR "), Arg(2), Text(")")]),
    (SIMILAR, 3, &[Text("SUBSTRING("), Arg(0), Text(" SIMILAR "), Arg(1), Text(" ESCAPE "), Arg(2), Text(")")]),
    ("xmlexists", 2, &[Text("XMLEXISTS(("), Arg(0), Text(") PASSING ("), Arg(1), Text("))")]),
    ("btrim", 1, &[Text("TRIM(BOTH FROM "), Arg(0), Text(")")]),
    ("btrim", 2, &[Text("TRIM(BOTH "), Arg(1), Text(" FROM "), Arg(0), Text(")")]),
    ("ltrim", 1, &[Text("TRIM(LEADING FROM "), Arg(0), Text(")")]),
    ("ltrim", 2, &[Text("TRIM(LEADING "), Arg(1), Text(" FROM "), Arg(0), Text(")")]),
    ("rtrim", 1, &[Text("TRIM(TRAILING FROM "), Arg(0), Text(")")]),
    ("rtrim", 2, &[Text("TRIM(TRAILING "), Arg(1), Text(" FROM "), Arg(0), Text(")")]),
];

impl Names<'_> {
    /// Writes a call in the standard's syntax; false when there is none for it.
    pub(crate) fn standard_call(&self, expr: &Expr, call: &Call, out: &mut String) -> Result<bool> {
        let args = call.written_args();
        let function = match (&*call.function.name, args) {
            ("substring", [_, pattern, ..]) if pattern.ty().oid == oids::TEXT => SIMILAR,
            (name, _) => name,
        };
        let is = |(name, count, _): &&(&str, usize, _)| *name == function && *count == args.len();
        let Some((_, _, pieces)) = FORMS.iter().find(is) else { return Ok(false) };
        let word = |i: usize| match &args[i] {
            Expr::Const(Datum::Text(text), _) => Some(text),
            _ => None,
        };
        if pieces.iter().any(|piece| matches!(piece, Word(i) if word(*i).is_none())) {
            return Ok(false);
        }
        for piece in *pieces {
            match *piece {
                Text(text) => out.push_str(text),
                Arg(i) => crate::deparse::write(&args[i], self, out)?,
                Operand(i) => self.operand(expr, &args[i], out)?,
                Word(i) => out.push_str(word(i).map_or("", |text| text)),
            }
        }
        Ok(true)
    }
}
