//! `CREATE INDEX`.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{CreateIndex, IndexElement, Utility};

impl Parser<'_> {
    /// `CREATE [UNIQUE] INDEX …`, after `INDEX`.
    pub(super) fn create_index(&mut self, unique: bool) -> Result<Utility> {
        let concurrently = self.eat_word(K::Concurrently);
        let if_not_exists = self.if_not_exists()?;
        let name = match self.is_word(K::On) && !if_not_exists {
            true => None,
            false => Some(self.col_id()?),
        };
        self.expect_word(K::On)?;
        let table = self.table_ref()?;
        let method = if self.eat_word(K::Using) { Some(self.col_id()?) } else { None };
        let elements = self.in_parens(Self::index_element)?;
        let include = if self.eat_word(K::Include) { self.in_parens(Self::index_element)? } else { Vec::new() };
        let nulls_not_distinct = self.nulls_treatment()?;
        let options = if self.eat_word(K::With) { self.reloptions()? } else { Vec::new() };
        let tablespace = self.optional_tablespace()?;
        let predicate = match self.eat_word(K::Where) {
            true => Some(self.source_expr(Self::expr)?),
            false => None,
        };
        Ok(Utility::CreateIndex(Box::new(CreateIndex {
            name,
            table,
            unique,
            concurrently,
            if_not_exists,
            method,
            elements,
            include,
            nulls_not_distinct,
            options,
            tablespace,
            predicate,
        })))
    }

    /// `index_elem`.
    pub(super) fn index_element(&mut self) -> Result<IndexElement> {
        let position = self.position();
        let expr = self.source_expr(Self::index_expr)?;
        let collation = if self.eat_word(K::Collate) { Some(self.any_name()?) } else { None };
        let named = self.is_col_id(self.peek()) && !self.is_nulls_order();
        let opclass = if named { Some(self.any_name()?) } else { None };
        let opclass_options =
            if opclass.is_some() && self.is(Kind::LeftParen) { self.reloptions()? } else { Vec::new() };
        let descending = self.eat_one_of(&[(K::Asc, false), (K::Desc, true)]).unwrap_or(false);
        let nulls_first = self.nulls_order()?;
        Ok(IndexElement { expr, position, collation, opclass, opclass_options, descending, nulls_first })
    }

    fn is_nulls_order(&self) -> bool {
        self.is_word(K::Nulls) && matches!(self.nth(1).keyword, K::First | K::Last)
    }
}
