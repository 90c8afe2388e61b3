//! Targets of INSERT, UPDATE and MERGE: columns, and fields, elements and slices within them.

use std::sync::Arc;

use dictdb_catalog::{Column as TableColumn, Relation};
use dictdb_functions::facts::CastContext;
use dictdb_parser::ast;
use dictdb_parser::node::{self, PathStep};
use dictdb_types::{Error, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use super::modify::assigned_twice;
use super::updatable::{Verb, ViewTarget};
use crate::expr::{Assign, Expr, Part, fixed_element};
use crate::view::tree::TargetName;

/// Where a value goes: a column, or a part of one.
pub(crate) struct Target<'a> {
    /// The column's number.
    pub attnum: i16,
    /// The column.
    pub column: &'a TableColumn,
    /// Steps into its value.
    pub steps: Vec<PathStep<'a>>,
    /// Where the target stands.
    pub position: Option<u32>,
    /// The column as it was written.
    pub name: Option<&'a str>,
}

/// A part of something that is no column.
pub(crate) struct PartTarget<'a> {
    /// Type of the whole.
    pub ty: Type,
    /// Steps into it.
    pub steps: &'a [PathStep<'a>],
    /// As errors name the whole.
    pub name: &'a str,
    /// Where the target stands.
    pub position: Option<u32>,
}

impl Target<'_> {
    /// Whether the whole column gets the value.
    pub fn is_whole(&self) -> bool {
        self.steps.is_empty()
    }

    /// As its text says it.
    pub fn wording(&self) -> TargetName {
        let step = |step: &PathStep<'_>| match step {
            PathStep::Field(name) => format!(".{}", dictdb_types::quote_identifier(&name.value)),
            PathStep::Index(index) => format!("[{index}]"),
            PathStep::Slice(lower, upper) => {
                let bound = |bound: &Option<&ast::Expr>| bound.map_or_else(String::new, |bound| bound.to_string());
                format!("[{}:{}]", bound(lower), bound(upper))
            }
        };
        TargetName { attnum: self.attnum, steps: self.steps.iter().map(step).collect() }
    }

    /// 0A000: only whole columns have defaults.
    pub fn no_default(&self) -> Error {
        let what = match self.steps.last() {
            Some(PathStep::Field(_)) => "a subfield",
            _ => "an array element",
        };
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot set {what} to DEFAULT")).at(self.position)
    }
}

