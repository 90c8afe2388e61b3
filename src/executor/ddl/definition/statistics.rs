//! CREATE and ALTER STATISTICS.

use std::sync::Arc;

use dictdb_catalog::{
    Definition, DefinitionBody, DefinitionKind, Dependency, Key, Relation, RelationKind, StatisticsInfo,
};
use dictdb_functions::resolve::opclass;
use dictdb_parser::Locations;
use dictdb_parser::ast::{Expr as Ast, Ident, TableFactor};
use dictdb_parser::utility::{AlterStatistics, CreateStatistics, SourceExpr};
use dictdb_planner::table_expr::{self, BoundTableExpr, TableExpr};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, Severity, SqlState, Type};

use super::super::names::{free_name, shown};
use super::super::{DdlContext, like};

/// Columns and expressions that one object may be about.
const MAX_DIMENSIONS: usize = 8;
/// The highest statistics target.
const MAX_TARGET: i64 = 10_000;
/// Kinds by name, in the order in which they are kept.
const KINDS: [(&str, u8); 3] = [("ndistinct", b'd'), ("dependencies", b'f'), ("mcv", b'm')];

/// What a statistics object is about.
#[derive(Default)]
struct Subjects {
    columns: Vec<i16>,
    expressions: Vec<BoundTableExpr>,
}

