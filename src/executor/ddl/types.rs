//! CREATE TYPE: enums and composites; ALTER TYPE … ADD VALUE and RENAME VALUE.

use std::sync::Arc;

use dictdb_catalog::{Change, Column, Dependency, Key, Object, Relation, RelationKind};
use dictdb_parser::utility::{AlterEnum, AlterEnumAction, CreateComposite, CreateEnum, ObjectKind};
use dictdb_types::{EnumLabel, Error, Oid, Result, SqlState, TypeInfo, TypeKind};

use super::DdlContext;
use super::column::without_position;
use super::names::{parts, shown};

/// `pg_class.oid` of `pg_type`.
const TYPE_CLASS: Oid = Oid(1247);
/// Distance between the codes of neighbouring labels of a new enum at most: thirty labels fit between two of a few,
/// each next to the one before.
const LABEL_SPACING: u32 = 1 << 30;
/// Longest label, in bytes.
const LABEL_BYTES: usize = 63;

impl DdlContext<'_> {
    pub(super) fn create_enum(&mut self, create: &CreateEnum) -> Result<()> {
        let (namespace, name) = self.new_type_name(&create.name)?;
        let mut labels: Vec<EnumLabel> = Vec::with_capacity(create.labels.len());
        let spacing = label_spacing(create.labels.len());
        for (index, label) in create.labels.iter().enumerate() {
            check_label(label)?;
            if labels.iter().any(|other| *other.label == **label) {
                return Err(Error::new(
                    SqlState::UNIQUE_VIOLATION,
                    "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"",
                ));
            }
            let code = (index as u32 + 1)
                .checked_mul(spacing)
                .ok_or_else(|| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "too many labels of an enum type"))?;
            labels.push(EnumLabel { oid: self.new_oid(), code, label: Arc::from(label.as_str()) });
        }
        let info = TypeInfo {
            kind: TypeKind::Enum(labels.into()),
            category: b'E',
            len: 4,
            by_value: true,
            align: b'i',
            input: Arc::from("enum_in"),
            ..self.new_type(namespace, name)
        };
        self.put_type_with_array(info).map(|_| ())
    }

    pub(super) fn create_composite(&mut self, create: &CreateComposite) -> Result<()> {
        let (namespace, name) = self.new_type_name(&create.name)?;
        let mut columns = Vec::with_capacity(create.attributes.len());
        for (slot, attribute) in create.attributes.iter().enumerate() {
            columns.push(self.define_column(attribute, &name, slot).map_err(without_position)?.column);
        }
        let oid = self.new_oid();
        let row_type = self.put_row_type(namespace, &name, oid, &columns)?;
        self.put_composite(namespace, name, oid, row_type, columns);
        Ok(())
    }

    fn put_composite(&mut self, namespace: Oid, name: Arc<str>, oid: Oid, row_type: Oid, columns: Vec<Column>) {
        self.put_relation(Relation {
            columns: columns.into(),
            row_type,
            ..Relation::new(oid, namespace, name, self.role, RelationKind::Composite)
        });
        self.depend(Key::Relation(oid), Key::Schema(namespace), Dependency::Normal);
    }

    pub(super) fn alter_enum(&mut self, alter: &AlterEnum) -> Result<()> {
        let info = self.find_type(&alter.name)?;
        let TypeKind::Enum(labels) = &info.kind else {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not an enum", info.name)));
        };
        let mut labels = labels.to_vec();
        match &alter.action {
            AlterEnumAction::Add { if_not_exists, label, neighbor } => {
                check_label(label)?;
                if labels.iter().any(|other| *other.label == **label) {
                    let message = format!("enum label \"{label}\" already exists");
                    if *if_not_exists {
                        self.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
                        return Ok(());
                    }
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                let place = label_place(&labels, neighbor.as_ref())?;
                let code = code_at(&labels, place)?;
                labels.insert(place, EnumLabel { oid: self.new_oid(), code, label: Arc::from(label.as_str()) });
            }
            AlterEnumAction::Rename { from, to } => {
                check_label(to)?;
                let place =
                    labels.iter().position(|label| *label.label == **from).ok_or_else(|| missing_label(from))?;
                if labels.iter().any(|label| *label.label == **to) {
                    return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("enum label \"{to}\" already exists")));
                }
                labels[place].label = Arc::from(to.as_str());
            }
        }
        self.put(Object::Type(Arc::new(TypeInfo { kind: TypeKind::Enum(labels.into()), ..TypeInfo::clone(&info) })));
        Ok(())
    }

    /// A type by name; 42704, 3F000.
    pub(super) fn find_type(&mut self, name: &dictdb_parser::ast::ObjectName) -> Result<Arc<TypeInfo>> {
        let catalog = self.view();
        let found = match parts(name).as_slice() {
            [name] => catalog.type_on_path(self.search_path, &name.value),
            [.., schema, name] => {
                let seen = catalog.schema_seen(self.search_path, &schema.value).ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_SCHEMA, format!("schema \"{}\" does not exist", schema.value))
                })?;
                catalog.type_in(seen.oid, &name.value)
            }
            [] => None,
        };
        found.ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{}\" does not exist", shown(name))))
    }

    pub(super) fn new_type_name(&mut self, name: &dictdb_parser::ast::ObjectName) -> Result<(Oid, Arc<str>)> {
        let (namespace, name) = self.new_name(name, false)?;
        if let Some(taken) = self.view().type_in(namespace, &name)
            && !self.move_array_type(&taken)
        {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
        }
        Ok((namespace, name))
    }

    /// Makes way for a new type where the name is only that of an array type, which has a name of no importance.
    pub(super) fn move_array_type(&mut self, taken: &TypeInfo) -> bool {
        let of_element = |info: Arc<TypeInfo>| info.array == taken.oid;
        if taken.oid < Oid::FIRST_NORMAL || !self.type_info(taken.element).is_ok_and(of_element) {
            return false;
        }
        let name = self.array_name(taken.namespace, &taken.name);
        self.put(Object::Type(Arc::new(TypeInfo { name, ..taken.clone() })));
        true
    }

    /// A type of a user with nothing set but its names.
    pub(super) fn new_type(&mut self, namespace: Oid, name: Arc<str>) -> TypeInfo {
        TypeInfo {
            oid: self.new_oid(),
            name,
            namespace,
            owner: self.role,
            kind: TypeKind::Base,
            category: b'U',
            preferred: false,
            len: -1,
            by_value: false,
            align: b'i',
            delimiter: b',',
            relation: Oid::INVALID,
            element: Oid::INVALID,
            array: Oid::INVALID,
            collation: Oid::INVALID,
            input: Arc::from(""),
        }
    }

    /// Makes a type and the array type over it.
    pub(super) fn put_type_with_array(&mut self, mut info: TypeInfo) -> Result<Oid> {
        let oid = info.oid;
        let name = self.array_name(info.namespace, &info.name);
        let array = TypeInfo {
            category: b'A',
            align: if info.align == b'd' { b'd' } else { b'i' },
            element: oid,
            collation: info.collation,
            input: Arc::from("array_in"),
            ..self.new_type(info.namespace, name)
        };
        info.array = array.oid;
        let (namespace, array_oid) = (info.namespace, array.oid);
        if info.relation.is_valid() {
            self.depend(Key::Type(oid), Key::Relation(info.relation), Dependency::Internal);
        } else {
            self.depend(Key::Type(oid), Key::Schema(namespace), Dependency::Normal);
        }
        self.depend(Key::Type(array_oid), Key::Type(oid), Dependency::Internal);
        let of_table = info.relation.is_valid();
        self.put(Object::Type(Arc::new(info)));
        self.put(Object::Type(Arc::new(array)));
        if let Some(acl) = self.initial_acl(ObjectKind::Type, namespace).filter(|_| !of_table) {
            self.change(Change::Acl { class: TYPE_CLASS, object: oid, acl: Some(acl) });
        }
        Ok(oid)
    }

    /// `_name`, with more underscores while that is taken.
    pub(super) fn array_name(&mut self, namespace: Oid, name: &str) -> Arc<str> {
        let catalog = self.view();
        let mut array = format!("_{name}");
        while catalog.type_in(namespace, &array).is_some() {
            array.insert(0, '_');
        }
        Arc::from(array)
    }
}

