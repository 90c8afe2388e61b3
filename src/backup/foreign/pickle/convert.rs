//! From nodes to tables: what dates, Decimals and UUIDs are, and how large a thing a pickle may describe.

use std::borrow::Cow;

use dictdb_types::oids;

use super::globals::Global;
use super::node::{Id, Node, Nodes};
use super::{Fault, Step, damaged};
use crate::foreign::value::Value;

/// Containers in containers; a list may contain itself.
const MAX_DEPTH: usize = 128;
/// What a pickle of some size may describe: nodes may be referred to more than once.
const VALUES_PER_BYTE: usize = 4;
const TEXT_PER_BYTE: usize = 64;
const ALWAYS_VALUES: usize = 1 << 16;
const ALWAYS_TEXT: usize = 1 << 24;
/// The most of one record, which is in memory at once.
const RECORD_VALUES: usize = 1 << 22;
const RECORD_TEXT: usize = 1 << 30;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// What may still be made.
#[derive(Clone, Copy)]
struct Budget {
    values: usize,
    text: usize,
}

impl Budget {
    fn spend(&mut self, text: usize) -> Step<()> {
        let left = self.values.checked_sub(1).zip(self.text.checked_sub(text));
        let (values, text) = left.ok_or_else(|| Fault::Refused("it describes more than its size allows".to_owned()))?;
        *self = Budget { values, text };
        Ok(())
    }
}

/// Makes values of nodes.
pub(super) struct Converter<'n, 'a> {
    nodes: &'n Nodes<'a>,
    /// For everything.
    all: Budget,
    /// For the record that is made.
    record: Budget,
}

/// A table, whose records are nodes still.
pub(super) struct PickledTable<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) key: Option<Cow<'a, str>>,
    /// Names and Python types.
    pub(super) schema: Vec<(Cow<'a, str>, &'static str)>,
    pub(super) records: Vec<Id>,
}

/// The tables of a database.
pub(super) fn tables<'a>(nodes: &Nodes<'a>, root: Id) -> Step<Vec<PickledTable<'a>>> {
    let converter = Converter::new(nodes, 0);
    let entries = converter.state(root, Global::Database)?;
    let tables = converter.entry(entries, "tables")?;
    let Node::Dict(tables) = converter.node(tables) else { return damaged("its tables are no dict") };
    let mut found: Vec<PickledTable<'a>> = Vec::new();
    for (name, table) in tables {
        let Node::Text(name) = converter.node(*name) else { return damaged("a table's name is no str") };
        found.retain(|known| known.name != *name);
        found.push(converter.table(name.clone(), *table)?);
    }
    Ok(found)
}

impl<'n, 'a> Converter<'n, 'a> {
    /// Goes by the size of the pickle, for all values that are made.
    pub(super) fn new(nodes: &'n Nodes<'a>, bytes: usize) -> Self {
        let values = bytes.saturating_mul(VALUES_PER_BYTE).saturating_add(ALWAYS_VALUES);
        let text = bytes.saturating_mul(TEXT_PER_BYTE).saturating_add(ALWAYS_TEXT);
        let record = Budget { values: RECORD_VALUES, text: RECORD_TEXT };
        Converter { nodes, all: Budget { values, text }, record }
    }

