//! Conditions.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::{Phrase, phrase};
use super::scope::Scope;

const COMPARISONS: [&str; 8] = [" = ", " = ", " <> ", " < ", " <= ", " > ", " >= ", " = "];

impl Generator {
    /// A condition.
    pub(super) fn condition(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let made = match self.below(if depth == 0 { 12 } else { 23 }) {
            0..=4 => self.comparison(scope, depth),
            5 => self.null_test(scope, depth),
            6 => self.in_list(scope, depth),
            7 => self.between(scope, depth),
            8 => self.pattern(scope, depth),
            9 => self.containment(scope, depth),
            10 => self.any_of_array(scope, depth),
            11 => self.leaf(Kind::Bool, scope),
            12..=15 => self.combined(scope, depth - 1),
            16 => phrase!["NOT (", self.condition(scope, depth - 1), ")"],
            17 => self.rows_compared(scope, depth - 1),
            18 => self.exists(scope, depth - 1),
            19 | 20 => self.in_subquery(scope, depth - 1),
            21 => self.any_of_subquery(scope, depth - 1),
            _ => {
                let test = self.random.pick(&["true", "false", "not true", "not false", "unknown", "not unknown"]);
                phrase!["((", self.condition(scope, depth - 1), ") IS ", test, ")"]
            }
        };
        Phrase::value(Kind::Bool, made)
    }

    /// Conditions joined by AND or OR.
    fn combined(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let separator = self.random.pick(&[" AND ", " OR ", " AND "]);
        let items = (0..2 + self.below(2)).map(|_| self.condition(scope, depth)).collect();
        phrase!["(", Phrase::List { number: 0, separator, items, fewest: 1 }, ")"]
    }

    fn comparison(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind_in(scope);
        let depth = depth.saturating_sub(1);
        let operator = match self.below(12) {
            0 => " IS DISTINCT FROM ",
            1 => " IS NOT DISTINCT FROM ",
            _ => self.random.pick(&COMPARISONS),
        };
        phrase!["(", self.value(kind, scope, depth), operator, self.value(kind, scope, depth), ")"]
    }

    /// Values of two types for which there are operators, or casts to what there is one for.
    fn mixed_comparison(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let (left, right) = self.random.pick(&[
            (Kind::Int, Kind::Big),
            (Kind::Int, Kind::Numeric),
            (Kind::Small, Kind::Int),
            (Kind::Small, Kind::Big),
            (Kind::Numeric, Kind::Float),
            (Kind::Int, Kind::Float),
            (Kind::Date, Kind::Moment),
            (Kind::Date, Kind::Stamp),
            (Kind::Stamp, Kind::Moment),
            (Kind::Char, Kind::Text),
        ]);
        let (left, right) = if self.chance(50) { (left, right) } else { (right, left) };
        phrase![
            "(",
            self.value(left, scope, depth),
            self.random.pick(&COMPARISONS),
            self.value(right, scope, depth),
            ")"
        ]
    }

    fn null_test(&mut self, scope: &Scope, depth: u32) -> Phrase {
        if !scope.names.is_empty() && self.chance(15) {
            let row = self.random.pick(&scope.names);
            return phrase!["(", row, self.random.pick(&[" IS NULL)", " IS NOT NULL)", " IS DISTINCT FROM NULL)"])];
        }
        let kind = self.kind_in(scope);
        let test = self.random.pick(&[" IS NULL)", " IS NOT NULL)"]);
        phrase!["(", self.value(kind, scope, depth.saturating_sub(1)), test]
    }

    fn in_list(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind_in(scope);
        let items = (0..1 + self.below(5))
            .map(|_| if self.chance(80) { self.constant(kind) } else { self.leaf(kind, scope) })
            .collect();
        let operator = self.random.pick(&[" IN (", " IN (", " NOT IN ("]);
        phrase!["(", self.value(kind, scope, depth.saturating_sub(1)), operator, Phrase::list(items), "))"]
    }

    fn between(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind_in(scope);
        let operator = self.random.pick(&[" BETWEEN ", " BETWEEN ", " NOT BETWEEN ", " BETWEEN SYMMETRIC "]);
        let subject = self.value(kind, scope, depth.saturating_sub(1));
        phrase!["(", subject, operator, self.leaf(kind, scope), " AND ", self.leaf(kind, scope), ")"]
    }

