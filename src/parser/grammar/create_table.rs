//! `CREATE TABLE`, `CREATE TABLE AS`, `CREATE MATERIALIZED VIEW`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    ColumnDef, CreateTable, CreateTableAs, DefElem, LikeClause, LikeOption, OnCommit, PartitionBound,
    PartitionBoundSpec, PartitionBy, Persistence, RefreshMaterializedView, SourceQuery, TableElement, TableSource,
    Utility,
};

const LIKE_OPTIONS: &[(K, LikeOption)] = &[
    (K::Comments, LikeOption::Comments),
    (K::Compression, LikeOption::Compression),
    (K::Constraints, LikeOption::Constraints),
    (K::Defaults, LikeOption::Defaults),
    (K::Generated, LikeOption::Generated),
    (K::Identity, LikeOption::Identity),
    (K::Indexes, LikeOption::Indexes),
    (K::Statistics, LikeOption::Statistics),
    (K::Storage, LikeOption::Storage),
    (K::All, LikeOption::All),
];

/// The clauses after the columns of a table.
#[derive(Default)]
struct TableClauses {
    access_method: Option<Ident>,
    options: Vec<DefElem>,
    on_commit: Option<OnCommit>,
    tablespace: Option<Ident>,
}

impl Parser<'_> {
    /// `OptTemp`.
    pub(super) fn persistence(&mut self) -> Result<Persistence> {
        if self.is_any(&[K::Local, K::Global]) {
            self.advance();
            self.advance_if_any(&[K::Temporary, K::Temp])?;
            return Ok(Persistence::Temporary);
        }
        let words = [
            (K::Temporary, Persistence::Temporary),
            (K::Temp, Persistence::Temporary),
            (K::Unlogged, Persistence::Unlogged),
        ];
        Ok(self.eat_one_of(&words).unwrap_or_default())
    }

    /// `CREATE [TEMP] TABLE …`, after `TABLE`.
    pub(super) fn create_table(&mut self, persistence: Persistence) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let mut table = bare_table(persistence, if_not_exists, name);
        match self.keyword() {
            K::Of => {
                self.advance();
                table.of_type = Some(self.any_name()?);
                table.elements = self.optional_typed_elements()?;
            }
            K::Partition => {
                self.advance();
                self.expect_word(K::Of)?;
                let parent = self.qualified_name()?;
                table.elements = self.optional_typed_elements()?;
                table.partition_of = Some((parent, self.partition_bound()?));
            }
            _ if self.is(Kind::LeftParen) && !self.starts_name_list() => {
                table.elements = self.table_elements()?;
                if self.eat_word(K::Inherits) {
                    table.inherits = self.in_parens(Self::qualified_name)?;
                }
            }
            _ => return self.create_table_as(table),
        }
        if self.eat_word(K::Partition) {
            table.partition_by = Some(self.partition_by()?);
        }
        let clauses = self.table_clauses()?;
        table.access_method = clauses.access_method;
        table.options = clauses.options;
        table.on_commit = clauses.on_commit;
        table.tablespace = clauses.tablespace;
        Ok(Utility::CreateTable(Box::new(table)))
    }

    /// `CREATE FOREIGN TABLE …`, after these words.
    pub(super) fn create_foreign_table(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let mut table = bare_table(Persistence::Permanent, if_not_exists, name);
        if self.eat_word(K::Partition) {
            self.expect_word(K::Of)?;
            let parent = self.qualified_name()?;
            table.elements = self.optional_typed_elements()?;
            table.partition_of = Some((parent, self.partition_bound()?));
        } else {
            table.elements = self.table_elements()?;
            if self.eat_word(K::Inherits) {
                table.inherits = self.in_parens(Self::qualified_name)?;
            }
        }
        table.foreign = Some(self.foreign_clause()?);
        Ok(Utility::CreateTable(Box::new(table)))
    }

    /// Whether `(a, …` or `(a)` comes next: names without types, as `CREATE TABLE AS` has them.
    fn starts_name_list(&self) -> bool {
        self.is_col_id(self.nth(1)) && matches!(self.nth(2).kind, Kind::Comma | Kind::RightParen)
    }

    fn table_clauses(&mut self) -> Result<TableClauses> {
        let mut clauses = TableClauses::default();
        if self.eat_word(K::Using) {
            clauses.access_method = Some(self.col_id()?);
        }
        if self.is_word(K::With) {
            self.advance();
            clauses.options = self.reloptions()?;
        } else if self.eat_word(K::Without) {
            self.expect_word(K::Oids)?;
        }
        if self.eat_word(K::On) {
            self.expect_word(K::Commit)?;
            clauses.on_commit = Some(match self.advance_if_any(&[K::Drop, K::Delete, K::Preserve])? {
                K::Drop => OnCommit::Drop,
                word => {
                    self.expect_word(K::Rows)?;
                    if word == K::Delete { OnCommit::DeleteRows } else { OnCommit::PreserveRows }
                }
            });
        }
        clauses.tablespace = self.optional_tablespace()?;
        Ok(clauses)
    }

    pub(super) fn optional_tablespace(&mut self) -> Result<Option<Ident>> {
        if self.eat_word(K::Tablespace) { self.col_id().map(Some) } else { Ok(None) }
    }

    fn create_table_as(&mut self, table: CreateTable) -> Result<Utility> {
        let columns = self.optional_column_list()?;
        let clauses = self.table_clauses()?;
        self.expect_word(K::As)?;
        let source = match self.is_word(K::Execute) {
            true => TableSource::Execute(self.execute()?),
            false => TableSource::Query(self.source_query()?),
        };
        Ok(Utility::CreateTableAs(Box::new(CreateTableAs {
            materialized: false,
            persistence: table.persistence,
            if_not_exists: table.if_not_exists,
            name: table.name,
            columns,
            access_method: clauses.access_method,
            options: clauses.options,
            on_commit: clauses.on_commit,
            tablespace: clauses.tablespace,
            source,
            with_data: self.with_data()?,
        })))
    }

    /// A query with its text.
    pub(super) fn source_query(&mut self) -> Result<SourceQuery> {
        if !self.starts_query() {
            return Err(self.unexpected());
        }
        let start = self.start();
        let query = Box::new(self.query()?);
        Ok(SourceQuery { query, text: self.text_since(start).to_owned() })
    }

    /// `WITH [NO] DATA`.
    fn with_data(&mut self) -> Result<bool> {
        if !self.eat_word(K::With) {
            return Ok(true);
        }
        let data = !self.eat_word(K::No);
        self.expect_word(K::Data)?;
        Ok(data)
    }

    /// `CREATE MATERIALIZED VIEW …`, after these words.
    pub(super) fn create_materialized_view(&mut self, persistence: Persistence) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let columns = self.optional_column_list()?;
        let access_method = if self.eat_word(K::Using) { Some(self.col_id()?) } else { None };
        let options = self.with_options()?;
        let tablespace = self.optional_tablespace()?;
        self.expect_word(K::As)?;
        let source = TableSource::Query(self.source_query()?);
        Ok(Utility::CreateTableAs(Box::new(CreateTableAs {
            materialized: true,
            persistence,
            if_not_exists,
            name,
            columns,
            access_method,
            options,
            on_commit: None,
            tablespace,
            source,
            with_data: self.with_data()?,
        })))
    }

    /// `REFRESH MATERIALIZED VIEW …`.
    pub(super) fn refresh(&mut self) -> Result<Utility> {
        self.expect_words(&[K::Refresh, K::Materialized, K::View])?;
        let concurrently = self.eat_word(K::Concurrently);
        let name = self.qualified_name()?;
        Ok(Utility::RefreshMaterializedView(RefreshMaterializedView {
            name,
            concurrently,
            with_data: self.with_data()?,
        }))
    }

    fn table_elements(&mut self) -> Result<Vec<TableElement>> {
        self.expect(Kind::LeftParen)?;
        let elements = if self.is(Kind::RightParen) { Vec::new() } else { self.list(Self::table_element)? };
        self.expect(Kind::RightParen)?;
        Ok(elements)
    }

    fn table_element(&mut self) -> Result<TableElement> {
        match self.keyword() {
            K::Like => {
                self.advance();
                self.like_clause().map(TableElement::Like)
            }
            _ if self.starts_table_constraint() => self.table_constraint().map(TableElement::Constraint),
            _ => self.column_def().map(TableElement::Column),
        }
    }

    /// Whether a table constraint comes next. `EXCLUDE` may also name a column.
    pub(super) fn starts_table_constraint(&self) -> bool {
        match self.keyword() {
            K::Constraint | K::Check | K::Unique | K::Primary | K::Foreign => true,
            K::Exclude => self.nth(1).kind == Kind::LeftParen || self.nth(1).keyword == K::Using,
            _ => false,
        }
    }

    fn like_clause(&mut self) -> Result<LikeClause> {
        let source = self.qualified_name()?;
        let mut options = Vec::new();
        while self.is_any(&[K::Including, K::Excluding]) {
            let including = self.advance().keyword == K::Including;
            let option = self.eat_one_of(LIKE_OPTIONS).ok_or_else(|| self.unexpected())?;
            options.push((including, option));
        }
        Ok(LikeClause { source, options })
    }

    /// `columnDef`.
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let name = self.col_id()?;
        let type_position = self.position();
        if self.is_word(K::Setof) {
            let message = format!("column \"{}\" cannot be declared SETOF", name.value);
            self.type_name()?;
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let data_type = Some(self.type_name()?);
        let compression = if self.eat_word(K::Compression) { Some(self.compression()?) } else { None };
        let options = self.generic_options()?;
        let (constraints, collation) = self.column_constraints()?;
        Ok(ColumnDef { name, data_type, type_position, collation, compression, options, constraints })
    }

    /// A compression method or `DEFAULT`.
    pub(super) fn compression(&mut self) -> Result<Ident> {
        if self.is_word(K::Default) { self.ident() } else { self.col_id() }
    }

    /// `OptTypedTableElementList`: columns without types.
    fn optional_typed_elements(&mut self) -> Result<Vec<TableElement>> {
        if !self.is(Kind::LeftParen) {
            return Ok(Vec::new());
        }
        self.in_parens(|parser| {
            if parser.starts_table_constraint() {
                return parser.table_constraint().map(TableElement::Constraint);
            }
            let name = parser.col_id()?;
            parser.eat_phrase(&[K::With, K::Options])?;
            let type_position = parser.position();
            let (constraints, collation) = parser.column_constraints()?;
            let compression = None;
            Ok(TableElement::Column(ColumnDef {
                name,
                data_type: None,
                type_position,
                collation,
                compression,
                options: Vec::new(),
                constraints,
            }))
        })
    }

    fn partition_by(&mut self) -> Result<PartitionBy> {
        self.expect_word(K::By)?;
        let strategy = self.col_id()?;
        let keys = self.in_parens(|parser| {
            let position = parser.position();
            let expr = parser.source_expr(Self::index_expr)?;
            let collation = if parser.eat_word(K::Collate) { Some(parser.any_name()?) } else { None };
            let opclass = if parser.is_col_id(parser.peek()) { Some(parser.any_name()?) } else { None };
            Ok(crate::utility::IndexElement {
                expr,
                position,
                collation,
                opclass,
                opclass_options: Vec::new(),
                descending: false,
                nulls_first: None,
            })
        })?;
        Ok(PartitionBy { strategy, keys })
    }

    /// `PartitionBoundSpec`.
    pub(super) fn partition_bound(&mut self) -> Result<PartitionBoundSpec> {
        let position = self.position();
        if self.eat_word(K::Default) {
            return Ok(PartitionBoundSpec { bound: PartitionBound::Default, position });
        }
        self.expect_words(&[K::For, K::Values])?;
        let position = self.position();
        self.bound_values().map(|bound| PartitionBoundSpec { bound, position })
    }

    fn bound_values(&mut self) -> Result<PartitionBound> {
        match self.advance_if_any(&[K::In, K::From, K::With])? {
            K::In => Ok(PartitionBound::In(self.in_parens(Self::expr)?)),
            K::From => {
                let from = self.in_parens(Self::expr)?;
                self.expect_word(K::To)?;
                Ok(PartitionBound::Range(from, self.in_parens(Self::expr)?))
            }
            _ => self.hash_bound(),
        }
    }

    fn hash_bound(&mut self) -> Result<PartitionBound> {
        let (mut modulus, mut remainder) = (None, None);
        let error = |message: String| Error::new(SqlState::SYNTAX_ERROR, message);
        let parts = self.in_parens(|parser| {
            let token = parser.peek();
            Ok((parser.non_reserved()?.value, parser.integer()?, token))
        })?;
        for (name, value, token) in parts {
            let slot = match name.as_str() {
                "modulus" => &mut modulus,
                "remainder" => &mut remainder,
                _ => {
                    let message = format!("unrecognized hash partition bound specification \"{name}\"");
                    return Err(error(message).at(Some(token.position)));
                }
            };
            if slot.replace(value).is_some() {
                let message = format!("{name} for hash partition provided more than once");
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message).at(Some(token.position)));
            }
        }
        match (modulus, remainder) {
            (Some(modulus), Some(remainder)) => {
                Ok(PartitionBound::Hash(modulus.unsigned_abs(), remainder.unsigned_abs()))
            }
            (None, _) => Err(error("modulus for hash partition must be specified".to_owned())),
            _ => Err(error("remainder for hash partition must be specified".to_owned())),
        }
    }
}

/// A table before any of its clauses.
fn bare_table(persistence: Persistence, if_not_exists: bool, name: ObjectName) -> CreateTable {
    CreateTable {
        persistence,
        if_not_exists,
        name,
        elements: Vec::new(),
        inherits: Vec::new(),
        of_type: None,
        partition_of: None,
        partition_by: None,
        access_method: None,
        options: Vec::new(),
        on_commit: None,
        tablespace: None,
        foreign: None,
    }
}
