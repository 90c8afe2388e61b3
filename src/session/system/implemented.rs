//! Writes and checks `src/functions/IMPLEMENTED.md`: which entries of PostgreSQL's `pg_proc` have an implementation.
//!
//! `DICTDB_REWRITE=1 cargo test -p dictdb-session implemented` writes the page; without the switch the test compares.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::Path;

use dictdb_functions::aggregate::aggregate;
use dictdb_functions::facts::{self, CastMethod, Proc, ProcKind};
use dictdb_functions::kernel::key;
use dictdb_functions::resolve::{BuiltinScope, format_type};
use dictdb_functions::window::window;
use dictdb_types::{Oid, builtin_types, oids};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/IMPLEMENTED.md");

const HEAD: &str = "\
# Built-in functions with and without an implementation

PostgreSQL 15's `pg_proc`, counted by `src/session/system/implemented.rs`. A call of an open entry answers `0A000`.
`DICTDB_REWRITE=1 cargo test -p dictdb-session implemented` writes this page, and the same test compares it.
\"Internal\" are entries that no SQL statement can call, because they take or return `internal` or a handler: index support,
planner support, encoding conversions. DictDB has its own machinery in their place.

";

/// What PostgreSQL's catalogs use functions for.
struct Uses {
    operators: HashSet<Oid>,
    casts: HashSet<Oid>,
    type_io: HashSet<&'static str>,
}

impl Uses {
    fn new() -> Self {
        let casts = facts::casts().iter().filter_map(|cast| match cast.method {
            CastMethod::Function(function) => Some(function),
            _ => None,
        });
        let mut type_io = HashSet::new();
        for info in builtin_types::all() {
            let Some(own) = builtin_types::facts(info.oid) else { continue };
            type_io.extend([own.output, own.receive, own.send, own.modin, own.modout]);
        }
        let inputs = facts::procs().iter().filter(|proc| proc.args.first() == Some(&oids::CSTRING));
        type_io.extend(inputs.map(|proc| proc.name));
        Uses { operators: facts::operators().iter().map(|o| o.code).collect(), casts: casts.collect(), type_io }
    }

    fn family(&self, proc: &Proc) -> &'static str {
        if proc.args.iter().chain([&proc.result]).any(|ty| is_internal(*ty)) {
            return "Internal";
        }
        match proc.kind {
            ProcKind::Aggregate => return "Aggregates",
            ProcKind::Window => return "Window functions",
            ProcKind::Function | ProcKind::Procedure => {}
        }
        let has = |ty: Oid| proc.result == ty || proc.args.contains(&ty);
        if has(oids::XML) || proc.name.contains("xml") {
            "XML"
        } else if has(oids::TRIGGER) || has(oids::EVENT_TRIGGER) {
            "Trigger functions"
        } else if self.type_io.contains(proc.name) {
            "Type input and output"
        } else if self.operators.contains(&proc.oid) {
            "Operators"
        } else if self.casts.contains(&proc.oid) {
            "Casts"
        } else if ["pg_", "ts_", "binary_upgrade"].iter().any(|start| proc.name.starts_with(start)) {
            "System information and administration"
        } else if proc.returns_set {
            "Set-returning functions"
        } else {
            "Other functions"
        }
    }
}

/// `internal` and the pseudo-types of handlers and of planner nodes.
fn is_internal(ty: Oid) -> bool {
    let handler = |name: &str| name.ends_with("_handler") || name.starts_with("pg_ddl") || name == "gtsvector";
    ty == oids::INTERNAL || builtin_types::by_oid(ty).is_some_and(|info| handler(&info.name))
}

fn is_implemented(proc: &Proc) -> bool {
    match proc.kind {
        ProcKind::Aggregate => aggregate(proc.name, &proc.args).is_some(),
        ProcKind::Window => window(proc.source).is_some(),
        ProcKind::Function | ProcKind::Procedure => {
            let registry = super::registry();
            let key = key(proc);
            registry.scalar(&key).is_some() || registry.set(&key).is_some()
        }
    }
}

fn signature(proc: &Proc) -> String {
    let args: Vec<String> = proc.args.iter().map(|ty| format_type(&BuiltinScope, *ty)).collect();
    format!("{}({})", proc.name, args.join(", "))
}

fn page() -> String {
    let uses = Uses::new();
    let mut families: BTreeMap<&str, (usize, Vec<String>)> = BTreeMap::new();
    for proc in facts::procs().iter().filter(|proc| proc.namespace != dictdb_catalog::namespaces::DICTDB) {
        let family = uses.family(proc);
        let (done, open) = families.entry(family).or_default();
        if is_implemented(proc) {
            *done += 1;
        } else {
            open.push(signature(proc));
        }
    }
    let mut page = HEAD.to_owned() + "| Family | Done | Open |\n|---|--:|--:|\n";
    for (family, (done, open)) in &families {
        let _ = writeln!(page, "| {family} | {done} | {} |", open.len());
    }
    for (family, (_, mut open)) in families {
        if family == "Internal" || open.is_empty() {
            continue;
        }
        open.sort();
        let _ = write!(page, "\n## Open: {family}\n\n");
        open.iter().for_each(|signature| page += &format!("- `{signature}`\n"));
    }
    page
}

#[test]
fn implemented_page_is_true() {
    let page = page();
    if std::env::var_os("DICTDB_REWRITE").is_some() {
        std::fs::write(PAGE, &page).expect("a writable page");
    }
    let written = std::fs::read_to_string(Path::new(PAGE)).unwrap_or_default();
    assert!(written == page, "IMPLEMENTED.md is out of date; DICTDB_REWRITE=1 writes it anew");
}
