//! The binder: syntax tree to logical plan, with every name resolved and every type explicit.
//!
//! One [`Binder`] serves one statement. Query levels form a stack: a name not found in the innermost level is looked up
//! further out, and the resulting [`ColumnId`] then simply belongs to nobody inside, which is what makes it correlated.

mod aggregate;
mod arbiter;
mod assign;
mod clause;
mod coerce;
mod cte;
mod delete;
mod expression;
mod from;
mod function;
mod group;
mod grouped;
mod hstore;
mod insert;
mod insert_source;
mod literal;
mod lock;
mod merge;
mod missing;
mod modify;
mod modify_source;
mod names;
mod operator;
mod order;
mod privilege;
mod query;
mod recorded_change;
mod recursion;
mod reference;
mod rewrite;
mod rule_rows;
mod sample;
mod search_cycle;
mod security;
mod select;
mod set;
mod setop;
mod stored_text;
mod sublink;
mod subscript;
mod table_function;
mod target;
mod types;
mod updatable;
mod update;
mod window;
mod xml;
mod xml_table;

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_functions::kernel::Registry;
use dictdb_functions::resolve::OperatorMatch;
use dictdb_parser::Locations;
use dictdb_parser::{Span, ast};
use dictdb_types::{Datum, Env, Error, Field, Oid, Result, SqlState, Type, TypeInfo, TypeLookup, oids};

pub(crate) use assign::PartTarget;
pub(crate) use clause::Clause;
pub(crate) use coerce::builtin_function;
pub(crate) use level::Level;
pub(crate) use modify_source::cursor_of;
pub(crate) use names::{NamedColumn, Names, Referable, TableName, dotted, idents};
pub(crate) use rewrite::{Step, modification, notification, words};
pub(crate) use rule_rows::{RuleRows, one_row};
pub(crate) use target::expression_name;
pub use updatable::{Updatable, updatable};

use crate::deparse::ObjectNames as _;
use crate::expr::{ColumnId, Expr, Function};
use crate::expression_text::NamesOnPath;
use crate::logical::Column;
use crate::repeatable::Repeatable;
use crate::variables::Variables;

mod level;

/// What binding depends on besides the statement.
#[derive(Clone, Copy)]
pub struct BindContext<'a> {
    /// The catalog version.
    pub catalog: &'a Arc<Catalog>,
    /// Implementations of functions.
    pub registry: &'a Registry,
    /// Settings and names for reading literals.
    pub env: &'a dyn Env,
    /// Schemas searched for unqualified names, `pg_catalog` and the temporary schema included.
    pub search_path: &'a [Oid],
    /// The role whose view of names and privileges counts.
    pub role: Oid,
    /// Relations that only this statement sees, before those of the catalog: transition tables.
    pub transient: &'a [Arc<Relation>],
}

/// The names of before a change, over which stored texts are bound, and those of after it, with which they are written.
#[derive(Clone, Copy)]
pub struct Renaming<'a> {
    /// Before.
    pub before: BindContext<'a>,
    /// After.
    pub after: BindContext<'a>,
}

