//! Assignment to members of `jsonb` by subscripts: missing objects and arrays on the way are made, gaps are filled.

use std::sync::Arc;

use dictdb_types::{Datum, Error, Jsonb, Result, SqlState};

/// One subscript.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// An integer.
    Index(i32),
    /// A text, which may still be the number of an element.
    Key(Arc<str>),
}

/// The value with the member at a path replaced. NULL becomes the kind of container that the first subscript asks for.
pub(super) fn set(container: Datum, path: &[Step], value: &Datum) -> Result<Datum> {
    let value = match value {
        Datum::Null => Jsonb::Null,
        Datum::Jsonb(value) => (**value).clone(),
        other => return Err(Error::internal(format!("{other:?} for a member of jsonb"))),
    };
    let container = match container {
        Datum::Null => empty_for(path.first()),
        Datum::Jsonb(json) => Arc::unwrap_or_clone(json),
        other => return Err(Error::internal(format!("{other:?} where a jsonb was planned"))),
    };
    set_at(container, path, 0, value).map(|json| Datum::Jsonb(Arc::new(json)))
}

fn empty_for(step: Option<&Step>) -> Jsonb {
    match step {
        Some(Step::Index(_)) => Jsonb::Array(Vec::new()),
        _ => Jsonb::Object(Vec::new()),
    }
}

fn set_at(container: Jsonb, path: &[Step], level: usize, value: Jsonb) -> Result<Jsonb> {
    let Some(step) = path.get(level) else { return Ok(value) };
    match container {
        Jsonb::Object(pairs) => set_member(pairs, step, path, level, value),
        Jsonb::Array(items) => set_item(items, step, path, level, value),
        _ => Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "cannot replace existing key")
            .detail("The path assumes key is a composite object, but it is a scalar value.")),
    }
}

fn set_member(
    mut pairs: Vec<(Arc<str>, Jsonb)>,
    step: &Step,
    path: &[Step],
    level: usize,
    value: Jsonb,
) -> Result<Jsonb> {
    let key: Arc<str> = match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => Arc::from(index.to_string()),
    };
    match pairs.iter().position(|(own, _)| *own == key) {
        Some(at) => {
            let old = std::mem::replace(&mut pairs[at].1, Jsonb::Null);
            pairs[at].1 = set_at(old, path, level + 1, value)?;
            Ok(Jsonb::Object(pairs))
        }
        None => {
            let member = set_at(empty_for(path.get(level + 1)), path, level + 1, value)?;
            pairs.push((key, member));
            Ok(Jsonb::object(pairs))
        }
    }
}

/// Negative numbers count from the end; beyond it the array is filled up with nulls.
fn set_item(mut items: Vec<Jsonb>, step: &Step, path: &[Step], level: usize, value: Jsonb) -> Result<Jsonb> {
    let index = match step {
        Step::Index(index) => *index,
        Step::Key(key) => key.trim().parse().map_err(|_| {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("path element at position {} is not an integer: \"{key}\"", level + 1),
            )
        })?,
    };
    let at = if index < 0 { i64::from(index) + items.len() as i64 } else { i64::from(index) };
    let Ok(at) = usize::try_from(at) else {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("path element at position {} is out of range: {index}", level + 1),
        ));
    };
    if at < items.len() {
        let old = std::mem::replace(&mut items[at], Jsonb::Null);
        items[at] = set_at(old, path, level + 1, value)?;
    } else {
        items.resize(at, Jsonb::Null);
        items.push(set_at(empty_for(path.get(level + 1)), path, level + 1, value)?);
    }
    Ok(Jsonb::Array(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Step {
        Step::Key(Arc::from(text))
    }

    #[test]
    fn what_is_missing_is_made() {
        let made = set(Datum::Null, &[key("a"), Step::Index(1), key("b")], &Datum::Null).unwrap();
        let Datum::Jsonb(made) = made else { panic!("not jsonb") };
        let Jsonb::Object(pairs) = &*made else { panic!("not an object") };
        let Jsonb::Array(items) = &pairs[0].1 else { panic!("not an array") };
        assert!(matches!(items[0], Jsonb::Null) && matches!(items[1], Jsonb::Object(_)));
    }

    #[test]
    fn scalars_have_no_members() {
        let scalar = Datum::Jsonb(Arc::new(Jsonb::Bool(true)));
        assert_eq!(set(scalar, &[key("a")], &Datum::Null).unwrap_err().message(), "cannot replace existing key");
    }
}
