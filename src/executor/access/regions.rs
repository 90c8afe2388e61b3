//! Boxes of indexes: what operator classes make of values, one interval after the other for all keys of an index.

use dictdb_catalog::{Catalog, IndexKey};
use dictdb_functions::intervals::{AxisCondition, Conditions, IntervalClass, interval_class};
use dictdb_storage::{AxisQuery, KeyExtractor, KeyOutcome, RegionQuery, RowReader, write_interval};
use dictdb_types::{Error, Oid, Result};

use super::entries;
use super::extractor::IndexValues;

/// The implementation of an operator class. 0A000 when there is none.
pub(crate) fn class_of(catalog: &Catalog, opclass: Oid) -> Result<&'static IntervalClass> {
    let class = catalog.class_implementation(opclass).and_then(|name| interval_class(&name));
    class.ok_or_else(|| entries::without_implementation(catalog, opclass))
}

/// The first of the axes that a key has among those of its index.
pub(crate) fn first_axis(keys: &[IndexKey], number: usize, catalog: &Catalog) -> Result<usize> {
    keys.iter().take(number).map(|key| class_of(catalog, key.opclass).map(IntervalClass::axes)).sum()
}

/// The boxes of rows.
#[derive(Debug)]
pub(super) struct RegionKey {
    /// Key values.
    pub values: IndexValues,
    /// Their operator classes and base types.
    pub classes: Box<[(&'static IntervalClass, Oid)]>,
}

impl KeyExtractor for RegionKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
        let indexed = self.values.each(row, |number, value| {
            let (class, oid) =
                self.classes.get(number).ok_or_else(|| Error::internal("a key without operator class"))?;
            for (low, high) in class.bounds(value, *oid)? {
                write_interval(&low, &high, out);
            }
            Ok(())
        })?;
        Ok(if indexed { KeyOutcome::Key } else { KeyOutcome::NotIndexed })
    }

    fn columns(&self) -> &[usize] {
        self.values.columns()
    }
}

/// What satisfies a query and a condition on the key whose first axis is given.
pub(crate) fn and(query: RegionQuery, conditions: &Conditions, first_axis: usize) -> RegionQuery {
    let axis = |condition: &AxisCondition| AxisQuery {
        axis: first_axis + condition.axis,
        begins_by: condition.begins_by.clone(),
        ends_from: condition.ends_from.clone(),
    };
    let both = |own: Vec<AxisQuery>| {
        conditions.iter().map(move |list| own.iter().cloned().chain(list.iter().map(axis)).collect::<Vec<_>>())
    };
    query.into_iter().flat_map(both).collect()
}
