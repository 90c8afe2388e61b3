//! CREATE and ALTER TEXT SEARCH DICTIONARY and CONFIGURATION.

use std::sync::Arc;

use dictdb_catalog::{
    Catalog, ConfigurationInfo, Definition, DefinitionBody, DefinitionKind, Dependency, DictionaryInfo, Key, namespaces,
};
use dictdb_functions::{facts, text_search};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{
    AlterConfiguration, AlterDictionary, DefElem, DefValue, DefineObject, MappingAction, ObjectKind,
};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;
use super::super::names::{parts, shown};

/// `pg_ts_parser.oid` of `default`.
const DEFAULT_PARSER: Oid = Oid(3722);

/// The oid of a text search object that every database has.
pub(super) fn built_in(kind: DefinitionKind, path: &[Oid], name: &ObjectName, catalog: &Catalog) -> Option<Oid> {
    let table = match kind {
        DefinitionKind::Dictionary => "pg_ts_dict",
        DefinitionKind::Configuration => "pg_ts_config",
        DefinitionKind::Template => "pg_ts_template",
        DefinitionKind::Parser => "pg_ts_parser",
        DefinitionKind::Conversion => "pg_conversion",
        DefinitionKind::Collation => "pg_collation",
        DefinitionKind::AccessMethod => "pg_am",
        DefinitionKind::Language => "pg_language",
        _ => return None,
    };
    in_table(table, path, name, catalog)
}

fn in_table(table: &str, path: &[Oid], name: &ObjectName, catalog: &Catalog) -> Option<Oid> {
    let name = match parts(name).as_slice() {
        [name] => path.contains(&namespaces::PG_CATALOG).then(|| name.value.clone())?,
        [.., schema, name] => {
            let schema = catalog.schema_seen(path, &schema.value)?;
            (schema.oid == namespaces::PG_CATALOG).then(|| name.value.clone())?
        }
        [] => return None,
    };
    facts::table(table)?.rows().find_map(|mut row| {
        let oid = row.field()?.parse().ok()?;
        (row.field()? == name).then_some(Oid(oid))
    })
}

