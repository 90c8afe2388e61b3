//! Statements: which one begins here; assignments, SQL statements and their INTO.

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, SqlState};

use super::Parser;
use crate::names::find;
use crate::sql::{Sql, SqlKind};
use crate::tree::{Dynamic, Into, Kind, PartAssignment, Place, Statement, Target};

impl Parser<'_> {
    /// One statement; `None` for an empty one.
    pub(super) fn statement(&mut self) -> Result<Option<Statement>> {
        let line = self.line();
        let label = self.label()?;
        let line = if label.is_some() { self.line() } else { line };
        if label.is_some() && !self.is_any_word(&["declare", "begin", "loop", "while", "for", "foreach"]) {
            return Err(self.unexpected());
        }
        if self.is_any_word(&["declare", "begin"]) {
            let block = self.block(label)?;
            self.expect_symbol(";")?;
            return Ok(Some(Statement::new(line, Kind::Block(block))));
        }
        if let Some(kind) = self.assignment()? {
            return Ok(Some(Statement::new(line, kind)));
        }
        let LexemeKind::Word(word) = self.peek().kind.clone() else {
            if self.eat_symbol(";") {
                return Err(self.unexpected_before());
            }
            return self.other_statement(line).map(Some);
        };
        let start = self.at;
        self.advance();
        let kind = match word.as_str() {
            "if" => self.if_statement()?,
            "case" => self.case_statement()?,
            "loop" => self.loop_statement(label)?,
            "while" => self.while_statement(label)?,
            "for" => self.for_statement(label)?,
            "foreach" => self.foreach_statement(label)?,
            "exit" => self.exit_statement(true)?,
            "continue" => self.exit_statement(false)?,
            "return" => self.return_statement()?,
            "raise" => self.raise_statement()?,
            "assert" => self.assert_statement()?,
            "execute" => self.execute_statement()?,
            "perform" => self.perform_statement()?,
            "get" => self.diagnostics_statement()?,
            "open" => self.open_statement()?,
            "fetch" => self.fetch_statement(true)?,
            "move" => self.fetch_statement(false)?,
            "close" => self.close_statement()?,
            "call" | "do" => {
                self.at = start;
                let sql = self.statement_sql()?;
                Kind::Call { sql, is_call: word == "call" }
            }
            "commit" | "rollback" => self.end_transaction(word == "commit")?,
            "null" => {
                self.expect_symbol(";")?;
                Kind::Null
            }
            _ => {
                self.at = start;
                return self.other_statement(line).map(Some);
            }
        };
        Ok(Some(Statement::new(line, kind)))
    }

    /// The error for an empty statement, at its semicolon.
    fn unexpected_before(&mut self) -> dictdb_types::Error {
        self.at -= 1;
        self.unexpected()
    }

    fn end_transaction(&mut self, commit: bool) -> Result<Kind> {
        let chain = match self.eat_word("and") {
            true => {
                let no = self.eat_word("no");
                self.expect_word("chain")?;
                !no
            }
            false => false,
        };
        self.expect_symbol(";")?;
        Ok(Kind::EndTransaction { commit, chain })
    }

    /// `variable … := expression;`, if that is what comes.
    fn assignment(&mut self) -> Result<Option<Kind>> {
        let first = self.peek().clone();
        let numbered = first.kind == LexemeKind::Parameter;
        if Self::name_of(&first).is_none() && !numbered {
            return Ok(None);
        }
        let follows = ["=", ":=", "[", "."].iter().any(|symbol| self.symbol_at(1, symbol));
        if !follows {
            return Ok(None);
        }
        let (names, ahead) = self.dotted();
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        // A row takes one more name, its field; more names are fields of that.
        let found = (1..=parts.len().min(3)).rev().find_map(|count| find(&self.names, &parts[..count]));
        let found = found.filter(|(variable, used)| *used == parts.len() || self.variables[*variable].row.is_some());
        let Some((variable, used)) = found else {
            // PostgreSQL takes at most three names together.
            let message = format!("\"{}\" is not a known variable", parts[..parts.len().min(3)].join("."));
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        };
        self.check_assignable(variable)?;
        let field = parts.get(used).map(|field| std::sync::Arc::from(*field));
        let known = used + usize::from(field.is_some());
        (0..ahead).for_each(|_| self.advance());
        let whole = parts.len() == known && (self.is_symbol(":=") || self.is_symbol("="));
        let place = Place { variable, field };
        if !whole {
            return self.part_assignment(place, known, first.start).map(Some);
        }
        self.advance();
        let (start, end) = self.skip_to(&[";"], ";", "SQL expression")?;
        let value = self.sql(SqlKind::Assignment, first.start, start, end)?;
        self.expect_symbol(";")?;
        let declared = &self.variables[variable];
        Ok(Some(match place.field.is_none() && declared.row.is_none() && !declared.not_null {
            true => Kind::Set { variable, ty: declared.ty, value },
            false => Kind::Assign { place, value },
        }))
    }

    /// The dotted name that comes, and of how many tokens it is.
    pub(super) fn dotted(&self) -> (Vec<String>, usize) {
        let first = self.peek();
        let mut names = vec![Self::name_of(first).map_or_else(|| self.raw(first).to_owned(), str::to_owned)];
        let mut ahead = 1;
        while self.symbol_at(ahead, ".")
            && let Some(part) = Self::name_of(self.nth(ahead + 1))
        {
            names.push(part.to_owned());
            ahead += 2;
        }
        (names, ahead)
    }

    /// An assignment to an element, a slice, or a field within a field, whose target begins at a byte.
    fn part_assignment(&mut self, place: Place, names: usize, from: usize) -> Result<Kind> {
        let mut depth = 0;
        while depth > 0 || !self.is_symbol(":=") && !self.is_symbol("=") {
            if self.is_end() || self.is_symbol(";") {
                return Err(self.near(if depth > 0 { "mismatched parentheses" } else { "syntax error" }));
            }
            if self.is_symbol(".") && Self::name_of(self.nth(1)).is_none() {
                self.advance();
                return Err(self.unexpected());
            }
            depth += i32::from(self.is_symbol("[") || self.is_symbol("("));
            depth -= i32::from(self.is_symbol("]") || self.is_symbol(")"));
            self.advance();
        }
        self.advance();
        let (start, end) = self.skip_to(&[";"], ";", "SQL expression")?;
        if start == end {
            return Err(self.unexpected());
        }
        let sql = self.sql(SqlKind::PartAssignment, from, start, end)?;
        let value = self.piece(SqlKind::Assignment, sql.shown.clone(), sql.offset);
        self.expect_symbol(";")?;
        Ok(Kind::AssignPart { place, part: PartAssignment { sql, value, names } })
    }

    /// 22005 for a constant.
    fn check_assignable(&self, variable: usize) -> Result<()> {
        let variable = &self.variables[variable];
        if variable.constant {
            let message = format!("variable \"{}\" is declared CONSTANT", variable.name);
            return Err(self.error(SqlState::ERROR_IN_ASSIGNMENT, message));
        }
        Ok(())
    }

    /// A statement that is none of PL/pgSQL's own: SQL, perhaps with INTO.
    fn other_statement(&mut self, line: u32) -> Result<Statement> {
        let (sql, into) = self.statement_with_into()?;
        Ok(Statement::new(line, Kind::Sql { sql, into }))
    }

    /// A statement up to its semicolon, which is taken.
    pub(super) fn statement_sql(&mut self) -> Result<Sql> {
        let (start, end) = self.skip_to(&[";"], ";", "SQL statement")?;
        if start == end {
            return Err(self.near("missing SQL statement"));
        }
        let sql = self.sql(SqlKind::Statement, start, start, end)?;
        self.expect_symbol(";")?;
        Ok(sql)
    }

    fn statement_with_into(&mut self) -> Result<(Sql, Option<Into>)> {
        let start = self.peek().start;
        let insert = self.is_any_word(&["insert", "merge", "import"]);
        let mut end = start;
        let mut into: Option<(Into, usize, usize)> = None;
        let mut depth = 0;
        // Semicolons of BEGIN ATOMIC … END do not end the statement.
        let (defines_routine, mut body) = (self.defines_routine(), 0);
        let mut previous_insert = insert;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                LexemeKind::End => return Err(self.near("unexpected end of function definition")),
                LexemeKind::Symbol => match self.raw(&token) {
                    ";" if depth == 0 && body == 0 => break,
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                },
                LexemeKind::Word(word)
                    if defines_routine && depth == 0 && matches!(word.as_str(), "begin" | "case") =>
                {
                    body += 1;
                }
                LexemeKind::Word(word) if defines_routine && depth == 0 && word == "end" => body = (body - 1).max(0),
                LexemeKind::Word(word) if word == "into" && !previous_insert => {
                    if into.is_some() {
                        return Err(self.near("INTO specified more than once"));
                    }
                    self.advance();
                    let strict = self.eat_word("strict");
                    let target = self.target()?;
                    let end_of_into = self.tokens[self.at - 1].end;
                    into = Some((Into { target, strict }, token.start, end_of_into));
                    continue;
                }
                _ => {}
            }
            previous_insert = matches!(&token.kind, LexemeKind::Word(word) if word == "insert" || word == "merge");
            end = token.end;
            self.advance();
        }
        self.advance();
        let Some((into, from, to)) = into else { return Ok((self.sql(SqlKind::Statement, start, start, end)?, None)) };
        // The text without INTO keeps its length, so that positions stay right.
        let end = end.max(from);
        let mut text = self.source[start..from].to_owned();
        let blanks = self.source[from..to].chars().count();
        text.push_str(&" ".repeat(blanks));
        text.push_str(&self.source[to.min(end.max(to))..end.max(to)]);
        Ok((self.sql_of(SqlKind::Statement, &text, start)?, Some(into)))
    }

    /// Whether CREATE [OR REPLACE] FUNCTION or PROCEDURE comes.
    fn defines_routine(&self) -> bool {
        let is = |ahead: usize, words: &[&str]| {
            let raw = self.raw(self.nth(ahead));
            words.iter().any(|word| raw.eq_ignore_ascii_case(word))
        };
        let noun = if is(1, &["or"]) && is(2, &["replace"]) { 3 } else { 1 };
        is(0, &["create"]) && is(noun, &["function", "procedure"])
    }

    /// One row variable, or scalar variables and fields separated by commas.
    pub(super) fn target(&mut self) -> Result<Target> {
        let first = self.target_place()?;
        let variable = first.variable;
        if first.field.is_none() && self.variables[variable].row.is_some() {
            if self.is_symbol(",") {
                let message = "record variable cannot be part of multiple-item INTO list";
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            return Ok(Target::Row(variable));
        }
        let mut places = vec![first];
        while self.eat_symbol(",") {
            let place = self.target_place()?;
            if place.field.is_none() && self.variables[place.variable].row.is_some() {
                self.at -= 1;
                let name = self.variables[place.variable].name.clone();
                let message = format!("\"{name}\" is not a scalar variable");
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            places.push(place);
        }
        Ok(Target::List(places))
    }

    fn target_place(&mut self) -> Result<Place> {
        let first = self.peek();
        if first.kind != LexemeKind::Parameter && !super::is_name(first) {
            return Err(self.unexpected());
        }
        let (names, ahead) = self.dotted();
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some((variable, used)) = find(&self.names, &parts) else {
            let message = format!("\"{}\" is not a known variable", parts.join("."));
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        };
        self.check_assignable(variable)?;
        let field = parts.get(used).map(|part| std::sync::Arc::from(*part));
        (0..ahead).for_each(|_| self.advance());
        Ok(Place { variable, field })
    }

    /// `expression [USING …]` after EXECUTE.
    pub(super) fn dynamic(&mut self, terminators: &[&str]) -> Result<Dynamic> {
        let mut ends = terminators.to_vec();
        ends.push("using");
        let text = self.expression(&ends)?;
        let mut params = Vec::new();
        if self.eat_word("using") {
            let mut ends = terminators.to_vec();
            ends.push(",");
            loop {
                params.push(self.expression(&ends)?);
                if !self.eat_symbol(",") {
                    break;
                }
            }
        }
        Ok(Dynamic { text, params })
    }

    fn execute_statement(&mut self) -> Result<Kind> {
        let text = self.expression(&[";", "into", "using"])?;
        let mut into = None;
        let mut params = Vec::new();
        loop {
            if self.is_word("into") {
                if into.is_some() {
                    return Err(self.unexpected());
                }
                self.advance();
                let strict = self.eat_word("strict");
                into = Some(Into { target: self.target()?, strict });
            } else if self.is_word("using") {
                if !params.is_empty() {
                    return Err(self.unexpected());
                }
                self.advance();
                loop {
                    params.push(self.expression(&[",", ";", "into"])?);
                    if !self.eat_symbol(",") {
                        break;
                    }
                }
            } else {
                self.expect_symbol(";")?;
                return Ok(Kind::Execute { dynamic: Dynamic { text, params }, into });
            }
        }
    }

    /// PERFORM is SELECT without a result.
    fn perform_statement(&mut self) -> Result<Kind> {
        let (start, end) = self.skip_to(&[";"], ";", "SQL statement")?;
        let text = format!("SELECT {}", &self.source[start..end]);
        let sql = self.piece(SqlKind::Statement, text.into(), 0);
        self.check_perform(&sql, start)?;
        self.expect_symbol(";")?;
        Ok(Kind::Perform(sql))
    }

    /// The text has SELECT instead of PERFORM, which is one character longer.
    fn check_perform(&self, sql: &Sql, start: usize) -> Result<()> {
        let Err(mut error) = dictdb_parser::parse(&sql.statement(), &dictdb_parser::Limits::default()) else {
            return Ok(());
        };
        let before = self.source[..start].chars().count() as u32;
        let position =
            error.fields_mut().position.take().map_or(before + 1, |at| (before + at).saturating_sub(7).max(1));
        error.fields_mut().internal = Some((position, self.source.to_string()));
        Err(error)
    }
}
