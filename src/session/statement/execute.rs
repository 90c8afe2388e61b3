//! PREPARE, EXECUTE and DEALLOCATE.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{Execute, Prepare};
use dictdb_types::{Error, Result, SqlState};

use crate::Session;
use crate::client::{Client, Shape, Tag};
use crate::portal::{Outcome, Portal};
use crate::prepared::{PreparedStatement, Source};

impl Session {
    pub(super) fn run_prepare(&mut self, prepare: &Prepare, outer: &Arc<Source>) -> Result<Outcome> {
        let name = prepare.name.value.as_str();
        if name.is_empty() {
            let message = "invalid statement name: must not be empty";
            return Err(Error::new(SqlState::INVALID_PSTATEMENT_DEFINITION, message));
        }
        let types = prepare.types.iter().map(|ty| self.type_oid(ty)).collect::<Result<Vec<_>>>()?;
        let source = outer.nested(prepare.text.clone(), &types)?;
        let analysis = self.analyze(&source, &types)?;
        self.prepared.check_free(name)?;
        let text: Arc<str> = outer.text.clone();
        let mut statement = PreparedStatement::new(name, Some(source), text, analysis);
        statement.from_sql = true;
        self.prepared.put(statement);
        Ok(Outcome::Done(Tag::new("PREPARE")))
    }

    pub(super) async fn run_execute(
        &mut self,
        execute: &Execute,
        portal: &mut Portal,
        client: &mut dyn Client,
    ) -> Result<Outcome> {
        let mut inner = self.executed(execute, portal)?;
        Box::pin(self.run(&mut inner, client)).await
    }

    /// The prepared statement that EXECUTE names, with the values of its parameters.
    pub(crate) fn executed(&mut self, execute: &Execute, portal: &Portal) -> Result<Portal> {
        let name = execute.name.value.as_str();
        let prepared = self.prepared.get(name)?;
        prepared.uses.fetch_add(1, Ordering::Relaxed);
        let required = prepared.analysis.params.len();
        if execute.params.len() != required {
            let message = format!("wrong number of parameters for prepared statement \"{name}\"");
            let detail = format!("Expected {required} parameters but got {}.", execute.params.len());
            return Err(Error::new(SqlState::SYNTAX_ERROR, message).detail(detail));
        }
        let values = self.evaluate_parameters(portal, &execute.params, &prepared.analysis.params)?;
        let (source, text) = (prepared.source.clone(), prepared.text.clone());
        let mut inner = Portal::new("", source, text, values.into(), portal.depth);
        inner.shape = prepared.analysis.columns.clone().map(Shape::text);
        Ok(inner)
    }

    pub(super) fn run_deallocate(&mut self, name: Option<&Ident>) -> Result<Outcome> {
        match name {
            None => {
                self.prepared.clear();
                Ok(Outcome::Done(Tag::new("DEALLOCATE ALL")))
            }
            Some(name) => {
                self.prepared.get(&name.value)?;
                self.prepared.remove(&name.value);
                Ok(Outcome::Done(Tag::new("DEALLOCATE")))
            }
        }
    }
}
