//! What may stand in requests: the tables that bodies and queries are checked against and described from.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of so many characters at least and at most.
    Text { min: usize, max: usize },
    /// An address.
    Email,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Texts, each of so many characters at most.
    Texts { max: usize },
    /// A JSON object.
    Object,
    /// True or false.
    Flag,
    /// A whole number between two bounds.
    Number { min: i64, max: i64 },
}

/// One field of a body, or one name in a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// Whether it may be null, which empties it.
    pub nullable: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: true }
}

const fn fixed(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false, nullable: false }
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true, nullable: false }
}

const fn text(max: usize) -> Kind {
    Kind::Text { min: 0, max }
}

const fn filled(max: usize) -> Kind {
    Kind::Text { min: 1, max }
}

/// `bug_severity`.
const SEVERITY: Kind = Kind::Word(&["low", "medium", "high", "critical"]);
/// `bug_priority`.
const PRIORITY: Kind = Kind::Word(&["low", "medium", "high", "urgent"]);
/// `bug_status`.
const STATUS: Kind = Kind::Word(&["open", "in_progress", "resolved", "closed"]);
/// `bug_category`.
const CATEGORY: Kind = Kind::Word(&[
    "hardware",
    "firmware",
    "software",
    "network",
    "data",
    "ui",
    "performance",
    "security",
    "documentation",
    "other",
]);

/// Characters of a title.
const TITLE: usize = 200;
/// Characters of a name.
const NAME: usize = 100;
/// Characters of a longer text.
const LONG: usize = 20_000;
/// Largest number a JSON reader of any language reads exactly.
const MAX_NUMBER: i64 = (1 << 53) - 1;

/// A new report.
pub(crate) const REPORT: &[Field] = &[
    required("title", filled(TITLE)),
    required("description", filled(LONG)),
    fixed("severity", SEVERITY),
    fixed("priority", PRIORITY),
    fixed("category", CATEGORY),
    field("deviceId", text(NAME)),
    field("firmwareVersion", text(50)),
    field("reportedBy", text(NAME)),
    field("reportedByEmail", Kind::Email),
    field("assignedTo", text(NAME)),
    field("reproductionSteps", text(LONG)),
    field("expectedBehavior", text(LONG)),
    field("actualBehavior", text(LONG)),
    fixed("environment", Kind::Object),
    fixed("tags", Kind::Texts { max: 50 }),
];

/// Changes of a report.
pub(crate) const CHANGES: &[Field] = &[
    fixed("title", filled(TITLE)),
    fixed("description", filled(LONG)),
    fixed("severity", SEVERITY),
    fixed("priority", PRIORITY),
    fixed("category", CATEGORY),
    fixed("status", STATUS),
    field("deviceId", text(NAME)),
    field("firmwareVersion", text(50)),
    field("assignedTo", text(NAME)),
    field("reproductionSteps", text(LONG)),
    field("expectedBehavior", text(LONG)),
    field("actualBehavior", text(LONG)),
    field("resolution", text(LONG)),
    fixed("environment", Kind::Object),
    fixed("tags", Kind::Texts { max: 50 }),
];

/// A comment.
pub(crate) const COMMENT: &[Field] =
    &[required("comment", filled(LONG)), required("author", filled(NAME)), fixed("isInternal", Kind::Flag)];

/// An attachment: where a file is, and what.
pub(crate) const ATTACHMENT: &[Field] = &[
    required("fileName", filled(255)),
    required("fileUrl", filled(2000)),
    field("fileType", text(NAME)),
    field("fileSize", Kind::Number { min: 0, max: MAX_NUMBER }),
    field("uploadedBy", text(NAME)),
];

/// Which reports are listed.
pub(crate) const LISTING: &[Field] = &[
    fixed("status", STATUS),
    fixed("severity", SEVERITY),
    fixed("category", CATEGORY),
    fixed("skip", Kind::Number { min: 0, max: MAX_NUMBER }),
    fixed("limit", Kind::Number { min: 1, max: 1000 }),
];

/// How far trends look back.
pub(crate) const TRENDS: &[Field] = &[fixed("days", Kind::Number { min: 1, max: 365 })];
