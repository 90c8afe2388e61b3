//! Declarations of a block.

use std::sync::Arc;

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, Severity, SqlState, Type, oids};

use super::{Parser, SHADOWED, wants};
use crate::names::{LabelKind, find, find_in_level, with_label};
use crate::sql::SqlKind;
use crate::tree::CursorQuery;

impl Parser<'_> {
    /// The declarations up to BEGIN; the variables to be initialised.
    pub(super) fn declarations(&mut self) -> Result<Vec<usize>> {
        let mut declared = Vec::new();
        while !self.is_word("begin") {
            if self.eat_word("declare") {
                continue;
            }
            if self.is_symbol("<<") {
                let message = "block label must be placed before DECLARE, not after";
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            if let Some(variable) = self.declaration()? {
                declared.push(variable);
            }
        }
        Ok(declared)
    }

    fn declaration(&mut self) -> Result<Option<usize>> {
        let line = self.line();
        let position = self.peek().position;
        let name = self.name()?;
        if find_in_level(&self.names, &name).is_some() {
            let message = format!("duplicate declaration at or near \"{name}\"");
            return Err(self.error_at(SqlState::SYNTAX_ERROR, message, position));
        }
        if self.eat_word("alias") {
            self.expect_word("for")?;
            let meant = self.alias_target()?;
            self.expect_symbol(";")?;
            self.visible(&name, meant);
            return Ok(None);
        }
        if self.is_word("cursor") || self.is_word("scroll") || self.is_word("no") && self.word_at(1, "scroll") {
            return self.cursor_declaration(&name, line).map(Some);
        }
        let constant = self.eat_word("constant");
        let ty = self.declared_type()?;
        self.collation(ty)?;
        let at_not_null = self.peek().position;
        let not_null = match self.eat_word("not") {
            true => {
                self.expect_word("null")?;
                true
            }
            false => false,
        };
        let default = match self.is_word("default") || self.is_symbol(":=") || self.is_symbol("=") {
            true => {
                self.advance();
                let (start, end) = self.skip_to(&[";"], ";", "SQL expression")?;
                if start == end {
                    return Err(self.near("missing expression"));
                }
                Some(self.sql(SqlKind::Expression, start, start, end)?)
            }
            false => None,
        };
        if not_null && default.is_none() {
            let message = format!("variable \"{name}\" must have a default value, since it's declared NOT NULL");
            return Err(self.error_at(SqlState::NULL_VALUE_NOT_ALLOWED, message, at_not_null));
        }
        self.expect_symbol(";")?;
        self.check_shadowing(&name, position)?;
        let variable = self.new_variable(&name, ty, line);
        let declared = &mut self.variables[variable];
        (declared.constant, declared.not_null, declared.default) = (constant, not_null, default);
        self.visible(&name, variable);
        Ok(Some(variable))
    }

    /// `COLLATE name`. 42804, 42704.
    fn collation(&mut self, ty: Type) -> Result<()> {
        let position = self.peek().position;
        if !self.eat_word("collate") {
            return Ok(());
        }
        let mut name = self.name()?;
        while self.eat_symbol(".") {
            name = self.name()?;
        }
        self.types.check_collation(ty, &name).map_err(|error| match error.code() {
            SqlState::DATATYPE_MISMATCH => self.error_at(error.code(), error.message(), position),
            _ => self.unplaced(error.code(), error.message()),
        })
    }

    /// Reports a variable that hides another one, if that is wanted. 42712.
    pub(super) fn check_shadowing(&mut self, name: &str, position: u32) -> Result<()> {
        if !self.header.validating || find(&self.names, &[name]).is_none() {
            return Ok(());
        }
        let message = format!("variable \"{name}\" shadows a previously defined variable");
        let error = self.error_at(SqlState::DUPLICATE_ALIAS, message, position);
        if wants(&self.types.setting("plpgsql.extra_errors"), SHADOWED) {
            return Err(error);
        }
        if wants(&self.types.setting("plpgsql.extra_warnings"), SHADOWED) {
            let mut warning = error;
            warning.fields_mut().severity = Severity::Warning;
            self.warnings.push(warning);
        }
        Ok(())
    }

    /// The variable that ALIAS FOR names.
    fn alias_target(&mut self) -> Result<usize> {
        let token = self.peek().clone();
        let mut parts: Vec<String> = vec![match &token.kind {
            LexemeKind::Parameter => self.raw(&token).to_owned(),
            _ => Self::name_of(&token).map(str::to_owned).ok_or_else(|| self.unexpected())?,
        }];
        self.advance();
        while self.eat_symbol(".") {
            parts.push(self.name()?.to_string());
        }
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        match find(&self.names, &names) {
            Some((variable, used)) if used == names.len() => Ok(variable),
            _ => {
                let message = format!("variable \"{}\" does not exist", names.join("."));
                Err(self.error_at(SqlState::UNDEFINED_OBJECT, message, token.position))
            }
        }
    }

    /// A type up to what may follow it in a declaration.
    pub(super) fn declared_type(&mut self) -> Result<Type> {
        let first = self.peek().clone();
        let terminators = [";", "not", "default", ":=", "=", "collate", ",", ")"];
        let (start, end) = self
            .skip_to(&terminators, ";", "data type declaration")
            .map_err(|_| self.error(SqlState::SYNTAX_ERROR, "incomplete data type declaration"))?;
        if start == end {
            return Err(self.near("missing data type declaration"));
        }
        let text = self.source[start..end].to_owned();
        self.type_named(&text, first.position)
    }

    fn type_named(&mut self, text: &str, position: u32) -> Result<Type> {
        let lower = text.to_ascii_lowercase();
        if lower == "record" {
            return Ok(Type::new(oids::RECORD));
        }
        let array = lower.ends_with("[]").then(|| text[..text.len() - 2].trim_end());
        let base = array.unwrap_or(text);
        let percent =
            base.find('%').map(|at| (base[..at].trim().to_owned(), base[at + 1..].trim().to_ascii_lowercase()));
        let ty = match percent {
            Some((name, kind)) if kind == "type" && self.variable_type(&name).is_some() => {
                self.variable_type(&name).unwrap_or(Type::new(oids::TEXT))
            }
            Some((name, kind)) if kind == "rowtype" => self.types.named(base).map_err(|error| match error.code() {
                SqlState::UNDEFINED_TABLE => self.unplaced(error.code(), format!("relation \"{name}\" does not exist")),
                _ => error,
            })?,
            // What names no column is read as a type, which has no percent sign.
            Some((_, kind)) if kind == "type" => self.types.named(base).map_err(|_| {
                let before = text.find('%').map_or(0, |at| text[..at].chars().count() as u32);
                let message = "syntax error at or near \"%\"";
                self.error_at(SqlState::SYNTAX_ERROR, message, position + before)
            })?,
            _ => {
                return self.types.named(text).map_err(|mut error| {
                    let inner = error.fields_mut().position.take();
                    let position = inner.map_or(position, |inner| position + inner - 1);
                    error.fields_mut().internal = Some((position, self.source.to_string()));
                    error
                });
            }
        };
        match array {
            Some(_) => Ok(self.types.array_of(ty).unwrap_or(ty)),
            None => Ok(ty),
        }
    }

    /// The type of the variable, or of the field of one, that `name%TYPE` means.
    fn variable_type(&mut self, name: &str) -> Option<Type> {
        let parts: Vec<String> = name
            .split('.')
            .map(|part| {
                let part = part.trim();
                part.strip_prefix('"')
                    .and_then(|p| p.strip_suffix('"'))
                    .map_or_else(|| part.to_ascii_lowercase(), str::to_owned)
            })
            .collect();
        let names: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (variable, used) = find(&self.names, &names)?;
        let mut ty = self.variables[variable].ty;
        for field in &names[used..] {
            let fields = self.types.fields(ty)?;
            ty = fields.iter().find(|own| *own.name == **field)?.ty;
        }
        Some(ty)
    }

    fn cursor_declaration(&mut self, name: &Arc<str>, line: u32) -> Result<usize> {
        let scroll = self.scroll_option()?;
        self.expect_word("cursor")?;
        let outer = self.names.clone();
        self.names = with_label(&outer, None, LabelKind::Other);
        let mut args = Vec::new();
        if self.eat_symbol("(") {
            loop {
                let (line, position, argument) = (self.line(), self.peek().position, self.name()?);
                let ty = self.declared_type()?;
                self.check_shadowing(&argument, position)?;
                let variable = self.new_variable(&argument, ty, line);
                self.visible(&argument, variable);
                args.push((argument, variable));
                if !self.eat_symbol(",") {
                    break;
                }
            }
            self.expect_symbol(")")?;
        }
        if !self.eat_word("for") {
            self.expect_word("is")?;
        }
        let (start, end) = self.skip_to(&[";"], ";", "SQL statement")?;
        if start == end {
            return Err(self.near("missing SQL statement"));
        }
        let sql = self.sql(SqlKind::Statement, start, start, end)?;
        self.expect_symbol(";")?;
        self.names = outer;
        let variable = self.new_variable(name, Type::new(oids::REFCURSOR), line);
        self.variables[variable].cursor = Some(Arc::new(CursorQuery { sql, args, scroll }));
        self.visible(name, variable);
        Ok(variable)
    }

    /// `[NO] SCROLL`.
    pub(super) fn scroll_option(&mut self) -> Result<Option<bool>> {
        if self.eat_word("no") {
            self.expect_word("scroll")?;
            return Ok(Some(false));
        }
        Ok(self.eat_word("scroll").then_some(true))
    }
}
