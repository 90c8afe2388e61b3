//! CREATE OPERATOR CLASS and FAMILY, ALTER OPERATOR FAMILY, and how commands find classes and families.

use std::sync::Arc;

use dictdb_catalog::{Change, DefinitionKind, Dependency, Key, Object, OperatorClass, OperatorFamily};
use dictdb_functions::facts::{self, Opclass};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{AlterOperatorFamily, CreateOperatorClass, CreateOperatorFamily};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::member::Members;
use super::method::Method;
use crate::ddl::DdlContext;
use crate::ddl::names::{parts, shown};

impl DdlContext<'_> {
    /// 42704, 42710, 42P17, 42501.
    pub(in crate::ddl) fn create_operator_class(&mut self, create: &CreateOperatorClass) -> Result<()> {
        let (namespace, name) = self.new_name(&create.name, false)?;
        self.check_create_in(namespace)?;
        let method = self.method_named(&create.method)?;
        self.check_superuser("create an operator class")?;
        let input = self.definition_type(&create.data_type)?;
        let oid = self.new_oid();
        let named = match &create.family {
            Some(family) => Some(self.find_family(family, method)?),
            None => self.view().opfamily_in(namespace, method.oid, &name),
        };
        let members = self.members(&create.items, method, Some(input))?;
        self.check_new_class(&name, namespace, method, input, create.default)?;
        let family = match named {
            Some(family) => family,
            None => self.put_family(namespace, name.clone(), method),
        };
        let class = Opclass {
            oid,
            method: method.oid,
            name,
            namespace,
            family,
            input,
            default: create.default,
            key: members.storage.unwrap_or_default(),
        };
        let own = Key::OperatorClass(oid);
        self.depend(own, Key::Schema(namespace), Dependency::Normal);
        if input >= Oid::FIRST_NORMAL {
            self.depend(own, Key::Type(input), Dependency::Normal);
        }
        if family >= Oid::FIRST_NORMAL {
            self.depend(own, Key::OperatorFamily(family), Dependency::Auto);
        }
        for on in members.uses() {
            self.depend(own, on, Dependency::Normal);
        }
        self.put(Object::OperatorClass(Arc::new(OperatorClass { class, owner: self.role })));
        self.add_members(family, method, members, oid)
    }

    /// 42501 unless the current role is a superuser.
    pub(in crate::ddl) fn check_superuser(&mut self, what: &str) -> Result<()> {
        // An extension's script runs with the rights of whoever may create the extension.
        if self.is_superuser() {
            return Ok(());
        }
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be superuser to {what}")))
    }

    fn check_new_class(&mut self, name: &str, namespace: Oid, method: Method, input: Oid, default: bool) -> Result<()> {
        let catalog = self.view();
        if catalog.opclass_in(namespace, method.oid, name).is_some() {
            let message = format!("operator class \"{name}\" for access method \"{}\" already exists", method.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let own = catalog.operator_classes().map(|own| &own.class);
        let mut all = facts::opclasses().iter().chain(own);
        let other = all.find(|class| class.method == method.oid && class.input == input && class.default);
        match other.filter(|_| default) {
            None => Ok(()),
            Some(other) => {
                let ty = self.shown_type(input, &catalog);
                let message = format!("could not make operator class \"{name}\" be default for type {ty}");
                let detail = format!("Operator class \"{}\" already is the default.", other.name);
                Err(Error::new(SqlState::DUPLICATE_OBJECT, message).detail(detail))
            }
        }
    }

    /// 42710, 42501.
    pub(in crate::ddl) fn create_operator_family(&mut self, create: &CreateOperatorFamily) -> Result<()> {
        let (namespace, name) = self.new_name(&create.name, false)?;
        self.check_create_in(namespace)?;
        let method = self.method_named(&create.method)?;
        self.check_superuser("create an operator family")?;
        if self.view().opfamily_in(namespace, method.oid, &name).is_some() {
            let message = format!("operator family \"{name}\" for access method \"{}\" already exists", method.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.put_family(namespace, name, method);
        Ok(())
    }

    fn put_family(&mut self, namespace: Oid, name: Arc<str>, method: Method) -> Oid {
        let oid = self.new_oid();
        let family = OperatorFamily {
            oid,
            name,
            namespace,
            owner: self.role,
            method: method.oid,
            operators: Vec::new(),
            functions: Vec::new(),
        };
        self.depend(Key::OperatorFamily(oid), Key::Schema(namespace), Dependency::Normal);
        if method.oid >= Oid::FIRST_NORMAL {
            let on = Key::Definition(DefinitionKind::AccessMethod, method.oid);
            self.depend(Key::OperatorFamily(oid), on, Dependency::Auto);
        }
        self.put(Object::OperatorFamily(Arc::new(family)));
        oid
    }

    /// The family as it is kept: of a built-in one the additions.
    fn family_to_change(&mut self, oid: Oid, method: Method) -> OperatorFamily {
        match self.view().operator_family(oid) {
            Some(own) => OperatorFamily::clone(own),
            None => OperatorFamily {
                oid,
                name: Arc::from(""),
                namespace: dictdb_catalog::namespaces::PG_CATALOG,
                owner: dictdb_catalog::BOOTSTRAP_ROLE,
                method: method.oid,
                operators: Vec::new(),
                functions: Vec::new(),
            },
        }
    }

    /// Puts members into a family, of a class or loose ones (zero). 42710.
    fn add_members(&mut self, family: Oid, method: Method, members: Members, class: Oid) -> Result<()> {
        let mut changed = self.family_to_change(family, method);
        let catalog = self.view();
        let name = self.family_name(family);
        let shown = |ty: Oid| self.shown_type(ty, &catalog);
        let taken = |what: &str, number: i16, left: Oid, right: Oid| {
            let (left, right) = (shown(left), shown(right));
            let message = format!("{what} {number}({left},{right}) already exists in operator family \"{name}\"");
            Error::new(SqlState::DUPLICATE_OBJECT, message)
        };
        for mut strategy in members.operators {
            let place = (strategy.left, strategy.right, strategy.number);
            if changed.operators.iter().any(|(s, _)| (s.left, s.right, s.number) == place) {
                return Err(taken("operator", strategy.number, strategy.left, strategy.right));
            }
            (strategy.oid, strategy.family) = (self.store.allocate_oid(), family);
            changed.operators.push((strategy, class));
        }
        for mut function in members.functions {
            let place = (function.left, function.right, function.number);
            if changed.functions.iter().any(|(f, _)| (f.left, f.right, f.number) == place) {
                return Err(taken("function", function.number, function.left, function.right));
            }
            (function.oid, function.family) = (self.store.allocate_oid(), family);
            changed.functions.push((function, class));
        }
        self.put(Object::OperatorFamily(Arc::new(changed)));
        Ok(())
    }

    fn family_name(&mut self, oid: Oid) -> String {
        match facts::opfamily_by_oid(oid) {
            Some(known) => known.name.to_owned(),
            None => self.view().operator_family(oid).map(|family| family.name.to_string()).unwrap_or_default(),
        }
    }

    /// ALTER OPERATOR FAMILY … ADD and DROP.
    pub(in crate::ddl) fn alter_operator_family(&mut self, alter: &AlterOperatorFamily) -> Result<()> {
        let method = self.method_named(&alter.method)?;
        let family = self.find_family(&alter.name, method)?;
        self.check_superuser("alter an operator family")?;
        if !alter.drop {
            let members = self.members(&alter.items, method, None)?;
            return self.add_members(family, method, members, Oid::INVALID);
        }
        let gone = self.dropped_members(&alter.items, method)?;
        let mut changed = self.family_to_change(family, method);
        let name = shown(&alter.name);
        for (is_operator, number, left, right) in gone {
            let before = (changed.operators.len(), changed.functions.len());
            if is_operator {
                changed.operators.retain(|(s, _)| (s.left, s.right, s.number) != (left, right, number));
            } else {
                changed.functions.retain(|(f, _)| (f.left, f.right, f.number) != (left, right, number));
            }
            if before == (changed.operators.len(), changed.functions.len()) {
                let catalog = self.view();
                let what = if is_operator { "operator" } else { "function" };
                let [left, right] = [left, right].map(|ty| self.shown_type(ty, &catalog));
                let message = format!("{what} {number}({left},{right}) does not exist in operator family \"{name}\"");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            }
        }
        self.put(Object::OperatorFamily(Arc::new(changed)));
        Ok(())
    }

    /// A family by name. 42704.
    pub(super) fn find_family(&mut self, name: &ObjectName, method: Method) -> Result<Oid> {
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let catalog = self.view();
        let namespaces = self.namespaces_of(name)?;
        let found = namespaces.iter().find_map(|namespace| catalog.opfamily_in(*namespace, method.oid, &bare));
        found.ok_or_else(|| absent("operator family", name, method))
    }

    /// The class or family a command means; the inner error (42704) says that there is none.
    pub(in crate::ddl) fn find_class_or_family(
        &mut self,
        name: &ObjectName,
        method: &Ident,
        family: bool,
    ) -> Result<Result<Key>> {
        // Even IF EXISTS wants a method that does.
        let method = self.method_named(method)?;
        if family {
            return Ok(self.find_family(name, method).map(Key::OperatorFamily));
        }
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let catalog = self.view();
        let namespaces = match self.namespaces_of(name) {
            Ok(namespaces) => namespaces,
            Err(missing) => return Ok(Err(missing)),
        };
        let found = namespaces.iter().find_map(|namespace| catalog.opclass_in(*namespace, method.oid, &bare));
        Ok(found.map(|class| Key::OperatorClass(class.oid)).ok_or_else(|| absent("operator class", name, method)))
    }

    /// Takes a class away with what it brought into its family.
    pub(in crate::ddl) fn drop_operator_class(&mut self, oid: Oid) {
        let catalog = self.view();
        if let Some(own) = catalog.operator_class(oid)
            && let Some(family) = catalog.operator_family(own.class.family)
        {
            let mut changed = OperatorFamily::clone(family);
            changed.operators.retain(|(_, class)| *class != oid);
            changed.functions.retain(|(_, class)| *class != oid);
            self.put(Object::OperatorFamily(Arc::new(changed)));
        }
        self.remove(Key::OperatorClass(oid));
    }

    /// Gives a class or family another name, owner or schema. 42710.
    pub(in crate::ddl) fn change_class_or_family(
        &mut self,
        key: Key,
        name: Option<&str>,
        owner: Option<Oid>,
        namespace: Option<Oid>,
    ) -> Result<()> {
        let catalog = self.view();
        let (noun, own, method, old, changed) = match key {
            Key::OperatorClass(oid) => {
                let Some(own) = catalog.operator_class(oid) else { return Err(built_in("OPERATOR CLASS")) };
                let mut changed = OperatorClass::clone(own);
                let old = (own.class.namespace, own.owner, own.class.name.clone());
                changed.class.name = name.map_or(changed.class.name, Arc::from);
                changed.class.namespace = namespace.unwrap_or(changed.class.namespace);
                changed.owner = owner.unwrap_or(changed.owner);
                let place = (changed.class.namespace, changed.class.name.clone());
                ("operator class", place, own.class.method, old, Object::OperatorClass(Arc::new(changed)))
            }
            Key::OperatorFamily(oid) => {
                let own = catalog.operator_family(oid).filter(|own| !own.name.is_empty());
                let Some(own) = own else { return Err(built_in("OPERATOR FAMILY")) };
                let mut changed = OperatorFamily::clone(own);
                let old = (own.namespace, own.owner, own.name.clone());
                changed.name = name.map_or(changed.name, Arc::from);
                changed.namespace = namespace.unwrap_or(changed.namespace);
                changed.owner = owner.unwrap_or(changed.owner);
                let place = (changed.namespace, changed.name.clone());
                ("operator family", place, own.method, old, Object::OperatorFamily(Arc::new(changed)))
            }
            _ => return Err(Error::internal("neither an operator class nor a family")),
        };
        if !self.has_privileges_of(old.1) {
            return Err(crate::ddl::ownership::not_owner(noun, &old.2));
        }
        if let Some(owner) = owner {
            self.check_new_owner(owner)?;
        }
        if (own.0, &own.1) != (old.0, &old.2) {
            self.check_create_in(own.0)?;
            let taken = match noun {
                "operator class" => catalog.opclass_in(own.0, method, &own.1).is_some(),
                _ => catalog.opfamily_in(own.0, method, &own.1).is_some(),
            };
            if taken {
                let schema = catalog.schema(own.0).map(|schema| schema.name.to_string()).unwrap_or_default();
                let method = catalog.access_method_name(method);
                let message = format!(
                    "{noun} \"{}\" for access method \"{method}\" already exists in schema \"{schema}\"",
                    own.1
                );
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
        }
        if own.0 != old.0 {
            self.move_dependency(key, old.0, own.0);
        }
        self.put(changed);
        Ok(())
    }

    /// 42501 unless the role owns the class or family.
    pub(in crate::ddl) fn check_class_owner(&mut self, key: Key) -> Result<()> {
        let catalog = self.view();
        let (noun, owner, name) = match key {
            Key::OperatorClass(oid) => match catalog.operator_class(oid) {
                Some(own) => ("operator class", own.owner, own.class.name.clone()),
                None => return Err(required("operator class", catalog.any_opclass(oid).map(|class| &*class.name))),
            },
            Key::OperatorFamily(oid) => match catalog.operator_family(oid).filter(|own| !own.name.is_empty()) {
                Some(own) => ("operator family", own.owner, own.name.clone()),
                None => return Err(required("operator family", facts::opfamily_by_oid(oid).map(|known| known.name))),
            },
            _ => return Ok(()),
        };
        match self.has_privileges_of(owner) {
            true => Ok(()),
            false => Err(crate::ddl::ownership::not_owner(noun, &name)),
        }
    }

    /// Forgets what families know of an operator or function that goes.
    pub(in crate::ddl) fn forget_member(&mut self, operator: Option<Oid>, function: Option<Oid>) {
        let catalog = self.view();
        for family in catalog.operator_families() {
            let mut changed = OperatorFamily::clone(family);
            changed.operators.retain(|(strategy, _)| Some(strategy.operator) != operator);
            changed.functions.retain(|(member, _)| Some(member.proc) != function);
            let counts = (changed.operators.len(), changed.functions.len());
            if counts != (family.operators.len(), family.functions.len()) {
                self.change(Change::Put(Object::OperatorFamily(Arc::new(changed))));
            }
        }
    }
}

fn absent(noun: &str, name: &ObjectName, method: Method) -> Error {
    let message = format!("{noun} \"{}\" does not exist for access method \"{}\"", shown(name), method.name);
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn built_in(noun: &str) -> Error {
    Error::unsupported(format_args!("ALTER {noun} of one that is built in"))
}

/// 2BP01 for what every database has.
fn required(noun: &str, name: Option<&str>) -> Error {
    let message = format!("cannot drop {noun} {} because it is required by the database system", name.unwrap_or("?"));
    Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message)
}
