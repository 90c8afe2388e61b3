//! Sets of rows below the scan that reads them.

use super::scan::Searched;
use super::{Describer, Labels, child, conjunction, kind};
use crate::explain::{ExplainNode, Value};
use crate::physical::{Bitmap, KeyCondition, KeyTest, Node, Op};

impl Describer<'_> {
    /// A set as PostgreSQL's nodes; its rows are those of the scan.
    pub(super) fn bitmap(&self, scan: &Node, bitmap: &Bitmap, labels: &Labels) -> ExplainNode {
        let mut shown =
            ExplainNode { rows: scan.rows.max(1.0).round(), cost: (0.0, scan.cost.0), ..Default::default() };
        let parts = match bitmap {
            Bitmap::Search { index, conditions } => {
                kind(&mut shown, "Bitmap Index Scan");
                shown.target = format!(" on {}", dictdb_types::quote_identifier(&index.name));
                shown.attributes.push(("Index Name", index.name.to_string()));
                shown.properties.push(("Index Cond", Value::Text(self.key_conditions(conditions, labels))));
                return shown;
            }
            Bitmap::Ranges { index, bounds } => {
                kind(&mut shown, "Bitmap Index Scan");
                shown.target = format!(" on {}", dictdb_types::quote_identifier(&index.name));
                shown.attributes.push(("Index Name", index.name.to_string()));
                if let Op::BitmapScan { table, fetch, .. } | Op::IndexScan { table, fetch, .. } = &scan.op {
                    let searched = Searched { alias: self.naming.alias(scan), table, fetch, names: &scan.names };
                    let condition = self.searched_for(bounds, &searched, index, &[]);
                    if !condition.is_empty() {
                        shown.properties.push(("Index Cond", Value::Text(condition)));
                    }
                }
                return shown;
            }
            Bitmap::All(parts) => {
                kind(&mut shown, "BitmapAnd");
                parts
            }
            Bitmap::Any(parts) => {
                kind(&mut shown, "BitmapOr");
                parts
            }
        };
        shown.children.extend(parts.iter().map(|part| child("Member", self.bitmap(scan, part, labels))));
        shown
    }

    pub(super) fn key_conditions(&self, conditions: &[KeyCondition], labels: &Labels) -> String {
        let prefix = self.scan_prefix();
        let texts = conditions.iter().map(|condition| {
            let left = self.text(&condition.left, labels, prefix);
            match &condition.test {
                KeyTest::Operator { operator, value, .. } => {
                    format!("({left} {operator} {})", self.text(value, labels, prefix))
                }
                KeyTest::IsNull => format!("({left} IS NULL)"),
                KeyTest::IsNotNull => format!("({left} IS NOT NULL)"),
            }
        });
        conjunction(texts.collect())
    }
}
