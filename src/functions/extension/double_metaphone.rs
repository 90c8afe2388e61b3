//! `dmetaphone` and `dmetaphone_alt`: how a word sounds, and how else it may, after Lawrence Philips' double metaphone.

/// Letters of a code.
const CODE_MAX: usize = 4;

/// What a place sounds like, how else, and how many letters that takes.
type Sound = (&'static str, &'static str, usize);

/// The two codes of a word.
pub(super) fn double_metaphone(text: &str) -> (String, String) {
    let word = Word::new(text);
    let (mut first, mut second) = (String::new(), String::new());
    let mut place = usize::from(word.has(0, 0, &["GN", "KN", "PN", "WR", "PS"]));
    if word.at(0, 0) == b'X' {
        (first, second) = ("S".to_owned(), "S".to_owned());
        place += 1;
    }
    while place < word.length && (first.len() < CODE_MAX || second.len() < CODE_MAX) {
        let (sound, other, letters) = word.sound(place);
        first.push_str(sound);
        second.push_str(other);
        place += letters;
    }
    first.truncate(CODE_MAX);
    second.truncate(CODE_MAX);
    (first, second)
}

struct Word {
    /// In upper case, with blanks after it.
    letters: Vec<u8>,
    length: usize,
    slavic: bool,
}

/// The same sound either way.
fn same(sound: &'static str, letters: usize) -> Sound {
    (sound, sound, letters)
}

impl Word {
    fn new(text: &str) -> Word {
        let mut letters = text.as_bytes().to_ascii_uppercase();
        let length = letters.len();
        letters.extend_from_slice(b"     ");
        let contains = |part: &str| letters.windows(part.len()).any(|run| run == part.as_bytes());
        let slavic = ["W", "K", "CZ", "WITZ"].into_iter().any(contains);
        Word { letters, length, slavic }
    }

    /// The letter at a distance from a place; 0 outside of the word.
    fn at(&self, place: usize, distance: isize) -> u8 {
        place.checked_add_signed(distance).and_then(|place| self.letters.get(place)).copied().unwrap_or(0)
    }

    fn is_vowel(&self, place: usize, distance: isize) -> bool {
        matches!(self.at(place, distance), b'A' | b'E' | b'I' | b'O' | b'U' | b'Y')
    }

    /// Whether one of these stands at a distance from a place.
    fn has(&self, place: usize, distance: isize, parts: &[&str]) -> bool {
        let rest = place.checked_add_signed(distance).and_then(|place| self.letters.get(place..));
        rest.is_some_and(|rest| parts.iter().any(|part| rest.starts_with(part.as_bytes())))
    }

    /// Likewise at the beginning.
    fn begins(&self, parts: &[&str]) -> bool {
        self.has(0, 0, parts)
    }

    fn is_germanic(&self) -> bool {
        self.begins(&["VAN ", "VON ", "SCH"])
    }

    fn is_last(&self, place: usize) -> bool {
        place + 1 == self.length
    }

    /// Two letters where the letter is doubled, otherwise one.
    fn doubled(&self, place: usize) -> usize {
        1 + usize::from(self.at(place, 1) == self.at(place, 0))
    }

    /// Two letters where one of these follows, otherwise one.
    fn with(&self, place: usize, following: &[&str]) -> usize {
        1 + usize::from(self.has(place, 1, following))
    }

    fn sound(&self, place: usize) -> Sound {
        match self.at(place, 0) {
            b'A' | b'E' | b'I' | b'O' | b'U' | b'Y' => same(if place == 0 { "A" } else { "" }, 1),
            b'B' => same("P", self.doubled(place)),
            b'C' => self.sound_of_c(place),
            b'D' => self.sound_of_d(place),
            b'F' => same("F", self.doubled(place)),
            b'G' => self.sound_of_g(place),
            b'H' if (place == 0 || self.is_vowel(place, -1)) && self.is_vowel(place, 1) => same("H", 2),
            b'J' => self.sound_of_j(place),
            b'K' => same("K", self.doubled(place)),
            b'L' => self.sound_of_l(place),
            b'M' => self.sound_of_m(place),
            b'N' => same("N", self.doubled(place)),
            b'P' if self.at(place, 1) == b'H' => same("F", 2),
            b'P' => same("P", self.with(place, &["P", "B"])),
            b'Q' => same("K", self.doubled(place)),
            b'R' => self.sound_of_r(place),
            b'S' => self.sound_of_s(place),
            b'T' => self.sound_of_t(place),
            b'V' => same("F", self.doubled(place)),
            b'W' => self.sound_of_w(place),
            b'X' => self.sound_of_x(place),
            b'Z' => self.sound_of_z(place),
            _ => same("", 1),
        }
    }

