//! Attributes that a document type declares. Their defaults are not added to documents, as libxml2 does not unless asked to.

use super::Parser;

/// A declared attribute.
pub(super) struct Attribute {
    pub prefix: Option<String>,
    pub local: String,
    /// Whether white space in its values is that between tokens: of all types but CDATA.
    pub tokenized: bool,
}

impl Parser<'_> {
    /// Declares an attribute; the first declaration counts.
    pub(super) fn declare_attribute(&mut self, element: &str, attribute: Attribute) {
        let known = self.declared.entry(element.to_owned()).or_default();
        if !known.iter().any(|other| other.prefix == attribute.prefix && other.local == attribute.local) {
            known.push(attribute);
        }
    }

    pub(super) fn is_tokenized(&self, element: &str, prefix: Option<&str>, local: &str) -> bool {
        let known = self.declared.get(element).map(Vec::as_slice).unwrap_or_default();
        known.iter().any(|known| known.tokenized && known.prefix.as_deref() == prefix && known.local == local)
    }
}

/// Tokens with one blank between them.
pub(super) fn normalize_tokens(value: &str) -> String {
    value.split(' ').filter(|token| !token.is_empty()).collect::<Vec<_>>().join(" ")
}
