//! Two-variable statistics: `corr`, `covar_…`, `regr_…`. The arguments are Y, X; rows with a NULL do not count.

use dictdb_types::{Datum, Result, oids};

use super::{Accumulator, Entry, arg, mismatch};
use crate::CallContext;
use crate::scalar::float::overflow;

/// The statistic of sums over at least one row; `None` is NULL.
type Statistic = fn(&Sums) -> Option<f64>;

macro_rules! statistics {
    ($($name:literal => $statistic:expr),* $(,)?) => {
        &[
            ("regr_count", &[oids::FLOAT8, oids::FLOAT8], || Box::new(Regression { sums: Sums::default(), statistic: None })),
            $(($name, &[oids::FLOAT8, oids::FLOAT8], || {
                Box::new(Regression { sums: Sums::default(), statistic: Some($statistic as Statistic) })
            }),)*
        ]
    };
}

pub(super) const AGGREGATES: &[Entry] = statistics![
    "regr_sxx" => |s| Some(s.xx),
    "regr_syy" => |s| Some(s.yy),
    "regr_sxy" => |s| Some(s.xy),
    "regr_avgx" => |s| Some(s.x / s.count),
    "regr_avgy" => |s| Some(s.y / s.count),
    "regr_slope" => |s| (s.xx != 0.0).then(|| s.xy / s.xx),
    "regr_intercept" => |s| (s.xx != 0.0).then(|| (s.y - s.x * s.xy / s.xx) / s.count),
    "regr_r2" => |s| (s.xx != 0.0).then(|| if s.yy == 0.0 { 1.0 } else { s.xy * s.xy / (s.xx * s.yy) }),
    "covar_pop" => |s| Some(s.xy / s.count),
    "covar_samp" => |s| (s.count >= 2.0).then(|| s.xy / (s.count - 1.0)),
    "corr" => |s| (s.xx != 0.0 && s.yy != 0.0).then(|| s.xy / (s.xx * s.yy).sqrt()),
];

/// Sums, and sums of products of deviations from the means, by Youngs and Cramer.
#[derive(Clone, Copy, Default)]
struct Sums {
    count: f64,
    x: f64,
    xx: f64,
    y: f64,
    yy: f64,
    xy: f64,
}

struct Regression {
    sums: Sums,
    /// `None` is the count itself.
    statistic: Option<Statistic>,
}

fn number(value: &Datum) -> Result<Option<f64>> {
    match value {
        Datum::Null => Ok(None),
        Datum::Float8(value) => Ok(Some(*value)),
        other => Err(mismatch(other)),
    }
}

impl Sums {
    fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.x += x;
        self.y += y;
        if before.count == 0.0 {
            if !x.is_finite() {
                (self.xx, self.xy) = (f64::NAN, f64::NAN);
            }
            if !y.is_finite() {
                (self.yy, self.xy) = (f64::NAN, f64::NAN);
            }
            return Ok(());
        }
        let (dx, dy) = (x * self.count - self.x, y * self.count - self.y);
        let scale = 1.0 / (self.count * before.count);
        self.xx += dx * dx * scale;
        self.yy += dy * dy * scale;
        self.xy += dx * dy * scale;
        let x_finite = before.x.is_finite() && x.is_finite();
        let y_finite = before.y.is_finite() && y.is_finite();
        if (x_finite && (self.x.is_infinite() || self.xx.is_infinite()))
            || (y_finite && (self.y.is_infinite() || self.yy.is_infinite()))
            || (x_finite && y_finite && self.xy.is_infinite())
        {
            return Err(overflow());
        }
        for sum in [&mut self.xx, &mut self.yy, &mut self.xy] {
            if sum.is_infinite() {
                *sum = f64::NAN;
            }
        }
        Ok(())
    }
}

impl Accumulator for Regression {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        match (number(arg(args, 0))?, number(arg(args, 1))?) {
            (Some(y), Some(x)) => self.sums.add(y, x),
            _ => Ok(()),
        }
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        let Some(statistic) = self.statistic else { return Ok(Datum::Int8(self.sums.count as i64)) };
        if self.sums.count < 1.0 {
            return Ok(Datum::Null);
        }
        Ok(statistic(&self.sums).map_or(Datum::Null, Datum::Float8))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}
