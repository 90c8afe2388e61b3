//! What kind of condition an expression is: a comparison, an equality with a column, values that a key can be.

use dictdb_types::{Type, oids};

use crate::expr::{ColumnId, Expr};

/// The operator and operands of a comparison, or of any other binary operator.
pub(crate) fn comparison(conjunct: &Expr) -> Option<(&str, &Expr, &Expr)> {
    let Expr::Call(call) = conjunct else { return None };
    let [left, right] = call.args.as_slice() else { return None };
    Some((call.known_operator()?, left, right))
}

/// `column = value`, either way round.
pub(crate) fn equality(conjunct: &Expr) -> Option<(ColumnId, &Expr)> {
    let (operator, left, right) = comparison(conjunct)?;
    if operator != "=" {
        return None;
    }
    match (bare_column(left), bare_column(right)) {
        (Some(id), _) => Some((id, right)),
        (None, Some(id)) => Some((id, left)),
        (None, None) => None,
    }
}

/// A column, perhaps under another name of its type (`varchar` as `text`).
pub(crate) fn bare_column(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(id, _) => Some(*id),
        Expr::Relabel(inner, _) => bare_column(inner),
        _ => None,
    }
}

/// Whether two expressions are one value under perhaps two names of its type.
pub(crate) fn same_value(a: &Expr, b: &Expr) -> bool {
    strip(a).same(strip(b))
}

fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Relabel(inner, _) => strip(inner),
        other => other,
    }
}

/// Whether keys of the two types are encoded alike; integers are brought to the key's width when they are encoded.
pub(crate) fn same_key_type(value: Type, key: Type) -> bool {
    let family = |oid| match oid {
        oids::TEXT | oids::VARCHAR => oids::TEXT,
        oids::INT2 | oids::INT4 | oids::INT8 => oids::INT8,
        oids::REGCLASS | oids::REGTYPE | oids::REGPROC | oids::OID => oids::OID,
        other => other,
    };
    family(value.oid) == family(key.oid)
}

/// The comparison that says the same of operands the other way round.
pub(crate) fn commuted(operator: &str) -> &str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        other => other,
    }
}
