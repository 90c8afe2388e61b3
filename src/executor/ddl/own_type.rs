//! CREATE TYPE of base types and shells, ALTER TYPE … SET.
//!
//! The functions of a base type are C functions or PostgreSQL's own. DictDB has no way to load code, so a type can be made of what is
//! here: an extension's type, or a type whose values are those of a built-in one, which its input function names.

use std::sync::Arc;

use dictdb_catalog::{BaseInfo, Change, Dependency, Key, Object};
use dictdb_functions::facts;
use dictdb_parser::ast::{DataType, ObjectName};
use dictdb_parser::utility::{AlterType, DefElem, DefineObject};
use dictdb_types::{Error, ExtensionType, Oid, Result, Severity, SqlState, TypeInfo, TypeKind, oids};

use super::DdlContext;
use super::names::{parts, shown};
use super::operator::option;

/// 42P17.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

/// A shell's functions: none.
fn shell(ty: Oid) -> BaseInfo {
    BaseInfo {
        ty,
        input: Oid::INVALID,
        output: Oid::INVALID,
        receive: Oid::INVALID,
        send: Oid::INVALID,
        modin: Oid::INVALID,
        modout: Oid::INVALID,
        analyze: Oid::INVALID,
        subscript: Oid::INVALID,
        storage: b'p',
        default: None,
        default_expression: None,
        defined: false,
    }
}

/// Functions of a type by the option that names them.
type Functions<'o> = Vec<(&'static str, &'o DefElem)>;

const FUNCTIONS: &[&str] = &["input", "output", "receive", "send", "typmod_in", "typmod_out", "analyze", "subscript"];

