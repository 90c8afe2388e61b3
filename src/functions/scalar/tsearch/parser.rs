//! The default text search parser: what kinds of token a text consists of.
//!
//! At each place the first reading that is possible wins, in the order: tag, entity, signed number, file path, and for letters and
//! digits protocol, number with an exponent, host with what belongs to it (email, URL), number, file, words joined by hyphens, word.
//! What is between is blank.

/// Kinds of token with the numbers, names and descriptions that `ts_token_type` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Kind {
    AsciiWord = 1,
    Word,
    NumWord,
    Email,
    Url,
    Host,
    SFloat,
    Version,
    HwordNumPart,
    HwordPart,
    HwordAsciiPart,
    Blank,
    Tag,
    Protocol,
    NumHword,
    AsciiHword,
    Hword,
    UrlPath,
    File,
    Float,
    Int,
    UInt,
    Entity,
}

/// Number, name, description of every kind.
pub(super) const KINDS: [(i32, &str, &str); 23] = [
    (1, "asciiword", "Word, all ASCII"),
    (2, "word", "Word, all letters"),
    (3, "numword", "Word, letters and digits"),
    (4, "email", "Email address"),
    (5, "url", "URL"),
    (6, "host", "Host"),
    (7, "sfloat", "Scientific notation"),
    (8, "version", "Version number"),
    (9, "hword_numpart", "Hyphenated word part, letters and digits"),
    (10, "hword_part", "Hyphenated word part, all letters"),
    (11, "hword_asciipart", "Hyphenated word part, all ASCII"),
    (12, "blank", "Space symbols"),
    (13, "tag", "XML tag"),
    (14, "protocol", "Protocol head"),
    (15, "numhword", "Hyphenated word, letters and digits"),
    (16, "asciihword", "Hyphenated word, all ASCII"),
    (17, "hword", "Hyphenated word, all letters"),
    (18, "url_path", "URL path"),
    (19, "file", "File or path name"),
    (20, "float", "Decimal notation"),
    (21, "int", "Signed integer"),
    (22, "uint", "Unsigned integer"),
    (23, "entity", "XML entity"),
];

/// A token; those of compound ones follow it and overlap it.
pub(super) type Token<'a> = (Kind, &'a str);

/// The tokens of a text.
pub(super) fn parse(text: &str) -> Vec<Token<'_>> {
    let mut tokens = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        let length = next(rest, &mut tokens);
        rest = &rest[length..];
    }
    tokens
}

/// Reads what a text begins with; its length.
fn next<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> usize {
    let first = text.chars().next().unwrap_or(' ');
    if first.is_alphanumeric() {
        return alphanumeric(text, tokens);
    }
    let (kind, length) = match first {
        '<' => (Kind::Tag, tag(text)),
        '&' => (Kind::Entity, entity(text)),
        '-' | '+' => signed(text),
        '/' | '~' | '.' => (Kind::File, path(text)),
        _ => (Kind::Blank, 0),
    };
    let (kind, length) = if length == 0 { (Kind::Blank, blank(text)) } else { (kind, length) };
    tokens.push((kind, &text[..length]));
    length
}

fn span(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// The first character and what follows of it that nothing else may begin with.
fn blank(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    first + span(&text[first..], |c| !c.is_alphanumeric() && !matches!(c, '<' | '-' | '+' | '&' | '/'))
}

/// `<name …>`, `</name>`, `<!-- … -->`, `<!DOCTYPE …>`, `<?xml … ?>`; quoted attributes may hold anything.
fn tag(text: &str) -> usize {
    if let Some(comment) = text.strip_prefix("<!--") {
        return comment.find("-->").map_or(0, |end| end + 7);
    }
    let closing = usize::from(text[1..].starts_with('/'));
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ':' | '_' | '.' | '-');
    let name = 1 + closing;
    let at = match text[name..].chars().next() {
        Some(c) if is_letter(c) || (closing == 0 && matches!(c, ':' | '_')) => name + span(&text[name..], is_name),
        Some('!') if text[2..].starts_with(['D', 'd']) => return attributes(text, 3),
        Some('?') if text[2..].starts_with('x') => return attributes(text, 3),
        _ => return 0,
    };
    match text[at..].chars().next() {
        Some('>') => at + 1,
        Some('/') if text[at + 1..].starts_with('>') => at + 2,
        Some(c) if c.is_whitespace() => attributes(text, at),
        _ => 0,
    }
}

