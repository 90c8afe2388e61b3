//! `CREATE` of schemas, sequences, views, types, domains, extensions, casts, databases and defined objects.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Ident, ObjectName, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
};

use super::Parser;
use super::name::Named;
use super::select::{body_query, empty_select};
use crate::keyword::Keyword as K;
use crate::statement::Statement;
use crate::token::Kind;
use crate::utility::{
    AlterSequence, CheckOption, ColumnDef, CreateCast, CreateComposite, CreateDatabase, CreateDomain, CreateEnum,
    CreateExtension, CreateLanguage, CreateSchema, CreateSequence, CreateView, DefElem, DefValue, DefineObject,
    ObjectKind, Persistence, SequenceOption, Utility,
};

impl Parser<'_> {
    /// `CREATE SCHEMA …`, after these words.
    pub(super) fn create_schema(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = match self.is_word(K::Authorization) {
            true => None,
            false => Some(self.col_id()?),
        };
        let owner = if self.eat_word(K::Authorization) { Some(self.role()?) } else { None };
        let position = self.position();
        let mut elements = Vec::new();
        while self.is_any(&[K::Create, K::Grant]) {
            elements.push(self.schema_element()?);
        }
        if if_not_exists && !elements.is_empty() {
            let message = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(position)));
        }
        Ok(Utility::CreateSchema(CreateSchema { name, owner, if_not_exists, elements }))
    }

    fn schema_element(&mut self) -> Result<Statement> {
        let object = self.nth(1);
        let utility = match self.is_word(K::Grant) {
            true => self.grant()?,
            false => self.create()?,
        };
        let allowed = matches!(
            utility,
            Utility::CreateTable(_)
                | Utility::CreateIndex(_)
                | Utility::CreateSequence(_)
                | Utility::CreateTrigger(_)
                | Utility::Grant(_)
                | Utility::CreateView(_)
        );
        if allowed { Ok(self.utility_tree(utility)) } else { Err(self.unexpected_at(object)) }
    }

    /// `CREATE SEQUENCE …`, after these words.
    pub(super) fn create_sequence(&mut self, persistence: Persistence) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.qualified_name()?;
        let mut options = Vec::new();
        while self.starts_sequence_option() {
            options.push(self.sequence_option()?);
        }
        Ok(Utility::CreateSequence(CreateSequence { persistence, if_not_exists, name, options }))
    }

    /// `ALTER SEQUENCE name option …`, from the first option on.
    pub(super) fn alter_sequence(&mut self, if_exists: bool, name: ObjectName) -> Result<Utility> {
        let mut options = Vec::new();
        while self.starts_sequence_option() {
            options.push(self.sequence_option()?);
        }
        Ok(Utility::AlterSequence(AlterSequence { if_exists, name, options }))
    }

    pub(super) fn starts_sequence_option(&self) -> bool {
        self.is_any(&[
            K::As,
            K::Cache,
            K::Cycle,
            K::No,
            K::Increment,
            K::Maxvalue,
            K::Minvalue,
            K::Owned,
            K::Sequence,
            K::Start,
            K::Restart,
            K::Logged,
            K::Unlogged,
        ])
    }

    /// `OptParenthesizedSeqOptList`.
    pub(super) fn identity_options(&mut self) -> Result<Vec<SequenceOption>> {
        self.expect(Kind::LeftParen)?;
        let mut options = vec![self.sequence_option()?];
        while !self.eat(Kind::RightParen) {
            options.push(self.sequence_option()?);
        }
        Ok(options)
    }

    /// `SeqOptElem`.
    pub(super) fn sequence_option(&mut self) -> Result<SequenceOption> {
        if !self.starts_sequence_option() {
            return Err(self.unexpected());
        }
        let token = self.advance();
        Ok(match token.keyword {
            word @ (K::Logged | K::Unlogged) => SequenceOption::Logged(word == K::Logged, token.position),
            K::As => SequenceOption::As(self.type_name()?),
            K::Cache => SequenceOption::Cache(self.signed_number()?),
            K::Cycle => SequenceOption::Cycle(true),
            K::No => match self.advance_if_any(&[K::Cycle, K::Maxvalue, K::Minvalue])? {
                K::Cycle => SequenceOption::Cycle(false),
                K::Maxvalue => SequenceOption::MaxValue(None),
                _ => SequenceOption::MinValue(None),
            },
            K::Increment => {
                self.eat_word(K::By);
                SequenceOption::Increment(self.signed_number()?)
            }
            K::Maxvalue => SequenceOption::MaxValue(Some(self.signed_number()?)),
            K::Minvalue => SequenceOption::MinValue(Some(self.signed_number()?)),
            K::Owned => {
                self.expect_word(K::By)?;
                let owner = self.any_name_of(Named::ColumnOfRelation)?;
                let none =
                    matches!(owner.0.as_slice(), [only] if only.as_ident().is_some_and(|name| name.value == "none"));
                SequenceOption::OwnedBy((!none).then_some(owner))
            }
            K::Sequence => {
                self.expect_word(K::Name)?;
                SequenceOption::Name(self.any_name()?)
            }
            K::Start => {
                self.eat_word(K::With);
                SequenceOption::Start(self.signed_number()?)
            }
            _ => {
                let with = self.eat_word(K::With);
                let number = matches!(self.kind(), Kind::Integer | Kind::Float | Kind::Plus | Kind::Minus);
                SequenceOption::Restart(if with || number { Some(self.signed_number()?) } else { None })
            }
        })
    }

    /// `CREATE [OR REPLACE] [TEMP] [RECURSIVE] VIEW …`, after `VIEW`.
    pub(super) fn create_view(
        &mut self,
        or_replace: bool,
        persistence: Persistence,
        recursive: bool,
    ) -> Result<Utility> {
        let name = self.qualified_name()?;
        let columns = if recursive { self.column_list()? } else { self.optional_column_list()? };
        let options = self.with_options()?;
        self.expect_word(K::As)?;
        let mut query = self.mentioning(recursive, Self::source_query)?;
        if recursive {
            let view = name.0.last().and_then(|part| part.as_ident().cloned());
            let view = view.unwrap_or_else(|| Ident::new(""));
            *query.query = recursive_view(view, columns.clone(), *query.query, self.all_mentioned());
        }
        let position = self.nth(1).position;
        let check_option = self.check_option()?;
        if recursive && check_option.is_some() {
            let message = "WITH CHECK OPTION not supported on recursive views";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(position)));
        }
        Ok(Utility::CreateView(Box::new(CreateView {
            or_replace,
            persistence,
            recursive,
            name,
            columns,
            options,
            query,
            check_option,
        })))
    }

    fn check_option(&mut self) -> Result<Option<CheckOption>> {
        if !self.eat_word(K::With) {
            return Ok(None);
        }
        let kinds = [(K::Cascaded, CheckOption::Cascaded), (K::Local, CheckOption::Local)];
        let kind = self.eat_one_of(&kinds).unwrap_or(CheckOption::Cascaded);
        self.expect_words(&[K::Check, K::Option])?;
        Ok(Some(kind))
    }

    /// `CREATE TYPE …`, after these words.
    pub(super) fn create_type(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        if self.is(Kind::LeftParen) {
            let definition = Some(self.definition()?);
            return Ok(Utility::Define(definition_of(ObjectKind::Type, name, definition)));
        }
        if !self.eat_word(K::As) {
            return Ok(Utility::Define(definition_of(ObjectKind::Type, name, None)));
        }
        if self.eat_word(K::Enum) {
            self.expect(Kind::LeftParen)?;
            let labels = if self.is(Kind::RightParen) { Vec::new() } else { self.list(Self::string)? };
            self.expect(Kind::RightParen)?;
            return Ok(Utility::CreateEnum(CreateEnum { name, labels }));
        }
        if self.eat_word(K::Range) {
            let definition = Some(self.definition()?);
            return Ok(Utility::CreateRange(definition_of(ObjectKind::Type, name, definition)));
        }
        self.expect(Kind::LeftParen)?;
        let attributes = if self.is(Kind::RightParen) { Vec::new() } else { self.list(Self::attribute)? };
        self.expect(Kind::RightParen)?;
        Ok(Utility::CreateComposite(CreateComposite { name, attributes }))
    }

    /// `TableFuncElement` as a composite type's attribute.
    pub(super) fn attribute(&mut self) -> Result<ColumnDef> {
        let name = self.col_id()?;
        let type_position = self.position();
        let data_type = Some(self.type_name()?);
        let collation = if self.eat_word(K::Collate) { Some(self.any_name()?) } else { None };
        Ok(ColumnDef {
            name,
            data_type,
            type_position,
            collation,
            compression: None,
            options: Vec::new(),
            constraints: Vec::new(),
        })
    }

    /// `CREATE DOMAIN …`, after these words.
    pub(super) fn create_domain(&mut self) -> Result<Utility> {
        let name = self.any_name()?;
        self.eat_word(K::As);
        let type_position = self.position();
        let data_type = self.type_name()?;
        let (constraints, collation) = self.column_constraints()?;
        Ok(Utility::CreateDomain(Box::new(CreateDomain { name, data_type, type_position, collation, constraints })))
    }

    /// `CREATE [TRUSTED] [PROCEDURAL] LANGUAGE name`, after the first of these words, which makes the extension of that name. With a
    /// handler it is a language of one's own.
    pub(super) fn create_language(&mut self, first: K, or_replace: bool) -> Result<Utility> {
        if first == K::Trusted {
            self.eat_word(K::Procedural);
        }
        if first != K::Language {
            self.expect_word(K::Language)?;
        }
        let name = self.col_id()?;
        if self.eat_word(K::Handler) {
            let handler = self.any_name()?;
            let inline = if self.eat_word(K::Inline) { Some(self.any_name()?) } else { None };
            let validator = if self.eat_word(K::Validator) {
                Some(self.any_name()?)
            } else if self.eat_word(K::No) {
                self.expect_word(K::Validator)?;
                None
            } else {
                None
            };
            let trusted = first == K::Trusted;
            let create = CreateLanguage { or_replace, trusted, name, handler, inline, validator };
            return Ok(Utility::CreateLanguage(create));
        }
        let extension =
            CreateExtension { name, if_not_exists: or_replace, schema: None, version: None, cascade: false };
        Ok(Utility::CreateExtension(extension))
    }

    /// `CREATE EXTENSION …`, after these words.
    pub(super) fn create_extension(&mut self) -> Result<Utility> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.col_id()?;
        self.eat_word(K::With);
        let mut extension = CreateExtension { name, if_not_exists, schema: None, version: None, cascade: false };
        while self.is_any(&[K::Schema, K::Version, K::From, K::Cascade]) {
            let token = self.advance();
            let redundant =
                || Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(Some(token.position));
            let repeated = match token.keyword {
                K::Schema => extension.schema.replace(self.col_id()?).is_some(),
                K::Version => extension.version.replace(self.word_or_string()?).is_some(),
                K::Cascade => std::mem::replace(&mut extension.cascade, true),
                _ => {
                    let message = "CREATE EXTENSION ... FROM is no longer supported";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(token.position)));
                }
            };
            if repeated {
                return Err(redundant());
            }
        }
        Ok(Utility::CreateExtension(extension))
    }

    /// `CREATE CAST …`, after these words.
    pub(super) fn create_cast(&mut self) -> Result<Utility> {
        self.expect(Kind::LeftParen)?;
        let source = self.type_name()?;
        self.expect_word(K::As)?;
        let target = self.type_name()?;
        self.expect(Kind::RightParen)?;
        let (mut function, mut inout) = (None, false);
        if self.eat_word(K::Without) {
            self.expect_word(K::Function)?;
        } else {
            self.expect_word(K::With)?;
            match self.advance_if_any(&[K::Function, K::Inout])? {
                K::Function => function = Some(self.function_ref()?),
                _ => inout = true,
            }
        }
        let context = match self.eat_word(K::As) {
            true => match self.advance_if_any(&[K::Implicit, K::Assignment])? {
                K::Implicit => 'i',
                _ => 'a',
            },
            false => 'e',
        };
        Ok(Utility::CreateCast(CreateCast { source, target, function, inout, context }))
    }

    /// `CREATE DATABASE …`, after these words.
    pub(super) fn create_database(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        self.eat_word(K::With);
        Ok(Utility::CreateDatabase(CreateDatabase { name, options: self.database_options()? }))
    }

    /// `createdb_opt_list`.
    pub(super) fn database_options(&mut self) -> Result<Vec<DefElem>> {
        let mut options = Vec::new();
        while let Some(name) = self.database_option_name()? {
            self.eat(Kind::Equal);
            let value = match self.kind() {
                Kind::Integer | Kind::Float | Kind::Plus | Kind::Minus => Some(DefValue::Number(self.signed_number()?)),
                _ if self.eat_word(K::Default) => None,
                _ => Some(self.boolean_or_string()?),
            };
            options.push(DefElem { namespace: None, name, value });
        }
        Ok(options)
    }

    fn database_option_name(&mut self) -> Result<Option<Ident>> {
        match self.keyword() {
            K::Connection => {
                let mut name = self.ident()?;
                self.expect_word(K::Limit)?;
                name.value = "connection_limit".to_owned();
                Ok(Some(name))
            }
            K::Encoding | K::Location | K::Owner | K::Tablespace | K::Template => self.ident().map(Some),
            K::Unkeyed if self.is_col_id(self.peek()) => self.ident().map(Some),
            _ => Ok(None),
        }
    }

    /// `CREATE AGGREGATE/OPERATOR/COLLATION/TEXT SEARCH …`, after these words.
    pub(super) fn define(&mut self, kind: ObjectKind, or_replace: bool) -> Result<Utility> {
        let if_not_exists = kind == ObjectKind::Collation && self.if_not_exists()?;
        let name = match kind {
            ObjectKind::Operator => {
                let (schema, name) = self.qualified_operator()?;
                ObjectName::from(schema.into_iter().chain([name]).map(Ident::new).collect::<Vec<_>>())
            }
            ObjectKind::Aggregate => self.function_name()?,
            _ => self.any_name()?,
        };
        let mut object = definition_of(kind, name, None);
        object.or_replace = or_replace;
        object.if_not_exists = if_not_exists;
        if kind == ObjectKind::Collation && self.eat_word(K::From) {
            object.from = Some(self.any_name()?);
            return Ok(Utility::Define(object));
        }
        if kind == ObjectKind::Aggregate && !self.starts_old_aggregate() {
            let (args, direct_args) = self.aggregate_params()?;
            (object.args, object.direct_args) = (Some(args), direct_args);
        }
        object.definition = Some(self.definition()?);
        Ok(Utility::Define(object))
    }

    /// Whether `(basetype = …` comes next, the old syntax of aggregates.
    fn starts_old_aggregate(&self) -> bool {
        self.nth(2).kind == Kind::Equal
    }
}

