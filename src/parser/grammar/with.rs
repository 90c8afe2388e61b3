//! `WITH`, its `SEARCH` and `CYCLE`, and which tables the items of `WITH RECURSIVE` name: that decides which of them are recursive.

use dictdb_types::Result;
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Cte, CteAsMaterialized, Expr, Ident, ObjectName, Setting, TableAlias, TableAliasColumnDef, Value, With,
};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::node;
use crate::token::Kind;

impl Parser<'_> {
    /// `WITH …` if it comes next.
    pub(super) fn optional_with(&mut self) -> Result<Option<With>> {
        if !self.is_word(K::With) {
            return Ok(None);
        }
        let with_token = self.attached();
        // The word is also a name, where another one does not follow.
        let recursive = self.is_word(K::Recursive) && self.is_col_id(self.nth(1));
        if recursive {
            self.advance();
        }
        let mut cte_tables: Vec<Cte> = Vec::new();
        loop {
            let before = self.mentions();
            let mut cte = self.mentioning(recursive, |parser| parser.nested(Self::common_table_expression))?;
            if recursive {
                cte.from = node::mentioned(self.mentioned.get(before..).unwrap_or_default());
            } else {
                self.hide(before, &cte_tables);
            }
            cte_tables.push(cte);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        Ok(Some(With { with_token, recursive, cte_tables }))
    }

    fn common_table_expression(&mut self) -> Result<Cte> {
        let name = self.col_id()?;
        let columns = self.optional_column_list()?;
        self.expect_word(K::As)?;
        let materialized = if self.eat_phrase(&[K::Not, K::Materialized])? {
            Some(CteAsMaterialized::NotMaterialized)
        } else {
            self.eat_word(K::Materialized).then_some(CteAsMaterialized::Materialized)
        };
        self.expect(Kind::LeftParen)?;
        let mut query = Box::new(self.preparable_query()?);
        self.expect(Kind::RightParen)?;
        let clauses: Vec<Setting> = [self.search_clause()?, self.cycle_clause()?].into_iter().flatten().collect();
        if !clauses.is_empty() {
            query.settings = Some(clauses);
        }
        let columns = columns.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect();
        let alias = TableAlias { explicit: true, name, columns, at: None };
        Ok(Cte { alias, query, from: None, materialized, closing_paren_token: AttachedToken::empty() })
    }

    /// `SEARCH DEPTH | BREADTH FIRST BY column, … SET column` if it comes next.
    fn search_clause(&mut self) -> Result<Option<Setting>> {
        if !self.is_word(K::Search) {
            return Ok(None);
        }
        let position = self.position();
        self.advance();
        let depth_first = self.eat_word(K::Depth);
        if !depth_first {
            self.expect_word(K::Breadth)?;
        }
        self.expect_word(K::First)?;
        self.expect_word(K::By)?;
        let columns = self.list(Self::col_id)?;
        self.expect_word(K::Set)?;
        let sequence = self.col_id()?;
        Ok(Some(node::search_clause(position, depth_first, columns, sequence)))
    }

    /// `CYCLE column, … SET column [TO value DEFAULT value] USING column` if it comes next.
    fn cycle_clause(&mut self) -> Result<Option<Setting>> {
        if !self.is_word(K::Cycle) {
            return Ok(None);
        }
        let position = self.position();
        self.advance();
        let columns = self.list(Self::col_id)?;
        self.expect_word(K::Set)?;
        let mark = self.col_id()?;
        let [value, default] = if self.eat_word(K::To) {
            let value = self.restricted_expr()?;
            self.expect_word(K::Default)?;
            [value, self.restricted_expr()?]
        } else {
            [true, false].map(|value| Expr::Value(Value::Boolean(value).into()))
        };
        self.expect_word(K::Using)?;
        let path = self.col_id()?;
        Ok(Some(node::cycle_clause(position, columns, mark, [value, default], path)))
    }

    // ---- which tables are named -----------------------------------------------------------------------------------

    /// Runs a rule as part of an item of `WITH RECURSIVE`, or not.
    pub(super) fn mentioning<T>(&mut self, recursive: bool, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.recursive_lists += u32::from(recursive);
        let result = rule(self);
        self.recursive_lists -= u32::from(recursive);
        result
    }

    /// Everything that was noted, for the only item of a `WITH RECURSIVE` that was not written.
    pub(super) fn all_mentioned(&self) -> Option<Ident> {
        node::mentioned(&self.mentioned)
    }

    /// Notes a table named in an item of `WITH RECURSIVE`.
    pub(super) fn mention(&mut self, name: &ObjectName) {
        if self.recursive_lists > 0
            && let [part] = name.0.as_slice()
            && let Some(ident) = part.as_ident()
        {
            self.mentioned.push(ident.value.as_str().into());
        }
    }

    /// How many tables have been noted: a mark for [`Parser::hide_mentions`].
    pub(super) fn mentions(&self) -> usize {
        self.mentioned.len()
    }

    /// Forgets what was noted and meant an item of the query's own `WITH`: since the mark after it, or the one before it
    /// when its items see each other.
    pub(super) fn hide_mentions(&mut self, before: usize, body: usize, with: Option<&With>) {
        if let Some(with) = with {
            self.hide(if with.recursive { before } else { body }, &with.cte_tables);
        }
    }

    fn hide(&mut self, since: usize, items: &[Cte]) {
        let own = |name: &str| items.iter().any(|item| item.alias.name.value == name);
        let kept: Vec<_> = self.mentioned.drain(since.min(self.mentioned.len())..).filter(|name| !own(name)).collect();
        self.mentioned.extend(kept);
    }
}
