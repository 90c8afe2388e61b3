//! What stands between tags: text, CDATA sections, comments, processing instructions, references.

use super::Parser;
use super::cursor::normalize_lines;
use super::element::Start;
use crate::chars::is_char;
use crate::problem::{Domain, Severity};
use crate::tree::Kind;

/// Characters of a comment or section that a message about its missing end shows.
const SHOWN_CHARS: usize = 50;

/// Instructions whose targets the W3C has reserved.
const KNOWN_TARGETS: &[&str] = &["xml-stylesheet", "xml-model"];

impl Parser<'_> {
    /// Content of any kind to the end of the text, where all elements must be closed.
    pub(super) fn balanced_content(&mut self) {
        self.content(0);
        if self.halted {
            return;
        }
        if self.cursor.starts_with("</") {
            self.error("chunk is not well balanced");
        } else if !self.cursor.at_end() {
            self.error("extra content at the end of well balanced chunk");
        } else if let Some(open) = self.open.last() {
            let message = format!("Premature end of data in tag {} line {}", open.local, open.line);
            self.error(&message);
        }
    }

    /// Content until the end tag of the element at this depth, or to the end of the text.
    pub(super) fn content(&mut self, depth: usize) {
        while !self.halted && !self.cursor.at_end() {
            if self.cursor.starts_with("<?") {
                self.instruction();
            } else if self.cursor.starts_with("<![CDATA[") {
                self.cdata();
            } else if self.cursor.starts_with("<!--") {
                self.comment();
            } else if self.cursor.starts_with("</") {
                if self.open.len() <= depth {
                    return;
                }
                self.end_tag();
            } else if self.cursor.is('<') {
                self.start_tag();
            } else if self.cursor.is('&') {
                self.reference();
            } else {
                self.text();
            }
        }
    }

    /// One element with all that is in it.
    pub(super) fn element(&mut self) {
        if self.start_tag() != Start::Open {
            return;
        }
        // The end tag of this element leaves nothing open, which is where content ends.
        while !self.halted && !self.cursor.at_end() && !self.open.is_empty() {
            self.content(1);
            if self.cursor.starts_with("</") {
                self.end_tag();
                return;
            }
        }
        if let Some(open) = self.open.last().filter(|_| !self.halted) {
            let message = format!("Premature end of data in tag {} line {}", open.local, open.line);
            self.error(&message);
        }
    }

    fn text(&mut self) {
        let start = self.cursor.offset();
        let mut brackets = 0;
        let mut misplaced = false;
        let run = self.cursor.take_while(|c| {
            misplaced = brackets >= 2 && c == '>';
            brackets = if c == ']' { brackets + 1 } else { 0 };
            is_char(c) && !matches!(c, '<' | '&') && !misplaced
        });
        self.tree.add_text(self.parent(), normalize_lines(run));
        if misplaced {
            let end = self.cursor.offset();
            self.cursor.go_to(last_line_start(self.cursor.text(), start, end));
            self.error("Sequence ']]>' not allowed in content");
            self.cursor.go_to(end);
            self.cursor.bump();
        } else if let Some(c) = self.cursor.peek().filter(|c| !is_char(*c)) {
            self.invalid_char(c, "PCDATA invalid Char value");
            self.cursor.bump();
        }
    }

    /// A character that XML has no place for.
    fn invalid_char(&mut self, c: char, what: &str) {
        if !c.is_ascii() {
            self.error(&format!("Char 0x{:X} out of allowed range", u32::from(c)));
        }
        self.error(&format!("{what} {}", u32::from(c)));
    }

    fn cdata(&mut self) {
        self.cursor.skip("<![CDATA[".len());
        let rest = self.cursor.rest();
        let end = rest.find("]]>").unwrap_or(rest.len());
        let text = &rest[..end];
        let bad = text.find(|c| !is_char(c));
        if bad.is_none() && end < rest.len() {
            self.cursor.skip(end + 3);
            self.tree.add_child(self.parent(), Kind::CData(normalize_lines(text).into()));
            return;
        }
        self.cursor.skip(bad.unwrap_or(end));
        // The last two characters might have been the end's beginning.
        let read = text[..bad.unwrap_or(end)].chars().count();
        let shown: String = text.chars().take(read.saturating_sub(2).min(SHOWN_CHARS)).collect();
        match read {
            0 | 1 => self.error("Unregistered error message"),
            _ => self.error(&format!("CData section not finished\n{shown}")),
        }
    }

    /// `<!-- … -->`.
    pub(super) fn comment(&mut self) {
        self.cursor.skip("<!--".len());
        let start = self.cursor.offset();
        loop {
            self.cursor.take_while(|c| is_char(c) && c != '-');
            let text = &self.cursor.text()[start..self.cursor.offset()];
            if self.cursor.eat_str("-->") {
                self.tree.add_child(self.parent(), Kind::Comment(normalize_lines(text).into()));
                return;
            }
            if self.cursor.starts_with("--") {
                let shown: String = text.chars().take(SHOWN_CHARS).collect();
                match shown.is_empty() {
                    true => self.error("Double hyphen within comment"),
                    false => self.error(&format!("Double hyphen within comment: <!--{shown}")),
                }
                self.cursor.bump();
            }
            if self.cursor.eat('-') {
                continue;
            }
            match self.cursor.peek() {
                None => self.error("Comment not terminated"),
                Some(c) => self.invalid_char(c, "xmlParseComment: invalid xmlChar value"),
            }
            return;
        }
    }

    /// `<?target content?>`.
    pub(super) fn instruction(&mut self) {
        self.cursor.skip(2);
        let Some(target) = self.instruction_target() else {
            self.error("xmlParsePI : no target name");
            return;
        };
        let symbol = self.intern(&target);
        if self.cursor.eat_str("?>") {
            self.tree.add_child(self.parent(), Kind::Instruction(symbol, None));
            return;
        }
        if !self.cursor.skip_spaces() {
            self.error(&format!("ParsePI: PI {target} space expected"));
        }
        let rest = self.cursor.rest();
        let end = rest.find("?>").unwrap_or(rest.len());
        let text = &rest[..end];
        let bad = text.find(|c| !is_char(c));
        self.cursor.skip(bad.unwrap_or(end));
        if bad.is_some() || end == rest.len() {
            self.error(&format!("ParsePI: PI {target} never end ..."));
            return;
        }
        self.cursor.skip(2);
        self.tree.add_child(self.parent(), Kind::Instruction(symbol, Some(normalize_lines(text).into())));
    }

    fn instruction_target(&mut self) -> Option<String> {
        let target = self.name()?;
        if target == "xml" {
            self.error("XML declaration allowed only at the start of the document");
            return Some(target);
        }
        let reserved = target.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
        if reserved && target.len() == 3 {
            self.error("Invalid PI name");
        } else if reserved && !KNOWN_TARGETS.contains(&target.as_str()) {
            self.warning("xmlParsePITarget: invalid name prefix 'xml'");
        }
        if target.contains(':') {
            let message = format!("colons are forbidden from PI names '{target}'");
            self.report(Domain::Namespaces, Severity::Error, &message);
        }
        Some(target)
    }
}

/// Where the piece of text begins that libxml2 has in hand at `end`: it passes text on at every line end.
fn last_line_start(text: &str, start: usize, end: usize) -> usize {
    text[start..end].rfind('\n').map_or(start, |at| start + at)
}
