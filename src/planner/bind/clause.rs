//! The clauses of a statement, as messages name them.

/// Where an expression stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clause {
    /// Select list.
    #[default]
    Select,
    /// Function in FROM.
    FromFunction,
    /// Subquery in FROM that may refer to its neighbours.
    FromSubquery,
    /// JOIN condition.
    JoinOn,
    /// WHERE.
    Where,
    /// GROUP BY.
    GroupBy,
    /// HAVING.
    Having,
    /// FILTER.
    Filter,
    /// ORDER BY.
    OrderBy,
    /// DISTINCT ON.
    DistinctOn,
    /// LIMIT.
    Limit,
    /// OFFSET.
    Offset,
    /// VALUES.
    Values,
    /// PARTITION BY.
    WindowPartition,
    /// ORDER BY of a window.
    WindowOrder,
    /// Frame offset.
    WindowFrame,
    /// SET of an UPDATE.
    UpdateSource,
    /// AND of MERGE's WHEN.
    MergeWhen,
    /// RETURNING.
    Returning,
    /// CHECK constraint.
    Check,
    /// DEFAULT.
    ColumnDefault,
    /// Index expression.
    IndexExpression,
    /// Index predicate.
    IndexPredicate,
    /// Generated column.
    Generated,
    /// EXECUTE argument.
    ExecuteParameter,
    /// COPY FROM … WHERE.
    CopyWhere,
    /// Expression of a statistics object.
    Statistics,
    /// WHERE of a publication's table.
    PublicationRow,
    /// ALTER TABLE … USING.
    AlterTransform,
    /// DEFAULT of a parameter.
    FunctionDefault,
    /// Argument of CALL.
    CallArgument,
    /// WHEN of a trigger.
    TriggerWhen,
    /// USING or WITH CHECK of a policy.
    Policy,
}

/// What a clause may not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// Aggregate calls.
    Aggregate,
    /// Window calls.
    Window,
    /// Set-returning calls.
    SetReturning,
    /// Subqueries.
    Subquery,
    /// Column references.
    Column,
}

impl Clause {
    /// The clause as PostgreSQL's messages name it.
    pub fn noun(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::FromFunction => "functions in FROM",
            Clause::FromSubquery => "FROM clause of their own query level",
            Clause::JoinOn => "JOIN conditions",
            Clause::Where => "WHERE",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::Filter => "FILTER",
            Clause::OrderBy => "ORDER BY",
            Clause::DistinctOn => "DISTINCT ON",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Values => "VALUES",
            Clause::WindowPartition => "window PARTITION BY",
            Clause::WindowOrder => "window ORDER BY",
            Clause::WindowFrame => "window frame",
            Clause::UpdateSource => "UPDATE",
            Clause::MergeWhen => "MERGE WHEN conditions",
            Clause::Returning => "RETURNING",
            Clause::Check => "check constraints",
            Clause::ColumnDefault => "DEFAULT expressions",
            Clause::IndexExpression => "index expressions",
            Clause::IndexPredicate => "index predicates",
            Clause::Generated => "column generation expressions",
            Clause::ExecuteParameter => "EXECUTE parameters",
            Clause::CopyWhere => "COPY FROM WHERE conditions",
            Clause::Statistics => "statistics expressions",
            Clause::PublicationRow => "WHERE",
            Clause::AlterTransform => "transform expressions",
            Clause::FunctionDefault => "DEFAULT expressions",
            Clause::CallArgument => "CALL arguments",
            Clause::TriggerWhen => "trigger WHEN conditions",
            Clause::Policy => "policy expressions",
        }
    }

    /// Whether the clause must do without such a construct.
    pub fn forbids(self, what: Forbidden) -> bool {
        self.forbidden().contains(&what)
    }

    fn forbidden(self) -> &'static [Forbidden] {
        use Forbidden::{Aggregate, Column, SetReturning, Subquery, Window};
        match self {
            Clause::Select | Clause::OrderBy | Clause::DistinctOn => &[],
            Clause::WindowPartition | Clause::WindowOrder => &[Window],
            Clause::Having => &[Window, SetReturning],
            Clause::FromFunction | Clause::FromSubquery | Clause::GroupBy | Clause::Values => &[Aggregate, Window],
            Clause::JoinOn
            | Clause::Where
            | Clause::Filter
            | Clause::Limit
            | Clause::Offset
            | Clause::WindowFrame
            | Clause::UpdateSource
            | Clause::MergeWhen
            | Clause::Returning
            | Clause::Policy => &[Aggregate, Window, SetReturning],
            Clause::Check
            | Clause::IndexExpression
            | Clause::IndexPredicate
            | Clause::Generated
            | Clause::CopyWhere
            | Clause::Statistics
            | Clause::PublicationRow
            | Clause::AlterTransform
            | Clause::CallArgument
            | Clause::TriggerWhen => &[Aggregate, Window, SetReturning, Subquery],
            Clause::ColumnDefault | Clause::ExecuteParameter | Clause::FunctionDefault => {
                &[Aggregate, Window, SetReturning, Subquery, Column]
            }
        }
    }
}
