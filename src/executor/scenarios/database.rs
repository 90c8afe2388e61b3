//! A database without a server: storage, a catalog filled by calls, and a way to run SQL text.

use std::sync::Arc;

use dictdb_catalog::{
    Catalog, CatalogStore, Change, Column, Constraint, ConstraintKind, IndexInfo, IndexKey, IndexMethod, IndexTarget,
    Object, Persistence, Relation, RelationKind, namespaces,
};
use dictdb_functions::Registry;
use dictdb_parser::{Limits, Statement, parse};
use dictdb_planner::estimate::NoStatistics;
use dictdb_planner::{BindContext, plan};
use dictdb_storage::{IndexBuilt, IndexDef, IndexKind, Isolation, Session, Storage, Transaction, WaitOptions};
use dictdb_types::env::BareEnv;
use dictdb_types::{Datum, Oid, Result, Type, TypeLookup, oids};

use crate::{Engine, ExecContext, PrepareContext, Row, VirtualTables, execute, key_extractor, prepare};

/// Storage, catalog and engine.
pub(super) struct Database {
    pub storage: Storage,
    pub catalog: CatalogStore,
    engine: Arc<Engine>,
}

struct NoVirtualTables;

impl VirtualTables for NoVirtualTables {
    fn rows(&self, _: Oid, _: &[(i16, Datum)], _: &[i16]) -> Result<Vec<Row>> {
        Ok(Vec::new())
    }
}

/// A column of a table to be made: name, type, NOT NULL.
pub(super) type ColumnSpec<'a> = (&'a str, Oid, bool);

impl Database {
    pub fn new() -> Self {
        let catalog = CatalogStore::new(Catalog::bootstrap());
        Database { storage: Storage::new(), catalog, engine: Engine::new(256 << 20, Registry::builtin()).unwrap() }
    }

    /// Creates a table; columns named in `key` are its primary key.
    pub fn table(&self, name: &str, columns: &[ColumnSpec<'_>], key: &[&str]) -> Arc<Relation> {
        let oid = self.catalog.allocate_oid();
        let columns: Arc<[Column]> = columns.iter().enumerate().map(|(slot, spec)| column(slot, spec, key)).collect();
        let catalog = self.catalog.current();
        let physical: Vec<_> = columns.iter().map(|column| catalog.physical(column.ty.oid)).collect();
        self.storage.create_table(oid, &physical);
        let table = Relation { columns, ..relation(oid, name, RelationKind::Table) };
        self.put(table);
        if !key.is_empty() {
            self.index(name, &format!("{name}_pkey"), key, true);
        }
        self.relation(name)
    }

    /// Creates a btree index; a unique one becomes a primary key when its name ends so.
    pub fn index(&self, table: &str, name: &str, key: &[&str], unique: bool) {
        let mut table = (*self.relation(table)).clone();
        let oid = self.catalog.allocate_oid();
        let primary = name.ends_with("_pkey");
        let attnums: Vec<i16> = key.iter().map(|name| table.column_named(name).unwrap().0).collect();
        let keys = attnums.iter().map(|attnum| IndexKey {
            target: IndexTarget::Column(*attnum),
            ty: table.column(*attnum).unwrap().ty,
            opclass: Oid(0),
            descending: false,
            nulls_first: false,
        });
        let info = IndexInfo {
            table: table.oid,
            method: IndexMethod::Btree,
            unique,
            primary,
            nulls_not_distinct: false,
            keys: keys.collect(),
            include: vec![],
            predicate: None,
            deferrable: false,
        };
        let catalog = self.catalog.current();
        let key = key_extractor(&Arc::new(table.clone()), &info, &catalog, &Registry::builtin()).unwrap();
        let kind = IndexKind::Ordered;
        let def = IndexDef { id: oid, kind, unique, nulls_not_distinct: false, row_identity: unique, key };
        let transaction = self.storage.begin();
        let built = self.storage.table(table.storage).unwrap().create_index(&transaction, def).unwrap();
        assert!(matches!(built, IndexBuilt::Done(_)));
        self.put(relation(oid, name, RelationKind::Index(Arc::new(info))));
        table.indexes.push(oid);
        if unique {
            let kind = match primary {
                true => ConstraintKind::Primary { columns: attnums, index: oid },
                false => ConstraintKind::Unique { columns: attnums, index: oid },
            };
            let constraint = self.constraint(&table, name, kind);
            table.constraints.push(constraint);
        }
        self.put(table);
    }

    pub fn constraint(&self, table: &Relation, name: &str, kind: ConstraintKind) -> Arc<Constraint> {
        Arc::new(Constraint {
            oid: self.catalog.allocate_oid(),
            name: name.into(),
            relation: table.oid,
            kind,
            deferrable: false,
            initially_deferred: false,
            validated: true,
            no_inherit: false,
        })
    }

    pub fn put(&self, relation: Relation) {
        self.catalog.commit(&[Change::Put(Object::Relation(Arc::new(relation)))]).unwrap();
    }

    pub fn relation(&self, name: &str) -> Arc<Relation> {
        self.catalog.current().relation_in(namespaces::PUBLIC, name).unwrap().clone()
    }

    pub fn connect(&self) -> Client<'_> {
        let session = self.storage.connect(self.catalog.allocate_oid().0);
        Client { database: self, session, open: None }
    }

