//! Affix files: Ispell's own form, and the one of MySpell and Hunspell.
//!
//! ```text
//!   Ispell                            Hunspell
//!   suffixes                          SFX A Y 1                flag A, goes together with prefixes, one rule
//!   flag *A:                          SFX A y ies [^aeiou]y    take y, put ies, after what the mask says
//!     [^AEIOU]Y > -Y,IES
//! ```

use dictdb_types::{Env, Result};

use super::super::{broken_file, files};
use super::affixes::{Affix, Affixes, Side};
use super::flags::{self, Mode, Role};

/// The affixes of a file. F0000, 2201B.
pub(super) fn read(name: &str, env: &dyn Env) -> Result<Affixes> {
    let text = files::text(env, "affix", name, "affix")?;
    let file = format!("{name}.affix");
    let mut own = match old_form(&file, &text)? {
        Some(affixes) => affixes,
        None => new_form(&file, &text)?,
    };
    own.arrange();
    Ok(own)
}

/// Begins of lines that Hunspell's form has and Ispell's has not.
const NEW_COMMANDS: [&str; 4] = ["COMPOUNDFLAG", "COMPOUNDMIN", "PFX", "SFX"];

/// Commands that say what a flag means to compound words; the longer of two that begin alike is first.
const MEANINGS: [(&str, Role); 8] = [
    ("COMPOUNDFLAG", Role::ANYWHERE),
    ("COMPOUNDBEGIN", Role::BEGIN),
    ("COMPOUNDLAST", Role::LAST),
    ("COMPOUNDEND", Role::LAST),
    ("COMPOUNDMIDDLE", Role::MIDDLE),
    ("ONLYINCOMPOUND", Role::ONLY),
    ("COMPOUNDPERMITFLAG", Role::PERMITTED),
    ("COMPOUNDFORBIDFLAG", Role::FORBIDDEN),
];

/// Ispell's form; none when the file is in the other one.
fn old_form(file: &str, text: &str) -> Result<Option<Affixes>> {
    let mut own = Affixes::default();
    let (mut side, mut flag, mut role) = (None, String::new(), Role::default());
    let (mut is_old, mut is_new) = (false, false);
    files::for_each_line(file, text, |line| {
        let lower = line.to_lowercase();
        if is_new || lower.is_empty() || lower.starts_with('#') {
            return Ok(());
        }
        if lower.starts_with("compoundwords")
            && let Some(at) = line.find(['l', 'L'])
        {
            let word = line[at..].split_whitespace().nth(1).unwrap_or_default();
            if word.chars().next().is_some_and(|c| c.is_ascii()) {
                own.meanings.push((flags::single(own.mode, word)?, Role::ANYWHERE));
                own.compounds = true;
            }
            is_old = true;
        } else if lower.starts_with("suffixes") {
            (side, is_old) = (Some(Side::Suffix), true);
        } else if lower.starts_with("prefixes") {
            (side, is_old) = (Some(Side::Prefix), true);
        } else if lower.starts_with("flag") {
            match old_flag(&line[4..]) {
                Some(found) => ((flag, role), is_old) = (found, true),
                None => is_new = true,
            }
        } else if NEW_COMMANDS.iter().any(|command| line.starts_with(command)) {
            is_new = true;
        } else if let Some(side) = side
            && let Some(rule) = old_rule(&lower)?
        {
            own.all.push(Affix::new(&flag, role, side, &rule.mask, &rule.find, &rule.text)?);
        }
        if is_new && is_old {
            return Err(broken_file("affix file contains both old-style and new-style commands"));
        }
        Ok(())
    })?;
    Ok((!is_new).then_some(own))
}

/// The flag of a `flag` line: one ASCII character, before a colon, a space or nothing.
fn old_flag(rest: &str) -> Option<(String, Role)> {
    let rest = rest.trim_start();
    let (rest, role) = match rest.as_bytes().first() {
        Some(b'*') => (&rest[1..], Role::CROSS),
        Some(b'~') => (&rest[1..], Role::ONLY),
        _ => (rest, Role::default()),
    };
    let rest = rest.strip_prefix('\\').unwrap_or(rest);
    let mut chars = rest.chars();
    let flag = chars.next().filter(char::is_ascii)?;
    let ends = chars.next().is_none_or(|c| matches!(c, '#' | ':') || c.is_whitespace());
    ends.then(|| (flag.to_string(), role))
}

#[derive(Default)]
struct Rule {
    mask: String,
    find: String,
    text: String,
}

