//! What makes a table a foreign one: its server and the options of the table and its columns. Otherwise it is a table
//! without rows, keys and indexes.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, ForeignOptions, ForeignTable, Key, Relation};
use dictdb_parser::utility::{Constraint, ConstraintKind, CreateTable, OptionChange};
use dictdb_types::{Error, Result, SqlState};

use super::DdlContext;
use super::column::NewColumn;
use super::definition::{changed_options, validate};

/// 0A000 for a constraint that needs an index or looks at other rows.
pub(super) fn refuse_constraint(constraint: &Constraint) -> Result<()> {
    let what = match constraint.kind {
        ConstraintKind::PrimaryKey(_) => "primary key",
        ConstraintKind::Unique(_) => "unique",
        ConstraintKind::Exclude(_) => "exclusion",
        ConstraintKind::ForeignKey(_) => "foreign key",
        _ => return Ok(()),
    };
    let message = format!("{what} constraints are not supported on foreign tables");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(constraint.position)))
}

/// 42809 for options of a column of a table that is none of elsewhere.
pub(super) fn check_column_options(relation: &Relation, column: &Column) -> Result<()> {
    if column.foreign_options.is_empty() || relation.foreign.is_some() {
        return Ok(());
    }
    Err(not_for_tables(&relation.name))
}

fn not_for_tables(name: &str) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a foreign table"))
}

impl DdlContext<'_> {
    /// What columns and constraints of a new table may be. 0A000, 42809.
    pub(super) fn check_foreign_columns(
        &mut self,
        create: &CreateTable,
        name: &str,
        columns: &[NewColumn<'_>],
        constraints: &[(Option<usize>, &Constraint)],
    ) -> Result<()> {
        match create.foreign {
            Some(_) => constraints.iter().try_for_each(|(_, constraint)| refuse_constraint(constraint)),
            None if columns.iter().any(|new| !new.column.foreign_options.is_empty()) => Err(not_for_tables(name)),
            None => Ok(()),
        }
    }

    /// Ties a new table to its server, if it has one. 42704, 42501, 42710.
    pub(super) fn put_foreign(&mut self, relation: Arc<Relation>, create: &CreateTable) -> Result<Arc<Relation>> {
        let Some(clause) = &create.foreign else { return Ok(relation) };
        let server = self.usable_server(&clause.server)?;
        let options = changed_options(&Vec::new(), &clause.options)?;
        let foreign = Some(Arc::new(ForeignTable { server: server.oid, options }));
        let relation = self.put_relation(Relation { foreign, ..Relation::clone(&relation) });
        self.validate_foreign(&relation, None)?;
        self.depend(Key::Relation(relation.oid), server.key(), Dependency::Normal);
        Ok(relation)
    }

    /// `ALTER FOREIGN TABLE … OPTIONS`. 42704, 42710.
    pub(super) fn change_foreign_options(&mut self, relation: &Relation, changes: &[OptionChange]) -> Result<()> {
        let Some(foreign) = &relation.foreign else { return Ok(()) };
        let options = changed_options(&foreign.options, changes)?;
        let foreign = Some(Arc::new(ForeignTable { options, ..ForeignTable::clone(foreign) }));
        let relation = self.put_relation(Relation { foreign, ..Relation::clone(relation) });
        self.validate_foreign(&relation, None)
    }

    /// What the wrapper says of the options of a table, or of a column of it. 42601.
    pub(super) fn validate_foreign(&mut self, relation: &Relation, column: Option<&ForeignOptions>) -> Result<()> {
        let Some(foreign) = &relation.foreign else { return Ok(()) };
        let wrapper = self.wrapper_of(foreign.server)?;
        validate(&wrapper, None, column.unwrap_or(&foreign.options))
    }
}
