//! PostgreSQL 15's own types, from the exported `pg_type`, `pg_range` and `pg_attribute` in `facts/`.
//!
//! The tables are read once, on first use. Users' types live in the catalog crate, which asks here first.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use crate::{Field, Oid, Type, TypeInfo, TypeKind};

/// The namespace `pg_catalog`.
pub const PG_CATALOG: Oid = Oid(11);

/// The columns of `pg_type` that [`TypeInfo`] does not need for handling values.
#[derive(Clone, Copy, Debug)]
pub struct TypeFacts {
    /// `typisdefined`.
    pub defined: bool,
    /// `typsubscript`, `-` for none; likewise the other function names.
    pub subscript: &'static str,
    /// `typoutput`.
    pub output: &'static str,
    /// `typreceive`.
    pub receive: &'static str,
    /// `typsend`.
    pub send: &'static str,
    /// `typmodin`.
    pub modin: &'static str,
    /// `typmodout`.
    pub modout: &'static str,
    /// `typanalyze`.
    pub analyze: &'static str,
    /// `typstorage`.
    pub storage: u8,
    /// `typnotnull`.
    pub not_null: bool,
    /// `typndims`.
    pub ndims: i32,
    /// `typdefault`.
    pub default: Option<&'static str>,
}

/// A row of `pg_range`.
#[derive(Clone, Copy, Debug)]
pub struct RangeFacts {
    /// `rngtypid`.
    pub range: Oid,
    /// `rngsubtype`.
    pub subtype: Oid,
    /// `rngmultitypid`.
    pub multirange: Oid,
    /// `rngcollation`.
    pub collation: Oid,
    /// `rngsubopc`.
    pub operator_class: Oid,
    /// `rngcanonical`, `-` for none.
    pub canonical: &'static str,
    /// `rngsubdiff`, `-` for none.
    pub subdiff: &'static str,
}

struct Tables {
    all: Vec<Arc<TypeInfo>>,
    facts: HashMap<Oid, TypeFacts>,
    by_oid: FxHashMap<Oid, Arc<TypeInfo>>,
    by_name: HashMap<&'static str, Arc<TypeInfo>>,
    by_input: HashMap<&'static str, Oid>,
    ranges: Vec<RangeFacts>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(load);

/// The built-in type with this oid, those of `information_schema` and the row types of the catalogs included.
pub fn by_oid(oid: Oid) -> Option<Arc<TypeInfo>> {
    TABLES.by_oid.get(&oid).cloned()
}

/// Likewise, for who only looks at it.
#[inline]
pub fn find(oid: Oid) -> Option<&'static TypeInfo> {
    TABLES.by_oid.get(&oid).map(|info| &**info)
}

/// The type of this name (`int4`, `_text`, not `integer`) in `pg_catalog`.
pub fn by_name(name: &str) -> Option<Arc<TypeInfo>> {
    TABLES.by_name.get(name).cloned()
}

/// The type that an input function of this symbol reads, if there is one such type only and its values say all of it: order and text
/// form of some types depend on more than the value.
pub fn read_by(input: &str) -> Option<Oid> {
    TABLES.by_input.get(input).copied()
}

/// The array type over a built-in type.
pub fn array_of(oid: Oid) -> Option<Oid> {
    TABLES.by_oid.get(&oid).map(|info| info.array).filter(|array| array.is_valid())
}

/// Every built-in type, by oid.
pub fn all() -> &'static [Arc<TypeInfo>] {
    &TABLES.all
}

/// The remaining columns of `pg_type` for a built-in type.
pub fn facts(oid: Oid) -> Option<&'static TypeFacts> {
    TABLES.facts.get(&oid)
}

/// `pg_range`.
pub fn ranges() -> &'static [RangeFacts] {
    &TABLES.ranges
}

/// The lines of an exported table, each split into its columns, without the header.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    table.lines().skip(1).map(|line| {
        let mut columns = [""; N];
        let mut parts = line.split('\t');
        for column in &mut columns {
            *column = parts.next().unwrap_or_else(|| panic!("a short line in an exported table: {line}"));
        }
        columns
    })
}

fn number<T: FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|error| panic!("{text:?} in an exported table: {error:?}"))
}

fn oid(text: &str) -> Oid {
    Oid(number(text))
}

fn letter(text: &str) -> u8 {
    text.bytes().next().unwrap_or(0)
}

