//! RAISE, and GET DIAGNOSTICS.

use std::sync::Arc;

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, Severity, SqlState};

use super::Parser;
use crate::tree::{Diagnostic, Kind, Raise, RaiseOption, Target};

const LEVELS: [(&str, Severity); 6] = [
    ("exception", Severity::Error),
    ("warning", Severity::Warning),
    ("notice", Severity::Notice),
    ("info", Severity::Info),
    ("log", Severity::Log),
    ("debug", Severity::Debug),
];

const OPTIONS: [(&str, RaiseOption); 9] = [
    ("errcode", RaiseOption::Errcode),
    ("message", RaiseOption::Message),
    ("detail", RaiseOption::Detail),
    ("hint", RaiseOption::Hint),
    ("column", RaiseOption::Column),
    ("constraint", RaiseOption::Constraint),
    ("datatype", RaiseOption::Datatype),
    ("table", RaiseOption::Table),
    ("schema", RaiseOption::Schema),
];

const DIAGNOSTICS: [(&str, Diagnostic, bool); 13] = [
    ("row_count", Diagnostic::RowCount, false),
    ("pg_context", Diagnostic::Context, false),
    ("pg_routine_oid", Diagnostic::RoutineOid, false),
    ("returned_sqlstate", Diagnostic::ReturnedSqlstate, true),
    ("message_text", Diagnostic::MessageText, true),
    ("pg_exception_detail", Diagnostic::ExceptionDetail, true),
    ("pg_exception_hint", Diagnostic::ExceptionHint, true),
    ("pg_exception_context", Diagnostic::ExceptionContext, true),
    ("column_name", Diagnostic::ColumnName, true),
    ("constraint_name", Diagnostic::ConstraintName, true),
    ("pg_datatype_name", Diagnostic::DatatypeName, true),
    ("table_name", Diagnostic::TableName, true),
    ("schema_name", Diagnostic::SchemaName, true),
];

impl Parser<'_> {
    pub(super) fn raise_statement(&mut self) -> Result<Kind> {
        let mut raise =
            Raise { level: Severity::Error, condition: None, format: None, args: Vec::new(), options: Vec::new() };
        if self.eat_symbol(";") {
            return Ok(Kind::Raise(Box::new(raise)));
        }
        if let LexemeKind::Word(word) = &self.peek().kind
            && let Some((_, level)) = LEVELS.iter().find(|(name, _)| name == word)
        {
            raise.level = *level;
            self.advance();
            if self.is_symbol(";") {
                return Err(self.unexpected());
            }
        }
        match self.peek().kind.clone() {
            LexemeKind::String(format) if !self.is_unicode_literal() => {
                self.advance();
                raise.format = Some(Arc::from(format.as_str()));
                while self.eat_symbol(",") {
                    raise.args.push(self.expression(&[",", ";", "using"])?);
                }
                self.check_format(&format, raise.args.len())?;
            }
            LexemeKind::Word(word) if word == "using" => {}
            LexemeKind::Word(word) if word == "sqlstate" => {
                self.advance();
                let LexemeKind::String(code) = self.peek().kind.clone() else { return Err(self.unexpected()) };
                if SqlState::parse(&code).is_none() {
                    return Err(self.near("invalid SQLSTATE code"));
                }
                self.advance();
                raise.condition = Some(Arc::from(code.as_str()));
            }
            _ => {
                if Self::name_of(self.peek()).is_some_and(|name| crate::names::find(&self.names, &[name]).is_some()) {
                    return Err(self.unexpected());
                }
                let name = self.name()?;
                if SqlState::of_error_condition(&name).next().is_none() {
                    let message = format!("unrecognized exception condition \"{name}\"");
                    return Err(self.unplaced(SqlState::UNDEFINED_OBJECT, message));
                }
                raise.condition = Some(name);
            }
        }
        if self.eat_word("using") {
            loop {
                let word = self.word_text().unwrap_or_default();
                let Some((_, option)) = OPTIONS.iter().find(|(name, _)| *name == word) else {
                    return Err(self.near("unrecognized RAISE statement option"));
                };
                self.advance();
                if !self.eat_symbol("=") && !self.eat_symbol(":=") {
                    return Err(self.near("syntax error, expected \"=\""));
                }
                raise.options.push((*option, self.expression(&[",", ";"])?));
                if !self.eat_symbol(",") {
                    break;
                }
            }
        }
        self.expect_symbol(";")?;
        Ok(Kind::Raise(Box::new(raise)))
    }

    /// `U&'…'` is no plain string.
    fn is_unicode_literal(&self) -> bool {
        self.raw(self.peek()).starts_with(['u', 'U'])
    }

    /// 42601 when the format has more or fewer places than there are arguments.
    fn check_format(&self, format: &str, args: usize) -> Result<()> {
        let places = format.replace("%%", "").matches('%').count();
        let message = match places.cmp(&args) {
            std::cmp::Ordering::Less => "too many parameters specified for RAISE",
            std::cmp::Ordering::Greater => "too few parameters specified for RAISE",
            std::cmp::Ordering::Equal => return Ok(()),
        };
        Err(self.unplaced(SqlState::SYNTAX_ERROR, message))
    }

    /// The line of CONTEXT of an error without a position.
    pub(super) fn compilation_context(&self) -> String {
        format!("compilation of PL/pgSQL function \"{}\" near line {}", self.header.name, self.line())
    }

    pub(super) fn diagnostics_statement(&mut self) -> Result<Kind> {
        let start = self.before().position;
        let stacked = self.eat_word("stacked");
        if !stacked {
            self.eat_word("current");
        }
        self.expect_word("diagnostics")?;
        let mut items = Vec::new();
        loop {
            let token = self.peek().clone();
            let mut places = match self.target()? {
                Target::List(places) => places,
                Target::Row(_) => {
                    let message = format!("\"{}\" is not a scalar variable", self.raw(&token));
                    return Err(self.error_at(SqlState::SYNTAX_ERROR, message, token.position));
                }
            };
            let Some(place) = places.pop().filter(|_| places.is_empty()) else { return Err(self.unexpected()) };
            if !self.eat_symbol("=") && !self.eat_symbol(":=") {
                return Err(self.unexpected());
            }
            let word = self.word_text().unwrap_or_default();
            let Some((_, item, is_stacked)) = DIAGNOSTICS.iter().find(|(name, ..)| *name == word) else {
                return Err(self.near("unrecognized GET DIAGNOSTICS item"));
            };
            if *is_stacked != stacked {
                let which = if stacked { "STACKED" } else { "CURRENT" };
                let message =
                    format!("diagnostics item {} is not allowed in GET {which} DIAGNOSTICS", word.to_ascii_uppercase());
                return Err(self.error_at(SqlState::SYNTAX_ERROR, message, start));
            }
            self.advance();
            items.push((place, *item));
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(";")?;
        Ok(Kind::GetDiagnostics { stacked, items })
    }
}
