//! `gin_hstore_ops` and `gist_hstore_ops`: the keys of an `hstore`, and its values.

use dictdb_types::extension::{ExtensionValue, Hstore};
use dictdb_types::{Datum, Error, Result};

use super::{Condition, Key, part};

/// `pg_amop.amopstrategy` of the operators of both classes.
mod strategy {
    pub const CONTAINS: i16 = 7;
    pub const EXISTS: i16 = 9;
    pub const EXISTS_ANY: i16 = 10;
    pub const EXISTS_ALL: i16 = 11;
}

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    Ok(pairs_of(value)?.pairs().iter().flat_map(|(key, value)| [name(key), value_key(value.as_deref())]).collect())
}

pub(super) fn condition(strategy: i16, operand: &Datum) -> Result<Condition> {
    let keys = |operand: &Datum| -> Result<Vec<Condition>> {
        let Datum::Array(array) = operand else { return Err(unexpected(operand)) };
        let texts = array.items.iter().filter(|item| !item.is_null());
        texts.map(|item| text(item).map(|key| Condition::Key(name(key)))).collect()
    };
    Ok(match strategy {
        strategy::CONTAINS => {
            let pairs = pairs_of(operand)?.pairs().iter();
            let both = |key: &str, value: Option<&str>| [name(key), value_key(value)].map(Condition::Key);
            Condition::all(pairs.flat_map(|(key, value)| both(key, value.as_deref())))
        }
        strategy::EXISTS => Condition::Key(name(text(operand)?)),
        strategy::EXISTS_ANY => Condition::any(keys(operand)?),
        strategy::EXISTS_ALL => Condition::all(keys(operand)?),
        other => return Err(Error::internal(format!("strategy {other} of hstore"))),
    })
}

fn name(key: &str) -> Key {
    part(&[b"K", key.as_bytes()].concat())
}

fn value_key(value: Option<&str>) -> Key {
    match value {
        Some(value) => part(&[b"V", value.as_bytes()].concat()),
        None => part(b"N"),
    }
}

fn pairs_of(value: &Datum) -> Result<&Hstore> {
    match value {
        Datum::Extension(extension) => match &**extension {
            ExtensionValue::Hstore(pairs) => Ok(pairs),
            _ => Err(unexpected(value)),
        },
        other => Err(unexpected(other)),
    }
}

fn text(value: &Datum) -> Result<&str> {
    match value {
        Datum::Text(text) => Ok(text),
        other => Err(unexpected(other)),
    }
}

fn unexpected(value: &Datum) -> Error {
    Error::internal(format!("{value:?} where hstore asks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_do_not_mix() {
        let value: Datum = Hstore::parse("a=>b, c=>NULL").unwrap().into();
        assert_eq!(keys(&value).unwrap(), [name("a"), value_key(Some("b")), name("c"), value_key(None)]);
        assert_eq!(condition(strategy::EXISTS, &Datum::text("b")).unwrap(), Condition::Key(name("b")));
        let empty: Datum = Hstore::parse("").unwrap().into();
        assert_eq!(condition(strategy::CONTAINS, &empty).unwrap(), Condition::Everything);
    }
}
