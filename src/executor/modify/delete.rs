//! DELETE.

use dictdb_catalog::trigger::Event;
use dictdb_storage::VersionTag;
use dictdb_types::Result;

use super::node::{Changed, Modify, Place};
use super::recheck::Recheck;
use super::writer::Change;
use crate::access::columns::row_id as row_id_of;
use crate::row::Row;
use crate::runtime::Runtime;

impl Modify {
    pub(super) fn delete(
        &self,
        row_id: usize,
        recheck: &Recheck,
        mut input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let Some(found) = row_id_of(&Modify::input_value(&input, row_id))? else { return Ok(None) };
        let writer = rt.writer();
        let (number, id) = found;
        let (member, target) = self.table_of(number, &writer)?;
        let wants_old =
            self.returning.is_some() || !target.referenced_by.is_empty() || target.watches_rows(Event::Delete);
        let mut expected: Option<VersionTag> = None;
        let mut old = Row::new();
        if wants_old {
            match writer.read(target, id)? {
                Some(row) => old = row,
                None => return Ok(None),
            }
        }
        let transaction = &rt.cx().transaction;
        let deleted = match self.system.is_empty() {
            true => None,
            false => target.handle.table.read(id, &rt.cx().snapshot, |version| transaction.origin(version)),
        };
        loop {
            match writer.delete_row(target, id, expected, &old)? {
                Change::Done => {
                    let full = match member {
                        Some(member) if wants_old => member.named(old),
                        _ => old,
                    };
                    let place = Place { deleted, ..Place::new(target.relation().oid, id) };
                    return Ok(Some(Changed { full, input, place }));
                }
                Change::Gone | Change::Repeated | Change::Skipped => return Ok(None),
                Change::Changed => {
                    let Some(((tag, newest), again)) = recheck.latest(rt, target, found, &input)? else {
                        return Ok(None);
                    };
                    (input, old, expected) = (again, newest, Some(tag));
                }
            }
        }
    }
}
