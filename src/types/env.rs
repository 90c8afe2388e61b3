//! What the text form of a value depends on besides the value: settings, user-defined types, object names, the clock.

use std::any::Any;
use std::sync::{Arc, LazyLock, Mutex};

use crate::xml::XmlOption;
use crate::{Datum, Error, Oid, Result, TypeInfo, TypeLookup};

/// `DateStyle`'s first half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateStyle {
    /// `2026-01-31`.
    #[default]
    Iso,
    /// `01/31/2026`.
    Sql,
    /// `Sat Jan 31 …`.
    Postgres,
    /// `31.01.2026`.
    German,
}

/// `DateStyle`'s second half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DateOrder {
    /// Month, day, year.
    #[default]
    Mdy,
    /// Day, month, year.
    Dmy,
    /// Year, month, day.
    Ymd,
}

/// `IntervalStyle`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 day 02:00:00`.
    #[default]
    Postgres,
    /// `@ 1 day 2 hours`.
    PostgresVerbose,
    /// `1 2:00:00`.
    SqlStandard,
    /// `P1DT2H`.
    Iso8601,
}

/// `bytea_output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x…`.
    #[default]
    Hex,
    /// Backslash escapes.
    Escape,
}

/// The settings that text forms depend on.
#[derive(Clone, Debug)]
pub struct FormatSettings {
    /// `DateStyle`: output style.
    pub date_style: DateStyle,
    /// `DateStyle`: field order of ambiguous input and of some outputs.
    pub date_order: DateOrder,
    /// `IntervalStyle`.
    pub interval_style: IntervalStyle,
    /// `TimeZone`.
    pub time_zone: jiff::tz::TimeZone,
    /// `extra_float_digits`; above zero means shortest round-trip text.
    pub extra_float_digits: i32,
    /// `bytea_output`.
    pub bytea_output: ByteaOutput,
    /// `xmloption`.
    pub xml_option: XmlOption,
    /// `xmlbinary`: bytes in XML are hexadecimal digits instead of base64.
    pub xml_binary_hex: bool,
}

impl Default for FormatSettings {
    fn default() -> Self {
        FormatSettings {
            date_style: DateStyle::default(),
            date_order: DateOrder::default(),
            interval_style: IntervalStyle::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            extra_float_digits: 1,
            bytea_output: ByteaOutput::default(),
            xml_option: XmlOption::default(),
            xml_binary_hex: false,
        }
    }
}

/// Kinds of relations of users that statements may not get at (`restrict_nonsystem_relation_kind`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestrictedKinds {
    /// Views, as sources and as targets.
    pub views: bool,
    /// Foreign tables.
    pub foreign_tables: bool,
}

impl RestrictedKinds {
    /// Adds the kind that a word of the setting means; false when it means none.
    pub fn add(&mut self, word: &str) -> bool {
        match word.to_ascii_lowercase().as_str() {
            "view" => self.views = true,
            "foreign-table" => self.foreign_tables = true,
            _ => return false,
        }
        true
    }
}

/// What a `reg…` type names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegKind {
    /// `regclass`.
    Class,
    /// `regtype`.
    Type,
    /// `regproc`.
    Proc,
    /// `regprocedure`.
    Procedure,
    /// `regoper`.
    Oper,
    /// `regoperator`.
    Operator,
    /// `regnamespace`.
    Namespace,
    /// `regrole`.
    Role,
    /// `regcollation`.
    Collation,
    /// `regconfig`.
    Config,
    /// `regdictionary`.
    Dictionary,
}

/// A user's text search dictionary (`pg_ts_dict`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextSearchDictionary {
    /// The symbol of its template's function for tokens (`tmpllexize`), which says what kind of dictionary it is.
    pub lexize: Arc<str>,
    /// `dictinitoption`: names and values.
    pub options: Vec<(Arc<str>, Arc<str>)>,
}

/// The surroundings of a running statement, as values and functions may ask for them.
///
/// The session implements it once per statement; [`BareEnv`] serves tests and start-up. Implementations are shared
/// between the threads of one statement and must not block.
pub trait Env: TypeLookup + Send + Sync {
    /// Settings of text forms.
    fn format(&self) -> &FormatSettings;

    /// `transaction_timestamp()`, microseconds since 1970-01-01 UTC.
    fn transaction_timestamp(&self) -> i64;

    /// `statement_timestamp()`, likewise.
    fn statement_timestamp(&self) -> i64;

    /// Object id for the text of a `reg…` value; 42P01, 42883, 42704 and so on when there is none.
    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid>;

    /// Whether there is a role of this name, as SQL writes it, in the text of an `aclitem`. 42704.
    fn check_role(&self, name: &str) -> Result<()> {
        self.reg_in(RegKind::Role, name).map(drop)
    }