/// Where a tag ends whose attributes begin at `from`; zero when there is something in them that no tag has.
fn attributes(text: &str, from: usize) -> usize {
    const SIGNS: &str = "=-_#/:.&?%~";
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < from) {
        match (quote, c) {
            (Some(_), _) if std::mem::take(&mut escaped) => {}
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '>') => return at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_ascii_alphanumeric() || c.is_whitespace() || SIGNS.contains(c) => {}
            (None, _) => return 0,
        }
    }
    0
}

/// `&name;`, `&#12;`, `&#x1f;`.
fn entity(text: &str) -> usize {
    let body = &text[1..];
    let length = if let Some(hex) = body.strip_prefix("#x").or_else(|| body.strip_prefix("#X")) {
        Some(span(hex, |c| c.is_ascii_hexdigit())).filter(|n| *n > 0).map(|n| n + 2)
    } else if let Some(digits) = body.strip_prefix('#') {
        Some(span(digits, |c| c.is_ascii_digit())).filter(|n| *n > 0).map(|n| n + 1)
    } else if body.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, ':' | '_')) {
        Some(span(body, |c| c.is_alphanumeric() || matches!(c, ':' | '_' | '.' | '-')))
    } else {
        None
    };
    length.filter(|n| body[*n..].starts_with(';')).map_or(0, |n| n + 2)
}

/// A number behind its sign: what follows it does not matter, but a version number has none.
fn signed(text: &str) -> (Kind, usize) {
    match number(&text[1..]) {
        Some((kind, length)) if kind != Kind::Version => {
            (if kind == Kind::UInt { Kind::Int } else { kind }, length + 1)
        }
        _ => (Kind::Blank, 0),
    }
}

/// An unsigned number: kind and length.
fn number(text: &str) -> Option<(Kind, usize)> {
    let digits = |at: usize| span(&text[at..], |c| c.is_ascii_digit());
    let integer = digits(0);
    if integer == 0 {
        return None;
    }
    let (mut length, mut groups) = (integer, 1);
    while text[length..].starts_with('.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
        groups += 1;
    }
    if groups > 2 {
        return Some((Kind::Version, length));
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['-', '+']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            return Some((Kind::SFloat, length + 1 + sign + exponent));
        }
    }
    Some((if groups == 2 { Kind::Float } else { Kind::UInt }, length))
}

/// A path that starts with `/`, `~`, `./` or `../`.
fn path(text: &str) -> usize {
    let after = |at: usize| text.as_bytes().get(at).copied();
    let found = match (after(0), after(1)) {
        (Some(b'~'), _) => path_from(text, Step::Home, 1),
        (Some(b'/'), _) => path_from(text, Step::Slash, 1),
        (_, Some(b'.')) => path_from(text, Step::Upward, 2),
        (_, Some(b'/')) => path_from(text, Step::Slash, 2),
        _ => None,
    };
    found.unwrap_or(0)
}

/// What a path has right before a place.
#[derive(Clone, Copy)]
enum Step {
    /// A letter, digit or underscore.
    Name,
    /// A slash.
    Slash,
    /// A dot behind a slash.
    Dot,
    /// Two dots.
    Upward,
    /// A tilde.
    Home,
}

/// Where a path ends that has come to a place: before whatever cannot be a part of it. `None` when it is no path.
fn path_from(text: &str, mut step: Step, mut at: usize) -> Option<usize> {
    // It may end here, if nothing comes of what follows.
    let mut end = None;
    loop {
        let next = text.as_bytes().get(at).copied();
        step = match (step, next) {
            (Step::Name, Some(b'.')) if text.as_bytes().get(at + 1).is_some_and(|c| is_file_sign(*c)) => {
                at += 1;
                Step::Name
            }
            (Step::Name, Some(b'-')) => Step::Name,
            (_, Some(c)) if is_file_sign(c) && !matches!(step, Step::Upward) => Step::Name,
            (Step::Name | Step::Upward, Some(b'/')) => {
                end = Some(at);
                Step::Slash
            }
            (Step::Name | Step::Upward, None) => return Some(at),
            (Step::Name, _) => return Some(at),
            (Step::Upward, Some(c)) if c.is_ascii_whitespace() => return Some(at),
            (Step::Slash, Some(b'.')) => Step::Dot,
            (Step::Slash, Some(b'~')) => Step::Home,
            (Step::Dot, Some(b'.')) => Step::Upward,
            (Step::Dot | Step::Home, Some(b'/')) => Step::Slash,
            _ => return end,
        };
        at += 1;
    }
}

