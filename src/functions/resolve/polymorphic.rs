//! Polymorphic parameters and results (manual, section 38.2.5).
//!
//! Two families are resolved apart. In the first (`anyelement`, `anyarray`, `anyrange`, …) all arguments must agree
//! exactly; in the second (`anycompatible`, …) they are converted to a common type.

use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::Scope;
use super::common_type::{all_convert, choose};
use super::message::format_type;
use super::traits::TypeTraits;

/// Whether a type stands for others until a call decides.
pub fn is_polymorphic(oid: Oid) -> bool {
    is_family1(oid) || is_family2(oid)
}

fn is_family1(oid: Oid) -> bool {
    matches!(
        oid,
        oids::ANYELEMENT | oids::ANYARRAY | oids::ANYNONARRAY | oids::ANYENUM | oids::ANYRANGE | oids::ANYMULTIRANGE
    )
}

fn is_family2(oid: Oid) -> bool {
    matches!(
        oid,
        oids::ANYCOMPATIBLE
            | oids::ANYCOMPATIBLEARRAY
            | oids::ANYCOMPATIBLENONARRAY
            | oids::ANYCOMPATIBLERANGE
            | oids::ANYCOMPATIBLEMULTIRANGE
    )
}

/// The types a family stands for in one call, as far as the arguments say.
#[derive(Clone, Copy, Default)]
struct Family {
    element: Option<Oid>,
    array: Option<Oid>,
    range: Option<Oid>,
    multirange: Option<Oid>,
}

