//! Full-text search as rows: a vector's lexemes, the parser's tokens and their kinds.

use dictdb_types::{Array, Datum, Oid, Result, bail, oids};

use super::config::Config;
use super::dictionary::{Lexized, dictionary};
use super::parser::{KINDS, parse};
use super::vector;
use crate::CallContext;
use crate::args::arg;
use crate::facts::table;
use crate::set_returning::{Rows, SetFn, ready, record};

pub(super) const SETS: &[(&str, SetFn)] = &[
    ("tsvector_unnest", lexemes),
    ("ts_parse_byid", |cx, args| {
        check_parser(arg::<Oid>(args, 0)?)?;
        tokens(cx, arg(args, 1)?)
    }),
    ("ts_parse_byname", |cx, args| {
        named_parser(arg(args, 0)?)?;
        tokens(cx, arg(args, 1)?)
    }),
    ("ts_debug(regconfig,text)", |cx, args| debug(cx, arg::<Oid>(args, 0)?, arg(args, 1)?)),
    ("ts_debug(text)", |cx, args| debug(cx, cx.env.text_search_config()?, arg(args, 0)?)),
    ("ts_token_type_byid", |cx, args| {
        check_parser(arg::<Oid>(args, 0)?)?;
        kinds(cx)
    }),
    ("ts_token_type_byname", |cx, args| {
        named_parser(arg(args, 0)?)?;
        kinds(cx)
    }),
];

/// Word, positions, weights; the last two NULL where the vector has no positions.
fn lexemes(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let types = [oids::TEXT, oids::INT2_ARRAY, oids::TEXT_ARRAY];
    let own = vector(arg(args, 0)?)?;
    let row = |lexeme: dictdb_types::tsearch::Lexeme| {
        let (positions, weights) = if lexeme.positions.is_empty() {
            (Datum::Null, Datum::Null)
        } else {
            let places = lexeme.positions.iter().map(|position| Datum::Int2(position.at as i16)).collect();
            let letters = lexeme
                .positions
                .iter()
                .map(|position| Datum::text(["D", "C", "B", "A"][usize::from(position.weight & 3)]));
            let array = |element, items| Datum::Array(Array::vector(element, items).into());
            (array(oids::INT2, places), array(oids::TEXT, letters.collect()))
        };
        record(cx.result.oid, &types, vec![Datum::text(lexeme.word), positions, weights])
    };
    Ok(ready(own.lexemes.into_iter().map(row).collect()))
}

fn tokens(cx: &CallContext<'_>, text: &str) -> Result<Rows> {
    let types = [oids::INT4, oids::TEXT];
    let row = |(kind, token): (super::parser::Kind, &str)| {
        record(cx.result.oid, &types, vec![Datum::Int4(kind as i32), Datum::text(token)])
    };
    Ok(ready(parse(text).into_iter().map(row).collect()))
}

/// Every token with the dictionaries it goes through, the one that knows it, and what that makes of it.
fn debug(cx: &CallContext<'_>, config: Oid, text: &str) -> Result<Rows> {
    let types = [oids::TEXT, oids::TEXT, oids::TEXT, Oid(3770), oids::REGDICTIONARY, oids::TEXT_ARRAY];
    let config = Config::new(config, cx.env)?;
    let mut rows = Vec::new();
    for (kind, token) in parse(text) {
        let own = config.dictionary_oids(kind);
        let mut chosen = own.first().map(|first| (*first, None));
        for oid in own {
            let lexemes = match dictionary(*oid, cx.env)?.lexize_alone(token)? {
                Lexized::Known(lexemes) => lexemes.into_iter().map(|lexeme| lexeme.word).collect(),
                Lexized::Filtered(other) => vec![other],
                Lexized::Unknown => continue,
            };
            chosen = Some((*oid, Some(lexemes)));
            break;
        }
        let known = KINDS.iter().find(|(number, ..)| *number == kind as i32);
        let (alias, description) = known.map_or(("", ""), |(_, alias, description)| (*alias, *description));
        let array = |element, items| Datum::Array(Array::vector(element, items).into());
        let lexemes = chosen.as_ref().and_then(|(_, lexemes)| lexemes.clone());
        rows.push(record(
            cx.result.oid,
            &types,
            vec![
                Datum::text(alias),
                Datum::text(description),
                Datum::text(token),
                array(oids::REGDICTIONARY, own.iter().map(|oid| Datum::Oid(oid.0)).collect()),
                chosen.map_or(Datum::Null, |(oid, _)| Datum::Oid(oid.0)),
                lexemes.map_or(Datum::Null, |own| array(oids::TEXT, own.into_iter().map(Datum::text).collect())),
            ],
        ));
    }
    Ok(ready(rows))
}

fn kinds(cx: &CallContext<'_>) -> Result<Rows> {
    let types = [oids::INT4, oids::TEXT, oids::TEXT];
    let row = |(number, name, description): &(i32, &str, &str)| {
        record(cx.result.oid, &types, vec![Datum::Int4(*number), Datum::text(name), Datum::text(description)])
    };
    Ok(ready(KINDS.iter().map(row).collect()))
}

/// PostgreSQL has one parser.
fn parsers() -> impl Iterator<Item = (Oid, &'static str)> {
    let rows = table("pg_ts_parser").into_iter().flat_map(|table| table.rows());
    rows.map(|mut row| {
        let oid = row.field().and_then(|oid| oid.parse().ok()).unwrap_or_default();
        (Oid(oid), row.field().unwrap_or_default())
    })
}

fn check_parser(oid: Oid) -> Result<()> {
    if parsers().all(|(own, _)| own != oid) {
        bail!(INTERNAL_ERROR, "cache lookup failed for text search parser {oid}");
    }
    Ok(())
}

fn named_parser(name: &str) -> Result<()> {
    if parsers().all(|(_, own)| own != name) {
        bail!(UNDEFINED_OBJECT, "text search parser \"{name}\" does not exist");
    }
    Ok(())
}
