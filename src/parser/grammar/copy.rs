//! `COPY`, in its new and its two old spellings; `IMPORT CSV`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::Ident;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{Copy, CopySource, CopyTarget, DefElem, DefValue, Import, Utility};

impl Parser<'_> {
    /// `COPY …`.
    pub(super) fn copy(&mut self) -> Result<Utility> {
        self.advance();
        let mut options = Vec::new();
        if self.is(Kind::LeftParen) {
            self.advance();
            let source = CopySource::Query(self.boxed_statement()?);
            self.expect(Kind::RightParen)?;
            self.expect_word(K::To)?;
            let target = self.copy_target()?;
            self.eat_word(K::With);
            self.copy_options(&mut options)?;
            return Ok(Utility::Copy(Box::new(Copy { source, from: false, target, options, selection: None })));
        }
        if self.eat_word(K::Binary) {
            options.push(named("format", Some("binary")));
        }
        let name = self.qualified_name()?;
        let columns = self.optional_column_list()?;
        let from = self.advance_if_any(&[K::From, K::To])? == K::From;
        let target = self.copy_target()?;
        if self.is_any(&[K::Using, K::Delimiters]) {
            self.eat_word(K::Using);
            self.expect_word(K::Delimiters)?;
            options.push(named_string("delimiter", self.string()?));
        }
        self.eat_word(K::With);
        self.copy_options(&mut options)?;
        let where_position = self.position();
        let selection = if self.eat_word(K::Where) { Some(self.expr()?) } else { None };
        if selection.is_some() && !from {
            let message = "WHERE clause not allowed with COPY TO";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(where_position)));
        }
        let source = CopySource::Table { name, columns };
        Ok(Utility::Copy(Box::new(Copy { source, from, target, options, selection })))
    }

    /// `IMPORT CSV 'file' INTO table`; PostgreSQL's `IMPORT FOREIGN SCHEMA` is another statement.
    pub(super) fn import(&mut self) -> Result<Utility> {
        if self.nth(1).keyword != K::Csv {
            return self.unsupported("IMPORT FOREIGN SCHEMA");
        }
        self.advance();
        self.advance();
        let file = self.string()?;
        self.expect_word(K::Into)?;
        let table = self.qualified_name()?;
        self.eat_word(K::With);
        let mut options = Vec::new();
        self.copy_options(&mut options)?;
        Ok(Utility::Import(Box::new(Import { file, table, options })))
    }

    fn copy_target(&mut self) -> Result<CopyTarget> {
        let program = self.eat_word(K::Program);
        if self.is_any(&[K::Stdin, K::Stdout]) {
            self.advance();
            if program {
                let message = "STDIN/STDOUT not allowed with PROGRAM";
                return Err(Error::new(SqlState::SYNTAX_ERROR, message));
            }
            return Ok(CopyTarget::Client);
        }
        let text = self.string()?;
        Ok(if program { CopyTarget::Program(text) } else { CopyTarget::File(text) })
    }

    fn copy_options(&mut self, options: &mut Vec<DefElem>) -> Result<()> {
        if self.is(Kind::LeftParen) {
            options.extend(self.copy_generic_options()?);
            return Ok(());
        }
        while let Some(option) = self.old_copy_option()? {
            options.push(option);
        }
        Ok(())
    }

    /// One option of the syntax before PostgreSQL 9, under its new name.
    fn old_copy_option(&mut self) -> Result<Option<DefElem>> {
        let keyword = self.keyword();
        Ok(Some(match keyword {
            K::Binary | K::Csv => {
                self.advance();
                named("format", Some(keyword.word()))
            }
            K::Freeze | K::Header => {
                self.advance();
                named(keyword.word(), Some("true"))
            }
            K::Delimiter | K::Null | K::Quote | K::Escape => {
                self.advance();
                self.eat_word(K::As);
                named_string(keyword.word(), self.string()?)
            }
            K::Encoding => {
                self.advance();
                named_string("encoding", self.string()?)
            }
            K::Force => {
                self.advance();
                self.force_option()?
            }
            _ => return Ok(None),
        }))
    }

    fn force_option(&mut self) -> Result<DefElem> {
        let name = match self.advance_if_any(&[K::Quote, K::Not, K::Null])? {
            K::Quote if self.eat(Kind::Star) => {
                return Ok(DefElem { namespace: None, name: Ident::new("force_quote"), value: Some(DefValue::Star) });
            }
            K::Quote => "force_quote",
            K::Not => {
                self.expect_word(K::Null)?;
                "force_not_null"
            }
            _ => "force_null",
        };
        let columns = self.list(Self::col_id)?;
        let list = columns.into_iter().map(|column| DefValue::String(column.value)).collect();
        Ok(DefElem { namespace: None, name: Ident::new(name), value: Some(DefValue::List(list)) })
    }
}

fn named(name: &str, value: Option<&str>) -> DefElem {
    let value = value.map(|value| DefValue::Keyword(value.to_owned()));
    DefElem { namespace: None, name: Ident::new(name), value }
}

fn named_string(name: &str, value: String) -> DefElem {
    DefElem { namespace: None, name: Ident::new(name), value: Some(DefValue::String(value)) }
}
