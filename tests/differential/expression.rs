//! Expressions by type. None of them can fail, whatever order its parts are evaluated in: numbers stay small, divisors are not
//! zero, casts have what they can read.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::scope::Scope;

impl Generator {
    /// An expression of a type.
    pub(super) fn value(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        if depth == 0 || self.chance(30) {
            return self.leaf(kind, scope);
        }
        let made =
            if self.chance(25) { self.general(kind, scope, depth - 1) } else { self.special(kind, scope, depth - 1) };
        Phrase::value(kind, made)
    }

    /// A column or a constant.
    pub(super) fn leaf(&mut self, kind: Kind, scope: &Scope) -> Phrase {
        let (own, outer) = scope.of_kind(kind);
        if !outer.is_empty() && self.chance(if own.is_empty() { 50 } else { 20 }) {
            return self.random.pick(&outer);
        }
        if own.is_empty() || self.chance(15) { self.constant(kind) } else { self.random.pick(&own) }
    }

    /// What every type has.
    fn general(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        match self.below(8) {
            0 => {
                let mut case = Phrase::from("CASE");
                for _ in 0..=self.below(2) {
                    let (condition, result) = (self.condition(scope, depth), self.value(kind, scope, depth));
                    case = phrase![case, " WHEN ", condition, " THEN ", result];
                }
                let otherwise = phrase![" ELSE ", self.value(kind, scope, depth)];
                phrase![case, Phrase::optional(otherwise), " END"]
            }
            1 => {
                let tested = self.kind_in(scope);
                let subject = self.value(tested, scope, depth);
                let (label, result) = (self.value(tested, scope, depth), self.value(kind, scope, depth));
                phrase![
                    "CASE ",
                    subject,
                    " WHEN ",
                    label,
                    " THEN ",
                    result,
                    " ELSE ",
                    self.value(kind, scope, depth),
                    " END"
                ]
            }
            2 | 3 => {
                let items = (0..2 + self.below(2)).map(|_| self.value(kind, scope, depth)).collect();
                phrase!["coalesce(", Phrase::list(items), ")"]
            }
            4 => phrase!["nullif(", self.value(kind, scope, depth), ", ", self.value(kind, scope, depth), ")"],
            5 => {
                let items = (0..2 + self.below(2)).map(|_| self.value(kind, scope, depth)).collect();
                let name = self.random.pick(&["greatest(", "least("]);
                phrase![name, Phrase::list(items), ")"]
            }
            _ if depth > 0 => self.scalar_subquery(kind, scope, depth),
            _ => self.leaf(kind, scope),
        }
    }

    /// What a type has of its own.
    fn special(&mut self, kind: Kind, scope: &Scope, depth: u32) -> Phrase {
        match kind {
            Kind::Int => self.int(scope, depth),
            Kind::Big => self.big(scope, depth),
            Kind::Numeric => self.numeric(scope, depth),
            Kind::Text => self.string(scope, depth),
            Kind::Date => self.date(scope, depth),
            Kind::Moment => self.moment(scope, depth),
            Kind::Bool => self.condition(scope, depth),
            Kind::Float => self.float(scope, depth),
            Kind::Json => self.json(scope, depth),
            Kind::Ints => self.ints(scope, depth),
            Kind::Texts => self.texts(scope, depth),
            Kind::Mood => self.general(kind, scope, depth),
            Kind::Small => self.smallint(scope, depth),
            Kind::Char => self.character(scope, depth),
            Kind::Interval => self.interval(scope, depth),
            Kind::Range => self.range(scope, depth),
            Kind::Bytes => self.bytes(scope, depth),
            Kind::Stamp => self.stamp(scope, depth),
        }
    }

    /// A constant between bounds, which stays as it is.
    pub(super) fn small(&mut self, low: i64, high: i64) -> String {
        self.random.between(low, high).to_string()
    }