fn definition_of(kind: ObjectKind, name: ObjectName, definition: Option<Vec<DefElem>>) -> DefineObject {
    DefineObject {
        kind,
        name,
        or_replace: false,
        if_not_exists: false,
        args: None,
        direct_args: None,
        definition,
        from: None,
    }
}

/// `CREATE RECURSIVE VIEW v (a, b) AS query` is a view of `WITH RECURSIVE v (a, b) AS (query) SELECT a, b FROM v`.
fn recursive_view(view: Ident, columns: Vec<Ident>, query: Query, mentioned: Option<Ident>) -> Query {
    let column = |name: &Ident| TableAliasColumnDef { name: name.clone(), data_type: None };
    let alias =
        TableAlias { explicit: true, name: view.clone(), columns: columns.iter().map(column).collect(), at: None };
    let cte = sqlparser::ast::Cte {
        alias,
        query: Box::new(query),
        from: mentioned,
        materialized: None,
        closing_paren_token: AttachedToken::empty(),
    };
    let with = sqlparser::ast::With { with_token: AttachedToken::empty(), recursive: true, cte_tables: vec![cte] };
    let relation = TableFactor::Table {
        name: ObjectName::from(vec![view]),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    let select = Select {
        projection: columns
            .into_iter()
            .map(|name| SelectItem::UnnamedExpr(sqlparser::ast::Expr::Identifier(name)))
            .collect(),
        from: vec![TableWithJoins { relation, joins: Vec::new() }],
        ..empty_select(AttachedToken::empty())
    };
    body_query(Some(with), SetExpr::Select(Box::new(select)))
}