/// Binds one statement.
pub struct Binder<'a> {
    pub(crate) cx: BindContext<'a>,
    pub(crate) locations: &'a Locations,
    /// Parameter types: `unknown` until a context decides.
    params: Vec<Type>,
    /// Whether parameters beyond the declared ones may appear.
    open_params: bool,
    /// Its parameters are constants of its text.
    lifted: bool,
    next_column: u32,
    next_cte: u32,
    /// Entries of FROM met so far, with joins and what is changed.
    pub(crate) ranges: usize,
    pub(crate) levels: Vec<Level>,
    pub(crate) ctes: Vec<cte::VisibleCte>,
    /// Items of WITH clauses around that names cannot mean yet, the next one last.
    later_ctes: Vec<String>,
    /// Why a recursive reference may not stand where the binder is, if it may not.
    misplaced: Option<recursion::Misplaced>,
    depth: usize,
    /// Tables whose policies are being bound.
    pub(crate) policed: Vec<Oid>,
    /// The first table whose policies decide about the statement, and whether the role owns it.
    pub(crate) secured: Option<(Arc<str>, bool)>,
    /// Views whose queries enclose this one.
    pub(crate) views: Vec<Oid>,
    /// Casts of constants stay as they are, for texts that are kept.
    pub(crate) keep_casts: bool,
    /// The text is one that the catalog keeps: its casts stand where they were made.
    pub(crate) reads_stored: bool,
    /// Where literals of unknown type stand, by the address of their text, which lives as long as they are unknown.
    literals: HashMap<usize, u32>,
    /// The fields of record columns that a subquery produces.
    pub(crate) row_shapes: std::collections::HashMap<ColumnId, RowShape>,
    /// The wording of the query being bound, where it is wanted.
    pub(crate) recorder: Option<crate::view::record::Recorder>,
    /// References to columns met so far.
    references: Vec<reference::Reference>,
    /// Relations named so far.
    relations: std::collections::BTreeSet<Oid>,
    /// The view that the data-modifying statement being bound changes a table through.
    target_view: Option<(Arc<updatable::ViewTarget>, updatable::Verb)>,
    /// What is done to which relations, to be checked against the role's privileges.
    accesses: Vec<privilege::Access>,
    /// The first view of users among them.
    user_view: Option<Arc<str>>,
    /// How many subqueries of expressions and WITH queries enclose what is being bound.
    nesting: usize,
    /// The role that runs the statement, whatever view a text is of: security invoker views have its rights.
    pub(crate) invoker: Oid,
    /// The primary keys that grouping relies on: table and constraint.
    pub(crate) keys: std::collections::BTreeSet<(Oid, Oid)>,
    /// A text is bound to be kept, not to be run: policies say nothing yet.
    pub(crate) ignores_policies: bool,
    /// What views are by themselves is asked: INSTEAD OF triggers do not count.
    ignores_triggers: bool,
    /// A view that stands for itself although changes could go through it: its rules are to see the rows.
    stops_at: Option<Oid>,
    /// The rows that the action of a rule works over, until its FROM clause takes them.
    pub(crate) rule_rows: Option<rule_rows::RuleRows>,
    /// Conditional INSTEAD rules whose rows the statement being bound leaves alone.
    exceptions: Vec<Arc<dictdb_catalog::Rule>>,
    /// The outermost level has the rows of a rule whose action is being bound.
    in_rule: bool,
    /// Rules are not for this statement.
    pub(crate) ignores_rules: bool,
    /// The target of the statement being bound is a view as such, not the table that it stands for.
    takes_view: bool,
    /// The rows of the statement being bound are for rules, which may do without its target.
    spares_target: bool,
    /// Columns that names mean and that no plan tells: of views, and of what ON CONFLICT names.
    mentions: Vec<(Oid, i16)>,
    /// Functions called so far.
    functions: std::cell::RefCell<std::collections::BTreeSet<Oid>>,
    /// Built-in functions that not everybody may execute.
    guarded: std::cell::RefCell<std::collections::BTreeSet<Oid>>,
    /// A built-in function that runs statements was called.
    runs_statements: std::cell::Cell<bool>,
    /// What the functions called so far leave of the hope for the same rows again.
    pub(crate) repeatable: std::cell::Cell<Repeatable>,
    /// Types of users that values were coerced to.
    types: std::cell::RefCell<std::collections::BTreeSet<Oid>>,
    /// Collations named so far.
    pub(crate) collations: std::collections::BTreeSet<Oid>,
    /// Fields of composite types that were selected: relation of the type and attnum.
    fields: std::cell::RefCell<std::collections::BTreeSet<(Oid, i16)>>,
    /// The fields of types of users that columns of functions in FROM are: relation and attnum.
    pub(crate) function_fields: std::collections::HashMap<ColumnId, (Oid, i16)>,
    /// Operators of users that were called, each with its function.
    operators: std::cell::RefCell<std::collections::BTreeMap<Oid, Oid>>,
    /// Variables that names may mean.
    pub(crate) variables: Option<&'a dyn Variables>,
    /// The values of the parameters, if the plan is for them.
    pub(crate) values: &'a [Datum],
    /// The error of running the plan that another one for values of the parameters may not have.
    pub(crate) undecided: Option<Error>,
    /// Fields of record parameters.
    pub(crate) record_fields: std::collections::HashMap<usize, Arc<[Field]>>,
}

/// Names and types of the fields of a row.
pub(crate) type RowShape = Vec<(Arc<str>, Type)>;

/// Nesting of queries and expressions a statement may have.
const MAX_DEPTH: usize = 4000;

impl<'a> Binder<'a> {
    /// A binder for a statement whose nodes stand at `locations` and whose parameters have the `declared` types (`unknown`: to be inferred).
    pub fn new(cx: BindContext<'a>, locations: &'a Locations, declared: &[Type], open_params: bool) -> Self {
        Binder {
            cx,
            locations,
            params: declared.to_vec(),
            open_params,
            lifted: false,
            next_column: 0,
            next_cte: 0,
            ranges: 0,
            levels: Vec::new(),
            ctes: Vec::new(),
            later_ctes: Vec::new(),
            misplaced: None,
            depth: 0,
            policed: Vec::new(),
            secured: None,
            views: Vec::new(),
            keep_casts: false,
            reads_stored: false,
            literals: HashMap::new(),
            recorder: None,
            row_shapes: Default::default(),
            references: Vec::new(),
            relations: Default::default(),
            target_view: None,
            accesses: Vec::new(),
            user_view: None,
            nesting: 0,
            ignores_triggers: false,
            stops_at: None,
            invoker: cx.role,
            ignores_policies: false,
            keys: Default::default(),
            rule_rows: None,
            exceptions: Vec::new(),
            takes_view: false,
            ignores_rules: false,
            in_rule: false,
            spares_target: false,
            mentions: Vec::new(),
            functions: Default::default(),
            guarded: Default::default(),
            runs_statements: Default::default(),
            repeatable: Default::default(),
            operators: Default::default(),
            types: Default::default(),
            collations: Default::default(),
            fields: Default::default(),
            function_fields: Default::default(),
            variables: None,
            values: &[],
            undecided: None,
            record_fields: Default::default(),
        }
    }