fn is_file_sign(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

/// What letters and digits turn out to be a part of, with the end of the whole, and of the host of a URL.
enum Located {
    Host(usize),
    Email(usize),
    Url { host: usize, end: usize },
}

/// A host name, perhaps with what is before it in an address and behind it in a URL: labels joined by dots, hyphens and underscores,
/// the last behind a dot and of at least two letters; then perhaps a port.
struct HostName<'a> {
    text: &'a [u8],
    /// Whether only the host counts, and what is behind it comes later.
    alone: bool,
}

/// What a host name has right before a place.
#[derive(Clone, Copy)]
enum Part {
    /// A letter or digit that no host ends with.
    Label,
    /// A hyphen or underscore.
    Joint,
    /// A dot: perhaps the last label begins.
    Dot,
    /// The second letter of what may be the last label.
    Domain,
}

impl HostName<'_> {
    /// The byte at a place; zero behind the end.
    fn at(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    /// The longest reading from a place on, where letters only, or digits only, are the first label.
    fn read(&self, from: usize) -> Option<Located> {
        let mut at = from + self.run(from, if self.at(from).is_ascii_digit() { u8::is_ascii_digit } else { is_letter });
        if at == from {
            return None;
        }
        let mut part = self.behind_label(at)?;
        // It may end here, if nothing comes of what follows.
        let mut end = None;
        loop {
            at += 1;
            let Some(next) = part else { return self.email(at).or_else(|| self.host(end?)) };
            let (first, second) = (self.at(at), self.at(at + 1));
            let follows = match next {
                Part::Dot if is_letter(&first) && is_letter(&second) => {
                    at += 1;
                    Some(Some(Part::Domain))
                }
                Part::Joint | Part::Dot => first.is_ascii_alphanumeric().then_some(Some(Part::Label)),
                Part::Label => {
                    at += self.run(at, u8::is_ascii_alphanumeric);
                    self.behind_label(at)
                }
                Part::Domain => {
                    at += self.run(at, is_letter);
                    match self.at(at) {
                        c if c.is_ascii_digit() => Some(Some(Part::Label)),
                        b':' if self.at(at + 1).is_ascii_digit() => {
                            return self.host(at + 1 + self.run(at + 1, u8::is_ascii_digit));
                        }
                        _ => {
                            end = Some(at);
                            self.behind_label(at)
                        }
                    }
                }
            };
            let Some(follows) = follows else { return self.host(end?) };
            part = follows;
        }
    }

    /// How many bytes from a place on are of a kind.
    fn run(&self, from: usize, kind: fn(&u8) -> bool) -> usize {
        self.text.iter().skip(from).take_while(|c| kind(c)).count()
    }

    /// What goes on behind a label; `Some(None)` is the sign before the host of an address.
    #[allow(clippy::option_option, reason = "nothing, the sign and a part are three things")]
    fn behind_label(&self, at: usize) -> Option<Option<Part>> {
        match self.at(at) {
            b'.' => Some(Some(Part::Dot)),
            b'-' | b'_' => Some(Some(Part::Joint)),
            b'@' => Some(None),
            c if c.is_ascii_alphanumeric() => Some(Some(Part::Label)),
            _ => None,
        }
    }

    /// A host that ends at a place, where a path may follow.
    fn host(&self, end: usize) -> Option<Located> {
        let path = if self.at(end) == b'/' && !self.alone { self.run(end + 1, is_url) } else { 0 };
        Some(if path > 0 { Located::Url { host: end, end: end + 1 + path } } else { Located::Host(end) })
    }

    /// An address whose host begins at a place. There is one sign in it.
    fn email(&self, at: usize) -> Option<Located> {
        if self.alone {
            return None;
        }
        match (HostName { text: self.text, alone: true }).read(at) {
            Some(Located::Host(end)) => Some(Located::Email(end)),
            _ => None,
        }
    }
}

fn is_letter(c: &u8) -> bool {
    c.is_ascii_alphabetic()
}

