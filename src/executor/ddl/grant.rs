//! GRANT and REVOKE of privileges on objects (manual, section 5.7): who grants, what the lists become.

use std::sync::Arc;

use dictdb_catalog::{
    AclItem, AclKind, BOOTSTRAP_ROLE, Change, DefinitionKind, Language, Privileges, Relation, RelationKind, Routine,
};
use dictdb_functions::facts::ProcKind;
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{Behavior, Grant, GrantTarget, ObjectKind, ObjectRef, Privilege, RoleSpec};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::DdlContext;
use super::definition::is_untrusted;
use super::grantable::Grantable;
use super::names::shown;

/// The words of privileges.
const WORDS: [(&str, Privileges); 14] = [
    ("insert", Privileges::INSERT),
    ("select", Privileges::SELECT),
    ("update", Privileges::UPDATE),
    ("delete", Privileges::DELETE),
    ("truncate", Privileges::TRUNCATE),
    ("references", Privileges::REFERENCES),
    ("trigger", Privileges::TRIGGER),
    ("execute", Privileges::EXECUTE),
    ("usage", Privileges::USAGE),
    ("create", Privileges::CREATE),
    ("temporary", Privileges::TEMPORARY),
    ("connect", Privileges::CONNECT),
    ("set", Privileges::SET),
    ("alter system", Privileges::ALTER_SYSTEM),
];

