//! CREATE DOMAIN and ALTER DOMAIN.

use std::sync::Arc;

use dictdb_catalog::{Dependency, Domain, DomainCheck, Key, Object};
use dictdb_parser::Locations;
use dictdb_parser::utility::{
    AlterDomain, AlterDomainAction, Constraint as Syntax, ConstraintKind as SyntaxKind, CreateDomain, SourceExpr,
};
use dictdb_planner::table_expr;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, TypeInfo, TypeKind};

use super::DdlContext;
use super::alter::contains;
use super::column::without_position;
use super::names::{object_name, shown};
use crate::eval::{CompileContext, Scope, compile};

impl DdlContext<'_> {
    pub(super) fn create_domain(&mut self, create: &CreateDomain, locations: &Locations) -> Result<()> {
        let (namespace, name) = self.new_type_name(&create.name)?;
        self.check_create_in(namespace)?;
        let base = self.bind_type(&create.data_type)?;
        let info = self.type_info(base.oid)?;
        if matches!(info.kind, TypeKind::Pseudo) && !info.is_array() {
            let catalog = self.view();
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!("\"{}\" is not a valid base type for a domain", self.shown_type(base.oid, &catalog)),
            ));
        }
        self.check_type_usage(base.oid)?;
        let collation = self.column_collation(base, create.collation.as_ref())?;
        let new = TypeInfo {
            kind: TypeKind::Domain(base),
            category: info.category,
            len: info.len,
            by_value: info.by_value,
            align: info.align,
            delimiter: info.delimiter,
            collation,
            input: Arc::from("domain_in"),
            ..self.new_type(namespace, name.clone())
        };
        // The default of a domain underneath is the new one's too, until it gets another.
        let default = self.view().domain_default(base.oid).cloned();
        let mut domain = Domain { oid: new.oid, not_null: false, default, checks: Vec::new() };
        let oid = self.put_type_with_array(new)?;
        self.domain_constraints(&mut domain, &name, base, &create.constraints, locations)?;
        if base.oid >= Oid::FIRST_NORMAL {
            self.depend(Key::Type(oid), Key::Type(base.oid), Dependency::Normal);
        }
        self.depend_on_collation(Key::Type(oid), collation);
        self.put(Object::Domain(Arc::new(domain)));
        Ok(())
    }

    fn domain_constraints(
        &mut self,
        domain: &mut Domain,
        name: &str,
        base: Type,
        constraints: &[Syntax],
        locations: &Locations,
    ) -> Result<()> {
        let mut null = None;
        let mut defaulted = false;
        for constraint in constraints {
            let refuse = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
            if constraint.deferrable {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    "specifying constraint deferrability not supported for domains",
                ));
            }
            match &constraint.kind {
                SyntaxKind::Default(source) => {
                    if defaulted {
                        return Err(Error::new(SqlState::SYNTAX_ERROR, "multiple default expressions"));
                    }
                    defaulted = true;
                    domain.default = self.domain_default_text(source, base, name, locations)?;
                }
                kind @ (SyntaxKind::NotNull | SyntaxKind::Null) => {
                    let not_null = matches!(kind, SyntaxKind::NotNull);
                    if null.is_some_and(|before| before != not_null) {
                        return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting NULL/NOT NULL constraints"));
                    }
                    null = Some(not_null);
                    domain.not_null = not_null;
                }
                SyntaxKind::Check(source) => {
                    let check = self.domain_check(domain, name, base, constraint, source, locations)?;
                    domain.checks.push(check);
                }
                SyntaxKind::Unique(_) => return refuse("unique constraints not possible for domains"),
                SyntaxKind::PrimaryKey(_) => return refuse("primary key constraints not possible for domains"),
                SyntaxKind::Exclude(_) => return refuse("exclusion constraints not possible for domains"),
                SyntaxKind::ForeignKey(_) => return refuse("foreign key constraints not possible for domains"),
                _ => return refuse("unrecognized constraint subtype"),
            }
        }
        Ok(())
    }

    fn domain_default_text(
        &mut self,
        source: &SourceExpr,
        base: Type,
        name: &str,
        locations: &Locations,
    ) -> Result<Option<Arc<str>>> {
        let bound = self.with_binding(|cx| table_expr::bind_domain_default(&source.expr, locations, base, cx));
        let bound = bound.map_err(|error| match error.message().strip_prefix("column is of type ") {
            Some(rest) => {
                let mut error = error.clone();
                error.fields_mut().message = format!("column \"{name}\" is of type {rest}");
                error
            }
            None => error,
        });
        bound.map_err(without_position)
    }

    fn domain_check(
        &mut self,
        domain: &Domain,
        name: &str,
        base: Type,
        constraint: &Syntax,
        source: &SourceExpr,
        locations: &Locations,
    ) -> Result<DomainCheck> {
        if constraint.no_inherit {
            return Err(Error::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                "check constraints for domains cannot be marked NO INHERIT",
            ));
        }
        let bound = self.with_binding(|cx| table_expr::bind_domain_check(&source.expr, locations, base, cx));
        let bound = bound.map_err(without_position)?;
        let taken = |wanted: &str| domain.checks.iter().any(|check| *check.name == *wanted);
        let own = match &constraint.name {
            Some(given) if taken(&given.value) => {
                return Err(Error::new(
                    SqlState::DUPLICATE_OBJECT,
                    format!("constraint \"{}\" for domain \"{name}\" already exists", given.value),
                ));
            }
            Some(given) => given.value.clone(),
            None => {
                let numbered = (0..).map(|n| if n == 0 { "check".to_owned() } else { format!("check{n}") });
                let mut names = numbered.map(|label| object_name(name, "", &label));
                names.find(|free| !taken(free)).unwrap_or_default()
            }
        };
        let oid = self.new_oid();
        let key = Key::Constraint(domain.oid, oid);
        self.depend(key, Key::Type(domain.oid), Dependency::Auto);
        self.depend_on_calls(key, &bound.functions, &bound.operators);
        self.depend_on_types(key, &bound.types);
        self.depend_on_fields(key, &bound.fields);
        Ok(DomainCheck { oid, name: Arc::from(own), expression: bound.text, validated: !constraint.not_valid })
    }

    pub(super) fn alter_domain(&mut self, alter: &AlterDomain, locations: &Locations) -> Result<()> {
        let info = self.find_type(&alter.name)?;
        let TypeKind::Domain(base) = info.kind else {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not a domain", shown(&alter.name))));
        };
        self.check_type_owner(&info)?;
        let known = self.view().domain(info.oid).cloned();
        let known = known.ok_or_else(|| Error::internal("a domain without its constraints"))?;
        let mut domain = Domain::clone(&known);
        match &alter.action {
            AlterDomainAction::SetDefault(source) => {
                domain.default = match source {
                    Some(source) => self.domain_default_text(source, base, &info.name, locations)?,
                    None => None,
                };
            }
            AlterDomainAction::SetNotNull(not_null) => {
                if *not_null && !domain.not_null {
                    self.check_domain_values(
                        &info,
                        |value, _| Ok(!value.is_null()),
                        |column, table| {
                            Error::new(
                                SqlState::NOT_NULL_VIOLATION,
                                format!("column \"{column}\" of table \"{table}\" contains null values"),
                            )
                        },
                    )?;
                }
                domain.not_null = *not_null;
            }
            AlterDomainAction::AddConstraint(constraint) => {
                self.add_domain_constraint(&info, &mut domain, base, constraint, locations)?;
            }
            AlterDomainAction::DropConstraint { if_exists, name, .. } => {
                let place = domain.checks.iter().position(|check| *check.name == *name.value);
                match place {
                    Some(place) => {
                        let check = domain.checks.remove(place);
                        self.remove(Key::Constraint(info.oid, check.oid));
                    }
                    None => {
                        let message =
                            format!("constraint \"{}\" of domain \"{}\" does not exist", name.value, info.name);
                        if !*if_exists {
                            return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
                        }
                        self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                        return Ok(());
                    }
                }
            }
            AlterDomainAction::ValidateConstraint(name) => {
                let place = domain.checks.iter().position(|check| *check.name == *name.value);
                let place = place.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("constraint \"{}\" of domain \"{}\" does not exist", name.value, info.name),
                    )
                })?;
                self.validate_domain_check(&info, base, &domain.checks[place].expression.clone())?;
                domain.checks[place].validated = true;
            }
        }
        self.put(Object::Domain(Arc::new(domain)));
        Ok(())
    }

    /// A CHECK of a domain goes with something that it needs.
    pub(super) fn drop_domain_check(&mut self, domain: Oid, check: Oid) {
        if let Some(known) = self.view().domain(domain).cloned() {
            let mut known = Domain::clone(&known);
            known.checks.retain(|own| own.oid != check);
            self.put(Object::Domain(Arc::new(known)));
        }
        self.remove(Key::Constraint(domain, check));
    }

    fn add_domain_constraint(
        &mut self,
        info: &TypeInfo,
        domain: &mut Domain,
        base: Type,
        constraint: &Syntax,
        locations: &Locations,
    ) -> Result<()> {
        let before = domain.checks.len();
        if matches!(constraint.kind, SyntaxKind::NotNull | SyntaxKind::Null) {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "unrecognized constraint subtype"));
        }
        self.domain_constraints(domain, &info.name, base, std::slice::from_ref(constraint), locations)?;
        match domain.checks.get(before) {
            Some(check) if check.validated => self.validate_domain_check(info, base, &check.expression.clone()),
            _ => Ok(()),
        }
    }

    fn validate_domain_check(&mut self, info: &TypeInfo, base: Type, text: &str) -> Result<()> {
        let tree = dictdb_parser::parse_expression(text)?;
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let bound =
            self.with_path(&path, |cx| table_expr::bind_domain_check(&tree, &Locations::default(), base, cx))?;
        let catalog = self.view();
        let code = compile(&bound.expr, &CompileContext::of_table(&*catalog))?;
        self.check_domain_values(
            info,
            |value, env| Ok(!matches!(code.eval(Scope::of_domain(env, value))?, Datum::Bool(false))),
            |column, table| {
                Error::new(
                    SqlState::CHECK_VIOLATION,
                    format!("column \"{column}\" of table \"{table}\" contains values that violate the new constraint"),
                )
            },
        )
    }

    /// 0A000 for columns that have values of the domain, or of one over it, inside arrays, rows or ranges.
    fn refuse_containers(
        &mut self,
        catalog: &Arc<dictdb_catalog::Catalog>,
        is_over: &dyn Fn(Oid) -> bool,
    ) -> Result<()> {
        let mut domains: Vec<Oid> = catalog.user_types().map(|info| info.oid).filter(|oid| is_over(*oid)).collect();
        // Those that are over others came later.
        domains.sort_unstable_by(|a, b| b.cmp(a));
        for table in catalog.relations().filter(|relation| relation.is_stored()) {
            for (_, column) in table.live_columns().filter(|(_, column)| !is_over(column.ty.oid)) {
                let inside = domains.iter().find(|domain| contains(catalog, column.ty.oid, **domain));
                if let Some(domain) = inside {
                    let shown = self.shown_type(*domain, catalog);
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        format!(
                            "cannot alter type \"{shown}\" because column \"{}.{}\" uses it",
                            table.name, column.name
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Shows every stored value of a domain, or of a domain over it, to a test.
    fn check_domain_values(
        &mut self,
        info: &TypeInfo,
        test: impl Fn(&Datum, &dyn dictdb_types::Env) -> Result<bool>,
        violated: impl Fn(&str, &str) -> Error,
    ) -> Result<()> {
        let catalog = self.view();
        let is_over = |mut oid: Oid| loop {
            if oid == info.oid {
                return true;
            }
            match dictdb_types::TypeLookup::type_info(&*catalog, oid).map(|info| info.kind.clone()) {
                Some(TypeKind::Domain(base)) => oid = base.oid,
                _ => return false,
            }
        };
        self.refuse_containers(&catalog, &is_over)?;
        let tables: Vec<_> = catalog.relations().filter(|relation| relation.is_stored()).cloned().collect();
        for table in tables {
            let places: Vec<usize> = table
                .live_columns()
                .filter(|(_, column)| is_over(column.ty.oid))
                .map(|(attnum, _)| attnum as usize - 1)
                .collect();
            if places.is_empty() {
                continue;
            }
            self.lock(table.oid, dictdb_storage::LockMode::Share)?;
            self.check_rows(&table, |row, env| {
                for place in &places {
                    if !test(&row[*place], env)? {
                        let column = &*table.columns[*place].name;
                        let schema = catalog.schema(table.namespace).map_or("", |schema| &schema.name);
                        let error = violated(column, &table.name);
                        return Err(error.schema(schema).table(&*table.name).column(column));
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}
