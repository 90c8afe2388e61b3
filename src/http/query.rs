//! The query of a URL: names and values, `application/x-www-form-urlencoded`.

/// Its pairs in order; `None` for one that is not UTF-8.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = Option<(String, String)>> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        decode(name).zip(decode(value))
    })
}

/// `application/x-www-form-urlencoded`, undone.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (*first, rest) {
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        let read =
            |text| pairs(text).map(|pair| pair.map(|(name, value)| format!("{name}:{value}"))).collect::<Vec<_>>();
        assert_eq!(read("a=b%20c+d&&e"), [Some("a:b c d".to_owned()), Some("e:".to_owned())]);
        assert_eq!(read("a=%FF"), [None]);
    }
}