    fn int(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let int = |g: &mut Self| g.value(Kind::Int, scope, depth);
        match self.below(24) {
            0..=2 => phrase!["(", int(self), " + ", int(self), ")"],
            3 | 4 => phrase!["(", int(self), " - ", int(self), ")"],
            5 => phrase!["(", int(self), " * ", self.small(2, 9), ")"],
            6 => phrase!["(", int(self), " / ", self.small(2, 7), ")"],
            7 => phrase!["(", int(self), " % ", self.small(2, 7), ")"],
            8 => phrase!["(- ", int(self), ")"],
            9 => phrase!["abs(", int(self), ")"],
            10 => phrase!["length(", self.value(Kind::Text, scope, depth), ")"],
            11 => phrase![
                "extract(",
                self.random.pick(&["day", "month", "dow"]),
                " FROM ",
                self.value(Kind::Date, scope, depth),
                ")::int"
            ],
            12 => phrase!["cardinality(", self.value(Kind::Ints, scope, depth), ")"],
            13 => phrase!["(", self.value(Kind::Ints, scope, depth), ")[", self.small(0, 3), "]"],
            14 => phrase!["(", self.value(Kind::Date, scope, depth), " - ", self.value(Kind::Date, scope, depth), ")"],
            15 => phrase!["(", self.condition(scope, depth), ")::int"],
            16 => phrase![
                "strpos(",
                self.value(Kind::Text, scope, depth),
                ", ",
                self.value(Kind::Text, scope, depth),
                ")"
            ],
            17 => phrase!["array_length(", self.value(Kind::Texts, scope, depth), ", 1)"],
            18 => phrase![self.random.pick(&["lower(", "upper("]), self.value(Kind::Range, scope, depth), ")"],
            19 => phrase!["(", self.value(Kind::Small, scope, depth), " + ", int(self), ")"],
            20 => phrase!["length(", self.value(Kind::Char, scope, depth), ")"],
            21 => phrase!["(", self.value(Kind::Small, scope, depth), ")::int"],
            22 => phrase!["length(", self.value(Kind::Bytes, scope, depth), ")"],
            _ => phrase!["array_position(", self.value(Kind::Ints, scope, depth), ", ", int(self), ")"],
        }
    }

    fn big(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let big = |g: &mut Self| g.value(Kind::Big, scope, depth);
        match self.below(6) {
            0 => phrase!["(", big(self), " + ", self.value(Kind::Int, scope, depth), ")"],
            1 => phrase!["(", big(self), " - ", big(self), ")"],
            2 => phrase!["(", big(self), " % ", self.small(2, 9), ")"],
            3 => phrase!["(", self.value(Kind::Int, scope, depth), ")::bigint"],
            4 => phrase!["(", big(self), " & ", self.small(1, 7), ")"],
            _ => phrase!["mod(", big(self), ", ", self.small(2, 9), ")"],
        }
    }

    fn numeric(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let numeric = |g: &mut Self| g.value(Kind::Numeric, scope, depth);
        match self.below(7) {
            0 => phrase!["(", numeric(self), " + ", numeric(self), ")"],
            1 => phrase!["(", numeric(self), " - ", numeric(self), ")"],
            2 => phrase!["round(", numeric(self), " * ", self.small(2, 9), ", 2)"],
            3 => phrase!["round(", numeric(self), " / ", self.small(2, 9), ", 2)"],
            4 => phrase!["abs(", numeric(self), ")"],
            5 => phrase!["round(", self.value(Kind::Int, scope, depth), "::numeric, 2)"],
            _ => phrase!["round(", numeric(self), " % ", self.small(2, 9), ", 2)"],
        }
    }