    fn sound_of_c(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        // German: "bacher", "macher".
        let is_ach = place > 1 && !self.is_vowel(place, -2) && has(-1, &["ACH"]);
        let hard = self.at(place, 2) != b'I' && (self.at(place, 2) != b'E' || has(-2, &["BACHER", "MACHER"]));
        if is_ach && hard {
            return same("K", 2);
        }
        match () {
            () if place == 0 && has(0, &["CAESAR"]) => same("S", 2),
            () if has(0, &["CHIA"]) => same("K", 2),
            () if has(0, &["CH"]) => self.sound_of_ch(place),
            () if has(0, &["CZ"]) && !has(-2, &["WICZ"]) => ("S", "X", 2),
            () if has(1, &["CIA"]) => same("X", 3),
            // Not "McClellan".
            () if has(0, &["CC"]) && !(place == 1 && self.at(0, 0) == b'M') => self.sound_of_cc(place),
            () if has(0, &["CK", "CG", "CQ"]) => same("K", 2),
            () if has(0, &["CIO", "CIE", "CIA"]) => ("S", "X", 2),
            () if has(0, &["CI", "CE", "CY"]) => same("S", 2),
            () if has(1, &[" C", " Q", " G"]) => same("K", 3),
            () if has(1, &["C", "K", "Q"]) && !has(1, &["CE", "CI"]) => same("K", 2),
            () => same("K", 1),
        }
    }

    fn sound_of_ch(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        if place > 0 && has(0, &["CHAE"]) {
            return ("K", "X", 2);
        }
        let greek = ["HARAC", "HARIS", "HOR", "HYM", "HIA", "HEM"];
        let is_greek = place == 0 && has(1, &greek) && !self.begins(&["CHORE"]);
        let before_consonant = (place == 0 || has(-1, &["A", "O", "U", "E"]))
            && has(2, &["L", "R", "N", "M", "B", "H", "F", "V", "W", " "]);
        let is_hard =
            self.is_germanic() || has(-2, &["ORCHES", "ARCHIT", "ORCHID"]) || has(2, &["T", "S"]) || before_consonant;
        match () {
            () if is_greek || is_hard => same("K", 2),
            () if place == 0 => same("X", 2),
            () if self.begins(&["MC"]) => same("K", 2),
            () => ("X", "K", 2),
        }
    }

    fn sound_of_cc(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        // "Bellocchio", not "bacchus".
        if !has(2, &["I", "E", "H"]) || has(2, &["HU"]) {
            return same("K", 2);
        }
        let is_accident = place == 1 && self.at(0, 0) == b'A' || has(-1, &["UCCEE", "UCCES"]);
        same(if is_accident { "KS" } else { "X" }, 3)
    }

    fn sound_of_d(&self, place: usize) -> Sound {
        match () {
            () if self.has(place, 0, &["DGI", "DGE", "DGY"]) => same("J", 3),
            () if self.has(place, 0, &["DG"]) => same("TK", 2),
            () => same("T", self.with(place, &["T", "D"])),
        }
    }