/// How far apart the labels of a new enum are: half of the codes stay free behind them.
fn label_spacing(labels: usize) -> u32 {
    let most = (u32::MAX / 2) as usize / labels.max(1);
    u32::try_from(most).unwrap_or(LABEL_SPACING).clamp(1, LABEL_SPACING)
}

/// Where a new label goes.
fn label_place(labels: &[EnumLabel], neighbor: Option<&(bool, String)>) -> Result<usize> {
    let Some((after, neighbor)) = neighbor else { return Ok(labels.len()) };
    let place = labels.iter().position(|label| *label.label == **neighbor).ok_or_else(|| {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{neighbor}\" is not an existing enum label"))
    })?;
    Ok(place + usize::from(*after))
}

/// A code between the neighbours of a place; 54000 when there is none left.
fn code_at(labels: &[EnumLabel], place: usize) -> Result<u32> {
    let full = || Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "no room for another label at this place of the enum");
    let before = place.checked_sub(1).map_or(0, |index| labels[index].code);
    match labels.get(place) {
        None if before == u32::MAX => Err(full()),
        // Half of what is left, so that there is always some more.
        None => Ok(before + ((u32::MAX - before) / 2).clamp(1, 1 << 16)),
        Some(next) if next.code - before > 1 => Ok(before + (next.code - before) / 2),
        Some(_) => Err(full()),
    }
}

fn check_label(label: &str) -> Result<()> {
    if label.is_empty() || label.len() > LABEL_BYTES {
        return Err(Error::new(SqlState::INVALID_NAME, format!("invalid enum label \"{label}\""))
            .detail("Labels must be 63 bytes or less."));
    }
    Ok(())
}

fn missing_label(label: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("\"{label}\" is not an existing enum label"))
}
