//! Names: identifiers, qualified names, roles.
//!
//! Which keywords may stand as which kind of name is in [`crate::keyword`].

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::{Category, Keyword};
use crate::lexer::NAME_BYTES;
use crate::literal;
use crate::token::{Kind, Token};
use crate::utility::RoleSpec;

impl Parser<'_> {
    fn token_is_name(&self, token: Token, categories: &[Category]) -> bool {
        match token.kind {
            Kind::QuotedName | Kind::UnicodeName => true,
            Kind::Word => token.keyword.category().is_none_or(|category| categories.contains(&category)),
            _ => false,
        }
    }

    /// `ColId`: a column, table or cursor.
    pub(super) fn is_col_id(&self, token: Token) -> bool {
        self.token_is_name(token, &[Category::Unreserved, Category::ColumnName])
    }

    /// `type_function_name`: a type or function.
    pub(super) fn is_type_function_name(&self, token: Token) -> bool {
        self.token_is_name(token, &[Category::Unreserved, Category::TypeFunctionName])
    }

    /// `ColLabel`: any word at all.
    pub(super) fn is_col_label(&self, token: Token) -> bool {
        matches!(token.kind, Kind::Word | Kind::QuotedName | Kind::UnicodeName)
    }

    /// `BareColLabel`: a label without `AS`.
    pub(super) fn is_bare_label(&self, token: Token) -> bool {
        match token.kind {
            Kind::Word => token.keyword == Keyword::Unkeyed || token.keyword.is_bare_label(),
            kind => matches!(kind, Kind::QuotedName | Kind::UnicodeName),
        }
    }

    /// `NonReservedWord`: anything but a reserved word.
    pub(super) fn is_non_reserved(&self, token: Token) -> bool {
        self.token_is_name(token, &[Category::Unreserved, Category::ColumnName, Category::TypeFunctionName])
    }

    /// `IDENT`: a name that is no keyword at all.
    pub(super) fn is_unkeyed_name(&self) -> bool {
        let token = self.peek();
        match token.kind {
            Kind::Word => token.keyword == Keyword::Unkeyed,
            kind => matches!(kind, Kind::QuotedName | Kind::UnicodeName),
        }
    }

    fn name_if(&mut self, allowed: bool) -> Result<Ident> {
        if allowed { self.ident() } else { Err(self.unexpected()) }
    }

    pub(super) fn col_id(&mut self) -> Result<Ident> {
        self.name_if(self.is_col_id(self.peek()))
    }

    pub(super) fn type_function_name(&mut self) -> Result<Ident> {
        self.name_if(self.is_type_function_name(self.peek()))
    }

    pub(super) fn col_label(&mut self) -> Result<Ident> {
        self.name_if(self.is_col_label(self.peek()))
    }

    pub(super) fn non_reserved(&mut self) -> Result<Ident> {
        self.name_if(self.is_non_reserved(self.peek()))
    }

    /// Takes the next token, which is a word or quoted name, as a name.
    pub(super) fn ident(&mut self) -> Result<Ident> {
        let token = self.advance();
        let raw = self.text(token);
        let (value, quote_style) = match token.kind {
            Kind::QuotedName => (literal::name(raw), Some('"')),
            Kind::UnicodeName => {
                let escape = self.uescape()?;
                (literal::unicode(raw, escape, token.position)?, Some('"'))
            }
            _ => (raw.to_ascii_lowercase(), None),
        };
        Ok(Ident { value: self.truncated(value), quote_style, span: self.span(token) })
    }

    /// Cuts a name to PostgreSQL's length, with its notice.
    fn truncated(&mut self, mut name: String) -> String {
        if let Some((length, notice)) = truncation(&name) {
            name.truncate(length);
            self.notices.push(notice);
        }
        name
    }

    /// `UESCAPE 'c'` after a name or string with Unicode escapes; the default is a backslash.
    pub(super) fn uescape(&mut self) -> Result<char> {
        if !self.eat_word(Keyword::Uescape) {
            return Ok('\\');
        }
        let token = self.peek();
        let raw = self.text(token);
        let text = match token.kind {
            Kind::String => literal::plain(raw),
            Kind::EscapeString => literal::escape(raw, token.position)?,
            Kind::DollarString => literal::dollar(raw).to_owned(),
            Kind::Broken => return Err(self.unexpected()),
            _ => return Err(self.near("UESCAPE must be followed by a simple string literal", token)),
        };
        self.advance();
        literal::escape_character(&text).ok_or_else(|| self.near("invalid Unicode escape character", token))
    }

    /// `qualified_name`: a relation, with schema and database if given.
    pub(super) fn qualified_name(&mut self) -> Result<ObjectName> {
        self.relation_name(Named::Relation)
    }

    /// The same where a query or change reads it.
    pub(super) fn relation_name(&mut self, named: Named) -> Result<ObjectName> {
        let mut names = vec![self.col_id()?];
        while self.is(Kind::Dot) && self.nth(1).kind != Kind::Star {
            self.advance();
            names.push(self.col_label()?);
        }
        if matches!(self.kind(), Kind::Dot | Kind::LeftBracket) {
            // PostgreSQL reads what may follow a column's name, and only then finds that this is none.
            let name = sqlparser::ast::Expr::CompoundIdentifier(names);
            self.indirection(name)?;
            return Err(self.unexpected());
        }
        if names.len() > 3 {
            return Err(too_many_dots("improper qualified name (too many dotted names)", &names));
        }
        Ok(ObjectName::from(self.within_database(names, named)?))
    }

    /// `any_name`: any object, qualified or not.
    pub(super) fn any_name(&mut self) -> Result<ObjectName> {
        self.any_name_of(Named::Object)
    }

    /// The same of what is known to be of a kind.
    pub(super) fn any_name_of(&mut self, named: Named) -> Result<ObjectName> {
        let first = self.col_id()?;
        let names = self.dotted(first)?;
        Ok(ObjectName::from(self.within_database(names, named)?))
    }

    /// A name without its database, which has to be the one the text is read for.
    pub(super) fn within_database(&self, mut names: Vec<Ident>, named: Named) -> Result<Vec<Ident>> {
        let parts = match named {
            Named::Column | Named::ColumnOfRelation => 4,
            Named::Relation | Named::Queried | Named::Object | Named::Function | Named::Star => 3,
        };
        if names.len() == parts {
            let database = names.remove(0);
            if self.limits.database.is_some_and(|own| own != database.value) {
                return Err(elsewhere(&database, &names, named));
            }
        }
        Ok(names)
    }

    /// `.name` any number of times after a first name.
    pub(super) fn dotted(&mut self, first: Ident) -> Result<Vec<Ident>> {
        let mut names = vec![first];
        while self.eat(Kind::Dot) {
            names.push(self.col_label()?);
        }
        Ok(names)
    }

    /// `func_name`: a function, qualified or not.
    pub(super) fn function_name(&mut self) -> Result<ObjectName> {
        let token = self.peek();
        let qualified = self.nth(1).kind == Kind::Dot;
        let first = self.name_if(if qualified { self.is_col_id(token) } else { self.is_type_function_name(token) })?;
        let names = self.dotted(first)?;
        Ok(ObjectName::from(self.within_database(names, Named::Object)?))
    }

    /// `'(' name, … ')'`.
    pub(super) fn column_list(&mut self) -> Result<Vec<Ident>> {
        self.in_parens(Self::col_id)
    }

    /// `'(' name, … ')'` if a parenthesis comes next.
    pub(super) fn optional_column_list(&mut self) -> Result<Vec<Ident>> {
        if self.is(Kind::LeftParen) { self.column_list() } else { Ok(Vec::new()) }
    }

    /// `RoleSpec`.
    pub(super) fn role(&mut self) -> Result<RoleSpec> {
        let token = self.peek();
        if !self.is_non_reserved(token) {
            return match token.keyword {
                Keyword::CurrentRole | Keyword::CurrentUser => {
                    self.advance();
                    Ok(RoleSpec::CurrentUser)
                }
                Keyword::SessionUser => {
                    self.advance();
                    Ok(RoleSpec::SessionUser)
                }
                _ => Err(self.unexpected()),
            };
        }
        let name = self.ident()?;
        // Both words are no keywords, and PostgreSQL compares the name itself, quoted or not.
        match name.value.as_str() {
            "public" => Ok(RoleSpec::Public),
            "none" => {
                Err(Error::new(SqlState::RESERVED_NAME, "role name \"none\" is reserved").at(Some(token.position)))
            }
            _ => Ok(RoleSpec::Name(name)),
        }
    }

    /// A role's name where keywords that mean a role are refused (`RoleId`).
    pub(super) fn role_id(&mut self) -> Result<Ident> {
        let position = self.position();
        let reserved = |word: &str| {
            let message = format!("role name \"{word}\" is reserved");
            Error::new(SqlState::RESERVED_NAME, message).at(Some(position))
        };
        match self.role()? {
            RoleSpec::Name(name) => Ok(name),
            RoleSpec::Public => Err(reserved("public")),
            RoleSpec::SessionUser => {
                Err(Error::new(SqlState::RESERVED_NAME, "SESSION_USER cannot be used as a role name here")
                    .at(Some(position)))
            }
            RoleSpec::CurrentUser => {
                let word = self.tokens.get(self.at - 1).map_or("", |token| token.keyword.word()).to_uppercase();
                let message = format!("{word} cannot be used as a role name here");
                Err(Error::new(SqlState::RESERVED_NAME, message).at(Some(position)))
            }
        }
    }
}

