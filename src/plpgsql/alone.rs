//! Functions that only compute: what they say can be run where there is no session, as the keys of indexes are.

use dictdb_types::Severity;

use crate::sql::Sql;
use crate::tree::{Block, Function, Kind, Statement};

impl Function {
    /// The first statement that needs a session, as CONTEXT names it: a query, a command, a cursor, a message to the client.
    /// `computes` tells whether a statement of SQL is no more than an expression.
    pub fn session_statement(&self, computes: &dyn Fn(&Sql) -> bool) -> Option<&'static str> {
        in_block(&self.body, computes)
    }
}

fn in_block(block: &Block, computes: &dyn Fn(&Sql) -> bool) -> Option<&'static str> {
    let handlers = block.exceptions.iter().flat_map(|exceptions| &exceptions.handlers);
    in_statements(&block.body, computes)
        .or_else(|| handlers.into_iter().find_map(|handler| in_statements(&handler.body, computes)))
}

fn in_statements(statements: &[Statement], computes: &dyn Fn(&Sql) -> bool) -> Option<&'static str> {
    statements.iter().find_map(|statement| in_statement(&statement.kind, computes))
}

fn in_statement(kind: &Kind, computes: &dyn Fn(&Sql) -> bool) -> Option<&'static str> {
    let in_branches =
        |branches: &[(Sql, Vec<Statement>)]| branches.iter().find_map(|(_, body)| in_statements(body, computes));
    match kind {
        Kind::Block(block) => in_block(block, computes),
        Kind::If { branches, otherwise } => in_branches(branches).or_else(|| in_statements(otherwise, computes)),
        Kind::Case { branches, otherwise, .. } => {
            in_branches(branches).or_else(|| in_statements(otherwise.as_deref().unwrap_or_default(), computes))
        }
        Kind::Loop(body) | Kind::While { body, .. } | Kind::ForRange { body, .. } | Kind::Foreach { body, .. } => {
            in_statements(&body.body, computes)
        }
        Kind::Sql { sql, .. } | Kind::Perform(sql) => (!computes(sql)).then(|| kind.name()),
        Kind::Raise(raise) => (raise.level != Severity::Error).then(|| kind.name()),
        Kind::Assign { .. }
        | Kind::Set { .. }
        | Kind::AssignPart { .. }
        | Kind::Exit { .. }
        | Kind::Return(_)
        | Kind::Assert { .. }
        | Kind::GetDiagnostics { .. }
        | Kind::Null => None,
        Kind::ForQuery { .. }
        | Kind::ForExecute { .. }
        | Kind::ForCursor { .. }
        | Kind::ReturnNext(..)
        | Kind::ReturnQuery(_)
        | Kind::ReturnExecute(_)
        | Kind::Execute { .. }
        | Kind::OpenBound { .. }
        | Kind::OpenQuery { .. }
        | Kind::OpenExecute { .. }
        | Kind::Fetch { .. }
        | Kind::Close { .. }
        | Kind::Call { .. }
        | Kind::EndTransaction { .. } => Some(kind.name()),
    }
}