impl Binder<'_> {
    /// The column an assignment names, and the way into it. 42703, and 0A000 for system columns.
    pub(crate) fn assignment_target<'a>(
        &self,
        relation: &'a Relation,
        name: &'a ast::ObjectName,
    ) -> Result<Target<'a>> {
        let mut steps = node::target_path(name);
        let PathStep::Field(ident) = steps.remove(0) else {
            return Err(Error::internal("an assignment without a column"));
        };
        let position = self.position(ident.span);
        if let Some((view, verb)) = self.target_view_of(relation) {
            let attnum = view.attnum(&ident.value, *verb).map_err(|e| match e.code() {
                SqlState::UNDEFINED_COLUMN => e.at(position),
                _ => e,
            })?;
            let column = relation.column(attnum).ok_or_else(|| Error::internal("a view of a column that is gone"))?;
            return Ok(Target { attnum, column, steps, position, name: Some(&ident.value) });
        }
        if let Some((attnum, column)) = relation.column_named(&ident.value) {
            return Ok(Target { attnum, column, steps, position, name: Some(&ident.value) });
        }
        let error = if dictdb_catalog::system_column_named(&ident.value).is_some() {
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot assign to system column \"{}\"", ident.value))
        } else {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" of relation \"{}\" does not exist", ident.value, relation.name),
            )
        };
        Err(error.at(position))
    }

    /// The view through which a table is changed, and what is done through it.
    pub(crate) fn target_view_of(&self, relation: &Relation) -> Option<&(Arc<ViewTarget>, Verb)> {
        self.target_view.as_ref().filter(|(view, _)| view.base.oid == relation.oid)
    }

    /// The targets of an INSERT in the order written. 42701 for a column given twice as a whole.
    pub(crate) fn insert_targets<'a>(
        &self,
        relation: &'a Relation,
        names: &'a [ast::ObjectName],
    ) -> Result<Vec<Target<'a>>> {
        if names.is_empty() {
            let whole = |(attnum, column)| Target { attnum, column, steps: Vec::new(), position: None, name: None };
            return Ok(relation.live_columns().map(whole).collect());
        }
        let mut targets: Vec<Target<'a>> = Vec::with_capacity(names.len());
        for name in names {
            let target = self.assignment_target(relation, name)?;
            let mut others = targets.iter().filter(|other| other.attnum == target.attnum);
            if others.any(|other| (other.is_whole() || target.is_whole()) && Self::is_same_name(other, &target)) {
                return Err(assigned_twice(&target.column.name).at(target.position));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    /// Whether two targets of one column are the same name: two columns of a view may stand for it.
    fn is_same_name(a: &Target<'_>, b: &Target<'_>) -> bool {
        a.name == b.name
    }

    /// The targets of an INSERT into a view that names none: as many of its columns as there are values.
    pub(crate) fn view_targets<'a>(
        &self,
        relation: &'a Relation,
        view: &ViewTarget,
        source: Option<&ast::Query>,
    ) -> Result<Vec<Target<'a>>> {
        let width = match source.map(|query| &*query.body) {
            None => return Ok(Vec::new()),
            Some(ast::SetExpr::Values(values)) => values.rows.first().map_or(0, |row| row.content.len()),
            Some(_) => view.width(),
        };
        let whole = |attnum| {
            let column = relation.column(attnum).ok_or_else(|| Error::internal("a view of a column that is gone"))?;
            Ok(Target { attnum, column, steps: Vec::new(), position: None, name: None })
        };
        view.all_targets(width, Verb::Insert)?.into_iter().map(whole).collect()
    }

    /// The value of a target's column after an assignment: `current` is the one before, `value` what was written, at
    /// `position`.
    pub(crate) fn assign(
        &mut self,
        target: &Target<'_>,
        current: Expr,
        value: Expr,
        position: Option<u32>,
    ) -> Result<Expr> {
        if target.is_whole() {
            return self.coerce_for_column(value, target.column, position);
        }
        let leaf = Leaf { value, position, column: &target.column.name, target: target.position, lax: false };
        self.assign_part(current, target.column.ty, &target.steps, leaf)
    }

    /// The value of a container after an assignment to a part of it.
    pub(crate) fn assign_steps(
        &mut self,
        target: &PartTarget<'_>,
        current: Expr,
        value: Expr,
        position: Option<u32>,
    ) -> Result<Expr> {
        let leaf = Leaf { value, position, column: target.name, target: target.position, lax: true };
        self.assign_part(current, target.ty, target.steps, leaf)
    }

    fn assign_part(&mut self, container: Expr, ty: Type, steps: &[PathStep<'_>], leaf: Leaf<'_>) -> Result<Expr> {
        let base = self.cx.catalog.base_type(ty);
        // Of several assignments to parts of one value only the last result is a value of the domain.
        let container = match container {
            Expr::ToDomain(inner, own) if own.oid == ty.oid => *inner,
            other => other,
        };
        let assigned = match steps {
            [PathStep::Field(field), rest @ ..] => self.assign_field(container, base, field, rest, leaf)?,
            _ => self.assign_element(container, base, steps, leaf)?,
        };
        Ok(if base.oid == ty.oid { assigned } else { Expr::ToDomain(Box::new(assigned), ty) })
    }

    fn assign_field(
        &mut self,
        container: Expr,
        ty: Type,
        name: &ast::Ident,
        rest: &[PathStep<'_>],
        leaf: Leaf<'_>,
    ) -> Result<Expr> {
        let cannot = |code, why: String| {
            let message =
                format!("cannot assign to field \"{}\" of column \"{}\" because {why}", name.value, leaf.column);
            Error::new(code, message).at(leaf.target)
        };
        let Some(fields) = self.fields_of(ty) else {
            let why = format!("its type {} is not a composite type", self.type_name(ty));
            return Err(cannot(SqlState::DATATYPE_MISMATCH, why));
        };
        let Some(index) = fields.iter().position(|field| *field.name == *name.value) else {
            let why = format!("there is no such column in data type {}", self.type_name(ty));
            return Err(cannot(SqlState::UNDEFINED_COLUMN, why));
        };
        let field = fields[index].ty;
        let value = if rest.is_empty() {
            self.coerce_leaf(leaf, field, |_| format!("subfield \"{}\" is of type", name.value))?
        } else {
            self.assign_part(Expr::TestValue(field), field, rest, leaf)?
        };
        let types: Arc<[_]> = fields.iter().map(|field| field.ty.oid).collect();
        Ok(Expr::Assign(Box::new(Assign { container, part: Part::Field { index, types }, value, ty })))
    }

    fn assign_element(&mut self, container: Expr, ty: Type, steps: &[PathStep<'_>], leaf: Leaf<'_>) -> Result<Expr> {
        let count = steps.iter().take_while(|step| !matches!(step, PathStep::Field(_))).count();
        let (subscripts, rest) = steps.split_at(count);
        let of_hstore = self.is_hstore(ty);
        let json = ty.oid == oids::JSONB;
        let fixed = fixed_element(self.cx.catalog.base_type(ty).oid);
        let element = match fixed.map(Type::new).or_else(|| self.element_of(ty)) {
            _ if json => ty,
            _ if of_hstore => Type::new(oids::TEXT),
            Some(element) => element,
            None => return Err(self.not_subscriptable(ty).at(leaf.target)),
        };
        let bounds: Vec<Bounds<'_>> = subscripts.iter().filter_map(Bounds::of_step).collect();
        if of_hstore && rest.is_empty() {
            let value = self
                .coerce_leaf(leaf, element, |column| format!("subscripted assignment to \"{column}\" requires type"))?;
            return self.assign_hstore_value(container, ty, &bounds, value);
        }
        let (indexes, slice) = if json { (self.json_path(&bounds)?, false) } else { self.array_bounds(&bounds)? };
        if slice && fixed.is_some() {
            return Err(super::subscript::fixed_slice());
        }
        let part_type = if slice { self.array_type_of(element).unwrap_or(ty) } else { element };
        let value = if rest.is_empty() {
            self.coerce_leaf(leaf, part_type, |column| format!("subscripted assignment to \"{column}\" requires type"))?
        } else {
            self.assign_part(Expr::TestValue(part_type), part_type, rest, leaf)?
        };
        let part = Part::Element { indexes, slice, element: element.oid, reads_old: !rest.is_empty() };
        Ok(Expr::Assign(Box::new(Assign { container, part, value, ty })))
    }

    fn coerce_leaf(&mut self, leaf: Leaf<'_>, ty: Type, what: impl Fn(&str) -> String) -> Result<Expr> {
        if leaf.lax {
            return self.assign_value(leaf.value, ty, leaf.position);
        }
        let source = leaf.value.ty();
        let coerced = self.coerce(leaf.value, ty, CastContext::Assignment).map_err(|e| e.at(leaf.position))?;
        coerced.ok_or_else(|| {
            let (wanted, given) = (self.type_name(Type::new(ty.oid)), self.type_name(Type::new(source.oid)));
            let message = format!("{} {wanted} but expression is of type {given}", what(leaf.column));
            Error::new(SqlState::DATATYPE_MISMATCH, message)
                .hint("You will need to rewrite or cast the expression.")
                .at(leaf.target)
        })
    }
}

/// What is assigned in the end, and how errors name the column.
struct Leaf<'a> {
    value: Expr,
    position: Option<u32>,
    column: &'a str,
    target: Option<u32>,
    /// It goes through text where there is no cast, as PL/pgSQL assigns.
    lax: bool,
}

/// One subscript as written.
#[derive(Clone, Copy)]
pub(crate) enum Bounds<'a> {
    /// `[index]`.
    Index(&'a ast::Expr),
    /// `[lower:upper]`.
    Slice(Option<&'a ast::Expr>, Option<&'a ast::Expr>),
}

impl<'a> Bounds<'a> {
    fn of_step(step: &PathStep<'a>) -> Option<Self> {
        match step {
            PathStep::Index(index) => Some(Bounds::Index(index)),
            PathStep::Slice(lower, upper) => Some(Bounds::Slice(*lower, *upper)),
            PathStep::Field(_) => None,
        }
    }
}
