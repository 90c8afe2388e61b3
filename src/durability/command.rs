//! Commands of the operator's: `archive_command` and `restore_command`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How often it is looked whether the command has ended.
const CHILD_LOOK: Duration = Duration::from_millis(20);

/// The command with `%p` (the file, from the data directory), `%f` (its name), `%r` (the oldest that is needed) and `%%`.
pub(crate) fn expand(command: &str, path: &str, name: &str, restart: &str) -> String {
    let mut expanded = String::with_capacity(command.len() + path.len());
    let mut rest = command.chars();
    while let Some(c) = rest.next() {
        let placeholder = if c == '%' { rest.clone().next() } else { None };
        match placeholder {
            Some('p') => expanded.push_str(path),
            Some('f') => expanded.push_str(name),
            Some('r') => expanded.push_str(restart),
            Some('%') => expanded.push('%'),
            _ => {
                expanded.push(c);
                continue;
            }
        }
        rest.next();
    }
    expanded
}

/// Runs a command in a folder to its end, or until the server stops. Returns its exit code; a signal is 128 and its number.
pub(crate) fn run(command: &str, folder: &Path, is_closing: impl Fn() -> bool) -> std::io::Result<i32> {
    use std::os::unix::process::ExitStatusExt;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child: Child = shell.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
        }
        if is_closing() {
            child.kill()?;
        }
        std::thread::sleep(CHILD_LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(
            expand("cp %p /a/%f # %r 100%% %x %", "log/7.log", "7.log", "3.log"),
            "cp log/7.log /a/7.log # 3.log 100% %x %"
        );
    }

    #[test]
    fn a_command_ends_with_its_code_or_with_the_server() {
        let folder = std::env::temp_dir();
        assert_eq!(run("exit 3", &folder, || false).unwrap(), 3);
        assert_eq!(run("true", &folder, || false).unwrap(), 0);
        assert_eq!(run("kill -15 $$", &folder, || false).unwrap(), 143);
        assert_eq!(run("exec sleep 60", &folder, || true).unwrap(), 137);
    }
}
