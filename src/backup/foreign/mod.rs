//! Files of the original Python package: tables of records, without types. They become a database of their own.
//!
//! ```text
//!   {"tables": {name: {"primary_key", "schema", "records": [{…}, …]}}}       JSON as it saves it, or a pickle of the same
//!   {"type": "delta", "tables": {name: {"upserts": [{…}], "deletes": […]}}}  its deltas, always JSON
//! ```
//! A column is of the type that all its values have: whole numbers, numbers, truth, text, dates, bytes, else `jsonb`; of the schema's when
//! there is none. A key that a record does not have is NULL.
//!
//! So nothing can be stored before everything was seen, and files may be larger than memory has room for twice. They are read twice:
//! ```text
//!   survey   full file, deltas ──► names and types of fields of each table
//!   load     full file ──► tables, by all cores;  deltas ──► single rows, by key
//! ```
//! A pickle is the exception: what it says first may be what it means last, so it is in memory as a whole, within limits.

mod definition;
mod document;
mod json;
mod keys;
mod load;
mod pickle;
mod survey;
mod value;

use std::borrow::Cow;
use std::io::{Read, Seek};

use dictdb_catalog::{BOOTSTRAP_ROLE, Change};
use dictdb_durability::Restorer;
use dictdb_storage::{BLOCK_ROWS, Storage};
use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::Mutex;

pub(crate) use document::{Document, Piece};
pub(crate) use json::{MAX_DEPTH, parse};
pub(crate) use value::Value;

use crate::ahead::Ahead;
use crate::error::{damaged, unreadable};
use crate::member::Member;
use crate::parallel::hand_out;
use crate::progress::Work;
use crate::store::Opened;
use definition::Definition;
use keys::Keys;
use load::{Changing, Loading};
use pickle::Pickle;
use survey::Survey;

/// Object ids that a definition takes: the table, its row type and the array of it, its key and the index of that.
const OIDS_PER_TABLE: u32 = 5;
/// The database that is built, which has the id of any first one.
const DATABASE: Oid = Oid(5);

/// A table as the survey finds it.
#[derive(Default)]
struct Facts {
    name: String,
    key: Option<String>,
    /// Names and Python types.
    schema: Vec<(String, String)>,
    survey: Survey,
    /// Which list of records of the file is the table's: when a name is there twice, the last counts.
    list: Option<usize>,
    /// Records in it.
    records: u64,
}

/// A full file.
enum Full<'f> {
    Json(&'f mut Opened, &'f str),
    Pickle(Pickle<'f>),
}

/// Whoever waits for the work.
type Check<'c> = &'c dyn Fn(u64) -> Result<()>;

/// Builds a database of a full file and its deltas. XX001, 0A000 for a pickle that names what is not data.
pub(crate) fn restore(
    members: Vec<Member>,
    storage: &Storage,
    restorer: &mut Restorer<'_>,
    ahead: Option<Ahead<'_>>,
    work: &Work<'_>,
) -> Result<()> {
    let mut members = members.into_iter();
    let Some(Member { name, mut opened, .. }) = members.next() else { return Ok(()) };
    let mut deltas: Vec<Member> = members.collect();
    let bytes = if is_pickle(&mut opened, &name)? { Some(pickle::read(&mut opened, &name)?) } else { None };
    let mut full = match &bytes {
        Some(bytes) => Full::Pickle(Pickle::read(bytes, &name)?),
        None => Full::Json(&mut opened, &name),
    };
    let look: Check<'_> = &|_| (work.check)();
    let mut tables = full.survey(look).map_err(|error| in_file(error, &name))?;
    for delta in &mut deltas {
        survey_delta(delta, &mut tables, look).map_err(|error| in_file(error, &delta.name))?;
    }
    restorer.put_database(DATABASE, &name);
    let place = |number: usize| Oid(Oid::FIRST_NORMAL.0 + number as u32 * OIDS_PER_TABLE);
    let definitions: Vec<Definition> =
        tables.iter().enumerate().map(|(number, facts)| Definition::of(facts, place(number))).collect();
    if let Some(ahead) = ahead {
        ahead.staging.reserve(place(tables.len()));
    }
    let begun = definitions.iter().map(|definition| Loading::begin(definition, storage, restorer, ahead));
    let loading = begun.collect::<Result<Vec<Loading>>>()?;
    let done: Check<'_> = &|rows| work.done(rows);
    full.load(&tables, &loading, ahead, done).map_err(|error| in_file(error, &name))?;
    change_rows(&mut deltas, &tables, &loading, storage, ahead, done)?;
    let next = place(tables.len());
    for ((definition, loading), facts) in definitions.into_iter().zip(&loading).zip(&tables) {
        let snapshot = storage.begin().snapshot()?;
        let is_key = |(slot, ty)| Keys::of(loading.table(), &snapshot, slot, ty).map(|keys| keys.are_unique());
        let definition = match definition.key_column(facts).map(is_key).transpose()? {
            Some(true) => definition.with_key(),
            _ => definition,
        };
        let changes: Vec<Change> = definition.objects(BOOTSTRAP_ROLE).into_iter().map(Change::Put).collect();
        restorer.apply_changes(DATABASE, next, &[changes, definition.dependencies()].concat())?;
    }
    Ok(())
}

