//! Index conditions of plans as ranges of key bytes.

use dictdb_catalog::{IndexMethod, IndexTarget, Relation};
use dictdb_planner::expr::Expr;
use dictdb_planner::physical::{Fetch, IndexBounds};
use dictdb_storage::Bound;
use dictdb_types::sort_key::value::KeyReader;
use dictdb_types::{Datum, Error, Oid, Physical, Result, TypeLookup, sort_key};

use smallvec::SmallVec;

use crate::eval::{Code, CompileContext, Scope, as_array, compile, compile_all};
use crate::row::Row;

/// What key bytes of values begin with; NULL has a smaller or a larger byte.
const VALUE_MARKER: u8 = 1;

/// One key column of an index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyColumn {
    /// Base type.
    oid: Oid,
    physical: Physical,
    descending: bool,
    nulls_first: bool,
}

/// The key columns of an index.
#[derive(Clone, Debug)]
pub(crate) struct IndexKeys {
    columns: Box<[KeyColumn]>,
    hash: bool,
}

impl IndexKeys {
    /// Describes an index relation. XX000 if it is none.
    pub fn new(index: &Relation, types: &dyn TypeLookup) -> Result<Self> {
        let info = index.index().ok_or_else(|| Error::internal(format!("\"{}\" is not an index", index.name)))?;
        let columns = info.keys.iter().map(|key| KeyColumn {
            oid: types.base_type(key.ty).oid,
            physical: types.physical(key.ty.oid),
            descending: key.descending,
            nulls_first: key.nulls_first,
        });
        Ok(IndexKeys { columns: columns.collect(), hash: info.method == IndexMethod::Hash })
    }
}

/// Output columns that are values of an index's keys.
#[derive(Debug)]
pub(crate) struct KeyValues {
    /// The key columns as far as they are read.
    columns: Box<[KeyColumn]>,
    /// Of each output column the number of its key.
    outputs: Box<[usize]>,
}

impl KeyValues {
    /// The columns of an access that reads nothing but keys. XX000 for one that is no key.
    pub fn new(index: &Relation, keys: &IndexKeys, fetch: &Fetch) -> Result<Self> {
        let info = index.index().ok_or_else(|| Error::internal(format!("\"{}\" is not an index", index.name)))?;
        let key_of = |attnum: &i16| {
            let is_own = |target: &IndexTarget| matches!(target, IndexTarget::Column(own) if own == attnum);
            let found = info.keys.iter().position(|key| is_own(&key.target));
            found.ok_or_else(|| Error::internal(format!("column {attnum} is no key of \"{}\"", index.name)))
        };
        let outputs = fetch.columns.iter().map(key_of).collect::<Result<Box<[usize]>>>()?;
        let read = outputs.iter().max().map_or(0, |last| last + 1);
        Ok(KeyValues { columns: keys.columns[..read].into(), outputs })
    }

    /// Appends the output columns that a key has.
    pub fn append(&self, key: &[u8], row: &mut Row) -> Result<()> {
        let mut reader = KeyReader::new(key);
        let mut next = |column: &KeyColumn| reader.next(column.oid, column.physical, column.descending);
        if let ([column], [_]) = (&*self.columns, &*self.outputs) {
            row.push(next(column)?);
            return Ok(());
        }
        let values = self.columns.iter().map(next).collect::<Result<SmallVec<[Datum; 4]>>>()?;
        row.extend(self.outputs.iter().filter_map(|output| values.get(*output).cloned()));
        Ok(())
    }
}

/// Compiled bounds of one search.
#[derive(Debug)]
pub(crate) struct BoundsCode {
    equal: Box<[Code]>,
    lower: Option<(Code, bool)>,
    upper: Option<(Code, bool)>,
    any: Option<Code>,
    is_null: bool,
    not_null: bool,
}

/// The parts of an index that a search reads; one in the common case.
pub(crate) type KeyRanges = SmallVec<[KeyRange; 1]>;

/// A part of an index to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyRange {
    /// All rows with this whole key.
    Point(Vec<u8>),
    /// From the first bytes on, to the second; a missing one is no bound.
    Range(Option<KeyBound>, Option<KeyBound>),
}

/// One end of a range: the beginning of keys, and whether keys that begin so belong to the range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyBound {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Inclusive.
    pub inclusive: bool,
}

