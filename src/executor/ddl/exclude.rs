//! EXCLUDE: a constraint over pairs of rows, kept by an index.

use std::sync::Arc;

use dictdb_catalog::{
    Constraint, ConstraintKind, Dependency, IndexInfo, IndexKey, IndexTarget, Key, Operator, Relation,
};
use dictdb_functions::facts;
use dictdb_parser::Locations;
use dictdb_parser::ast::{Expr as Ast, ObjectName};
use dictdb_parser::utility::{Constraint as Syntax, Exclude};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Error, Oid, Result, SqlState, TypeLookup};

use super::constraint::named;
use super::{DdlContext, index_method, options};
use crate::modify::exclusion::validate_exclusion;

impl DdlContext<'_> {
    /// Adds an exclusion constraint with its index. 23P01 when rows are in conflict already.
    pub(super) fn add_exclude(
        &mut self,
        table: Oid,
        constraint: &Syntax,
        exclude: &Exclude,
        locations: &Locations,
    ) -> Result<()> {
        let relation = self.table(table)?;
        if relation.is_partitioned() {
            let message = "exclusion constraints are not supported on partitioned tables";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(constraint.position)));
        }
        let tablespace =
            self.new_tablespace(exclude.tablespace.as_ref(), (relation.persistence, false), Oid::INVALID)?;
        let method = self.index_method(exclude.method.as_ref())?;
        index_method::check_exclusion(method, exclude)?;
        let options = options::given(&exclude.options, options::Target::Index(method))?;
        let elements: Vec<_> = exclude.elements.iter().map(|(element, _)| element.clone()).collect();
        for element in &elements {
            if let Ast::Identifier(ident) = &*element.expr.expr
                && relation.column_named(&ident.value).is_none()
            {
                let message = format!("column \"{}\" named in key does not exist", ident.value);
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
            }
        }
        let keys = self.index_keys(&relation, &elements, method, locations)?;
        let operators = keys.iter().zip(&exclude.elements).map(|(key, (_, name))| self.exclusion_operator(key, name));
        let operators = operators.collect::<Result<Vec<_>>>()?;
        let included = exclude.include.iter().map(|column| column.value.clone());
        let words = super::index::joined_words(elements.iter().map(super::index::element_word).chain(included));
        let name = match &constraint.name {
            Some(name) if self.view().relation_in(relation.namespace, &name.value).is_some() => {
                return Err(super::create_table::already_exists(&name.value));
            }
            Some(name) => self.free_constraint_name(&relation, &name.value)?,
            None => self.choose_name(relation.namespace, &relation.name, &words, "excl", &[]),
        };
        let predicate = match &exclude.predicate {
            Some(source) => Some(self.with_binding(|cx| {
                table_expr::bind(&source.expr, locations, &relation, TableExpr::IndexPredicate, cx)
                    .map(|bound| bound.text)
            })?),
            None => None,
        };
        let columns = keys.iter().map(|key| match key.target {
            IndexTarget::Column(attnum) => attnum,
            IndexTarget::Expression(_) => 0,
        });
        let columns: Vec<i16> = columns.collect();
        let info = IndexInfo {
            table,
            method,
            unique: false,
            primary: false,
            nulls_not_distinct: false,
            include: self.key_columns(&relation, &exclude.include)?,
            keys,
            predicate,
            deferrable: constraint.deferrable,
            partitioned: false,
            invalid: false,
        };
        self.report_implicit_index("EXCLUDE", &name, &relation.name);
        let index = self.make_index(table, name.clone(), info, tablespace)?;
        if !options.is_empty() {
            let made = self.table(index)?;
            self.put_relation(Relation { options, ..Relation::clone(&made) });
        }
        let oid = self.new_oid();
        let kind = ConstraintKind::Exclude { columns, index, operators };
        let added = named(oid, name, table, kind, constraint);
        self.put_constraint(table, added.clone())?;
        self.depend(Key::Relation(index), Key::Constraint(table, oid), Dependency::Internal);
        self.validate_exclusion_of(table, added)
    }

    /// Looks for conflicts among the rows that are there.
    pub(super) fn validate_exclusion_of(&mut self, table: Oid, constraint: Constraint) -> Result<()> {
        let relation = self.table(table)?;
        let cx = self.exec_context()?;
        validate_exclusion(&relation, &Arc::new(constraint), &cx, self.engine)
    }

    /// The operator of that name over two values of a key. 42883; 42809 for one that its index or symmetry rules out; 0A000 for one
    /// that a user wrote.
    fn exclusion_operator(&mut self, key: &IndexKey, name: &ObjectName) -> Result<Oid> {
        let shown = super::names::shown(name);
        let wanted = shown.rsplit('.').find(|part| !part.is_empty()).unwrap_or(&shown).to_owned();
        let catalog = self.view();
        let base = catalog.base_type(key.ty).oid;
        let class = catalog.any_opclass(key.opclass).ok_or_else(|| Error::internal("an unknown operator class"))?;
        let strategies = catalog.strategies_of(class.family);
        let fits = |operator: &Operator| {
            operator.left == operator.right && (operator.left == class.input || operator.left == base)
        };
        let related = |operator: &Operator| {
            strategies.iter().any(|strategy| strategy.operator == operator.oid && !strategy.ordering)
        };
        let built_in = facts::operators_named(&wanted).map(Operator::from);
        let own = catalog.operators().filter(|operator| *operator.name == *wanted).map(|own| Operator::clone(own));
        let mut named: Vec<Operator> = built_in.chain(own).filter(fits).collect();
        // One of the class comes before others.
        named.sort_by_key(|operator| !related(operator));
        let Some(operator) = named.first() else {
            let ty = self.shown_type(key.ty.oid, &catalog);
            let message = format!("operator does not exist: {ty} {wanted} {ty}");
            let hint =
                "No operator matches the given name and argument types. You might need to add explicit type casts.";
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message).hint(hint));
        };
        let types = (self.shown_type(operator.left, &catalog), self.shown_type(operator.right, &catalog));
        let signature = format!("{wanted}({},{})", types.0, types.1);
        if operator.commutator != operator.oid {
            let message = format!("operator {signature} is not commutative");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("Only commutative operators can be used in exclusion constraints."));
        }
        if !related(operator) {
            let built_in = facts::opfamily_by_oid(class.family).map(|family| family.name);
            let own = catalog.operator_family(class.family).map(|family| &*family.name);
            let family = built_in.or(own).unwrap_or("?");
            let message = format!("operator {signature} is not a member of operator family \"{family}\"");
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail("The exclusion operator must be related to the index operator class for the constraint."));
        }
        if catalog.routine(operator.code).is_some_and(|routine| routine.library.is_none()) {
            return Err(Error::unsupported("an exclusion constraint with an operator that a user wrote"));
        }
        Ok(operator.oid)
    }
}
