//! From text to [`Function`]: declarations, statements, and the pieces of SQL between them.
//!
//! PL/pgSQL has no grammar for SQL: a piece ends at the keyword or mark that the statement expects after it. Each piece is
//! parsed once here to report its syntax errors where they stand.

mod block;
mod cursor;
mod declare;
mod flow;
mod fragment;
mod loops;
mod raise;
mod statement;
mod token;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dictdb_parser::{Lexeme, LexemeKind, lexemes};
use dictdb_planner::variables::Conflict;
use dictdb_types::{Error, Field, Result, SqlState, Type, oids};
use parking_lot::Mutex;

use crate::host::TypeSource;
use crate::names::{LabelKind, Names, with_label, with_variable};
use crate::tree::{Function, Label, Output, RowVariable, TriggerVariables, Variable};

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name; empty when it has none.
    pub name: Arc<str>,
    /// A caller gives its value.
    pub input: bool,
    /// It is part of the result.
    pub output: bool,
    /// Its type, not polymorphic.
    pub ty: Type,
}

/// What a function returns.
#[derive(Clone, Debug)]
pub struct ResultKind {
    /// Its type.
    pub ty: Type,
    /// It returns a set.
    pub set: bool,
    /// The fields of a composite result, of several output parameters, or of the column definition list.
    pub fields: Option<Arc<[Field]>>,
}

impl ResultKind {
    pub(crate) fn is_void(&self) -> bool {
        self.ty.oid == oids::VOID
    }

    pub(crate) fn is_row(&self) -> bool {
        self.fields.is_some() || self.ty.oid == oids::RECORD
    }
}

/// What a function is compiled from besides its text.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name, which labels the outermost block.
    pub name: Arc<str>,
    /// As `regprocedure` shows it.
    pub signature: Arc<str>,
    /// Its parameters in order.
    pub params: Vec<Parameter>,
    /// Its result.
    pub result: ResultKind,
    /// It is a procedure or a DO block.
    pub procedure: bool,
    /// It is a trigger function.
    pub trigger: bool,
    /// The text.
    pub source: Arc<str>,
    /// It is compiled because it is being made: `plpgsql.extra_warnings` and `extra_errors` are heeded.
    pub validating: bool,
}

/// Names and types of the variables of a trigger function besides `new` and `old`.
pub(crate) const TRIGGER_VARIABLES: [(&str, dictdb_types::Oid); 10] = [
    ("tg_name", oids::NAME),
    ("tg_when", oids::TEXT),
    ("tg_level", oids::TEXT),
    ("tg_op", oids::TEXT),
    ("tg_relid", oids::OID),
    ("tg_relname", oids::NAME),
    ("tg_table_name", oids::NAME),
    ("tg_table_schema", oids::NAME),
    ("tg_nargs", oids::INT4),
    ("tg_argv", oids::TEXT_ARRAY),
];

/// Compiles a function. Errors have positions in its text ([`Error::fields`]`.internal`).
pub fn compile(header: Header, types: &mut dyn TypeSource) -> Result<Function> {
    let (tokens, broken) = lexemes(&header.source)?;
    let mut parser = Parser {
        source: header.source.clone(),
        tokens,
        at: 0,
        broken,
        types,
        variables: Vec::new(),
        names: None,
        header: &header,
        conflict: Conflict::Error,
        output: None,
        found: 0,
        nesting: 0,
        pieces: 0,
        print_strict_params: false,
        warnings: Vec::new(),
        labels: Vec::new(),
    };
    parser.function()
}

/// Reads one function.
pub(crate) struct Parser<'a> {
    source: Arc<str>,
    tokens: Vec<Lexeme>,
    at: usize,
    broken: Option<Error>,
    types: &'a mut dyn TypeSource,
    variables: Vec<Variable>,
    names: Names,
    header: &'a Header,
    conflict: Conflict,
    output: Option<Output>,
    found: usize,
    nesting: usize,
    pieces: usize,
    print_strict_params: bool,
    warnings: Vec<Error>,
    labels: Vec<Arc<str>>,
}

/// Blocks and statements within each other.
const MAX_NESTING: usize = 500;