/// Whether a file can be read. XX001, 0A000, 57014.
pub(crate) fn verify(opened: &mut Opened, name: &str, check: &dyn Fn() -> Result<()>) -> Result<()> {
    let look: Check<'_> = &|_| check();
    if name.contains("_delta_") {
        return verify_delta(opened, name, look).map_err(|error| in_file(error, name));
    }
    let bytes = if is_pickle(opened, name)? { Some(pickle::read(opened, name)?) } else { None };
    let mut full = match &bytes {
        Some(bytes) => Full::Pickle(Pickle::read(bytes, name)?),
        None => Full::Json(opened, name),
    };
    full.survey(look).map(drop).map_err(|error| in_file(error, name))
}

fn is_pickle(opened: &mut Opened, name: &str) -> Result<bool> {
    let mut first = Vec::new();
    let read = opened.file.rewind().and_then(|()| opened.file.by_ref().take(1).read_to_end(&mut first));
    read.map_err(|error| unreadable(name, &error))?;
    Ok(name.ends_with(".pickle") || name.ends_with(".pkl") || first == [pickle::MARK])
}

/// Says in which file something was wrong; it may have been elsewhere.
fn in_file(error: Error, name: &str) -> Error {
    match error.code() {
        _ if error.message().contains(name) => error,
        SqlState::DATA_CORRUPTED => damaged(name, error.message()),
        code if code.as_str().starts_with("22") => damaged(name, error.message()),
        _ => error,
    }
}

fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, what.to_string())
}

/// A file from its beginning.
fn document<'f>(opened: &'f mut Opened, name: &'f str) -> Result<Document<'f>> {
    opened.file.rewind().map_err(|error| unreadable(name, &error))?;
    Ok(Document::new(&mut *opened.file, name))
}

impl Full<'_> {
    /// What its tables are.
    fn survey(&mut self, look: Check<'_>) -> Result<Vec<Facts>> {
        match self {
            Full::Json(opened, name) => survey_full(opened, name, look),
            Full::Pickle(pickle) => pickle.survey(look),
        }
    }

    /// Puts the records of tables where they belong.
    fn load(&mut self, tables: &[Facts], into: &[Loading], ahead: Option<Ahead<'_>>, done: Check<'_>) -> Result<()> {
        match self {
            Full::Json(opened, name) => load_full(document(opened, name)?, tables, into, ahead, done),
            Full::Pickle(pickle) => pickle.load(into, ahead, done),
        }
    }
}

fn survey_full(opened: &mut Opened, name: &str, look: Check<'_>) -> Result<Vec<Facts>> {
    let mut document = document(opened, name)?;
    let (mut found, mut lists) = (None, 0);
    document.object(|document, key| {
        if key != "tables" {
            return document.pass_over();
        }
        let mut tables: Vec<Facts> = Vec::new();
        document.object(|document, name| {
            let facts = survey_table(document, name, &mut lists, look)?;
            tables.retain(|known| known.name != name);
            tables.push(facts);
            Ok(())
        })?;
        found = Some(tables);
        Ok(())
    })?;
    document.end()?;
    found.ok_or_else(|| invalid("it has no \"tables\""))
}

fn survey_table(document: &mut Document<'_>, name: &str, lists: &mut usize, look: Check<'_>) -> Result<Facts> {
    let mut facts = Facts { name: name.to_owned(), ..Facts::default() };
    document.object(|document, key| {
        match key {
            "records" => {
                (facts.survey, facts.records) = survey_list(document, look)?;
                facts.list = Some(*lists);
                *lists += 1;
            }
            "primary_key" => {
                if let Value::Text(key) = document.value()? {
                    facts.key = Some(key.into_owned());
                }
            }
            "schema" => {
                if let Value::Map(fields) = document.value()? {
                    let typed = |(name, ty)| if let Value::Text(ty) = ty { Some((name, ty)) } else { None };
                    let own = |(name, ty): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), ty.into_owned());
                    facts.schema = fields.into_iter().filter_map(typed).map(own).collect();
                }
            }
            _ => document.pass_over()?,
        }
        Ok(())
    })?;
    match facts.list {
        Some(_) => Ok(facts),
        None => Err(invalid("it has no \"records\"")),
    }
}

