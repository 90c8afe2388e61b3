//! Start tags and end tags.

use super::attribute::Attribute;
use super::{MAX_DEPTH, Open, Parser};
use crate::tree::{Kind, NamespaceId, QName};

/// What became of a start tag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The element is open.
    Open,
    /// `<e/>`, which is closed already.
    Empty,
    /// There was an error: no element.
    Broken,
}

impl Parser<'_> {
    /// From `<` to `>` or `/>`.
    pub(super) fn start_tag(&mut self) -> Start {
        // libxml2 counts the element that it puts around content, which it finds too deep a little later.
        if !self.is_content && self.open.len() > MAX_DEPTH {
            return self.too_deep();
        }
        let line = self.cursor.line();
        self.cursor.bump();
        let Some((prefix, local)) = self.qname() else {
            self.error("StartTag: invalid element name");
            return Start::Broken;
        };
        self.cursor.skip_spaces();
        let (attributes, namespaces) = self.attributes(prefix.as_deref(), &local);
        if self.is_content && self.open.len() >= MAX_DEPTH {
            return self.too_deep();
        }
        let name = self.element_name(prefix.as_deref(), &local, &namespaces);
        let node = self.tree.add_child(self.parent(), Kind::Element(name, namespaces.into()));
        for attribute in attributes {
            self.tree.add_attribute(node, attribute.name, &attribute.value);
        }
        if self.cursor.eat_str("/>") {
            return Start::Empty;
        }
        let shown = local.clone();
        if !self.cursor.eat('>') {
            self.error(&format!("Couldn't find end of Start Tag {shown} line {line}"));
            return Start::Broken;
        }
        self.open.push(Open { node, prefix, local, line });
        Start::Open
    }

    fn too_deep(&mut self) -> Start {
        self.halt(&format!("Excessive depth in document: {MAX_DEPTH} use XML_PARSE_HUGE option"));
        Start::Broken
    }

    fn element_name(&mut self, prefix: Option<&str>, local: &str, own: &[NamespaceId]) -> QName {
        let namespace = self.namespace_of(prefix, own);
        if let (Some(prefix), None) = (prefix, namespace) {
            self.namespace_error(&format!("Namespace prefix {prefix} on {local} is not defined"));
        }
        QName { prefix: prefix.map(|prefix| self.intern(prefix)), local: self.intern(local), namespace }
    }

    /// The declaration of a prefix: of this start tag, or of an element around it.
    pub(super) fn namespace_of(&self, prefix: Option<&str>, own: &[NamespaceId]) -> Option<NamespaceId> {
        let of_own = own.iter().copied().find(|id| self.tree.namespace(*id).prefix.as_deref() == prefix);
        let found = of_own.or_else(|| self.tree.find_namespace(self.parent(), prefix))?;
        (!self.tree.namespace(found).uri.is_empty()).then_some(found)
    }

    /// The attributes of a start tag and the namespaces it declares.
    fn attributes(&mut self, prefix: Option<&str>, local: &str) -> (Vec<Attribute>, Vec<NamespaceId>) {
        let element = match prefix {
            Some(prefix) => format!("{prefix}:{local}"),
            None => local.to_owned(),
        };
        let mut written = Vec::new();
        let mut namespaces = Vec::new();
        while !self.halted && !self.cursor.at_end() && !self.cursor.is('>') && !self.cursor.starts_with("/>") {
            let attribute = self.attribute(&element);
            written.extend(attribute.and_then(|attribute| self.declaration(attribute, &mut namespaces)));
            if self.cursor.is('>') || self.cursor.starts_with("/>") {
                break;
            }
            if !self.cursor.skip_spaces() {
                self.error("attributes construct error");
                break;
            }
        }
        (self.resolve_attributes(written, &namespaces, local), namespaces)
    }

    /// `</name>` of the innermost open element.
    pub(super) fn end_tag(&mut self) {
        let Some(open) = self.open.pop() else { return };
        self.cursor.skip(2);
        let found = self.end_name(&open);
        self.cursor.skip_spaces();
        if !self.cursor.eat('>') {
            self.error("expected '>'");
        }
        if let Err(found) = found {
            let (name, line) = (&open.local, open.line);
            self.error(&format!("Opening and ending tag mismatch: {name} line {line} and {found}"));
        }
    }

    /// The name of an end tag, which must be the start tag's; otherwise what it is.
    fn end_name(&mut self, open: &Open) -> Result<(), String> {
        let unreadable = || "unparsable".to_owned();
        match &open.prefix {
            None => {
                let found = self.name().ok_or_else(unreadable)?;
                if found == open.local { Ok(()) } else { Err(found) }
            }
            Some(_) => {
                let (prefix, local) = self.qname().ok_or_else(unreadable)?;
                if prefix == open.prefix && local == open.local { Ok(()) } else { Err(local) }
            }
        }
    }
}
