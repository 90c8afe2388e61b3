//! Statements of query strings and Parse messages, taken from the cache that all sessions share.

use std::sync::Arc;

use dictdb_parser::utility::Utility;
use dictdb_parser::{Limits, LiteralKind, Statement, Strings, parse_lifted};
use dictdb_types::{Datum, Oid, Result, text};

use crate::Session;
use crate::plan_cache::{KeyContext, KeyMaker, Known, lifted_type};
use crate::prepared::Source;

/// A statement and the values of its parameters.
pub(crate) type Call = (Arc<Source>, Arc<[Datum]>);

impl Session {
    /// The statement of a query string that has been planned before, or whose shape can be; `None`: parse it.
    pub(crate) fn shared_call(&mut self, sql: &str) -> Option<Call> {
        if !self.reads_strings_as_usual() {
            return None;
        }
        let context = self.key_context();
        let mut keys = std::mem::take(&mut self.keys);
        let call = self.lookup(sql, context, &mut keys);
        self.keys = keys;
        self.shared.backend.meters.looked_up(call.is_some());
        call
    }

    fn lookup(&mut self, sql: &str, context: KeyContext, keys: &mut KeyMaker) -> Option<Call> {
        if !keys.shape(sql, context) {
            // No constants: the text itself may be known.
            return match keys.text(sql, &[], context).then(|| self.cache().get(&keys.key))? {
                Some(Known::Statement(source)) => Some((source, Arc::default())),
                _ => None,
            };
        }
        let source = match self.cache().get(&keys.key) {
            Some(Known::Statement(source)) => source,
            // What cannot be planned with parameters may be known as it is.
            Some(Known::Refused) => {
                return match keys.text(sql, &[], context).then(|| self.cache().get(&keys.key))? {
                    Some(Known::Statement(source)) => Some((source, Arc::default())),
                    _ => None,
                };
            }
            None => self.share_shape(sql, keys)?,
        };
        // A constant that does not fit its type is reported with its position, by planning the text as it is.
        let Some(values) = self.constants(&source, sql, keys).ok()? else {
            // Since the shape was planned first an index has come that has a constant where the shape has a parameter.
            self.cache().put(&keys.key, Known::Refused);
            return None;
        };
        Some((source, values.into()))
    }

    /// Plans the shape of a text for the first time.
    fn share_shape(&mut self, sql: &str, keys: &KeyMaker) -> Option<Arc<Source>> {
        let types: Vec<Oid> = keys.lifted.literals.iter().map(|literal| lifted_type(literal.kind)).collect();
        let limits = Limits { flattens: true, database: Some(&self.shared.database.name), ..Limits::default() };
        let source = parse_lifted(sql, &limits, &keys.lifted)
            // What the parser has to say about a text is said each time.
            .filter(|parsed| parsed.notices.is_empty())
            .map(|parsed| {
                let hints = keys.lifted.literals.iter().map(|literal| literal.value(sql).into_owned().into());
                Arc::new(Source::new(sql.into(), parsed, &types).with_hints(hints.collect()))
            })
            // A costly statement is planned with its constants as they are.
            .filter(|source| self.plan(source).is_ok_and(|plan| !plan.custom && !plan.computes_with_parameters));
        let known = source.clone().map_or(Known::Refused, Known::Statement);
        self.cache().put(&keys.key, known);
        source
    }

    /// The constants of a text as values of the types that the shape's plan gives them; none when it is to be planned with
    /// its constants as they are.
    fn constants(&mut self, source: &Source, sql: &str, keys: &KeyMaker) -> Result<Option<Vec<Datum>>> {
        let plan = self.plan(source)?;
        if plan.computes_with_parameters {
            return Ok(None);
        }
        let env = self.env();
        let literals = keys.lifted.literals.iter().zip(plan.params.iter());
        literals
            .map(|(literal, ty)| match literal.kind {
                LiteralKind::Int4 => Ok(literal.value(sql).parse().map_or(Datum::Null, Datum::Int4)),
                LiteralKind::Int8 => Ok(literal.value(sql).parse().map_or(Datum::Null, Datum::Int8)),
                LiteralKind::Numeric | LiteralKind::String => text::input(&literal.value(sql), *ty, &*env),
            })
            .collect::<Result<_>>()
            .map(Some)
    }

    /// Keeps a statement for later texts that are the same.
    pub(crate) fn share_text(&mut self, source: &Arc<Source>, types: &[Oid]) {
        let context = self.key_context();
        // Inside a transaction that changed the catalog names may mean what nobody else sees.
        let is_shared = is_repeated(&source.parsed.statement)
            && source.parsed.notices.is_empty()
            && !self.definitions.catalog.is_changed();
        if is_shared && self.reads_strings_as_usual() && self.keys.text(&source.text, types, context) {
            self.cache().put(&self.keys.key, Known::Statement(source.clone()));
        }
    }

    /// The statement of a Parse message, if it is known.
    pub(crate) fn shared_statement(&mut self, sql: &str, types: &[Oid]) -> Option<Arc<Source>> {
        if !self.reads_strings_as_usual() {
            return None;
        }
        let context = self.key_context();
        let found = match self.keys.text(sql, types, context).then(|| self.cache().get(&self.keys.key)) {
            Some(Some(Known::Statement(source))) => Some(source),
            _ => None,
        };
        self.shared.backend.meters.looked_up(found.is_some());
        found
    }

    /// How this session reads query strings.
    pub(crate) fn limits(&mut self) -> Limits<'_> {
        let strings = self.derived().strings;
        Limits { strings, flattens: true, database: Some(&self.shared.database.name), ..Limits::default() }
    }

    /// Whether a text means to this session what it means to others: its strings are read by the standard.
    fn reads_strings_as_usual(&mut self) -> bool {
        self.derived().strings == Strings::Standard
    }

    fn cache(&self) -> &crate::plan_cache::PlanCache {
        &self.shared.instance.plans
    }

    fn key_context(&mut self) -> KeyContext {
        KeyContext {
            database: self.shared.database.oid,
            temporary_schema: self.shared.temporary_schema().unwrap_or(Oid::INVALID),
            surroundings: self.current_surroundings(),
        }
    }
}

/// Whether a statement is worth keeping: queries, and the short commands that sessions send again and again.
fn is_repeated(statement: &Statement) -> bool {
    match statement {
        Statement::Sql(_) => true,
        Statement::Utility(utility) => {
            matches!(&**utility, Utility::Transaction(_) | Utility::Set(_) | Utility::Show(_) | Utility::Fetch(_))
        }
    }
}
