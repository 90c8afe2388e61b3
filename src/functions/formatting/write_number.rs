//! Laying out a number's digits as a template asks: `to_char` of numbers.

use dictdb_types::Result;

use super::number_picture::Picture;
use super::number_template::{Node, Pattern, SignPlace};
use super::ordinal::ending;

/// Width of a Roman numeral.
const ROMAN_WIDTH: usize = 15;

/// Writes a picture through the nodes of its template. 22P02 for an ordinal ending after what is no number.
pub(super) fn write(nodes: &[Node], picture: Picture) -> Result<String> {
    if picture.shape.exponent {
        return Ok(picture.digits);
    }
    let mut writer = Writer::new(picture);
    for node in nodes {
        match node {
            Node::Text(c) => writer.out.push(*c),
            Node::Pattern(pattern) => writer.pattern(*pattern)?,
        }
    }
    if let Some(cut) = writer.cut {
        writer.out.truncate(cut);
    }
    Ok(writer.out)
}

struct Writer {
    picture: Picture,
    out: String,
    /// Whether the sign is out, or nobody asks for one.
    sign_done: bool,
    /// Digit places of the template, less one unless the sign takes one.
    places: isize,
    /// The digit pattern at hand.
    place: usize,
    /// The next of the digits.
    at: usize,
    /// Whether digits are being written, so that separators show.
    inside: bool,
    /// With `FM`: the last digit worth showing, or the decimal point if none is.
    last_relevant: Option<usize>,
    /// Where a place found no digit left, which happens to floats with more places than digits: PostgreSQL's text ends
    /// there, whatever the template has behind it.
    cut: Option<usize>,
}

impl Writer {
    fn new(mut picture: Picture) -> Writer {
        let shape = &mut picture.shape;
        if shape.roman {
            // Nothing but filling counts beside a Roman numeral.
            *shape = super::number_template::Shape { roman: true, fill: shape.fill, ..Default::default() };
        }
        shape.zero_start = shape.zero_start.saturating_sub(1);
        let sign_done = if shape.plus || shape.minus {
            shape.minus
        } else {
            if shape.fill && !picture.negative {
                shape.brackets = false;
            }
            if shape.sign_place == SignPlace::Before && shape.before == shape.before_sign {
                shape.sign_place = SignPlace::After;
            }
            shape.fill && !picture.negative && !shape.sign
        };
        let needs_place = !sign_done && picture.spaces == 0;
        let places = (shape.after + shape.before) as isize - isize::from(!needs_place);
        let last_relevant = last_relevant(&picture);
        Writer {
            picture,
            out: String::new(),
            sign_done,
            places,
            place: 0,
            at: 0,
            inside: false,
            last_relevant,
            cut: None,
        }
    }

    fn pattern(&mut self, pattern: Pattern) -> Result<()> {
        let fill = self.picture.shape.fill;
        let negative = self.picture.negative;
        match pattern {
            Pattern::Nine | Pattern::Zero | Pattern::Point => {
                if !self.picture.shape.roman {
                    self.digit(pattern);
                }
            }
            Pattern::Comma | Pattern::Group => match (self.inside, fill) {
                (true, _) => self.out.push(','),
                (false, false) => self.out.push(' '),
                (false, true) => {}
            },
            Pattern::Currency => self.out.push(' '),
            Pattern::Roman { lower } => self.roman(lower),
            Pattern::Ordinal(case) => {
                let shape = &self.picture.shape;
                if !shape.roman && !self.picture.digits.starts_with('#') && !negative && !shape.point {
                    self.out.push_str(ending(&self.picture.digits, case)?);
                }
            }
            Pattern::Minus | Pattern::Plus => {
                let (wanted, sign) = if pattern == Pattern::Minus { (negative, '-') } else { (!negative, '+') };
                // A Roman numeral has no sign either way.
                if wanted && !self.picture.shape.roman {
                    self.out.push(sign);
                } else if !fill {
                    self.out.push(' ');
                }
            }
            Pattern::SignHere => self.out.push(if negative { '-' } else { '+' }),
            Pattern::Blank
            | Pattern::Exponent
            | Pattern::Fill
            | Pattern::Brackets
            | Pattern::Sign
            | Pattern::Shift
            | Pattern::Nothing => {}
        }
        Ok(())
    }

