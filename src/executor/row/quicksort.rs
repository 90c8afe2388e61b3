//! Sorting in memory by PostgreSQL's own algorithms, for the sake of rows that are equal by all keys: the order of those is
//! whatever the algorithm leaves them in, and programs come to count on it.
//!
//! [`quicksort`] is the one of Bentley and McIlroy ("Engineering a Sort Function", 1993) with a look first at whether
//! everything is in order already; [`FirstRows`] is a heap of as many rows as are wanted.

use std::cmp::Ordering;

/// Below so many items insertion is fastest.
const FEW: usize = 7;
/// Above so many the middle is chosen of nine.
const MANY: usize = 40;
/// Above so many items no program can tell the order of equal ones by heart; they keep the one they came in.
const LARGEST: usize = 8192;

/// Sorts. Of more than [`LARGEST`] items equal ones keep their order, of fewer they have the one they have in PostgreSQL.
pub(crate) fn quicksort<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    if items.len() > LARGEST {
        items.sort_by(compare);
    } else {
        partition_sort(items, compare);
    }
}

fn partition_sort<T>(mut items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    loop {
        if items.len() < FEW {
            return insertion_sort(items, compare);
        }
        if items.is_sorted_by(|a, b| compare(a, b).is_le()) {
            return;
        }
        let (smaller, larger) = partition(items, compare);
        let start = items.len() - larger;
        let (left, right) = std::mem::take(&mut items).split_at_mut(start);
        let left = &mut left[..smaller];
        // The shorter part by recursion, which so never goes deep.
        items = if smaller <= larger {
            partition_sort(left, compare);
            right
        } else {
            partition_sort(right, compare);
            left
        };
        if items.len() <= 1 {
            return;
        }
    }
}

fn insertion_sort<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]).is_gt() {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Brings what is smaller than a middle item to the front and what is larger to the end. Returns how many each are.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let count = items.len();
    let middle = middle(items, compare);
    items.swap(0, middle);
    // Items equal to the middle one gather at both ends: before `equal_front` and after `equal_back`.
    let (mut equal_front, mut front) = (1, 1);
    let (mut equal_back, mut back) = (count, count);
    loop {
        while front < back {
            match compare(&items[front], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(equal_front, front);
                    equal_front += 1;
                }
                Ordering::Less => {}
            }
            front += 1;
        }
        while front < back {
            match compare(&items[back - 1], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    equal_back -= 1;
                    items.swap(back - 1, equal_back);
                }
                Ordering::Greater => {}
            }
            back -= 1;
        }
        if front >= back {
            break;
        }
        items.swap(front, back - 1);
        front += 1;
        back -= 1;
    }
    let moved = equal_front.min(front - equal_front);
    swap_ranges(items, 0, front - moved, moved);
    let moved = (equal_back - back).min(count - equal_back);
    swap_ranges(items, front, count - moved, moved);
    (front - equal_front, equal_back - back)
}

fn swap_ranges<T>(items: &mut [T], one: usize, other: usize, count: usize) {
    for at in 0..count {
        items.swap(one + at, other + at);
    }
}

/// Where an item is that is likely in the middle.
fn middle<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let (first, middle, last) = (0, items.len() / 2, items.len() - 1);
    if items.len() == FEW {
        return middle;
    }
    let of_three = |a: usize, b: usize, c: usize| {
        let is_less = |a: usize, b: usize| compare(&items[a], &items[b]).is_lt();
        match is_less(a, b) {
            true if is_less(b, c) => b,
            true if is_less(a, c) => c,
            true => a,
            false if is_less(c, b) => b,
            false if is_less(a, c) => a,
            false => c,
        }
    };
    if items.len() <= MANY {
        return of_three(first, middle, last);
    }
    let step = items.len() / 8;
    of_three(
        of_three(first, first + step, first + 2 * step),
        of_three(middle - step, middle, middle + step),
        of_three(last - 2 * step, last - step, last),
    )
}

/// The first rows of an order: all, until there are more than twice as many as are wanted; from then on a heap of these, the
/// last of them on top.
pub(crate) struct FirstRows<T> {
    items: Vec<T>,
    wanted: usize,
    is_heap: bool,
}