impl DdlContext<'_> {
    /// 42710, 42P17, 42883, 0A000.
    pub(super) fn create_base_type(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let old = self.view().type_in(namespace, &name);
        let is_shell = old.as_ref().is_some_and(|info| self.view().is_shell(info.oid));
        match (&define.definition, &old) {
            (_, Some(_)) if !is_shell || define.definition.is_none() => {
                Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")))
            }
            (None, _) => self.put_shell(namespace, name).map(drop),
            (Some(_), None) => {
                let hint =
                    "Create the type as a shell type, then create its I/O functions, then do a full CREATE TYPE.";
                Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" does not exist")).hint(hint))
            }
            (Some(options), Some(info)) => self.complete_type(info, options),
        }
    }

    /// A type that has only been named.
    pub(super) fn put_shell(&mut self, namespace: Oid, name: Arc<str>) -> Result<Oid> {
        let info = TypeInfo {
            kind: TypeKind::Pseudo,
            category: b'P',
            len: 4,
            by_value: true,
            ..self.new_type(namespace, name)
        };
        let oid = info.oid;
        self.depend(Key::Type(oid), Key::Schema(namespace), Dependency::Normal);
        self.put(Object::Type(Arc::new(info)));
        self.put(Object::Base(Arc::new(shell(oid))));
        Ok(oid)
    }

    /// The type that a function is declared over, which may be a shell; one that a C function returns is made. 42704.
    pub(super) fn type_or_shell(&mut self, data_type: &DataType, makes: bool) -> Result<Option<Oid>> {
        let Some(written) = dictdb_parser::TypeName::of(data_type) else { return Ok(None) };
        if written.dimensions > 0 || written.of_column || !written.modifiers.is_empty() {
            return Ok(None);
        }
        let name = ObjectName::from(written.names.into_iter().cloned().collect::<Vec<_>>());
        match self.find_type(&name) {
            Ok(info) if self.view().is_shell(info.oid) => Ok(Some(info.oid)),
            Ok(_) => Ok(None),
            Err(_) if makes => {
                let (namespace, bare) = self.new_name(&name, false)?;
                self.check_create_in(namespace)?;
                let message = format!("type \"{}\" is not yet defined", shown(&name));
                let notice = Error::with_severity(Severity::Notice, SqlState::UNDEFINED_OBJECT, message);
                self.notices.push(notice.detail("Creating a shell type definition."));
                self.put_shell(namespace, bare).map(Some)
            }
            Err(_) => Ok(None),
        }
    }

    fn complete_type(&mut self, shell_type: &TypeInfo, options: &[DefElem]) -> Result<()> {
        if !self.is_superuser() {
            let message = "must be superuser to create a base type";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let mut info =
            TypeInfo { kind: TypeKind::Base, category: b'U', len: -1, by_value: false, ..TypeInfo::clone(shell_type) };
        let mut base = BaseInfo { defined: true, ..shell(info.oid) };
        let functions = self.apply_type_options(options, &mut info, &mut base)?;
        let of = |wanted: &str| functions.iter().find(|(name, _)| *name == wanted).map(|(_, option)| *option);
        let Some(input) = of("input") else { return Err(invalid("type input function must be specified")) };
        let Some(output) = of("output") else { return Err(invalid("type output function must be specified")) };
        if of("typmod_out").is_some() && of("typmod_in").is_none() {
            let message = "type modifier output function is useless without a type modifier input function";
            return Err(invalid(message));
        }
        base.input = self.type_input(input, info.oid, oids::CSTRING)?;
        base.output = self.type_function(output, &[info.oid], oids::CSTRING, "cstring")?;
        if let Some(receive) = of("receive") {
            base.receive = self.type_input(receive, info.oid, oids::INTERNAL)?;
        }
        if let Some(send) = of("send") {
            base.send = self.type_function(send, &[info.oid], oids::BYTEA, "bytea")?;
        }
        if of("typmod_in").is_some() || of("typmod_out").is_some() {
            return Err(Error::unsupported("a base type with modifiers"));
        }
        if let Some(subscript) = of("subscript") {
            base.subscript = self.type_function(subscript, &[oids::INTERNAL], oids::INTERNAL, "internal")?;
        }
        info.input = self.symbol_of(base.input);
        if ExtensionType::of_input(&info.input).is_none() && info.model() == info.oid {
            return Err(Error::unsupported(format_args!("a base type that is read by {}", info.input)));
        }
        let own = Key::Type(info.oid);
        for function in [base.input, base.output, base.receive, base.send, base.subscript] {
            if function >= Oid::FIRST_NORMAL {
                self.depend(own, Key::Function(function), Dependency::Normal);
                // The functions of a type go with it.
                self.depend(Key::Function(function), own, Dependency::Normal);
            }
        }
        if let Some(default) = &base.default {
            let literal = dictdb_types::quote_literal(default);
            let catalog = self.view();
            let ty = self.shown_type(info.oid, &catalog);
            base.default_expression = Some(Arc::from(format!("{literal}::{ty}")));
        }
        self.put(Object::Base(Arc::new(base)));
        self.put_type_with_array(info).map(drop)
    }

    fn apply_type_options<'o>(
        &mut self,
        options: &'o [DefElem],
        info: &mut TypeInfo,
        base: &mut BaseInfo,
    ) -> Result<Functions<'o>> {
        let mut functions = Vec::new();
        base.storage = b'p';
        for (at, item) in options.iter().enumerate() {
            let name = item.name.value.as_str();
            if options[..at].iter().any(|other| other.name.value == name) {
                let position = dictdb_parser::position::of_span(item.name.span);
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(position));
            }
            if let Some(function) = FUNCTIONS.iter().find(|function| **function == name) {
                functions.push((*function, item));
                continue;
            }
            match name {
                "like" => self.take_after(item, info, base)?,
                "internallength" => info.len = length(item)?,
                "category" => info.category = category(&option::of_text(item)?)?,
                "preferred" => info.preferred = option::of_boolean(item)?,
                "delimiter" => info.delimiter = option::of_text(item)?.bytes().next().unwrap_or(b','),
                "element" => {
                    let element = option::of_type(item)?;
                    info.element = self.definition_type(&element)?;
                }
                "default" => base.default = Some(Arc::from(option::of_text(item)?)),
                "passedbyvalue" => info.by_value = option::of_boolean(item)?,
                "alignment" => info.align = alignment(&option::of_text(item)?)?,
                "storage" => base.storage = storage(&option::of_text(item)?)?,
                "collatable" => {
                    const DEFAULT_COLLATION: Oid = Oid(100);
                    info.collation = if option::of_boolean(item)? { DEFAULT_COLLATION } else { Oid::INVALID };
                }
                _ => {
                    let position = dictdb_parser::position::of_span(item.name.span);
                    self.notices.push(option::unknown("type", item).at(position));
                }
            }
        }
        if base.storage != b'p' && info.len != -1 {
            return Err(invalid("fixed-size types must have storage PLAIN"));
        }
        Ok(functions)
    }

    /// `LIKE = type`.
    fn take_after(&mut self, item: &DefElem, info: &mut TypeInfo, base: &mut BaseInfo) -> Result<()> {
        let written = option::of_type(item)?;
        let model = self.definition_type(&written)?;
        let model = self.type_info(model)?;
        (info.len, info.by_value, info.align) = (model.len, model.by_value, model.align);
        base.storage = if model.len == -1 { b'x' } else { b'p' };
        Ok(())
    }

    /// An input or receive function: of the text alone, or with the type and its modifier too.
    fn type_input(&mut self, option: &DefElem, ty: Oid, of: Oid) -> Result<Oid> {
        let name = option::of_name(option)?;
        let found = match self.exact_function(&name, &[of])? {
            Some(found) => found,
            None => match self.exact_function(&name, &[of, oids::OID, oids::INT4])? {
                Some(found) => found,
                None => return Err(self.no_function(&name, &[of])),
            },
        };
        let catalog = self.view();
        if found.result != ty {
            let kind = if of == oids::CSTRING { "input" } else { "receive" };
            let message =
                format!("type {kind} function {} must return type {}", shown(&name), self.shown_type(ty, &catalog));
            return Err(invalid(message));
        }
        Ok(found.oid)
    }

    fn type_function(&mut self, option: &DefElem, args: &[Oid], result: Oid, shown_result: &str) -> Result<Oid> {
        let name = option::of_name(option)?;
        let found = self.named_function(&name, args)?;
        if found.result != result {
            let kind = match option.name.value.as_str() {
                "subscript" => "subscripting",
                kind => kind,
            };
            let message = format!("type {kind} function {} must return type {shown_result}", shown(&name));
            return Err(invalid(message));
        }
        Ok(found.oid)
    }

    /// `prosrc`.
    fn symbol_of(&mut self, function: Oid) -> Arc<str> {
        match self.view().routine(function) {
            Some(own) => own.source.clone(),
            None => Arc::from(facts::proc_by_oid(function).map_or("", |known| known.source)),
        }
    }

    /// ALTER TYPE … SET (…): what can change without changing values. 42601, 42809, 42501.
    pub(super) fn alter_base_type(&mut self, alter: &AlterType) -> Result<()> {
        let info = self.find_type(&alter.name)?;
        let catalog = self.view();
        let known = catalog.base_type_info(info.oid).filter(|base| base.defined).cloned();
        let Some(known) = known else {
            let ty = self.shown_type(info.oid, &catalog);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{ty} is not a base type")));
        };
        let mut changed = BaseInfo::clone(&known);
        for item in &alter.options {
            let function = |own: &mut Self, args: &[Oid], result, shown: &str| match &item.value {
                Some(dictdb_parser::utility::DefValue::Keyword(word)) if word == "none" => Ok(Oid::INVALID),
                _ => own.type_function(item, args, result, shown),
            };
            match item.name.value.as_str() {
                "storage" => {
                    let storage = storage(&option::of_text(item)?)?;
                    if storage != b'p' && info.len != -1 {
                        return Err(invalid("fixed-size types must have storage PLAIN"));
                    }
                    if storage == b'p' && changed.storage != b'p' {
                        return Err(invalid("cannot change type's storage to PLAIN"));
                    }
                    changed.storage = storage;
                }
                "send" => changed.send = function(self, &[info.oid], oids::BYTEA, "bytea")?,
                "receive" => changed.receive = self.type_input(item, info.oid, oids::INTERNAL)?,
                "subscript" => changed.subscript = function(self, &[oids::INTERNAL], oids::INTERNAL, "internal")?,
                "typmod_in" | "typmod_out" => return Err(Error::unsupported("a base type with modifiers")),
                "analyze" => changed.analyze = function(self, &[oids::INTERNAL], oids::BOOL, "boolean")?,
                "input" | "output" | "internallength" | "passedbyvalue" | "alignment" | "like" | "category"
                | "preferred" | "default" | "element" | "delimiter" | "collatable" => {
                    let message = format!("type attribute \"{}\" cannot be changed", item.name.value);
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
                name => {
                    let message = format!("type attribute \"{name}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        if !self.is_superuser() {
            let message = "must be superuser to alter a type";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        self.change(Change::Put(Object::Base(Arc::new(changed))));
        Ok(())
    }
}

/// The last part of a name.
pub(super) fn bare(name: &ObjectName) -> String {
    parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default()
}

fn length(item: &DefElem) -> Result<i16> {
    match option::of_text(item)?.to_ascii_lowercase().as_str() {
        "variable" => Ok(-1),
        _ => option::of_integer(item).map(|length| length.clamp(-2, i32::from(i16::MAX)) as i16),
    }
}

fn category(text: &str) -> Result<u8> {
    match text.bytes().next() {
        Some(letter) if (32..=126).contains(&letter) => Ok(letter),
        _ => {
            let message = format!("invalid type category \"{text}\": must be simple ASCII");
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

fn alignment(text: &str) -> Result<u8> {
    match text.to_ascii_lowercase().as_str() {
        "double" | "float8" | "pg_catalog.float8" => Ok(b'd'),
        "int4" | "pg_catalog.int4" => Ok(b'i'),
        "int2" | "pg_catalog.int2" => Ok(b's'),
        "char" | "bpchar" | "pg_catalog.bpchar" => Ok(b'c'),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("alignment \"{text}\" not recognized"))),
    }
}

fn storage(text: &str) -> Result<u8> {
    match text.to_ascii_lowercase().as_str() {
        "plain" => Ok(b'p'),
        "external" => Ok(b'e'),
        "extended" => Ok(b'x'),
        "main" => Ok(b'm'),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("storage \"{text}\" not recognized"))),
    }
}