impl DdlContext<'_> {
    pub(super) fn grant(&mut self, grant: &Grant) -> Result<()> {
        let grantees = self.grantees(grant)?;
        match &grant.target {
            GrantTarget::Objects(kind, objects) => {
                for object in objects {
                    self.grant_on(grant, *kind, object, &grantees)?;
                }
                Ok(())
            }
            GrantTarget::AllInSchema(kind, schemas) => self.grant_in_schemas(grant, *kind, schemas, &grantees),
            GrantTarget::Parameters(names) => {
                names.iter().try_for_each(|name| self.grant_on_parameter(grant, name, &grantees))
            }
        }
    }

    /// Names of the grantees; empty for PUBLIC.
    fn grantees(&mut self, grant: &Grant) -> Result<Vec<String>> {
        let mut names = Vec::with_capacity(grant.grantees.len());
        for grantee in &grant.grantees {
            if matches!(grantee, RoleSpec::Public) {
                if grant.grant && grant.grant_option {
                    return Err(Error::new(
                        SqlState::INVALID_GRANT_OPERATION,
                        "grant options can only be granted to roles",
                    ));
                }
                names.push(String::new());
                continue;
            }
            let oid = self.role_oid(grantee)?;
            names.push(self.view().role(oid).map_or_else(String::new, |role| role.name.to_string()));
        }
        if let Some(grantor) = &grant.grantor
            && self.role_oid(grantor)? != self.role
        {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "grantor must be current user"));
        }
        Ok(names)
    }

    fn grant_on(&mut self, grant: &Grant, kind: ObjectKind, object: &ObjectRef, grantees: &[String]) -> Result<()> {
        match (kind, object) {
            (ObjectKind::Table | ObjectKind::Sequence, ObjectRef::Name(name)) => {
                let relation = self.find_relation(name)?;
                let wrong = |noun: &str| {
                    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is {noun}", relation.name)))
                };
                match (&relation.kind, kind) {
                    (RelationKind::Index(_), _) => return wrong("an index"),
                    (RelationKind::Composite, _) => return wrong("a composite type"),
                    (RelationKind::Sequence(_), _) | (_, ObjectKind::Table) => {}
                    _ => return wrong("not a sequence"),
                }
                // PostgreSQL has concurrent updates of one row of pg_class fail; here they wait for each other.
                self.lock(relation.oid, LockMode::ShareUpdateExclusive)?;
                self.grant_on_relation(grant, kind, &relation, grantees)
            }
            (ObjectKind::Schema, ObjectRef::Name(name)) => {
                let name = shown(name);
                let catalog = self.view();
                let oid = self.schema_oid(&catalog, &name)?;
                let privileges = object_privileges(&grant.privileges, AclKind::Schema, "schema")?;
                self.change_list(grant, Grantable::Schema(oid), privileges, grantees, &name, "schema")
            }
            (ObjectKind::Database, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.databases.iter().find(|database| *database.name == *name);
                let (oid, owner) = found.map(|database| (database.oid, database.owner)).ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_DATABASE, format!("database \"{name}\" does not exist"))
                })?;
                let privileges = object_privileges(&grant.privileges, AclKind::Database, "database")?;
                self.change_list(grant, Grantable::Database(oid, owner), privileges, grantees, &name, "database")
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectRef::Name(name)) => {
                let info = self.find_type(name)?;
                self.grant_on_type(grant, kind, &info, grantees)
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectRef::Type(data_type)) => {
                let ty = self.bind_type(data_type)?;
                let info = self.type_info(ty.oid)?;
                self.grant_on_type(grant, kind, &info, grantees)
            }
            (ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine, ObjectRef::Function(function)) => {
                let own = self.find_routine(kind, function)?;
                match own.as_ref().err().and(self.find_built_in(kind, function)?) {
                    Some(proc) => {
                        let privileges = object_privileges(&grant.privileges, AclKind::Function, "function")?;
                        self.change_list(
                            grant,
                            Grantable::BuiltIn(proc.oid),
                            privileges,
                            grantees,
                            proc.name,
                            "function",
                        )
                    }
                    None => {
                        let routine = own?;
                        self.grant_on_routine(grant, kind, &routine, grantees)
                    }
                }
            }
            (ObjectKind::Language, ObjectRef::Name(name)) => self.grant_on_language(grant, name, grantees),
            (ObjectKind::ForeignDataWrapper | ObjectKind::Server | ObjectKind::Tablespace, ObjectRef::Name(name)) => {
                let (kind, acl, noun) = match kind {
                    ObjectKind::Tablespace => (DefinitionKind::Tablespace, AclKind::Tablespace, "tablespace"),
                    ObjectKind::Server => (DefinitionKind::Server, AclKind::ForeignServer, "foreign server"),
                    _ => (DefinitionKind::Wrapper, AclKind::ForeignWrapper, "foreign-data wrapper"),
                };
                let own = self.find_definition(kind, name)?;
                let privileges = object_privileges(&grant.privileges, acl, noun)?;
                self.change_list(grant, Grantable::Definition(kind, own.oid), privileges, grantees, &own.name, noun)
            }
            (ObjectKind::LargeObject, ObjectRef::LargeObject(number)) => {
                self.grant_on_large_object(grant, number, grantees)
            }
            (kind, _) => Err(Error::unsupported(format_args!("GRANT on {kind:?}"))),
        }
    }

    /// 42809 for languages that only superusers use.
    fn grant_on_language(&mut self, grant: &Grant, name: &ObjectName, grantees: &[String]) -> Result<()> {
        let shown = shown(name);
        let (target, trusted) = match Language::named(&shown) {
            Some(language) => (Grantable::Language(language.oid()), language.is_trusted()),
            None => {
                let own = self.find_definition(DefinitionKind::Language, name)?;
                (Grantable::Definition(DefinitionKind::Language, own.oid), !is_untrusted(&own))
            }
        };
        if !trusted {
            let message = format!("language \"{shown}\" is not trusted");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(
                "GRANT and REVOKE are not allowed on untrusted languages, because only superusers can use untrusted \
                 languages.",
            ));
        }
        let privileges = object_privileges(&grant.privileges, AclKind::Language, "language")?;
        self.change_list(grant, target, privileges, grantees, &shown, "language")
    }

    /// 42602 for a name that no parameter can have. REVOKE passes over parameters without a list.
    fn grant_on_parameter(&mut self, grant: &Grant, name: &str, grantees: &[String]) -> Result<()> {
        let Some(name) = (self.parameter_name)(name) else {
            let message = format!("invalid parameter name \"{name}\"");
            return if grant.grant { Err(Error::new(SqlState::INVALID_NAME, message)) } else { Ok(()) };
        };
        let privileges = object_privileges(&grant.privileges, AclKind::Parameter, "parameter")?;
        let catalog = self.view();
        let found = catalog.parameters().find(|(own, ..)| ***own == *name);
        let (oid, listed) = match found {
            Some((_, oid, list)) => (oid, Some(list)),
            None if grant.grant => (self.new_oid(), None),
            None => return Ok(()),
        };
        let object = (AclKind::Parameter, BOOTSTRAP_ROLE, listed);
        let list = self.changed_list(grant, object, privileges, grantees, (&name, "parameter"))?;
        self.set_parameter_acl(&Arc::from(name), oid, list);
        Ok(())
    }

    /// A parameter whose list has become the default one has none.
    pub(super) fn set_parameter_acl(&mut self, name: &Arc<str>, oid: Oid, list: Vec<Arc<str>>) {
        let owner = self.role_name(BOOTSTRAP_ROLE);
        let default = default_items(AclKind::Parameter, &owner);
        let is_default = list.iter().map(ToString::to_string).eq(default.iter().map(ToString::to_string));
        let list = (!is_default).then_some((oid, list));
        self.change(Change::Parameter(name.clone(), list));
    }

    fn grant_on_routine(
        &mut self,
        grant: &Grant,
        kind: ObjectKind,
        routine: &Routine,
        grantees: &[String],
    ) -> Result<()> {
        let noun = match kind {
            ObjectKind::Procedure => "procedure",
            ObjectKind::Routine => "routine",
            _ => "function",
        };
        let privileges = object_privileges(&grant.privileges, AclKind::Function, noun)?;
        let target = Grantable::Routine(routine.oid);
        self.change_list(grant, target, privileges, grantees, &routine.name, "function")
    }

    fn grant_on_type(
        &mut self,
        grant: &Grant,
        kind: ObjectKind,
        info: &dictdb_types::TypeInfo,
        grantees: &[String],
    ) -> Result<()> {
        if info.is_array() && info.element.is_valid() {
            return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, "cannot set privileges of array types")
                .hint("Set the privileges of the element type instead."));
        }
        if kind == ObjectKind::Domain && !matches!(info.kind, dictdb_types::TypeKind::Domain(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a domain", info.name)));
        }
        let noun = if kind == ObjectKind::Domain { "domain" } else { "type" };
        let privileges = object_privileges(&grant.privileges, AclKind::Type, noun)?;
        self.change_list(grant, Grantable::Type(info.oid), privileges, grantees, &info.name, "type")
    }

    fn grant_on_relation(
        &mut self,
        grant: &Grant,
        kind: ObjectKind,
        relation: &Relation,
        grantees: &[String],
    ) -> Result<()> {
        let target = Grantable::Relation(relation.oid);
        let sequence = matches!(relation.kind, RelationKind::Sequence(_));
        let (acl_kind, noun) = match (sequence, kind) {
            (true, ObjectKind::Sequence) => (AclKind::Sequence, "sequence"),
            (true, _) => (AclKind::Sequence, "sequence"),
            _ => (AclKind::Table, "table"),
        };
        let whole: Vec<Privilege> = grant.privileges.iter().filter(|p| p.columns.is_empty()).cloned().collect();
        // USAGE is for relations that turn out to be sequences, so a table refuses it by its own word.
        let usage =
            |privilege: &Privilege| privilege.name.as_ref().is_some_and(|n| n.value.eq_ignore_ascii_case("usage"));
        let word = match sequence {
            true => "sequence",
            false if whole.iter().any(usage) => "table",
            false => "relation",
        };
        if !whole.is_empty() || grant.privileges.is_empty() {
            let privileges = object_privileges(&whole, acl_kind, word)?;
            let shown_kind = relation.kind_noun();
            debug_assert!(!noun.is_empty());
            self.change_list(grant, target, privileges, grantees, &relation.name, shown_kind)?;
            if !grant.grant && acl_kind == AclKind::Table {
                self.revoke_of_columns(grant, relation.oid, privileges, grantees)?;
            }
        }
        for privilege in grant.privileges.iter().filter(|privilege| !privilege.columns.is_empty()) {
            self.grant_on_columns(grant, relation.oid, privilege, grantees)?;
        }
        Ok(())
    }

    /// What is taken of a table is taken of its columns too.
    fn revoke_of_columns(
        &mut self,
        grant: &Grant,
        table: Oid,
        privileges: Privileges,
        grantees: &[String],
    ) -> Result<()> {
        let relation = self.table(table)?;
        let privileges = privileges.within(object_privileges(&[], AclKind::Column, "column")?);
        for attnum in relation.listed_columns() {
            let target = Grantable::Column(table, attnum);
            self.change_list(grant, target, privileges, grantees, &relation.name, relation.kind_noun())?;
        }
        Ok(())
    }

    fn grant_on_columns(
        &mut self,
        grant: &Grant,
        table: Oid,
        privilege: &Privilege,
        grantees: &[String],
    ) -> Result<()> {
        let bare = Privilege { columns: Vec::new(), ..privilege.clone() };
        let privileges = object_privileges(std::slice::from_ref(&bare), AclKind::Column, "column")?;
        for name in &privilege.columns {
            let relation = self.table(table)?;
            let found = relation.attnum_named(&name.value);
            let attnum = found.ok_or_else(|| super::alter::missing_column(&relation, &name.value))?;
            let target = Grantable::Column(table, attnum);
            self.change_list(grant, target, privileges, grantees, &relation.name, relation.kind_noun())?;
        }
        Ok(())
    }

    fn grant_in_schemas(
        &mut self,
        grant: &Grant,
        kind: ObjectKind,
        schemas: &[Ident],
        grantees: &[String],
    ) -> Result<()> {
        for schema in schemas {
            let catalog = self.view();
            let oid = self.schema_oid(&catalog, &schema.value)?;
            if matches!(kind, ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine) {
                let members = catalog.routines().filter(|routine| routine.namespace == oid);
                for routine in members.filter(|routine| is_of_kind(kind, routine)).cloned().collect::<Vec<_>>() {
                    self.grant_on_routine(grant, kind, &routine, grantees)?;
                }
                continue;
            }
            let members: Vec<Arc<Relation>> = catalog.relations().filter(|r| r.namespace == oid).cloned().collect();
            for member in members {
                let fits = match kind {
                    ObjectKind::Table => member.is_stored() || member.view().is_some(),
                    ObjectKind::Sequence => matches!(member.kind, RelationKind::Sequence(_)),
                    _ => return Err(Error::unsupported(format_args!("GRANT on all {kind:?} in schema"))),
                };
                if fits {
                    self.grant_on_relation(grant, kind, &member, grantees)?;
                }
            }
        }
        Ok(())
    }

    /// Adds to or takes from an object's list.
    fn change_list(
        &mut self,
        grant: &Grant,
        target: Grantable,
        wanted: Privileges,
        grantees: &[String],
        name: &str,
        noun: &str,
    ) -> Result<()> {
        let catalog = self.view();
        let (kind, owner, listed) = (target.kind(&catalog), target.owner(&catalog), target.acl(&catalog));
        let texts = self.changed_list(grant, (kind, owner, listed.as_deref()), wanted, grantees, (name, noun))?;
        target.set_acl(self, Some(texts))
    }

    /// The list of an object after a statement: what it is checked as, its owner and its list so far are given.
    pub(super) fn changed_list(
        &mut self,
        grant: &Grant,
        (kind, owner, listed): (AclKind, Oid, Option<&[Arc<str>]>),
        wanted: Privileges,
        grantees: &[String],
        (name, noun): (&str, &str),
    ) -> Result<Vec<Arc<str>>> {
        let catalog = self.view();
        let owner_name = catalog.role(owner).map_or_else(String::new, |role| role.name.to_string());
        let mut items: Vec<AclItem> = match listed {
            Some(acl) => acl.iter().filter_map(|item| AclItem::parse(item)).collect(),
            None => default_items(kind, &owner_name),
        };
        let (grantor, allowed) = self.grantor(owner, kind, &owner_name, wanted, &items)?;
        let wanted = self.limit(grant, wanted, allowed, kind, owner, listed, (name, noun))?;
        for grantee in grantees {
            match grant.grant {
                true => add(&mut items, grantee, &grantor, wanted, grant.grant_option),
                false => {
                    take(&mut items, grantee, &grantor, wanted, grant.grant_option);
                    revoke_dependents(&mut items, grantee, &owner_name, grant.behavior)?;
                }
            }
        }
        Ok(items.iter().map(|item| Arc::from(item.to_string())).collect())
    }

    /// On whose behalf the role grants, and what it may grant on (`select_best_grantor`).
    fn grantor(
        &mut self,
        owner: Oid,
        kind: AclKind,
        owner_name: &str,
        wanted: Privileges,
        items: &[AclItem],
    ) -> Result<(String, Privileges)> {
        if self.has_privileges_of(owner) {
            return Ok((owner_name.to_owned(), kind.all()));
        }
        let catalog = self.view();
        let roles = catalog.inherited_roles(self.role);
        let mut best = (self.role, Privileges::default());
        for role in roles {
            let Some(own) = catalog.role(role) else { continue };
            let grantable = items
                .iter()
                .filter(|item| item.grantee == *own.name)
                .fold(Privileges::default(), |all, item| all.with(item.grantable));
            if grantable.contains(wanted) || best.1 == Privileges::default() && grantable != Privileges::default() {
                best = (role, grantable);
            }
        }
        let name = catalog.role(best.0).map_or_else(String::new, |role| role.name.to_string());
        Ok((name, best.1))
    }

    /// What of the privileges can be granted; warnings for the rest, 42501 for a role that has nothing to do with the
    /// object.
    #[allow(clippy::too_many_arguments, reason = "the facts of one list")]
    fn limit(
        &mut self,
        grant: &Grant,
        wanted: Privileges,
        allowed: Privileges,
        kind: AclKind,
        owner: Oid,
        listed: Option<&[Arc<str>]>,
        (name, noun): (&str, &str),
    ) -> Result<Privileges> {
        if allowed.contains(wanted) {
            return Ok(wanted);
        }
        if allowed == Privileges::default() {
            let role = self.role;
            let held = self.view().held_privileges(role, kind, owner, listed);
            if held.privileges == Privileges::default() {
                return Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    format!("permission denied for {noun} {name}"),
                ));
            }
        }
        let possible = wanted.within(allowed);
        let none = possible == Privileges::default();
        let (code, message) = match (grant.grant, none) {
            (true, true) => {
                (SqlState::WARNING_PRIVILEGE_NOT_GRANTED, format!("no privileges were granted for \"{name}\""))
            }
            (true, false) => {
                (SqlState::WARNING_PRIVILEGE_NOT_GRANTED, format!("not all privileges were granted for \"{name}\""))
            }
            (false, true) => {
                (SqlState::WARNING_PRIVILEGE_NOT_REVOKED, format!("no privileges could be revoked for \"{name}\""))
            }
            (false, false) => {
                (SqlState::WARNING_PRIVILEGE_NOT_REVOKED, format!("not all privileges could be revoked for \"{name}\""))
            }
        };
        self.notices.push(Error::with_severity(Severity::Warning, code, message));
        Ok(possible)
    }

    /// Roles are in lists by name.
    pub(super) fn rename_in_lists(&mut self, from: &str, to: &str) -> Result<()> {
        let catalog = self.view();
        for object in Grantable::all(&catalog, self.databases) {
            let Some(acl) = object.acl(&catalog) else { continue };
            let swap = |name: String| if name == from { to.to_owned() } else { name };
            let items = acl.iter().filter_map(|item| AclItem::parse(item));
            let renamed: Vec<Arc<str>> = items
                .map(|item| AclItem { grantee: swap(item.grantee), grantor: swap(item.grantor), ..item })
                .map(|item| Arc::from(item.to_string()))
                .collect();
            if renamed != acl {
                object.set_acl(self, Some(renamed))?;
            }
        }
        self.large_objects.rename_role(from, to);
        Ok(())
    }
}

