//! The functions over templates, and the clock as text.

use dictdb_types::datetime::calendar::is_valid_julian;
use dictdb_types::datetime::{Clock, is_finite_timestamp, scale_timestamp, timestamp_out_of_range, zone};
use dictdb_types::{Error, Interval, Numeric, Result, SqlState};

use super::date_template::{Field, Node};
use super::number_picture::{FLOAT4_DIGITS, FLOAT8_DIGITS, Picture};
use super::number_template::Shape;
use super::resolve_date::{Resolved, resolve};
use super::write_date::Moment;
use super::{date_template, number_template, read_date, read_number, write_date, write_number};
use crate::CallContext;
use crate::args::kernels;
use crate::datetime::{Date, Timestamp};
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub(crate) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "timestamp_to_char" => |a: Timestamp, template: &str| timestamp_to_char(a.0, template, Clock::Local),
    "timestamptz_to_char" => |cx; a: Timestamp, template: &str| timestamp_to_char(a.0, template, cx.session_clock()),
    "interval_to_char" => |a: Interval, template: &str| interval_to_char(&a, template),
    "int4_to_char" => |a: i32, template: &str| number_to_char(template, |shape| Picture::of_int4(a, shape)),
    "int8_to_char" => |a: i64, template: &str| number_to_char(template, |shape| Picture::of_int8(a, shape)),
    "numeric_to_char" => |a: &Numeric, template: &str| number_to_char(template, |shape| Picture::of_numeric(a, shape)),
    "float4_to_char" => |a: f32, template: &str|
        number_to_char(template, |shape| Ok(Picture::of_float(a.into(), FLOAT4_DIGITS, shape))),
    "float8_to_char" => |a: f64, template: &str|
        number_to_char(template, |shape| Ok(Picture::of_float(a, FLOAT8_DIGITS, shape))),
    "numeric_to_number" => |text: &str, template: &str| to_number(text, template),
    "to_date" => |text: &str, template: &str| to_date(text, template),
    "to_timestamp" => |cx; text: &str, template: &str| to_timestamp(cx, text, template),
};

/// A timestamp through a template; none for an infinite one and for an empty template.
pub(crate) fn timestamp_to_char(micros: i64, template: &str, clock: Clock<'_>) -> Result<Option<String>> {
    if template.is_empty() || !is_finite_timestamp(micros) {
        return Ok(None);
    }
    let (civil, east) = clock.civil_and_offset(micros);
    let moment = Moment::of_timestamp(&civil, east, clock.abbreviation(micros));
    write_date::write(&date_template::parse(template), &moment).map(Some)
}

fn interval_to_char(interval: &Interval, template: &str) -> Result<Option<String>> {
    if template.is_empty() {
        return Ok(None);
    }
    write_date::write(&date_template::parse(template), &Moment::of_interval(interval)).map(Some)
}

fn number_to_char(template: &str, picture: impl FnOnce(&Shape) -> Result<Picture>) -> Result<String> {
    if template.is_empty() {
        return Ok(String::new());
    }
    let template = number_template::parse(template)?;
    write_number::write(&template.nodes, picture(&template.shape)?)
}

fn to_number(text: &str, template: &str) -> Result<Option<Numeric>> {
    if template.is_empty() {
        return Ok(None);
    }
    read_number::read(&*number_template::parse(template)?, text).map(Some)
}

fn read(text: &str, template: &str) -> Result<Resolved> {
    resolve(&read_date::read(&date_template::parse(template), text)?, text)
}

/// What a template is about and a text says.
pub(crate) struct Parts {
    /// Days since 1970-01-01.
    pub(crate) days: Option<i32>,
    /// Microseconds since midnight.
    pub(crate) time: Option<i64>,
    /// Seconds west of UTC.
    pub(crate) west: Option<i32>,
}

/// Reads a whole text by a whole template, as the SQL standard's `datetime` methods do. 22007, 22008.
pub(crate) fn read_parts(text: &str, template: &str) -> Result<Parts> {
    let nodes = date_template::parse(template);
    let about =
        |wanted: fn(Field) -> bool| nodes.iter().any(|node| matches!(node, Node::Field(node) if wanted(node.field)));
    let Resolved { civil, west, .. } = resolve(&read_date::read_standard(&nodes, text)?, text)?;
    if about(Field::is_zone) && west.is_none() {
        let ty = if about(Field::is_date) { "timestamptz" } else { "timetz" };
        let message = format!("missing time zone in input string for type {ty}");
        return Err(Error::new(SqlState::INVALID_DATETIME_FORMAT, message));
    }
    let days = || {
        civil
            .to_date()
            .ok_or_else(|| Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, format!("date out of range: \"{text}\"")))
    };
    Ok(Parts {
        days: about(Field::is_date).then(days).transpose()?,
        time: about(Field::is_time).then(|| civil.time()),
        west: west.filter(|_| about(Field::is_zone)),
    })
}

fn to_date(text: &str, template: &str) -> Result<Date> {
    let date = read(text, template)?.civil.to_date();
    date.map(Date)
        .ok_or_else(|| Error::new(SqlState::DATETIME_VALUE_OUT_OF_RANGE, format!("date out of range: \"{text}\"")))
}

fn to_timestamp(cx: &CallContext<'_>, text: &str, template: &str) -> Result<Timestamp> {
    let Resolved { civil, west, precision } = read(text, template)?;
    if !is_valid_julian(civil.year, civil.month) {
        return Err(timestamp_out_of_range());
    }
    let micros = match west {
        Some(west) => civil.to_micros(west),
        None => zone::utc(&cx.env.format().time_zone, &civil),
    };
    scale_timestamp(micros.ok_or_else(timestamp_out_of_range)?, precision.unwrap_or(-1)).map(Timestamp)
}
