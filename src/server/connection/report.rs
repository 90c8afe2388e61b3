//! Errors and notices as messages.

use dictdb_types::{Error, Severity};
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use super::stream::Stream;

impl Stream {
    /// Sends an error, with every field it has. The client is not left waiting for it.
    pub(super) fn report(&mut self, error: &Error) {
        self.send(&ErrorResponse::new(fields(error)));
        self.want_flush();
    }

    /// Sends a notice or warning.
    pub(super) fn notify(&mut self, notice: &Error) {
        self.take_output_back();
        encode_notice(notice, &mut self.output);
    }
}

/// Appends a notice as a message.
pub(super) fn encode_notice(notice: &Error, out: &mut Vec<u8>) {
    super::stream::encode(&NoticeResponse::new(fields(notice)), out);
}

/// Whether the connection ends after this error.
pub(super) fn is_fatal(error: &Error) -> bool {
    error.fields().severity >= Severity::Fatal
}

/// The fields in PostgreSQL's order. Zero bytes would end a field early.
fn fields(error: &Error) -> Vec<(u8, String)> {
    let fields = error.fields();
    let mut list = vec![
        (b'S', fields.severity.as_str().to_owned()),
        (b'V', fields.severity.as_str().to_owned()),
        (b'C', fields.code.as_str().to_owned()),
        (b'M', fields.message.replace('\0', "")),
    ];
    let internal = fields.internal.as_ref();
    let optional = [
        (b'D', fields.detail.clone()),
        (b'H', fields.hint.clone()),
        (b'P', fields.position.map(|position| position.to_string())),
        (b'p', internal.map(|(position, _)| position.to_string())),
        (b'q', internal.map(|(_, text)| text.clone())),
        (b'W', fields.context.clone()),
        (b's', fields.schema.clone()),
        (b't', fields.table.clone()),
        (b'c', fields.column.clone()),
        (b'd', fields.datatype.clone()),
        (b'n', fields.constraint.clone()),
        (b'F', Some(fields.source.file().rsplit('/').next().unwrap_or_default().to_owned())),
        (b'L', Some(fields.source.line().to_string())),
        (b'R', fields.routine.map(str::to_owned)),
    ];
    list.extend(optional.into_iter().filter_map(|(field, text)| Some((field, text?.replace('\0', "")))));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::SqlState;

    #[test]
    fn fields_come_in_postgres_order() {
        let error = Error::new(SqlState::UNDEFINED_TABLE, "a\0b").hint("h").detail("d").at(Some(7)).table("t");
        let letters: String = fields(&error).iter().map(|(letter, _)| char::from(*letter)).collect();
        assert_eq!(letters, "SVCMDHPtFL");
        assert_eq!(fields(&error)[3].1, "ab");
    }
}
