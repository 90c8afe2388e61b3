//! Index access methods: `pg_am`, and what each can do (`IndexAmRoutine` of PostgreSQL's index API).

use dictdb_functions::facts::ids;
use dictdb_types::Oid;

/// Access methods there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexMethod {
    /// Ordered.
    Btree,
    /// Equality only.
    Hash,
    /// Inverted: from the parts of values to rows.
    Gin,
    /// A tree of boxes around values.
    Gist,
    /// The box around the values of each block of rows.
    Brin,
    /// A tree that parts space; here it is kept as the boxes of [`IndexMethod::Gist`] are.
    Spgist,
    /// Equality in any of its columns, in databases whose extension `bloom` makes it; here it is kept as
    /// [`IndexMethod::Gin`] is, from values to rows.
    Bloom,
}

/// What an access method can do.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// `pg_am.oid`; zero for one that is not in every database.
    pub oid: Oid,
    /// `amname`.
    pub name: &'static str,
    /// `amcanorder`: rows come in the order of keys, and `ASC`, `DESC`, `NULLS FIRST` mean something.
    pub order: bool,
    /// `amcanunique`.
    pub unique: bool,
    /// `amcanmulticol`.
    pub multicolumn: bool,
    /// `amcaninclude`.
    pub include: bool,
    /// Whether an exclusion constraint can use it (`amgettuple`).
    pub exclusion: bool,
    /// `amclusterable`.
    pub cluster: bool,
    /// `amcanbackward`.
    pub backward: bool,
    /// `amsearcharray`.
    pub search_array: bool,
    /// `amsearchnulls`.
    pub search_nulls: bool,
    /// `amcanorderbyop`.
    pub distance: bool,
    /// `amcanreturn`, if it depends on the method only.
    pub returnable: bool,
}

const NOTHING: Abilities = Abilities {
    oid: Oid::INVALID,
    name: "",
    order: false,
    unique: false,
    multicolumn: false,
    include: false,
    exclusion: false,
    cluster: false,
    backward: false,
    search_array: false,
    search_nulls: false,
    distance: false,
    returnable: false,
};

const BTREE: Abilities = Abilities {
    oid: ids::BTREE,
    name: "btree",
    order: true,
    unique: true,
    multicolumn: true,
    include: true,
    exclusion: true,
    cluster: true,
    backward: true,
    search_array: true,
    search_nulls: true,
    returnable: true,
    ..NOTHING
};

const HASH: Abilities = Abilities { oid: ids::HASH, name: "hash", exclusion: true, backward: true, ..NOTHING };

const GIN: Abilities = Abilities { oid: ids::GIN, name: "gin", multicolumn: true, ..NOTHING };

const GIST: Abilities = Abilities {
    oid: ids::GIST,
    name: "gist",
    multicolumn: true,
    include: true,
    exclusion: true,
    cluster: true,
    search_nulls: true,
    distance: true,
    ..NOTHING
};

const BRIN: Abilities = Abilities { oid: ids::BRIN, name: "brin", multicolumn: true, search_nulls: true, ..NOTHING };

const SPGIST: Abilities = Abilities {
    oid: ids::SPGIST,
    name: "spgist",
    include: true,
    exclusion: true,
    search_nulls: true,
    distance: true,
    ..NOTHING
};

const BLOOM: Abilities = Abilities { name: "bloom", multicolumn: true, ..NOTHING };

impl IndexMethod {
    const ALL: [IndexMethod; 7] = [
        IndexMethod::Btree,
        IndexMethod::Hash,
        IndexMethod::Gin,
        IndexMethod::Gist,
        IndexMethod::Brin,
        IndexMethod::Spgist,
        IndexMethod::Bloom,
    ];

    /// What it can do.
    pub fn abilities(self) -> &'static Abilities {
        match self {
            IndexMethod::Btree => &BTREE,
            IndexMethod::Hash => &HASH,
            IndexMethod::Gin => &GIN,
            IndexMethod::Gist => &GIST,
            IndexMethod::Brin => &BRIN,
            IndexMethod::Spgist => &SPGIST,
            IndexMethod::Bloom => &BLOOM,
        }
    }

    /// Whether every database has it.
    pub fn is_built_in(self) -> bool {
        self.abilities().oid.is_valid()
    }

    /// The built-in method with this oid in `pg_am`.
    pub(crate) fn of_oid(oid: Oid) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.is_built_in() && method.abilities().oid == oid)
    }

    /// The method that a handler of an extension implements, by `pg_proc.prosrc`.
    pub fn of_handler(source: &str) -> Option<Self> {
        (source == "blhandler").then_some(IndexMethod::Bloom)
    }

    /// `amname`.
    pub fn name(self) -> &'static str {
        self.abilities().name
    }

    /// The method of that name, whether or not somebody made it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }

    /// Whether searches give sets of rows in no order, each of which is looked at again.
    pub fn is_bitmap(self) -> bool {
        !matches!(self, IndexMethod::Btree | IndexMethod::Hash)
    }
}
