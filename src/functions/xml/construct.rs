//! XML out of values: elements, forests, comments, instructions, and several values as one.

use dictdb_types::{Array, Datum, Error, Result, SqlState};
use dictdb_xml::declaration::Declaration;
use dictdb_xml::escape;

use super::STANDALONE;
use super::value::value_to_xml;
use crate::CallContext;
use crate::args::arg;
use crate::scalar::limits::check_growth;

/// The strings of a constant `text[]`.
pub(super) fn names(args: &[Datum], index: usize) -> Result<Vec<&str>> {
    let names: &Array = arg(args, index)?;
    Ok(names.items.iter().map(|item| if let Datum::Text(name) = item { name.as_ref() } else { "" }).collect())
}

pub(super) fn element(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let names = names(args, 0)?;
    let Some((name, attributes)) = names.split_first() else {
        return Err(Error::internal("an element without a name"));
    };
    let mut out = format!("<{name}");
    let values = args.iter().enumerate().skip(1);
    for (attribute, (at, value)) in attributes.iter().zip(values) {
        if value.is_null() {
            continue;
        }
        let text = value_to_xml(cx, value, cx.arg_type(at), false)?;
        check_growth(out.len(), text.len())?;
        out.push_str(&format!(" {attribute}=\""));
        escape::attribute(&text, &mut out);
        out.push('"');
    }
    let mut is_empty = true;
    for (at, value) in args.iter().enumerate().skip(names.len()).filter(|(_, value)| !value.is_null()) {
        if is_empty {
            out.push('>');
            is_empty = false;
        }
        let text = value_to_xml(cx, value, cx.arg_type(at), true)?;
        check_growth(out.len(), text.len())?;
        out.push_str(&text);
    }
    out.push_str(&if is_empty { "/>".to_owned() } else { format!("</{name}>") });
    Ok(Datum::text(out))
}

pub(super) fn forest(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let mut out = String::new();
    for (name, (at, value)) in names(args, 0)?.iter().zip(args.iter().enumerate().skip(1)) {
        if value.is_null() {
            continue;
        }
        let text = value_to_xml(cx, value, cx.arg_type(at), true)?;
        check_growth(out.len(), text.len())?;
        out.push_str(&format!("<{name}>{text}</{name}>"));
    }
    Ok(if out.is_empty() { Datum::Null } else { Datum::text(out) })
}

/// 2200S.
pub(super) fn comment(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let text: &str = arg(args, 0)?;
    if text.contains("--") || text.ends_with('-') {
        return Err(Error::new(SqlState::INVALID_XML_COMMENT, "invalid XML comment"));
    }
    Ok(Datum::text(format!("<!--{text}-->")))
}

/// 42601, 2200T.
pub(super) fn instruction(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let target: &str = arg(args, 0)?;
    let refused =
        |state: SqlState, detail: String| Err(Error::new(state, "invalid XML processing instruction").detail(detail));
    if target.eq_ignore_ascii_case("xml") {
        let detail = format!("XML processing instruction target name cannot be \"{target}\".");
        return refused(SqlState::SYNTAX_ERROR, detail);
    }
    match args.get(1) {
        None => Ok(Datum::text(format!("<?{target}?>"))),
        Some(Datum::Null) => Ok(Datum::Null),
        Some(_) => {
            let content: &str = arg(args, 1)?;
            if content.contains("?>") {
                let detail = "XML processing instruction cannot contain \"?>\".".to_owned();
                return refused(SqlState::INVALID_XML_PROCESSING_INSTRUCTION, detail);
            }
            Ok(Datum::text(format!("<?{target} {}?>", content.trim_start_matches(' '))))
        }
    }
}

pub(super) fn root(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if matches!(args.first(), None | Some(Datum::Null)) {
        return Ok(Datum::Null);
    }
    let text: &str = arg(args, 0)?;
    let version = match args.get(1) {
        Some(Datum::Text(version)) => Some(version.as_ref()),
        _ => None,
    };
    let own = Declaration::read(text).unwrap_or_default();
    let wanted: &str = arg(args, 2)?;
    let standalone = match STANDALONE.iter().position(|known| *known == wanted) {
        Some(0) => Some(true),
        Some(1) => Some(false),
        Some(2) => None,
        _ => own.standalone,
    };
    let declaration = Declaration { version, standalone, encoding: None, length: 0 };
    Ok(Datum::text(format!("{}{}", declaration.written(), &text[own.length..])))
}

pub(super) fn concat(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let mut all = Concatenation::default();
    for value in args {
        if let Datum::Text(text) = value {
            all.push(text)?;
        }
    }
    Ok(all.finish())
}

/// Several values as one. Its version is the one all have, and it is standalone if all are.
#[derive(Default)]
pub struct Concatenation {
    started: bool,
    version: Option<String>,
    differs: bool,
    standalone: Option<bool>,
    body: String,
}

impl Concatenation {
    /// Adds a value. 54000 beyond the size of a value.
    pub fn push(&mut self, text: &str) -> Result<()> {
        let own = Declaration::read(text).unwrap_or_default();
        self.standalone = match (self.started, self.standalone, own.standalone) {
            (_, _, None) | (true, None, _) => None,
            (false, _, own) => own,
            (true, Some(all), Some(own)) => Some(all && own),
        };
        match own.version {
            Some(version) if !self.started => self.version = Some(version.to_owned()),
            version => self.differs |= version != self.version.as_deref(),
        }
        self.started = true;
        check_growth(self.body.len(), text.len())?;
        self.body.push_str(&text[own.length..]);
        Ok(())
    }

    /// All of it; NULL where there was nothing.
    pub fn finish(&self) -> Datum {
        if !self.started {
            return Datum::Null;
        }
        let version = self.version.as_deref().filter(|_| !self.differs);
        let declaration = Declaration { version, standalone: self.standalone, encoding: None, length: 0 };
        Datum::text(format!("{}{}", declaration.written(), self.body))
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.body.capacity()
    }
}
