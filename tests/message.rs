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
        match self.tag {
            b'T' => Some(self.columns(false)),
            b'D' => Some(self.values()),
            b'C' => Some(format!("-- {}", self.text())),
            b'E' | b'N' => Some(self.error_text()),
            b'I' => Some("-- (empty)".to_owned()),
            _ => None,
        }
    }

    /// The message on a line of a transcript: its name and what it says. What differs from server to server is left out.
    pub fn transcribed(&self) -> String {
        let (name, words) = match self.tag {
            b'1' => ("ParseComplete", String::new()),
            b'2' => ("BindComplete", String::new()),
            b'3' => ("CloseComplete", String::new()),
            b'A' => ("NotificationResponse", self.notification()),
            b'C' => ("CommandComplete", self.text()),
            b'D' => ("DataRow", self.values()),
            b'E' => ("ErrorResponse", self.error_text()),
            b'G' => ("CopyInResponse", hexadecimal(&self.body)),
            b'H' => ("CopyOutResponse", hexadecimal(&self.body)),
            b'I' => ("EmptyQueryResponse", String::new()),
            b'N' => ("NoticeResponse", self.error_text()),
            b'S' => ("ParameterStatus", self.setting()),
            b'T' => ("RowDescription", self.columns(true)),
            b'V' => ("FunctionCallResponse", hexadecimal(&self.body)),
            b'Z' => ("ReadyForQuery", self.text()),
            b'c' => ("CopyDone", String::new()),
            b'd' => ("CopyData", readable(&self.body)),
            b'n' => ("NoData", String::new()),
            b's' => ("PortalSuspended", String::new()),
            b't' => ("ParameterDescription", self.parameter_types()),
            other => return format!("message {other} {}", hexadecimal(&self.body)),
        };
        if words.is_empty() { name.to_owned() } else { format!("{name} {words}") }
    }

    /// A body that is one string.
    fn text(&self) -> String {
        Parts(&self.body).text()
    }

    fn setting(&self) -> String {
        let mut parts = Parts(&self.body);
        format!("{}={}", parts.text(), parts.text())
    }

    /// Channel and payload: the process id is another each time.
    fn notification(&self) -> String {
        let mut parts = Parts(&self.body);
        parts.int4();
        format!("{} {}", parts.text(), readable(parts.text().as_bytes()))
    }

    fn parameter_types(&self) -> String {
        let mut parts = Parts(&self.body);
        let types: Vec<String> = (0..parts.int2()).map(|_| shown_oid(parts.int4())).collect();
        types.join(",")
    }

    /// Names and types of a RowDescription, with their formats or without.
    fn columns(&self, formats: bool) -> String {
        let mut parts = Parts(&self.body);
        let columns: Vec<String> = (0..parts.int2())
            .map(|_| {
                let name = parts.text();
                parts.bytes(6);
                let oid = shown_oid(parts.int4());
                parts.bytes(2);
                let modifier = parts.int4();
                let format = if parts.int2() == 1 && formats { " binary" } else { "" };
                if modifier >= 0 {
                    format!("{name}:{oid}({modifier}){format}")
                } else {
                    format!("{name}:{oid}{format}")
                }
            })
            .collect();
        columns.join(" | ")
    }

    fn values(&self) -> String {
        let mut parts = Parts(&self.body);
        let values: Vec<String> = (0..parts.int2())
            .map(|_| match parts.int4() {
                -1 => "∅".to_owned(),
                0 => "''".to_owned(),
                length => readable(&parts.bytes(length as usize)),
            })
            .collect();
        values.join(" | ")
    }
}

/// Types of users have another oid each time.
fn shown_oid(oid: i32) -> String {
    if oid >= 16_384 { "user".to_owned() } else { oid.to_string() }
}

/// Text on one line; bytes that are not text in hexadecimal.
fn readable(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !"\n\r\t".contains(c)) => escape(text),
        _ => format!("\\x{}", hexadecimal(bytes)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One line for values with line breaks.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}
