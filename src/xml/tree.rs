//! A document as an arena of nodes. Nodes are added in document order, so that a node's number is its place in that order: an
//! element comes before its attributes, those before its children.

use std::collections::HashMap;

/// The namespace that the prefix `xml` always stands for.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// Longest text that references to entities may expand to where a node's string value is asked for, in bytes.
const MAX_EXPANSION_BYTES: usize = 10_000_000;

/// A node's place in document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u32);

/// A name that occurs in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symbol(u32);

/// The number of a namespace declaration in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceId(u32);

/// The name of an element or attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QName {
    /// The prefix as written.
    pub prefix: Option<Symbol>,
    /// The name after the prefix.
    pub local: Symbol,
    /// The declaration that the prefix, or no prefix, refers to.
    pub namespace: Option<NamespaceId>,
}

/// A declaration of a namespace.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// The prefix; `None` for the default namespace.
    pub prefix: Option<Box<str>>,
    /// The namespace's name; empty where the default namespace is taken back.
    pub uri: Box<str>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The root of everything.
    Document,
    /// An element, with the declarations in its start tag.
    Element(QName, Box<[NamespaceId]>),
    /// An attribute and its value.
    Attribute(QName, Box<str>),
    /// Characters.
    Text(Box<str>),
    /// Characters of a CDATA section.
    CData(Box<str>),
    /// A comment.
    Comment(Box<str>),
    /// A processing instruction: target and content.
    Instruction(Symbol, Option<Box<str>>),
    /// A reference to an entity that the document type declares.
    EntityReference(Symbol),
    /// The document type declaration as it was written.
    DocumentType(Box<str>),
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    parent: Option<NodeId>,
    previous: Option<NodeId>,
    next: Option<NodeId>,
    first_child: Option<NodeId>,
    last_child: Option<NodeId>,
}

/// A parsed document.
#[derive(Clone, Debug)]
pub struct Document {
    nodes: Vec<Node>,
    namespaces: Vec<Namespace>,
    names: Vec<Box<str>>,
    symbols: HashMap<Box<str>, Symbol>,
    entities: HashMap<Symbol, Box<str>>,
    /// Attributes of type ID: element name and attribute name as written.
    ids: Vec<(Box<str>, Box<str>)>,
}

impl Default for Document {
    fn default() -> Self {
        Document::new()
    }
}

impl Document {
    /// A document with nothing in it but its root.
    pub fn new() -> Document {
        let root = Node {
            kind: Kind::Document,
            parent: None,
            previous: None,
            next: None,
            first_child: None,
            last_child: None,
        };
        Document {
            nodes: vec![root],
            namespaces: vec![Namespace { prefix: Some("xml".into()), uri: XML_NAMESPACE.into() }],
            names: Vec::new(),
            symbols: HashMap::new(),
            entities: HashMap::new(),
            ids: Vec::new(),
        }
    }

    /// The root node.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The declaration of the prefix `xml`, which every document has.
    pub fn xml_namespace(&self) -> NamespaceId {
        NamespaceId(0)
    }

