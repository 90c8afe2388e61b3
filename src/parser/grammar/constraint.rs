//! Constraints of columns, tables and domains.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Expr, Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{
    Constraint, ConstraintKind, Exclude, ForeignKey, KeyConstraint, MatchType, ReferentialAction, SourceExpr,
};

/// `DEFERRABLE`, `INITIALLY DEFERRED`, `NOT VALID`, `NO INHERIT` as they were written.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) deferrable: Option<bool>,
    pub(super) initially_deferred: Option<bool>,
    pub(super) not_valid: bool,
    pub(super) no_inherit: bool,
}

impl Parser<'_> {
    /// An expression with its text.
    pub(super) fn source_expr(&mut self, rule: impl FnOnce(&mut Self) -> Result<Expr>) -> Result<SourceExpr> {
        let start = self.start();
        let expr = Box::new(rule(self)?);
        Ok(SourceExpr { expr, text: self.text_since(start).to_owned() })
    }

    /// `( a_expr )` with the text inside the parentheses.
    pub(super) fn source_in_parens(&mut self) -> Result<SourceExpr> {
        self.expect(Kind::LeftParen)?;
        let source = self.source_expr(|parser| parser.nested(Self::expr))?;
        self.expect(Kind::RightParen)?;
        Ok(source)
    }

    /// `ColQualList`: constraints, and a collation among them.
    pub(super) fn column_constraints(&mut self) -> Result<(Vec<Constraint>, Option<ObjectName>)> {
        let mut constraints: Vec<Constraint> = Vec::new();
        let mut collation = None;
        // Which attributes the last constraint has got.
        let mut seen = Attributes::default();
        loop {
            if let Some(attribute) = self.column_attribute()? {
                attach_attribute(constraints.last_mut(), &mut seen, attribute)?;
                continue;
            }
            if self.is_word(K::Collate) {
                let position = self.advance().position;
                if collation.replace(self.any_name()?).is_some() {
                    return Err(
                        Error::new(SqlState::SYNTAX_ERROR, "multiple COLLATE clauses not allowed").at(Some(position))
                    );
                }
                continue;
            }
            let Some(constraint) = self.column_constraint()? else { return Ok((constraints, collation)) };
            constraints.push(constraint);
            seen = Attributes::default();
        }
    }

    /// `ConstraintAttr`: which one, its value and its position.
    fn column_attribute(&mut self) -> Result<Option<(Attribute, u32)>> {
        let position = self.position();
        let attribute = match self.keyword() {
            K::Deferrable => {
                self.advance();
                Attribute::Deferrable(true)
            }
            K::Not if self.nth(1).keyword == K::Deferrable => {
                self.at += 2;
                Attribute::Deferrable(false)
            }
            K::Initially => {
                self.advance();
                Attribute::Initially(self.advance_if_any(&[K::Deferred, K::Immediate])? == K::Deferred)
            }
            _ => return Ok(None),
        };
        Ok(Some((attribute, position)))
    }

    /// `ColConstraint` if one comes next.
    fn column_constraint(&mut self) -> Result<Option<Constraint>> {
        let position = self.position();
        let name = if self.eat_word(K::Constraint) { Some(self.col_id()?) } else { None };
        let mut no_inherit = false;
        let kind = match self.keyword() {
            K::Not => {
                self.advance();
                self.expect_word(K::Null)?;
                ConstraintKind::NotNull
            }
            K::Null => {
                self.advance();
                ConstraintKind::Null
            }
            K::Unique => {
                self.advance();
                let nulls_not_distinct = self.nulls_treatment()?;
                ConstraintKind::Unique(
                    self.key_storage(KeyConstraint { nulls_not_distinct, ..KeyConstraint::default() })?,
                )
            }
            K::Primary => {
                self.advance();
                self.expect_word(K::Key)?;
                ConstraintKind::PrimaryKey(self.key_storage(KeyConstraint::default())?)
            }
            K::Check => {
                self.advance();
                let check = self.source_in_parens()?;
                no_inherit = self.eat_phrase(&[K::No, K::Inherit])?;
                ConstraintKind::Check(check)
            }
            K::Default => {
                self.advance();
                ConstraintKind::Default(self.source_expr(Self::restricted_expr)?)
            }
            K::Generated => self.generated()?,
            K::References => {
                self.advance();
                ConstraintKind::ForeignKey(self.references(Vec::new())?)
            }
            _ if name.is_some() => return Err(self.unexpected()),
            _ => return Ok(None),
        };
        let constraint = Constraint {
            name,
            kind,
            position,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
            no_inherit,
        };
        Ok(Some(constraint))
    }

    /// `NULLS [NOT] DISTINCT`.
    pub(super) fn nulls_treatment(&mut self) -> Result<bool> {
        if !self.eat_word(K::Nulls) {
            return Ok(false);
        }
        let not_distinct = self.eat_word(K::Not);
        self.expect_word(K::Distinct)?;
        Ok(not_distinct)
    }

    /// `INCLUDE (…)`, `WITH (…)`, `USING INDEX TABLESPACE …` of a key.
    fn key_storage(&mut self, mut key: KeyConstraint) -> Result<KeyConstraint> {
        if self.is_word(K::With) {
            self.advance();
            key.options = self.definition()?;
        }
        key.tablespace = self.index_tablespace()?;
        Ok(key)
    }

    fn index_tablespace(&mut self) -> Result<Option<Ident>> {
        if !self.eat_phrase(&[K::Using, K::Index, K::Tablespace])? {
            return Ok(None);
        }
        self.col_id().map(Some)
    }

    /// `GENERATED ALWAYS AS (…) STORED`, `GENERATED … AS IDENTITY`.
    fn generated(&mut self) -> Result<ConstraintKind> {
        self.advance();
        let position = self.position();
        let always = self.generated_when()?;
        self.expect_word(K::As)?;
        if self.eat_word(K::Identity) {
            let options = if self.is(Kind::LeftParen) { self.identity_options()? } else { Vec::new() };
            return Ok(ConstraintKind::Identity { always, options });
        }
        let source = self.source_in_parens()?;
        self.expect_word(K::Stored)?;
        if !always {
            let message = "for a generated column, GENERATED ALWAYS must be specified";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(position)));
        }
        Ok(ConstraintKind::Generated(source))
    }

    /// `ALWAYS` (true) or `BY DEFAULT`.
    pub(super) fn generated_when(&mut self) -> Result<bool> {
        if self.eat_word(K::Always) {
            return Ok(true);
        }
        self.expect_words(&[K::By, K::Default])?;
        Ok(false)
    }

    /// `TableConstraint`.
    pub(super) fn table_constraint(&mut self) -> Result<Constraint> {
        let position = self.position();
        let name = if self.eat_word(K::Constraint) { Some(self.col_id()?) } else { None };
        let (kind, word) = match self.keyword() {
            K::Check => {
                self.advance();
                (ConstraintKind::Check(self.source_in_parens()?), "CHECK")
            }
            K::Unique => {
                self.advance();
                (ConstraintKind::Unique(self.table_key()?), "UNIQUE")
            }
            K::Primary => {
                self.advance();
                self.expect_word(K::Key)?;
                (ConstraintKind::PrimaryKey(self.table_key()?), "PRIMARY KEY")
            }
            K::Exclude => {
                self.advance();
                (ConstraintKind::Exclude(self.exclude()?), "EXCLUDE")
            }
            K::Foreign => {
                self.advance();
                self.expect_word(K::Key)?;
                let columns = self.column_list()?;
                self.expect_word(K::References)?;
                (ConstraintKind::ForeignKey(self.references(columns)?), "FOREIGN KEY")
            }
            _ => return Err(self.unexpected()),
        };
        let attributes = self.constraint_attributes(word)?;
        Ok(Constraint {
            name,
            kind,
            position,
            deferrable: attributes.deferrable.unwrap_or(false),
            initially_deferred: attributes.initially_deferred.unwrap_or(false),
            not_valid: attributes.not_valid,
            no_inherit: attributes.no_inherit,
        })
    }

    fn table_key(&mut self) -> Result<KeyConstraint> {
        if self.eat_phrase(&[K::Using, K::Index])? {
            return Ok(KeyConstraint { using_index: Some(self.col_id()?), ..KeyConstraint::default() });
        }
        let nulls_not_distinct = self.nulls_treatment()?;
        let columns = self.column_list()?;
        let include = if self.eat_word(K::Include) { self.column_list()? } else { Vec::new() };
        self.key_storage(KeyConstraint { columns, include, nulls_not_distinct, ..KeyConstraint::default() })
    }

    fn exclude(&mut self) -> Result<Exclude> {
        let method = if self.eat_word(K::Using) { Some(self.col_id()?) } else { None };
        let elements = self.in_parens(|parser| {
            let element = parser.index_element()?;
            parser.expect_word(K::With)?;
            let (schema, name) = match parser.is_word(K::Operator) {
                true => {
                    let (schema, name, _) = parser.any_operator()?;
                    (schema, name)
                }
                false => parser.qualified_operator()?,
            };
            let path: Vec<Ident> = schema.into_iter().chain([name]).map(Ident::new).collect();
            Ok((element, ObjectName::from(path)))
        })?;
        let include = if self.eat_word(K::Include) { self.column_list()? } else { Vec::new() };
        let options = if self.eat_word(K::With) { self.definition()? } else { Vec::new() };
        let tablespace = self.index_tablespace()?;
        let predicate = match self.eat_word(K::Where) {
            true => Some(self.source_in_parens()?),
            false => None,
        };
        Ok(Exclude { method, elements, include, options, tablespace, predicate })
    }

    /// What follows `REFERENCES`.
    fn references(&mut self, columns: Vec<Ident>) -> Result<ForeignKey> {
        let table = self.qualified_name()?;
        let referenced = self.optional_column_list()?;
        let match_type = self.match_type()?;
        let mut key = ForeignKey {
            columns,
            table,
            referenced,
            match_type,
            on_update: ReferentialAction::default(),
            on_delete: ReferentialAction::default(),
            on_delete_columns: Vec::new(),
        };
        let (mut update, mut delete) = (false, false);
        while self.is_word(K::On) {
            let word = self.nth(1).keyword;
            let seen = if word == K::Update { &mut update } else { &mut delete };
            if *seen && matches!(word, K::Update | K::Delete) {
                self.advance();
                return Err(self.unexpected());
            }
            *seen = true;
            let position = self.advance().position;
            self.advance_if_any(&[K::Update, K::Delete])?;
            let (action, columns) = self.referential_action()?;
            if word == K::Delete {
                (key.on_delete, key.on_delete_columns) = (action, columns);
            } else if columns.is_empty() {
                key.on_update = action;
            } else {
                let what = if action == ReferentialAction::SetNull { "SET NULL" } else { "SET DEFAULT" };
                let message = format!("a column list with {what} is only supported for ON DELETE actions");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(position)));
            }
        }
        Ok(key)
    }

    fn match_type(&mut self) -> Result<MatchType> {
        let position = self.position();
        if !self.eat_word(K::Match) {
            return Ok(MatchType::Simple);
        }
        let types = [(K::Full, MatchType::Full), (K::Partial, MatchType::Partial), (K::Simple, MatchType::Simple)];
        match self.eat_one_of(&types) {
            Some(MatchType::Partial) => {
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "MATCH PARTIAL not yet implemented").at(Some(position)))
            }
            Some(kind) => Ok(kind),
            None => Err(self.unexpected()),
        }
    }

    fn referential_action(&mut self) -> Result<(ReferentialAction, Vec<Ident>)> {
        match self.advance_if_any(&[K::No, K::Restrict, K::Cascade, K::Set])? {
            K::No => {
                self.expect_word(K::Action)?;
                Ok((ReferentialAction::NoAction, Vec::new()))
            }
            K::Restrict => Ok((ReferentialAction::Restrict, Vec::new())),
            K::Cascade => Ok((ReferentialAction::Cascade, Vec::new())),
            _ => {
                let action = match self.advance_if_any(&[K::Null, K::Default])? {
                    K::Null => ReferentialAction::SetNull,
                    _ => ReferentialAction::SetDefault,
                };
                Ok((action, self.optional_column_list()?))
            }
        }
    }

    /// `ConstraintAttributeSpec`; `word` names the constraint in errors about attributes it cannot have.
    pub(super) fn constraint_attributes(&mut self, word: &str) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        let conflict =
            |position| Error::new(SqlState::SYNTAX_ERROR, "conflicting constraint properties").at(Some(position));
        loop {
            let position = self.position();
            let before = |slot: Option<bool>, value: bool| slot.is_some_and(|slot| slot != value);
            if let Some((attribute, _)) = self.column_attribute()? {
                match attribute {
                    Attribute::Deferrable(value) => {
                        if before(attributes.deferrable, value) || !value && attributes.initially_deferred == Some(true)
                        {
                            return Err(match value {
                                false if attributes.initially_deferred == Some(true) => {
                                    must_be_deferrable().at(Some(position))
                                }
                                _ => conflict(position),
                            });
                        }
                        attributes.deferrable = Some(value);
                    }
                    Attribute::Initially(value) => {
                        if value && attributes.deferrable == Some(false) {
                            return Err(must_be_deferrable().at(Some(position)));
                        }
                        if before(attributes.initially_deferred, value) {
                            return Err(conflict(position));
                        }
                        attributes.initially_deferred = Some(value);
                        if value {
                            attributes.deferrable = Some(true);
                        }
                    }
                }
            } else if self.are_words(&[K::Not, K::Valid]) {
                self.at += 2;
                attributes.not_valid = true;
            } else if self.eat_phrase(&[K::No, K::Inherit])? {
                attributes.no_inherit = true;
            } else if self.eat_word(K::Not) {
                return Err(self.unexpected());
            } else {
                break;
            }
        }
        check_attributes(&attributes, word)?;
        Ok(attributes)
    }
}