/// A line `mask > -find,text`; none for one that is no rule. F0000.
fn old_rule(line: &str) -> Result<Option<Rule>> {
    if line.trim_start().starts_with('#') {
        return Ok(None);
    }
    let Some((mask, change)) = line.split_once('>') else { return Ok(None) };
    let mut rule = Rule { mask: mask.split_whitespace().collect(), ..Rule::default() };
    let change = change.trim_start();
    let (find, text) = match change.strip_prefix('-') {
        Some(change) => change.split_once(',').unwrap_or((change, "")),
        None => ("", change),
    };
    rule.find = letters_of(find, "")?;
    // A dash says that nothing is put.
    if !text.trim_start().starts_with('-') {
        let text = text.split('#').next().unwrap_or_default();
        rule.text = letters_of(text, if find.is_empty() { "'" } else { "" })?;
    }
    let changes = !rule.find.is_empty() || !rule.text.is_empty();
    Ok((!rule.mask.is_empty() && changes).then_some(rule))
}

/// A text without spaces, of letters, or one of `first` in front. F0000.
fn letters_of(text: &str, first: &str) -> Result<String> {
    let word: String = text.split_whitespace().collect();
    let is_letter = |(at, c): (usize, char)| c.is_alphabetic() || (at == 0 && first.contains(c));
    match word.char_indices().all(is_letter) {
        true => Ok(word),
        false => Err(broken_file("syntax error")),
    }
}

/// The form of MySpell and Hunspell: once for the flags, once for the rules.
fn new_form(file: &str, text: &str) -> Result<Affixes> {
    let mut own = Affixes::default();
    let is_command = |line: &str| !line.is_empty() && !line.starts_with(|c: char| c == '#' || c.is_whitespace());
    files::for_each_line(file, text, |line| if is_command(line) { setting(&mut own, line) } else { Ok(()) })?;
    let (mut side, mut cross) = (Side::Prefix, Role::default());
    let mut alias_count = 0;
    files::for_each_line(file, text, |line| {
        let fields: Vec<&str> = line.split_whitespace().take_while(|field| !field.starts_with('#')).collect();
        let Some(kind) = fields.first().filter(|_| is_command(line)).map(|kind| kind.to_lowercase()) else {
            return Ok(());
        };
        let flag = fields.get(1).copied().unwrap_or_default();
        if kind.starts_with("af") {
            return alias(&mut own, flag, &mut alias_count);
        }
        let is_suffix = kind.starts_with("sfx");
        let fits = match own.mode {
            Mode::Char => flag.len() == 1,
            Mode::Long => (1..=2).contains(&flag.len()),
            Mode::Number => !flag.is_empty(),
        };
        if !fits || !(is_suffix || kind.starts_with("pfx")) {
            return Ok(());
        }
        match fields[..] {
            [_, _, crosses, _] => {
                side = if is_suffix { Side::Suffix } else { Side::Prefix };
                cross = if crosses.starts_with(['y', 'Y']) { Role::CROSS } else { Role::default() };
            }
            [_, _, find, put, mask, ..] => {
                let (text, given) = put.split_once('/').unwrap_or((put, ""));
                let role = cross.and(own.roles(own.affix_flags(given)?)?);
                let unless_zero = |text: &str| if text.starts_with('0') { String::new() } else { text.to_lowercase() };
                let (find, text) = (unless_zero(find), unless_zero(text));
                own.all.push(Affix::new(flag, role, side, &mask.to_lowercase(), &find, &text)?);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(own)
}

/// A line that says how flags are written, or what one means to compound words.
fn setting(own: &mut Affixes, line: &str) -> Result<()> {
    if let Some((command, role)) = MEANINGS.iter().find(|(command, _)| line.starts_with(command)) {
        let Some(flag) = line[command.len()..].split_whitespace().next() else {
            return Err(broken_file("syntax error"));
        };
        own.meanings.push((flags::single(own.mode, flag)?, *role));
        own.compounds = true;
    } else if let Some(value) = line.strip_prefix("FLAG") {
        own.mode = match value.trim_start() {
            value if value.starts_with("long") => Mode::Long,
            value if value.starts_with("num") => Mode::Number,
            value if value.is_empty() || value.starts_with("default") => own.mode,
            _ => {
                let message = "Ispell dictionary supports only \"default\", \"long\", and \"num\" flag values";
                return Err(broken_file(message));
            }
        };
    }
    Ok(())
}

/// A line of aliases: how many there are, then each.
fn alias(own: &mut Affixes, value: &str, count: &mut usize) -> Result<()> {
    match &mut own.aliases {
        None => {
            *count = value.parse().unwrap_or(0);
            if *count == 0 {
                return Err(broken_file("invalid number of flag vector aliases"));
            }
            own.aliases = Some(Vec::new());
        }
        Some(aliases) if aliases.len() < *count => aliases.push(value.to_owned()),
        Some(_) => return Err(broken_file(format!("number of aliases exceeds specified number {count}"))),
    }
    Ok(())
}
