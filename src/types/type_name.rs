//! Names of types as PostgreSQL prints them: in messages, by `format_type`, in definitions.

use crate::{Oid, Type, TypeInfo, TypeLookup, oids, quote_identifier, quote_qualified};

/// A type without its modifier, as messages name it: `integer`, `character varying`, `text[]`, `my_schema.my_type`.
///
/// `schema_of` gives the schema's name for types that the search path does not find by their bare name.
pub fn type_name(lookup: &dyn TypeLookup, oid: Oid, schema_of: &dyn Fn(&TypeInfo) -> Option<String>) -> String {
    write_type(lookup, oid, None, schema_of)
}

/// A type with its modifier, as `format_type(oid, typmod)` prints it. With modifier -1, `bpchar` and `"bit"` keep their
/// internal names, because `character` alone would mean `character(1)`.
pub fn type_name_with_modifier(
    lookup: &dyn TypeLookup,
    ty: Type,
    schema_of: &dyn Fn(&TypeInfo) -> Option<String>,
) -> String {
    write_type(lookup, ty.oid, Some(ty.typmod), schema_of)
}

fn write_type(
    lookup: &dyn TypeLookup,
    oid: Oid,
    typmod: Option<i32>,
    schema_of: &dyn Fn(&TypeInfo) -> Option<String>,
) -> String {
    if !oid.is_valid() {
        return "-".into();
    }
    let Some(info) = lookup.type_info(oid) else { return "???".into() };
    if info.is_array() {
        return write_type(lookup, info.element, typmod, schema_of) + "[]";
    }
    let modifier = typmod.filter(|m| *m >= 0);
    if let Some(name) = standard_name(oid, typmod) {
        return with_modifier(oid, name, modifier);
    }
    let name = match schema_of(&info) {
        Some(schema) => quote_qualified(&schema, &info.name),
        None => quote_identifier(&info.name).into_owned(),
    };
    match modifier {
        Some(modifier) => format!("{name}({modifier})"),
        None => name,
    }
}

/// The SQL standard's spelling of a type that has one.
fn standard_name(oid: Oid, typmod: Option<i32>) -> Option<&'static str> {
    Some(match oid {
        oids::BIT | oids::BPCHAR if typmod.is_some_and(|m| m < 0) => return None,
        oids::BIT => "bit",
        oids::BOOL => "boolean",
        oids::BPCHAR => "character",
        oids::FLOAT4 => "real",
        oids::FLOAT8 => "double precision",
        oids::INT2 => "smallint",
        oids::INT4 => "integer",
        oids::INT8 => "bigint",
        oids::NUMERIC => "numeric",
        oids::INTERVAL => "interval",
        oids::TIME => "time without time zone",
        oids::TIMETZ => "time with time zone",
        oids::TIMESTAMP => "timestamp without time zone",
        oids::TIMESTAMPTZ => "timestamp with time zone",
        oids::VARBIT => "bit varying",
        oids::VARCHAR => "character varying",
        _ => return None,
    })
}

fn with_modifier(oid: Oid, name: &str, modifier: Option<i32>) -> String {
    match modifier.map(|modifier| modifier_text(oid, modifier)) {
        None => name.into(),
        // The precision of a time stands before "with time zone".
        Some(text) => match name.split_once(' ') {
            Some((first, rest)) if rest.ends_with("time zone") => format!("{first}{text} {rest}"),
            _ => format!("{name}{text}"),
        },
    }
}

/// A non-negative type modifier as the type's `typmodout` prints it: `(10,2)`, `(20)`, ` year to month`.
pub fn modifier_text(oid: Oid, modifier: i32) -> String {
    match oid {
        oids::NUMERIC if modifier >= 4 => {
            let packed = modifier - 4;
            let scale = ((packed & 0x7ff) ^ 1024) - 1024;
            format!("({},{scale})", (packed >> 16) & 0xffff)
        }
        oids::VARCHAR | oids::BPCHAR if modifier > 4 => format!("({})", modifier - 4),
        oids::NUMERIC | oids::VARCHAR | oids::BPCHAR => String::new(),
        oids::INTERVAL => interval_modifier(modifier),
        oids::BOOL | oids::INT2 | oids::INT4 | oids::INT8 | oids::FLOAT4 | oids::FLOAT8 => String::new(),
        _ => format!("({modifier})"),
    }
}

const FULL_PRECISION: i32 = 0xffff;
const FULL_RANGE: i32 = 0x7fff;

fn interval_modifier(modifier: i32) -> String {
    const YEAR: i32 = 1 << 2;
    const MONTH: i32 = 1 << 1;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    const FIELDS: [(i32, &str); 6] =
        [(YEAR, "year"), (MONTH, "month"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second")];
    let (range, precision) = ((modifier >> 16) & FULL_RANGE, modifier & 0xffff);
    let mut text = String::new();
    if range != FULL_RANGE {
        let mut named = FIELDS.iter().filter(|(bit, _)| range & bit != 0).map(|(_, name)| *name);
        let first = named.next();
        for (word, name) in [(" ", first), (" to ", named.next_back())] {
            if let Some(name) = name {
                text += word;
                text += name;
            }
        }
    }
    if precision != FULL_PRECISION {
        text += &format!("({precision})");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::BareEnv;

    /// Expectations from PostgreSQL 15's `format_type(oid, typmod)`.
    #[test]
    fn names_are_format_types() {
        let env = BareEnv::default();
        let cases = [
            (oids::BPCHAR, -1, "bpchar"),
            (oids::BPCHAR, 14, "character(10)"),
            (oids::VARCHAR, -1, "character varying"),
            (oids::VARCHAR, 14, "character varying(10)"),
            (oids::NUMERIC, (10 << 16 | 2) + 4, "numeric(10,2)"),
            (oids::NUMERIC, (10 << 16 | 2046) + 4, "numeric(10,-2)"),
            (oids::BIT, -1, "\"bit\""),
            (oids::BIT, 3, "bit(3)"),
            (oids::VARBIT, 3, "bit varying(3)"),
            (oids::TIME, 3, "time(3) without time zone"),
            (oids::TIMETZ, -1, "time with time zone"),
            (oids::TIMESTAMPTZ, 3, "timestamp(3) with time zone"),
            (oids::TIMESTAMP_ARRAY, 3, "timestamp(3) without time zone[]"),
            (oids::CHAR, -1, "\"char\""),
            (Oid::INVALID, -1, "-"),
            (Oid(99_999), -1, "???"),
            (oids::TEXT, 3, "text(3)"),
            (oids::INT2VECTOR, -1, "int2vector"),
            (oids::RECORD_ARRAY, -1, "record[]"),
            (oids::INTERVAL, 6 << 16 | FULL_PRECISION, "interval year to month"),
            (oids::INTERVAL, 7176 << 16 | 2, "interval day to second(2)"),
            (oids::INTERVAL, FULL_RANGE << 16 | 3, "interval(3)"),
            (oids::INTERVAL, 4096 << 16 | FULL_PRECISION, "interval second"),
        ];
        for (oid, typmod, name) in cases {
            assert_eq!(type_name_with_modifier(&env, Type::with_typmod(oid, typmod), &|_| None), name);
        }
        assert_eq!(type_name(&env, oids::BPCHAR, &|_| None), "character");
        assert_eq!(type_name(&env, oids::NAME, &|_| Some("pg_catalog".into())), "pg_catalog.name");
    }
}
