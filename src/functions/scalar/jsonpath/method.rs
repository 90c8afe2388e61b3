//! Item methods: `.type()`, `.size()`, `.double()`, `.keyvalue()` and arithmetic ones.

use std::sync::Arc;

use dictdb_types::jsonpath::{Accessor, Method};
use dictdb_types::{Error, Jsonb, Numeric, Result, SqlState, text};

use super::super::jsonb::access::type_name;
use super::datetime::Moment;
use super::evaluate::members;
use super::{Evaluation, Fault, Found, Item, Scope, soft};

impl<'a> Evaluation<'a> {
    pub(super) fn method(
        &mut self,
        item: Item<'a>,
        method: Method,
        accessors: &[Accessor],
        scope: Scope<'_, 'a>,
        unwrap: bool,
        found: Found<'_, 'a>,
    ) -> Result<bool, Fault> {
        let rest = &accessors[1..];
        let value = match method {
            Method::Type => {
                let name = item.moment.as_ref().map_or_else(|| type_name(&item), Moment::type_name);
                Jsonb::String(name.into())
            }
            Method::Size => match self.size(&item, scope)? {
                Some(size) => Jsonb::Number(Numeric::from(size)),
                None => return Ok(false),
            },
            _ if unwrap && matches!(&*item, Jsonb::Array(_)) => {
                return self.each(members(item), accessors, scope, false, found);
            }
            Method::Abs => numeric(&item, "abs", |number| Ok(number.abs()))?,
            Method::Floor => numeric(&item, "floor", Numeric::floor)?,
            Method::Ceiling => numeric(&item, "ceiling", Numeric::ceil)?,
            Method::Double => double(&item)?,
            Method::KeyValue => {
                let pairs = self.key_values(&item)?;
                return self.each(pairs, rest, scope, true, found);
            }
        };
        self.steps(Item::made(value), rest, scope, true, found)
    }

    /// The number of elements; of what is no array 1 in lax mode, and none where such an item is passed over.
    fn size(&self, item: &Jsonb, scope: Scope<'_, 'a>) -> Result<Option<i64>, Fault> {
        match item {
            Jsonb::Array(items) => Ok(Some(items.len() as i64)),
            _ if !self.strict => Ok(Some(1)),
            _ if scope.forgiving => Ok(None),
            _ => {
                let message = "jsonpath item method .size() can only be applied to an array";
                Err(soft(SqlState::SQL_JSON_ARRAY_NOT_FOUND, message))
            }
        }
    }

    /// Each pair as an object with the number of the object it came from.
    fn key_values(&mut self, item: &Jsonb) -> Result<Vec<Item<'a>>, Fault> {
        let Jsonb::Object(pairs) = item else {
            let message = "jsonpath item method .keyvalue() can only be applied to an object";
            return Err(soft(SqlState::SQL_JSON_OBJECT_NOT_FOUND, message));
        };
        let id = self.numbered;
        self.numbered += 1;
        let member = |key: &str, value: Jsonb| (Arc::from(key), value);
        let object = |(key, value): &(Arc<str>, Jsonb)| {
            Item::made(Jsonb::object(vec![
                member("id", Jsonb::Number(Numeric::from(id))),
                member("key", Jsonb::String(key.clone())),
                member("value", value.clone()),
            ]))
        };
        Ok(pairs.iter().map(object).collect())
    }
}

fn numeric(item: &Jsonb, name: &str, function: impl Fn(&Numeric) -> Result<Numeric>) -> Result<Jsonb, Fault> {
    match item {
        Jsonb::Number(number) => function(number).map(Jsonb::Number).map_err(Fault::Soft),
        _ => {
            let message = format!("jsonpath item method .{name}() can only be applied to a numeric value");
            Err(soft(SqlState::NON_NUMERIC_SQL_JSON_ITEM, message))
        }
    }
}

/// A number or the text of one as a double; the result is a number again.
fn double(item: &Jsonb) -> Result<Jsonb, Fault> {
    let refuse = |message: &str| soft(SqlState::NON_NUMERIC_SQL_JSON_ITEM, message);
    match item {
        Jsonb::Number(number) => match number.to_f64() {
            Ok(_) => Ok(Jsonb::Number(number.clone())),
            Err(_) => Err(refuse(
                "numeric argument of jsonpath item method .double() is out of range for type double precision",
            )),
        },
        Jsonb::String(string) => {
            let invalid = || {
                refuse(
                    "string argument of jsonpath item method .double() is not a valid representation of a double precision number",
                )
            };
            let value = text::float::input_float8(string).map_err(|_: Error| invalid())?;
            let number = Numeric::from_f64(value).ok().filter(Numeric::is_finite);
            number.map(Jsonb::Number).ok_or_else(invalid)
        }
        _ => Err(refuse("jsonpath item method .double() can only be applied to a string or numeric value")),
    }
}