    fn roman(&mut self, lower: bool) {
        let numeral = &self.picture.digits;
        let numeral = if lower { numeral.to_ascii_lowercase() } else { numeral.clone() };
        if !self.picture.shape.fill {
            self.out.extend(std::iter::repeat_n(' ', ROMAN_WIDTH.saturating_sub(numeral.len())));
        }
        self.out.push_str(&numeral);
    }

    /// Whether the zero before the point of `0.1` gives way to a blank.
    fn is_zero_before_point(&self) -> bool {
        let shape = &self.picture.shape;
        !shape.zero && self.at == 0 && self.picture.digits.starts_with('0') && shape.after != 0
    }

    fn only_point_is_relevant(&self) -> bool {
        self.last_relevant.is_some_and(|at| self.picture.digits.as_bytes().get(at) == Some(&b'.'))
    }

    /// A digit's place, or the decimal point's.
    fn digit(&mut self, pattern: Pattern) {
        self.inside = false;
        self.leading_sign();
        let shape = &self.picture.shape;
        let before_digits = self.place < self.picture.spaces;
        let zero_filled = shape.zero && shape.zero_start <= self.place;
        if before_digits && !zero_filled {
            if !shape.fill {
                self.out.push(' ');
            }
        } else if before_digits {
            self.out.push('0');
            self.inside = true;
        } else {
            self.next_digit(pattern);
        }
        self.trailing_sign();
        self.place += 1;
    }

    /// The sign before the first place that is written.
    fn leading_sign(&mut self) {
        let shape = &self.picture.shape;
        let starts = self.place >= self.picture.spaces || (shape.zero && shape.zero_start == self.place);
        let shown = !self.is_zero_before_point() || self.only_point_is_relevant();
        if self.sign_done || !starts || !shown {
            return;
        }
        let negative = self.picture.negative;
        if shape.sign {
            if shape.sign_place == SignPlace::Before {
                self.out.push(if negative { '-' } else { '+' });
                self.sign_done = true;
            }
            return;
        }
        match negative {
            true => self.out.push(if shape.brackets { '<' } else { '-' }),
            false if shape.brackets || !shape.fill => self.out.push(' '),
            false => {}
        }
        self.sign_done = true;
    }

    fn next_digit(&mut self, pattern: Pattern) {
        let irrelevant = self.last_relevant.is_some_and(|last| self.at > last) && pattern != Pattern::Zero;
        let Some(digit) = self.picture.digits[self.at..].chars().next() else {
            if !irrelevant {
                self.cut.get_or_insert(self.out.len());
                self.inside = true;
            }
            return;
        };
        let fill = self.picture.shape.fill;
        if digit == '.' {
            if !self.only_point_is_relevant() || fill {
                self.out.push('.');
            }
        } else if irrelevant {
        } else if self.is_zero_before_point() {
            if !fill {
                self.out.push(' ');
            } else if self.only_point_is_relevant() {
                self.out.push('0');
            }
        } else {
            self.out.push(digit);
            self.inside = true;
        }
        self.at += digit.len_utf8();
    }

    /// The sign after the last place.
    fn trailing_sign(&mut self) {
        let shape = &self.picture.shape;
        let mut end = self.places + isize::from(self.picture.spaces > 0) + isize::from(shape.point);
        if self.last_relevant == Some(self.at) {
            end = self.place as isize;
        }
        if self.place as isize + 1 != end {
            return;
        }
        if self.sign_done && shape.brackets {
            self.out.push(if self.picture.negative { '>' } else { ' ' });
        } else if shape.sign && shape.sign_place == SignPlace::After {
            self.out.push(if self.picture.negative { '-' } else { '+' });
        }
    }
}

/// With `FM` and a decimal point: the place of the last digit that is not a trailing zero, at least as far as `0`
/// patterns reach; the point itself if there is none.
fn last_relevant(picture: &Picture) -> Option<usize> {
    let shape = &picture.shape;
    if !shape.fill || !shape.point {
        return None;
    }
    let point = picture.digits.find('.')?;
    let last = picture.digits.trim_end_matches('0').len() - 1;
    let zeros_reach = (picture.digits.len() - 1).min(shape.zero_end.saturating_sub(picture.spaces));
    let kept = if shape.zero_end > picture.spaces { zeros_reach } else { 0 };
    Some(last.max(point).max(kept))
}