    /// The types of all parameters after binding; 42P18 when one could not be determined.
    pub fn into_params(self) -> Result<Vec<Type>> {
        for (index, ty) in self.params.iter().enumerate() {
            if ty.oid == oids::UNKNOWN {
                return Err(Error::new(
                    SqlState::INDETERMINATE_DATATYPE,
                    format!("could not determine data type of parameter ${}", index + 1),
                ));
            }
        }
        Ok(self.params)
    }

    /// The types of the parameters as far as they are known.
    pub(crate) fn known_params(&self) -> Vec<Type> {
        self.params.clone()
    }

    /// Takes over what another binder of the same statement has found out of the parameters.
    pub(crate) fn take_params(&mut self, other: &Binder<'_>) {
        self.params.clone_from(&other.params);
    }

    /// A binder for the same statement again, which has these parameters.
    pub(crate) fn again(&self, params: &[Type]) -> Self {
        let mut again = Binder::new(self.cx, self.locations, params, self.open_params);
        (again.variables, again.values) = (self.variables, self.values);
        again
    }

    /// A binder for a text of its own whose columns become part of this one's statement; see [`Binder::after_body`].
    pub(crate) fn for_body<'b>(
        &self,
        locations: &'b Locations,
        declared: &[Type],
        variables: &'b dyn Variables,
    ) -> Binder<'b>
    where
        'a: 'b,
    {
        let mut inner = Binder::new(self.cx, locations, declared, false);
        (inner.next_column, inner.next_cte, inner.variables) = (self.next_column, self.next_cte, Some(variables));
        inner
    }

    /// Takes over the identities that an inner binder has given.
    pub(crate) fn after_body(&mut self, inner: &Binder<'_>) {
        (self.next_column, self.next_cte) = (inner.next_column, inner.next_cte);
        self.ranges += inner.ranges;
        self.functions.borrow_mut().extend(inner.functions.borrow().iter());
        self.runs_statements.set(self.runs_statements.get() || inner.runs_statements.get());
        self.is_repeatable_as(inner.repeatable.get());
    }

    /// Takes into account how repeatable a part of the statement is.
    pub(crate) fn is_repeatable_as(&self, part: Repeatable) {
        self.repeatable.set(self.repeatable.get().max(part));
    }

    /// The functions of users that were called.
    pub fn user_functions(&self) -> Vec<Oid> {
        self.functions.borrow().iter().copied().collect()
    }

    /// The built-in functions that were called and have a list of who may execute them.
    pub fn guarded_functions(&self) -> Vec<Oid> {
        self.guarded.borrow().iter().copied().collect()
    }

    /// Whether a function was called that runs statements of its own, in a session that must be lent for that.
    pub fn runs_statements(&self) -> bool {
        self.runs_statements.get()
    }

    /// The operators of users that were called, each with its function.
    pub fn user_operators(&self) -> Vec<(Oid, Oid)> {
        self.operators.borrow().iter().map(|(operator, function)| (*operator, *function)).collect()
    }

    /// The types of users that values were coerced to, but for what functions give.
    pub fn user_types(&self) -> Vec<Oid> {
        self.types.borrow().iter().copied().collect()
    }

    /// Notes the type of what a coercion has made; a function's result is the function's business.
    pub(crate) fn note_type(&self, coerced: &Expr) {
        if let Expr::Const(_, ty)
        | Expr::Relabel(_, ty)
        | Expr::ViaIo(_, ty)
        | Expr::ArrayCoerce(_, _, ty)
        | Expr::Row(_, ty, _)
        | Expr::ToDomain(_, ty) = coerced
            && ty.oid >= Oid::FIRST_NORMAL
        {
            self.types.borrow_mut().insert(ty.oid);
        }
    }

    /// The function of an operator; a user's operator is noted with it.
    pub(crate) fn operator_function(&self, found: &OperatorMatch) -> Result<Arc<Function>> {
        if found.oid >= Oid::FIRST_NORMAL {
            self.operators.borrow_mut().insert(found.oid, found.function);
        }
        self.function(found.function)
    }

    /// The relations that were named.
    pub fn into_relations(self) -> Vec<Oid> {
        self.relations.into_iter().collect()
    }

    /// A column of the statement's own.
    pub(crate) fn new_column(&mut self, name: impl Into<Arc<str>>, ty: Type) -> Column {
        Column { id: self.new_id(), name: name.into(), ty, source: None }
    }

    pub(crate) fn new_id(&mut self) -> ColumnId {
        self.next_column += 1;
        ColumnId(self.next_column)
    }

    pub(crate) fn position(&self, span: Span) -> Option<u32> {
        dictdb_parser::position::of_span(span)
    }

    /// Where an expression starts, for errors about its value.
    pub(crate) fn leftmost(&self, expr: &ast::Expr) -> Option<u32> {
        self.locations.leftmost(expr)
    }

    /// Where the operator or call itself stands.
    pub(crate) fn node_position(&self, expr: &ast::Expr) -> Option<u32> {
        self.locations.node(expr)
    }

    pub(crate) fn level(&mut self) -> &mut Level {
        self.levels.last_mut().expect("binding happens inside a query level")
    }

    /// Runs `f` inside a new innermost level.
    pub(crate) fn in_level<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.levels.push(Level::default());
        let result = self.nested(f);
        self.levels.pop();
        result
    }

    /// Runs `f` one nesting deeper; 54001 beyond the limit.
    pub(crate) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
                "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the \
                 platform's stack depth limit is adequate.",
            ));
        }
        self.depth += 1;
        let result = dictdb_parser::with_stack(|| f(self));
        self.depth -= 1;
        result
    }

    /// Runs `f` with another clause named in errors about what is not allowed there.
    pub(crate) fn in_clause<T>(&mut self, clause: Clause, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let outer = std::mem::replace(&mut self.level().clause, clause);
        let result = f(self);
        self.level().clause = outer;
        result
    }

    pub(crate) fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.cx.catalog.type_info(oid)
    }

    /// PostgreSQL's name of a type with its modifier.
    pub(crate) fn type_name_with_modifier(&self, ty: Type) -> String {
        NamesOnPath { cx: self.cx, stored: false }.type_name(ty)
    }

    /// A binder for the query of a view. 42P17 for a view that is in its own query.
    pub(crate) fn enter_view(&self, view: &Relation, inner: &mut Binder<'_>) -> Result<()> {
        if self.views.contains(&view.oid) {
            let message = format!("infinite recursion detected in rules for relation \"{}\"", view.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        inner.policed.clone_from(&self.policed);
        inner.views = self.views.iter().copied().chain([view.oid]).collect();
        inner.next_column = self.next_column;
        inner.next_cte = self.next_cte;
        inner.depth = self.depth + 1;
        Ok(())
    }

    /// PostgreSQL's name of a type, for messages.
    pub(crate) fn type_name(&self, ty: Type) -> String {
        let scope = self.scope();
        dictdb_types::type_name(&scope, ty.oid, &|info| {
            dictdb_functions::resolve::Scope::qualifier_of_type(&scope, info)
        })
    }

    /// Finds a table, view or system catalog; 42P01, 3F000.
    pub(crate) fn relation(&self, name: &ast::ObjectName) -> Result<Arc<Relation>> {
        self.relation_of(&names::idents(name)?)
    }

    /// Like [`Binder::relation`], of a name's parts.
    pub(crate) fn relation_of(&self, parts: &[&ast::Ident]) -> Result<Arc<Relation>> {
        let position = parts.first().and_then(|ident| self.position(ident.span));
        let found = match parts {
            [table] => self.cx.catalog.relation_on_path(self.cx.search_path, &table.value),
            [schema, table] => match self.cx.catalog.schema_seen(self.cx.search_path, &schema.value) {
                Some(namespace) => {
                    self.check_schema_usage(namespace).map_err(|e| e.at(position))?;
                    self.cx.catalog.relation_in(namespace.oid, &table.value)
                }
                None => None,
            },
            _ => {
                let name = names::dotted(parts);
                return Err(Error::new(
                    SqlState::SYNTAX_ERROR,
                    format!("improper relation name (too many dotted names): {name}"),
                )
                .at(position));
            }
        };
        found.cloned().ok_or_else(|| {
            let name = names::dotted(parts);
            let error = Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"));
            let error = if self.later_ctes.contains(&name) && parts.len() == 1 {
                let detail = "but it cannot be referenced from this part of the query.";
                error
                    .detail(format!("There is a WITH item named \"{name}\", {detail}"))
                    .hint("Use WITH RECURSIVE, or re-order the WITH items to remove forward references.")
            } else {
                error
            };
            error.at(position)
        })
    }
}

impl Expr {
    /// A reference to a logical column.
    pub(crate) fn column(column: &Column) -> Expr {
        Expr::Column(column.id, column.ty)
    }
}
