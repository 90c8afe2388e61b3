//! Rules of the tree that matter are tests: layers, dependencies, file heads, file sizes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dictdb_tests::server::workspace;

/// Layer of each crate; edges only look down. The same table is in `src/README.md`.
const LAYERS: &[(&str, u8)] = &[
    ("xml", 0),
    ("types", 1),
    ("parser", 2),
    ("functions", 2),
    ("wal", 2),
    ("storage", 3),
    ("catalog", 3),
    ("durability", 4),
    ("planner", 4),
    ("executor", 5),
    ("backup", 5),
    ("plpgsql", 5),
    ("session", 6),
    ("http", 7),
    ("server", 8),
];

/// Lines a source file may have.
const MAX_LINES: usize = 900;

#[test]
fn layers_only_look_down() {
    let layers: BTreeMap<&str, u8> = LAYERS.iter().copied().collect();
    let readme = std::fs::read_to_string(workspace().join("src/README.md")).expect("src/README.md is there");
    for (name, layer) in LAYERS {
        let row = format!("| {layer} | `{name}` |");
        assert!(readme.contains(&row), "src/README.md lacks the row {row}");
        let manifest = std::fs::read_to_string(workspace().join(format!("src/{name}/Cargo.toml"))).expect("a manifest");
        let normal = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for line in normal.lines().filter_map(|line| line.strip_prefix("dictdb-")) {
            let below = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let other = layers.get(below).unwrap_or_else(|| panic!("{below} is not in the table of layers"));
            assert!(other < layer, "{name} (layer {layer}) depends on {below} (layer {other})");
        }
    }
}

#[test]
fn every_dependency_is_used() {
    for (name, _) in LAYERS {
        let folder = workspace().join(format!("src/{name}"));
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let mut files = Vec::new();
        collect(&folder, &mut files);
        let texts: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect();
        for dependency in manifest.lines().filter_map(|line| line.strip_suffix(".workspace = true")) {
            // Settings of the package are taken from the workspace likewise.
            let is_setting = ["version", "edition", "rust-version", "license", "publish"].contains(&dependency);
            let library = if dependency == "md-5" { "md5".to_owned() } else { dependency.replace('-', "_") };
            let named =
                |text: &String| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == library);
            assert!(is_setting || texts.iter().any(named), "{name} does not use {dependency}");
        }
    }
}

#[test]
fn every_file_says_what_lives_in_it() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("sources are readable");
        assert!(text.starts_with("//!"), "{} does not open with //!", path.display());
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines; is it still one concept?", path.display());
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&workspace().join("src"), &mut found);
    collect(&workspace().join("tests"), &mut found);
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folders are readable").filter_map(Result::ok) {
        let path = entry.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden && !path.ends_with("node_modules") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}
