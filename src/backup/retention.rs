//! Which backups are kept: whole chains by number and age, the newest always.

use dictdb_types::Result;

use crate::chain::{Entry, list};
use crate::host::Settings;
use crate::moment::now_micros;
use crate::name::{FileName, Kind};

/// A full backup, and the deltas of its chain, oldest first.
struct Chain {
    full: FileName,
    deltas: Vec<FileName>,
}

impl Chain {
    fn newest(&self) -> i64 {
        self.deltas.iter().map(|delta| delta.micros).max().unwrap_or(self.full.micros)
    }
}

/// Removes what is not kept of a database's backups.
pub(crate) fn apply(settings: &Settings, database: &str) -> Result<()> {
    if settings.keep_full == 0 && settings.keep_age.is_none() {
        return Ok(());
    }
    // Files that cannot be read are somebody else's to look at.
    let entries: Vec<Entry> = list(&settings.folder)?.into_iter().filter_map(|(_, entry)| entry.ok()).collect();
    let chains = chains(&entries, database);
    for chain in superfluous(&chains, settings.keep_full, oldest_kept(settings)) {
        // From the end, so that what a crash leaves is a chain.
        for name in chain.deltas.iter().rev().chain([&chain.full]) {
            settings.folder.remove(name)?;
            tracing::info!("removed backup {name}");
        }
    }
    Ok(())
}

fn oldest_kept(settings: &Settings) -> Option<i64> {
    settings.keep_age.map(|age| now_micros() - i64::try_from(age.as_micros()).unwrap_or(i64::MAX / 4))
}

fn chains(entries: &[Entry], database: &str) -> Vec<Chain> {
    let own = |entry: &&Entry| entry.head.as_ref().is_some_and(|head| head.database == database);
    let of = |full: &Entry| {
        let name = full.name.to_string();
        let follows = |entry: &&Entry| entry.head.as_ref().is_some_and(|head| head.full.as_ref() == Some(&name));
        let deltas = entries.iter().filter(follows).map(|entry| entry.name.clone()).collect();
        Chain { full: full.name.clone(), deltas }
    };
    entries.iter().filter(own).filter(|entry| entry.name.kind == Kind::Full).map(of).collect()
}

/// Chains beyond the number, and those that ended before the limit; never the last.
fn superfluous(chains: &[Chain], keep: usize, oldest_kept: Option<i64>) -> impl Iterator<Item = &Chain> {
    let older = &chains[..chains.len().saturating_sub(1)];
    older.iter().enumerate().filter_map(move |(position, chain)| {
        let is_beyond = keep > 0 && chains.len() - position > keep;
        let is_old = oldest_kept.is_some_and(|limit| chain.newest() < limit);
        (is_beyond || is_old).then_some(chain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_chains_go_and_the_last_stays() {
        let name = |kind, micros| FileName { kind, micros, ending: "json" };
        let chain = |micros| Chain { full: name(Kind::Full, micros), deltas: vec![name(Kind::Delta, micros + 5)] };
        let chains = [chain(10), chain(20), chain(30)];
        let gone = |keep, limit| superfluous(&chains, keep, limit).map(|chain| chain.full.micros).collect::<Vec<_>>();
        assert_eq!(gone(2, None), [10]);
        assert_eq!(gone(1, None), [10, 20]);
        assert_eq!(gone(0, Some(26)), [10, 20]);
        assert_eq!(gone(0, Some(25)), [10]);
        assert_eq!(gone(9, Some(1000)), [10, 20]);
    }
}
