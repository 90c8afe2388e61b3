//! Structure as XML Schema.

use dictdb_functions::CallContext;
use dictdb_types::{Error, Field, Oid, Result, Type, TypeKind, oids};
use dictdb_xml::names::{Escaping, from_identifier};

use super::data::{Form, element_name};
use super::source::{self, Table};
use super::{Schema, database};

const XSD: &str = "http://www.w3.org/2001/XMLSchema";

const TIME: &str = "\\p{Nd}{2}:\\p{Nd}{2}:\\p{Nd}{2}(.\\p{Nd}+)?";
const DATE: &str = "\\p{Nd}{4}-\\p{Nd}{2}-\\p{Nd}{2}";
const ZONE: &str = "(\\+|-)\\p{Nd}{2}:\\p{Nd}{2}";

/// Types with names of their own in XML.
const NAMES: &[(Oid, &str)] = &[
    (oids::BPCHAR, "CHAR"),
    (oids::VARCHAR, "VARCHAR"),
    (oids::NUMERIC, "NUMERIC"),
    (oids::INT4, "INTEGER"),
    (oids::INT2, "SMALLINT"),
    (oids::INT8, "BIGINT"),
    (oids::FLOAT4, "REAL"),
    (oids::FLOAT8, "DOUBLE"),
    (oids::BOOL, "BOOLEAN"),
    (oids::TIME, "TIME"),
    (oids::TIMETZ, "TIME_WTZ"),
    (oids::TIMESTAMP, "TIMESTAMP"),
    (oids::TIMESTAMPTZ, "TIMESTAMP_WTZ"),
    (oids::DATE, "DATE"),
    (oids::XML, "XML"),
];

/// What a schema document tells of more than one table.
pub(super) struct Layout {
    pub database: String,
    pub schemas: Vec<Schema>,
    /// Whether it is of the whole database.
    whole: bool,
}

fn start(out: &mut String, form: &Form<'_>) {
    out.push_str(&format!("<xsd:schema\n    xmlns:xsd=\"{XSD}\""));
    if !form.namespace.is_empty() {
        let namespace = form.namespace;
        out.push_str(&format!("\n    targetNamespace=\"{namespace}\"\n    elementFormDefault=\"qualified\""));
    }
    out.push_str(">\n\n");
}

/// `SchemaType.database.schema` and its like.
fn qualified(parts: &[&str]) -> String {
    parts.iter().map(|part| from_identifier(part, Escaping::PART)).collect::<Vec<_>>().join(".")
}

/// The structure of a table, or of the rows of a query.
pub(super) fn of_table(
    cx: &CallContext<'_>,
    table: Option<&Table>,
    columns: &[Field],
    form: &Form<'_>,
) -> Result<String> {
    let database = database(cx)?;
    let named = |kind: &str| table.map_or(kind.to_owned(), |t| qualified(&[kind, &database, &t.schema, &t.name]));
    let (table_type, row_type) = (named("TableType"), named("RowType"));
    let element = match table {
        Some(table) => element_name(&table.name),
        None => if form.forest { "row" } else { "table" }.to_owned(),
    };
    let mut out = String::new();
    start(&mut out, form);
    types(cx, &database, columns, &mut out)?;
    out.push_str(&format!("<xsd:complexType name=\"{row_type}\">\n  <xsd:sequence>\n"));
    for column in columns {
        let (name, ty) = (element_name(&column.name), type_name(cx, &database, Type::new(column.ty.oid))?);
        let nulls = if form.nulls { "nillable=\"true\"" } else { "minOccurs=\"0\"" };
        out.push_str(&format!("    <xsd:element name=\"{name}\" type=\"{ty}\" {nulls}></xsd:element>\n"));
    }
    out.push_str("  </xsd:sequence>\n</xsd:complexType>\n\n");
    if !form.forest {
        out.push_str(&format!(
            "<xsd:complexType name=\"{table_type}\">\n  <xsd:sequence>\n    <xsd:element name=\"row\" \
             type=\"{row_type}\" minOccurs=\"0\" maxOccurs=\"unbounded\"/>\n  </xsd:sequence>\n</xsd:complexType>\n\n"
        ));
    }
    let of = if form.forest { row_type } else { table_type };
    out.push_str(&format!("<xsd:element name=\"{element}\" type=\"{of}\"/>\n\n</xsd:schema>"));
    Ok(out)
}

