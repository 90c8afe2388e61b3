//! Text of the geometric types: how parentheses may be left out when reading, and the one form that is written.

use super::float::{FloatText, input_float8_prefix};
use super::integer::{invalid, is_space};
use crate::geometry::{Circle, EPSILON, Geometry, Line, Lseg, Path, Point, Polygon, Rectangle};
use crate::{Error, Oid, Result, SqlState, oids};

/// Reads a geometric type's text into a datum's bytes; 22P02, 22003.
pub fn input(text: &str, oid: Oid) -> Result<Vec<u8>> {
    let scanner = |name| Scanner { name, text, rest: text };
    Ok(match oid {
        oids::POINT => {
            let mut scanner = scanner("point");
            let point = scanner.point()?;
            scanner.end()?;
            point.to_bytes()
        }
        oids::LINE => scanner("line").line()?.to_bytes(),
        oids::LSEG => scanner("lseg").segment(true)?.to_bytes(),
        oids::BOX => {
            let corners = scanner("box").segment(false)?;
            Rectangle::new(corners.start, corners.end).to_bytes()
        }
        oids::PATH => scanner("path").path()?.to_bytes(),
        oids::POLYGON => scanner("polygon").polygon()?.to_bytes(),
        _ => scanner("circle").circle()?.to_bytes(),
    })
}

/// What is left of a text, and whose text it is.
struct Scanner<'a> {
    name: &'static str,
    text: &'a str,
    rest: &'a str,
}

impl Scanner<'_> {
    fn fail<T>(&self) -> Result<T> {
        Err(invalid(self.name, self.text))
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8));
    }

    fn accept(&mut self, sign: char) -> bool {
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, sign: char) -> Result<()> {
        if self.accept(sign) { Ok(()) } else { self.fail() }
    }

    fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { self.fail() }
    }

    fn number(&mut self) -> Result<f64> {
        match input_float8_prefix(self.rest)? {
            Some((value, rest)) => {
                self.rest = rest;
                self.skip_blanks();
                Ok(value)
            }
            None => self.fail(),
        }
    }

    /// `x,y` with or without parentheses.
    fn point(&mut self) -> Result<Point> {
        self.skip_blanks();
        let delimited = self.accept('(');
        let x = self.number()?;
        self.expect(',')?;
        let y = self.number()?;
        if delimited {
            self.expect(')')?;
            self.skip_blanks();
        }
        Ok(Point { x, y })
    }

    /// So many points, in brackets where an open path is allowed, in parentheses, or bare. Whether they were in
    /// brackets.
    fn points(&mut self, may_be_open: bool, count: usize) -> Result<(Vec<Point>, bool)> {
        self.skip_blanks();
        let open = self.accept('[');
        if open && !may_be_open {
            return self.fail();
        }
        let enclosed = open || (self.is_outer_parenthesis() && self.accept('('));
        let mut points = Vec::new();
        for _ in 0..count {
            points.push(self.point()?);
            self.accept(',');
        }
        if enclosed {
            if !(self.accept(')') || open && self.accept(']')) {
                return self.fail();
            }
            self.skip_blanks();
        }
        Ok((points, open))
    }

    /// Whether a parenthesis here encloses all points rather than the first: another follows, or none other exists.
    fn is_outer_parenthesis(&self) -> bool {
        let Some(after) = self.rest.strip_prefix('(') else { return false };
        let next = after.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8));
        next.starts_with('(') || self.rest.rfind('(') == Some(0)
    }

    fn segment(&mut self, may_be_open: bool) -> Result<Lseg> {
        let (points, _) = self.points(may_be_open, 2)?;
        self.end()?;
        Ok(Lseg { start: points[0], end: points[1] })
    }

    fn line(&mut self) -> Result<Line> {
        self.skip_blanks();
        if !self.accept('{') {
            let ends = self.segment(true)?;
            return line_through(ends.start, ends.end);
        }
        let a = self.number()?;
        self.expect(',')?;
        let b = self.number()?;
        self.expect(',')?;
        let c = self.number()?;
        self.expect('}')?;
        self.skip_blanks();
        self.end()?;
        if a.abs() <= EPSILON && b.abs() <= EPSILON {
            let message = "invalid line specification: A and B cannot both be zero";
            return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
        }
        Ok(Line { a, b, c })
    }

    /// The number of points by the commas between their coordinates.
    fn point_count(&self) -> Result<usize> {
        match self.text.matches(',').count() {
            commas if commas % 2 == 1 => Ok(commas.div_ceil(2)),
            _ => self.fail(),
        }
    }

    fn path(&mut self) -> Result<Path> {
        let count = self.point_count()?;
        self.skip_blanks();
        let enclosed = self.rest.rfind('(') == Some(0) && self.accept('(');
        let (points, open) = self.points(true, count)?;
        if enclosed {
            self.expect(')')?;
            self.skip_blanks();
        }
        self.end()?;
        Ok(Path { closed: !open, points })
    }

    fn polygon(&mut self) -> Result<Polygon> {
        let count = self.point_count()?;
        let (points, _) = self.points(false, count)?;
        self.end()?;
        Ok(Polygon { points })
    }

    /// `<(x,y),r>`, `((x,y),r)`, `(x,y),r` or `x,y,r`.
    fn circle(&mut self) -> Result<Circle> {
        self.skip_blanks();
        let angled = self.accept('<');
        let doubled = |rest: &str| {
            let after = rest.strip_prefix('(').unwrap_or_default();
            after.trim_start_matches(|c: char| c.is_ascii() && is_space(c as u8)).starts_with('(')
        };
        let enclosed = angled || (doubled(self.rest) && self.accept('('));
        let center = self.point()?;
        self.accept(',');
        let radius = self.number()?;
        if radius < 0.0 {
            return self.fail();
        }
        if enclosed {
            if !self.accept(')') && !self.accept('>') {
                return self.fail();
            }
            self.skip_blanks();
        }
        self.end()?;
        Ok(Circle { center, radius })
    }
}

