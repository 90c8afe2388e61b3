//! An environment for tests: settings that can be set, and the types that `testdata/rewrite.sql` makes.

use std::any::Any;
use std::sync::Arc;

use crate::env::BareEnv;
use crate::{
    ByteaOutput, Datum, EnumLabel, Env, Error, Field, FormatSettings, Oid, RegKind, Result, SqlState, Type, TypeInfo,
    TypeKind, TypeLookup, builtin_types, oids, typmod,
};

pub struct TestEnv {
    bare: BareEnv,
    pub format: FormatSettings,
    types: Vec<Arc<TypeInfo>>,
}

/// An enum, a composite, an empty composite, a domain, a range, and arrays over the first two.
pub const COLOUR: Oid = Oid(16_400);
pub const COMP: Oid = Oid(16_401);
const EMPT: Oid = Oid(16_402);
pub const POSITIVE: Oid = Oid(16_403);
const TEXTR: Oid = Oid(16_404);
const COLOUR_ARRAY: Oid = Oid(16_405);
pub const COMP_ARRAY: Oid = Oid(16_406);

impl Default for TestEnv {
    fn default() -> Self {
        let labels = ["red", "green", "dark blue"];
        let labels = labels.iter().enumerate().map(|(n, label)| EnumLabel {
            oid: Oid(16_500 + n as u32),
            code: 10 * n as u32,
            label: Arc::from(*label),
        });
        let numeric_5_2 = Type::with_typmod(oids::NUMERIC, (5 << 16 | 2) + 4);
        let fields = [("a", Type::new(oids::INT4)), ("b", Type::new(oids::TEXT)), ("c", numeric_5_2)];
        let fields = fields.map(|(name, ty)| Field { name: Arc::from(name), ty });
        let types = vec![
            info(COLOUR, "colour", TypeKind::Enum(labels.collect()), Oid::INVALID),
            info(COMP, "comp", TypeKind::Composite(Arc::new(fields)), Oid::INVALID),
            info(EMPT, "empt", TypeKind::Composite(Arc::new([])), Oid::INVALID),
            info(POSITIVE, "positive", TypeKind::Domain(Type::new(oids::INT4)), Oid::INVALID),
            info(TEXTR, "textr", TypeKind::Range(oids::TEXT), Oid::INVALID),
            info(COLOUR_ARRAY, "_colour", TypeKind::Base, COLOUR),
            info(COMP_ARRAY, "_comp", TypeKind::Base, COMP),
        ];
        TestEnv { bare: BareEnv::default(), format: FormatSettings::default(), types }
    }
}

fn info(oid: Oid, name: &str, kind: TypeKind, element: Oid) -> Arc<TypeInfo> {
    Arc::new(TypeInfo {
        oid,
        name: Arc::from(name),
        namespace: Oid(2200),
        owner: Oid(10),
        kind,
        category: b'U',
        preferred: false,
        len: -1,
        by_value: false,
        align: b'i',
        delimiter: b',',
        relation: Oid::INVALID,
        element,
        array: Oid::INVALID,
        collation: Oid::INVALID,
        input: Arc::from(if element.is_valid() { "array_in" } else { "record_in" }),
    })
}

impl TypeLookup for TestEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.types.iter().find(|info| info.oid == oid).cloned().or_else(|| self.bare.type_info(oid))
    }
}

impl Env for TestEnv {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn transaction_timestamp(&self) -> i64 {
        0
    }

    fn statement_timestamp(&self) -> i64 {
        0
    }

    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid> {
        self.bare.reg_in(kind, text)
    }

    fn reg_out(&self, kind: RegKind, oid: Oid) -> String {
        match (kind, self.type_info(oid)) {
            (RegKind::Type, Some(info)) => info.name.to_string(),
            _ => self.bare.reg_out(kind, oid),
        }
    }

    fn check_domain(&self, domain: Oid, value: &Datum) -> Result<()> {
        assert_eq!(domain, POSITIVE);
        match value {
            Datum::Int4(v) if *v <= 0 => {
                let message = "value for domain positive violates check constraint \"positive_check\"";
                Err(Error::new(SqlState::CHECK_VIOLATION, message))
            }
            _ => Ok(()),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl TestEnv {
    /// Executes `set name = value`.
    pub fn set(&mut self, statement: &str) {
        match statement.split_once(" = ").expect("name = value") {
            ("extra_float_digits", digits) => self.format.extra_float_digits = digits.parse().expect("a number"),
            ("bytea_output", "'escape'") => self.format.bytea_output = ByteaOutput::Escape,
            ("bytea_output", _) => self.format.bytea_output = ByteaOutput::Hex,
            other => panic!("setting {other:?}"),
        }
    }

    /// The type a case names: `int4`, `"char"`, `numeric(5,2)[]`, `comp`.
    pub fn type_of(&self, spec: &str) -> Type {
        let (spec, is_array) = spec.strip_suffix("[]").map_or((spec, false), |element| (element, true));
        let (name, modifiers) = match spec.split_once('(') {
            Some((name, modifiers)) => (name, modifiers.trim_end_matches(')')),
            None => (spec, ""),
        };
        let name = name.trim_matches('"');
        let own = self.types.iter().find(|info| info.name.as_ref() == name).cloned();
        let info = own.or_else(|| builtin_types::by_name(name)).unwrap_or_else(|| panic!("type {name}"));
        let modifiers: Vec<String> = modifiers.split(',').filter(|m| !m.is_empty()).map(str::to_owned).collect();
        let modifier = match modifiers.is_empty() {
            true => {
                if info.oid == oids::BIT {
                    1
                } else {
                    -1
                }
            }
            false => typmod::from_modifiers(info.oid, &modifiers).expect("a modifier"),
        };
        let array = || self.types.iter().find(|array| array.element == info.oid).map_or(info.array, |array| array.oid);
        Type::with_typmod(if is_array { array() } else { info.oid }, modifier)
    }
}