impl BoundsCode {
    /// Compiles the bounds of a search.
    pub fn compile(bounds: &IndexBounds, cx: &CompileContext<'_>) -> Result<Self> {
        let end = |end: &Option<(Expr, bool)>| -> Result<Option<(Code, bool)>> {
            end.as_ref().map(|(value, inclusive)| Ok((compile(value, cx)?, *inclusive))).transpose()
        };
        Ok(BoundsCode {
            equal: compile_all(&bounds.equal, cx)?,
            lower: end(&bounds.lower)?,
            upper: end(&bounds.upper)?,
            any: bounds.any.as_ref().map(|any| compile(any, cx)).transpose()?,
            is_null: bounds.is_null,
            not_null: bounds.not_null,
        })
    }

    /// Appends the ranges that a search reads: none when a value is NULL or outside the key's type, several for ANY.
    /// The first key is written to `prefix`, which is empty.
    pub fn ranges(&self, keys: &IndexKeys, scope: Scope<'_>, mut prefix: Vec<u8>, out: &mut KeyRanges) -> Result<()> {
        for (code, column) in self.equal.iter().zip(&keys.columns) {
            let value = code.eval_ref(scope)?;
            match fit(&value, column.physical) {
                Fit::Value(None) => column.append(&value, &mut prefix),
                Fit::Value(Some(value)) => column.append(&value, &mut prefix),
                Fit::Null | Fit::Below | Fit::Above => return Ok(()),
            }
        }
        let Some(column) = keys.columns.get(self.equal.len()) else {
            out.push(KeyRange::Point(prefix));
            return Ok(());
        };
        let last = self.equal.len() + 1 == keys.columns.len();
        if self.is_null {
            column.append(&Datum::Null, &mut prefix);
            out.push(if last { KeyRange::Point(prefix) } else { within(prefix) });
            return Ok(());
        }
        match &self.any {
            Some(any) => any_ranges(any, column, &prefix, last, scope, out),
            None => self.range(column, prefix, keys.hash, scope, out),
        }
    }

    /// The range of the first key column that has no equality.
    fn range(
        &self,
        column: &KeyColumn,
        prefix: Vec<u8>,
        hash: bool,
        scope: Scope<'_>,
        out: &mut KeyRanges,
    ) -> Result<()> {
        if hash {
            return Err(Error::internal("range condition on a hash index"));
        }
        if self.lower.is_none() && self.upper.is_none() && !self.not_null {
            out.push(if prefix.is_empty() { KeyRange::Range(None, None) } else { within(prefix) });
            return Ok(());
        }
        // Without a bound on one side, everything that is not NULL.
        let mut values = prefix.clone();
        values.push(VALUE_MARKER);
        let open = KeyBound { bytes: values, inclusive: true };
        let Some(lower) = column.bound(self.lower.as_ref(), &prefix, scope, Fit::Above)? else { return Ok(()) };
        let Some(upper) = column.bound(self.upper.as_ref(), &prefix, scope, Fit::Below)? else { return Ok(()) };
        let (from, to) = if column.descending { (upper, lower) } else { (lower, upper) };
        out.push(KeyRange::Range(Some(from.unwrap_or_else(|| open.clone())), Some(to.unwrap_or(open))));
        Ok(())
    }
}

impl KeyColumn {
    fn append(&self, value: &Datum, key: &mut Vec<u8>) {
        sort_key::encode(value, self.oid, self.descending, self.nulls_first, key);
    }

    /// One bound: `None` when nothing can satisfy it (`impossible` says on which side of the type that is),
    /// `Some(None)` when everything does.
    #[allow(clippy::option_option, reason = "impossible, unbounded and bounded are three things")]
    fn bound(
        &self,
        bound: Option<&(Code, bool)>,
        prefix: &[u8],
        scope: Scope<'_>,
        impossible: Fit,
    ) -> Result<Option<Option<KeyBound>>> {
        let Some((code, inclusive)) = bound else { return Ok(Some(None)) };
        let value = code.eval_ref(scope)?;
        let mut bytes = prefix.to_vec();
        match fit(&value, self.physical) {
            Fit::Null => return Ok(None),
            Fit::Value(None) => self.append(&value, &mut bytes),
            Fit::Value(Some(value)) => self.append(&value, &mut bytes),
            outside if std::mem::discriminant(&outside) == std::mem::discriminant(&impossible) => return Ok(None),
            _ => return Ok(Some(None)),
        }
        Ok(Some(Some(KeyBound { bytes, inclusive: *inclusive })))
    }
}

