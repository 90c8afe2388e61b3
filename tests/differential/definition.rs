//! Definitions that change between statements, so that plans made before are made again.

use super::generator::Generator;
use super::kind::Kind;
use super::phrase::Phrase;

impl Generator {
    /// A statement that changes no rows and no columns.
    pub fn plan_change(&mut self) -> Phrase {
        let at = self.table_at();
        if self.chance(50) {
            return self.schema.random_index(&mut self.random, at);
        }
        Phrase::from(format!("ANALYZE {}", self.schema.tables[at].relation.name))
    }

    /// A statement that changes a table's columns or indexes.
    pub fn definition(&mut self) -> Phrase {
        let at = self.table_at();
        let table = self.schema.tables[at].clone();
        let name = &table.relation.name;
        let alone = self
            .schema
            .tables
            .iter()
            .all(|other| other.relation.name == *name || other.relation.columns != table.relation.columns);
        let may_go: Vec<(String, Kind)> = table
            .relation
            .columns
            .iter()
            .filter(|(column, _)| {
                table.is_free(column) && !matches!(column.as_str(), "i1" | "i2") && !table.kept.contains(column)
            })
            .cloned()
            .collect();
        match self.below(5) {
            0 if alone => {
                let kind = self.kind();
                let column = format!("{}{}", kind.letter(), 100 + self.number());
                let value = kind.sample(&mut self.random);
                let default =
                    if self.chance(60) { format!(" DEFAULT {}", kind.written(&value)) } else { String::new() };
                self.schema.tables[at].relation.columns.push((column.clone(), kind));
                Phrase::from(format!("ALTER TABLE {name} ADD COLUMN {column} {}{default}", kind.column_type()))
            }
            1 if alone && !may_go.is_empty() => {
                let (column, _) = self.random.pick(&may_go);
                self.schema.tables[at].relation.columns.retain(|(other, _)| *other != column);
                Phrase::from(format!("ALTER TABLE {name} DROP COLUMN {column}"))
            }
            2 if alone && !may_go.is_empty() => {
                let (column, kind) = self.random.pick(&may_go);
                let (to, using) = match kind {
                    Kind::Int => (Kind::Big, String::new()),
                    Kind::Date => (Kind::Moment, String::new()),
                    Kind::Text | Kind::Mood | Kind::Bool | Kind::Json => (Kind::Text, format!(" USING {column}::text")),
                    other => (other, String::new()),
                };
                let columns = &mut self.schema.tables[at].relation.columns;
                columns.iter_mut().filter(|(other, _)| *other == column).for_each(|(_, kind)| *kind = to);
                Phrase::from(format!("ALTER TABLE {name} ALTER {column} TYPE {}{using}", to.column_type()))
            }
            _ => self.plan_change(),
        }
    }

    fn table_at(&mut self) -> usize {
        let places: Vec<usize> = (0..self.schema.tables.len()).filter(|at| self.schema.tables[*at].is_table).collect();
        self.random.pick(&places)
    }
}