impl DdlContext<'_> {
    pub(in crate::ddl) fn create_statistics(&mut self, create: &CreateStatistics, locations: &Locations) -> Result<()> {
        let relation = self.relation_of_statistics(create)?;
        let (namespace, name) = self.new_name(&create.name, false)?;
        self.check_create_in(namespace)?;
        if self.view().definition_in(DefinitionKind::Statistics, namespace, &name).is_some() {
            let message = format!("statistics object \"{name}\" already exists");
            if create.if_not_exists {
                self.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        let count = create.items.len();
        if count > MAX_DIMENSIONS {
            let message = format!("cannot have more than {MAX_DIMENSIONS} columns in statistics");
            return Err(Error::new(SqlState::TOO_MANY_COLUMNS, message));
        }
        let mut subjects = Subjects::default();
        for item in &create.items {
            self.add_subject(item, &relation, locations, count > 1, &mut subjects)?;
        }
        let single = count == 1 && subjects.expressions.len() == 1;
        let kinds = kinds(&create.kinds, &subjects, count, single)?;
        subjects.columns.sort_unstable();
        if subjects.columns.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = "duplicate column name in statistics definition";
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let mut texts = subjects.expressions.iter().enumerate();
        if texts.any(|(at, own)| subjects.expressions[..at].iter().any(|other| other.text == own.text)) {
            let message = "duplicate expression in statistics definition";
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        let info = StatisticsInfo {
            relation: relation.oid,
            columns: subjects.columns.clone(),
            expressions: subjects.expressions.iter().map(|bound| bound.text.clone()).collect(),
            kinds,
            target: -1,
        };
        let key = self.new_definition(namespace, name, DefinitionBody::Statistics(info));
        self.depend_statistics(key, &relation, &subjects);
        Ok(())
    }

    /// The only relation of FROM, locked. 0A000, 42809, 42501.
    fn relation_of_statistics(&mut self, create: &CreateStatistics) -> Result<Arc<Relation>> {
        let single = || {
            let message = "only a single relation is allowed in CREATE STATISTICS";
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        };
        let no_name = || {
            let message = "CREATE STATISTICS only supports relation names in the FROM clause";
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        };
        let [item] = create.from.as_slice() else { return Err(single()) };
        let TableFactor::Table { name, args: None, .. } = &item.relation else { return Err(no_name()) };
        if !item.joins.is_empty() {
            return Err(no_name());
        }
        let relation = self.find_relation(name)?;
        self.lock(relation.oid, LockMode::ShareUpdateExclusive)?;
        let relation = self.table(relation.oid)?;
        if !relation.is_stored() && !matches!(relation.kind, RelationKind::Virtual) {
            let message = format!("cannot define statistics for relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message)
                .detail(format!("This operation is not supported for {}.", plural(&relation))));
        }
        self.check_owner(&relation)?;
        self.check_not_system(&relation)?;
        Ok(relation)
    }

    fn add_subject(
        &mut self,
        item: &SourceExpr,
        relation: &Arc<Relation>,
        locations: &Locations,
        several: bool,
        subjects: &mut Subjects,
    ) -> Result<()> {
        if let Ast::Identifier(ident) = without_parentheses(&item.expr) {
            return self.add_plain_column(ident, relation, subjects);
        }
        let bound =
            self.with_binding(|cx| table_expr::bind(&item.expr, locations, relation, TableExpr::Statistics, cx))?;
        if several && !self.is_ordered(bound.expr.ty()) {
            let catalog = self.view();
            let message = format!(
                "expression cannot be used in multivariate statistics because its type {} has no default btree operator class",
                self.shown_type(bound.expr.ty().oid, &catalog)
            );
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        subjects.expressions.push(bound);
        Ok(())
    }

    fn add_plain_column(&mut self, ident: &Ident, relation: &Relation, subjects: &mut Subjects) -> Result<()> {
        let Some((attnum, column)) = relation.column_named(&ident.value) else {
            if dictdb_catalog::system_column_named(&ident.value).is_some() {
                let message = "statistics creation on system columns is not supported";
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            let message = format!("column \"{}\" does not exist", ident.value);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        let ty = column.ty;
        if !self.is_ordered(ty) {
            let catalog = self.view();
            let message = format!(
                "column \"{}\" cannot be used in statistics because its type {} has no default btree operator class",
                ident.value,
                self.shown_type(ty.oid, &catalog)
            );
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        subjects.columns.push(attnum);
        Ok(())
    }

    fn is_ordered(&mut self, ty: Type) -> bool {
        let catalog = self.view();
        let scope = dictdb_planner::scope::CatalogScope { catalog: &catalog, search_path: self.search_path };
        opclass::less_than_operator(&scope, ty.oid).is_some()
    }

    fn depend_statistics(&mut self, key: Key, relation: &Relation, subjects: &Subjects) {
        let of_expressions = subjects.expressions.iter().flat_map(|bound| &bound.columns);
        let columns: Vec<i16> = subjects.columns.iter().chain(of_expressions).copied().collect();
        for attnum in &columns {
            self.depend(key, Key::Column(relation.oid, *attnum), Dependency::Auto);
        }
        if subjects.columns.is_empty() {
            self.depend(key, Key::Relation(relation.oid), Dependency::Auto);
        }
        for bound in &subjects.expressions {
            self.depend_on_calls(key, &bound.functions, &bound.operators);
            self.depend_on_types(key, &bound.types);
        }
    }

    /// Makes the statistics objects of another table anew for a table like it; oids of old and new ones.
    pub(in crate::ddl) fn copy_statistics(&mut self, table: Oid, old: &Relation) -> Result<Vec<(Oid, Oid)>> {
        let catalog = self.view();
        let of_old = |own: &&Arc<Definition>| own.statistics().is_some_and(|info| info.relation == old.oid);
        let templates: Vec<Arc<Definition>> = catalog.definitions().filter(of_old).cloned().collect();
        templates.iter().map(|template| Ok((template.oid, self.copy_of_statistics(table, old, template)?))).collect()
    }

    fn copy_of_statistics(&mut self, table: Oid, old: &Relation, template: &Definition) -> Result<Oid> {
        let Some(info) = template.statistics() else { return Err(Error::internal("statistics that are none")) };
        let relation = self.table(table)?;
        let columns = info.columns.iter().map(|attnum| like::translated(old, &relation, *attnum));
        let mut columns = columns.collect::<Result<Vec<i16>>>()?;
        let named = columns.iter().filter_map(|attnum| relation.column(*attnum)).map(|column| &*column.name);
        let words = named.chain(info.expressions.iter().map(|_| "expr")).collect::<Vec<_>>().join("_");
        columns.sort_unstable();
        let catalog = self.view();
        let is_taken =
            |name: &Arc<str>| catalog.definition_in(DefinitionKind::Statistics, relation.namespace, name).is_some();
        let name = free_name(&relation.name, &words, "stat", is_taken);
        let copy = StatisticsInfo { relation: table, columns, target: -1, ..info.clone() };
        let key = self.new_definition(relation.namespace, name, DefinitionBody::Statistics(copy));
        for (on, kind) in catalog.dependencies_of(template.key()) {
            match on {
                Key::Column(_, attnum) => {
                    self.depend(key, Key::Column(table, like::translated(old, &relation, attnum)?), kind);
                }
                Key::Relation(_) => self.depend(key, Key::Relation(table), kind),
                Key::Schema(_) => {}
                on => self.depend(key, on, kind),
            }
        }
        let Key::Definition(_, oid) = key else { return Err(Error::internal("a definition with another key")) };
        Ok(oid)
    }

    pub(in crate::ddl) fn alter_statistics(&mut self, alter: &AlterStatistics) -> Result<()> {
        if alter.target < -1 {
            let message = format!("statistics target {} is too low", alter.target);
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        if alter.target > MAX_TARGET {
            let message = format!("lowering statistics target to {MAX_TARGET}");
            self.notices.push(Error::with_severity(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let found = self.look_up_definition(DefinitionKind::Statistics, &alter.name);
        let own = match found {
            Ok(Some(own)) => own,
            Ok(None) | Err(_) if alter.if_exists => {
                let message = format!("statistics object \"{}\" does not exist, skipping", shown(&alter.name));
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                return Ok(());
            }
            Ok(None) => return Err(super::missing(DefinitionKind::Statistics, &alter.name)),
            Err(error) => return Err(error),
        };
        self.check_definition_owner(&own)?;
        let Some(info) = own.statistics() else { return Err(Error::internal("statistics that are none")) };
        let target = alter.target.min(MAX_TARGET) as i32;
        self.redefine(&own, DefinitionBody::Statistics(StatisticsInfo { target, ..info.clone() }));
        Ok(())
    }
}

/// `stxkind`. 42601, 0A000, 42P17.
fn kinds(written: &[Ident], subjects: &Subjects, count: usize, single: bool) -> Result<Vec<u8>> {
    if single && !written.is_empty() {
        let message = "when building statistics on a single expression, statistics kinds may not be specified";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    for kind in written {
        if !KINDS.iter().any(|(name, _)| *name == kind.value) {
            let message = format!("unrecognized statistics kind \"{}\"", kind.value);
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
    }
    if count < 2 && subjects.expressions.len() != 1 {
        let message = "extended statistics require at least 2 columns";
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    }
    let wanted = |name: &str| match written.is_empty() {
        true => count >= 2,
        false => written.iter().any(|kind| kind.value == name),
    };
    let named = KINDS.iter().filter(|(name, _)| wanted(name)).map(|(_, letter)| *letter);
    Ok(named.chain((!subjects.expressions.is_empty()).then_some(b'e')).collect())
}

fn without_parentheses(expr: &Ast) -> &Ast {
    match expr {
        Ast::Nested(inner) => without_parentheses(inner),
        other => other,
    }
}

fn plural(relation: &Relation) -> String {
    let noun = relation.kind_noun();
    if noun == "index" { "indexes".to_owned() } else { format!("{noun}s") }
}
