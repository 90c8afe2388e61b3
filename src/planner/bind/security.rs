//! The rows of a table that a statement sees: row security, the rows that a role sees, changes and makes, as policies say
//! (`rowsecurity.c`); and rows that `ttl` has not taken yet.
//!
//! Conditions stand right above the scan, below everything that the statement itself says; what new rows have to satisfy is
//! checked like a view's WITH CHECK OPTION.

use std::sync::Arc;

use dictdb_catalog::{Policy, PolicyCommand, Relation};
use dictdb_types::{Datum, Error, Interval, Oid, Result, SqlState, Type, oids};

use super::level::Level;
use super::modify::RowColumns;
use super::{Binder, Clause, Names};
use crate::expr::{BoolTest, Call, Expr};
use crate::logical::{Check, Node, PolicyStage};

/// Functions of `pg_proc` that tell whether a row has expired.
const STATEMENT_TIMESTAMP: Oid = Oid(2648);
const TIMESTAMPTZ_MI_INTERVAL: Oid = Oid(1190);
const TIMESTAMPTZ_GT: Oid = Oid(1157);

impl Binder<'_> {
    /// Whether policies decide about the rows of a table. Notes it, for `row_security`.
    fn is_secured(&mut self, relation: &Arc<Relation>) -> bool {
        let secured = !self.ignores_policies && self.cx.catalog.is_secured(relation, self.cx.role);
        if secured {
            let owns = self.cx.catalog.inherited_roles(self.cx.role).contains(&relation.owner);
            self.secured.get_or_insert_with(|| (relation.name.clone(), owns));
        }
        secured
    }

    /// The rows of a scan that may be read.
    pub(crate) fn secure_scan(&mut self, node: Node, relation: &Arc<Relation>, row: &RowColumns) -> Result<Node> {
        let conditions = self.visible_rows(relation, row, &[PolicyCommand::Select])?;
        Ok(conditions.into_iter().fold(node, |node, predicate| Node::Filter { input: Box::new(node), predicate }))
    }

    /// Conditions on the rows of a table that all of these commands may see.
    pub(crate) fn visible_rows(
        &mut self,
        relation: &Arc<Relation>,
        row: &RowColumns,
        commands: &[PolicyCommand],
    ) -> Result<Vec<Expr>> {
        let mut conditions: Vec<Expr> = self.unexpired(relation, row)?.into_iter().collect();
        if !self.is_secured(relation) {
            return Ok(conditions);
        }
        for command in commands {
            let (permissive, restrictive) = self.policies(relation, *command);
            let mut own = Vec::new();
            for policy in restrictive {
                if let Some(text) = &policy.using {
                    own.push(self.policy_condition(relation, row, text)?);
                }
            }
            own.push(self.any_of(relation, row, &permissive, |policy| policy.using.as_ref())?);
            for condition in own {
                if !conditions.iter().any(|known| known.same(&condition)) {
                    conditions.push(condition);
                }
            }
        }
        Ok(conditions)
    }

    /// The condition on rows of a table with `ttl` that are still there. Rows that do not say when they were written are.
    fn unexpired(&self, relation: &Relation, row: &RowColumns) -> Result<Option<Expr>> {
        let written = relation.written_at().and_then(|(attnum, _)| row.iter().find(|(_, other)| *other == attnum));
        let Some(((written, _), micros)) = written.zip(relation.ttl_micros()) else { return Ok(None) };
        let (moment, boolean) = (Type::new(oids::TIMESTAMPTZ), Type::new(oids::BOOL));
        let ttl = Interval { months: 0, days: 0, micros };
        let ttl = Expr::Const(Datum::Interval(ttl), Type::new(oids::INTERVAL));
        let now = self.built_in(STATEMENT_TIMESTAMP, Vec::new(), moment)?;
        let oldest = self.built_in(TIMESTAMPTZ_MI_INTERVAL, vec![now, ttl], moment)?;
        let is_younger = self.built_in(TIMESTAMPTZ_GT, vec![Expr::column(written), oldest], boolean)?;
        Ok(Some(Expr::BoolTest(Box::new(is_younger), BoolTest::NotFalse)))
    }

    fn built_in(&self, oid: Oid, args: Vec<Expr>, result: Type) -> Result<Expr> {
        Ok(Expr::Call(Box::new(Call::new(self.function(oid)?, args, result, None))))
    }

    /// What the rows that a command makes have to satisfy; `reads` says that it shows rows, too.
    pub(crate) fn policy_checks(
        &mut self,
        relation: &Arc<Relation>,
        row: &RowColumns,
        stage: PolicyStage,
        reads: bool,
    ) -> Result<Vec<(Check, Expr)>> {
        if !self.is_secured(relation) {
            return Ok(Vec::new());
        }
        let (command, of_new) = match stage {
            PolicyStage::Insert => (PolicyCommand::Insert, true),
            PolicyStage::Conflict | PolicyStage::MergeUpdate => (PolicyCommand::Update, false),
            PolicyStage::MergeDelete => (PolicyCommand::Delete, false),
            PolicyStage::Update => (PolicyCommand::Update, true),
        };
        let mut checks = self.checks_of(relation, row, (command, of_new), stage)?;
        if reads {
            checks.extend(self.checks_of(relation, row, (PolicyCommand::Select, false), stage)?);
        }
        Ok(checks)
    }

    fn checks_of(
        &mut self,
        relation: &Arc<Relation>,
        row: &RowColumns,
        (command, of_new): (PolicyCommand, bool),
        stage: PolicyStage,
    ) -> Result<Vec<(Check, Expr)>> {
        let text_of = |policy: &Policy| match of_new {
            true => policy.for_new_rows().cloned(),
            false => policy.using.clone(),
        };
        let check = |policy: Option<Arc<str>>| Check::Policy { table: relation.name.clone(), policy, stage };
        let (permissive, restrictive) = self.policies(relation, command);
        let allowed = match of_new {
            true => self.any_of(relation, row, &permissive, Policy::for_new_rows)?,
            false => self.any_of(relation, row, &permissive, |policy| policy.using.as_ref())?,
        };
        let mut checks = vec![(check(None), allowed)];
        for policy in restrictive {
            if let Some(text) = text_of(&policy) {
                checks.push((check(Some(policy.name.clone())), self.policy_condition(relation, row, &text)?));
            }
        }
        Ok(checks)
    }

    /// The permissive and the restrictive policies for a command of the current role, in the order in which PostgreSQL asks
    /// them: by name, the permissive ones from the last on.
    fn policies(&self, relation: &Relation, command: PolicyCommand) -> (Vec<Arc<Policy>>, Vec<Arc<Policy>>) {
        let roles = self.cx.catalog.inherited_roles(self.cx.role);
        let concerns = |policy: &&Arc<Policy>| {
            policy.is_for(command) && policy.roles.iter().any(|role| !role.is_valid() || roles.contains(role))
        };
        let concerning = relation.policies.iter().filter(concerns).cloned();
        let (mut permissive, mut restrictive): (Vec<_>, Vec<_>) = concerning.partition(|policy| policy.permissive);
        permissive.sort_by(|a, b| b.name.cmp(&a.name));
        restrictive.sort_by(|a, b| a.name.cmp(&b.name));
        (permissive, restrictive)
    }

    /// What one of some policies says; nothing is allowed where there is none.
    fn any_of(
        &mut self,
        relation: &Arc<Relation>,
        row: &RowColumns,
        policies: &[Arc<Policy>],
        text_of: impl Fn(&Policy) -> Option<&Arc<str>>,
    ) -> Result<Expr> {
        let mut conditions = Vec::new();
        for policy in policies {
            if let Some(text) = text_of(policy) {
                conditions.push(self.policy_condition(relation, row, text)?);
            }
        }
        Ok(match conditions.len() {
            0 => Expr::Const(Datum::Bool(false), Type::new(oids::BOOL)),
            1 => conditions.remove(0),
            _ => Expr::Or(conditions),
        })
    }

    /// Binds the text of a policy over the columns of a row: a text of its own, which sees nothing of the statement. 42P17
    /// for a policy that reads its own table.
    fn policy_condition(&mut self, relation: &Arc<Relation>, row: &RowColumns, text: &str) -> Result<Expr> {
        if self.policed.contains(&relation.oid) {
            let message = format!("infinite recursion detected in policy for relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let tree = dictdb_parser::parse_expression(text)?;
        let names = Names::of_table(self.row_name(relation, &relation.name, row));
        self.policed.push(relation.oid);
        let bound = self.in_stored_text(Level { names, clause: Clause::Policy, ..Level::default() }, |binder| {
            let bound = binder.bind_expr(&tree)?;
            binder.coerce_to_boolean(bound, "POLICY", None)
        });
        self.policed.pop();
        bound
    }
}
