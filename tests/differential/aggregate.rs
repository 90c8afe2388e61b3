//! Aggregates and window functions whose results do not depend on the order in which rows come.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::scope::{Column, Scope};

impl Generator {
    /// An aggregate over rows of a scope, of any type.
    pub(super) fn aggregate(&mut self, scope: &Scope) -> Column {
        let kind = self.random.pick(&[
            Kind::Big,
            Kind::Big,
            Kind::Int,
            Kind::Numeric,
            Kind::Bool,
            Kind::Text,
            Kind::Ints,
            Kind::Json,
            Kind::Texts,
            Kind::Date,
            Kind::Mood,
            Kind::Float,
            Kind::Moment,
            Kind::Char,
            Kind::Small,
            Kind::Range,
            Kind::Interval,
        ]);
        self.aggregate_of(kind, scope)
    }

    /// An aggregate of a type.
    pub(super) fn aggregate_of(&mut self, kind: Kind, scope: &Scope) -> Column {
        // An aggregate over columns of the query around would be that query's.
        let own = Scope { outer: Vec::new(), ..scope.clone() };
        let scope = if self.chance(95) { &own } else { scope };
        let distinct = self.random.pick(&["", "", "", "DISTINCT "]);
        let sql = match kind {
            Kind::Big => match self.below(5) {
                0 => Phrase::from("count(*)"),
                1 | 2 => {
                    let counted = self.kind_in(scope);
                    phrase!["count(", distinct, self.value(counted, scope, 1), ")"]
                }
                _ => phrase!["sum(", distinct, self.value(Kind::Int, scope, 1), ")"],
            },
            Kind::Numeric => {
                let averaged = self.random.pick(&[Kind::Int, Kind::Numeric]);
                match self.below(3) {
                    0 => phrase!["sum(", distinct, self.value(Kind::Numeric, scope, 1), ")"],
                    1 => phrase!["round(avg(", distinct, self.value(averaged, scope, 1), "), 2)"],
                    _ => phrase![self.random.pick(&["min(", "max("]), self.value(Kind::Numeric, scope, 1), ")"],
                }
            }
            Kind::Bool => {
                phrase![self.random.pick(&["bool_and(", "bool_or(", "every("]), self.condition(scope, 1), ")"]
            }
            Kind::Text if self.chance(50) => {
                let text = self.value(Kind::Text, scope, 1);
                phrase!["string_agg(", distinct, &text, ", ',' ORDER BY ", &text, ")"]
            }
            Kind::Ints | Kind::Texts => {
                let element = if kind == Kind::Ints { Kind::Int } else { Kind::Text };
                let value = self.value(element, scope, 1);
                phrase!["array_agg(", distinct, &value, " ORDER BY ", &value, self.direction(), ")"]
            }
            Kind::Json => {
                let element = self.random.pick(&[Kind::Int, Kind::Text, Kind::Json, Kind::Bool, Kind::Date]);
                let value = self.value(element, scope, 1);
                phrase!["jsonb_agg(", distinct, &value, " ORDER BY ", &value, self.direction(), ")"]
            }
            // These have no min and max.
            Kind::Range | Kind::Bytes => {
                let value = self.value(kind, scope, 1);
                phrase!["(array_agg(", &value, " ORDER BY ", &value, self.direction(), "))[1]"]
            }
            Kind::Int if self.chance(15) => {
                phrase!["percentile_disc(0.5) WITHIN GROUP (ORDER BY ", self.value(Kind::Int, scope, 1), ")"]
            }
            _ => phrase![self.random.pick(&["min(", "max("]), self.value(kind, scope, 1), ")"],
        };
        // FILTER belongs to the aggregate, not to what is made of it.
        let wrapped = matches!(kind, Kind::Range | Kind::Bytes)
            || matches!(&sql, Phrase::All(parts) if matches!(&parts[0], Phrase::Text(text) if text == "round(avg("));
        let filter = if !wrapped && self.chance(20) {
            Phrase::optional(phrase![" FILTER (WHERE ", self.condition(scope, 1), ")"])
        } else {
            Phrase::empty()
        };
        Column { sql: Phrase::value(kind, phrase![sql, filter]), kind, plain: false }
    }

    /// A window function over rows of a scope.
    pub(super) fn window(&mut self, scope: &Scope) -> Column {
        let partition = if self.chance(60) {
            let kind = self.kind_in(scope);
            Phrase::optional(phrase!["PARTITION BY ", self.value(kind, scope, 1), " "])
        } else {
            Phrase::empty()
        };
        let identity = scope.identity_list();
        match (self.below(10), identity) {
            (0..=2, _) => self.peers_window(scope, partition),
            (3 | 4, _) => self.range_window(scope, partition),
            (_, Some(identity)) => self.rows_window(scope, partition, identity),
            _ => self.peers_window(scope, partition),
        }
    }