    /// Text of a `reg…` value; the number when the object is gone.
    fn reg_out(&self, kind: RegKind, oid: Oid) -> String;

    /// Checks a value against a domain's NOT NULL and CHECK constraints (23502, 23514).
    fn check_domain(&self, domain: Oid, value: &Datum) -> Result<()>;

    /// Fails with 57014 when the statement has been cancelled or has run out of time. Cheap: call it in every long loop.
    fn check_interrupts(&self) -> Result<()> {
        Ok(())
    }

    /// What `random()` draws from and `setseed()` sets. A session overrides this to keep a sequence of its own.
    fn random(&self) -> &Mutex<RandomState> {
        &SHARED_RANDOM
    }

    /// Whether the running transaction has added a label to an enum that was there before it: the label may not be used until
    /// that is committed.
    fn is_new_label(&self, _enumeration: Oid, _label: Oid) -> bool {
        false
    }

    /// Hands the client a notice. Where there is no client it is dropped.
    fn notice(&self, _notice: Error) {}

    /// Bytes in an encoding as text. 0A000 where no encodings are known.
    fn decode(&self, encoding: &str, _bytes: &[u8]) -> Result<String> {
        Err(Error::unsupported(format_args!("encoding {encoding}")))
    }

    /// 2201B for a pattern of jsonpath's `like_regex` that is no regular expression. Where there is nothing that knows, it is found when
    /// a text is matched.
    fn check_path_pattern(&self, _pattern: &str, _flags: &str) -> Result<()> {
        Ok(())
    }

    /// What statements may not get at.
    fn restricted_kinds(&self) -> RestrictedKinds {
        RestrictedKinds::default()
    }

    /// The text of a setting of this name; `None` where there are no settings, or not this one.
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }

    /// The configuration that full-text search uses when none is given: the setting `default_text_search_config`.
    fn text_search_config(&self) -> Result<Oid> {
        self.reg_in(RegKind::Config, "pg_catalog.english")
    }

    /// The dictionary of this name in the schema of a function of a user's; none when there is none.
    fn text_search_dictionary_beside(&self, _function: Oid, _name: &str) -> Option<Oid> {
        None
    }

    /// The kind and options of a user's text search dictionary.
    fn text_search_dictionary(&self, _dictionary: Oid) -> Option<TextSearchDictionary> {
        None
    }

    /// The text of a file of a user's that text search dictionaries are made of; none where there is none of this name. F0000 when
    /// it cannot be read.
    fn text_search_file(&self, _name: &str) -> Option<Result<String>> {
        None
    }

    /// The map of a user's text search configuration: token types with their dictionaries in order.
    fn text_search_map(&self, _config: Oid) -> Option<Vec<(i32, Vec<Oid>)>> {
        None
    }

    /// The implementor, for system functions of upper layers that need more of the session.
    fn as_any(&self) -> &dyn Any;
}

/// PostgreSQL's pseudo-random generator: xoroshiro128**, so that `setseed` starts the same sequence as there.
#[derive(Clone, Debug)]
pub struct RandomState(u64, u64);

static SHARED_RANDOM: LazyLock<Mutex<RandomState>> = LazyLock::new(|| Mutex::new(RandomState::unpredictable()));

impl RandomState {
    /// A state that differs from call to call and run to run.
    pub fn unpredictable() -> Self {
        use std::hash::BuildHasher;
        let keys = std::collections::hash_map::RandomState::new();
        RandomState(keys.hash_one(1u64) | 1, keys.hash_one(2u64))
    }

    /// The state after `setseed(seed)`, for a seed from -1 to 1.
    pub fn seeded(seed: f64) -> Self {
        let mut mix = (((1u64 << 52) - 1) as f64 * seed) as i64 as u64;
        let mut split_mix = || {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (mix ^ (mix >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        RandomState(split_mix(), split_mix())
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let RandomState(a, b) = *self;
        let mixed = a ^ b;
        *self = RandomState(a.rotate_left(24) ^ mixed ^ (mixed << 16), mixed.rotate_left(37));
        a.wrapping_mul(5).rotate_left(7).wrapping_mul(9)
    }

    /// The next number from 0 up to, but not including, 1.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 12) as f64 / (1u64 << 52) as f64
    }
}

/// An environment with default settings and built-in types only.
#[derive(Default)]
pub struct BareEnv {
    format: FormatSettings,
}

impl TypeLookup for BareEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        crate::builtin_types::by_oid(oid)
    }
}

impl Env for BareEnv {
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
        text.parse().map(Oid).map_err(|_| Error::unsupported(format_args!("{kind:?} {text:?} without a catalog")))
    }

    fn reg_out(&self, _: RegKind, oid: Oid) -> String {
        oid.to_string()
    }

    fn check_domain(&self, domain: Oid, _: &Datum) -> Result<()> {
        Err(Error::internal(format!("domain {domain} outside a session")))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
