//! `convert`, `convert_from`, `convert_to`, and `length` in an encoding; what the encodings here are.

use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_types::text::from_utf8;
use dictdb_types::{Datum, Error, Result, SqlState, encoding};

use super::codec::{Codec, for_client};
use crate::StatementEnv;

/// Every function of this family, by `pg_proc.prosrc`.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_convert_from", |_, args| to_text(bytes(args, 0), charset(text(args, 1), "source ")?).map(Datum::text)),
    ("pg_convert_to", |_, args| from_text(text(args, 0), charset(text(args, 1), "destination ")?).map(bytea)),
    ("pg_convert", |_, args| {
        let (from, to) = (charset(text(args, 1), "source ")?, charset(text(args, 2), "destination ")?);
        from_text(&to_text(bytes(args, 0), from)?, to).map(bytea)
    }),
    ("length_in_encoding", |_, args| {
        let text = to_text(bytes(args, 0), charset(text(args, 1), "")?)?;
        Ok(Datum::Int4(i32::try_from(text.chars().count()).unwrap_or(i32::MAX)))
    }),
    ("getdatabaseencoding", |_, _| Ok(Datum::text("UTF8"))),
    ("pg_client_encoding", pg_client_encoding),
];

/// Bytes in an encoding as text. 22023, 22021.
pub(crate) fn text_in(encoding: &str, bytes: &[u8]) -> Result<String> {
    to_text(bytes, charset(encoding, "")?)
}

/// What a name stands for: UTF-8, which nothing is done to, or another encoding.
type Charset = Option<&'static Codec>;

fn charset(name: &str, role: &str) -> Result<Charset> {
    let Some(number) = encoding::number(name) else {
        let message = format!("invalid {role}encoding name \"{name}\"");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    };
    let shown = encoding::NAMES[number];
    match for_client(shown) {
        None if !matches!(shown, "UTF8" | "SQL_ASCII") => {
            Err(Error::unsupported(format_args!("conversion of encoding \"{shown}\"")))
        }
        found => Ok(found),
    }
}

fn to_text(bytes: &[u8], from: Charset) -> Result<String> {
    if let Some(codec) = from {
        return codec.decode(bytes).map(std::borrow::Cow::into_owned);
    }
    from_utf8(bytes).map(str::to_owned)
}

fn from_text(text: &str, to: Charset) -> Result<Vec<u8>> {
    let Some(codec) = to else { return Ok(text.as_bytes().to_vec()) };
    let mut bytes = Vec::with_capacity(text.len());
    codec.encode(text, &mut bytes)?;
    Ok(bytes)
}

fn pg_client_encoding(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let name = StatementEnv::of(cx.env).map(|env| env.shared.show("client_encoding"));
    name.unwrap_or_else(|| Ok("UTF8".to_owned())).map(Datum::text)
}

fn bytes(args: &[Datum], index: usize) -> &[u8] {
    if let Some(Datum::Bytea(bytes)) = args.get(index) { bytes } else { &[] }
}

fn text(args: &[Datum], index: usize) -> &str {
    if let Some(Datum::Text(text)) = args.get(index) { text } else { "" }
}

fn bytea(bytes: Vec<u8>) -> Datum {
    Datum::Bytea(bytes.into())
}
