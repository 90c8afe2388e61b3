//! The triggers by which PostgreSQL keeps foreign keys, as rows of `pg_trigger`: two on the table that refers, two on the
//! one that is referred to. Here they are a view of the constraints.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::trigger::{Event, Firing};
use crate::{Catalog, Constraint, ConstraintKind, ForeignKey, ReferentialAction};

/// One of the triggers of a foreign key.
#[derive(Clone, Debug)]
pub struct KeyTrigger {
    /// `tgname`.
    pub name: Arc<str>,
    /// `oid`.
    pub oid: Oid,
    /// `tgrelid`.
    pub table: Oid,
    /// `tgconstrrelid`.
    pub other: Oid,
    /// `tgconstraint`.
    pub constraint: Oid,
    /// The table that the constraint is on.
    pub constrained: Oid,
    /// `tgconstrindid`.
    pub index: Oid,
    /// `tgfoid`.
    pub function: Oid,
    /// What it fires for.
    pub event: Event,
    /// Whether it checks referencing rows; otherwise it acts when a referenced one goes.
    pub checks: bool,
    /// `tgenabled`.
    pub firing: Firing,
    /// `tgdeferrable`.
    pub deferrable: bool,
    /// `tginitdeferred`.
    pub initially_deferred: bool,
}

/// `pg_proc.oid` of `RI_FKey_check_ins`; the others follow: `check_upd`, then for each action `del` and `upd`.
const FIRST_FUNCTION: u32 = 1644;
/// The oids of triggers are made from those of their constraints.
const UPPER_HALF: u32 = 1 << 31;
const PARTS: u32 = 1600;

impl Catalog {
    /// The triggers of all foreign keys.
    pub fn key_triggers(&self) -> impl Iterator<Item = KeyTrigger> {
        self.relations().flat_map(|relation| {
            relation.constraints.iter().flat_map(|constraint| match &constraint.kind {
                ConstraintKind::Foreign(key) => {
                    let mut triggers = triggers_of(constraint, key);
                    for (part, _) in self.part_rows(constraint) {
                        let ConstraintKind::Foreign(of_part) = &part.kind else { continue };
                        let mut acting = triggers_of(&Constraint { inherited: 0, ..part.clone() }, of_part);
                        acting.retain(|trigger| !trigger.checks);
                        acting.iter_mut().for_each(|trigger| trigger.firing = key.firing_for(trigger.table));
                        triggers.append(&mut acting);
                    }
                    triggers
                }
                _ => Vec::new(),
            })
        })
    }
}

fn triggers_of(constraint: &Constraint, key: &ForeignKey) -> Vec<KeyTrigger> {
    let action = |action: ReferentialAction| match action {
        ReferentialAction::Cascade => 2,
        ReferentialAction::Restrict => 4,
        ReferentialAction::SetNull => 6,
        ReferentialAction::SetDefault => 8,
        ReferentialAction::NoAction => 10,
    };
    let all = [
        (false, Event::Delete, action(key.on_delete)),
        (false, Event::Update, action(key.on_update) + 1),
        (true, Event::Insert, 0),
        (true, Event::Update, 1),
    ];
    // What stands for the key of a partitioned table has no rows of its own to act on.
    let own = all.into_iter().enumerate().filter(|(_, (checks, ..))| *checks || constraint.inherited == 0);
    own.map(|(part, (checks, event, function))| {
        let oid = Oid(UPPER_HALF | constraint.oid.0.wrapping_mul(PARTS).wrapping_add(part as u32 + 1));
        let waits = checks || matches!(function, 10 | 11);
        let (table, other) =
            if checks { (constraint.relation, key.referenced) } else { (key.referenced, constraint.relation) };
        KeyTrigger {
            name: format!("RI_ConstraintTrigger_{}_{}", if checks { 'c' } else { 'a' }, oid.0).into(),
            oid,
            table,
            other,
            constraint: constraint.oid,
            constrained: constraint.relation,
            index: key.index,
            function: Oid(FIRST_FUNCTION + function),
            event,
            checks,
            firing: if checks { key.check_firing } else { key.action_firing }.unwrap_or(Firing::Origin),
            deferrable: constraint.deferrable && waits,
            initially_deferred: constraint.initially_deferred && waits,
        }
    })
    .collect()
}
