//! `to_tsvector` of JSON documents, and `json_to_tsvector`, which chooses what in them counts.

use dictdb_types::{Env, Error, Jsonb, Oid, Result, SqlState, bail, json};

use super::document::Words;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "json_string_to_tsvector" => |cx; text: &str| vector(cx.env, cx.env.text_search_config()?, &json::parse(text)?, STRINGS),
    "json_string_to_tsvector_byid" => |cx; config: Oid, text: &str| vector(cx.env, config, &json::parse(text)?, STRINGS),
    "jsonb_string_to_tsvector" => |cx; value: &Jsonb| vector(cx.env, cx.env.text_search_config()?, value, STRINGS),
    "jsonb_string_to_tsvector_byid" => |cx; config: Oid, value: &Jsonb| vector(cx.env, config, value, STRINGS),
    "json_to_tsvector" => |cx; text: &str, filter: &Jsonb| {
        vector(cx.env, cx.env.text_search_config()?, &json::parse(text)?, Filter::new(filter)?)
    },
    "json_to_tsvector_byid" => |cx; config: Oid, text: &str, filter: &Jsonb| {
        vector(cx.env, config, &json::parse(text)?, Filter::new(filter)?)
    },
    "jsonb_to_tsvector" => |cx; value: &Jsonb, filter: &Jsonb| {
        vector(cx.env, cx.env.text_search_config()?, value, Filter::new(filter)?)
    },
    "jsonb_to_tsvector_byid" => |cx; config: Oid, value: &Jsonb, filter: &Jsonb| vector(cx.env, config, value, Filter::new(filter)?),
};

/// What of a document counts.
#[derive(Clone, Copy, Default)]
struct Filter {
    keys: bool,
    strings: bool,
    numbers: bool,
    booleans: bool,
}

const STRINGS: Filter = Filter { keys: false, strings: true, numbers: false, booleans: false };

impl Filter {
    /// `"all"`, or an array of kinds. 22023.
    fn new(filter: &Jsonb) -> Result<Filter> {
        let mut own = Filter::default();
        match filter {
            Jsonb::Array(items) => items.iter().try_for_each(|item| own.add(item))?,
            Jsonb::Object(_) => {
                bail!(INVALID_PARAMETER_VALUE, "wrong flag type, only arrays and scalars are allowed")
            }
            scalar => own.add(scalar)?,
        }
        Ok(own)
    }

    fn add(&mut self, item: &Jsonb) -> Result<()> {
        let hint = "Possible values are: \"string\", \"numeric\", \"boolean\", \"key\", and \"all\".";
        let Jsonb::String(name) = item else {
            let error = Error::new(SqlState::INVALID_PARAMETER_VALUE, "flag array element is not a string");
            return Err(error.hint(hint));
        };
        match name.to_ascii_lowercase().as_str() {
            "all" => *self = Filter { keys: true, strings: true, numbers: true, booleans: true },
            "key" => self.keys = true,
            "string" => self.strings = true,
            "numeric" => self.numbers = true,
            "boolean" => self.booleans = true,
            _ => {
                let message = format!("wrong flag in flag array: \"{name}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message).hint(hint));
            }
        }
        Ok(())
    }
}

fn vector(env: &dyn Env, config: Oid, value: &Jsonb, filter: Filter) -> Result<Vec<u8>> {
    let mut words = Words::new(config, env)?;
    add(&mut words, value, filter)?;
    Ok(words.into_vector()?.to_bytes())
}

/// Adds what counts; a gap between values keeps phrases from reaching over them.
fn add(words: &mut Words<'_>, value: &Jsonb, filter: Filter) -> Result<()> {
    let text = match value {
        Jsonb::String(text) if filter.strings => text.to_string(),
        Jsonb::Number(number) if filter.numbers => number.to_string(),
        Jsonb::Bool(flag) if filter.booleans => flag.to_string(),
        Jsonb::Array(items) => return items.iter().try_for_each(|item| add(words, item, filter)),
        Jsonb::Object(pairs) => {
            for (key, value) in pairs {
                if filter.keys {
                    read(words, key)?;
                }
                add(words, value, filter)?;
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    read(words, &text)
}

fn read(words: &mut Words<'_>, text: &str) -> Result<()> {
    let before = words.placed.len();
    words.read(text, |_| true)?;
    if words.placed.len() > before {
        words.last += 1;
    }
    Ok(())
}