/// Why arguments do not fit their polymorphic parameters.
enum Conflict {
    /// Two arguments for the same kind of parameter differ.
    NotAlike(&'static str, Oid, Oid),
    /// A parameter of one kind implies another type than one of another kind.
    Inconsistent(&'static str, &'static str, Oid, Oid),
    /// The argument is no array, range or multirange.
    WrongKind(&'static str, &'static str, Oid),
    /// `anynonarray` met an array.
    Array(&'static str, Oid),
    /// `anyenum` met something else; without a type, nothing is known.
    NotEnum(Option<Oid>),
    /// The common type of the second family is not the range's subtype.
    RangeSubtype(&'static str, Oid, Oid),
    /// No common type, because of these two.
    Unmatched(Oid, Oid),
    /// The common type is not reached by implicit casts.
    NoCommonType,
}

impl Conflict {
    fn into_error(self, scope: &dyn Scope) -> Error {
        let name = |oid| format_type(scope, oid);
        let versus = |a, b| format!("{} versus {}", name(a), name(b));
        let mismatch = |message: String| Error::new(SqlState::DATATYPE_MISMATCH, message);
        match self {
            Conflict::NotAlike(declared, a, b) => {
                mismatch(format!("arguments declared \"{declared}\" are not all alike")).detail(versus(a, b))
            }
            Conflict::Inconsistent(one, other, a, b) => {
                mismatch(format!("argument declared {one} is not consistent with argument declared {other}"))
                    .detail(versus(a, b))
            }
            Conflict::WrongKind(declared, wanted, ty) => {
                mismatch(format!("argument declared {declared} is not {wanted} but type {}", name(ty)))
            }
            Conflict::Array(declared, ty) => {
                mismatch(format!("type matched to {declared} is an array type: {}", name(ty)))
            }
            Conflict::NotEnum(ty) => match ty {
                Some(ty) => mismatch(format!("type matched to anyenum is not an enum type: {}", name(ty))),
                None => undetermined(),
            },
            Conflict::RangeSubtype(declared, range, common) => {
                let (range, common) = (name(range), name(common));
                mismatch(format!("{declared} type {range} does not match anycompatible type {common}"))
            }
            Conflict::Unmatched(a, b) => {
                mismatch(format!("argument types {} and {} cannot be matched", name(a), name(b)))
            }
            Conflict::NoCommonType => {
                mismatch("arguments of anycompatible family cannot be cast to a common type".to_owned())
            }
        }
    }
}

fn undetermined() -> Error {
    let message = "could not determine polymorphic type because input has type unknown";
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

fn undetermined_range(declared: &str) -> Error {
    let message = format!("could not determine polymorphic type {declared} because input has type unknown");
    Error::new(SqlState::DATATYPE_MISMATCH, message)
}

/// Whether known arguments fit their polymorphic parameters; used to discard candidates.
pub(super) fn is_consistent(scope: &dyn Scope, actual: &[Oid], declared: &[Oid]) -> bool {
    first_family(scope, actual, declared).is_ok() && second_family(scope, actual, declared).is_ok()
}

/// The arguments for parameters of one declared type, without those of unknown type; domains reduced when `flat`.
fn known<'a>(
    scope: &'a dyn Scope,
    actual: &'a [Oid],
    declared: &'a [Oid],
    wanted: &'a [Oid],
    flat: bool,
) -> impl Iterator<Item = Oid> + 'a {
    let pairs = actual.iter().zip(declared).filter(|(a, d)| wanted.contains(d) && **a != oids::UNKNOWN);
    pairs.map(move |(a, _)| if flat { scope.base_of(*a) } else { *a })
}

/// The one type of some arguments, which must be alike.
fn alike(mut types: impl Iterator<Item = Oid>, declared: &'static str) -> Result<Option<Oid>, Conflict> {
    let Some(first) = types.next() else { return Ok(None) };
    match types.find(|ty| *ty != first) {
        Some(other) => Err(Conflict::NotAlike(declared, first, other)),
        None => Ok(Some(first)),
    }
}

/// Takes over a type that another kind of parameter implies, or checks that both agree.
fn unify(slot: &mut Option<Oid>, implied: Oid, conflict: impl FnOnce(Oid) -> Conflict) -> Result<(), Conflict> {
    match *slot {
        None => *slot = Some(implied),
        Some(have) if have != implied => return Err(conflict(have)),
        Some(_) => {}
    }
    Ok(())
}

const ELEMENTS: &[Oid] = &[oids::ANYELEMENT, oids::ANYNONARRAY, oids::ANYENUM];

fn first_family(scope: &dyn Scope, actual: &[Oid], declared: &[Oid]) -> Result<Family, Conflict> {
    if !declared.iter().any(|d| is_family1(*d)) {
        return Ok(Family::default());
    }
    let of = |wanted, flat| known(scope, actual, declared, wanted, flat);
    let mut family = Family {
        element: alike(of(ELEMENTS, false), "anyelement")?,
        array: alike(of(&[oids::ANYARRAY], true), "anyarray")?,
        range: alike(of(&[oids::ANYRANGE], true), "anyrange")?,
        multirange: alike(of(&[oids::ANYMULTIRANGE], true), "anymultirange")?,
    };
    // An argument that is itself declared anyarray (a column of pg_statistic) says nothing of its elements.
    if let Some(array) = family.array.filter(|array| *array != oids::ANYARRAY) {
        let element = scope.element_of(array).ok_or(Conflict::WrongKind("anyarray", "an array", array))?;
        let conflict = |have| Conflict::Inconsistent("anyarray", "anyelement", array, have);
        unify(&mut family.element, element, conflict)?;
    }
    if let Some(multirange) = family.multirange {
        let wrong = Conflict::WrongKind("anymultirange", "a multirange type", multirange);
        let range = scope.range_of_multirange(multirange).ok_or(wrong)?;
        let conflict = |have| Conflict::Inconsistent("anymultirange", "anyrange", multirange, have);
        unify(&mut family.range, range, conflict)?;
    }
    if let Some(range) = family.range {
        let subtype = scope.range_subtype(range).ok_or(Conflict::WrongKind("anyrange", "a range type", range))?;
        let conflict = |have| Conflict::Inconsistent("anyrange", "anyelement", range, have);
        unify(&mut family.element, subtype, conflict)?;
    }
    if let Some(element) = family.element.filter(|_| declared.contains(&oids::ANYNONARRAY))
        && scope.is_array_or_domain(element)
    {
        return Err(Conflict::Array("anynonarray", element));
    }
    if declared.contains(&oids::ANYENUM) && !family.element.is_some_and(|element| scope.is_enum(element)) {
        return Err(Conflict::NotEnum(family.element));
    }
    Ok(family)
}

fn second_family(scope: &dyn Scope, actual: &[Oid], declared: &[Oid]) -> Result<Family, Conflict> {
    if !declared.iter().any(|d| is_family2(*d)) {
        return Ok(Family::default());
    }
    let of = |wanted, flat| known(scope, actual, declared, wanted, flat);
    let mut family = Family {
        range: alike(of(&[oids::ANYCOMPATIBLERANGE], true), "anycompatiblerange")?,
        multirange: alike(of(&[oids::ANYCOMPATIBLEMULTIRANGE], true), "anycompatiblemultirange")?,
        ..Family::default()
    };
    if let Some(multirange) = family.multirange {
        let wrong = Conflict::WrongKind("anycompatiblemultirange", "a multirange type", multirange);
        let range = scope.range_of_multirange(multirange).ok_or(wrong)?;
        let conflict = |have| Conflict::Inconsistent("anycompatiblemultirange", "anycompatiblerange", multirange, have);
        unify(&mut family.range, range, conflict)?;
    }
    let mut types = Vec::new();
    for (actual, declared) in actual.iter().zip(declared).filter(|(actual, _)| **actual != oids::UNKNOWN) {
        match *declared {
            oids::ANYCOMPATIBLE | oids::ANYCOMPATIBLENONARRAY => types.push(*actual),
            oids::ANYCOMPATIBLEARRAY => {
                let array = scope.base_of(*actual);
                let wrong = Conflict::WrongKind("anycompatiblearray", "an array", array);
                types.push(scope.element_of(array).ok_or(wrong)?);
            }
            _ => {}
        }
    }
    let mut subtype = None;
    if let Some(range) = family.range {
        let wrong = Conflict::WrongKind("anycompatiblerange", "a range type", range);
        let element = scope.range_subtype(range).ok_or(wrong)?;
        subtype = Some((range, element));
        types.push(element);
    }
    if types.is_empty() {
        return Ok(family);
    }
    let common = choose(scope, &types).map_err(|c| Conflict::Unmatched(c.left, c.right))?;
    if !all_convert(scope, &types, common) {
        return Err(Conflict::NoCommonType);
    }
    if declared.contains(&oids::ANYCOMPATIBLENONARRAY) && scope.is_array_or_domain(common) {
        return Err(Conflict::Array("anycompatiblenonarray", common));
    }
    if let Some((range, _)) = subtype.filter(|(_, element)| *element != common) {
        return Err(Conflict::RangeSubtype("anycompatiblerange", range, common));
    }
    family.element = Some(common);
    Ok(family)
}

/// Decides what polymorphic parameters and the result are in one call (`enforce_generic_type_consistency`).
///
/// `declared` has one parameter type per argument and is changed to the types the arguments are to have. Returns the
/// result type. 42804 when the arguments do not agree, or when all of them are of unknown type.
pub fn resolve_polymorphic(scope: &dyn Scope, actual: &[Oid], declared: &mut [Oid], result: Oid) -> Result<Oid> {
    if !declared.iter().any(|d| is_polymorphic(*d)) {
        return Ok(result);
    }
    check_bare_anyarray(actual, declared, result)?;
    let mut first = first_family(scope, actual, declared).map_err(|c| c.into_error(scope))?;
    let mut second = second_family(scope, actual, declared).map_err(|c| c.into_error(scope))?;
    if first.array == Some(oids::ANYARRAY) {
        first.element = Some(oids::ANYELEMENT);
    } else if first.element.is_none() && declared.iter().any(|d| is_family1(*d)) {
        return Err(undetermined());
    }
    if declared.iter().any(|d| is_family2(*d)) && second.element.is_none() {
        // Nothing but unknown literals: text, as in CASE and UNION.
        second.element = Some(oids::TEXT);
    }
    for (actual, declared) in actual.iter().zip(declared.iter_mut()) {
        *declared = match *declared {
            d if is_family1(d) && *actual != oids::UNKNOWN => match d {
                d if ELEMENTS.contains(&d) => *actual,
                _ => scope.base_of(*actual),
            },
            d => first.real_type(scope, d, FIRST_FAMILY)?.or(second.real_type(scope, d, SECOND_FAMILY)?).unwrap_or(d),
        };
    }
    let real = first.real_type(scope, result, FIRST_FAMILY)?.or(second.real_type(scope, result, SECOND_FAMILY)?);
    Ok(real.unwrap_or(result))
}

/// An argument declared `anyarray` is accepted alone, and when nothing must be known of its elements.
fn check_bare_anyarray(actual: &[Oid], declared: &[Oid], result: Oid) -> Result<()> {
    let bare = actual.iter().zip(declared).any(|(a, d)| *d == oids::ANYARRAY && *a == oids::ANYARRAY);
    let alone = declared.iter().filter(|d| is_family1(**d)).count() == 1;
    if bare && !(alone && (result == oids::ANYARRAY || !is_family1(result))) {
        let message = "cannot determine element type of \"anyarray\" argument";
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    Ok(())
}

/// The pseudo-types of a family, by what they stand for.
struct Names {
    elements: &'static [Oid],
    array: Oid,
    range: (Oid, &'static str),
    multirange: (Oid, &'static str),
}

const FIRST_FAMILY: &Names = &Names {
    elements: ELEMENTS,
    array: oids::ANYARRAY,
    range: (oids::ANYRANGE, "anyrange"),
    multirange: (oids::ANYMULTIRANGE, "anymultirange"),
};

const SECOND_FAMILY: &Names = &Names {
    elements: &[oids::ANYCOMPATIBLE, oids::ANYCOMPATIBLENONARRAY],
    array: oids::ANYCOMPATIBLEARRAY,
    range: (oids::ANYCOMPATIBLERANGE, "anycompatiblerange"),
    multirange: (oids::ANYCOMPATIBLEMULTIRANGE, "anycompatiblemultirange"),
};

impl Family {
    /// What a pseudo-type of this family stands for; `None` for any other type. Arrays and multiranges are derived,
    /// ranges are not, because several may have the same subtype.
    fn real_type(&self, scope: &dyn Scope, declared: Oid, names: &Names) -> Result<Option<Oid>> {
        let Some(element) = self.element else { return Ok(None) };
        if names.elements.contains(&declared) {
            return Ok(Some(element));
        }
        if declared == names.array {
            return match self.array.or_else(|| scope.array_of(element)) {
                Some(array) => Ok(Some(array)),
                None => Err(no_array_type(scope, element)),
            };
        }
        if declared == names.range.0 {
            return self.range.map(Some).ok_or_else(|| undetermined_range(names.range.1));
        }
        if declared == names.multirange.0 {
            let multirange = self.multirange.or_else(|| scope.multirange_of(self.range?));
            return multirange.map(Some).ok_or_else(|| undetermined_range(names.multirange.1));
        }
        Ok(None)
    }
}

/// 42704: a type has no array type.
pub(super) fn no_array_type(scope: &dyn Scope, element: Oid) -> Error {
    let name = format_type(scope, element);
    Error::new(SqlState::UNDEFINED_OBJECT, format!("could not find array type for data type {name}"))
}