fn load() -> Tables {
    let ranges: Vec<RangeFacts> = rows::<7>(include_str!("facts/pg_range.tsv"))
        .map(|r| RangeFacts {
            range: oid(r[0]),
            subtype: oid(r[1]),
            multirange: oid(r[2]),
            collation: oid(r[3]),
            operator_class: oid(r[4]),
            canonical: r[5],
            subdiff: r[6],
        })
        .collect();
    let mut fields: HashMap<Oid, Vec<Field>> = HashMap::new();
    for r in rows::<4>(include_str!("facts/row_fields.tsv")) {
        let ty = Type::with_typmod(oid(r[2]), number(r[3]));
        fields.entry(oid(r[0])).or_default().push(Field { name: Arc::from(r[1]), ty });
    }
    let mut tables = Tables {
        all: vec![],
        facts: HashMap::new(),
        by_oid: FxHashMap::default(),
        by_name: HashMap::new(),
        by_input: HashMap::new(),
        ranges,
    };
    for r in rows::<30>(include_str!("facts/pg_type.tsv")) {
        let info = Arc::new(type_info(&r, &tables.ranges, &mut fields));
        tables.facts.insert(info.oid, type_facts(&r));
        if info.namespace == PG_CATALOG {
            tables.by_name.insert(r[1], info.clone());
            if is_model(&info) {
                tables.by_input.insert(r[15], info.oid);
            }
        }
        tables.by_oid.insert(info.oid, info.clone());
        tables.all.push(info);
    }
    tables
}

fn type_info(r: &[&'static str; 30], ranges: &[RangeFacts], fields: &mut HashMap<Oid, Vec<Field>>) -> TypeInfo {
    let own = oid(r[0]);
    let kind = match letter(r[6]) {
        b'c' => TypeKind::Composite(fields.remove(&own).unwrap_or_default().into()),
        b'd' => TypeKind::Domain(Type::with_typmod(oid(r[25]), number(r[26]))),
        b'p' => TypeKind::Pseudo,
        b'r' => TypeKind::Range(ranges.iter().find(|f| f.range == own).map_or(Oid::INVALID, |f| f.subtype)),
        b'm' => TypeKind::Multirange(ranges.iter().find(|f| f.multirange == own).map_or(Oid::INVALID, |f| f.range)),
        _ => TypeKind::Base,
    };
    TypeInfo {
        oid: own,
        name: Arc::from(r[1]),
        namespace: oid(r[2]),
        owner: oid(r[3]),
        kind,
        category: letter(r[7]),
        preferred: r[8] == "t",
        len: number(r[4]),
        by_value: r[5] == "t",
        align: letter(r[22]),
        delimiter: letter(r[10]),
        relation: oid(r[11]),
        element: oid(r[13]),
        array: oid(r[14]),
        collation: oid(r[28]),
        input: Arc::from(r[15]),
    }
}

/// Whether types of users can be made of the values of a type: it has no modifier and needs no oid to be told from others.
fn is_model(info: &TypeInfo) -> bool {
    const MODELS: &[&str] =
        &["bool", "bytea", "int8", "int2", "int4", "text", "oid", "float4", "float8", "date", "uuid", "jsonb", "json"];
    MODELS.contains(&&*info.name)
}

fn type_facts(r: &[&'static str; 30]) -> TypeFacts {
    TypeFacts {
        defined: r[9] == "t",
        subscript: r[12],
        output: r[16],
        receive: r[17],
        send: r[18],
        modin: r[19],
        modout: r[20],
        analyze: r[21],
        storage: letter(r[23]),
        not_null: r[24] == "t",
        ndims: number(r[27]),
        default: (r[29] != "\\N").then_some(r[29]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oids;

    #[test]
    fn tables_answer_as_pg_type() {
        assert_eq!(by_name("int4").map(|t| t.oid), Some(oids::INT4));
        assert_eq!(array_of(oids::INT4), Some(oids::INT4_ARRAY));
        assert_eq!(by_oid(oids::INT4_ARRAY).map(|t| (t.is_array(), t.element)), Some((true, oids::INT4)));
        assert_eq!(by_name("name").map(|t| (t.is_array(), t.element)), Some((false, oids::CHAR)));
        assert!(matches!(by_name("int4range").map(|t| t.kind.clone()), Some(TypeKind::Range(oids::INT4))));
        assert!(matches!(
            by_name("int4multirange").map(|t| t.kind.clone()),
            Some(TypeKind::Multirange(oids::INT4RANGE))
        ));
        let Some(TypeKind::Composite(fields)) = by_name("pg_type").map(|t| t.kind.clone()) else {
            panic!("a row type")
        };
        assert_eq!((fields.len(), fields[1].name.as_ref()), (32, "typname"));
        assert_eq!(facts(oids::NUMERIC).map(|f| f.modin), Some("numerictypmodin"));
        assert!(by_name("sql_identifier").is_none() && all().iter().any(|t| t.name.as_ref() == "sql_identifier"));
    }
}
