//! `IMPORT CSV 'file' INTO table`: a table made of a file, its columns named by the first line and typed by all values.

use dictdb_parser::ast::{Ident, ObjectName, ObjectNamePart};
use dictdb_parser::utility::{Copy, CopySource, CopyTarget, DefElem, DefValue, Import};
use dictdb_types::text::from_utf8;
use dictdb_types::{Env, Error, Result, SqlState, quote_identifier};

use super::guess::Guess;
use super::input::{Incoming, Input};
use super::lines::Lines;
use super::options::{CopyFormat, Header, Options};
use super::{bad_format, csv};
use crate::Session;
use crate::client::{Client, Tag};
use crate::portal::Outcome;

/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A column of a file.
#[derive(Default)]
struct Column {
    /// Its name in the first line; empty when there is none.
    name: String,
    guess: Guess,
}

/// What is known of a file so far.
struct Survey<'a> {
    options: &'a Options,
    env: &'a dyn Env,
    lines: Lines,
    columns: Vec<Column>,
    /// Lines so far.
    line: u64,
}

impl Session {
    /// IMPORT CSV. 42501, 58P01, 42P07, and what COPY FROM reports of the file's contents.
    pub(crate) async fn run_import(&mut self, import: &Import, client: &mut dyn Client) -> Result<Outcome> {
        self.check_file(true)?;
        let list = csv_options(&import.options);
        let options = Options::read(&list, true, self.codec())?;
        check_options(&options)?;
        let columns = self.survey(&import.file, &options, client).await?;
        self.define_quietly(&create_table(&import.table, &columns))?;
        let source = CopySource::Table { name: import.table.clone(), columns: Vec::new() };
        let target = CopyTarget::File(import.file.clone());
        let copy = Copy { source, from: true, target, options: list, selection: None };
        let table = self.copy_table(&import.table, &[], true)?;
        let rows = self.load(&copy, &table, &options, client).await?;
        Ok(Outcome::Done(Tag::rows("IMPORT", rows)))
    }

    /// Reads the whole file for the names and types of its columns.
    async fn survey(&mut self, file: &str, options: &Options, client: &mut dyn Client) -> Result<Vec<Column>> {
        let env = self.env();
        let mut survey = Survey { options, env: &*env, lines: Lines::new(options), columns: Vec::new(), line: 0 };
        let mut input = Input::open(file)?;
        let mut texts = options.codec.map(Incoming::new);
        while let Some(piece) = input.next(client).await? {
            survey.feed(texts.as_mut(), &piece, false)?;
            self.shared.backend.interrupts.check()?;
        }
        survey.feed(texts.as_mut(), &[], true)?;
        match survey.columns.is_empty() {
            true => Err(bad_format(format!("file \"{file}\" has no line to tell its columns from"))),
            false => Ok(survey.columns),
        }
    }
}

impl Survey<'_> {
    fn feed(&mut self, texts: Option<&mut Incoming>, piece: &[u8], at_end: bool) -> Result<()> {
        match texts {
            None => self.lines.feed(piece),
            Some(texts) => {
                let (text, failure) = texts.text(piece, at_end);
                self.lines.feed(text.as_bytes());
                failure.map_or(Ok(()), Err)?;
            }
        }
        while let Some(line) = self.lines.next(at_end)?.map(|line| line.bytes.to_vec()) {
            self.line += 1;
            let number = self.line;
            self.see(&line).map_err(|error| error.context(format!("IMPORT, line {number}")))?;
        }
        Ok(())
    }

    /// Fields beyond the columns of the first line are left to the loading, which complains of them.
    fn see(&mut self, line: &[u8]) -> Result<()> {
        let (options, env, columns) = (self.options, self.env, &mut self.columns);
        let is_first = self.line == 1;
        let is_header = is_first && options.header != Header::None;
        let mut position = 0;
        csv::split(from_utf8(line)?, options, |field| {
            if is_first {
                columns.push(Column::default());
            }
            let Some(column) = columns.get_mut(position) else { return Ok(()) };
            position += 1;
            if is_header {
                let name = field.text;
                column.name = if position == 1 { name.trim_start_matches(BYTE_ORDER_MARK) } else { name }.to_owned();
            } else if let Some(value) = field.value(&column.name, options) {
                column.guess.see(value, env);
            }
            Ok(())
        })
    }
}

/// COPY's options with what goes without saying here: the format, and that the first line has names.
fn csv_options(given: &[DefElem]) -> Vec<DefElem> {
    let mut list = given.to_vec();
    for (name, value) in [("format", "csv"), ("header", "true")] {
        if !list.iter().any(|option| option.name.value == name) {
            let value = Some(DefValue::Keyword(value.to_owned()));
            list.push(DefElem { namespace: None, name: Ident::new(name), value });
        }
    }
    list
}

fn check_options(options: &Options) -> Result<()> {
    if options.format != CopyFormat::Csv {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "IMPORT CSV reads no other format"));
    }
    match options.header {
        // There is no table whose columns the first line could match.
        Header::Match => {
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "cannot use \"match\" with HEADER in IMPORT CSV"))
        }
        Header::None | Header::Names => Ok(()),
    }
}

fn create_table(table: &ObjectName, columns: &[Column]) -> String {
    let column = |(index, column): (usize, &Column)| {
        let name = if column.name.is_empty() { format!("column{}", index + 1) } else { column.name.clone() };
        format!("{} {}", quote_identifier(&name), column.guess.type_name())
    };
    let columns: Vec<String> = columns.iter().enumerate().map(column).collect();
    format!("CREATE TABLE {} ({})", qualified(table), columns.join(", "))
}

fn qualified(name: &ObjectName) -> String {
    let part = |part: &ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => quote_identifier(&ident.value).into_owned(),
        other => other.to_string(),
    };
    name.0.iter().map(part).collect::<Vec<_>>().join(".")
}