/// One range per distinct element, in key order.
fn any_ranges(
    any: &Code,
    column: &KeyColumn,
    prefix: &[u8],
    last: bool,
    scope: Scope<'_>,
    out: &mut KeyRanges,
) -> Result<()> {
    let value = any.eval_ref(scope)?;
    let Some(array) = as_array(&value)? else { return Ok(()) };
    let mut keys = Vec::with_capacity(array.items.len());
    for item in &array.items {
        let mut key = prefix.to_vec();
        match fit(item, column.physical) {
            Fit::Value(None) => column.append(item, &mut key),
            Fit::Value(Some(item)) => column.append(&item, &mut key),
            Fit::Null | Fit::Below | Fit::Above => continue,
        }
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    out.extend(keys.into_iter().map(|key| if last { KeyRange::Point(key) } else { within(key) }));
    Ok(())
}

/// All keys that begin so.
fn within(prefix: Vec<u8>) -> KeyRange {
    let bound = KeyBound { bytes: prefix, inclusive: true };
    KeyRange::Range(Some(bound.clone()), Some(bound))
}

impl KeyRange {
    /// Its ends, for storage.
    pub fn ends(&self) -> (Bound<'_>, Bound<'_>) {
        match self {
            KeyRange::Point(key) => (Bound::Included(key), Bound::Included(key)),
            KeyRange::Range(from, to) => (bound(from), bound(to)),
        }
    }

    /// Whether a whole key lies inside.
    pub fn contains(&self, key: &[u8]) -> bool {
        match self {
            KeyRange::Point(point) => point == key,
            KeyRange::Range(from, to) => {
                let after = from.as_ref().is_none_or(|from| match key.starts_with(&from.bytes) {
                    true => from.inclusive,
                    false => key > from.bytes.as_slice(),
                });
                let before = to.as_ref().is_none_or(|to| match key.starts_with(&to.bytes) {
                    true => to.inclusive,
                    false => key < to.bytes.as_slice(),
                });
                after && before
            }
        }
    }
}

fn bound(bound: &Option<KeyBound>) -> Bound<'_> {
    match bound {
        None => Bound::Unbounded,
        Some(KeyBound { bytes, inclusive: true }) => Bound::Included(bytes),
        Some(KeyBound { bytes, inclusive: false }) => Bound::Excluded(bytes),
    }
}

/// A search value against the type of the key.
pub(super) enum Fit {
    /// It fits; `Some` when it had to be converted.
    Value(Option<Datum>),
    Null,
    /// Smaller than every key.
    Below,
    /// Larger than every key.
    Above,
}

/// Integers of another width than the key's are brought to it; other types agree already.
pub(super) fn fit(value: &Datum, physical: Physical) -> Fit {
    let (number, same) = match (value, physical) {
        (Datum::Null, _) => return Fit::Null,
        (Datum::Int2(v), Physical::Int4 | Physical::Int8) => (i64::from(*v), false),
        (Datum::Int4(v), Physical::Int2 | Physical::Int8) => (i64::from(*v), false),
        (Datum::Int8(v), Physical::Int2 | Physical::Int4) => (*v, false),
        _ => (0, true),
    };
    if same {
        return Fit::Value(None);
    }
    let converted = match physical {
        Physical::Int2 => i16::try_from(number).map(Datum::Int2).ok(),
        Physical::Int4 => i32::try_from(number).map(Datum::Int4).ok(),
        _ => Some(Datum::Int8(number)),
    };
    match converted {
        Some(value) => Fit::Value(Some(value)),
        None if number < 0 => Fit::Below,
        None => Fit::Above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(bytes: &[u8], inclusive: bool) -> Option<KeyBound> {
        Some(KeyBound { bytes: bytes.to_vec(), inclusive })
    }

    #[test]
    fn ranges_contain_keys_by_their_beginning() {
        let range = KeyRange::Range(bound(&[1, 5], false), bound(&[1, 9], true));
        for (key, inside) in [(&[1, 5, 7][..], false), (&[1, 6], true), (&[1, 9, 200], true), (&[1, 10], false)] {
            assert_eq!(range.contains(key), inside, "{key:?}");
        }
        assert!(KeyRange::Range(None, None).contains(&[2]));
    }

    #[test]
    fn integers_outside_the_key_type_are_beyond_all_keys() {
        assert!(matches!(fit(&Datum::Int8(1 << 40), Physical::Int4), Fit::Above));
        assert!(matches!(fit(&Datum::Int8(-(1 << 40)), Physical::Int4), Fit::Below));
        assert!(matches!(fit(&Datum::Int2(7), Physical::Int8), Fit::Value(Some(Datum::Int8(7)))));
        assert!(matches!(fit(&Datum::Int4(7), Physical::Int4), Fit::Value(None)));
    }
}
