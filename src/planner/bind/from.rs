//! FROM: tables, views, subqueries, functions, joins.

use std::sync::Arc;

use dictdb_catalog::{Persistence, Relation, RelationKind, ViewInfo};
use dictdb_parser::ast::{self, JoinConstraint, JoinOperator, TableFactor, TableWithJoins};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::cte::CteReference;
use super::names::{FromItem, NamedColumn, Names, Referable, TableName, idents};
use super::recursion::IN_OUTER_JOIN;
use crate::expr::Expr;
use crate::logical::{Column, JoinKind, Node, Scan};
use crate::view::tree::Source;

impl Binder<'_> {
    /// Binds a FROM list and makes its names visible in the current level.
    pub(crate) fn bind_from(&mut self, items: &[TableWithJoins]) -> Result<Node> {
        let mut node: Option<Node> = None;
        for item in items {
            let (right, names, lateral) = self.bind_table_with_joins(item)?;
            self.level().names.merge(names)?;
            node = Some(match node {
                None => right,
                Some(left) => Node::Join {
                    kind: JoinKind::Inner,
                    left: Box::new(left),
                    right: Box::new(right),
                    on: None,
                    lateral,
                },
            });
        }
        Ok(node.unwrap_or(Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }))
    }

    /// One FROM item. The level's names are what LATERAL may see; the item's own names are returned, not added.
    fn bind_table_with_joins(&mut self, item: &TableWithJoins) -> Result<(Node, Names, bool)> {
        let kinds = item.joins.iter().map(|join| join_kind(&join.join_operator));
        let kinds = kinds.collect::<Result<Vec<_>>>()?;
        let nullable = |joined: usize| {
            let outer = |at: usize, own: JoinKind| kinds[at..].iter().any(|(kind, _)| *kind == own);
            let own = joined.checked_sub(1).and_then(|at| kinds.get(at)).map(|(kind, _)| *kind);
            let null = matches!(own, Some(JoinKind::Left | JoinKind::Full))
                || outer(joined, JoinKind::Right)
                || outer(joined, JoinKind::Full);
            null.then_some(IN_OUTER_JOIN)
        };
        let (mut node, mut names, mut lateral) =
            self.misplacing_if(nullable(0), |binder| binder.bind_factor(&item.relation))?;
        for (at, join) in item.joins.iter().enumerate() {
            let (kind, constraint) = kinds[at];
            let (right, right_names, right_lateral) = self.with_left_visible(&names, kind, |binder| {
                binder.misplacing_if(nullable(at + 1), |binder| binder.bind_factor(&join.relation))
            })?;
            names.check_aliases(&right_names)?;
            lateral |= right_lateral && self.refers_outside(&right, &node);
            let joined = self.bind_join(kind, constraint, (node, names), (right, right_names), right_lateral)?;
            (node, names) = joined;
        }
        Ok((node, names, lateral))
    }

    /// Runs `f` with the left side of a join visible to LATERAL items; not referable when a RIGHT or FULL join forbids it.
    fn with_left_visible<T>(
        &mut self,
        left: &Names,
        kind: JoinKind,
        f: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let saved = self.level().names.clone();
        let mut visible = left.clone();
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            visible.tables.iter_mut().for_each(|table| table.referable = Referable::NotByJoin);
            visible.columns.clear();
        }
        self.level().names.tables.extend(visible.tables);
        self.level().names.columns.extend(visible.columns);
        let result = f(self);
        self.level().names = saved;
        result
    }

    /// Whether a node uses columns of this level that `left` does not provide.
    fn refers_outside(&mut self, node: &Node, left: &Node) -> bool {
        let provided: Vec<_> = left.columns().iter().map(|column| column.id).collect();
        let free = crate::columns::free_columns(node);
        let level = self.level();
        free.into_iter().any(|id| !provided.contains(&id) && level.provides(id))
    }

    fn bind_factor(&mut self, factor: &TableFactor) -> Result<(Node, Names, bool)> {
        let bound = self.bind_item(factor)?;
        if let ([table], false) = (bound.1.tables.as_slice(), matches!(factor, TableFactor::NestedJoin { .. })) {
            let relation = match &bound.0 {
                Node::Scan(scan) => Some(scan.relation.oid),
                _ => None,
            };
            self.enter(table, relation);
        }
        let secured = match &bound.0 {
            Node::Scan(scan) if scan.relation.row_security || scan.relation.ttl_micros().is_some() => {
                Some((scan.relation.clone(), scan.columns.clone()))
            }
            _ => None,
        };
        let (mut node, names, lateral) = bound;
        if let TableFactor::Table { name, sample: Some(sample), .. } = factor {
            node = self.bind_sample(node, name, sample)?;
            self.record_sample(&node);
        }
        if let Some((relation, columns)) = secured {
            node = self.secure_scan(node, &relation, &columns)?;
        }
        Ok((node, names, lateral))
    }

    fn bind_item(&mut self, factor: &TableFactor) -> Result<(Node, Names, bool)> {
        let first = self.noted();
        let (node, mut names, lateral) = self.bind_item_of_kind(factor)?;
        let last = self.noted();
        names.tables.iter_mut().for_each(|table| {
            table.noted.get_or_insert(first..last);
        });
        Ok((node, names, lateral))
    }

    fn bind_item_of_kind(&mut self, factor: &TableFactor) -> Result<(Node, Names, bool)> {
        self.ranges += 1;
        match factor {
            TableFactor::Table { name, alias, with_hints, .. } => {
                let only = dictdb_parser::node::is_only(with_hints);
                let (node, names) = self.bind_table(name, alias.as_ref(), only)?;
                Ok((node, names, false))
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                self.bind_derived(*lateral, subquery, alias.as_ref())
            }
            TableFactor::Function { .. } => {
                let (node, names) = self.bind_table_function(factor)?;
                Ok((node, names, true))
            }
            TableFactor::XmlTable { .. } => {
                let (node, names) = self.bind_xml_table(factor)?;
                Ok((node, names, true))
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let (node, mut names, lateral) = self.bind_table_with_joins(table_with_joins)?;
                if let Some(alias) = alias {
                    let columns = self.columns_of_alias("join expression", alias, names.columns)?;
                    self.record_join_alias(factor, &columns);
                    let table = TableName::new(alias.name.value.as_str(), columns, oids::RECORD);
                    names = Names::of_table(TableName { item: FromItem::Join, ..table });
                }
                Ok((node, names, lateral))
            }
            other => Err(Error::unsupported(format_args!("FROM {other}"))),
        }
    }

    fn bind_derived(
        &mut self,
        lateral: bool,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Node, Names, bool)> {
        let Some(alias) = alias else {
            let noun = if matches!(*query.body, ast::SetExpr::Values(_)) { "VALUES" } else { "subquery" };
            let example = if noun == "VALUES" { "FROM (VALUES ...) [AS] foo." } else { "FROM (SELECT ...) [AS] foo." };
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("{noun} in FROM must have an alias"))
                .hint(format!("For example, {example}")));
        };
        let node = if lateral {
            self.in_clause(Clause::FromSubquery, |binder| binder.bind_subquery(query))?
        } else {
            self.without_own_names(|binder| binder.bind_subquery(query))?
        };
        let node = self.settle_unknown(node)?;
        let columns = node.columns().iter().map(NamedColumn::of).collect();
        let columns = self.alias_columns(alias, columns)?;
        let item = match &*query.body {
            ast::SetExpr::Values(_) => FromItem::Values,
            _ => FromItem::Rows(super::lock::row_ids(&node)),
        };
        let table = TableName::new(alias.name.value.as_str(), columns, oids::RECORD);
        let names = Names::of_table(TableName { item, ..table });
        self.record_derived(alias, &names, lateral);
        let lateral = lateral && {
            let free = crate::columns::free_columns(&node);
            let level = self.level();
            free.into_iter().any(|id| level.provides(id))
        };
        Ok((node, names, lateral))
    }

    /// Runs `f` with the current level's names hidden: a subquery in FROM without LATERAL does not see its neighbours.
    pub(crate) fn without_own_names<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let names = std::mem::take(&mut self.level().names);
        let result = f(self);
        self.level().names = names;
        result
    }

    /// Columns nobody gave a type become `text`.
    pub(crate) fn settle_unknown(&mut self, node: Node) -> Result<Node> {
        let targets: Vec<Type> = node
            .columns()
            .iter()
            .map(|column| if column.ty.oid == oids::UNKNOWN { Type::new(oids::TEXT) } else { column.ty })
            .collect();
        match node {
            Node::Project { input, mut columns } => {
                for ((column, expr), target) in columns.iter_mut().zip(&targets) {
                    if column.ty.oid == oids::UNKNOWN {
                        *expr = self.coerce_implicit(expr.clone(), target.oid)?;
                        column.ty = expr.ty();
                    }
                }
                Ok(Node::Project { input, columns })
            }
            Node::Sort { input, keys } => Ok(Node::Sort { input: Box::new(self.settle_unknown(*input)?), keys }),
            Node::Limit { input, limit, offset, with_ties } => {
                Ok(Node::Limit { input: Box::new(self.settle_unknown(*input)?), limit, offset, with_ties })
            }
            other => self.coerce_columns(other, &targets),
        }
    }

    /// A table, view, system catalog or CTE by name.
    pub(crate) fn bind_table(
        &mut self,
        name: &ast::ObjectName,
        alias: Option<&ast::TableAlias>,
        only: bool,
    ) -> Result<(Node, Names)> {
        let parts = idents(name)?;
        if let [single] = parts.as_slice()
            && let Some(CteReference { node, columns, hidden }) = self.bind_cte_reference(single, alias)?
        {
            let shown = alias.map_or(single.value.as_str(), |alias| alias.name.value.as_str());
            let columns = match alias {
                Some(alias) => self.alias_columns(alias, columns)?,
                None => columns,
            };
            let table = TableName::new(shown, columns, oids::RECORD);
            let names = Names::of_table(TableName { item: FromItem::Cte, system: hidden, ..table });
            self.record_table(|| Source::Cte(Arc::from(single.value.as_str())), alias, &names);
            return Ok((node, names));
        }
        let relation = match self.transient(&parts) {
            Some(relation) => relation,
            None => self.relation(name)?,
        };
        let position = parts.first().and_then(|ident| self.position(ident.span));
        let (node, names) = self.bind_relation(&relation, alias, only, position)?;
        self.record_table(|| Source::Relation(relation, only), alias, &names);
        Ok((node, names))
    }

    /// The relation that only this statement sees, if the name means one.
    pub(crate) fn transient(&self, parts: &[&ast::Ident]) -> Option<Arc<Relation>> {
        let [name] = parts else { return None };
        self.cx.transient.iter().find(|relation| *relation.name == *name.value).cloned()
    }

    pub(crate) fn bind_relation(
        &mut self,
        relation: &Arc<Relation>,
        alias: Option<&ast::TableAlias>,
        only: bool,
        position: Option<u32>,
    ) -> Result<(Node, Names)> {
        self.relations.insert(relation.oid);
        self.note_read(relation);
        match &relation.kind {
            RelationKind::Table | RelationKind::Virtual | RelationKind::Sequence(_) => {
                self.bind_scan(relation, alias, only)
            }
            RelationKind::MaterializedView(view) => {
                // What is only looked at and not run needs no rows.
                if !view.populated && !self.ignores_policies {
                    return Err(Error::new(
                        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                        format!("materialized view \"{}\" has not been populated", relation.name),
                    )
                    .hint("Use the REFRESH MATERIALIZED VIEW command."));
                }
                self.bind_scan(relation, alias, only)
            }
            RelationKind::View(view) => {
                let view = view.clone();
                self.note_view(relation);
                self.bind_view(relation, &view, alias)
            }
            RelationKind::Index(_) | RelationKind::Composite => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot open relation \"{}\"", relation.name))
                    .detail(if matches!(relation.kind, RelationKind::Composite) {
                        "This operation is not supported for composite types."
                    } else {
                        "This operation is not supported for indexes."
                    })
                    .at(position))
            }
        }
    }

    fn bind_scan(
        &mut self,
        relation: &Arc<Relation>,
        alias: Option<&ast::TableAlias>,
        only: bool,
    ) -> Result<(Node, Names)> {
        let shown: Arc<str> = alias.map_or_else(|| relation.name.clone(), |alias| Arc::from(alias.name.value.as_str()));
        let mut columns = Vec::new();
        let mut named = Vec::new();
        for (attnum, column) in relation.live_columns() {
            let source = Some((relation.oid, attnum));
            let output = Column { source, ..self.new_column(column.name.clone(), column.ty) };
            named.push(NamedColumn::of(&output));
            columns.push((output, attnum));
        }
        let mut system = Vec::new();
        for (name, attnum, ty) in dictdb_catalog::SYSTEM_COLUMNS {
            let output = self.new_column(name, ty);
            system.push(NamedColumn::of(&output));
            columns.push((output, attnum));
        }
        // Whether a row has expired is asked of a column that no name means.
        if let (Some(_), Some((attnum, column))) = (relation.ttl_micros(), relation.written_at()) {
            columns.push((self.new_column(column.name.clone(), column.ty), attnum));
        }
        let stored = relation.is_stored();
        let row_id = stored.then(|| self.new_id());
        let named = match alias {
            Some(alias) => self.alias_columns(alias, named)?,
            None => named,
        };
        for ((column, _), named) in columns.iter_mut().zip(&named) {
            column.name = named.name.clone();
        }
        let schema = match alias {
            Some(_) => None,
            None => self.cx.catalog.schema(relation.namespace).map(|schema| schema.name.clone()),
        };
        let item = FromItem::Rows(row_id.into_iter().collect());
        let table = TableName { schema, system, item, ..TableName::new(&shown, named, row_type(relation)) };
        let members = if only { Vec::new() } else { self.members_seen(relation) };
        let scan =
            Scan { relation: relation.clone(), alias: shown, columns, row_id, members: members.into(), member: 0 };
        Ok((Node::Scan(Box::new(scan)), Names::of_table(table)))
    }

    /// The tables whose rows a read sees: children that are temporary tables of other sessions are not among them.
    fn members_seen(&self, relation: &Arc<Relation>) -> Vec<Arc<Relation>> {
        let mut members = self.cx.catalog.members(relation);
        let path = self.cx.search_path;
        members.retain(|member| member.persistence != Persistence::Temporary || path.contains(&member.namespace));
        match &members[..] {
            [only] if only.oid == relation.oid => Vec::new(),
            _ => members,
        }
    }

    /// A view is its query, bound under its own search path.
    fn bind_view(
        &mut self,
        relation: &Arc<Relation>,
        view: &ViewInfo,
        alias: Option<&ast::TableAlias>,
    ) -> Result<(Node, Names)> {
        let node = self.bind_stored_query(relation, view).map_err(|error| match error.code() {
            // What goes round in a circle PostgreSQL finds after it has put the views in place.
            SqlState::INVALID_OBJECT_DEFINITION => error,
            _ => error.context(format!("view \"{}\"", relation.name)),
        })?;
        let mut outputs = Vec::new();
        let mut named = Vec::new();
        for (column, (attnum, declared)) in node.columns().iter().zip(relation.live_columns()) {
            let source = Some((relation.oid, attnum));
            let output = Column { source, ..self.new_column(declared.name.clone(), column.ty) };
            named.push(NamedColumn::of(&output));
            outputs.push((output, Expr::column(column)));
        }
        let node = match relation.option("security_barrier") {
            Some("true") => Node::fence(node),
            _ => node,
        };
        let node = Node::Project { input: Box::new(node), columns: outputs };
        let named = match alias {
            Some(alias) => self.alias_columns(alias, named)?,
            None => named,
        };
        let shown = alias.map_or(&*relation.name, |alias| alias.name.value.as_str());
        let schema = match alias {
            Some(_) => None,
            None => self.cx.catalog.schema(relation.namespace).map(|schema| schema.name.clone()),
        };
        let item = FromItem::Rows(super::lock::row_ids(&node));
        let table = TableName { schema, item, ..TableName::new(shown, named, row_type(relation)) };
        Ok((node, Names::of_table(table)))
    }

    /// Binds a view's query: a statement of its own, sharing only column ids with this one.
    pub(crate) fn bind_stored_query(&mut self, relation: &Relation, view: &ViewInfo) -> Result<Node> {
        let statements = dictdb_parser::parse(&view.query, &dictdb_parser::Limits::default())?;
        let [statement] = statements.as_slice() else {
            return Err(Error::internal("a stored query is not one statement"));
        };
        let dictdb_parser::Statement::Sql(tree) = &statement.statement else {
            return Err(Error::internal("a stored query is not a query"));
        };
        let ast::Statement::Query(query) = &**tree else {
            return Err(Error::internal("a stored query is not a SELECT"));
        };
        let mut inner = Binder::new(self.cx, &statement.locations, &[], false);
        inner.cx.search_path = &view.search_path;
        inner.cx.transient = &[];
        inner.ignores_policies = self.ignores_policies;
        (inner.invoker, inner.nesting) = (self.invoker, self.nesting);
        inner.cx.role = match relation.option("security_invoker") {
            Some("true") => self.invoker,
            _ => relation.owner,
        };
        self.enter_view(relation, &mut inner)?;
        let node = inner.in_level(|binder| binder.bind_query(query))?;
        (self.next_column, self.next_cte) = (inner.next_column, inner.next_cte);
        // A view has the rows before and after a change besides its own.
        self.ranges += inner.ranges + 2;
        self.accesses.append(&mut inner.accesses);
        self.mentions.append(&mut inner.mentions);
        self.secured = self.secured.take().or(inner.secured.take());
        self.runs_statements.set(self.runs_statements.get() || inner.runs_statements.get());
        self.is_repeatable_as(inner.repeatable.get());
        self.functions.borrow_mut().extend(inner.functions.into_inner());
        Ok(node)
    }

    /// Renames a table's columns by an alias's column list; 42P10 when it has too many.
    pub(crate) fn alias_columns(&self, alias: &ast::TableAlias, columns: Vec<NamedColumn>) -> Result<Vec<NamedColumn>> {
        self.columns_of_alias("table", alias, columns)
    }

    fn columns_of_alias(
        &self,
        noun: &str,
        alias: &ast::TableAlias,
        mut columns: Vec<NamedColumn>,
    ) -> Result<Vec<NamedColumn>> {
        if alias.columns.len() > columns.len() {
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "{noun} \"{}\" has {} columns available but {} columns specified",
                    alias.name.value,
                    columns.len(),
                    alias.columns.len()
                ),
            ));
        }
        for (column, definition) in columns.iter_mut().zip(&alias.columns) {
            column.name = Arc::from(definition.name.value.as_str());
        }
        Ok(columns)
    }

    fn bind_join(
        &mut self,
        kind: JoinKind,
        constraint: &JoinConstraint,
        (mut left, mut left_names): (Node, Names),
        (mut right, mut right_names): (Node, Names),
        lateral: bool,
    ) -> Result<(Node, Names)> {
        self.ranges += 1;
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            left = self.mark_presence(left, &mut left_names);
        }
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            right = self.mark_presence(right, &mut right_names);
        }
        let mut join_alias = None;
        let shared: Vec<(Arc<str>, Option<u32>)> = match constraint {
            JoinConstraint::Using(_) => {
                let (columns, alias) = node::join_using(constraint).unwrap_or_default();
                join_alias = alias;
                columns.iter().map(|ident| (Arc::from(ident.value.as_str()), self.position(ident.span))).collect()
            }
            JoinConstraint::Natural => common_columns(&left_names, &right_names),
            JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
        };
        let (mut tests, mut sides) = (Vec::new(), Vec::new());
        let mut merged: Vec<NamedColumn> = Vec::new();
        for (name, position) in &shared {
            if merged.iter().any(|column| column.name == *name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column name \"{name}\" appears more than once in USING clause"),
                ));
            }
            let a = self.single_column(&left_names, name, "left")?;
            let b = self.single_column(&right_names, name, "right")?;
            sides.push((a.expr.clone(), b.expr.clone()));
            tests.push(self.bind_binary("=", a.expr.clone(), b.expr.clone(), *position)?);
            merged.push(self.merge_column(kind, a, b)?);
        }
        let mut names = Names { tables: left_names.tables, columns: merged };
        names.tables.extend(right_names.tables);
        if let Some(alias) = join_alias {
            let columns = names.columns.clone();
            let table = TableName::new(&alias.value, columns, oids::RECORD);
            names.check_aliases(&Names { tables: vec![table.clone()], columns: Vec::new() })?;
            names.tables.push(TableName { item: FromItem::Join, ..table });
        }
        let is_shared = |column: &NamedColumn| {
            let mut merged = shared.iter().zip(&sides);
            merged.any(|((name, _), (a, b))| *name == column.name && (a.same(&column.expr) || b.same(&column.expr)))
        };
        names.columns.extend(left_names.columns.into_iter().filter(|c| !is_shared(c)));
        names.columns.extend(right_names.columns.into_iter().filter(|c| !is_shared(c)));
        if let JoinConstraint::On(condition) = constraint {
            let saved = std::mem::replace(&mut self.level().names, names.clone());
            let bound = self.bind_predicate_named(condition);
            self.level().names = saved;
            tests.push(bound?);
        }
        let lateral = lateral && {
            let provided: Vec<_> = left.columns().iter().map(|column| column.id).collect();
            crate::columns::free_columns(&right).iter().any(|id| provided.contains(id))
        };
        let on = Expr::conjunction(tests);
        self.record_join(kind, constraint, on.as_ref(), (&names.columns[..shared.len()], sides));
        Ok((Node::Join { kind, left: Box::new(left), right: Box::new(right), on, lateral }, names))
    }

    /// Lets the tables of a side that an outer join may leave without a row tell whether they have one: by the row id of
    /// a table, or by a column of their own.
    fn mark_presence(&mut self, node: Node, names: &mut Names) -> Node {
        if let (Node::Scan(scan), [table]) = (&node, names.tables.as_mut_slice())
            && let Some(row_id) = scan.row_id
        {
            table.presence = Some(Expr::Column(row_id, crate::physical::ROW_ID));
            return node;
        }
        let unmarked = |table: &&mut TableName| table.presence.is_none() && !matches!(table.item, FromItem::Join);
        let marker = self.new_column("present", Type::new(oids::BOOL));
        let mut marked = false;
        for table in names.tables.iter_mut().filter(unmarked) {
            table.presence = Some(Expr::column(&marker));
            marked = true;
        }
        if !marked {
            return node;
        }
        let mut columns: Vec<(Column, Expr)> =
            node.columns().into_iter().map(|column| (column.clone(), Expr::column(&column))).collect();
        columns.push((marker, Expr::boolean(true)));
        Node::Project { input: Box::new(node), columns }
    }

    fn bind_predicate_named(&mut self, condition: &ast::Expr) -> Result<Expr> {
        let position = self.leftmost(condition);
        let bound = self.in_clause(Clause::JoinOn, |binder| binder.bind_expr(condition))?;
        self.coerce_to_boolean(bound, "JOIN/ON", position)
    }

    /// The one column that USING leaves of two: the side that is never null-extended, or the first that is not null.
    fn merge_column(&mut self, kind: JoinKind, left: &NamedColumn, right: &NamedColumn) -> Result<NamedColumn> {
        let (unified, ty) = self.unify(vec![left.expr.clone(), right.expr.clone()], "JOIN/USING")?;
        let mut sides = unified.into_iter();
        let (Some(a), Some(b)) = (sides.next(), sides.next()) else {
            return Err(Error::internal("JOIN/USING of other than two columns"));
        };
        let (expr, source) = match kind {
            JoinKind::Right => (b, right.source),
            JoinKind::Full => (Expr::Coalesce(vec![a, b], ty), None),
            // Either would do: one that is a column as it is stands for both.
            JoinKind::Inner if !matches!(a, Expr::Column(..)) && matches!(b, Expr::Column(..)) => (b, right.source),
            _ => (a, left.source),
        };
        Ok(NamedColumn { name: left.name.clone(), expr, source })
    }

    /// The column of a side that USING means. 42702, 42703.
    fn single_column<'n>(&self, names: &'n Names, name: &str, side: &str) -> Result<&'n NamedColumn> {
        let found = self.known_of(names.columns.iter().filter(|column| &*column.name == name).collect());
        match found.as_slice() {
            [column] => Ok(column),
            [] => Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" specified in USING clause does not exist in {side} table"),
            )),
            _ => Err(Error::new(
                SqlState::AMBIGUOUS_COLUMN,
                format!("common column name \"{name}\" appears more than once in {side} table"),
            )),
        }
    }
}