    /// Functions that give the same for rows with equal keys.
    fn peers_window(&mut self, scope: &Scope, partition: Phrase) -> Column {
        let key = self.kind_in(scope);
        let order = phrase!["ORDER BY ", self.value(key, scope, 1), self.direction()];
        if self.chance(50) {
            let call = self.random.pick(&["rank()", "dense_rank()"]);
            return Column {
                sql: Phrase::value(Kind::Big, phrase![call, " OVER (", partition, order, ")"]),
                kind: Kind::Big,
                plain: false,
            };
        }
        let (call, kind) = self.framed_aggregate(scope);
        let order = if self.chance(60) { Phrase::optional(order) } else { Phrase::empty() };
        let frame = if self.chance(20) && !matches!(order, Phrase::Text(_)) {
            self.random.pick(&[
                "",
                " RANGE UNBOUNDED PRECEDING",
                " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
                " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE GROUP",
            ])
        } else {
            ""
        };
        Column {
            sql: Phrase::value(
                kind,
                phrase![call, " OVER (", partition, order, Phrase::optional(Phrase::from(frame)), ")"],
            ),
            kind,
            plain: false,
        }
    }

    /// Frames by the distance of values or groups.
    fn range_window(&mut self, scope: &Scope, partition: Phrase) -> Column {
        let (call, kind) = self.framed_aggregate(scope);
        let order = phrase!["ORDER BY ", self.value(Kind::Int, scope, 1), self.direction()];
        let (start, end) = (self.small(0, 3), self.small(0, 3));
        let unit = self.random.pick(&["RANGE", "GROUPS"]);
        let exclude = self.random.pick(&["", "", " EXCLUDE GROUP"]);
        let frame = self.random.pick(&[
            format!(" {unit} BETWEEN {start} PRECEDING AND {end} FOLLOWING{exclude}"),
            format!(" {unit} BETWEEN {start} FOLLOWING AND UNBOUNDED FOLLOWING{exclude}"),
            format!(" {unit} BETWEEN UNBOUNDED PRECEDING AND {end} PRECEDING{exclude}"),
            format!(" {unit} BETWEEN CURRENT ROW AND {end} FOLLOWING{exclude}"),
        ]);
        Column { sql: Phrase::value(kind, phrase![call, " OVER (", partition, order, frame, ")"]), kind, plain: false }
    }

    /// Functions for which every row has its place.
    fn rows_window(&mut self, scope: &Scope, partition: Phrase, identity: Phrase) -> Column {
        let key = self.kind_in(scope);
        let first = phrase![self.value(key, scope, 1), self.direction(), ", "];
        let order = phrase!["ORDER BY ", Phrase::optional(first), identity];
        let (call, kind) = match self.below(8) {
            0 | 1 => (Phrase::from("row_number()"), Kind::Big),
            2 => (phrase!["ntile(", self.small(1, 4), ")"], Kind::Int),
            3 | 4 => {
                let kind = self.kind_in(scope);
                let offset = Phrase::optional(phrase![", ", self.small(0, 2)]);
                (phrase![self.random.pick(&["lag(", "lead("]), self.value(kind, scope, 1), offset, ")"], kind)
            }
            5 => {
                let kind = self.kind_in(scope);
                (phrase![self.random.pick(&["first_value(", "last_value("]), self.value(kind, scope, 1), ")"], kind)
            }
            6 => {
                let kind = self.kind_in(scope);
                (phrase!["nth_value(", self.value(kind, scope, 1), ", ", self.small(1, 3), ")"], kind)
            }
            _ => self.framed_aggregate(scope),
        };
        let (start, end) = (self.small(0, 3), self.small(0, 3));
        let exclude = self.random.pick(&["", "", " EXCLUDE CURRENT ROW", " EXCLUDE TIES"]);
        let frame = self.random.pick(&[
            String::new(),
            String::new(),
            format!(" ROWS BETWEEN {start} PRECEDING AND {end} FOLLOWING{exclude}"),
            format!(" ROWS BETWEEN {start} FOLLOWING AND UNBOUNDED FOLLOWING{exclude}"),
            format!(" ROWS BETWEEN UNBOUNDED PRECEDING AND {end} PRECEDING{exclude}"),
            format!(" GROUPS BETWEEN {start} PRECEDING AND {end} FOLLOWING{exclude}"),
        ]);
        Column {
            sql: Phrase::value(
                kind,
                phrase![call, " OVER (", partition, order, Phrase::optional(Phrase::from(frame)), ")"],
            ),
            kind,
            plain: false,
        }
    }

    /// An aggregate that can have a frame.
    fn framed_aggregate(&mut self, scope: &Scope) -> (Phrase, Kind) {
        match self.below(5) {
            0 => (Phrase::from("count(*)"), Kind::Big),
            1 => {
                let counted = self.kind_in(scope);
                (phrase!["count(", self.value(counted, scope, 1), ")"], Kind::Big)
            }
            2 => (phrase!["sum(", self.value(Kind::Int, scope, 1), ")"], Kind::Big),
            3 => (phrase!["sum(", self.value(Kind::Numeric, scope, 1), ")"], Kind::Numeric),
            _ => {
                let kind = self.random.pick(&[Kind::Int, Kind::Text, Kind::Date, Kind::Numeric, Kind::Float]);
                (phrase![self.random.pick(&["min(", "max("]), self.value(kind, scope, 1), ")"], kind)
            }
        }
    }
}
