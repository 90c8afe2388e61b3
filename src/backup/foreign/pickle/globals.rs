//! What a pickle may name: the whole list.

use super::{Fault, Step};

/// A name that means data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// The database and its tables.
    Database,
    Table,
    /// A type in a schema, by the name that the package gives it; some of them also make containers.
    Type(&'static str),
    Date,
    Time,
    DateTime,
    TimeDelta,
    TimeZone,
    Decimal,
    Uuid,
}

const ALLOWED: [(&str, &str, Global); 19] = [
    ("dictdb.storage.database", "DictDB", Global::Database),
    ("dictdb.core.table", "Table", Global::Table),
    ("builtins", "int", Global::Type("int")),
    ("builtins", "str", Global::Type("str")),
    ("builtins", "float", Global::Type("float")),
    ("builtins", "bool", Global::Type("bool")),
    ("builtins", "list", Global::Type("list")),
    ("builtins", "dict", Global::Type("dict")),
    ("builtins", "tuple", Global::Type("tuple")),
    ("builtins", "set", Global::Type("set")),
    ("builtins", "frozenset", Global::Type("frozenset")),
    ("builtins", "bytes", Global::Type("bytes")),
    ("datetime", "date", Global::Date),
    ("datetime", "time", Global::Time),
    ("datetime", "datetime", Global::DateTime),
    ("datetime", "timedelta", Global::TimeDelta),
    ("datetime", "timezone", Global::TimeZone),
    ("decimal", "Decimal", Global::Decimal),
    ("uuid", "UUID", Global::Uuid),
];

impl Global {
    /// What a name means; refused when it is not on the list.
    pub(super) fn named(module: &str, name: &str) -> Step<Global> {
        // What Python 2 called it.
        let module = if module == "__builtin__" { "builtins" } else { module };
        let known = ALLOWED.iter().find(|(known, attribute, _)| (*known, *attribute) == (module, name));
        known.map(|(.., global)| *global).ok_or_else(|| Fault::Refused(format!("it names \"{module}.{name}\"")))
    }

    /// As Python names it.
    pub(super) fn name(self) -> String {
        let known = ALLOWED.iter().find(|(.., global)| *global == self);
        known.map_or_else(String::new, |(module, name, _)| format!("{module}.{name}"))
    }
}