/// What is found in a list of records, and how many there are.
fn survey_list(document: &mut Document<'_>, look: Check<'_>) -> Result<(Survey, u64)> {
    let (parts, mut records) = (Mutex::new(Vec::new()), 0);
    let survey = |piece: Piece| {
        let mut part = Survey::default();
        piece.each(|parser| {
            parser.fields(|name, value| {
                part.field(name, &value);
                Ok(())
            })?;
            part.end_record();
            Ok(())
        })?;
        parts.lock().push((piece.first, part));
        Ok(())
    };
    hand_out(survey, |to| {
        document.list(BLOCK_ROWS as u64, |piece| {
            records = piece.first + piece.items;
            look(piece.items)?;
            // A worker that failed goes on to take pieces, and says why at the end.
            let _ = to.send(piece);
            Ok(())
        })
    })?;
    let mut parts = parts.into_inner();
    parts.sort_unstable_by_key(|(first, _)| *first);
    let mut survey = Survey::default();
    parts.iter().for_each(|(_, part)| survey.join(part));
    Ok((survey, records))
}

fn load_full(
    mut document: Document<'_>,
    tables: &[Facts],
    into: &[Loading],
    ahead: Option<Ahead<'_>>,
    done: Check<'_>,
) -> Result<()> {
    let mut lists = 0;
    document.object(|document, key| {
        if key != "tables" {
            return document.pass_over();
        }
        document.object(|document, _| {
            document.object(|document, key| {
                if key != "records" {
                    return document.pass_over();
                }
                let place = tables.iter().position(|facts| facts.list == Some(lists));
                lists += 1;
                let Some(loading) = place.and_then(|place| into.get(place)) else { return document.pass_over() };
                hand_out(
                    |piece: Piece| loading.put(&piece, ahead),
                    |to| {
                        document.list(BLOCK_ROWS as u64, |piece| {
                            done(piece.items)?;
                            let _ = to.send(piece);
                            Ok(())
                        })
                    },
                )
            })
        })
    })
}

/// Goes through the changes of a delta: `part` takes the list behind the names of a table and of a part. XX001 when it is no delta.
fn each_part(
    opened: &mut Opened,
    name: &str,
    mut part: impl FnMut(&mut Document<'_>, &str, &str) -> Result<()>,
) -> Result<()> {
    let mut document = document(opened, name)?;
    let (mut is_delta, mut has_tables) = (false, false);
    document.object(|document, key| match key {
        "type" => {
            is_delta = document.value()?.as_text() == Some("delta");
            Ok(())
        }
        "tables" => {
            has_tables = true;
            document.object(|document, table| document.object(|document, name| part(document, table, name)))
        }
        _ => document.pass_over(),
    })?;
    document.end()?;
    match (is_delta, has_tables) {
        (false, _) => Err(invalid("it is no delta")),
        (true, false) => Err(invalid("it has no \"tables\"")),
        (true, true) => Ok(()),
    }
}

/// Adds what a delta has of tables that are there: the original package passes over others.
fn survey_delta(delta: &mut Member, tables: &mut [Facts], look: Check<'_>) -> Result<()> {
    each_part(&mut delta.opened, &delta.name, |document, table, part| {
        match (tables.iter_mut().find(|facts| facts.name == table), part) {
            (Some(facts), "upserts") => {
                let (survey, _) = survey_list(document, look)?;
                facts.survey.join(&survey);
                Ok(())
            }
            _ => document.pass_over(),
        }
    })
}

fn verify_delta(opened: &mut Opened, name: &str, look: Check<'_>) -> Result<()> {
    each_part(opened, name, |document, _, part| match part {
        "upserts" => survey_list(document, look).map(drop),
        "deletes" => document.list(BLOCK_ROWS as u64, |piece| {
            look(piece.items)?;
            piece.each(|parser| parser.value(MAX_DEPTH).map(drop))
        }),
        _ => document.pass_over(),
    })
}

/// What the package's own `apply_delta` does, delta by delta.
fn change_rows(
    deltas: &mut [Member],
    tables: &[Facts],
    loading: &[Loading],
    storage: &Storage,
    ahead: Option<Ahead<'_>>,
    done: Check<'_>,
) -> Result<()> {
    let snapshot = storage.begin().snapshot()?;
    let mut changing: Vec<Option<Changing<'_>>> = tables.iter().map(|_| None).collect();
    for Member { name, opened, .. } in deltas {
        let changed = each_part(opened, name, |document, table, part| {
            let place = tables.iter().position(|facts| facts.name == table);
            let Some(place) = place.filter(|_| matches!(part, "upserts" | "deletes")) else {
                return document.pass_over();
            };
            let begin = || Changing::begin(&loading[place], &tables[place], &snapshot, ahead);
            let change = match &mut changing[place] {
                Some(change) => change,
                none => none.insert(begin()?),
            };
            document.list(BLOCK_ROWS as u64, |piece| {
                done(piece.items)?;
                piece.each(|parser| match part {
                    "upserts" => {
                        let mut fields = Vec::new();
                        parser.fields(|name, value| {
                            fields.push((name, value));
                            Ok(())
                        })?;
                        change.upsert(&fields)
                    }
                    _ => change.delete(&parser.value(MAX_DEPTH)?),
                })
            })
        });
        changed.map_err(|error| in_file(error, name))?;
    }
    Ok(())
}