    /// Rows of a statement in a transaction of its own, one text per row.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.connect().run(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error:?}")).rows
    }

    pub fn error(&self, sql: &str) -> dictdb_types::Error {
        match self.connect().run(sql, &[]) {
            Ok(answer) => panic!("{sql}: no error but {:?}", answer.rows),
            Err(error) => error,
        }
    }
}

fn column(slot: usize, (name, oid, not_null): &ColumnSpec<'_>, key: &[&str]) -> Column {
    Column {
        name: (*name).into(),
        ty: Type::new(*oid),
        not_null: *not_null || key.contains(name),
        default: None,
        identity: None,
        generated: false,
        dropped: false,
        collation: Oid(0),
        slot,
        missing: Datum::Null,
        acl: None,
    }
}

fn relation(oid: Oid, name: &str, kind: RelationKind) -> Relation {
    Relation {
        oid,
        name: name.into(),
        namespace: namespaces::PUBLIC,
        owner: dictdb_catalog::BOOTSTRAP_ROLE,
        kind,
        persistence: Persistence::Permanent,
        columns: Arc::new([]),
        row_type: Oid(0),
        storage: oid,
        acl: None,
        options: vec![],
        constraints: vec![],
        indexes: vec![],
        referenced_by: vec![],
    }
}

/// A session.
pub(super) struct Client<'a> {
    database: &'a Database,
    session: Session,
    open: Option<Arc<Transaction>>,
}

/// What a statement answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub rows: Vec<String>,
    pub affected: u64,
}

impl Client<'_> {
    pub fn begin(&mut self, isolation: Isolation) {
        self.open = Some(Arc::new(self.session.begin(isolation)));
    }

    pub fn commit(&mut self) {
        self.open.take().unwrap().commit().unwrap();
    }

    pub fn rollback(&mut self) {
        self.open = None;
    }

    /// Runs one statement, in the open transaction or one of its own.
    pub fn run(&mut self, sql: &str, params: &[Datum]) -> Result<Answer> {
        let catalog = self.database.catalog.current();
        let env = BareEnv::default();
        let parsed = parse(sql, &Limits::default())?.remove(0);
        let Statement::Sql(statement) = &parsed.statement else { panic!("{sql}") };
        let registry = Registry::builtin();
        let path = [namespaces::PG_CATALOG, namespaces::PUBLIC];
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog: &catalog, registry: &registry, env: &env, search_path: &path, role };
        let planned = plan(statement, &parsed.locations, &[], bind, &NoStatistics)?;
        let Database { storage, engine, .. } = self.database;
        let prepared =
            Arc::new(prepare(planned.plan, &PrepareContext { catalog: &catalog, storage, engine, database: Oid(5) })?);
        let transaction = self.open.clone().unwrap_or_else(|| Arc::new(self.session.begin(Isolation::ReadCommitted)));
        prepared.lock_relations(&transaction, &WaitOptions::default())?;
        let cx = ExecContext {
            storage: storage.clone(),
            snapshot: Arc::new(transaction.snapshot()?),
            transaction: transaction.clone(),
            wait: WaitOptions::default(),
            params: params.into(),
            env: Arc::new(env),
            catalog,
            virtual_tables: Arc::new(NoVirtualTables),
            constraints: Arc::default(),
        };
        let mut execution = execute(&prepared, cx)?;
        let mut rows = Vec::new();
        let mut row = Row::new();
        while execution.next_row(&mut row)? {
            rows.push(row.iter().map(show).collect::<Vec<_>>().join("|"));
        }
        let affected = execution.affected();
        drop(execution);
        if self.open.is_none() {
            Arc::into_inner(transaction).unwrap().commit()?;
        }
        Ok(Answer { rows, affected })
    }
}

/// A value as tests write it.
fn show(value: &Datum) -> String {
    match value {
        Datum::Null => String::new(),
        Datum::Bool(v) => if *v { "t" } else { "f" }.into(),
        Datum::Int2(v) => v.to_string(),
        Datum::Int4(v) => v.to_string(),
        Datum::Int8(v) => v.to_string(),
        Datum::Float8(v) => v.to_string(),
        Datum::Numeric(v) => v.to_string(),
        Datum::Text(v) => v.to_string(),
        Datum::Oid(v) => v.to_string(),
        Datum::Array(v) => format!("{{{}}}", v.items.iter().map(show).collect::<Vec<_>>().join(",")),
        Datum::Record(v) => format!("({})", v.fields.iter().map(show).collect::<Vec<_>>().join(",")),
        other => format!("{other:?}"),
    }
}

/// Types used all over.
pub(super) const INT: Oid = oids::INT4;
pub(super) const TEXT: Oid = oids::TEXT;