/// What an attribute of a constraint says.
#[derive(Clone, Copy)]
enum Attribute {
    Deferrable(bool),
    Initially(bool),
}

fn must_be_deferrable() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "constraint declared INITIALLY DEFERRED must be DEFERRABLE")
}

/// Which attributes a kind of constraint may have (`processCASbits`).
fn check_attributes(attributes: &Attributes, word: &str) -> Result<()> {
    let deferrable =
        matches!(word, "UNIQUE" | "PRIMARY KEY" | "EXCLUDE" | "FOREIGN KEY" | "ALTER CONSTRAINT" | "TRIGGER");
    let refused = |what: &str| {
        let word = if word == "ALTER CONSTRAINT" { "FOREIGN KEY" } else { word };
        let message = format!("{word} constraints cannot be marked {what}");
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
    };
    if !deferrable && (attributes.deferrable == Some(true) || attributes.initially_deferred == Some(true)) {
        return refused("DEFERRABLE");
    }
    if attributes.not_valid && !matches!(word, "CHECK" | "FOREIGN KEY") {
        return refused("NOT VALID");
    }
    if attributes.no_inherit && word != "CHECK" {
        return refused("NO INHERIT");
    }
    Ok(())
}

/// Gives a column's constraint an attribute written after it (`transformConstraintAttrs`).
fn attach_attribute(
    constraint: Option<&mut Constraint>,
    seen: &mut Attributes,
    (attribute, position): (Attribute, u32),
) -> Result<()> {
    let error = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(position)));
    let constraint = constraint.filter(|constraint| {
        matches!(
            constraint.kind,
            ConstraintKind::PrimaryKey(_)
                | ConstraintKind::Unique(_)
                | ConstraintKind::ForeignKey(_)
                | ConstraintKind::Exclude(_)
        )
    });
    let Some(constraint) = constraint else {
        return error(match attribute {
            Attribute::Deferrable(true) => "misplaced DEFERRABLE clause",
            Attribute::Deferrable(false) => "misplaced NOT DEFERRABLE clause",
            Attribute::Initially(true) => "misplaced INITIALLY DEFERRED clause",
            Attribute::Initially(false) => "misplaced INITIALLY IMMEDIATE clause",
        });
    };
    match attribute {
        Attribute::Deferrable(value) => {
            if seen.deferrable.replace(value).is_some() {
                return error("multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed");
            }
            if !value && constraint.initially_deferred {
                return error("constraint declared INITIALLY DEFERRED must be DEFERRABLE");
            }
            constraint.deferrable = value;
        }
        Attribute::Initially(value) => {
            if seen.initially_deferred.replace(value).is_some() {
                return error("multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed");
            }
            if value && seen.deferrable == Some(false) {
                return error("constraint declared INITIALLY DEFERRED must be DEFERRABLE");
            }
            constraint.initially_deferred = value;
            constraint.deferrable |= value;
        }
    }
    Ok(())
}