impl Layout {
    /// Of one schema. 3F000.
    pub fn of_schema(cx: &CallContext<'_>, name: &str) -> Result<Layout> {
        Ok(Layout { database: database(cx)?, schemas: vec![source::schema(cx, name)?], whole: false })
    }

    /// Of all that the role may use.
    pub fn of_database(cx: &CallContext<'_>) -> Result<Layout> {
        Ok(Layout { database: database(cx)?, schemas: source::schemas(cx)?, whole: true })
    }

    /// As XML Schema.
    pub fn written(&self, cx: &CallContext<'_>, form: &Form<'_>) -> Result<String> {
        let mut out = String::new();
        start(&mut out, form);
        let tables = self.schemas.iter().flat_map(|schema| &schema.tables);
        let columns: Vec<Field> = tables.flat_map(|table| table.columns.iter().cloned()).collect();
        types(cx, &self.database, &columns, &mut out)?;
        match self.whole {
            true => self.write_database(&mut out),
            false => self.schemas.iter().for_each(|schema| self.write_schema(schema, form, &mut out)),
        }
        out.push_str("</xsd:schema>");
        Ok(out)
    }

    fn write_schema(&self, schema: &Schema, form: &Form<'_>, out: &mut String) {
        let schema_type = qualified(&["SchemaType", &self.database, &schema.name]);
        let (group, kind, occurs) = match form.forest {
            false => ("all", "TableType", ""),
            true => ("sequence", "RowType", " minOccurs=\"0\" maxOccurs=\"unbounded\""),
        };
        out.push_str(&format!("<xsd:complexType name=\"{schema_type}\">\n  <xsd:{group}>\n"));
        for table in &schema.tables {
            let name = element_name(&table.name);
            let ty = qualified(&[kind, &self.database, &schema.name, &table.name]);
            out.push_str(&format!("    <xsd:element name=\"{name}\" type=\"{ty}\"{occurs}/>\n"));
        }
        let name = element_name(&schema.name);
        out.push_str(&format!("  </xsd:{group}>\n</xsd:complexType>\n\n"));
        out.push_str(&format!("<xsd:element name=\"{name}\" type=\"{schema_type}\"/>\n\n"));
    }

    fn write_database(&self, out: &mut String) {
        let catalog_type = qualified(&["CatalogType", &self.database]);
        out.push_str(&format!("<xsd:complexType name=\"{catalog_type}\">\n  <xsd:all>\n"));
        for schema in &self.schemas {
            let (name, ty) = (element_name(&schema.name), qualified(&["SchemaType", &self.database, &schema.name]));
            out.push_str(&format!("    <xsd:element name=\"{name}\" type=\"{ty}\"/>\n"));
        }
        let name = element_name(&self.database);
        out.push_str("  </xsd:all>\n</xsd:complexType>\n\n");
        out.push_str(&format!("<xsd:element name=\"{name}\" type=\"{catalog_type}\"/>\n\n"));
    }
}

/// The types of columns, each once, and what domains among them are made of.
fn types(cx: &CallContext<'_>, database: &str, columns: &[Field], out: &mut String) -> Result<()> {
    let mut used: Vec<Oid> = Vec::new();
    let own = columns.iter().map(|column| column.ty.oid);
    let bases = columns.iter().map(|column| cx.env.base_type(Type::new(column.ty.oid)).oid);
    for oid in own.chain(bases) {
        if !used.contains(&oid) {
            used.push(oid);
        }
    }
    for oid in used {
        write_type(cx, database, oid, out)?;
        out.push('\n');
    }
    Ok(())
}

