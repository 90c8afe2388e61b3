//! Type names as the parser writes them into sqlparser's `DataType`.

use sqlparser::ast::{ArrayElemTypeDef, DataType, Ident, ObjectNamePart};

/// A type as it was named; which type that is, the catalog knows.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName<'a> {
    /// One name, or schema and name, or database, schema and name; with `%TYPE` a column.
    pub names: Vec<&'a Ident>,
    /// Type modifiers as the type's modifier input function takes them; `interval` has its field mask first.
    pub modifiers: &'a [String],
    /// Number of `[]`; any number makes the same array type.
    pub dimensions: usize,
    /// `table.column%TYPE`.
    pub of_column: bool,
}

/// The modifier that stands for `%TYPE`.
pub(crate) const OF_COLUMN: &str = "%TYPE";

impl<'a> TypeName<'a> {
    /// Reads a type of one of our trees; `None` for nodes the parser never makes.
    pub fn of(data_type: &'a DataType) -> Option<Self> {
        let mut element = data_type;
        let mut dimensions = 0;
        while let DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) = element {
            element = inner;
            dimensions += 1;
        }
        let DataType::Custom(name, modifiers) = element else { return None };
        let names = name.0.iter().map(ObjectNamePart::as_ident).collect::<Option<Vec<_>>>()?;
        let of_column = modifiers.first().is_some_and(|m| m == OF_COLUMN);
        Some(TypeName { names, modifiers: if of_column { &[] } else { modifiers }, dimensions, of_column })
    }
}
