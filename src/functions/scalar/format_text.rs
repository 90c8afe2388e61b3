//! `format()`: `%s`, `%I`, `%L` with positions and widths, as C's `sprintf` would do for SQL.

use dictdb_types::{Datum, Error, Oid, Result, SqlState, bail, oids, quote_identifier, quote_literal};

use super::limits::push;
use super::text::char_count;
use super::variadic::Arguments;
use crate::args::kernels;
use crate::io;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "text_format" => format,
    "text_format_nv" => format,
};

fn format(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Text(template)) = args.first() else { return Ok(Datum::Null) };
    let values = Arguments::after(cx, args, 1);
    let mut formatter = Formatter { cx, values, next: 0, rest: template, out: String::new() };
    formatter.run()?;
    Ok(Datum::Text(formatter.out.into()))
}

struct Formatter<'a> {
    cx: &'a CallContext<'a>,
    values: Arguments<'a>,
    /// Index of the argument that an unnumbered specifier takes.
    next: usize,
    rest: &'a str,
    out: String,
}

/// `%[position$][-][width]type`.
#[derive(Default)]
struct Specifier {
    position: Option<usize>,
    left: bool,
    width: i32,
}

impl Formatter<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some((text, after)) = self.rest.split_once('%') {
            push(&mut self.out, text)?;
            self.rest = after;
            if let Some(after) = self.rest.strip_prefix('%') {
                self.out.push('%');
                self.rest = after;
                continue;
            }
            let specifier = self.specifier()?;
            let Some(kind) = self.rest.chars().next() else { return Err(unterminated()) };
            self.rest = &self.rest[kind.len_utf8()..];
            if !matches!(kind, 's' | 'I' | 'L') {
                return Err(hinted(format!("unrecognized format() type specifier \"{kind}\"")));
            }
            let value = self.value(kind, specifier.position)?;
            self.pad(&value, &specifier)?;
        }
        push(&mut self.out, self.rest)
    }

    fn specifier(&mut self) -> Result<Specifier> {
        let mut specifier = Specifier::default();
        let before = self.rest;
        if let Some(number) = self.number()? {
            if self.eat('$') {
                specifier.position = Some(position(number)?);
            } else {
                // A leading number without `$` is a width, read again below.
                self.rest = before;
            }
        }
        while self.eat('-') {
            specifier.left = true;
        }
        if self.eat('*') {
            let number = self.number()?;
            let at = match number {
                Some(number) if self.eat('$') => Some(position(number)?),
                Some(_) => {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "width argument position must be ended by \"$\"",
                    ));
                }
                None => None,
            };
            specifier.width = self.width(at)?;
        } else if let Some(number) = self.number()? {
            specifier.width = number;
        }
        if specifier.width < 0 {
            specifier.left = true;
            specifier.width = specifier.width.checked_neg().ok_or_else(number_out_of_range)?;
        }
        if self.rest.is_empty() { Err(unterminated()) } else { Ok(specifier) }
    }

    fn eat(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Result<Option<i32>> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(digits);
        if number.is_empty() {
            return Ok(None);
        }
        if rest.is_empty() {
            return Err(unterminated());
        }
        self.rest = rest;
        number.parse().map(Some).map_err(|_| number_out_of_range())
    }

    /// The argument at a position counted from 1, or the next one.
    fn take(&mut self, position: Option<usize>) -> Result<(Datum, Oid)> {
        let index = position.map_or(self.next, |position| position - 1);
        self.next = index + 1;
        match self.values.get(index) {
            Some((value, ty)) => Ok((value.clone(), ty)),
            None => bail!(INVALID_PARAMETER_VALUE, "too few arguments for format()"),
        }
    }

    /// A width given by an argument; NULL is none.
    fn width(&mut self, position: Option<usize>) -> Result<i32> {
        let (value, ty) = self.take(position)?;
        Ok(match value {
            Datum::Null => 0,
            Datum::Int4(width) => width,
            Datum::Int2(width) => width.into(),
            other => match io::input(self.cx, oids::INT4, &io::output(self.cx, ty, &other)?)? {
                Datum::Int4(width) => width,
                _ => 0,
            },
        })
    }

    fn value(&mut self, kind: char, position: Option<usize>) -> Result<String> {
        let (value, ty) = self.take(position)?;
        match (kind, &value) {
            ('s', Datum::Null) => Ok(String::new()),
            ('L', Datum::Null) => Ok("NULL".to_owned()),
            ('I', Datum::Null) => {
                bail!(NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier")
            }
            _ => {
                let text = io::output(self.cx, ty, &value)?;
                Ok(match kind {
                    'I' => quote_identifier(&text).into_owned(),
                    'L' => quote_literal(&text),
                    _ => text,
                })
            }
        }
    }

    fn pad(&mut self, value: &str, specifier: &Specifier) -> Result<()> {
        let missing = (specifier.width - char_count(value)).max(0) as usize;
        super::limits::check_growth(self.out.len(), missing + value.len())?;
        let blanks = " ".repeat(missing);
        let (first, second) = if specifier.left { (value, blanks.as_str()) } else { (blanks.as_str(), value) };
        self.out.push_str(first);
        self.out.push_str(second);
        Ok(())
    }
}

fn position(number: i32) -> Result<usize> {
    if number == 0 {
        bail!(INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1");
    }
    Ok(number as usize)
}

fn hinted(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint("For a single \"%\" use \"%%\".")
}

fn unterminated() -> Error {
    hinted("unterminated format() type specifier".to_owned())
}

fn number_out_of_range() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range")
}
