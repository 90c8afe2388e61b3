//! Hypothetical-set aggregates: where a row of the direct arguments would stand among the sorted rows.

use std::cmp::Ordering;

use dictdb_types::{Datum, Oid, Result, Type, oids, order};

use super::{Accumulator, Entry, SortDirection, arg, size_of_datum};
use crate::CallContext;

pub(super) const AGGREGATES: &[Entry] = &[
    ("rank", &[oids::ANY], || Box::new(Hypothetical::new(|p| Datum::Int8(p.before + 1)))),
    ("dense_rank", &[oids::ANY], || Box::new(Hypothetical::new(|p| Datum::Int8(p.distinct_before + 1)))),
    ("percent_rank", &[oids::ANY], || Box::new(Hypothetical::new(percent_rank))),
    ("cume_dist", &[oids::ANY], || Box::new(Hypothetical::new(cume_dist))),
];

/// How many rows stand before the hypothetical one, and with it.
struct Place {
    rows: i64,
    before: i64,
    distinct_before: i64,
    equal: i64,
}

fn percent_rank(place: &Place) -> Datum {
    Datum::Float8(if place.rows == 0 { 0.0 } else { place.before as f64 / place.rows as f64 })
}

fn cume_dist(place: &Place) -> Datum {
    Datum::Float8((place.before + place.equal + 1) as f64 / (place.rows + 1) as f64)
}

struct Hypothetical {
    result: fn(&Place) -> Datum,
    rows: Vec<Box<[Datum]>>,
    size: usize,
}

impl Hypothetical {
    fn new(result: fn(&Place) -> Datum) -> Self {
        Hypothetical { result, rows: vec![], size: 0 }
    }
}

fn compare(types: &[Oid], order: &[SortDirection], a: &[Datum], b: &[Datum]) -> Ordering {
    for (index, ty) in types.iter().enumerate() {
        let direction = order.get(index).copied().unwrap_or_default();
        let (a, b) = (arg(a, index), arg(b, index));
        let ordering = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if direction.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if direction.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ if direction.descending => order::compare_as(*ty, b, a),
            _ => order::compare_as(*ty, a, b),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

impl Accumulator for Hypothetical {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.size += args.iter().map(size_of_datum).sum::<usize>();
        self.rows.push(args.into());
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(Datum::Null)
    }

    /// The context's argument types are those of the direct arguments, which WITHIN GROUP shares.
    fn finish_ordered(&mut self, cx: &CallContext<'_>, direct: &[Datum], order: &[SortDirection]) -> Result<Datum> {
        let types: Vec<Oid> =
            (0..direct.len()).map(|index| cx.env.base_type(Type::new(cx.arg_type(index).oid)).oid).collect();
        let mut place = Place { rows: self.rows.len() as i64, before: 0, distinct_before: 0, equal: 0 };
        let mut previous: Option<&[Datum]> = None;
        for row in &self.rows {
            match compare(&types, order, row, direct) {
                Ordering::Less => {
                    place.before += 1;
                    place.distinct_before +=
                        i64::from(previous.is_none_or(|previous| compare(&types, order, previous, row).is_ne()));
                    previous = Some(row);
                }
                Ordering::Equal => place.equal += 1,
                Ordering::Greater => {}
            }
        }
        Ok((self.result)(&place))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.size
    }
}