    fn sound_of_g(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        let next = self.at(place, 1);
        let soft_beginning =
            next == b'Y' || has(1, &["ES", "EP", "EB", "EL", "EY", "IB", "IL", "IN", "IE", "EI", "ER"]);
        let soft_ger = (next == b'Y' || has(1, &["ER"]))
            && !self.begins(&["DANGER", "RANGER", "MANGER"])
            && !has(-1, &["E", "I", "RGY", "OGY"]);
        match () {
            () if next == b'H' => self.sound_of_gh(place),
            () if next == b'N' && place == 1 && self.is_vowel(0, 0) && !self.slavic => ("KN", "N", 2),
            // Not "Cagney".
            () if next == b'N' && !has(2, &["EY"]) && !self.slavic => ("N", "KN", 2),
            () if next == b'N' => same("KN", 2),
            () if has(1, &["LI"]) && !self.slavic => ("KL", "L", 2),
            () if place == 0 && soft_beginning => ("K", "J", 2),
            () if soft_ger => ("K", "J", 2),
            () if has(1, &["E", "I", "Y"]) || has(-1, &["AGGI", "OGGI"]) => match () {
                () if self.is_germanic() || has(1, &["ET"]) => same("K", 2),
                () if has(1, &["IER "]) => same("J", 2),
                () => ("J", "K", 2),
            },
            () => same("K", self.doubled(place)),
        }
    }

    fn sound_of_gh(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        match () {
            () if place > 0 && !self.is_vowel(place, -1) => same("K", 2),
            () if place == 0 => same(if self.at(place, 2) == b'I' { "J" } else { "K" }, 2),
            // "Hugh", "bough", "Broughton".
            () if has(-2, &["B", "H", "D"]) || has(-3, &["B", "H", "D"]) || has(-4, &["B", "H"]) => same("", 2),
            // "Laugh", "cough", "rough".
            () if self.at(place, -1) == b'U' && has(-3, &["C", "G", "L", "R", "T"]) => same("F", 2),
            () if self.at(place, -1) != b'I' => same("K", 2),
            () => same("", 2),
        }
    }

    fn sound_of_j(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        let is_san = self.begins(&["SAN "]);
        if is_san || has(0, &["JOSE"]) {
            let is_spanish = is_san || place == 0 && self.at(place, 4) == b' ';
            return (if is_spanish { "H" } else { "J" }, "H", 1);
        }
        let letters = self.doubled(place);
        match () {
            () if place == 0 => ("J", "A", letters),
            () if self.is_vowel(place, -1) && !self.slavic && has(1, &["A", "O"]) => ("J", "H", letters),
            () if self.is_last(place) => ("J", "", letters),
            () if has(1, &["L", "T", "K", "S", "N", "M", "B", "Z"]) || has(-1, &["S", "K", "L"]) => same("", letters),
            () => same("J", letters),
        }
    }

    fn sound_of_l(&self, place: usize) -> Sound {
        let letters = self.doubled(place);
        if letters == 1 {
            return same("L", 1);
        }
        // "Cabrillo", "Gallegos".
        let at_end = place + 3 == self.length && self.has(place, -1, &["ILLO", "ILLA", "ALLE"]);
        let ends = self.has(self.length, -2, &["AS", "OS"]) || self.has(self.length, -1, &["A", "O"]);
        if at_end || ends && self.has(place, -1, &["ALLE"]) { ("L", "", 2) } else { same("L", 2) }
    }

    fn sound_of_m(&self, place: usize) -> Sound {
        let is_dumb = self.has(place, -1, &["UMB"]) && (place + 2 == self.length || self.has(place, 2, &["ER"]));
        same("M", if is_dumb { 2 } else { self.doubled(place) })
    }

    fn sound_of_r(&self, place: usize) -> Sound {
        let is_french =
            self.is_last(place) && !self.slavic && self.has(place, -2, &["IE"]) && !self.has(place, -4, &["ME", "MA"]);
        (if is_french { "" } else { "R" }, "R", self.doubled(place))
    }

