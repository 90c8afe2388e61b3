//! `pg_policy`.

use super::super::output::{Output, oid_array, row};
use super::Source;

/// Attnum of `polrelid`.
const POLRELID: i16 = 3;

/// Policies.
pub fn pg_policy(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, POLRELID) {
        // By age, as a heap has them: tools join their names in this order.
        let mut policies: Vec<_> = relation.policies.iter().collect();
        policies.sort_by_key(|policy| policy.oid);
        for policy in policies {
            row!(out;
                policy.oid, &policy.name, relation.oid, policy.command.letter(), policy.permissive,
                oid_array(policy.roles.iter().copied()), policy.using.clone(), policy.check.clone(),
            );
        }
    }
}
