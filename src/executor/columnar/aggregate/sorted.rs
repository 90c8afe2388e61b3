//! Aggregates over sorted rows: ORDER BY in a call, WITHIN GROUP. The columns are kept and their rows sorted group by group.
//!
//! A percentile is not fed: it only asks for the values at one place or a few, which are found without sorting the rest.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{self, SortOptions};
use dictdb_functions::aggregate::PercentileCode;
use dictdb_planner::expr::AggregateCall;
use dictdb_types::arrow::{ColumnBuilder, ColumnReader};
use dictdb_types::{Datum, Result, TypeLookup};

use super::super::error::arrow_error;
use super::super::key::KeyForm;
use super::super::sort::{Comparable, Item};
use super::accumulate::Accumulate;
use super::general::GeneralCode;
use crate::row::Row;
use crate::runtime::Runtime;

/// A call whose rows are put in order, and nothing else.
#[derive(Debug)]
pub(super) struct SortedCode {
    call: GeneralCode,
    /// Form and direction of the ORDER BY keys.
    keys: Box<[(KeyForm, SortOptions)]>,
    percentile: Option<PercentileCode>,
}

impl SortedCode {
    pub fn of(call: &AggregateCall, general: GeneralCode, types: &dyn TypeLookup) -> Self {
        let keys = call.order.iter().map(|key| {
            let options = SortOptions { descending: key.descending, nulls_first: key.nulls_first };
            (KeyForm::of_order(key.expr.ty(), types), options)
        });
        let is_percentile = call.within_group && call.order.len() == 1 && call.function.aggregate.is_none();
        let percentile = PercentileCode::of(&call.function.name).filter(|_| is_percentile);
        SortedCode { call: general, keys: keys.collect(), percentile }
    }
}

/// The rows of all groups.
pub(super) struct Sorted {
    code: Arc<SortedCode>,
    /// Of each column its parts.
    columns: Vec<Vec<ArrayRef>>,
    /// The group of each row.
    groups: Vec<u32>,
    bytes: usize,
}

/// The columns of all rows.
struct Rows<'a> {
    /// From the parentheses.
    args: &'a [ColumnReader<'a>],
    /// The ORDER BY keys.
    keys: &'a [ColumnReader<'a>],
}

impl Rows<'_> {
    fn read(readers: &[ColumnReader<'_>], row: u32) -> Result<Row> {
        readers.iter().map(|reader| reader.get(row as usize)).collect()
    }
}

impl Sorted {
    pub fn new(code: Arc<SortedCode>) -> Self {
        let columns = vec![Vec::new(); code.call.layouts.len()];
        Sorted { code, columns, groups: Vec::new(), bytes: 0 }
    }

    /// The columns as one piece each.
    fn take_columns(&mut self) -> Result<Vec<ArrayRef>> {
        let parts = std::mem::take(&mut self.columns);
        let whole = parts.iter().map(|parts| compute::concat(&parts.iter().map(|part| &**part).collect::<Vec<_>>()));
        whole.collect::<Result<_, _>>().map_err(arrow_error)
    }

    /// One after the other the rows of each group; where those of each end.
    fn by_group(&self, items: &[Item], count: usize) -> (Vec<Item>, Vec<usize>) {
        let mut ends = vec![0; count];
        items.iter().for_each(|item| ends[self.groups[item.place as usize] as usize] += 1);
        let mut next = Vec::with_capacity(count);
        let mut start = 0;
        for end in &mut ends {
            next.push(start);
            start += *end;
            *end = start;
        }
        let mut sorted = items.to_vec();
        for item in items {
            let place = &mut next[self.groups[item.place as usize] as usize];
            sorted[*place] = *item;
            *place += 1;
        }
        (sorted, ends)
    }

