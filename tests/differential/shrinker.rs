//! Makes a case that differs smaller while it still differs: fewer steps, simpler phrases. What PostgreSQL refuses is no
//! simpler case, unless it refused the whole one.

use std::io::Result;

use super::case::Step;
use super::comparer::Verdict;
use super::pair::Pair;

/// Replays of a case, at most.
const TRIES: u32 = 600;

/// The steps up to the one that differs, and what is different there.
#[derive(Clone, Debug)]
pub struct Failure {
    /// All steps; the last one differs.
    pub steps: Vec<Step>,
    /// What is different.
    pub difference: String,
}

/// Shrinks a failure.
pub fn shrink(pair: &mut Pair, failure: Failure) -> Failure {
    let mut shrinker = Shrinker { pair, best: failure, tries: 0 };
    shrinker.last_step();
    shrinker.fewer_steps();
    for at in (0..shrinker.best.steps.len()).rev() {
        shrinker.simpler_step(at);
    }
    shrinker.fewer_steps();
    shrinker.best
}

/// The difference at the last step of a case run from its begin, if there is one.
pub fn replay(pair: &mut Pair, steps: &[Step]) -> Result<Option<String>> {
    let Some((last, before)) = steps.split_last() else { return Ok(None) };
    let mut sessions = pair.sessions()?;
    for step in before {
        let verdict = sessions.run(step)?;
        if matches!(verdict, Verdict::Void | Verdict::Slow) && !step.only_reads() {
            return Ok(None);
        }
    }
    Ok(match sessions.run(last) {
        Ok(Verdict::Different(text)) => Some(text),
        Ok(_) => None,
        Err(error) => Some(format!("  {error}")),
    })
}

struct Shrinker<'a> {
    pair: &'a mut Pair,
    best: Failure,
    tries: u32,
}

impl Shrinker<'_> {
    /// Keeps the steps if they differ in the same way.
    fn take(&mut self, steps: Vec<Step>) -> bool {
        self.tries += 1;
        if self.tries > TRIES {
            return false;
        }
        match replay(self.pair, &steps) {
            Ok(Some(difference)) if same_sort(&difference, &self.best.difference) => {
                self.best = Failure { steps, difference };
                true
            }
            _ => false,
        }
    }

    /// A last step that only reads is made simpler without running the others again.
    fn last_step(&mut self) {
        let Some((last, before)) = self.best.steps.split_last() else { return };
        if !last.only_reads() {
            return;
        }
        let (mut step, before) = (last.clone(), before.to_vec());
        let mut difference = self.best.difference.clone();
        let Ok(mut sessions) = self.pair.sessions() else { return };
        if before.iter().any(|step| sessions.run(step).is_err()) {
            return;
        }
        let mut number = 0;
        while let Some(phrase) = step.phrase.simpler(number) {
            let simpler = Step { phrase, ..step.clone() };
            match sessions.run(&simpler) {
                Ok(Verdict::Different(text)) if same_sort(&text, &difference) => (step, difference) = (simpler, text),
                Ok(_) => number += 1,
                Err(_) => break,
            }
        }
        let steps: Vec<Step> = before.into_iter().chain([step]).collect();
        self.take(steps);
    }

    fn fewer_steps(&mut self) {
        let mut size = self.best.steps.len() / 2;
        while size > 0 {
            let mut from = 0;
            while from + size < self.best.steps.len() {
                let mut steps = self.best.steps.clone();
                steps.drain(from..from + size);
                if !self.take(steps) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn simpler_step(&mut self, at: usize) {
        let mut number = 0;
        while let Some(phrase) = self.best.steps[at].phrase.simpler(number) {
            let mut steps = self.best.steps.clone();
            steps[at].phrase = phrase;
            if !self.take(steps) {
                number += 1;
            }
            if self.tries > TRIES {
                return;
            }
        }
    }
}

/// Whether two differences are of the same sort: both or none of them is about what PostgreSQL refuses.
fn same_sort(left: &str, right: &str) -> bool {
    let refused = |text: &str| text.contains("PostgreSQL: ERROR");
    let fails = |text: &str| text.contains("DictDB:     ERROR");
    refused(left) == refused(right) && fails(left) == fails(right)
}
