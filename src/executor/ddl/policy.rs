//! CREATE, ALTER and DROP POLICY.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Key, Policy, PolicyCommand, Relation, RelationKind};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{self, AlterPolicy, CreatePolicy, RoleSpec, SourceExpr};
use dictdb_parser::{Locations, ast};
use dictdb_planner::policy::BoundPolicy;
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::names::shown;

impl DdlContext<'_> {
    pub(super) fn create_policy(&mut self, create: &CreatePolicy, locations: &Locations) -> Result<()> {
        let command = command(create.command);
        check_conditions(command, create.using.is_some(), create.check.is_some())?;
        let roles = self.policy_roles(&create.roles)?;
        let relation = self.policy_table(&create.table)?;
        let using = self.policy_condition(create.using.as_ref(), &relation, locations)?;
        let check = self.policy_condition(create.check.as_ref(), &relation, locations)?;
        if find(&relation, &create.name.value).is_some() {
            let message = format!("policy \"{}\" for table \"{}\" already exists", create.name.value, relation.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let policy = Policy {
            oid: self.new_oid(),
            name: Arc::from(create.name.value.as_str()),
            permissive: create.permissive,
            command,
            roles,
            using: using.as_ref().map(|bound| bound.text.clone()),
            check: check.as_ref().map(|bound| bound.text.clone()),
        };
        self.record_policy(&relation, policy, &[using, check]);
        Ok(())
    }

    pub(super) fn alter_policy(&mut self, alter: &AlterPolicy, locations: &Locations) -> Result<()> {
        let roles = alter.roles.as_ref().map(|roles| self.policy_roles(roles)).transpose()?;
        let relation = self.policy_table(&alter.table)?;
        let using = self.policy_condition(alter.using.as_ref(), &relation, locations)?;
        let check = self.policy_condition(alter.check.as_ref(), &relation, locations)?;
        let Some(policy) = find(&relation, &alter.name.value) else {
            return Err(missing(&alter.name.value, &relation));
        };
        let mut policy = Policy::clone(policy);
        match policy.command {
            PolicyCommand::Select | PolicyCommand::Delete if check.is_some() => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "only USING expression allowed for SELECT, DELETE"));
            }
            PolicyCommand::Insert if using.is_some() => {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT"));
            }
            _ => {}
        }
        policy.roles = roles.unwrap_or(policy.roles);
        policy.using = using.as_ref().map(|bound| bound.text.clone()).or(policy.using);
        policy.check = check.as_ref().map(|bound| bound.text.clone()).or(policy.check);
        // What was not given anew keeps what it depends on.
        let again = |ddl: &mut Self, text: &Option<Arc<str>>, bound: Option<BoundPolicy>| match (bound, text) {
            (None, Some(text)) => {
                let tree = dictdb_parser::parse_expression(text)?;
                ddl.bound_policy(&tree, &Locations::default(), &relation).map(Some)
            }
            (bound, _) => Ok(bound),
        };
        let using = again(self, &policy.using, using)?;
        let check = again(self, &policy.check, check)?;
        let key = Key::Policy(relation.oid, policy.oid);
        self.undepend_all(key);
        self.record_policy(&relation, policy, &[using, check]);
        Ok(())
    }

    pub(super) fn rename_policy(&mut self, name: &str, table: &ObjectName, to: &str) -> Result<()> {
        let relation = self.policy_table(table)?;
        if find(&relation, to).is_some() {
            let message = format!("policy \"{to}\" for table \"{}\" already exists", relation.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let Some(policy) = find(&relation, name) else { return Err(missing(name, &relation)) };
        self.put_policy(&relation, Policy { name: Arc::from(to), ..Policy::clone(policy) });
        Ok(())
    }

    /// The policy that DROP names; the inner error says that there is none.
    pub(super) fn policy_key(&mut self, name: &str, table: &ObjectName, skip: bool) -> Result<Result<Key>> {
        let Some(relation) = self.look_up_relation(table)? else {
            let message = format!("relation \"{}\" does not exist", shown(table));
            let missing = self.missing_schema(table);
            return Ok(Err(missing.unwrap_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, message))));
        };
        let Some(policy) = find(&relation, name) else {
            let skipped = || {
                let message = format!("policy \"{name}\" for relation \"{}\" does not exist", relation.name);
                Error::new(SqlState::SUCCESSFUL_COMPLETION, message)
            };
            return Ok(Err(if skip { skipped() } else { missing(name, &relation) }));
        };
        let key = Key::Policy(relation.oid, policy.oid);
        if !self.has_privileges_of(relation.owner) {
            return Err(super::ownership::not_owner("relation", &relation.name));
        }
        self.policy_table(table)?;
        Ok(Ok(key))
    }

    pub(super) fn drop_policy(&mut self, table: Oid, oid: Oid) -> Result<()> {
        if let Some(relation) = self.view().relation(table).cloned() {
            let mut relation = Relation::clone(&relation);
            relation.policies.retain(|policy| policy.oid != oid);
            self.put_relation(relation);
        }
        self.remove(Key::Policy(table, oid));
        Ok(())
    }

    /// Takes a role out of all policies; those that were for no other role are returned, to be dropped.
    pub(super) fn leave_policies(&mut self, role: Oid) -> Result<Vec<Key>> {
        let mut doomed = Vec::new();
        let concerned: Vec<Arc<Relation>> = self.view().relations().cloned().collect();
        for relation in concerned {
            for policy in relation.policies.iter().filter(|policy| policy.roles.contains(&role)) {
                let roles: Vec<Oid> = policy.roles.iter().copied().filter(|other| *other != role).collect();
                if roles.is_empty() {
                    doomed.push(Key::Policy(relation.oid, policy.oid));
                } else {
                    let now = self.table(relation.oid)?;
                    self.put_policy(&now, Policy { roles, ..Policy::clone(policy) });
                }
            }
        }
        Ok(doomed)
    }

    /// The oid of a policy that COMMENT names.
    pub(super) fn commented_policy(&mut self, name: &str, table: &ObjectName) -> Result<Oid> {
        let relation = self.find_relation(table)?;
        self.check_owner(&relation)?;
        find(&relation, name).map(|policy| policy.oid).ok_or_else(|| missing(name, &relation))
    }

    /// The table of a policy, locked. 42809, 42501.
    fn policy_table(&mut self, name: &ObjectName) -> Result<Arc<Relation>> {
        let relation = self.find_relation(name)?;
        self.check_owner(&relation)?;
        self.check_not_system(&relation)?;
        if !matches!(relation.kind, RelationKind::Table) {
            let message = format!("\"{}\" is not a table", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        self.table(relation.oid)
    }

    /// PUBLIC goes alone: it is everybody.
    fn policy_roles(&mut self, roles: &[RoleSpec]) -> Result<Vec<Oid>> {
        if roles.iter().any(|role| matches!(role, RoleSpec::Public)) {
            if roles.len() > 1 {
                let warning = Error::with_severity(
                    dictdb_types::Severity::Warning,
                    SqlState::INVALID_PARAMETER_VALUE,
                    "ignoring specified roles other than PUBLIC",
                );
                self.notices.push(warning.hint("All roles are members of the PUBLIC role."));
            }
            return Ok(vec![Oid::INVALID]);
        }
        roles.iter().map(|role| self.role_oid(role)).collect()
    }

    fn policy_condition(
        &mut self,
        source: Option<&SourceExpr>,
        relation: &Arc<Relation>,
        locations: &Locations,
    ) -> Result<Option<BoundPolicy>> {
        source.map(|source| self.bound_policy(&source.expr, locations, relation)).transpose()
    }

    fn bound_policy(
        &mut self,
        expr: &ast::Expr,
        locations: &Locations,
        relation: &Arc<Relation>,
    ) -> Result<BoundPolicy> {
        self.with_binding(|cx| dictdb_planner::policy::bind(expr, locations, relation, cx)).map_err(|mut error| {
            // PostgreSQL does not know where the expression stands.
            error.fields_mut().position = None;
            error
        })
    }

    /// Puts a policy into its table, with what it depends on.
    fn record_policy(&mut self, relation: &Arc<Relation>, policy: Policy, bound: &[Option<BoundPolicy>]) {
        let key = Key::Policy(relation.oid, policy.oid);
        self.depend(key, Key::Relation(relation.oid), Dependency::Auto);
        for bound in bound.iter().flatten() {
            for attnum in bound.columns.iter().filter(|attnum| **attnum > 0) {
                self.depend(key, Key::Column(relation.oid, *attnum), Dependency::Normal);
            }
            for table in &bound.relations {
                self.depend(key, Key::Relation(*table), Dependency::Normal);
            }
            for function in &bound.functions {
                self.depend(key, Key::Function(*function), Dependency::Normal);
            }
            self.depend_on_types(key, &bound.types);
        }
        for role in policy.roles.iter().filter(|role| role.is_valid()) {
            self.depend(key, Key::Role(*role), Dependency::Normal);
        }
        self.put_policy(relation, policy);
    }

    /// Policies stand in the order of their names.
    fn put_policy(&mut self, relation: &Relation, policy: Policy) {
        let mut relation = relation.clone();
        relation.policies.retain(|known| known.oid != policy.oid);
        relation.policies.push(Arc::new(policy));
        relation.policies.sort_by(|a, b| a.name.cmp(&b.name));
        self.put_relation(relation);
    }
}

fn find<'r>(relation: &'r Relation, name: &str) -> Option<&'r Arc<Policy>> {
    relation.policies.iter().find(|policy| *policy.name == *name)
}

fn missing(name: &str, relation: &Relation) -> Error {
    let message = format!("policy \"{name}\" for table \"{}\" does not exist", relation.name);
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn command(command: utility::PolicyCommand) -> PolicyCommand {
    match command {
        utility::PolicyCommand::All => PolicyCommand::All,
        utility::PolicyCommand::Select => PolicyCommand::Select,
        utility::PolicyCommand::Insert => PolicyCommand::Insert,
        utility::PolicyCommand::Update => PolicyCommand::Update,
        utility::PolicyCommand::Delete => PolicyCommand::Delete,
    }
}

/// 42601 for a condition on rows that the command does not have.
fn check_conditions(command: PolicyCommand, using: bool, check: bool) -> Result<()> {
    let message = match command {
        PolicyCommand::Select | PolicyCommand::Delete if check => "WITH CHECK cannot be applied to SELECT or DELETE",
        PolicyCommand::Insert if using => "only WITH CHECK expression allowed for INSERT",
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::SYNTAX_ERROR, message))
}