/// Whether ALL FUNCTIONS, PROCEDURES or ROUTINES means a routine too.
fn is_of_kind(kind: ObjectKind, routine: &Routine) -> bool {
    match kind {
        ObjectKind::Function => routine.kind != ProcKind::Procedure,
        ObjectKind::Procedure => routine.kind == ProcKind::Procedure,
        _ => true,
    }
}

/// The list an object has when it has none (`acldefault`).
pub(super) fn default_items(kind: AclKind, owner: &str) -> Vec<AclItem> {
    let mut items = Vec::new();
    let public = kind.public();
    if public != Privileges::default() {
        items.push(AclItem {
            grantee: String::new(),
            privileges: public,
            grantable: Privileges::default(),
            grantor: owner.to_owned(),
        });
    }
    if kind != AclKind::Column {
        items.push(AclItem {
            grantee: owner.to_owned(),
            privileges: kind.all(),
            grantable: Privileges::default(),
            grantor: owner.to_owned(),
        });
    }
    items
}

/// The privileges some words mean; none is ALL.
pub(super) fn object_privileges(given: &[Privilege], kind: AclKind, noun: &str) -> Result<Privileges> {
    let mut privileges = Privileges::default();
    if given.is_empty() {
        return Ok(kind.all());
    }
    for privilege in given {
        let Some(word) = &privilege.name else { return Ok(kind.all()) };
        let lower = word.value.to_ascii_lowercase();
        let lower = if lower == "temp" { "temporary" } else { lower.as_str() };
        let known = WORDS.iter().find(|(known, _)| *known == lower).map(|(_, privilege)| *privilege);
        let known = known.ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized privilege type \"{}\"", word.value))
        })?;
        if !kind.all().contains(known) {
            return Err(Error::new(
                SqlState::INVALID_GRANT_OPERATION,
                format!("invalid privilege type {} for {noun}", lower.to_uppercase()),
            ));
        }
        privileges = privileges.with(known);
    }
    Ok(privileges)
}

