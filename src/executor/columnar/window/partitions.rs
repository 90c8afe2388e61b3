//! Where partitions begin and end among sorted rows, and where groups of peers do.

use std::ops::Range;

use arrow::compute;
use dictdb_types::Result;

use super::super::Chunk;
use super::super::error::arrow_error;

/// The partitions of some rows.
#[derive(Default)]
pub(super) struct Partitions {
    partitions: Vec<Range<usize>>,
    /// Rows equal under PARTITION BY and ORDER BY.
    peers: Vec<Range<usize>>,
}

impl Partitions {
    /// All rows are peers.
    #[allow(clippy::single_range_in_vec_init, reason = "one range of rows is meant")]
    pub fn one(rows: usize) -> Self {
        Partitions { partitions: vec![0..rows], peers: vec![0..rows] }
    }

    /// The partitions of sorted keys, the first of which are PARTITION BY's.
    pub fn of(keys: &Chunk, partition: usize) -> Result<Self> {
        let peers = compute::partition(&keys.columns).map_err(arrow_error)?.ranges();
        let partitions = match partition {
            0 => Partitions::one(keys.rows).partitions,
            all if all == keys.columns.len() => peers.clone(),
            some => compute::partition(&keys.columns[..some]).map_err(arrow_error)?.ranges(),
        };
        Ok(Partitions { partitions, peers })
    }

    /// Runs of whole partitions, each of at least so many rows but the last, numbered from its own first row.
    pub fn into_runs(self, rows: usize) -> Vec<Partitions> {
        let (mut runs, mut run, mut start) = (Vec::new(), Partitions::default(), 0);
        for (partition, groups) in self.each() {
            if run.rows() >= rows {
                start = partition.start;
                runs.push(std::mem::take(&mut run));
            }
            let of_run = |range: &Range<usize>| range.start - start..range.end - start;
            run.partitions.push(of_run(&partition));
            run.peers.extend(groups.iter().map(of_run));
        }
        runs.push(run);
        runs
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.partitions.last().map_or(0, |last| last.end)
    }

    /// Number of partitions.
    pub fn count(&self) -> usize {
        self.partitions.len()
    }

    /// Every partition with its groups of peers.
    pub fn each(&self) -> impl Iterator<Item = (Range<usize>, &[Range<usize>])> {
        let mut rest = &self.peers[..];
        self.partitions.iter().map(move |partition| {
            let count = rest.iter().take_while(|peers| peers.end <= partition.end).count();
            let (own, others) = rest.split_at(count);
            rest = others;
            (partition.clone(), own)
        })
    }
}