impl Parser<'_> {
    fn function(&mut self) -> Result<Function> {
        self.conflict = conflict_of(&self.types.setting("plpgsql.variable_conflict"));
        self.print_strict_params = self.types.setting("plpgsql.print_strict_params") == "on";
        self.names = with_label(&None, Some(self.header.name.clone()), LabelKind::Other);
        let inputs = self.parameters()?;
        self.found = self.new_variable("found", Type::new(oids::BOOL), 0);
        self.visible("found", self.found);
        let trigger = self.header.trigger.then(|| self.trigger_variables());
        self.options()?;
        let body = self.block(None)?;
        self.eat_symbol(";");
        if !self.is_end() {
            return Err(self.unexpected());
        }
        let variables = std::mem::take(&mut self.variables);
        Ok(Function {
            header: self.header.clone(),
            has_rows: variables.iter().any(|variable| variable.row.is_some()),
            types: Mutex::new(variables.iter().map(|variable| variable.ty).collect()),
            variable_names: variables.iter().map(|variable| variable.name.clone()).collect(),
            variables,
            conflict: self.conflict,
            body,
            inputs,
            output: self.output.clone(),
            found: self.found,
            trigger,
            result: self.header.result.clone(),
            result_base: self.types.base(self.header.result.ty),
            print_strict_params: self.print_strict_params,
            warnings: std::mem::take(&mut self.warnings),
            idle: Mutex::default(),
            type_changes: AtomicU64::default(),
        })
    }

    /// Variables of the parameters: `$1` and their names.
    fn parameters(&mut self) -> Result<Vec<usize>> {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for (index, parameter) in self.header.params.clone().iter().enumerate() {
            let numbered: Arc<str> = Arc::from(format!("${}", index + 1));
            let name = if parameter.name.is_empty() { numbered.clone() } else { parameter.name.clone() };
            let variable = self.new_variable(&name, parameter.ty, 0);
            self.visible(&numbered, variable);
            if !parameter.name.is_empty() {
                self.visible(&parameter.name, variable);
            }
            if parameter.input {
                inputs.push(variable);
            }
            if parameter.output {
                outputs.push(variable);
            }
        }
        self.output = match outputs.as_slice() {
            [] => None,
            [one] if !self.header.procedure => Some(Output::One(*one)),
            _ => Some(Output::Row(outputs)),
        };
        Ok(inputs)
    }

    fn trigger_variables(&mut self) -> TriggerVariables {
        let record = |parser: &mut Self, name: &str| {
            let variable = parser.new_variable(name, Type::new(oids::RECORD), 0);
            parser.visible(name, variable);
            variable
        };
        let (new, old) = (record(self, "new"), record(self, "old"));
        let others = TRIGGER_VARIABLES.map(|(name, ty)| {
            let variable = self.new_variable(name, Type::new(ty), 0);
            self.visible(name, variable);
            variable
        });
        TriggerVariables { new, old, others: others.to_vec() }
    }

    /// `#option value` lines before the first block.
    fn options(&mut self) -> Result<()> {
        while self.is_symbol("#") {
            self.advance();
            let option = self.word_text()?;
            if !matches!(option.as_str(), "variable_conflict" | "print_strict_params") {
                return Err(self.unexpected());
            }
            self.advance();
            let value = self.word_text()?;
            let known = match (option.as_str(), value.as_str()) {
                ("variable_conflict", "error" | "use_variable" | "use_column") => {
                    self.conflict = conflict_of(&value);
                    true
                }
                ("print_strict_params", "on" | "off") => {
                    self.print_strict_params = value == "on";
                    true
                }
                _ => false,
            };
            if !known {
                return Err(self.unexpected());
            }
            self.advance();
        }
        Ok(())
    }

    /// A variable without a name in any block.
    fn new_variable(&mut self, name: &str, ty: Type, line: u32) -> usize {
        let row = match self.types.fields(ty) {
            Some(fields) => Some(RowVariable::Composite(fields)),
            None if ty.oid == oids::RECORD => Some(RowVariable::Record),
            None => None,
        };
        let base = self.types.base(ty);
        self.variables.push(Variable {
            name: Arc::from(name),
            ty,
            base,
            row,
            constant: false,
            not_null: false,
            default: None,
            cursor: None,
            line,
        });
        self.variables.len() - 1
    }

    /// The number of a label.
    fn label_number(&mut self, label: Option<Arc<str>>) -> Option<Label> {
        let label = label?;
        let number = self.labels.iter().position(|known| *known == label).unwrap_or_else(|| {
            self.labels.push(label);
            self.labels.len() - 1
        });
        Some(Label(number as u32))
    }

    fn visible(&mut self, name: &str, variable: usize) {
        let row = self.variables[variable].row.is_some();
        self.names = with_variable(&self.names, Arc::from(name), variable, row);
    }

    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= MAX_NESTING {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        self.nesting += 1;
        let result = dictdb_parser::with_stack(|| rule(self));
        self.nesting -= 1;
        result
    }
}

/// Words of `plpgsql.extra_warnings` and `plpgsql.extra_errors`.
pub(crate) const SHADOWED: &str = "shadowed_variables";
pub(crate) const MULTIPLE_ASSIGNMENT: &str = "strict_multi_assignment";
pub(crate) const TOO_MANY_ROWS: &str = "too_many_rows";

/// Whether a list of checks has one of them.
pub(crate) fn wants(list: &str, check: &str) -> bool {
    list.split(',').any(|word| word.trim().eq_ignore_ascii_case(check) || word.trim().eq_ignore_ascii_case("all"))
}

fn conflict_of(word: &str) -> Conflict {
    match word {
        "use_variable" => Conflict::Variable,
        "use_column" => Conflict::Column,
        _ => Conflict::Error,
    }
}

/// Whether a token may be a name where one is declared.
pub(crate) fn is_name(token: &Lexeme) -> bool {
    match &token.kind {
        LexemeKind::Word(word) => !token::is_reserved(word),
        LexemeKind::Name(_) => true,
        _ => false,
    }
}
