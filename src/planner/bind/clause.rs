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
            Clause::PublicationRow => "publication WHERE expressions",
            Clause::AlterTransform => "transform expressions",
            Clause::FunctionDefault => "DEFAULT expressions",
            Clause::CallArgument => "CALL arguments",
            Clause::TriggerWhen => "trigger WHEN conditions",
            Clause::Policy => "policy expressions",
        }
    }

    /// Whether the clause must do without such a construct.
    pub fn forbids(self, what: Forbidden) -> bool {
        use Clause::*;
        let constant = matches!(self, ColumnDefault | ExecuteParameter | FunctionDefault);
        let stored = constant
            || matches!(
                self,
                Check
                    | IndexExpression
                    | IndexPredicate
                    | Generated
                    | CopyWhere
                    | Statistics
                    | PublicationRow
                    | AlterTransform
                    | CallArgument
                    | TriggerWhen
            );
        match what {
            Forbidden::Aggregate => {
                stored
                    || matches!(
                        self,
                        Policy
                            | FromFunction
                            | FromSubquery
                            | JoinOn
                            | Where
                            | GroupBy
                            | Filter
                            | Limit
                            | Offset
                            | Values
                            | WindowFrame
                            | UpdateSource
                            | MergeWhen
                            | Returning
                    )
            }
            Forbidden::Window => {
                stored
                    || matches!(
                        self,
                        Policy
                            | FromFunction
                            | FromSubquery
                            | JoinOn
                            | Where
                            | GroupBy
                            | Having
                            | Filter
                            | Limit
                            | Offset
                            | Values
                            | WindowPartition
                            | WindowOrder
                            | WindowFrame
                            | UpdateSource
                            | MergeWhen
                            | Returning
                    )
            }
            Forbidden::SetReturning => {
                stored
                    || matches!(
                        self,
                        Policy
                            | JoinOn
                            | Where
                            | Having
                            | Filter
                            | Limit
                            | Offset
                            | UpdateSource
                            | MergeWhen
                            | Returning
                            | WindowFrame
                    )
            }
            Forbidden::Subquery => stored,
            Forbidden::Column => constant,
        }
    }
}