impl DdlContext<'_> {
    /// `CREATE TEXT SEARCH …`.
    pub(in crate::ddl) fn create_text_search(&mut self, define: &DefineObject) -> Result<()> {
        match define.kind {
            ObjectKind::TextSearchDictionary => self.create_dictionary(define),
            ObjectKind::TextSearchConfiguration => self.create_configuration(define),
            ObjectKind::TextSearchParser => self.create_text_search_parser(define),
            _ => self.create_text_search_template(define),
        }
    }

    fn create_dictionary(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let mut template = None;
        let mut options = Vec::new();
        for element in define.definition.iter().flatten() {
            match element.name.value.as_str() {
                "template" => template = Some(self.object_of_option(element, DefinitionKind::Template)?),
                other => options.push((Arc::from(other), value_of(element)?)),
            }
        }
        let Some(template) = template else {
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, "text search template is required"));
        };
        self.check_dictionary(template, &options)?;
        self.check_definition_free_index(DefinitionKind::Dictionary, namespace, &name)?;
        let info = DictionaryInfo { template, options };
        let key = self.new_definition(namespace, name, DefinitionBody::Dictionary(info));
        self.depend_on_definition(key, DefinitionKind::Template, template);
        Ok(())
    }

    fn check_dictionary(&mut self, template: Oid, options: &[(Arc<str>, Arc<str>)]) -> Result<()> {
        let catalog = self.view();
        let lexize = template_function(template, &catalog)
            .ok_or_else(|| Error::internal(format!("cache lookup failed for text search template {template}")))?;
        let env = self.surroundings.env(catalog);
        text_search::check_dictionary(lexize, options, &*env)
    }

    fn depend_on_definition(&mut self, key: Key, kind: DefinitionKind, oid: Oid) {
        if self.view().definition(oid).is_some() {
            self.depend(key, Key::Definition(kind, oid), Dependency::Normal);
        }
    }

    /// 23505: text search objects are only looked for by their unique index.
    pub(super) fn check_definition_free_index(
        &mut self,
        kind: DefinitionKind,
        namespace: Oid,
        name: &str,
    ) -> Result<()> {
        if self.view().definition_in(kind, namespace, name).is_none() {
            return Ok(());
        }
        let (index, columns) = match kind {
            DefinitionKind::Dictionary => ("pg_ts_dict_dictname_index", "dictname, dictnamespace"),
            DefinitionKind::Template => ("pg_ts_template_tmplname_index", "tmplname, tmplnamespace"),
            DefinitionKind::Parser => ("pg_ts_parser_prsname_index", "prsname, prsnamespace"),
            _ => ("pg_ts_config_cfgname_index", "cfgname, cfgnamespace"),
        };
        let message = format!("duplicate key value violates unique constraint \"{index}\"");
        Err(Error::new(SqlState::UNIQUE_VIOLATION, message)
            .detail(format!("Key ({columns})=({name}, {namespace}) already exists.")))
    }

    /// The object that an option names. 42704.
    fn object_of_option(&mut self, element: &DefElem, kind: DefinitionKind) -> Result<Oid> {
        let name = name_of(element)?;
        self.text_search_object(kind, &name)
    }

    /// The text search object a name means, built in or a user's. 42704.
    fn text_search_object(&mut self, kind: DefinitionKind, name: &ObjectName) -> Result<Oid> {
        if let Some(own) = self.look_up_definition(kind, name)? {
            return Ok(own.oid);
        }
        let built_in = built_in(kind, self.search_path, name, &self.view());
        built_in.ok_or_else(|| super::missing(kind, name))
    }

    fn create_configuration(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let (mut parser, mut source) = (None, None);
        for element in define.definition.iter().flatten() {
            match element.name.value.as_str() {
                "parser" => parser = Some(self.object_of_option(element, DefinitionKind::Parser)?),
                "copy" => source = Some(self.map_to_copy(&name_of(element)?)?),
                other => {
                    let message = format!("text search configuration parameter \"{other}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        if parser.is_some() && source.is_some() {
            let message = "cannot specify both PARSER and COPY options";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        if parser.is_none() && source.is_none() {
            let message = "text search parser is required";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        self.check_definition_free_index(DefinitionKind::Configuration, namespace, &name)?;
        let map = source.unwrap_or_default();
        let parser = parser.unwrap_or(DEFAULT_PARSER);
        let info = ConfigurationInfo { parser, map };
        let key = self.new_definition(namespace, name, DefinitionBody::Configuration(info.clone()));
        self.depend_configuration(key, &info);
        Ok(())
    }

    fn depend_configuration(&mut self, key: Key, info: &ConfigurationInfo) {
        self.depend_on_definition(key, DefinitionKind::Parser, info.parser);
        let catalog = self.view();
        let mut used: Vec<Oid> = info.map.iter().flat_map(|(_, dictionaries)| dictionaries.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        for own in used.into_iter().filter(|oid| catalog.definition(*oid).is_some()) {
            self.depend(key, Key::Definition(DefinitionKind::Dictionary, own), Dependency::Normal);
        }
    }

    /// The map of a configuration to copy. 42704.
    fn map_to_copy(&mut self, name: &ObjectName) -> Result<Vec<(i32, Vec<Oid>)>> {
        if let Some(own) = self.look_up_definition(DefinitionKind::Configuration, name)? {
            return Ok(own.configuration().map(|info| info.map.clone()).unwrap_or_default());
        }
        match built_in(DefinitionKind::Configuration, self.search_path, name, &self.view()) {
            Some(oid) => Ok(text_search::built_in_map(oid)),
            None => Err(super::missing(DefinitionKind::Configuration, name)),
        }
    }

    pub(in crate::ddl) fn alter_dictionary(&mut self, alter: &AlterDictionary) -> Result<()> {
        let own = self.own_definition(DefinitionKind::Dictionary, &alter.name)?;
        let Some(info) = own.dictionary() else { return Err(Error::internal("a dictionary that is none")) };
        let mut info = info.clone();
        for element in &alter.options {
            let name = element.name.value.as_str();
            info.options.retain(|(other, _)| &**other != name);
            if element.value.is_some() {
                info.options.push((Arc::from(name), value_of(element)?));
            }
        }
        self.check_dictionary(info.template, &info.options)?;
        self.redefine(&own, DefinitionBody::Dictionary(info));
        Ok(())
    }

    pub(in crate::ddl) fn alter_configuration(&mut self, alter: &AlterConfiguration) -> Result<()> {
        let own = self.own_definition(DefinitionKind::Configuration, &alter.name)?;
        let Some(info) = own.configuration() else { return Err(Error::internal("a configuration that is none")) };
        let mut info = info.clone();
        match &alter.action {
            MappingAction::Set { add, tokens, dictionaries } => {
                let tokens = token_types(tokens)?;
                let dictionaries = dictionaries
                    .iter()
                    .map(|name| self.text_search_object(DefinitionKind::Dictionary, name))
                    .collect::<Result<Vec<_>>>()?;
                for token in tokens {
                    let known = info.map.iter().any(|(other, _)| *other == token);
                    if *add && known {
                        return Err(duplicate_mapping(&own, token));
                    }
                    info.map.retain(|(other, _)| *other != token);
                    info.map.push((token, dictionaries.clone()));
                }
            }
            MappingAction::Replace { tokens, old, new } => {
                let tokens = token_types(tokens)?;
                let (old, new) = (
                    self.text_search_object(DefinitionKind::Dictionary, old)?,
                    self.text_search_object(DefinitionKind::Dictionary, new)?,
                );
                let chosen = |token: i32| tokens.is_empty() || tokens.contains(&token);
                for (_, dictionaries) in info.map.iter_mut().filter(|(token, _)| chosen(*token)) {
                    dictionaries.iter_mut().filter(|oid| **oid == old).for_each(|oid| *oid = new);
                }
            }
            MappingAction::Drop { if_exists, tokens } => self.drop_mappings(&mut info, *if_exists, tokens)?,
        }
        info.map.sort_by_key(|(token, _)| *token);
        let key = own.key();
        self.redefine(&own, DefinitionBody::Configuration(info.clone()));
        self.undepend_all(key);
        if own.namespace.is_valid() {
            self.depend(key, Key::Schema(own.namespace), Dependency::Normal);
        }
        self.depend_configuration(key, &info);
        Ok(())
    }

    fn drop_mappings(&mut self, info: &mut ConfigurationInfo, if_exists: bool, tokens: &[Ident]) -> Result<()> {
        for (ident, token) in tokens.iter().zip(token_types(tokens)?) {
            let before = info.map.len();
            info.map.retain(|(other, _)| *other != token);
            if info.map.len() == before {
                let message = format!("mapping for token type \"{}\" does not exist", ident.value);
                if !if_exists {
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                }
                self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
            }
        }
        Ok(())
    }
}

fn duplicate_mapping(own: &Definition, token: i32) -> Error {
    Error::new(SqlState::UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"pg_ts_config_map_index\"")
        .detail(format!("Key (mapcfg, maptokentype, mapseqno)=({}, {token}, 1) already exists.", own.oid))
}

/// Numbers of token types by name, each once. 22023.
fn token_types(names: &[Ident]) -> Result<Vec<i32>> {
    let mut found = Vec::with_capacity(names.len());
    for ident in names {
        let number = text_search::token_type(&ident.value).ok_or_else(|| {
            let message = format!("token type \"{}\" does not exist", ident.value);
            Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        })?;
        if !found.contains(&number) {
            found.push(number);
        }
    }
    Ok(found)
}

/// The symbol of the function for tokens of a template, built in or a user's.
pub fn template_function(template: Oid, catalog: &Catalog) -> Option<Arc<str>> {
    let Some(own) = catalog.definition(template) else { return text_search::template_function(template) };
    let lexize = own.template()?.lexize;
    match catalog.routine(lexize) {
        Some(routine) => Some(routine.source.clone()),
        None => facts::proc_by_oid(lexize).map(|proc| Arc::from(proc.source)),
    }
}

/// The name that an option's value is. 42601.
pub(super) fn name_of(element: &DefElem) -> Result<ObjectName> {
    let required = || {
        let message = format!("argument of {} must be a name", element.name.value);
        Error::new(SqlState::SYNTAX_ERROR, message)
    };
    match &element.value {
        Some(DefValue::Type(data_type)) => {
            let name = dictdb_parser::TypeName::of(data_type).ok_or_else(required)?;
            Ok(ObjectName::from(name.names.into_iter().cloned().collect::<Vec<_>>()))
        }
        Some(DefValue::String(text)) => Ok(ObjectName::from(vec![Ident::new(text)])),
        Some(DefValue::Keyword(word)) => Ok(ObjectName::from(vec![Ident::new(word)])),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", element.name.value))),
    }
}

/// The value of a dictionary's option as text. 42601.
fn value_of(element: &DefElem) -> Result<Arc<str>> {
    match &element.value {
        Some(DefValue::String(text) | DefValue::Number(text) | DefValue::Keyword(text)) => Ok(Arc::from(text.as_str())),
        Some(_) => Ok(Arc::from(shown(&name_of(element)?).as_str())),
        None => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", element.name.value))),
    }
}
