//! The nodes of an axis, in the axis's own direction.

use super::expr::Axis;
use super::value::Node;
use crate::tree::{Document, Kind, NodeId};

/// Whether a node is one of XPath's: the document type is not.
fn is_node(document: &Document, id: NodeId) -> bool {
    !matches!(document.kind(id), Kind::DocumentType(_))
}

/// Gives the nodes of an axis to a function, nearest first; it says whether to go on.
pub(super) fn each(document: &Document, axis: Axis, node: Node, mut give: impl FnMut(Node) -> bool) {
    let mut tree = |id: NodeId| !is_node(document, id) || give(Node::Tree(id));
    let id = match node {
        Node::Tree(id) => id,
        Node::Namespace(element, _) => return of_namespace(document, axis, node, element, give),
    };
    match axis {
        Axis::Itself => {
            tree(id);
        }
        Axis::Child => {
            document.children(id).all(tree);
        }
        Axis::Attribute => {
            document.attributes(id).all(tree);
        }
        Axis::Parent => {
            document.parent(id).map(tree);
        }
        Axis::Ancestor => {
            ancestors(document, document.parent(id)).all(tree);
        }
        Axis::AncestorOrSelf => {
            ancestors(document, Some(id)).all(tree);
        }
        Axis::Descendant => {
            descendants(document, id).all(tree);
        }
        Axis::DescendantOrSelf => {
            let _ = tree(id) && descendants(document, id).all(tree);
        }
        Axis::FollowingSibling => {
            std::iter::successors(next_sibling(document, id), |node| document.next_sibling(*node)).all(tree);
        }
        Axis::PrecedingSibling => {
            std::iter::successors(document.previous_sibling(id), |node| document.previous_sibling(*node)).all(tree);
        }
        Axis::Following => {
            following(document, start_of_following(document, id)).all(tree);
        }
        Axis::Preceding => {
            preceding(document, element_of(document, id)).all(tree);
        }
        Axis::Namespace => {
            if matches!(document.kind(id), Kind::Element(..)) {
                let mut in_scope = document.namespaces_in_scope(id).into_iter();
                in_scope.all(|namespace| give(Node::Namespace(id, namespace)));
            }
        }
    }
}

/// A namespace has itself and the nodes above and around its element.
fn of_namespace(document: &Document, axis: Axis, node: Node, element: NodeId, mut give: impl FnMut(Node) -> bool) {
    match axis {
        Axis::Itself | Axis::DescendantOrSelf => {
            give(node);
        }
        Axis::Parent => {
            give(Node::Tree(element));
        }
        Axis::Ancestor => {
            ancestors(document, Some(element)).all(|id| give(Node::Tree(id)));
        }
        Axis::AncestorOrSelf => {
            let _ = give(node) && ancestors(document, Some(element)).all(|id| give(Node::Tree(id)));
        }
        Axis::Following => {
            following(document, document.first_child(element).or_else(|| document.after_subtree(element)))
                .all(|id| give(Node::Tree(id)));
        }
        Axis::Preceding => {
            preceding(document, element).all(|id| give(Node::Tree(id)));
        }
        _ => {}
    }
}

fn ancestors(document: &Document, from: Option<NodeId>) -> impl Iterator<Item = NodeId> + '_ {
    std::iter::successors(from, |node| document.parent(*node))
}

/// An attribute has no siblings.
fn next_sibling(document: &Document, id: NodeId) -> Option<NodeId> {
    document.next_sibling(id)
}

fn descendants(document: &Document, top: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    let end = match document.kind(top) {
        Kind::Attribute(..) => None,
        _ => document.after_subtree(top),
    };
    following(document, document.first_child(top)).take_while(move |node| Some(*node) != end)
}

/// All nodes from one on, in document order, without attributes.
fn following(document: &Document, from: Option<NodeId>) -> impl Iterator<Item = NodeId> + '_ {
    std::iter::successors(from, |node| document.first_child(*node).or_else(|| document.after_subtree(*node)))
}

fn start_of_following(document: &Document, id: NodeId) -> Option<NodeId> {
    match document.kind(id) {
        // What follows an attribute begins inside of its element.
        Kind::Attribute(..) => {
            let element = document.parent(id)?;
            document.first_child(element).or_else(|| document.after_subtree(element))
        }
        _ => document.after_subtree(id),
    }
}

fn element_of(document: &Document, id: NodeId) -> NodeId {
    match document.kind(id) {
        Kind::Attribute(..) => document.parent(id).unwrap_or(id),
        _ => id,
    }
}

/// The nodes that end before one begins, last first.
fn preceding(document: &Document, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    let mut from = id;
    std::iter::from_fn(move || {
        loop {
            match document.previous_sibling(from) {
                Some(previous) => {
                    from = last_within(document, previous);
                    break;
                }
                None => {
                    from = document.parent(from)?;
                    // An ancestor has not ended.
                    if !document.is_within(id, from) {
                        break;
                    }
                }
            }
        }
        Some(from)
    })
}

/// The last node in document order of a subtree.
fn last_within(document: &Document, top: NodeId) -> NodeId {
    let mut last = top;
    while let Some(child) = document.last_child(last) {
        last = child;
    }
    last
}
