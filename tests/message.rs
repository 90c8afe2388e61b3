//! Messages of the server, and how a test script shows them.

/// A message as received.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its tag.
    pub tag: u8,
    /// What follows the length.
    pub body: Vec<u8>,
}

/// Reads the parts of a message one after another.
struct Parts<'a>(&'a [u8]);

impl Parts<'_> {
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let (head, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        head.to_vec()
    }

    fn int2(&mut self) -> i16 {
        self.bytes(2).try_into().map_or(0, i16::from_be_bytes)
    }

    fn int4(&mut self) -> i32 {
        self.bytes(4).try_into().map_or(0, i32::from_be_bytes)
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        let text = String::from_utf8_lossy(&self.0[..end]).into_owned();
        self.0 = &self.0[(end + 1).min(self.0.len())..];
        text
    }
}

impl Message {
    /// A field of an ErrorResponse or NoticeResponse.
    pub fn field(&self, code: u8) -> Option<String> {
        let mut parts = Parts(&self.body);
        while let Some(kind) = parts.bytes(1).first().copied().filter(|kind| *kind != 0) {
            let value = parts.text();
            if kind == code {
                return Some(value);
            }
        }
        None
    }

    /// Severity, SQLSTATE, message, position, detail and hint on lines of their own.
    pub fn error_text(&self) -> String {
        let field = |code| self.field(code).unwrap_or_default();
        let mut text = format!("{} {}: {}", field(b'S'), field(b'C'), field(b'M'));
        if let Some(position) = self.field(b'P') {
            text.push_str(&format!(" (at {position})"));
        }
        for (code, name) in [(b'D', "DETAIL"), (b'H', "HINT")] {
            if let Some(value) = self.field(code) {
                text.push_str(&format!("\n{name}: {}", escape(&value)));
            }
        }
        text
    }

    /// The message as a script shows it; `None` for what scripts leave out.
    pub fn shown(&self) -> Option<String> {
        let mut parts = Parts(&self.body);
        match self.tag {
            b'T' => {
                let columns: Vec<String> = (0..parts.int2())
                    .map(|_| {
                        let name = parts.text();
                        parts.bytes(6);
                        let oid = parts.int4();
                        parts.bytes(2);
                        let modifier = parts.int4();
                        parts.bytes(2);
                        let oid = if oid >= 16_384 { "user".to_owned() } else { oid.to_string() };
                        if modifier >= 0 { format!("{name}:{oid}({modifier})") } else { format!("{name}:{oid}") }
                    })
                    .collect();
                Some(columns.join(" | "))
            }
            b'D' => {
                let values: Vec<String> = (0..parts.int2())
                    .map(|_| match parts.int4() {
                        -1 => "∅".to_owned(),
                        length => {
                            let text = String::from_utf8_lossy(&parts.bytes(length as usize)).into_owned();
                            if text.is_empty() { "''".to_owned() } else { escape(&text) }
                        }
                    })
                    .collect();
                Some(values.join(" | "))
            }
            b'C' => Some(format!("-- {}", parts.text())),
            b'E' | b'N' => Some(self.error_text()),
            b'I' => Some("-- (empty)".to_owned()),
            _ => None,
        }
    }
}

/// One line for values with line breaks.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}
