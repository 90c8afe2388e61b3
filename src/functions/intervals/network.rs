//! Networks: from their first address to their last.

use dictdb_types::network::Inet;
use dictdb_types::{Datum, Error, Oid, Result};

use super::{AxisCondition, Bound, Conditions, PLACE, anywhere};

/// `pg_amop.amopstrategy` of the operators that are about networks in networks; the others compare.
mod strategy {
    pub const OVERLAPS: i16 = 3;
    pub const INCLUSION_CONTAINS: i16 = 7;
    pub const INCLUSION_CONTAINED: i16 = 8;
    pub const EQUALS: i16 = 18;
    pub const WITHIN: i16 = 24;
    pub const WITHIN_OR_EQUAL: i16 = 25;
    pub const CONTAINS: i16 = 26;
    pub const CONTAINS_OR_EQUAL: i16 = 27;
}

pub(super) fn bounds(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    Ok(vec![interval(value)?])
}

pub(super) fn conditions(strategy: i16, operand: &Datum, _: Oid) -> Result<Conditions> {
    let interval = interval(operand)?;
    let condition = match strategy {
        strategy::OVERLAPS
        | strategy::EQUALS
        | strategy::WITHIN
        | strategy::WITHIN_OR_EQUAL
        | strategy::INCLUSION_CONTAINED => AxisCondition::overlaps(0, interval),
        strategy::CONTAINS | strategy::CONTAINS_OR_EQUAL | strategy::INCLUSION_CONTAINS => {
            AxisCondition::contains(0, interval)
        }
        _ => return Ok(anywhere()),
    };
    Ok(vec![vec![condition]])
}

fn interval(value: &Datum) -> Result<(Bound, Bound)> {
    let inet = match value {
        Datum::Bytea(bytes) => Inet::new(bytes),
        _ => None,
    };
    let inet = inet.ok_or_else(|| Error::internal(format!("{value:?} as network")))?;
    let end = |fill: bool| {
        let address = (0..inet.address.len() as u8).map(|byte| {
            let bits = (0..8).map(|bit| if byte * 8 + bit < inet.bits { inet.bit(byte * 8 + bit) } else { fill });
            bits.fold(0, |byte, bit| byte << 1 | u8::from(bit))
        });
        [PLACE, 1, inet.family].into_iter().chain(address).collect()
    };
    Ok((end(false), end(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_their_addresses() {
        let network = Datum::bytea([2, 12, 10, 23, 4, 5]);
        assert_eq!(interval(&network).unwrap(), (vec![PLACE, 1, 2, 10, 16, 0, 0], vec![PLACE, 1, 2, 10, 31, 255, 255]));
        let host = Datum::bytea([2, 32, 10, 23, 4, 5]);
        let (low, high) = interval(&host).unwrap();
        assert_eq!(low, high);
    }
}