/// The line through two points; 22P02 when they are the same.
fn line_through(a: Point, b: Point) -> Result<Line> {
    if a.same(b) {
        let message = "invalid line specification: must be two distinct points";
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    }
    let slope = a.slope_to(b);
    Ok(Line::with_slope(a, slope, a.y - slope * a.x))
}

/// Appends the text of a geometric value. XX000 when the bytes are no such value.
pub fn write(bytes: &[u8], oid: Oid, extra_float_digits: i32, out: &mut String) -> Result<()> {
    let mut writer = Writer { extra_float_digits, out };
    let written = match oid {
        oids::POINT => Point::from_bytes(bytes).map(|point| writer.point(point)),
        oids::LINE => Line::from_bytes(bytes).map(|line| writer.numbers('{', &[line.a, line.b, line.c], '}')),
        oids::LSEG => Lseg::from_bytes(bytes).map(|lseg| writer.enclosed("[", &[lseg.start, lseg.end], "]")),
        oids::BOX => Rectangle::from_bytes(bytes).map(|own| writer.enclosed("", &[own.high, own.low], "")),
        oids::PATH => Path::from_bytes(bytes).map(|path| {
            let (start, end) = if path.closed { ("(", ")") } else { ("[", "]") };
            writer.enclosed(start, &path.points, end);
        }),
        oids::POLYGON => Polygon::from_bytes(bytes).map(|polygon| writer.enclosed("(", &polygon.points, ")")),
        _ => Circle::from_bytes(bytes).map(|circle| writer.circle(circle)),
    };
    written.ok_or_else(|| Error::internal("malformed geometric value"))
}

struct Writer<'a> {
    extra_float_digits: i32,
    out: &'a mut String,
}

impl Writer<'_> {
    fn number(&mut self, value: f64) {
        self.out.push_str(FloatText::of_f64(value, self.extra_float_digits).as_str());
    }

    fn numbers(&mut self, start: char, values: &[f64], end: char) {
        self.out.push(start);
        for (n, value) in values.iter().enumerate() {
            if n > 0 {
                self.out.push(',');
            }
            self.number(*value);
        }
        self.out.push(end);
    }

    fn point(&mut self, point: Point) {
        self.numbers('(', &[point.x, point.y], ')');
    }

    fn enclosed(&mut self, start: &str, points: &[Point], end: &str) {
        self.out.push_str(start);
        for (n, point) in points.iter().enumerate() {
            if n > 0 {
                self.out.push(',');
            }
            self.point(*point);
        }
        self.out.push_str(end);
    }

    fn circle(&mut self, circle: Circle) {
        self.out.push('<');
        self.point(circle.center);
        self.out.push(',');
        self.number(circle.radius);
        self.out.push('>');
    }
}