    fn sound_of_s(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        match () {
            () if has(-1, &["ISL", "YSL"]) => same("", 1),
            () if place == 0 && has(0, &["SUGAR"]) => ("X", "S", 1),
            () if has(0, &["SHEIM", "SHOEK", "SHOLM", "SHOLZ"]) => same("S", 2),
            () if has(0, &["SH"]) => same("X", 2),
            () if has(0, &["SIO", "SIA"]) => ("S", if self.slavic { "S" } else { "X" }, 3),
            () if has(1, &["Z"]) => ("S", "X", 2),
            () if place == 0 && has(1, &["M", "N", "L", "W"]) => ("S", "X", 1),
            () if has(0, &["SCH"]) => self.sound_of_sch(place),
            () if has(0, &["SCI", "SCE", "SCY"]) => same("S", 3),
            () if has(0, &["SC"]) => same("SK", 3),
            () => {
                let is_french = self.is_last(place) && has(-2, &["AI", "OI"]);
                (if is_french { "" } else { "S" }, "S", self.with(place, &["S", "Z"]))
            }
        }
    }

    fn sound_of_sch(&self, place: usize) -> Sound {
        let has = |parts: &[&str]| self.has(place, 3, parts);
        match () {
            () if has(&["ER", "EN"]) => ("X", "SK", 3),
            () if has(&["OO", "UY", "ED", "EM"]) => same("SK", 3),
            () if place == 0 && !self.is_vowel(3, 0) && self.at(3, 0) != b'W' => ("X", "S", 3),
            () => same("X", 3),
        }
    }

    fn sound_of_t(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        match () {
            () if has(0, &["TION", "TIA", "TCH"]) => same("X", 3),
            () if has(0, &["TH", "TTH"]) && (has(2, &["OM", "AM"]) || self.is_germanic()) => same("T", 2),
            () if has(0, &["TH", "TTH"]) => ("0", "T", 2),
            () => same("T", self.with(place, &["T", "D"])),
        }
    }

    fn sound_of_w(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        if has(0, &["WR"]) {
            return same("R", 2);
        }
        let (first, second) = match () {
            () if place == 0 && self.is_vowel(place, 1) => ("A", "F"),
            () if place == 0 && has(0, &["WH"]) => ("A", "A"),
            () => ("", ""),
        };
        let is_arnow = self.is_last(place) && self.is_vowel(place, -1)
            || has(-1, &["EWSKI", "EWSKY", "OWSKI", "OWSKY"])
            || self.begins(&["SCH"]);
        match () {
            () if is_arnow => (
                first,
                if second == "F" {
                    "FF"
                } else if second == "A" {
                    "AF"
                } else {
                    "F"
                },
                1,
            ),
            () if has(0, &["WICZ", "WITZ"]) && first.is_empty() => ("TS", "FX", 4),
            () if has(0, &["WICZ", "WITZ"]) => ("ATS", "FFX", 4),
            () => (first, second, 1),
        }
    }

    fn sound_of_x(&self, place: usize) -> Sound {
        let ends_french = self.has(place, -3, &["IAU", "EAU"]) || self.has(place, -2, &["AU", "OU"]);
        let is_french = self.is_last(place) && ends_french;
        same(if is_french { "" } else { "KS" }, self.with(place, &["C", "X"]))
    }

    fn sound_of_z(&self, place: usize) -> Sound {
        let has = |distance, parts: &[&str]| self.has(place, distance, parts);
        let is_slavic = self.slavic && place > 0 && self.at(place, -1) != b'T';
        match () {
            () if has(1, &["H"]) => same("J", 2),
            () if has(1, &["ZO", "ZI", "ZA"]) || is_slavic => ("S", "TS", self.doubled(place)),
            () => same("S", self.doubled(place)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sound_in_two_ways() {
        let codes = |word| {
            let (first, second) = double_metaphone(word);
            format!("{first} {second}")
        };
        let known = [
            ("gumbo", "KMP KMP"),
            ("Schmidt", "XMT SMT"),
            ("michael", "MKL MXL"),
            ("Filipowicz", "FLPT FLPF"),
            ("Wasserman", "ASRM FSRM"),
            ("jose", "HS HS"),
            ("cabrillo", "KPRL KPR"),
            ("", " "),
        ];
        for (word, expected) in known {
            assert_eq!(codes(word), expected, "{word}");
        }
    }
}