impl<T> FirstRows<T> {
    /// Nothing so far.
    pub fn new(wanted: usize) -> Self {
        FirstRows { items: Vec::new(), wanted, is_heap: false }
    }

    /// Whether the next item is kept beside all those that were.
    pub fn grows(&self) -> bool {
        !self.is_heap
    }

    /// Takes an item into account.
    pub fn push(&mut self, item: T, compare: &impl Fn(&T, &T) -> Ordering) {
        if self.is_heap {
            return self.replace_last(item, compare);
        }
        self.items.push(item);
        if self.items.len() > self.wanted.saturating_mul(2) {
            self.become_heap(compare);
        }
    }

    /// The items in order.
    pub fn into_sorted(mut self, compare: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
        if !self.is_heap {
            quicksort(&mut self.items, compare);
            self.items.truncate(self.wanted);
            return self.items;
        }
        for end in (1..self.items.len()).rev() {
            self.items.swap(0, end);
            sink(&mut self.items[..end], compare);
        }
        self.items
    }

    fn become_heap(&mut self, compare: &impl Fn(&T, &T) -> Ordering) {
        let items = std::mem::take(&mut self.items);
        self.is_heap = true;
        for item in items {
            if self.items.len() < self.wanted {
                self.items.push(item);
                rise(&mut self.items, compare);
            } else {
                self.replace_last(item, compare);
            }
        }
    }

    /// Puts an item in the place of the last one, if it comes before that.
    fn replace_last(&mut self, item: T, compare: &impl Fn(&T, &T) -> Ordering) {
        if let Some(last) = self.items.first_mut()
            && compare(&item, last).is_lt()
        {
            *last = item;
            sink(&mut self.items, compare);
        }
    }
}

/// Moves the item at the end of a heap to where it belongs.
fn rise<T>(heap: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    let mut at = heap.len() - 1;
    while at > 0 {
        let parent = (at - 1) / 2;
        if compare(&heap[at], &heap[parent]).is_le() {
            break;
        }
        heap.swap(at, parent);
        at = parent;
    }
}

/// Moves the item on top of a heap to where it belongs.
fn sink<T>(heap: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    let mut at = 0;
    loop {
        let mut child = 2 * at + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && compare(&heap[child], &heap[child + 1]).is_lt() {
            child += 1;
        }
        if compare(&heap[at], &heap[child]).is_ge() {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers below `limit`, each with its place.
    fn numbers(count: usize, limit: u64) -> Vec<(u64, usize)> {
        let mut state = 42u64;
        let next = |at| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % limit, at)
        };
        (0..count).map(next).collect()
    }

    fn by_number(a: &(u64, usize), b: &(u64, usize)) -> Ordering {
        a.0.cmp(&b.0)
    }

    #[test]
    fn everything_is_sorted() {
        for count in [0, 1, 2, 6, 7, 8, 40, 41, 200, 3000, LARGEST + 1] {
            for limit in [1, 2, 5, 1_000_000] {
                let mut items = numbers(count, limit);
                let mut places = vec![false; count];
                quicksort(&mut items, &by_number);
                assert!(items.is_sorted_by_key(|item| item.0), "{count} of {limit}");
                items.iter().for_each(|item| places[item.1] = true);
                assert!(places.iter().all(|place| *place), "{count} of {limit}");
            }
        }
    }

    #[test]
    fn the_first_are_those_of_the_whole() {
        for wanted in [0, 1, 3, 50, 400, 900] {
            let items = numbers(800, 100);
            let mut sorted = items.clone();
            quicksort(&mut sorted, &by_number);
            let mut first = FirstRows::new(wanted);
            items.into_iter().for_each(|item| {
                first.push(item, &by_number);
            });
            let first: Vec<u64> = first.into_sorted(&by_number).into_iter().map(|item| item.0).collect();
            assert_eq!(first, sorted.iter().take(wanted).map(|item| item.0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn items_in_order_keep_their_places() {
        let mut items: Vec<(u64, usize)> = (0..100).map(|at| (at as u64 / 10, at)).collect();
        let before = items.clone();
        quicksort(&mut items, &by_number);
        assert_eq!(items, before);
    }
}
