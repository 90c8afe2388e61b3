//! The default text search parser: what kinds of token a text consists of.
//!
//! At each place the longest reading wins, in the order: tag, entity, signed number, file path, and for letters and
//! digits protocol, email, host with its path, file, number, words joined by hyphens, word. What is between is blank.

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
        Some(span(body, |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '-')))
    } else {
        None
    };
    length.filter(|n| body[*n..].starts_with(';')).map_or(0, |n| n + 2)
}

fn signed(text: &str) -> (Kind, usize) {
    match number(&text[1..]) {
        Some((kind, length)) if kind != Kind::Version && !continues(&text[1 + length..]) => {
            (if kind == Kind::UInt { Kind::Int } else { kind }, length + 1)
        }
        _ => (Kind::Blank, 0),
    }
}

/// Whether letters follow a number without a gap, so that it is none.
fn continues(rest: &str) -> bool {
    rest.starts_with(char::is_alphanumeric)
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

fn is_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~')
}

/// A path that starts with `/`, `~/`, `./` or `../`.
fn path(text: &str) -> usize {
    let starts = ["~/", "./", "../", "/"];
    let Some(start) = starts.into_iter().find(|start| text.starts_with(start)) else { return 0 };
    let body = &text[start.len()..];
    if !body.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '~')) {
        return 0;
    }
    start.len() + trimmed(&body[..span(body, is_path)])
}

/// The length without signs at the end that belong to the sentence.
fn trimmed(path: &str) -> usize {
    path.trim_end_matches(['.', '-']).len()
}

/// A host name: labels, the last of at least two letters; with a port.
fn host(text: &str) -> usize {
    let labels = span(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let mut name = &text[..trimmed(&text[..labels])];
    loop {
        let Some((head, last)) = name.rsplit_once('.') else { return 0 };
        let whole = !head.is_empty() && head.split('.').all(|label| !label.is_empty());
        if whole && last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()) {
            break;
        }
        if whole && !last.is_empty() {
            return 0;
        }
        name = head;
    }
    if text[name.len()..].starts_with(char::is_alphanumeric) {
        return 0;
    }
    let port = text[name.len()..].strip_prefix(':').map_or(0, |port| span(port, |c| c.is_ascii_digit()));
    name.len() + if port > 0 { port + 1 } else { 0 }
}

fn is_url(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

/// What begins with a letter or digit.
fn alphanumeric<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> usize {
    let letters = span(text, |c| c.is_ascii_alphabetic());
    if letters > 0 && text[letters..].starts_with("://") {
        tokens.push((Kind::Protocol, &text[..letters + 3]));
        return letters + 3;
    }
    let local = span(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if text[local..].starts_with('@') {
        let host = host(&text[local + 1..]);
        if host > 0 {
            let length = local + 1 + host;
            tokens.push((Kind::Email, &text[..length]));
            return length;
        }
    }
    if let Some(length) = located(text, tokens) {
        return length;
    }
    if let Some((kind, length)) = number(text)
        && !continues(&text[length..])
    {
        tokens.push((kind, &text[..length]));
        return length;
    }
    words(text, tokens)
}

/// A host, alone or with a path behind it, or a file.
fn located<'a>(text: &'a str, tokens: &mut Vec<Token<'a>>) -> Option<usize> {
    let host = host(text);
    if host > 0 {
        let path = if text[host..].starts_with('/') { span(&text[host..], is_url) } else { 0 };
        if path > 1 {
            let length = host + path;
            tokens.push((Kind::Url, &text[..length]));
            tokens.push((Kind::Host, &text[..host]));
            tokens.push((Kind::UrlPath, &text[host..length]));
            return Some(length);
        }
        tokens.push((Kind::Host, &text[..host]));
        return Some(host);
    }
    let length = file(text);
    (length > 0).then(|| {
        tokens.push((Kind::File, &text[..length]));
        length
    })
}

/// A name with a slash or a dot inside; after a dot only, it must not begin with digits or have hyphens.
fn file(text: &str) -> usize {
    let name = &text[..trimmed(&text[..span(text, is_path)])];
    if text[name.len()..].starts_with(char::is_alphanumeric) {
        return 0;
    }
    match (name.find('/'), name.find('.')) {
        (Some(slash), dot) if slash > 0 && dot.is_none_or(|dot| dot > 0) => {
            let digits = name[..slash].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
            if digits { name.len() } else { 0 }
        }
        (None, Some(dot)) if dot > 0 && text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let plain = name[..dot].bytes().all(|b| b.is_ascii_alphanumeric());
            if plain && !name.contains("..") { name.len() } else { 0 }
        }
        _ => 0,
    }
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
    while text.starts_with(char::is_alphabetic) && text[length..].starts_with('-') {
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
