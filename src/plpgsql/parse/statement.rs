//! Statements: which one begins here; assignments, SQL statements and their INTO.

use dictdb_parser::LexemeKind;
use dictdb_types::{Result, SqlState};

use super::Parser;
use crate::names::find;
use crate::sql::{Sql, SqlKind};
use crate::tree::{Dynamic, Into, Kind, Place, Statement, Step, Target};

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
            return Ok(Some(Statement { line, kind: Kind::Block(block) }));
        }
        if let Some(kind) = self.assignment()? {
            return Ok(Some(Statement { line, kind }));
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
        Ok(Some(Statement { line, kind }))
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
        let name = Self::name_of(&first).map_or_else(|| self.raw(&first).to_owned(), str::to_owned);
        let mut names = vec![name];
        let mut ahead = 1;
        while self.symbol_at(ahead, ".")
            && let Some(part) = Self::name_of(self.nth(ahead + 1))
        {
            names.push(part.to_owned());
            ahead += 2;
        }
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some((variable, used)) = find(&self.names, &parts) else {
            let message = format!("\"{}\" is not a known variable", parts.join("."));
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        };
        self.check_assignable(variable)?;
        let mut steps: Vec<Step> = parts[used..].iter().map(|part| Step::Field(std::sync::Arc::from(*part))).collect();
        (0..ahead).for_each(|_| self.advance());
        self.indirection(&mut steps)?;
        if !self.eat_symbol(":=") && !self.eat_symbol("=") {
            return Err(self.unexpected());
        }
        let (start, end) = self.skip_to(&[";"], ";", "SQL expression")?;
        if start == end {
            return Err(self.near("missing expression"));
        }
        let value = self.sql(SqlKind::Assignment, first.start, start, end)?;
        self.expect_symbol(";")?;
        Ok(Some(Kind::Assign { place: Place { variable, steps }, value }))
    }

    /// Subscripts and fields after a variable's name.
    fn indirection(&mut self, steps: &mut Vec<Step>) -> Result<()> {
        loop {
            if self.eat_symbol("[") {
                let lower = match self.is_symbol(":") || self.is_symbol("]") {
                    true => None,
                    false => Some(self.expression(&["]", ":"])?),
                };
                match lower {
                    _ if self.eat_symbol(":") => {
                        if !self.is_symbol("]") {
                            self.expression(&["]"])?;
                        }
                        steps.push(Step::Slice);
                    }
                    Some(index) => steps.push(Step::Index(index)),
                    None => return Err(self.unexpected()),
                }
                self.expect_symbol("]")?;
            } else if self.eat_symbol(".") {
                steps.push(Step::Field(self.name()?));
            } else {
                return Ok(());
            }
        }
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
        Ok(Statement { line, kind: Kind::Sql { sql, into } })
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
        let mut previous_insert = insert;
        loop {
            let token = self.peek().clone();
            match &token.kind {
                LexemeKind::End => return Err(self.unexpected()),
                LexemeKind::Symbol => match self.raw(&token) {
                    ";" if depth == 0 => break,
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                },
                LexemeKind::Word(word) if word == "into" && !previous_insert => {
                    if into.is_some() {
                        return Err(self.error(SqlState::SYNTAX_ERROR, "INTO specified more than once"));
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

    /// One row variable, or scalar variables and fields separated by commas.
    pub(super) fn target(&mut self) -> Result<Target> {
        let first = self.target_place()?;
        let variable = first.variable;
        if first.steps.is_empty() && self.variables[variable].row.is_some() {
            if self.is_symbol(",") {
                let message = "record variable cannot be part of multiple-item INTO list";
                return Err(self.error(SqlState::SYNTAX_ERROR, message));
            }
            return Ok(Target::Row(variable));
        }
        let mut places = vec![first];
        while self.eat_symbol(",") {
            let place = self.target_place()?;
            if place.steps.is_empty() && self.variables[place.variable].row.is_some() {
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
        let first = self.peek().clone();
        let name = match &first.kind {
            LexemeKind::Parameter => self.raw(&first).to_owned(),
            _ => match Self::name_of(&first) {
                Some(name) => name.to_owned(),
                None => return Err(self.unexpected()),
            },
        };
        let mut names = vec![name];
        let mut ahead = 1;
        while self.symbol_at(ahead, ".")
            && let Some(part) = Self::name_of(self.nth(ahead + 1))
        {
            names.push(part.to_owned());
            ahead += 2;
        }
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let Some((variable, used)) = find(&self.names, &parts) else {
            let message = format!("\"{}\" is not a known variable", parts.join("."));
            return Err(self.error(SqlState::SYNTAX_ERROR, message));
        };
        self.check_assignable(variable)?;
        let steps = parts[used..].iter().map(|part| Step::Field(std::sync::Arc::from(*part))).collect();
        (0..ahead).for_each(|_| self.advance());
        Ok(Place { variable, steps })
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
        if start == end {
            return Err(self.near("missing SQL statement"));
        }
        let text = format!("SELECT {}", &self.source[start..end]);
        let sql = Sql::new(SqlKind::Statement, text.into(), 0, &self.names);
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
