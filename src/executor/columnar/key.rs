//! Columns under which Arrow's equality and order are PostgreSQL's.
//!
//! Integers, dates, text and the like are so already. Floats have their zeros and NaNs made one each, `bpchar` loses the
//! blanks at its end, `numeric` the zeros at the end of its fraction. For the rest
//! (`interval`, `jsonb`, arrays …) the column is replaced by memcomparable bytes of
//! [`dictdb_types::sort_key`].

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewBuilder, Int64Array};
use arrow::compute;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use dictdb_functions::vector::trimmed;
use dictdb_types::arrow::{ColumnReader, NumericColumn};
use dictdb_types::numeric::SmallNumeric;
use dictdb_types::{Oid, Physical, Result, Type, TypeLookup, oids, sort_key};

use super::error::arrow_error;
use super::numbers::{decode, numerics};
use crate::keys::JoinKeyKind;

/// What is done to a column to make it a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// Nothing.
    Plain,
    /// Integers become `Int64`.
    Widened,
    /// `-0` becomes `0`, every NaN the same one.
    Float,
    /// Blanks at the end of a text are left out.
    Trimmed,
    /// Zeros at the end of a `numeric` fraction are left out; in an order, integers at the largest scale of a column where all fit.
    Numeric,
    /// Replaced by sort key bytes of this type. NULL stays NULL.
    Encoded(Oid),
    /// Likewise, and NULL has bytes too: it equals itself.
    EncodedWithNull(Oid),
}

impl KeyForm {
    /// The form for equality of values of one type.
    pub fn of(ty: Type, types: &dyn TypeLookup) -> Self {
        let oid = types.base_type(ty).oid;
        match types.physical(oid) {
            Physical::Float4 | Physical::Float8 => KeyForm::Float,
            Physical::Opaque if oid == oids::NUMERIC => KeyForm::Numeric,
            Physical::Opaque => KeyForm::Encoded(oid),
            Physical::Text if oid == oids::BPCHAR => KeyForm::Trimmed,
            _ if matches!(oid, oids::INET | oids::CIDR) => KeyForm::Encoded(oid),
            _ => KeyForm::Plain,
        }
    }

    /// The form for ORDER BY: some types are equal as Arrow says, but not ordered so.
    pub fn of_order(ty: Type, types: &dyn TypeLookup) -> Self {
        match types.base_type(ty).oid {
            oid @ (oids::PG_LSN | oids::XID8) => KeyForm::Encoded(oid),
            _ => KeyForm::of(ty, types),
        }
    }

    /// The form for both sides of an equi-join key.
    pub fn of_join(left: Type, right: Type, null_equals_null: bool, types: &dyn TypeLookup) -> Result<Option<Self>> {
        let kind = JoinKeyKind::of(left, right, types)?;
        let same_layout = types.physical(left.oid) == types.physical(right.oid);
        let form = match kind {
            JoinKeyKind::Same(oid) if same_layout => KeyForm::of(Type::new(oid), types),
            JoinKeyKind::Same(oid) => KeyForm::Encoded(oid),
            JoinKeyKind::Integer => KeyForm::Widened,
            JoinKeyKind::Timestamp => return Ok(None),
        };
        Ok(Some(match (form, null_equals_null) {
            (KeyForm::Encoded(oid), true) => KeyForm::EncodedWithNull(oid),
            (_, true) => KeyForm::EncodedWithNull(types.base_type(left).oid),
            (form, false) => form,
        }))
    }

    /// The Arrow type of the key for equality.
    pub fn data_type(self, physical: Physical) -> DataType {
        match self {
            KeyForm::Plain | KeyForm::Float | KeyForm::Trimmed => dictdb_types::arrow::data_type(physical),
            KeyForm::Widened => DataType::Int64,
            KeyForm::Numeric | KeyForm::Encoded(_) | KeyForm::EncodedWithNull(_) => DataType::BinaryView,
        }
    }

    /// Makes the key of a column for equality.
    pub fn apply(self, column: ArrayRef, physical: Physical) -> Result<ArrayRef> {
        match self {
            KeyForm::Plain => Ok(column),
            KeyForm::Widened => compute::cast(&column, &DataType::Int64).map_err(arrow_error),
            KeyForm::Float => Ok(normal_floats(&column)),
            KeyForm::Trimmed => trimmed(&[&column]),
            KeyForm::Numeric => trimmed_numerics(&column),
            KeyForm::Encoded(oid) => encode(&column, physical, oid, false),
            KeyForm::EncodedWithNull(oid) => encode(&column, physical, oid, true),
        }
    }

    /// Makes the key of a column that is ordered by itself: keys of different columns do not compare.
    pub fn apply_order(self, column: ArrayRef, physical: Physical) -> Result<ArrayRef> {
        match self {
            KeyForm::Numeric => match aligned_numerics(&column) {
                Some(integers) => Ok(integers),
                None => encode(&column, physical, oids::NUMERIC, false),
            },
            _ => self.apply(column, physical),
        }
    }
}

/// The numbers of a column as integers at the largest of their scales; `None` if some have no place in one.
fn aligned_numerics(column: &ArrayRef) -> Option<ArrayRef> {
    let views = column.as_binary_view_opt()?;
    let small = |row: usize| match views.is_null(row) {
        true => Some(SmallNumeric { coefficient: 0, scale: 0 }),
        false => SmallNumeric::of_view(views.views()[row]),
    };
    let scale = (0..views.len()).try_fold(0, |most, row| small(row).map(|number| number.scale.max(most)))?;
    let integer = |row: usize| small(row)?.coefficient_at(scale);
    let integers = (0..views.len()).map(integer).collect::<Option<Vec<i64>>>()?;
    Some(Arc::new(Int64Array::new(integers.into(), views.nulls().cloned())))
}

/// Numbers that are equal as the same bytes.
fn trimmed_numerics(column: &ArrayRef) -> Result<ArrayRef> {
    let numbers = numerics(column)?;
    let mut out = NumericColumn::with_capacity(numbers.len());
    for (row, view) in numbers.views().iter().enumerate() {
        match SmallNumeric::of_view(*view) {
            Some(small) => out.push_small(Some(small.trimmed())),
            None if numbers.is_null(row) => out.push_small(None),
            None => out.push(Some(&decode(numbers.value(row))?.trim_scale())),
        }
    }
    out.finish(numbers.nulls().cloned())
}

fn normal_floats(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            let normal = |v: f32| if v.is_nan() { f32::NAN } else { v + 0.0 };
            Arc::new(column.as_primitive::<Float32Type>().unary::<_, Float32Type>(normal))
        }
        DataType::Float64 => {
            let normal = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
            Arc::new(column.as_primitive::<Float64Type>().unary::<_, Float64Type>(normal))
        }
        _ => column.clone(),
    }
}

fn encode(column: &ArrayRef, physical: Physical, oid: Oid, null_has_key: bool) -> Result<ArrayRef> {
    let reader = ColumnReader::new(column, physical)?;
    let mut keys = BinaryViewBuilder::with_capacity(column.len());
    let mut key = Vec::new();
    for row in 0..column.len() {
        if reader.is_null(row) && !null_has_key {
            keys.append_null();
            continue;
        }
        key.clear();
        sort_key::encode(&reader.get(row)?, oid, false, false, &mut key);
        keys.append_value(&key);
    }
    Ok(Arc::new(keys.finish()))
}