    /// The aggregate over the rows of a group.
    fn value(
        &self,
        rows: &Rows<'_>,
        items: &mut [Item],
        compare: impl Fn(&Item, &Item) -> Ordering,
        rt: &Runtime,
    ) -> Result<Datum> {
        let GeneralCode { code, within_group, .. } = &self.code.call;
        let direct = match items.first() {
            Some(first) if *within_group => Some(Rows::read(rows.args, first.place)?),
            _ => None,
        };
        if let Some(percentile) = self.code.percentile {
            let direct = direct.map_or_else(|| code.direct_of_none(rt), Ok)?;
            return of_percentile(percentile, &code.context(rt.env()), rows, direct.first(), items, compare);
        }
        items.sort_unstable_by(compare);
        let mut state = code.start_in_order();
        if let Some(direct) = direct {
            state.set_direct(|| direct);
        }
        let (values, none) = (if *within_group { rows.keys } else { rows.args }, Row::new());
        for (number, item) in items.iter().enumerate() {
            rt.tick(number)?;
            state.push(code, &mut Rows::read(values, item.place)?, &none, rt)?;
        }
        state.finish(code, rt)
    }
}

/// A percentile of a group, whose rows are put in order as far as it needs.
fn of_percentile(
    percentile: PercentileCode,
    cx: &dictdb_functions::CallContext<'_>,
    rows: &Rows<'_>,
    direct: Option<&Datum>,
    items: &mut [Item],
    compare: impl Fn(&Item, &Item) -> Ordering,
) -> Result<Datum> {
    let direct = direct.unwrap_or(&Datum::Null);
    let [key] = rows.keys else { return percentile.of_sorted(cx, direct, 0, &mut |_| Ok(Datum::Null)) };
    let mut values = 0;
    for at in 0..items.len() {
        if !key.is_null(items[at].place as usize) {
            items.swap(values, at);
            values += 1;
        }
    }
    let items = &mut items[..values];
    let in_order = matches!(direct, Datum::Array(_));
    if in_order {
        items.sort_unstable_by(&compare);
    }
    percentile.of_sorted(cx, direct, items.len(), &mut |place| {
        if !in_order {
            items.select_nth_unstable_by(place, &compare);
        }
        key.get(items[place].place as usize)
    })
}

impl Accumulate for Sorted {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], _: usize, _: &Runtime) -> Result<()> {
        for (parts, arg) in self.columns.iter_mut().zip(args) {
            self.bytes += super::super::bytes_of_rows(arg);
            parts.push(arg.clone());
        }
        self.groups.extend(groups.iter().map(|group| *group as u32));
        Ok(())
    }

    fn finish(&mut self, count: usize, rt: &Arc<Runtime>) -> Result<ArrayRef> {
        if u32::try_from(self.groups.len()).is_err() {
            return Err(crate::engine::out_of_memory("Too many rows to sort."));
        }
        let columns = if self.groups.is_empty() { Vec::new() } else { self.take_columns()? };
        let code = &self.code;
        let layouts = &code.call.layouts;
        let readers = columns.iter().zip(layouts).map(|(column, layout)| ColumnReader::new(column, *layout));
        let readers: Vec<ColumnReader<'_>> = readers.collect::<Result<_>>()?;
        let first_key = code.call.args.min(columns.len());
        let (args, keys) = readers.split_at(first_key);
        let ordered = columns[first_key..].iter().zip(&layouts[code.call.args..]).zip(&code.keys);
        let ordered = ordered.map(|((column, layout), (form, _))| form.apply_order(column.clone(), *layout));
        let ordered = ordered.collect::<Result<Vec<_>>>()?;
        let mut builder = ColumnBuilder::new(code.call.result, count);
        if ordered.is_empty() {
            let rows = Rows { args, keys };
            for _ in 0..count {
                builder.push(&self.value(&rows, &mut [], |_, _| Ordering::Equal, rt)?)?;
            }
            return Ok(builder.finish());
        }
        let comparable = Comparable::by(&ordered, code.keys.iter().map(|(_, options)| *options))?;
        rt.charge(self.groups.len() * 2 * size_of::<Item>())?;
        let (mut items, ends) = self.by_group(&comparable.items(), count);
        let compare = |a: &Item, b: &Item| comparable.compare(a, b).then(a.place.cmp(&b.place));
        let mut start = 0;
        for end in ends {
            builder.push(&self.value(&Rows { args, keys }, &mut items[start..end], compare, rt)?)?;
            start = end;
        }
        Ok(builder.finish())
    }

    fn bytes(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<u32>()
    }
}
