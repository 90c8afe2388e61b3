//! ALTER ROLE … SET, ALTER DATABASE … SET: values that sessions begin with, by role and database.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Change, Object, Role};
use dictdb_parser::utility::{AlterSetting, RoleSpec, Set, SetAction};
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::authorization::Asking;
use crate::client::Tag;
use crate::portal::Outcome;
use crate::settings::{Authority, Scope, Settings, Source, definition};
use crate::{Instance, Session};

/// Whose sessions begin with the values.
struct Place {
    database: Option<Oid>,
    role: Option<Arc<Role>>,
}

impl Place {
    /// What stands there.
    fn values(&self, catalog: &Catalog) -> Vec<Arc<str>> {
        match (&self.role, self.database) {
            (Some(role), None) => role.settings.clone(),
            _ => catalog.settings_of(self.database.unwrap_or_default(), self.role_oid()).to_vec(),
        }
    }

    fn role_oid(&self) -> Oid {
        self.role.as_ref().map_or(Oid::INVALID, |role| role.oid)
    }

    fn change(&self, values: Vec<Arc<str>>) -> Change {
        match (&self.role, self.database) {
            (Some(role), None) => Change::Put(Object::Role(Arc::new(Role { settings: values, ..Role::clone(role) }))),
            _ => Change::Settings {
                place: (self.database.unwrap_or_default(), self.role_oid()),
                values: (!values.is_empty()).then_some(values),
            },
        }
    }
}

impl Session {
    /// Changes what sessions begin with. 3D000, 42704, 42501, and the errors of SET.
    pub(super) fn run_alter_setting(&mut self, alter: &AlterSetting) -> Result<Outcome> {
        let catalog = self.definitions.catalog.view(&self.shared.database.catalog);
        let place = self.setting_place(alter, &catalog)?;
        let mut values = place.values(&catalog);
        self.alter_values(&alter.set, &mut values, &catalog)?;
        self.definitions.catalog.change(&self.shared.database.catalog, place.change(values));
        self.catalog_epoch = self.shared.instance.new_epoch();
        Ok(Outcome::Done(Tag::new(if alter.of_database { "ALTER DATABASE" } else { "ALTER ROLE" })))
    }

    fn setting_place(&mut self, alter: &AlterSetting, catalog: &Catalog) -> Result<Place> {
        let role = match &alter.role {
            Some(spec) => Some(self.role_of_settings(spec, catalog)?),
            None => None,
        };
        let database = match &alter.database {
            Some(name) => {
                let name = name.value.as_str();
                let known = self.shared.instance.database(name);
                let database = known.map_err(|error| Error::new(error.code(), error.message()))?;
                if role.is_none() && !self.has_privileges_of(database.attributes.owner, catalog) {
                    let message = format!("must be owner of database {name}");
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                Some(database.oid)
            }
            None => None,
        };
        if role.is_none() && database.is_none() && !self.shared.is_superuser() {
            let message = "must be superuser to alter settings globally";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        Ok(Place { database, role })
    }

    fn has_privileges_of(&mut self, role: Oid, catalog: &Catalog) -> bool {
        self.shared.is_superuser() || catalog.inherited_roles(self.role()).contains(&role)
    }

    /// A role whose settings may be changed.
    fn role_of_settings(&mut self, spec: &RoleSpec, catalog: &Catalog) -> Result<Arc<Role>> {
        let name = match spec {
            RoleSpec::Name(name) => name.value.clone(),
            RoleSpec::Public => "public".to_owned(),
            RoleSpec::SessionUser => self.shared.session_user().to_string(),
            RoleSpec::CurrentUser => self.shared.current_user().to_string(),
        };
        if name.starts_with("pg_") {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved"))
                .detail("Cannot alter reserved roles."));
        }
        let role = catalog
            .role_named(&name)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist")))?;
        let denied = |message: &str| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        let own = catalog.role(self.role());
        match own {
            Some(own) if own.superuser => {}
            _ if role.superuser => return denied("must be superuser to alter superusers"),
            Some(own) if own.create_role || own.oid == role.oid => {}
            _ => return denied("permission denied"),
        }
        Ok(role.clone())
    }

    fn alter_values(&mut self, set: &Set, values: &mut Vec<Arc<str>>, catalog: &Catalog) -> Result<()> {
        let (name, text) = match &set.action {
            SetAction::Value { name, values } => (name, Some(self.flatten(name, values)?)),
            SetAction::FromCurrent { name } => (name, Some(self.shared.show(name)?)),
            SetAction::Default { name, .. } => (name, None),
            SetAction::ResetAll => {
                // What the role may not set it may not take away either.
                let instance = &self.shared.instance;
                let name_of = |value: &str| value.split('=').next().unwrap_or_default().to_owned();
                values.retain(|value| {
                    let name = name_of(value);
                    check_value(instance, &name, None, self.shared.authority_over(catalog, &name)).is_err()
                });
                return Ok(());
            }
            SetAction::Transaction { .. } | SetAction::TransactionSnapshot(_) => {
                return Err(Error::unsupported("SET TRANSACTION as a setting of a role or database"));
            }
        };
        if text.is_none() && values.is_empty() {
            return Ok(());
        }
        let authority = self.shared.authority_over(catalog, name);
        check_value(&self.shared.instance, name, text.as_deref(), authority)?;
        if let Some(text) = &text {
            self.note_missing_object(name, text);
        }
        let name = Settings::canonical_name(name);
        let is_same = |known: &Arc<str>| known.split('=').next().is_some_and(|own| own.eq_ignore_ascii_case(&name));
        let position = values.iter().position(is_same);
        match (text.map(|text| format!("{name}={text}").into()), position) {
            (Some(value), Some(position)) => values[position] = value,
            (Some(value), None) => values.push(value),
            (None, Some(position)) => drop(values.remove(position)),
            (None, None) => {}
        }
        Ok(())
    }
}

/// Whether a session could begin with a value, and whether this role may say so; without a value, whether it may take one away.
fn check_value(instance: &Instance, name: &str, text: Option<&str>, authority: Authority) -> Result<()> {
    let mut probe = Settings::new(instance.settings.read().clone());
    match text {
        Some(text) => probe.set_at_start(name, text, Source::User, authority)?,
        // A setting of a user's own needs no value anywhere to be taken away here.
        None if name.contains('.') => {}
        None => probe.reset(name, Scope::Local, authority)?,
    }
    if definition::by_name(name).is_none() && authority != Authority::Superuser {
        let message = format!("permission denied to set parameter \"{name}\"");
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    Ok(())
}

impl Settings {
    /// Begins with what is stored for a role in a database, the more special after the more general. What is wrong with a value is
    /// returned, and leaves that setting as it was.
    pub(crate) fn begin_with(&mut self, catalog: &Catalog, database: Oid, role: &Role) -> Vec<Error> {
        let all = Oid::INVALID;
        let layers = [
            (catalog.settings_of(all, all), Source::Global),
            (catalog.settings_of(database, all), Source::Database),
            (&role.settings[..], Source::User),
            (catalog.settings_of(database, role.oid), Source::DatabaseUser),
        ];
        let mut errors = Vec::new();
        for (values, source) in layers {
            for (name, value) in values.iter().filter_map(|value| value.split_once('=')) {
                let asking = Asking { authenticated: &role.name, session_user: &role.name };
                let may = asking.check(catalog, name, value);
                errors.extend(may.and_then(|()| self.set_at_start(name, value, source, Authority::Superuser)).err());
            }
        }
        errors
    }
}
