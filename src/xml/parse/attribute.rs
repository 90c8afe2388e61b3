//! Attributes: values, declarations of namespaces, names that may not come twice.

use super::Parser;
use super::declared;
use crate::chars::{is_char, is_space};
use crate::problem::{Domain, Severity};
use crate::tree::{NamespaceId, QName, XML_NAMESPACE};
use crate::uri;

const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// An attribute as it is written.
pub(super) struct Written {
    prefix: Option<String>,
    local: String,
    /// `None` when it could not be read.
    value: Option<String>,
}

/// An attribute as it is in the tree.
pub(super) struct Attribute {
    pub name: QName,
    pub value: String,
}

impl Parser<'_> {
    /// `name = "value"`; `None` when there is no name.
    pub(super) fn attribute(&mut self, element: &str) -> Option<Written> {
        let Some((prefix, local)) = self.qname() else {
            self.error("error parsing attribute name");
            return None;
        };
        self.cursor.skip_spaces();
        if !self.cursor.eat('=') {
            self.error(&format!("Specification mandates value for attribute {local}"));
            return Some(Written { prefix, local, value: None });
        }
        self.cursor.skip_spaces();
        let tokenized = self.is_tokenized(element, prefix.as_deref(), &local);
        let value = self.attribute_value(tokenized);
        if prefix.as_deref() == Some("xml") && local == "space" {
            self.check_space(value.as_deref().unwrap_or_default());
        }
        Some(Written { prefix, local, value })
    }

    fn check_space(&mut self, value: &str) {
        if !matches!(value, "default" | "preserve") {
            let expected = "\"default\" or \"preserve\" expected";
            self.warning(&format!("Invalid value \"{value}\" for xml:space : {expected}"));
        }
    }

    /// A value in quotes, references replaced and white space normalized.
    pub(super) fn attribute_value(&mut self, tokenized: bool) -> Option<String> {
        let Some(quote) = self.cursor.peek().filter(|c| matches!(c, '"' | '\'')) else {
            self.error("AttValue: \" or ' expected");
            return None;
        };
        self.cursor.bump();
        let mut value = String::new();
        while let Some(c) = self.cursor.peek() {
            match c {
                '&' => self.reference_in_value(&mut value),
                c if c == quote || c == '<' || !is_char(c) => break,
                '\r' if self.cursor.starts_with("\r\n") => self.cursor.bump(),
                c => {
                    value.push(if is_space(c) { ' ' } else { c });
                    self.cursor.bump();
                }
            }
            if self.halted {
                return None;
            }
        }
        match self.cursor.peek() {
            Some(c) if c == quote => self.cursor.bump(),
            Some('<') => self.error("Unescaped '<' not allowed in attributes values"),
            Some(_) => self.error("invalid character in attribute value"),
            None => self.error("AttValue: ' expected"),
        }
        Some(if tokenized { declared::normalize_tokens(&value) } else { value })
    }

    /// Takes a declaration of a namespace out of the attributes.
    pub(super) fn declaration(&mut self, attribute: Written, own: &mut Vec<NamespaceId>) -> Option<Written> {
        let (prefix, uri) = match (attribute.prefix.as_deref(), attribute.local.as_str(), &attribute.value) {
            (_, _, None) => return None,
            (None, "xmlns", Some(uri)) => (None, uri),
            (Some("xmlns"), prefix, Some(uri)) => (Some(prefix), uri),
            _ => return Some(attribute),
        };
        let allowed = match prefix {
            None => self.check_default_namespace(uri),
            Some(prefix) => self.check_namespace(prefix, uri),
        };
        if allowed {
            if own.iter().any(|id| self.tree.namespace(*id).prefix.as_deref() == prefix) {
                self.redefined(prefix.map(|_| "xmlns"), prefix.unwrap_or("xmlns"));
            } else {
                own.push(self.tree.add_namespace(prefix, uri));
            }
        }
        None
    }

    fn redefined(&mut self, prefix: Option<&str>, local: &str) {
        match prefix {
            Some(prefix) => self.error(&format!("Attribute {prefix}:{local} redefined")),
            None => self.error(&format!("Attribute {local} redefined")),
        }
    }

    fn check_default_namespace(&mut self, uri: &str) -> bool {
        if uri.is_empty() {
            return true;
        }
        match uri::scheme(uri) {
            Err(()) => self.namespace_error(&format!("xmlns: '{uri}' is not a valid URI")),
            Ok(None) => {
                let message = format!("xmlns: URI {uri} is not absolute");
                self.report(Domain::Namespaces, Severity::Warning, &message);
            }
            Ok(Some(_)) => {}
        }
        match uri {
            XML_NAMESPACE => self.namespace_error("xml namespace URI cannot be the default namespace"),
            XMLNS_NAMESPACE => self.namespace_error("reuse of the xmlns namespace name is forbidden"),
            _ => return true,
        }
        false
    }

    fn check_namespace(&mut self, prefix: &str, uri: &str) -> bool {
        match (prefix, uri) {
            ("xml", XML_NAMESPACE) => {}
            ("xml", _) => self.namespace_error("xml namespace prefix mapped to wrong URI"),
            (_, XML_NAMESPACE) => self.namespace_error("xml namespace URI mapped to wrong prefix"),
            ("xmlns", _) => self.namespace_error("redefinition of the xmlns prefix is forbidden"),
            (_, XMLNS_NAMESPACE) => self.namespace_error("reuse of the xmlns namespace name is forbidden"),
            (_, "") => self.namespace_error(&format!("xmlns:{prefix}: Empty XML namespace is not allowed")),
            _ => {
                if uri::scheme(uri).is_err() {
                    self.namespace_error(&format!("xmlns:{prefix}: '{uri}' is not a valid URI"));
                }
                return true;
            }
        }
        false
    }

    /// Finds the namespaces of attributes. A name may come once, with whatever prefix.
    pub(super) fn resolve_attributes(
        &mut self,
        written: Vec<Written>,
        own: &[NamespaceId],
        element: &str,
    ) -> Vec<Attribute> {
        let mut attributes: Vec<Attribute> = Vec::with_capacity(written.len());
        let mut seen = std::collections::HashSet::with_capacity(written.len());
        for attribute in written {
            let Written { prefix, local, value } = attribute;
            let namespace = prefix.as_deref().and_then(|prefix| self.namespace_of(Some(prefix), own));
            if let (Some(prefix), None) = (&prefix, namespace) {
                self.namespace_error(&format!("Namespace prefix {prefix} for {local} on {element} is not defined"));
            }
            let uri = namespace.map(|id| self.tree.namespace(id).uri.clone());
            if !seen.insert((prefix.clone(), local.clone())) {
                self.redefined(prefix.as_deref(), &local);
            } else if let Some(uri) = uri
                && !seen.insert((Some(format!("\n{uri}")), local.clone()))
            {
                self.namespace_error(&format!("Namespaced Attribute {local} in '{uri}' redefined"));
            }
            let prefix = prefix.map(|prefix| self.intern(&prefix));
            let name = QName { prefix, local: self.intern(&local), namespace };
            attributes.push(Attribute { name, value: value.unwrap_or_default() });
        }
        attributes
    }
}