    fn node(&self, id: Id) -> &'n Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// The attributes of an object.
    fn state(&self, id: Id, wanted: Global) -> Step<&'n [(Id, Id)]> {
        let Node::Object { of, state: Some(state), .. } = self.node(id) else {
            return damaged(format_args!("{} is where an object of {} should be", self.node(id).kind(), wanted.name()));
        };
        match self.node(*state) {
            Node::Dict(entries) if *of == wanted => Ok(entries),
            _ => damaged(format_args!("{} is not an object of {}", self.node(id).kind(), wanted.name())),
        }
    }

    /// The last value under a name.
    fn entry(&self, entries: &[(Id, Id)], name: &str) -> Step<Id> {
        let is_named = |key: &Id| matches!(self.node(*key), Node::Text(text) if text == name);
        let found = entries.iter().rev().find(|(key, _)| is_named(key));
        found.map(|(_, value)| *value).ok_or_else(|| Fault::Damaged(format!("\"{name}\" is missing")))
    }

    fn table(&self, name: Cow<'a, str>, id: Id) -> Step<PickledTable<'a>> {
        let entries = self.state(id, Global::Table)?;
        let key = match self.node(self.entry(entries, "primary_key")?) {
            Node::Text(key) => Some(key.clone()),
            _ => None,
        };
        let mut schema = Vec::new();
        if let Node::Dict(fields) = self.node(self.entry(entries, "schema")?) {
            for (name, ty) in fields {
                if let (Node::Text(name), Node::Global(Global::Type(ty))) = (self.node(*name), self.node(*ty)) {
                    schema.push((name.clone(), *ty));
                }
            }
        }
        let Node::Dict(records) = self.node(self.entry(entries, "records")?) else {
            return damaged("the records of a table are no dict");
        };
        Ok(PickledTable { name, key, schema, records: records.iter().map(|(_, record)| *record).collect() })
    }

    /// The fields of a record.
    pub(super) fn record(&mut self, id: Id) -> Step<Vec<(Cow<'a, str>, Value<'a>)>> {
        let Node::Dict(fields) = self.node(id) else { return damaged("a record is no dict") };
        self.record = Budget { values: RECORD_VALUES, text: RECORD_TEXT };
        let field = |(name, value): &(Id, Id)| Ok((self.key(*name)?, self.value(*value, MAX_DEPTH)?));
        fields.iter().map(field).collect()
    }

    fn spend(&mut self, text: usize) -> Step<()> {
        self.all.spend(text)?;
        self.record.spend(text)
    }

    /// A key, as Python's JSON writes it.
    fn key(&mut self, id: Id) -> Step<Cow<'a, str>> {
        let key = match self.node(id) {
            Node::Text(text) => text.clone(),
            Node::Int(number) => number.to_string().into(),
            Node::Long(number) => number.clone().into(),
            Node::Bool(value) => if *value { "true" } else { "false" }.into(),
            Node::None => "null".into(),
            Node::Float(value) => Value::Float(*value).to_string().into(),
            other => return Err(Fault::Refused(format!("{} is the key of a dict", other.kind()))),
        };
        self.spend(key.len())?;
        Ok(key)
    }

    fn value(&mut self, id: Id, depth: usize) -> Step<Value<'a>> {
        let Some(deeper) = depth.checked_sub(1) else { return Err(Fault::Refused("it is too deep".to_owned())) };
        let node = self.node(id);
        self.spend(match node {
            Node::Text(text) => text.len(),
            Node::Bytes(bytes) => bytes.len(),
            Node::Long(digits) => digits.len(),
            _ => 0,
        })?;
        Ok(match node {
            Node::None => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(number) => Value::Int(*number),
            Node::Long(digits) => Value::Number(digits.clone().into()),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(text.clone()),
            Node::Bytes(bytes) => Value::Bytes(bytes.clone()),
            Node::List(items) | Node::Tuple(items) => Value::List(self.list(items, deeper)?),
            Node::Dict(entries) => {
                let mut map = Vec::new();
                for (key, value) in entries {
                    map.push((self.key(*key)?, self.value(*value, deeper)?));
                }
                Value::Map(map)
            }
            Node::Global(global) => return Err(Fault::Refused(format!("{} is a value", global.name()))),
            Node::Object { of, arguments, state } => return self.object(*of, arguments, *state, deeper),
        })
    }

    fn list(&mut self, items: &[Id], depth: usize) -> Step<Vec<Value<'a>>> {
        items.iter().map(|item| self.value(*item, depth)).collect()
    }

    fn object(&mut self, of: Global, arguments: &[Id], state: Option<Id>, depth: usize) -> Step<Value<'a>> {
        let wrong = || Fault::Damaged(format!("an object of {} has not the arguments it needs", of.name()));
        let parts: Vec<&Node<'a>> = arguments.iter().map(|argument| self.node(*argument)).collect();
        let found = match (of, parts.as_slice()) {
            (Global::Decimal, [Node::Text(digits)]) => decimal(digits),
            (Global::Date, [Node::Bytes(bytes)]) => date(bytes).map(|text| Value::Typed(oids::DATE, text.into())),
            (Global::Time, [Node::Bytes(bytes), zone @ ..]) => self.time(bytes, zone)?,
            (Global::DateTime, [Node::Bytes(bytes), zone @ ..]) => self.date_time(bytes, zone)?,
            (Global::TimeDelta, _) => micros_of(&parts).map(|micros| {
                let (seconds, micros) = (micros / MICROS_PER_SECOND, micros.unsigned_abs() % MICROS_PER_SECOND as u64);
                let sign = if seconds == 0 && micros_of(&parts).is_some_and(|all| all < 0) { "-" } else { "" };
                Value::Typed(oids::INTERVAL, format!("{sign}{seconds}.{micros:06} seconds").into())
            }),
            (Global::Uuid, []) => state.and_then(|state| self.uuid(state)),
            (Global::Type("set" | "frozenset" | "list" | "tuple"), [Node::List(items) | Node::Tuple(items)]) => {
                Some(Value::List(self.list(items, depth)?))
            }
            (Global::Type("set" | "frozenset" | "list" | "tuple"), []) => Some(Value::List(Vec::new())),
            _ => return Err(Fault::Refused(format!("an object of {} is a value", of.name()))),
        };
        found.ok_or_else(wrong)
    }

    fn time(&self, bytes: &[u8], zone: &[&Node<'a>]) -> Step<Option<Value<'a>>> {
        let offset = self.offset(zone)?;
        let ty = if offset.is_empty() { oids::TIME } else { oids::TIMETZ };
        // The first bit says that the clock was set back.
        Ok(clock(bytes, 0x7f).map(|text| Value::Typed(ty, (text + &offset).into())))
    }

    fn date_time(&self, bytes: &[u8], zone: &[&Node<'a>]) -> Step<Option<Value<'a>>> {
        let offset = self.offset(zone)?;
        let ty = if offset.is_empty() { oids::TIMESTAMP } else { oids::TIMESTAMPTZ };
        let Some((day, time)) = bytes.split_at_checked(4) else { return Ok(None) };
        let text = date(day).zip(clock(time, 0xff)).map(|(day, time)| format!("{day} {time}{offset}"));
        Ok(text.map(|text| Value::Typed(ty, text.into())))
    }

    /// `+02:00`; nothing without a zone.
    fn offset(&self, zone: &[&Node<'a>]) -> Step<String> {
        let [zone] = zone else { return Ok(String::new()) };
        let Node::Object { of: Global::TimeZone, arguments, .. } = zone else {
            return Err(Fault::Refused(format!("{} is a time zone", zone.kind())));
        };
        let Some(Node::Object { of: Global::TimeDelta, arguments, .. }) = arguments.first().map(|id| self.node(*id))
        else {
            return damaged("a time zone has no offset");
        };
        let parts: Vec<&Node<'a>> = arguments.iter().map(|argument| self.node(*argument)).collect();
        let seconds = micros_of(&parts).map_or(0, |micros| micros / MICROS_PER_SECOND);
        let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
        Ok(format!("{sign}{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60))
    }

    fn uuid(&self, state: Id) -> Option<Value<'a>> {
        let Node::Dict(entries) = self.node(state) else { return None };
        let number: u128 = match self.node(self.entry(entries, "int").ok()?) {
            Node::Int(number) => u128::try_from(*number).ok()?,
            Node::Long(digits) => digits.parse().ok()?,
            _ => return None,
        };
        Some(Value::Typed(oids::UUID, format!("{number:032x}").into()))
    }
}

/// A Decimal's text; a signalling NaN is one like any other here.
fn decimal<'a>(digits: &str) -> Option<Value<'a>> {
    let bare = digits.trim_start_matches(['-', '+']);
    let is_number = bare.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    match bare {
        _ if is_number => Some(Value::Number(digits.to_owned().into())),
        "Infinity" | "Inf" => {
            let sign = if digits.starts_with('-') { "-" } else { "" };
            Some(Value::Typed(oids::NUMERIC, format!("{sign}Infinity").into()))
        }
        nan if nan.starts_with("NaN") || nan.starts_with("sNaN") => Some(Value::Typed(oids::NUMERIC, "NaN".into())),
        _ => None,
    }
}

fn date(bytes: &[u8]) -> Option<String> {
    let [high, low, month, day] = bytes else { return None };
    Some(format!("{:04}-{month:02}-{day:02}", u16::from_be_bytes([*high, *low])))
}

/// A time of the day; `mask` is of the hour, which may have a bit that says something else.
fn clock(bytes: &[u8], mask: u8) -> Option<String> {
    let [hour, minute, second, a, b, c] = bytes else { return None };
    let micros = u32::from_be_bytes([0, *a, *b, *c]);
    Some(format!("{:02}:{minute:02}:{second:02}.{micros:06}", hour & mask))
}

/// The microseconds of a `timedelta`: days, seconds, microseconds.
fn micros_of(parts: &[&Node<'_>]) -> Option<i64> {
    let numbers = parts.iter().map(|part| if let Node::Int(number) = part { Some(*number) } else { None });
    match numbers.collect::<Option<Vec<i64>>>()?.as_slice() {
        [days, seconds, micros] => {
            let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(*seconds)?;
            seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(*micros)
        }
        _ => None,
    }
}
