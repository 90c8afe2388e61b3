//! A node with all that is in it as text, with the declarations of the namespaces it uses.

use crate::escape;
use crate::tree::{Document, Kind, NamespaceId, NodeId, QName};

/// The text of a node that can stand by itself: namespaces declared around it are declared in it.
pub fn serialize(document: &Document, node: NodeId) -> String {
    let mut writer = Writer { document, out: String::new(), borrowed: borrowed_namespaces(document, node), top: node };
    writer.subtree(node);
    writer.out
}

/// Declarations outside of a subtree that names inside of it refer to, in the order they are needed.
fn borrowed_namespaces(document: &Document, top: NodeId) -> Vec<NamespaceId> {
    let mut borrowed: Vec<NamespaceId> = Vec::new();
    let mut node = Some(top);
    let end = document.after_subtree(top);
    while let Some(element) = node.filter(|node| Some(*node) != end) {
        if let Kind::Element(name, _) = document.kind(element) {
            let attributes = document.attributes(element).filter_map(|attribute| match document.kind(attribute) {
                Kind::Attribute(name, _) => Some(name),
                _ => None,
            });
            for name in std::iter::once(name).chain(attributes) {
                let Some(id) = name.namespace.filter(|id| *id != document.xml_namespace()) else { continue };
                if !borrowed.contains(&id) && !is_declared_within(document, element, top, id) {
                    borrowed.push(id);
                }
            }
        }
        node = document.first_child(element).or_else(|| document.after_subtree(element));
    }
    borrowed
}

fn is_declared_within(document: &Document, from: NodeId, top: NodeId, id: NamespaceId) -> bool {
    let mut node = Some(from);
    while let Some(element) = node {
        if let Kind::Element(_, own) = document.kind(element)
            && own.contains(&id)
        {
            return true;
        }
        node = if element == top { None } else { document.parent(element) };
    }
    false
}

struct Writer<'a> {
    document: &'a Document,
    out: String,
    borrowed: Vec<NamespaceId>,
    top: NodeId,
}

impl Writer<'_> {
    /// A loop over the tree with its own way back, so that depth costs no stack.
    fn subtree(&mut self, top: NodeId) {
        let mut node = top;
        loop {
            self.open(node);
            if let Some(child) = self.document.first_child(node) {
                node = child;
                continue;
            }
            loop {
                if node == top {
                    return;
                }
                if let Some(next) = self.document.next_sibling(node) {
                    self.after_child(node);
                    node = next;
                    break;
                }
                self.after_child(node);
                let Some(parent) = self.document.parent(node) else { return };
                self.close(parent);
                node = parent;
            }
        }
    }

    fn open(&mut self, node: NodeId) {
        match self.document.kind(node) {
            Kind::Document => {}
            Kind::Element(name, own) => self.start_tag(node, *name, own),
            Kind::Attribute(name, value) => self.attribute(*name, value),
            Kind::Text(text) => escape::node_text(text, &mut self.out),
            Kind::CData(text) => self.cdata(text),
            Kind::Comment(text) => self.wrapped("<!--", text, "-->"),
            Kind::Instruction(target, content) => {
                let target = self.document.name(*target);
                match content {
                    Some(content) => self.wrapped("<?", &format!("{target} {content}"), "?>"),
                    None => self.wrapped("<?", target, "?>"),
                }
            }
            Kind::EntityReference(name) => self.wrapped("&", self.document.name(*name), ";"),
            Kind::DocumentType(text) => self.out.push_str(text),
        }
    }

    fn start_tag(&mut self, node: NodeId, name: QName, own: &[NamespaceId]) {
        self.out.push('<');
        self.out.push_str(&self.document.written(name));
        let borrowed = if node == self.top { std::mem::take(&mut self.borrowed) } else { Vec::new() };
        for id in own.iter().chain(&borrowed) {
            let namespace = self.document.namespace(*id);
            match &namespace.prefix {
                Some(prefix) => self.out.push_str(&format!(" xmlns:{prefix}=\"")),
                None => self.out.push_str(" xmlns=\""),
            }
            escape::quoted(&namespace.uri, &mut self.out);
            self.out.push('"');
        }
        for attribute in self.document.attributes(node) {
            self.open(attribute);
        }
        let end = if self.document.first_child(node).is_some() { ">" } else { "/>" };
        self.out.push_str(end);
    }

    fn attribute(&mut self, name: QName, value: &str) {
        self.out.push_str(&format!(" {}=\"", self.document.written(name)));
        escape::attribute(value, &mut self.out);
        self.out.push('"');
    }

    fn cdata(&mut self, text: &str) {
        // An end of section inside of it is split over two.
        self.wrapped("<![CDATA[", &text.replace("]]>", "]]]]><![CDATA[>"), "]]>");
    }

    fn wrapped(&mut self, before: &str, text: &str, after: &str) {
        self.out.push_str(before);
        self.out.push_str(text);
        self.out.push_str(after);
    }

    /// Children of the document stand on lines of their own.
    fn after_child(&mut self, node: NodeId) {
        if self.document.parent(node) == Some(self.document.root()) {
            self.out.push('\n');
        }
    }

    fn close(&mut self, node: NodeId) {
        if let Kind::Element(name, _) = self.document.kind(node) {
            self.out.push_str(&format!("</{}>", self.document.written(*name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse_document;

    fn round_trip(text: &str) -> String {
        let parsed = parse_document(text);
        assert!(!parsed.has_error(true), "{:?}", parsed.problems);
        serialize(&parsed.document, parsed.document.document_element().expect("an element"))
    }

    #[test]
    fn a_document_comes_back() {
        for text in [
            "<a/>",
            "<a>b<c d=\"e\"/>f</a>",
            "<a xmlns=\"u:a\" xmlns:b=\"u:b\"><b:c b:d=\"1\"/></a>",
            "<a><!--x--><?y z?><![CDATA[<>&]]></a>",
            "<a>&lt;&gt;&amp;\"</a>",
            "<a><b><c/></b><b/></a>",
        ] {
            assert_eq!(round_trip(text), text);
        }
        assert_eq!(round_trip("<a b='é\"'>é</a>"), "<a b=\"&#xE9;&quot;\">é</a>");
    }

    #[test]
    fn a_part_declares_what_it_uses() {
        let parsed = parse_document("<a xmlns=\"u:a\" xmlns:b=\"u:b\" xmlns:c=\"u:c\"><b:d><e/></b:d></a>");
        let document = &parsed.document;
        let inner = document.first_child(document.document_element().expect("an element")).expect("a child");
        assert_eq!(serialize(document, inner), "<b:d xmlns:b=\"u:b\" xmlns=\"u:a\"><e/></b:d>");
    }
}