impl NamedColumn {
    /// A plain column.
    pub fn of(column: &Column) -> Self {
        NamedColumn { name: column.name.clone(), expr: Expr::column(column), source: column.source }
    }
}

impl TableName {
    pub(crate) fn new(alias: &str, columns: Vec<NamedColumn>, row_type: dictdb_types::Oid) -> Self {
        TableName {
            alias: Arc::from(alias),
            schema: None,
            columns,
            system: Vec::new(),
            row_type,
            referable: Referable::Yes,
            scalar_function: false,
            item: FromItem::Rows(Vec::new()),
            presence: None,
            noted: None,
        }
    }
}

fn row_type(relation: &Relation) -> dictdb_types::Oid {
    if relation.row_type.is_valid() { relation.row_type } else { oids::RECORD }
}

fn join_kind(operator: &JoinOperator) -> Result<(JoinKind, &JoinConstraint)> {
    Ok(match operator {
        JoinOperator::Join(c) | JoinOperator::Inner(c) | JoinOperator::CrossJoin(c) => (JoinKind::Inner, c),
        JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, c),
        JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, c),
        JoinOperator::FullOuter(c) => (JoinKind::Full, c),
        other => return Err(Error::unsupported(format_args!("the join {other:?}"))),
    })
}

fn common_columns(left: &Names, right: &Names) -> Vec<(Arc<str>, Option<u32>)> {
    left.columns
        .iter()
        .filter(|a| right.columns.iter().any(|b| a.name == b.name))
        .map(|column| (column.name.clone(), None))
        .collect()
}
