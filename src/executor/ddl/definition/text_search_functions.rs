//! CREATE TEXT SEARCH TEMPLATE and PARSER: functions under a name. Those of templates are PostgreSQL's own or an extension's;
//! of parsers there is one set, that of the default parser.

use dictdb_catalog::{DefinitionBody, DefinitionKind, Dependency, Key, ParserInfo, TemplateInfo};
use dictdb_functions::facts;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{DefElem, DefineObject};
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::super::names::{parts, shown};
use super::text_search::name_of;

/// The functions of the only parser: start, token, end, headline, token types.
const DEFAULT_PARSER: [Oid; 5] = [Oid(3717), Oid(3718), Oid(3719), Oid(3720), Oid(3721)];

const INTERNAL: Oid = oids::INTERNAL;

impl DdlContext<'_> {
    /// 42501, 42601, 42883, 42P17, 23505.
    pub(super) fn create_text_search_template(&mut self, define: &DefineObject) -> Result<()> {
        self.check_superuser("create text search templates")?;
        let (namespace, name) = self.new_name(&define.name, false)?;
        let (mut init, mut lexize) = (Oid::INVALID, Oid::INVALID);
        for element in define.definition.iter().flatten() {
            match element.name.value.as_str() {
                "init" => init = self.text_search_function(element, &[INTERNAL], INTERNAL)?,
                "lexize" => lexize = self.text_search_function(element, &[INTERNAL; 4], INTERNAL)?,
                other => return Err(unrecognized("template", other)),
            }
        }
        if !lexize.is_valid() {
            return Err(missing("text search template lexize method is required"));
        }
        self.check_definition_free_index(DefinitionKind::Template, namespace, &name)?;
        let body = DefinitionBody::Template(TemplateInfo { init, lexize });
        let key = self.new_definition(namespace, name, body);
        self.depend_on_functions(key, &[init, lexize]);
        Ok(())
    }

    /// 42501, 42601, 42883, 42P17, 23505, and 0A000 for functions other than the default parser's.
    pub(super) fn create_text_search_parser(&mut self, define: &DefineObject) -> Result<()> {
        self.check_superuser("create text search parsers")?;
        let (namespace, name) = self.new_name(&define.name, false)?;
        let mut functions = [Oid::INVALID; 5];
        for element in define.definition.iter().flatten() {
            let (place, args, result): (_, &[Oid], _) = match element.name.value.as_str() {
                "start" => (0, &[INTERNAL, oids::INT4], INTERNAL),
                "gettoken" => (1, &[INTERNAL, INTERNAL, INTERNAL], INTERNAL),
                "end" => (2, &[INTERNAL], oids::VOID),
                "headline" => (3, &[INTERNAL, INTERNAL, oids::TSQUERY], INTERNAL),
                // Called with one argument, and declared with two only so that nobody calls it from SQL.
                "lextypes" => (4, &[INTERNAL], INTERNAL),
                other => return Err(unrecognized("parser", other)),
            };
            functions[place] = self.text_search_function(element, args, result)?;
        }
        let required = [(0, "start"), (1, "gettoken"), (2, "end"), (4, "lextypes")];
        if let Some((_, method)) = required.into_iter().find(|(place, _)| !functions[*place].is_valid()) {
            return Err(missing(&format!("text search parser {method} method is required")));
        }
        let is_default = |(own, known): (&Oid, &Oid)| own == known || !own.is_valid() && *known == DEFAULT_PARSER[3];
        if !functions.iter().zip(&DEFAULT_PARSER).all(is_default) {
            return Err(Error::unsupported("a text search parser of other functions than the default parser's"));
        }
        self.check_definition_free_index(DefinitionKind::Parser, namespace, &name)?;
        let [start, token, end, headline, lextype] = functions;
        let body = DefinitionBody::Parser(ParserInfo { start, token, end, headline, lextype });
        self.new_definition(namespace, name, body);
        Ok(())
    }

    pub(super) fn depend_on_functions(&mut self, key: Key, functions: &[Oid]) {
        for function in functions.iter().filter(|oid| **oid >= Oid::FIRST_NORMAL) {
            self.depend(key, Key::Function(*function), Dependency::Normal);
        }
    }

    /// The function that an option names. 42883, 42P17.
    fn text_search_function(&mut self, element: &DefElem, args: &[Oid], result: Oid) -> Result<Oid> {
        let name = name_of(element)?;
        let (oid, own) = self.function_of_types(&name, args)?;
        if own != result {
            let message = format!("function {} should return type {}", signature(&name, args), shown_type(result));
            return Err(missing(&message));
        }
        Ok(oid)
    }

    /// A function by name and argument types, with its result type. 42883.
    pub(super) fn function_of_types(&mut self, name: &ObjectName, args: &[Oid]) -> Result<(Oid, Oid)> {
        let catalog = self.view();
        let path: Vec<Oid> = match parts(name).as_slice() {
            [.., schema, _] => vec![self.schema_oid(&catalog, &schema.value)?],
            _ => self.search_path.to_vec(),
        };
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let own = path.iter().find_map(|namespace| {
            let mut named = catalog.routines_named(*namespace, &bare);
            named.find(|routine| *routine.args == *args).map(|routine| (routine.oid, routine.result))
        });
        let built_in = || {
            let mut named = facts::procs_named(&bare).filter(|proc| *proc.args == *args);
            named.find(|proc| path.contains(&proc.namespace)).map(|proc| (proc.oid, proc.result))
        };
        own.or_else(built_in).ok_or_else(|| {
            let message = format!("function {} does not exist", signature(name, args));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })
    }
}

/// A function as messages show one of these methods.
fn signature(name: &ObjectName, args: &[Oid]) -> String {
    format!("{}({})", shown(name), args.iter().copied().map(shown_type).collect::<Vec<_>>().join(", "))
}

/// A type that these functions may have.
fn shown_type(oid: Oid) -> &'static str {
    match oid {
        oids::INT4 => "integer",
        oids::TSQUERY => "tsquery",
        oids::VOID => "void",
        _ => "internal",
    }
}

fn unrecognized(noun: &str, name: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, format!("text search {noun} parameter \"{name}\" not recognized"))
}

fn missing(message: &str) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}
