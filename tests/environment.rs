//! Environments of other languages that tests need (Python packages, Node modules): made once in the target folder, and
//! by one test at a time, however many threads and processes ask.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::binary;

/// A folder of this name in the target folder, made again when what it is made from has changed. Holds a lock on the file
/// `NAME.lock` beside it while it looks and makes.
///
/// # Panics
/// When the target folder cannot be written, or `make` panics; the next call then begins anew.
pub fn environment(name: &str, made_from: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let target = binary().parent().and_then(Path::parent).expect("a target folder");
    let lock = File::create(target.join(name).with_extension("lock")).expect("the target folder can be written");
    lock.lock().expect("files can be locked");
    let folder = target.join(name);
    let stamp = folder.join("made-from.txt");
    if !std::fs::read_to_string(&stamp).is_ok_and(|text| text == made_from) {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        make(&folder);
        std::fs::write(&stamp, made_from).expect("the stamp can be written");
    }
    folder
}

/// The folder with the programs of a Python environment of this name that has these packages (lines of a requirements
/// file), installed by pip with these options besides.
///
/// # Panics
/// When there is no Python 3 with `venv`, or no package index that has what is asked for.
pub fn python(name: &str, requirements: &str, options: &[&str]) -> PathBuf {
    let folder = environment(name, requirements, |folder| {
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder), "python3 -m venv");
        let list = folder.join("requirements.txt");
        std::fs::write(&list, requirements).expect("the target folder can be written");
        let pip = ["-m", "pip", "install", "--quiet"];
        succeed(Command::new(folder.join("bin/python")).args(pip).args(options).arg("-r").arg(list), "pip install");
    });
    folder.join("bin")
}

/// Runs a command that makes part of an environment.
///
/// # Panics
/// When it cannot be run or fails.
pub fn succeed(command: &mut Command, what: &str) {
    let status = command.stdin(Stdio::null()).status().unwrap_or_else(|e| panic!("{what} cannot be run: {e}"));
    assert!(
        status.success(),
        "{what} failed: the client tests need Python 3 with venv, Node with npm, and their indexes"
    );
}