fn type_name(cx: &CallContext<'_>, database: &str, ty: Type) -> Result<String> {
    if let Some((_, name)) = NAMES.iter().find(|(oid, _)| *oid == ty.oid) {
        // The modifier of a character type is its length and the four bytes before it.
        let has_length = matches!(ty.oid, oids::BPCHAR | oids::VARCHAR) && ty.typmod >= 0;
        return Ok(if has_length { format!("{name}_{}", ty.typmod - 4) } else { (*name).to_owned() });
    }
    let lost = || Error::internal(format!("cache lookup failed for type {}", ty.oid));
    let info = cx.env.type_info(ty.oid).ok_or_else(lost)?;
    let schema = source::schema_name(cx, info.namespace)?;
    let kind = if matches!(info.kind, TypeKind::Domain(_)) { "Domain" } else { "UDT" };
    Ok(qualified(&[kind, database, &schema, &info.name]))
}

fn write_type(cx: &CallContext<'_>, database: &str, oid: Oid, out: &mut String) -> Result<()> {
    if oid == oids::XML {
        out.push_str(
            "<xsd:complexType mixed=\"true\">\n  <xsd:sequence>\n    <xsd:any name=\"element\" minOccurs=\"0\" \
             maxOccurs=\"unbounded\" processContents=\"skip\"/>\n  </xsd:sequence>\n</xsd:complexType>\n",
        );
        return Ok(());
    }
    out.push_str(&format!("<xsd:simpleType name=\"{}\">\n", type_name(cx, database, Type::new(oid))?));
    let bounded = |base: &str, most: &str, least: &str| {
        restriction(
            base,
            &format!("    <xsd:maxInclusive value=\"{most}\"/>\n    <xsd:minInclusive value=\"{least}\"/>\n"),
        )
    };
    let pattern = |base: &str, pattern: String| restriction(base, &format!("    <xsd:pattern value=\"{pattern}\"/>\n"));
    let plain = |base: &str| format!("  <xsd:restriction base=\"xsd:{base}\"></xsd:restriction>\n");
    let zone = if matches!(oid, oids::TIMETZ | oids::TIMESTAMPTZ) { ZONE } else { "" };
    out.push_str(&match oid {
        oids::BPCHAR | oids::VARCHAR | oids::TEXT => restriction("string", ""),
        oids::BYTEA if cx.env.format().xml_binary_hex => restriction("hexBinary", ""),
        oids::BYTEA => restriction("base64Binary", ""),
        oids::INT2 => bounded("short", "32767", "-32768"),
        oids::INT4 => bounded("int", "2147483647", "-2147483648"),
        oids::INT8 => bounded("long", "9223372036854775807", "-9223372036854775808"),
        oids::FLOAT4 => plain("float"),
        oids::FLOAT8 => plain("double"),
        oids::BOOL => plain("boolean"),
        oids::TIME | oids::TIMETZ => pattern("time", format!("{TIME}{zone}")),
        oids::TIMESTAMP | oids::TIMESTAMPTZ => pattern("dateTime", format!("{DATE}T{TIME}{zone}")),
        oids::DATE => pattern("date", DATE.to_owned()),
        _ => match cx.env.type_info(oid).map(|info| info.kind.clone()) {
            Some(TypeKind::Domain(_)) => {
                let base = cx.env.base_type(Type::new(oid));
                format!("  <xsd:restriction base=\"{}\"/>\n", type_name(cx, database, base)?)
            }
            _ => String::new(),
        },
    });
    out.push_str("</xsd:simpleType>\n");
    Ok(())
}

fn restriction(base: &str, inside: &str) -> String {
    format!("  <xsd:restriction base=\"xsd:{base}\">\n{inside}  </xsd:restriction>\n")
}
