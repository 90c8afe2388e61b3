//! Column definitions: types, serial, defaults, identity, generated values.

use std::sync::Arc;

use dictdb_catalog::{Column, Identity, Relation};
use dictdb_parser::utility::{ColumnDef, Constraint, ConstraintKind, SequenceOption};
use dictdb_parser::{Locations, TypeName};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeInfo, TypeKind, oids};

use super::DdlContext;
use super::definition::changed_options;

/// A column as defined, before its sequence and default exist.
pub(super) struct NewColumn<'a> {
    pub column: Column,
    /// `serial`, or identity with its sequence's options.
    pub sequence: Option<NewSequence<'a>>,
    /// Options of the sequence of an identity column that is like another one.
    pub identity_of: Option<Vec<SequenceOption>>,
    pub default: Option<&'a dictdb_parser::utility::SourceExpr>,
    /// Canonical text of a default or generation expression taken over from another table.
    pub stored_default: Option<Arc<str>>,
    /// Constraints other than NULL, NOT NULL, DEFAULT, identity and generated.
    pub constraints: Vec<&'a Constraint>,
    /// Its parents have different defaults.
    pub torn: bool,
}

/// The sequence behind a column.
pub(super) struct NewSequence<'a> {
    pub identity: bool,
    pub options: &'a [SequenceOption],
}

