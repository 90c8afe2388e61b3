//! Subscriptions and conversions.

use sqlparser::ast::{Ident, ObjectName};

use super::{Behavior, DefElem};

/// `CREATE SUBSCRIPTION`.
#[derive(Clone, Debug)]
pub struct CreateSubscription {
    /// The subscription.
    pub name: Ident,
    /// `CONNECTION`.
    pub connection: String,
    /// `PUBLICATION`.
    pub publications: Vec<Ident>,
    /// `WITH`.
    pub options: Vec<DefElem>,
}

/// `ALTER SUBSCRIPTION`, but for `RENAME` and `OWNER TO`.
#[derive(Clone, Debug)]
pub struct AlterSubscription {
    /// The subscription.
    pub name: Ident,
    /// What happens.
    pub action: SubscriptionAction,
}

/// What happens to a subscription.
#[derive(Clone, Debug)]
pub enum SubscriptionAction {
    /// `SET (…)`.
    Options(Vec<DefElem>),
    /// `CONNECTION`.
    Connection(String),
    /// `REFRESH PUBLICATION`.
    Refresh(Vec<DefElem>),
    /// `SET`, `ADD` and `DROP PUBLICATION`.
    Publications(PublicationChange, Vec<Ident>, Vec<DefElem>),
    /// `ENABLE` (true), `DISABLE`.
    Enable(bool),
    /// `SKIP (…)`.
    Skip(Vec<DefElem>),
}

/// What happens to the publications of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationChange {
    /// `ADD`.
    Add,
    /// `SET`.
    Set,
    /// `DROP`.
    Drop,
}

/// `DROP SUBSCRIPTION`.
#[derive(Clone, Debug)]
pub struct DropSubscription {
    /// The subscription.
    pub name: Ident,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// `CREATE CONVERSION`.
#[derive(Clone, Debug)]
pub struct CreateConversion {
    /// The conversion.
    pub name: ObjectName,
    /// `DEFAULT`.
    pub default: bool,
    /// `FOR`.
    pub source: String,
    /// `TO`.
    pub target: String,
    /// `FROM`.
    pub function: ObjectName,
}

/// `CREATE LANGUAGE` with a handler.
#[derive(Clone, Debug)]
pub struct CreateLanguage {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TRUSTED`.
    pub trusted: bool,
    /// The language.
    pub name: Ident,
    /// `HANDLER`.
    pub handler: ObjectName,
    /// `INLINE`.
    pub inline: Option<ObjectName>,
    /// `VALIDATOR`.
    pub validator: Option<ObjectName>,
}

/// `CREATE ACCESS METHOD`.
#[derive(Clone, Debug)]
pub struct CreateAccessMethod {
    /// The access method.
    pub name: Ident,
    /// `TYPE TABLE`; otherwise `TYPE INDEX`.
    pub table: bool,
    /// `HANDLER`.
    pub handler: ObjectName,
}