pub(super) fn add(items: &mut Vec<AclItem>, grantee: &str, grantor: &str, privileges: Privileges, grantable: bool) {
    let granted = if grantable { privileges } else { Privileges::default() };
    match items.iter_mut().find(|item| item.grantee == grantee && item.grantor == grantor) {
        Some(item) => {
            item.privileges = item.privileges.with(privileges);
            item.grantable = item.grantable.with(granted);
        }
        None if privileges != Privileges::default() => items.push(AclItem {
            grantee: grantee.to_owned(),
            privileges,
            grantable: granted,
            grantor: grantor.to_owned(),
        }),
        None => {}
    }
}

pub(super) fn take(items: &mut Vec<AclItem>, grantee: &str, grantor: &str, privileges: Privileges, only_option: bool) {
    for item in items.iter_mut().filter(|item| item.grantee == grantee && item.grantor == grantor) {
        item.grantable = item.grantable.without(privileges);
        if !only_option {
            item.privileges = item.privileges.without(privileges);
        }
    }
    items.retain(|item| item.privileges != Privileges::default());
}

/// What a role granted on and may grant no more goes too; 2BP01 without CASCADE.
fn revoke_dependents(items: &mut Vec<AclItem>, grantor: &str, owner: &str, behavior: Behavior) -> Result<()> {
    if grantor == owner {
        return Ok(());
    }
    loop {
        let grantable = |name: &str, items: &[AclItem]| {
            items
                .iter()
                .filter(|item| item.grantee == name)
                .fold(Privileges::default(), |all, item| all.with(item.grantable))
        };
        let orphan = items
            .iter()
            .position(|item| item.grantor != owner && !grantable(&item.grantor, items).contains(item.privileges));
        let Some(orphan) = orphan else { return Ok(()) };
        if behavior == Behavior::Restrict {
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, "dependent privileges exist")
                .hint("Use CASCADE to revoke them too."));
        }
        let still = grantable(&items[orphan].grantor.clone(), items);
        let item = &mut items[orphan];
        item.privileges = item.privileges.within(still);
        item.grantable = item.grantable.within(still);
        items.retain(|item| item.privileges != Privileges::default());
    }
}