impl DdlContext<'_> {
    pub(super) fn define_column<'d>(
        &mut self,
        definition: &'d ColumnDef,
        table: &str,
        slot: usize,
    ) -> Result<NewColumn<'d>> {
        let name = definition.name.value.as_str();
        let data_type = definition
            .data_type
            .as_ref()
            .ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("column \"{name}\" has no type")))?;
        let serial = serial_type(data_type);
        let ty = match serial {
            Some(oid) => Type::new(oid),
            None => {
                let ty = self.placed_type(data_type)?;
                self.checked_column_type(ty, name)?
            }
        };
        self.define_typed(definition, (ty, serial.is_some()), table, slot)
    }

    /// A column whose type is known: that of a partition has the one of its parent's.
    pub(super) fn define_typed<'d>(
        &mut self,
        definition: &'d ColumnDef,
        (ty, serial): (Type, bool),
        table: &str,
        slot: usize,
    ) -> Result<NewColumn<'d>> {
        let name = definition.name.value.as_str();
        let collation = self.column_collation(ty, definition.collation.as_ref())?;
        let compression = match &definition.compression {
            Some(method) => self.compression_letter(ty.oid, &method.value)?,
            None => None,
        };
        let foreign_options = changed_options(&Vec::new(), &definition.options)?;
        let mut new = NewColumn {
            column: Column { not_null: serial, collation, compression, foreign_options, ..Column::new(name, ty, slot) },
            sequence: serial.then_some(NewSequence { identity: false, options: &[] }),
            identity_of: None,
            default: None,
            stored_default: None,
            constraints: Vec::new(),
            torn: false,
        };
        let mut null = None;
        for constraint in &definition.constraints {
            self.column_constraint(&mut new, constraint, table, &mut null)?;
        }
        Ok(new)
    }

    fn column_constraint<'d>(
        &mut self,
        new: &mut NewColumn<'d>,
        constraint: &'d Constraint,
        table: &str,
        null: &mut Option<bool>,
    ) -> Result<()> {
        let name = new.column.name.clone();
        let position = Some(constraint.position);
        let wants_null = match &constraint.kind {
            ConstraintKind::Null => Some(true),
            ConstraintKind::NotNull | ConstraintKind::Identity { .. } => Some(false),
            _ => None,
        };
        if let Some(wants_null) = wants_null {
            if null.is_some_and(|before| before != wants_null) {
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("conflicting NULL/NOT NULL declarations for column \"{name}\" of table \"{table}\""),
                )
                .at(position));
            }
            *null = Some(wants_null);
            new.column.not_null |= !wants_null;
        }
        let taken = new.default.is_some() || new.sequence.is_some() || new.column.generated;
        let twice = |what: &str| {
            // What a serial type brings along stands nowhere.
            let position = position.filter(|_| new.sequence.as_ref().is_none_or(|known| known.identity));
            Error::new(SqlState::SYNTAX_ERROR, format!("{what} for column \"{name}\" of table \"{table}\""))
                .at(position)
        };
        match &constraint.kind {
            ConstraintKind::Null | ConstraintKind::NotNull => {}
            ConstraintKind::Default(expr) => {
                if taken {
                    return Err(match (&new.sequence, new.column.generated) {
                        (Some(NewSequence { identity: true, .. }), _) => twice("both default and identity specified"),
                        (_, true) => twice("both default and generation expression specified"),
                        _ => twice("multiple default values specified"),
                    });
                }
                new.default = Some(expr);
            }
            ConstraintKind::Identity { always, options } => {
                if taken {
                    return Err(match (&new.sequence, new.column.generated) {
                        (Some(NewSequence { identity: true, .. }), _) => twice("multiple identity specifications"),
                        (_, true) => twice("both identity and generation expression specified"),
                        _ => twice("both default and identity specified"),
                    });
                }
                if !matches!(new.column.ty.oid, oids::INT2 | oids::INT4 | oids::INT8) {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        "identity column type must be smallint, integer, or bigint",
                    ));
                }
                new.column.identity = Some(if *always { Identity::Always } else { Identity::ByDefault });
                new.sequence = Some(NewSequence { identity: true, options });
            }
            ConstraintKind::Generated(expr) => {
                if taken {
                    return Err(match (&new.sequence, new.column.generated) {
                        (Some(NewSequence { identity: true, .. }), _) => {
                            twice("both identity and generation expression specified")
                        }
                        (_, true) => twice("multiple generation clauses specified"),
                        _ => twice("both default and generation expression specified"),
                    });
                }
                new.column.generated = true;
                new.default = Some(expr);
            }
            _ => new.constraints.push(constraint),
        }
        Ok(())
    }

    /// A column's type; pseudo-types are refused with 42P16.
    pub(super) fn column_type(&mut self, data_type: &dictdb_parser::ast::DataType, column: &str) -> Result<Type> {
        let ty = self.bind_type(data_type)?;
        self.checked_column_type(ty, column)
    }

    fn checked_column_type(&mut self, ty: Type, column: &str) -> Result<Type> {
        if matches!(self.type_info(ty.oid)?.kind, TypeKind::Pseudo) {
            return Err(Error::new(
                SqlState::INVALID_TABLE_DEFINITION,
                format!("column \"{column}\" has pseudo-type {}", self.type_info(ty.oid)?.name),
            ));
        }
        self.check_type_usage(ty.oid)?;
        Ok(ty)
    }

    /// The collation of a column: the type's, or the one named. 42704, 42804, 3F000.
    pub(super) fn column_collation(&mut self, ty: Type, named: Option<&dictdb_parser::ast::ObjectName>) -> Result<Oid> {
        let own = self.type_info(ty.oid)?.collation;
        let Some(name) = named else { return Ok(own) };
        if !own.is_valid() {
            let catalog = self.view();
            let shown = self.shown_type(ty.oid, &catalog);
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("collations are not supported by type {shown}"),
            ));
        }
        self.with_binding(|cx| cx.collation(name))
    }

    /// The type a type name means. Errors do not say where the name stands.
    pub(super) fn bind_type(&mut self, data_type: &dictdb_parser::ast::DataType) -> Result<Type> {
        self.placed_type(data_type).map_err(without_position)
    }

    /// Likewise, with the position in errors: where PostgreSQL looks at a type before it executes the command.
    pub(super) fn placed_type(&mut self, data_type: &dictdb_parser::ast::DataType) -> Result<Type> {
        let ty = self.with_binding(|cx| dictdb_planner::bind_type(data_type, cx))?;
        if ty.oid >= Oid::FIRST_NORMAL && self.view().is_shell(ty.oid) {
            let name = self.type_info(ty.oid)?.name.clone();
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}\" is only a shell")));
        }
        Ok(ty)
    }

    /// Likewise, where a type that is only a shell will do: functions are found by such arguments.
    pub(super) fn bind_type_or_shell(&mut self, data_type: &dictdb_parser::ast::DataType) -> Result<Type> {
        self.with_binding(|cx| dictdb_planner::bind_type(data_type, cx)).map_err(without_position)
    }

    pub(super) fn type_info(&mut self, oid: Oid) -> Result<Arc<TypeInfo>> {
        use dictdb_types::TypeLookup;
        self.view().type_info(oid).ok_or_else(|| Error::internal(format!("cache lookup failed for type {oid}")))
    }

    /// The canonical text of a column's default or generation expression; `None` for a default of plain NULL, which goes without saying.
    pub(super) fn column_expression(
        &mut self,
        source: &dictdb_parser::utility::SourceExpr,
        locations: &Locations,
        relation: &Arc<Relation>,
        column: &Column,
    ) -> Result<Option<Arc<str>>> {
        let purpose = if column.generated { TableExpr::Generated(column.ty) } else { TableExpr::Default(column.ty) };
        let name = column.name.clone();
        self.with_binding(|cx| {
            let kept = |bound: table_expr::BoundTableExpr| (column.generated || !bound.is_null).then_some(bound.text);
            table_expr::bind(&source.expr, locations, relation, purpose, cx).map(kept).map_err(|error| {
                // The general message does not know the column's name.
                match error.message().strip_prefix("column is of type ") {
                    Some(rest) => {
                        let mut named = error.clone();
                        named.fields_mut().message = format!("column \"{name}\" is of type {rest}");
                        named
                    }
                    None => error,
                }
            })
        })
    }
}

/// The integer type behind `serial` and its relatives.
fn serial_type(data_type: &dictdb_parser::ast::DataType) -> Option<Oid> {
    let name = TypeName::of(data_type)?;
    let [ident] = name.names.as_slice() else { return None };
    if name.dimensions > 0 {
        return None;
    }
    match ident.value.as_str() {
        "serial" | "serial4" => Some(oids::INT4),
        "bigserial" | "serial8" => Some(oids::INT8),
        "smallserial" | "serial2" => Some(oids::INT2),
        _ => None,
    }
}

/// An error of what PostgreSQL finds out when it executes a command: it points at nothing in the text.
pub(super) fn without_position(mut error: Error) -> Error {
    error.fields_mut().position = None;
    error
}
