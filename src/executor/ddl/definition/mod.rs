//! Objects that are little more than a definition under a name ([`dictdb_catalog::Definition`]): what all kinds have in
//! common. They are found, renamed, moved, given away and dropped here; each kind is made in a file of its own.
//! Which commands event triggers can be about is in `command_tag`.

mod access_method;
mod collation;
mod command_tag;
mod connection;
mod conversion;
mod event_trigger;
mod foreign;
mod language;
mod publication;
mod statistics;
mod subscription;
mod text_search;
mod text_search_functions;

use std::sync::Arc;

use dictdb_catalog::{Change, Definition, DefinitionBody, DefinitionKind, Dependency, Key, Language, Object};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{ObjectKind, RoleSpec};
use dictdb_types::{Error, Oid, Result, SqlState, quote_identifier};

pub use command_tag::fires_event_triggers;
pub(super) use foreign::{changed_options, validate};
pub(super) use language::is_untrusted;
pub use text_search::template_function;

use super::DdlContext;
use super::names::{parts, shown};

/// The kind of definition that commands call so.
pub(super) fn kind_of(kind: ObjectKind) -> Option<DefinitionKind> {
    match kind {
        ObjectKind::Statistics => Some(DefinitionKind::Statistics),
        ObjectKind::TextSearchDictionary => Some(DefinitionKind::Dictionary),
        ObjectKind::TextSearchConfiguration => Some(DefinitionKind::Configuration),
        ObjectKind::TextSearchTemplate => Some(DefinitionKind::Template),
        ObjectKind::TextSearchParser => Some(DefinitionKind::Parser),
        ObjectKind::Publication => Some(DefinitionKind::Publication),
        ObjectKind::EventTrigger => Some(DefinitionKind::EventTrigger),
        ObjectKind::ForeignDataWrapper => Some(DefinitionKind::Wrapper),
        ObjectKind::Server => Some(DefinitionKind::Server),
        ObjectKind::Subscription => Some(DefinitionKind::Subscription),
        ObjectKind::Conversion => Some(DefinitionKind::Conversion),
        ObjectKind::Collation => Some(DefinitionKind::Collation),
        ObjectKind::Tablespace => Some(DefinitionKind::Tablespace),
        ObjectKind::AccessMethod => Some(DefinitionKind::AccessMethod),
        ObjectKind::Language => Some(DefinitionKind::Language),
        _ => None,
    }
}

