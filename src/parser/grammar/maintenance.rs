//! `EXPLAIN`, `VACUUM`, `ANALYZE`, `REINDEX`, `CLUSTER`, `LOAD`.

use dictdb_types::Result;
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::statement::Statement;
use crate::token::Kind;
use crate::utility::{Cluster, DefElem, Explain, Reindex, ReindexKind, Utility, Vacuum};

impl Parser<'_> {
    /// `EXPLAIN …`.
    pub(super) fn explain(&mut self) -> Result<Utility> {
        self.advance();
        let mut options = Vec::new();
        if self.is(Kind::LeftParen) && !self.starts_subquery() {
            options = self.utility_options()?;
        } else {
            if self.is_any(&[K::Analyze, K::Analyse]) {
                self.advance();
                options.push(flag("analyze"));
            }
            if self.eat_word(K::Verbose) {
                options.push(flag("verbose"));
            }
        }
        let statement = Box::new(self.explainable()?);
        Ok(Utility::Explain(Explain { options, statement }))
    }

    /// `ExplainableStmt`.
    fn explainable(&mut self) -> Result<Statement> {
        let utility = match self.keyword() {
            K::Declare => self.declare_cursor()?,
            K::Execute => Utility::Execute(self.execute()?),
            K::Refresh => self.refresh()?,
            K::Create => {
                let object = self.nth(1);
                match self.create()? {
                    utility @ Utility::CreateTableAs(_) => utility,
                    _ => return Err(self.unexpected_at(object)),
                }
            }
            _ => return self.preparable_statement(),
        };
        Ok(self.utility_tree(utility))
    }

    /// `VACUUM …`.
    pub(super) fn vacuum(&mut self) -> Result<Utility> {
        self.advance();
        let mut options = Vec::new();
        if self.is(Kind::LeftParen) {
            options = self.utility_options()?;
        } else {
            for (word, name) in [(K::Full, "full"), (K::Freeze, "freeze"), (K::Verbose, "verbose")] {
                if self.eat_word(word) {
                    options.push(flag(name));
                }
            }
            if self.is_any(&[K::Analyze, K::Analyse]) {
                self.advance();
                options.push(flag("analyze"));
            }
        }
        Ok(Utility::Vacuum(Vacuum { vacuum: true, options, tables: self.vacuum_tables()? }))
    }

    /// `ANALYZE …`.
    pub(super) fn analyze(&mut self) -> Result<Utility> {
        self.advance();
        let mut options = Vec::new();
        if self.is(Kind::LeftParen) {
            options = self.utility_options()?;
        } else if self.eat_word(K::Verbose) {
            options.push(flag("verbose"));
        }
        Ok(Utility::Vacuum(Vacuum { vacuum: false, options, tables: self.vacuum_tables()? }))
    }

    fn vacuum_tables(&mut self) -> Result<Vec<(ObjectName, Vec<Ident>)>> {
        if matches!(self.kind(), Kind::End | Kind::Semicolon) {
            return Ok(Vec::new());
        }
        self.list(|parser| Ok((parser.qualified_name()?, parser.optional_column_list()?)))
    }

    /// `REINDEX …`.
    pub(super) fn reindex(&mut self) -> Result<Utility> {
        self.advance();
        let mut options = if self.is(Kind::LeftParen) { self.utility_options()? } else { Vec::new() };
        let kinds = [
            (K::Index, ReindexKind::Index),
            (K::Table, ReindexKind::Table),
            (K::Schema, ReindexKind::Schema),
            (K::System, ReindexKind::System),
            (K::Database, ReindexKind::Database),
        ];
        let kind = self.eat_one_of(&kinds).ok_or_else(|| self.unexpected())?;
        if self.eat_word(K::Concurrently) {
            options.push(flag("concurrently"));
        }
        let name = match kind {
            ReindexKind::Index | ReindexKind::Table => self.qualified_name()?,
            _ => ObjectName::from(vec![self.col_id()?]),
        };
        Ok(Utility::Reindex(Reindex { kind, name, options }))
    }

    /// `CLUSTER …`.
    pub(super) fn cluster(&mut self) -> Result<Utility> {
        self.advance();
        let parenthesized = self.is(Kind::LeftParen);
        let mut options = if parenthesized { self.utility_options()? } else { Vec::new() };
        if !parenthesized && self.eat_word(K::Verbose) {
            options.push(flag("verbose"));
        }
        if !parenthesized && matches!(self.kind(), Kind::End | Kind::Semicolon) {
            return Ok(Utility::Cluster(Cluster { table: None, index: None, options }));
        }
        let mut table = self.qualified_name()?;
        let mut index = None;
        if self.eat_word(K::Using) {
            index = Some(self.col_id()?);
        } else if !parenthesized && table.0.len() == 1 && self.eat_word(K::On) {
            // The old spelling names the index first.
            index = table.0.first().and_then(|part| part.as_ident().cloned());
            table = self.qualified_name()?;
        }
        Ok(Utility::Cluster(Cluster { table: Some(table), index, options }))
    }

    /// `LOAD 'file'`.
    pub(super) fn load(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::Load(self.string()?))
    }
}

/// An option without a value.
fn flag(name: &str) -> DefElem {
    DefElem { namespace: None, name: Ident::new(name), value: None }
}
