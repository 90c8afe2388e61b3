//! Names, with and without prefixes.

use super::Parser;
use crate::chars::{is_name, is_name_start, is_ncname, is_ncname_start};

impl Parser<'_> {
    /// `Name`.
    pub(super) fn name(&mut self) -> Option<String> {
        self.name_of(is_name_start, is_name)
    }

    /// `NCName`: a name without a colon.
    pub(super) fn ncname(&mut self) -> Option<String> {
        self.name_of(is_ncname_start, is_ncname)
    }

    /// `Nmtoken`.
    pub(super) fn nmtoken(&mut self) -> Option<String> {
        let token = self.cursor.take_while(is_name);
        (!token.is_empty()).then(|| token.to_owned())
    }

    fn name_of(&mut self, is_start: fn(char) -> bool, is_later: fn(char) -> bool) -> Option<String> {
        self.cursor.peek().filter(|c| is_start(*c))?;
        Some(self.cursor.take_while(is_later).to_owned())
    }

    /// `QName`: prefix and local name. A name with colons in wrong places is taken as a whole, with an error.
    pub(super) fn qname(&mut self) -> Option<(Option<String>, String)> {
        let Some(first) = self.ncname() else {
            if !self.cursor.is(':') {
                return None;
            }
            let name = self.name()?;
            self.namespace_error(&format!("Failed to parse QName '{name}'"));
            return Some((None, name));
        };
        if !self.cursor.eat(':') {
            return Some((None, first));
        }
        let Some(local) = self.ncname() else {
            self.namespace_error(&format!("Failed to parse QName '{first}:'"));
            let rest = self.nmtoken().unwrap_or_default();
            return Some((None, format!("{first}:{rest}")));
        };
        if self.cursor.is(':') {
            self.namespace_error(&format!("Failed to parse QName '{first}:{local}:'"));
            self.cursor.bump();
            let rest = self.name().unwrap_or_default();
            return Some((Some(first), format!("{local}:{rest}")));
        }
        Some((Some(first), local))
    }
}
