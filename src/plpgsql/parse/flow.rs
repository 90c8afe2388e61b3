//! Statements that steer: IF, CASE, EXIT, CONTINUE, RETURN, ASSERT.

use dictdb_types::{Result, SqlState, Type, oids};

use super::Parser;
use crate::names::{LabelKind, find, find_label, in_loop, with_variable};
use crate::sql::{Sql, SqlKind};
use crate::tree::{Kind, Output};

impl Parser<'_> {
    pub(super) fn if_statement(&mut self) -> Result<Kind> {
        let mut branches = Vec::new();
        let condition = self.expression_then("then")?;
        branches.push((condition, self.statements()?));
        let mut otherwise = Vec::new();
        loop {
            if self.eat_word("elsif") || self.eat_word("elseif") {
                let condition = self.expression_then("then")?;
                branches.push((condition, self.statements()?));
            } else if self.eat_word("else") {
                otherwise = self.statements()?;
                break;
            } else {
                break;
            }
        }
        self.expect_word("end")?;
        self.expect_word("if")?;
        self.expect_symbol(";")?;
        Ok(Kind::If { branches, otherwise })
    }

    pub(super) fn case_statement(&mut self) -> Result<Kind> {
        let operand = match self.is_word("when") {
            true => None,
            false => Some(self.expression(&["when"])?),
        };
        // The operand is kept in a variable, so that the branches can compare with it.
        let outer = self.names.clone();
        let hidden = operand.as_ref().map(|_| {
            let name = format!("__Case__Variable_{}__", self.variables.len());
            let variable = self.new_variable(&name, Type::new(oids::INT4), self.line());
            self.names = with_variable(&self.names, name.as_str().into(), variable, false);
            (variable, name)
        });
        let mut branches = Vec::new();
        while self.eat_word("when") {
            let condition = match &hidden {
                None => self.expression(&["then"])?,
                Some((_, name)) => {
                    let (start, end) = self.skip_to(&["then"], "then", "SQL expression")?;
                    if start == end {
                        return Err(self.near("missing expression"));
                    }
                    let list = self.source[start..end].to_owned();
                    self.sql(SqlKind::Expression, start, start, end).or_else(|error| {
                        // A list of values is no expression, but it is one in parentheses.
                        let listed = format!("\"{name}\" IN ({list})");
                        dictdb_parser::parse_expression(&listed).map_err(|_| error)?;
                        Ok::<Sql, dictdb_types::Error>(self.piece(SqlKind::Expression, "true".into(), 0))
                    })?;
                    self.piece(SqlKind::Expression, format!("\"{name}\" IN ({list})").into(), 0)
                }
            };
            self.expect_word("then")?;
            branches.push((condition, self.statements()?));
        }
        let otherwise = match self.eat_word("else") {
            true => Some(self.statements()?),
            false => None,
        };
        self.names = outer;
        self.expect_word("end")?;
        self.expect_word("case")?;
        self.expect_symbol(";")?;
        let operand = hidden.map(|(variable, _)| variable).zip(operand);
        Ok(Kind::Case { operand, branches, otherwise })
    }

    pub(super) fn exit_statement(&mut self, is_exit: bool) -> Result<Kind> {
        let start = self.before().position;
        let token = self.peek().clone();
        let label = match super::is_name(&token) {
            true => Some(self.name()?),
            false => None,
        };
        let condition = match self.eat_word("when") {
            true => Some(self.expression_then(";")?),
            false => {
                self.expect_symbol(";")?;
                None
            }
        };
        match &label {
            Some(label) => self.check_label(label, is_exit, token.position)?,
            None if !in_loop(&self.names) => {
                let message = match is_exit {
                    true => "EXIT cannot be used outside a loop, unless it has a label",
                    false => "CONTINUE cannot be used outside a loop",
                };
                return Err(self.error_at(SqlState::SYNTAX_ERROR, message, start));
            }
            None => {}
        }
        Ok(Kind::Exit { is_exit, label: self.label_number(label), condition })
    }

    /// 42601 for a label that EXIT or CONTINUE cannot lead to.
    fn check_label(&self, label: &str, is_exit: bool, position: u32) -> Result<()> {
        let message = match find_label(&self.names, label) {
            None => format!("there is no label \"{label}\" attached to any block or loop enclosing this statement"),
            Some(LabelKind::Block) if !is_exit => format!("block label \"{label}\" cannot be used in CONTINUE"),
            Some(_) => return Ok(()),
        };
        Err(self.error_at(SqlState::SYNTAX_ERROR, message, position))
    }

    pub(super) fn return_statement(&mut self) -> Result<Kind> {
        if self.is_word("next") {
            self.advance();
            return self.return_next();
        }
        if self.is_word("query") {
            self.advance();
            return self.return_query();
        }
        let result = self.header.result.clone();
        let refuse = match (&self.output, self.header.procedure) {
            _ if result.set => Some("RETURN cannot have a parameter in function returning set"),
            (_, true) => Some("RETURN cannot have a parameter in a procedure"),
            _ if result.is_void() => Some("RETURN cannot have a parameter in function returning void"),
            (Some(_), _) => Some("RETURN cannot have a parameter in function with OUT parameters"),
            _ => None,
        };
        if let Some(refuse) = refuse {
            if self.eat_symbol(";") {
                return Ok(Kind::Return(None));
            }
            let code = if self.header.procedure { SqlState::SYNTAX_ERROR } else { SqlState::DATATYPE_MISMATCH };
            let error = self.error(code, refuse);
            return Err(match result.set {
                true => error.hint("Use RETURN NEXT or RETURN QUERY."),
                false => error,
            });
        }
        if self.is_symbol(";") {
            return Err(self.near("missing expression"));
        }
        self.expression_then(";").map(|sql| Kind::Return(Some(sql)))
    }

    fn return_next(&mut self) -> Result<Kind> {
        if !self.header.result.set {
            let message = "cannot use RETURN NEXT in a non-SETOF function";
            let position = self.tokens[self.at - 2].position;
            return Err(self.error_at(SqlState::DATATYPE_MISMATCH, message, position));
        }
        if matches!(self.output, Some(Output::One(_) | Output::Row(_))) {
            if self.eat_symbol(";") {
                return Ok(Kind::ReturnNext(None, None));
            }
            let message = "RETURN NEXT cannot have a parameter in function with OUT parameters";
            return Err(self.error(SqlState::DATATYPE_MISMATCH, message));
        }
        if self.is_symbol(";") {
            return Err(self.near("missing expression"));
        }
        let (names, ahead) = self.dotted();
        let parts: Vec<&str> = names.iter().map(String::as_str).collect();
        let row = match find(&self.names, &parts) {
            Some((variable, used)) if used == parts.len() && self.symbol_at(ahead, ";") => Some(variable),
            _ => None,
        };
        let row = row.filter(|variable| self.variables[*variable].row.is_some());
        self.expression_then(";").map(|sql| Kind::ReturnNext(Some(sql), row))
    }

    fn return_query(&mut self) -> Result<Kind> {
        if !self.header.result.set {
            let message = "cannot use RETURN QUERY in a non-SETOF function";
            let position = self.tokens[self.at - 2].position;
            return Err(self.error_at(SqlState::DATATYPE_MISMATCH, message, position));
        }
        if self.eat_word("execute") {
            let dynamic = self.dynamic(&[";"])?;
            self.expect_symbol(";")?;
            return Ok(Kind::ReturnExecute(dynamic));
        }
        self.statement_sql().map(Kind::ReturnQuery)
    }

    pub(super) fn assert_statement(&mut self) -> Result<Kind> {
        let condition = self.expression(&[",", ";"])?;
        let message = match self.eat_symbol(",") {
            true => Some(self.expression(&[";"])?),
            false => None,
        };
        self.expect_symbol(";")?;
        Ok(Kind::Assert { condition, message })
    }
}