    /// The symbol of a name, made where it is new.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbols.get(name) {
            return *symbol;
        }
        let symbol = Symbol(self.names.len() as u32);
        self.names.push(name.into());
        self.symbols.insert(name.into(), symbol);
        symbol
    }

    /// The symbol of a name, if it occurs.
    pub fn symbol(&self, name: &str) -> Option<Symbol> {
        self.symbols.get(name).copied()
    }

    /// The name of a symbol.
    pub fn name(&self, symbol: Symbol) -> &str {
        &self.names[symbol.0 as usize]
    }

    /// Adds a namespace declaration.
    pub fn add_namespace(&mut self, prefix: Option<&str>, uri: &str) -> NamespaceId {
        self.namespaces.push(Namespace { prefix: prefix.map(Into::into), uri: uri.into() });
        NamespaceId(self.namespaces.len() as u32 - 1)
    }

    /// A namespace declaration.
    pub fn namespace(&self, id: NamespaceId) -> &Namespace {
        &self.namespaces[id.0 as usize]
    }

    /// Adds an attribute to the element added last.
    pub fn add_attribute(&mut self, element: NodeId, name: QName, value: &str) -> NodeId {
        self.push(Kind::Attribute(name, value.into()), Some(element))
    }

    /// Adds a node as the last child of another, which must be open: nodes are added in document order.
    pub fn add_child(&mut self, parent: NodeId, kind: Kind) -> NodeId {
        let previous = self.node(parent).last_child;
        let id = self.push(kind, Some(parent));
        self.nodes[id.0 as usize].previous = previous;
        match previous {
            Some(previous) => self.nodes[previous.0 as usize].next = Some(id),
            None => self.nodes[parent.0 as usize].first_child = Some(id),
        }
        self.nodes[parent.0 as usize].last_child = Some(id);
        id
    }

    /// Adds text as the last child of a node, to the text before it if there is one.
    pub fn add_text(&mut self, parent: NodeId, text: String) {
        let last = self.node(parent).last_child;
        match last.map(|last| &mut self.nodes[last.0 as usize].kind) {
            Some(Kind::Text(before)) => {
                let mut joined = std::mem::take(before).into_string();
                joined.push_str(&text);
                *before = joined.into();
            }
            _ => {
                self.add_child(parent, Kind::Text(text.into()));
            }
        }
    }

    /// Makes the text of an entity known. The first declaration of a name counts.
    pub fn declare_entity(&mut self, name: &str, text: &str) {
        let symbol = self.intern(name);
        self.entities.entry(symbol).or_insert_with(|| text.into());
    }

    /// The text of an entity.
    pub fn entity(&self, name: Symbol) -> Option<&str> {
        self.entities.get(&name).map(|text| &**text)
    }

    /// Makes known that an attribute identifies its element.
    pub fn declare_id(&mut self, element: &str, attribute: &str) {
        self.ids.push((element.into(), attribute.into()));
    }

    fn push(&mut self, kind: Kind, parent: Option<NodeId>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { kind, parent, previous: None, next: None, first_child: None, last_child: None });
        id
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// What a node is.
    pub fn kind(&self, id: NodeId) -> &Kind {
        &self.node(id).kind
    }

    /// The parent; the element of an attribute.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// The sibling after a node.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).next
    }

    /// The sibling before a node.
    pub fn previous_sibling(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).previous
    }

    /// The first child.
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).first_child
    }

    /// The last child.
    pub fn last_child(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).last_child
    }

    /// The children in order.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.first_child(id), |child| self.next_sibling(*child))
    }

    /// The attributes of an element in order.
    pub fn attributes(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let is_element = matches!(self.kind(id), Kind::Element(..));
        let after = (id.0 + 1..self.nodes.len() as u32).map(NodeId);
        after.take_while(move |node| is_element && matches!(self.kind(*node), Kind::Attribute(..)))
    }

    /// Whether a node is another or inside of it; attributes are inside of their element.
    pub fn is_within(&self, id: NodeId, ancestor: NodeId) -> bool {
        std::iter::successors(Some(id), |node| self.parent(*node)).any(|node| node == ancestor)
    }

    /// The node after all descendants of this one, in document order.
    pub fn after_subtree(&self, id: NodeId) -> Option<NodeId> {
        std::iter::successors(Some(id), |node| self.parent(*node)).find_map(|node| self.next_sibling(node))
    }

    /// The element that contains all others.
    pub fn document_element(&self) -> Option<NodeId> {
        self.children(self.root()).find(|child| matches!(self.kind(*child), Kind::Element(..)))
    }

    /// The declaration that a prefix refers to at an element; `None` as prefix is the default namespace.
    pub fn find_namespace(&self, element: NodeId, prefix: Option<&str>) -> Option<NamespaceId> {
        if prefix == Some("xml") {
            return Some(self.xml_namespace());
        }
        std::iter::successors(Some(element), |node| self.parent(*node)).find_map(|node| match self.kind(node) {
            Kind::Element(_, declared) => {
                declared.iter().copied().find(|id| self.namespace(*id).prefix.as_deref() == prefix)
            }
            _ => None,
        })
    }

    /// The declarations in force at an element: that of `xml`, then the innermost of each other prefix.
    pub fn namespaces_in_scope(&self, element: NodeId) -> Vec<NamespaceId> {
        let mut found: Vec<NamespaceId> = Vec::new();
        for node in std::iter::successors(Some(element), |node| self.parent(*node)) {
            let Kind::Element(_, declared) = self.kind(node) else { continue };
            for id in declared {
                let prefix = &self.namespace(*id).prefix;
                if !found.iter().any(|other| self.namespace(*other).prefix == *prefix) {
                    found.push(*id);
                }
            }
        }
        found.retain(|id| !self.namespace(*id).uri.is_empty());
        found.insert(0, self.xml_namespace());
        found
    }

    /// The elements that an identifier names.
    pub fn element_by_id(&self, identifier: &str) -> Option<NodeId> {
        let xml = self.xml_namespace();
        let names_it = |attribute: NodeId, element: QName| {
            let Kind::Attribute(name, value) = self.kind(attribute) else { return false };
            let xml_id = name.namespace == Some(xml) && self.name(name.local) == "id";
            let declared = || {
                let (element, attribute) = (self.written(element), self.written(*name));
                self.ids.iter().any(|(owner, id)| **owner == *element && **id == *attribute)
            };
            **value == *identifier && (xml_id || declared())
        };
        (0..self.nodes.len() as u32).map(NodeId).find(|node| match self.kind(*node) {
            Kind::Element(name, _) => self.attributes(*node).any(|attribute| names_it(attribute, *name)),
            _ => false,
        })
    }

    /// A name as it was written, prefix included.
    pub fn written(&self, name: QName) -> String {
        match name.prefix {
            Some(prefix) => format!("{}:{}", self.name(prefix), self.name(name.local)),
            None => self.name(name.local).to_owned(),
        }
    }

    /// The string value of a node as XPath defines it.
    pub fn string_value(&self, id: NodeId) -> String {
        let mut out = String::new();
        self.append_string_value(id, &mut out);
        out
    }

    fn append_string_value(&self, id: NodeId, out: &mut String) {
        match self.kind(id) {
            Kind::Attribute(_, text) | Kind::Text(text) | Kind::CData(text) | Kind::Comment(text) => out.push_str(text),
            Kind::Instruction(_, text) => out.push_str(text.as_deref().unwrap_or_default()),
            Kind::EntityReference(name) => crate::entity::append_text(self, *name, MAX_EXPANSION_BYTES, out),
            Kind::DocumentType(_) => {}
            Kind::Document | Kind::Element(..) => self.append_descendants(id, out),
        }
    }

    /// Text of all descendants. A loop instead of recursion: the tree may be as deep as the parser allows.
    fn append_descendants(&self, top: NodeId, out: &mut String) {
        let end = self.after_subtree(top).map_or(self.nodes.len() as u32, |node| node.0);
        for node in (top.0 + 1..end).map(NodeId) {
            match self.kind(node) {
                Kind::Text(text) | Kind::CData(text) => out.push_str(text),
                Kind::EntityReference(name) => crate::entity::append_text(self, *name, MAX_EXPANSION_BYTES, out),
                _ => {}
            }
        }
    }
}
