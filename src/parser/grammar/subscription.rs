//! `CREATE`, `ALTER` and `DROP SUBSCRIPTION`, `CREATE CONVERSION`.

use dictdb_types::Result;
use sqlparser::ast::ObjectName;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::utility::{
    AlterSubscription, CreateAccessMethod, CreateConversion, CreateSubscription, DefElem, DropSubscription, ObjectKind,
    ObjectRef, PublicationChange, SubscriptionAction, Utility,
};

impl Parser<'_> {
    /// `CREATE SUBSCRIPTION …`, after these words.
    pub(super) fn create_subscription(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        self.expect_word(K::Connection)?;
        let connection = self.string()?;
        self.expect_word(K::Publication)?;
        let publications = self.list(Self::col_label)?;
        let options = self.with_definition()?;
        Ok(Utility::CreateSubscription(CreateSubscription { name, connection, publications, options }))
    }

    /// `ALTER SUBSCRIPTION …`, after these words.
    pub(super) fn alter_subscription(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let action = match self.keyword() {
            K::Rename | K::Owner => {
                let name = ObjectRef::Name(ObjectName::from(vec![name]));
                return self.alter_definition(ObjectKind::Subscription, name);
            }
            K::Connection => {
                self.advance();
                SubscriptionAction::Connection(self.string()?)
            }
            K::Refresh => {
                self.expect_words(&[K::Refresh, K::Publication])?;
                SubscriptionAction::Refresh(self.with_definition()?)
            }
            K::Enable | K::Disable => SubscriptionAction::Enable(self.advance().keyword == K::Enable),
            K::Skip => {
                self.advance();
                SubscriptionAction::Skip(self.definition()?)
            }
            K::Set if self.nth(1).keyword != K::Publication => {
                self.advance();
                SubscriptionAction::Options(self.definition()?)
            }
            _ => {
                let words = [
                    (K::Add, PublicationChange::Add),
                    (K::Set, PublicationChange::Set),
                    (K::Drop, PublicationChange::Drop),
                ];
                let change = self.eat_one_of(&words).ok_or_else(|| self.unexpected())?;
                self.expect_word(K::Publication)?;
                let publications = self.list(Self::col_label)?;
                SubscriptionAction::Publications(change, publications, self.with_definition()?)
            }
        };
        Ok(Utility::AlterSubscription(AlterSubscription { name, action }))
    }

    /// `DROP SUBSCRIPTION …`, after these words.
    pub(super) fn drop_subscription(&mut self) -> Result<Utility> {
        let if_exists = self.if_exists()?;
        let name = self.col_id()?;
        Ok(Utility::DropSubscription(DropSubscription { name, if_exists, behavior: self.behavior() }))
    }

    /// `WITH (…)` with a definition list, if it comes next.
    pub(super) fn with_definition(&mut self) -> Result<Vec<DefElem>> {
        if self.eat_word(K::With) { self.definition() } else { Ok(Vec::new()) }
    }

    /// `CREATE [DEFAULT] CONVERSION …`, after `CREATE`.
    pub(super) fn create_conversion(&mut self) -> Result<Utility> {
        let default = self.eat_word(K::Default);
        self.expect_word(K::Conversion)?;
        let name = self.any_name()?;
        self.expect_word(K::For)?;
        let source = self.string()?;
        self.expect_word(K::To)?;
        let target = self.string()?;
        self.expect_word(K::From)?;
        let function = self.any_name()?;
        Ok(Utility::CreateConversion(CreateConversion { name, default, source, target, function }))
    }

    /// `CREATE ACCESS METHOD`, which is not yet read.
    pub(super) fn create_access_method(&mut self) -> Result<Utility> {
        self.expect_word(K::Access)?;
        self.expect_word(K::Method)?;
        let name = self.col_id()?;
        self.expect_word(K::Type)?;
        let table = self.eat_word(K::Table);
        if !table {
            self.expect_word(K::Index)?;
        }
        self.expect_word(K::Handler)?;
        let handler = self.any_name()?;
        Ok(Utility::CreateAccessMethod(CreateAccessMethod { name, table, handler }))
    }
}
