//! Binary forms of the geometric types: their bytes as they are, checked.

use super::reader::{Reader, invalid};
use crate::geometry::{Circle, EPSILON, Geometry, Line, Rectangle};
use crate::{Oid, Result, oids};

/// Points that fit into a value of at most a gigabyte.
const MAX_POINTS: usize = (1 << 30) / 16;

/// Reads a geometric value; 08P01 for too few bytes, 22P03 for what no value of the type is.
pub(super) fn read(reader: &mut Reader<'_>, oid: Oid) -> Result<Vec<u8>> {
    match oid {
        oids::POINT => reader.take(16).map(<[u8]>::to_vec),
        oids::LSEG => reader.take(32).map(<[u8]>::to_vec),
        oids::BOX => {
            let bytes = reader.take(32)?;
            let corners = Rectangle::from_bytes(bytes).ok_or_else(|| invalid("incorrect binary data format"))?;
            Ok(Rectangle::new(corners.high, corners.low).to_bytes())
        }
        oids::LINE => {
            let bytes = reader.take(24)?;
            match Line::from_bytes(bytes) {
                Some(line) if line.a.abs() <= EPSILON && line.b.abs() <= EPSILON => {
                    Err(invalid("invalid line specification: A and B cannot both be zero"))
                }
                _ => Ok(bytes.to_vec()),
            }
        }
        oids::CIRCLE => {
            let bytes = reader.take(24)?;
            match Circle::from_bytes(bytes) {
                Some(circle) if circle.radius < 0.0 => Err(invalid("invalid radius in external \"circle\" value")),
                _ => Ok(bytes.to_vec()),
            }
        }
        oids::PATH => {
            let closed = u8::from(reader.u8()? != 0);
            Ok([&[closed], &*read_points(reader, "path")?].concat())
        }
        _ => read_points(reader, "polygon"),
    }
}

fn read_points(reader: &mut Reader<'_>, name: &str) -> Result<Vec<u8>> {
    let count = reader.i32()?;
    let points = usize::try_from(count).ok().filter(|points| (1..MAX_POINTS).contains(points));
    let points = points.ok_or_else(|| invalid(format!("invalid number of points in external \"{name}\" value")))?;
    Ok([&count.to_be_bytes(), reader.take(points * 16)?].concat())
}