    fn pattern(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let subject = self.value(Kind::Text, scope, depth.saturating_sub(1));
        if self.chance(15) {
            return phrase!["(", subject, " ^@ ", self.leaf(Kind::Text, scope), ")"];
        }
        if self.chance(15) {
            return phrase![
                "(",
                subject,
                self.random.pick(&[" ~ ", " !~ ", " ~* "]),
                self.random.pick(&["'^a'", "'b$'", "'[a-c]+'", "'.'"]),
                ")"
            ];
        }
        let operator = self.random.pick(&[" LIKE ", " LIKE ", " NOT LIKE ", " ILIKE "]);
        phrase![
            "(",
            subject,
            operator,
            self.random.pick(&["'a%'", "'%b'", "'_'", "'%a%b%'", "'a\\_%'", "'%'", "''", "'ab'"]),
            ")"
        ]
    }

    fn containment(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let depth = depth.saturating_sub(1);
        match self.below(9) {
            4 => phrase!["(", self.value(Kind::Range, scope, depth), " @> ", self.value(Kind::Int, scope, depth), ")"],
            5 => {
                let operator = self.random.pick(&[" && ", " @> ", " <@ ", " << ", " &< ", " -|- "]);
                phrase!["(", self.value(Kind::Range, scope, depth), operator, self.leaf(Kind::Range, scope), ")"]
            }
            6 | 7 => self.mixed_comparison(scope, depth),
            0 => {
                phrase!["(", self.value(Kind::Json, scope, depth), " ? ", self.random.pick(&["'a'", "'b'", "'k'"]), ")"]
            }
            1 => {
                let kind = self.random.pick(&[Kind::Ints, Kind::Texts]);
                phrase!["(", self.value(kind, scope, depth), " && ", self.leaf(kind, scope), ")"]
            }
            _ => {
                let kind = self.random.pick(&[Kind::Ints, Kind::Texts, Kind::Json]);
                let operator = self.random.pick(&[" @> ", " <@ "]);
                phrase!["(", self.value(kind, scope, depth), operator, self.leaf(kind, scope), ")"]
            }
        }
    }

    fn any_of_array(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let depth = depth.saturating_sub(1);
        let (kind, array) =
            self.random.pick(&[(Kind::Int, Kind::Ints), (Kind::Text, Kind::Texts), (Kind::Int, Kind::Ints)]);
        let operator = self.random.pick(&COMPARISONS);
        let quantifier = self.random.pick(&["ANY (", "ANY (", "ALL ("]);
        phrase!["(", self.value(kind, scope, depth), operator, quantifier, self.value(array, scope, depth), "))"]
    }

    fn rows_compared(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kinds: Vec<Kind> = (0..2 + self.below(2)).map(|_| self.kind_in(scope)).collect();
        let row = |g: &mut Self| {
            let items = kinds.iter().map(|kind| g.leaf(*kind, scope)).collect();
            phrase!["(", Phrase::fixed_list(items), ")"]
        };
        let left = row(self);
        match self.below(4) {
            0 | 1 => phrase!["(", left, self.random.pick(&COMPARISONS), row(self), ")"],
            2 => {
                let rows = (0..1 + self.below(3)).map(|_| row(self)).collect();
                phrase!["(", left, self.random.pick(&[" IN (", " NOT IN ("]), Phrase::list(rows), "))"]
            }
            _ => {
                let operator = self.random.pick(&[" IN (", " NOT IN (", " IN ("]);
                phrase!["(", left, operator, self.subquery(&kinds, scope, depth), "))"]
            }
        }
    }

    fn exists(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind();
        phrase![self.random.pick(&["EXISTS (", "EXISTS (", "NOT EXISTS ("]), self.subquery(&[kind], scope, depth), ")"]
    }

    fn in_subquery(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind_in(scope);
        let operator = self.random.pick(&[" IN (", " IN (", " NOT IN ("]);
        phrase!["(", self.value(kind, scope, depth), operator, self.subquery(&[kind], scope, depth), "))"]
    }

    fn any_of_subquery(&mut self, scope: &Scope, depth: u32) -> Phrase {
        let kind = self.kind_in(scope);
        let operator = self.random.pick(&COMPARISONS);
        let quantifier = self.random.pick(&["ANY (", "ALL ("]);
        phrase!["(", self.value(kind, scope, depth), operator, quantifier, self.subquery(&[kind], scope, depth), "))"]
    }
}