    fn string(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let text = |g: &mut Self| g.value(Kind::Text, scope, depth);
        match self.below(23) {
            0 | 1 => phrase!["(", text(self), " || ", text(self), ")"],
            2 => phrase![
                self.random.pick(&["upper(", "lower(", "reverse(", "md5(", "trim(", "initcap("]),
                text(self),
                ")"
            ],
            3 => phrase!["substr(", text(self), ", ", self.small(0, 3), ", ", self.small(0, 3), ")"],
            4 => phrase![self.random.pick(&["left(", "right("]), text(self), ", ", self.small(-1, 3), ")"],
            5 => phrase!["(", self.value(Kind::Int, scope, depth), ")::text"],
            6 => phrase!["(", self.value(Kind::Date, scope, depth), ")::text"],
            7 => phrase!["(", self.value(Kind::Numeric, scope, depth), ")::text"],
            8 => phrase!["repeat(", text(self), ", ", self.small(0, 2), ")"],
            9 => phrase!["replace(", text(self), ", ", text(self), ", ", self.constant(Kind::Text), ")"],
            10 => phrase![
                "(",
                self.value(Kind::Json, scope, depth),
                " ->> ",
                self.random.pick(&["'a'", "'b'", "0", "-1"]),
                ")"
            ],
            11 => phrase!["(", self.value(Kind::Texts, scope, depth), ")[", self.small(1, 2), "]"],
            12 => phrase!["lpad(", text(self), ", ", self.small(0, 4), ", '*')"],
            13 => phrase![
                "split_part(",
                text(self),
                ", ",
                self.random.pick(&["'b'", "' '", "'_'"]),
                ", ",
                self.small(1, 2),
                ")"
            ],
            14 => phrase!["to_char(", self.value(Kind::Date, scope, depth), ", 'YYYY-MM Dy')"],
            15 => phrase!["concat_ws('-', ", text(self), ", ", self.value(Kind::Int, scope, depth), ")"],
            16 => phrase!["(", self.value(Kind::Mood, scope, depth), ")::text"],
            17 => phrase!["array_to_string(", self.value(Kind::Ints, scope, depth), ", ',', '*')"],
            18 => phrase!["(", self.value(Kind::Char, scope, depth), ")::text"],
            19 => phrase!["(", self.value(Kind::Char, scope, depth), " || ", text(self), ")"],
            21 if !scope.names.is_empty() => phrase!["(", self.random.pick(&scope.names), ")::text"],
            20 => phrase!["encode(", self.value(Kind::Bytes, scope, depth), ", 'hex')"],
            _ => phrase!["format('%s/%L', ", text(self), ", ", self.value(Kind::Bool, scope, depth), ")"],
        }
    }

    fn date(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(4) {
            0 => {
                phrase!["(", self.value(Kind::Date, scope, depth), " + ", self.value(Kind::Int, scope, depth), " % 50)"]
            }
            1 => phrase!["(", self.value(Kind::Moment, scope, depth), ")::date"],
            2 => phrase!["date_trunc('month', ", self.value(Kind::Moment, scope, depth), ")::date"],
            _ => phrase!["(", self.value(Kind::Date, scope, depth), " - ", self.small(1, 40), ")"],
        }
    }

    fn moment(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(6) {
            4 => phrase!["(", self.value(Kind::Stamp, scope, depth), " AT TIME ZONE 'UTC')"],
            5 => phrase!["(", self.value(Kind::Moment, scope, depth), " + ", self.leaf(Kind::Interval, scope), ")"],
            0 => phrase!["(", self.value(Kind::Date, scope, depth), ")::timestamptz"],
            1 => phrase!["(", self.value(Kind::Moment, scope, depth), " + interval '1 day 02:00')"],
            2 => phrase!["(", self.value(Kind::Moment, scope, depth), " - interval '1 month')"],
            _ => phrase!["date_trunc('day', ", self.value(Kind::Moment, scope, depth), ")"],
        }
    }

    fn float(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(4) {
            0 => phrase!["(", self.value(Kind::Float, scope, depth), " + ", self.value(Kind::Float, scope, depth), ")"],
            1 => phrase!["(", self.value(Kind::Float, scope, depth), " - ", self.value(Kind::Float, scope, depth), ")"],
            2 => phrase!["(", self.value(Kind::Int, scope, depth), ")::float8"],
            _ => phrase!["(", self.value(Kind::Numeric, scope, depth), ")::float8"],
        }
    }

    fn json(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let other = self.kind_in(scope);
        match self.below(5) {
            0 => phrase![
                "(",
                self.value(Kind::Json, scope, depth),
                " -> ",
                self.random.pick(&["'a'", "'b'", "0", "-1"]),
                ")"
            ],
            // Floats in JSON are numerics, which have digits.
            1 if other != Kind::Float => phrase!["to_jsonb(", self.value(other, scope, depth), ")"],
            2 if other != Kind::Float => {
                phrase![
                    "jsonb_build_object('k', ",
                    self.value(other, scope, depth),
                    ", 'a', ",
                    self.value(Kind::Int, scope, depth),
                    ")"
                ]
            }
            3 => phrase![
                "(",
                self.value(Kind::Json, scope, depth),
                " #> ",
                self.random.pick(&["'{a,b}'", "'{a}'", "'{0}'"]),
                ")"
            ],
            _ => phrase![
                "jsonb_build_array(",
                self.value(Kind::Text, scope, depth),
                ", ",
                self.value(Kind::Json, scope, depth),
                ")"
            ],
        }
    }