fn is_url(c: &u8) -> bool {
    c.is_ascii_graphic() && !matches!(c, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

/// What begins with a letter or digit.
fn alphanumeric<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> usize {
    let letters = span(text, |c| c.is_ascii_alphabetic());
    if letters > 0 && text[letters..].starts_with("://") {
        tokens.push((Kind::Protocol, &text[..letters + 3]));
        return letters + 3;
    }
    let number = number(text);
    // An exponent right behind the digits goes before everything, a decimal point behind hosts.
    let exact = |kind: Kind, length: usize| kind == Kind::SFloat && !text[..length].contains('.');
    if !number.is_some_and(|(kind, length)| exact(kind, length))
        && let Some(length) = located(text, tokens)
    {
        return length;
    }
    let (kind, length) = match number {
        Some((kind, length)) if kind != Kind::UInt => (kind, length),
        _ => match (file(text), number) {
            (0, Some((kind, length))) if !text[length..].starts_with(char::is_alphanumeric) => (kind, length),
            (0, _) => return words(text, tokens),
            (length, _) => (Kind::File, length),
        },
    };
    tokens.push((kind, &text[..length]));
    length
}

/// A host, alone or with a path behind it, or an address.
fn located<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> Option<usize> {
    let name = HostName { text: text.as_bytes(), alone: false };
    let word = span(text, char::is_alphanumeric);
    // Behind letters and digits that no host has is an address, too.
    let is_mixed = || text[..word].contains(|c: char| c.is_ascii_digit()) && !text[..word].is_ascii();
    let address = || if is_mixed() && name.at(word) == b'@' { name.email(word + 1) } else { None };
    let end = match name.read(0).or_else(address)? {
        Located::Host(end) => {
            tokens.push((Kind::Host, &text[..end]));
            end
        }
        Located::Email(end) => {
            tokens.push((Kind::Email, &text[..end]));
            end
        }
        Located::Url { host, end } => {
            tokens.push((Kind::Url, &text[..end]));
            tokens.push((Kind::Host, &text[..host]));
            tokens.push((Kind::UrlPath, &text[host..end]));
            end
        }
    };
    Some(end)
}

/// A name with a slash or a dot behind the word that it begins with; digits have no dot, letters beyond ASCII neither.
fn file(text: &str) -> usize {
    let word = span(text, char::is_alphanumeric);
    let has = |wanted: fn(char) -> bool| text[..word].contains(wanted);
    let (letters, digits) = (has(|c| !c.is_ascii_digit()), has(|c| c.is_ascii_digit()));
    if !digits && has(|c| !c.is_ascii()) {
        return 0;
    }
    let after = |at: usize| text.as_bytes().get(at).copied();
    let end = match (after(word), after(word + 1)) {
        (Some(b'/'), _) => path_from(text, Step::Slash, word + 1),
        (Some(b'.'), Some(c)) if letters && is_file_sign(c) => path_from(text, Step::Name, word + 2),
        _ => None,
    };
    end.unwrap_or(0)
}

fn is_letters(word: &str) -> bool {
    word.chars().all(char::is_alphabetic)
}

/// The kind of a word among three: ASCII letters, letters, letters and digits.
fn kind_of(word: &str, kinds: [Kind; 3]) -> Kind {
    if word.bytes().all(|b| b.is_ascii_alphabetic()) {
        kinds[0]
    } else if is_letters(word) {
        kinds[1]
    } else {
        kinds[2]
    }
}

/// A word, or several joined by hyphens: those are one token and each a part.
fn words<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> usize {
    let word = |at: usize| span(&text[at..], char::is_alphanumeric);
    let first = word(0);
    let mut parts = vec![&text[..first]];
    let mut length = first;
    let is_number = parts[0].bytes().all(|b| b.is_ascii_digit());
    while !is_number && text[length..].starts_with('-') {
        let part = &text[length + 1..][..word(length + 1)];
        if part.is_empty() || part.bytes().all(|b| b.is_ascii_digit()) {
            break;
        }
        parts.push(part);
        length += 1 + part.len();
    }
    if parts.len() == 1 {
        tokens.push((kind_of(parts[0], [Kind::AsciiWord, Kind::Word, Kind::NumWord]), parts[0]));
        return length;
    }
    let whole: String = parts.concat();
    tokens.push((kind_of(&whole, [Kind::AsciiHword, Kind::Hword, Kind::NumHword]), &text[..length]));
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            tokens.push((Kind::Blank, "-"));
        }
        tokens.push((kind_of(part, [Kind::HwordAsciiPart, Kind::HwordPart, Kind::HwordNumPart]), part));
    }
    // Digits behind the last part are no part, but no signed number either.
    if text[length..].strip_prefix('-').is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) {
        tokens.push((Kind::Blank, "-"));
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text<tab>kind:token | …`, as `ts_parse` of PostgreSQL answers.
    #[test]
    fn tokens_are_those_of_postgresql() {
        let mut wrong = String::new();
        for line in include_str!("tokens.txt").lines() {
            let (text, expected) = line.split_once('\t').expect("text, tab, tokens");
            let shown: Vec<String> =
                parse(text).iter().map(|(kind, token)| format!("{}:{token}", *kind as i32)).collect();
            if shown.join(" | ") != expected {
                wrong.push_str(&format!("{text}\n  {expected}\n  {}\n", shown.join(" | ")));
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    }
}