impl DdlContext<'_> {
    /// The definition a name means, if there is one. 3F000.
    pub(super) fn look_up_definition(
        &mut self,
        kind: DefinitionKind,
        name: &ObjectName,
    ) -> Result<Option<Arc<Definition>>> {
        let catalog = self.view();
        Ok(match parts(name).as_slice() {
            [name] if !kind.has_schema() => catalog.definition_in(kind, Oid::INVALID, &name.value).cloned(),
            [name] => catalog.definition_on_path(kind, self.search_path, &name.value).cloned(),
            [.., schema, name] => {
                let namespace = self.schema_oid(&catalog, &schema.value)?;
                catalog.definition_in(kind, namespace, &name.value).cloned()
            }
            [] => None,
        })
    }

    /// The definition that a name means. 42704, and what is built in is not to be changed.
    pub(super) fn find_definition(&mut self, kind: DefinitionKind, name: &ObjectName) -> Result<Arc<Definition>> {
        match self.look_up_definition(kind, name)? {
            Some(own) => Ok(own),
            None if text_search::built_in(kind, self.search_path, name, &self.view()).is_some() => {
                Err(Error::unsupported(format_args!("changing a built-in {}", kind.noun())))
            }
            None => Err(missing(kind, name)),
        }
    }

    /// The definition that the current role owns. 42704, 42501.
    pub(super) fn own_definition(&mut self, kind: DefinitionKind, name: &ObjectName) -> Result<Arc<Definition>> {
        let own = self.find_definition(kind, name)?;
        self.check_definition_owner(&own)?;
        Ok(own)
    }

    /// The key of the definition that DROP names; the inner error says that there is none.
    pub(super) fn definition_key(&mut self, kind: DefinitionKind, name: &ObjectName) -> Result<Result<Key>> {
        if let Some(absent) = self.missing_schema(name).filter(|_| kind.has_schema()) {
            return Ok(Err(absent));
        }
        if let Some(own) = self.look_up_definition(kind, name)? {
            return Ok(Ok(own.key()));
        }
        let built_in = text_search::built_in(kind, self.search_path, name, &self.view());
        if kind == DefinitionKind::Language && built_in == Some(Language::Plpgsql.oid()) {
            let message = "cannot drop language plpgsql because extension plpgsql requires it";
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
                .hint("You can drop extension plpgsql instead."));
        }
        if built_in.is_some_and(|oid| oid >= Oid::FIRST_UNPINNED) {
            return Err(Error::unsupported(format_args!("dropping a built-in {}", kind.noun())));
        }
        if built_in.is_some() {
            let message =
                format!("cannot drop {} {} because it is required by the database system", kind.noun(), quoted(name));
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
        }
        Ok(Err(missing(kind, name)))
    }

    /// 42501 unless the current role owns it.
    pub(super) fn check_definition_owner(&mut self, own: &Definition) -> Result<()> {
        match self.has_privileges_of(own.owner) {
            true => Ok(()),
            false => Err(super::ownership::not_owner(foreign::owned_noun(own.kind()), &own.name)),
        }
    }

    /// Likewise for DROP, which the schema's owner may too.
    pub(super) fn check_definition_droppable(&mut self, oid: Oid) -> Result<()> {
        let catalog = self.view();
        let Some(own) = catalog.definition(oid).cloned() else { return Ok(()) };
        let schema_owner = catalog.schema(own.namespace).map(|schema| schema.owner);
        match schema_owner.is_some_and(|owner| self.has_privileges_of(owner)) {
            true => Ok(()),
            false => self.check_definition_owner(&own),
        }
    }

    /// Makes a definition that the current role owns. Its name is known to be free.
    fn new_definition(&mut self, namespace: Oid, name: Arc<str>, body: DefinitionBody) -> Key {
        let definition = Definition { oid: self.new_oid(), name, namespace, owner: self.role, body };
        let key = definition.key();
        self.put(Object::Definition(Arc::new(definition)));
        if namespace.is_valid() {
            self.depend(key, Key::Schema(namespace), Dependency::Normal);
        }
        key
    }

    /// Puts another body into a definition.
    fn redefine(&mut self, own: &Definition, body: DefinitionBody) {
        self.put(Object::Definition(Arc::new(Definition { body, ..own.clone() })));
    }

    /// 42710 when a name is taken.
    fn check_definition_free(&mut self, kind: DefinitionKind, namespace: Oid, name: &str) -> Result<()> {
        let catalog = self.view();
        let is_built_in = kind == DefinitionKind::Language && Language::named(name).is_some();
        if catalog.definition_in(kind, namespace, name).is_none() && !is_built_in {
            return Ok(());
        }
        let place = catalog.schema(namespace).map(|schema| format!(" in schema \"{}\"", schema.name));
        let message = format!("{} \"{name}\" already exists{}", kind.noun(), place.unwrap_or_default());
        Err(Error::new(SqlState::DUPLICATE_OBJECT, message))
    }

    /// `ALTER … RENAME TO`.
    pub(super) fn rename_definition(&mut self, kind: DefinitionKind, name: &ObjectName, to: &str) -> Result<()> {
        let own = self.find_definition(kind, name)?;
        self.check_definition_owner(&own)?;
        if kind == DefinitionKind::Tablespace {
            super::tablespace::check_tablespace_name(to)?;
        }
        self.check_definition_free(kind, own.namespace, to)?;
        self.put(Object::Definition(Arc::new(Definition { name: Arc::from(to), ..Definition::clone(&own) })));
        Ok(())
    }

    /// `ALTER … SET SCHEMA`.
    pub(super) fn move_definition(&mut self, kind: DefinitionKind, name: &ObjectName, schema: &str) -> Result<()> {
        let own = self.own_definition(kind, name)?;
        let namespace = self.new_schema(schema)?;
        self.put_definition_in(&own, namespace)
    }

    /// Moves a definition to another schema. 42710.
    pub(super) fn put_definition_in(&mut self, own: &Arc<Definition>, namespace: Oid) -> Result<()> {
        if own.namespace == namespace || !own.kind().has_schema() {
            return Ok(());
        }
        self.check_definition_free(own.kind(), namespace, &own.name)?;
        self.move_dependency(own.key(), own.namespace, namespace);
        self.put(Object::Definition(Arc::new(Definition { namespace, ..Definition::clone(own) })));
        Ok(())
    }

    /// 42501 for objects that not everybody may own.
    fn check_may_own(&mut self, own: &Definition, owner: Oid) -> Result<()> {
        let noun = own.kind().noun();
        let article = match own.kind() {
            DefinitionKind::EventTrigger => "an",
            DefinitionKind::Wrapper | DefinitionKind::Subscription => "a",
            DefinitionKind::Server if !self.is_superuser() => {
                let wrapper = own.server().and_then(|info| self.view().definition(info.wrapper).cloned());
                return wrapper.map_or(Ok(()), |wrapper| self.check_definition_usage(&wrapper, owner));
            }
            _ => return Ok(()),
        };
        if self.view().role(owner).is_none_or(|role| role.superuser) {
            return Ok(());
        }
        let message = format!("permission denied to change owner of {noun} \"{}\"", own.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .hint(format!("The owner of {article} {noun} must be a superuser.")))
    }

    /// `ALTER … OWNER TO`.
    pub(super) fn give_definition(&mut self, kind: DefinitionKind, name: &ObjectName, role: &RoleSpec) -> Result<()> {
        let owner = self.role_oid(role)?;
        let own = self.find_definition(kind, name)?;
        if own.owner == owner {
            return Ok(());
        }
        if kind == DefinitionKind::Wrapper && !self.is_superuser() {
            let message = format!("permission denied to change owner of foreign-data wrapper \"{}\"", own.name);
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .hint("Must be superuser to change owner of a foreign-data wrapper."));
        }
        self.check_definition_owner(&own)?;
        self.check_new_owner(owner)?;
        self.check_may_own(&own, owner)?;
        if let Some(info) = own.publication() {
            self.check_publication_owner(&own.name, info, owner)?;
        }
        self.give_definition_to(&own, owner);
        Ok(())
    }

    /// Gives a definition to a role, with the privileges the old owner granted.
    pub(super) fn give_definition_to(&mut self, own: &Arc<Definition>, owner: Oid) {
        let acl = self.view().acl_of(own.kind().class(), own.oid).map(<[_]>::to_vec);
        if let Some(acl) = acl {
            let acl = Some(self.acl_of_new_owner(&acl, own.owner, owner));
            self.change(Change::Acl { class: own.kind().class(), object: own.oid, acl });
        }
        self.put(Object::Definition(Arc::new(Definition { owner, ..Definition::clone(own) })));
    }
}

/// A name as SQL text.
fn quoted(name: &ObjectName) -> String {
    let parts: Vec<_> = parts(name).iter().map(|part| quote_identifier(&part.value).into_owned()).collect();
    parts.join(".")
}

/// 42704.
fn missing(kind: DefinitionKind, name: &ObjectName) -> Error {
    let encoding = if kind == DefinitionKind::Collation { " for encoding \"UTF8\"" } else { "" };
    let message = format!("{} \"{}\"{encoding} does not exist", kind.noun(), shown(name));
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}