    fn ints(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let int = |g: &mut Self| g.value(Kind::Int, scope, depth);
        let ints = |g: &mut Self| g.value(Kind::Ints, scope, depth);
        match self.below(7) {
            0 => phrase!["(", ints(self), " || ", int(self), ")"],
            1 => phrase!["ARRAY[", int(self), ", ", int(self), "]"],
            2 => phrase!["array_remove(", ints(self), ", ", int(self), ")"],
            3 => phrase!["(", ints(self), ")[", self.small(1, 2), ":", self.small(1, 3), "]"],
            4 if depth > 0 => self.array_subquery(Kind::Int, scope, depth),
            5 => phrase!["array_replace(", ints(self), ", ", int(self), ", ", int(self), ")"],
            _ => phrase!["(", ints(self), " || ", ints(self), ")"],
        }
    }

    fn texts(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let text = |g: &mut Self| g.value(Kind::Text, scope, depth);
        match self.below(4) {
            0 => phrase!["ARRAY[", text(self), ", ", text(self), "]"],
            1 => phrase!["string_to_array(", text(self), ", 'b')"],
            2 if depth > 0 => self.array_subquery(Kind::Text, scope, depth),
            _ => phrase!["array_append(", self.value(Kind::Texts, scope, depth), ", ", text(self), ")"],
        }
    }

    fn smallint(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(4) {
            0 => phrase!["(", self.leaf(Kind::Small, scope), " + ", self.leaf(Kind::Small, scope), ")"],
            1 => phrase!["(", self.value(Kind::Small, scope, depth), " % ", self.small(2, 7), "::smallint)"],
            2 => phrase!["(- ", self.value(Kind::Small, scope, depth), ")"],
            _ => phrase!["(", self.value(Kind::Int, scope, depth), " % 1000)::smallint"],
        }
    }

    fn character(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(3) {
            0 => phrase!["(", self.value(Kind::Text, scope, depth), ")::char(5)"],
            1 => phrase!["upper(", self.value(Kind::Char, scope, depth), ")::char(5)"],
            _ => phrase!["(", self.value(Kind::Int, scope, depth), " % 1000)::char(5)"],
        }
    }

    fn interval(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(3) {
            0 => phrase!["(", self.leaf(Kind::Moment, scope), " - ", self.leaf(Kind::Moment, scope), ")"],
            1 => phrase!["(", self.leaf(Kind::Stamp, scope), " - ", self.leaf(Kind::Stamp, scope), ")"],
            _ => phrase!["(- ", self.value(Kind::Interval, scope, depth), ")"],
        }
    }

    fn range(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let range = |g: &mut Self| g.value(Kind::Range, scope, depth);
        match self.below(4) {
            0 => phrase!["(", range(self), " * ", range(self), ")"],
            1 => phrase!["range_merge(", range(self), ", ", range(self), ")"],
            2 => {
                let (low, high) = (self.value(Kind::Int, scope, depth), self.value(Kind::Int, scope, depth));
                let bounds = self.random.pick(&["'[)'", "'[]'", "'()'", "'(]'"]);
                phrase!["int4range(least(", &low, ", ", &high, "), greatest(", &low, ", ", &high, "), ", bounds, ")"]
            }
            _ => self.leaf(Kind::Range, scope),
        }
    }

    fn bytes(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(3) {
            0 => phrase!["convert_to(", self.value(Kind::Text, scope, depth), ", 'UTF8')"],
            1 => {
                phrase!["(", self.value(Kind::Bytes, scope, depth), " || ", self.value(Kind::Bytes, scope, depth), ")"]
            }
            _ => phrase![
                "substr(",
                self.value(Kind::Bytes, scope, depth),
                ", ",
                self.small(0, 2),
                ", ",
                self.small(0, 2),
                ")"
            ],
        }
    }

    fn stamp(&mut self, scope: &Scope, depth: u32) -> Phrase {
        match self.below(4) {
            0 => phrase!["(", self.value(Kind::Moment, scope, depth), " AT TIME ZONE 'UTC')"],
            1 => phrase!["(", self.value(Kind::Date, scope, depth), ")::timestamp"],
            2 => phrase!["(", self.value(Kind::Stamp, scope, depth), " + ", self.leaf(Kind::Interval, scope), ")"],
            _ => phrase!["date_trunc('day', ", self.value(Kind::Stamp, scope, depth), ")"],
        }
    }
}