/// 42601 for a name with more dots than its kind may have.
pub(super) fn too_many_dots(message: &str, names: &[Ident]) -> Error {
    let joined: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    let position = names.first().and_then(|name| crate::position::of_span(name.span));
    Error::new(SqlState::SYNTAX_ERROR, format!("{message}: {}", joined.join("."))).at(position)
}

/// What a qualified name is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Relation,
    /// A relation that is read or changed.
    Queried,
    /// Anything else that is in a schema.
    Object,
    /// A function or collation in an expression.
    Function,
    Column,
    /// A column where PostgreSQL looks for the relation first.
    ColumnOfRelation,
    /// The table before `.*`.
    Star,
}

/// 0A000: a name in another database.
fn elsewhere(database: &Ident, names: &[Ident], named: Named) -> Error {
    let shown = if named == Named::ColumnOfRelation { names.len() - 1 } else { names.len() };
    let parts: Vec<&str> = [database].into_iter().chain(&names[..shown]).map(|name| name.value.as_str()).collect();
    let name = parts.join(".");
    let name = match named {
        Named::Relation | Named::Queried | Named::ColumnOfRelation => format!("\"{name}\""),
        Named::Star => format!("{name}.*"),
        Named::Object | Named::Function | Named::Column => name,
    };
    // PostgreSQL says where only for what it finds while it analyses a query.
    let position = match named {
        Named::Queried | Named::Function | Named::Column | Named::Star => crate::position::of_span(database.span),
        Named::Relation | Named::Object | Named::ColumnOfRelation => None,
    };
    let message = format!("cross-database references are not implemented: {name}");
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(position)
}

/// How much of a name is left when it is too long for PostgreSQL, and its notice of that. 42622.
pub fn truncation(name: &str) -> Option<(usize, Error)> {
    if name.len() <= NAME_BYTES {
        return None;
    }
    let length = name.floor_char_boundary(NAME_BYTES);
    let message = format!("identifier \"{name}\" will be truncated to \"{}\"", &name[..length]);
    Some((length, Error::with_severity(dictdb_types::Severity::Notice, SqlState::NAME_TOO_LONG, message)))
}
