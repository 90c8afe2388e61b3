//! Comparisons: between sets of nodes one pair that fits is enough.

use super::Result;
use super::expr::Operator;
use super::number;
use super::value::Value;
use crate::tree::Document;

pub(super) fn compare(
    document: &Document,
    operator: Operator,
    left: &Value,
    right: &Value,
    tick: &mut dyn FnMut() -> Result<()>,
) -> Result<bool> {
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    match (left, right) {
        // Against a boolean a set of nodes is one too.
        (Value::Boolean(_), Value::Nodes(_)) | (Value::Nodes(_), Value::Boolean(_)) => {
            Ok(of_simple(document, operator, &Value::Boolean(left.boolean()), &Value::Boolean(right.boolean())))
        }
        (Value::Nodes(a), Value::Nodes(b)) => {
            let texts: Vec<String> = b.iter().map(|node| node.string_value(document)).collect();
            let numbers: Vec<f64> = match equality {
                true => Vec::new(),
                false => texts.iter().map(|text| number::from_string(text)).collect(),
            };
            for node in a {
                tick()?;
                let text = node.string_value(document);
                let found = match equality {
                    true => texts.iter().any(|other| holds(operator, &text, other)),
                    false => {
                        let number = number::from_string(&text);
                        numbers.iter().any(|other| holds(operator, &number, other))
                    }
                };
                if found {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Nodes(nodes), other) => {
            for node in nodes {
                tick()?;
                if of_simple(document, operator, &Value::String(node.string_value(document)), other) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (other, Value::Nodes(nodes)) => {
            for node in nodes {
                tick()?;
                if of_simple(document, operator, other, &Value::String(node.string_value(document))) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Ok(of_simple(document, operator, left, right)),
    }
}

/// Of values that are no sets of nodes.
fn of_simple(document: &Document, operator: Operator, left: &Value, right: &Value) -> bool {
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    match (left, right) {
        (Value::Boolean(_), _) | (_, Value::Boolean(_)) if equality => {
            holds(operator, &left.boolean(), &right.boolean())
        }
        (Value::String(a), Value::String(b)) if equality => holds(operator, a, b),
        _ => holds(operator, &left.number(document), &right.number(document)),
    }
}

fn holds<T: PartialOrd>(operator: Operator, left: &T, right: &T) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterEqual => left >= right,
        _ => false,
    }
}
