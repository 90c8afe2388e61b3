//! How often a client may ask: a token bucket for every address.
//!
//! A bucket holds as many tokens as requests are allowed in the interval, and fills up evenly over it. A request takes one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State as Extract};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

use crate::answer::Refusal;
use crate::{Peer, State};

/// Addresses that are remembered. Beyond it the ones whose buckets are full again are forgotten.
const MAX_CLIENTS: usize = 10_000;

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// Time.
    pub interval: Duration,
}

impl Rate {
    /// Reads `100/60s`: a number of requests, and seconds (`s`), minutes (`min`) or hours (`h`).
    pub fn parse(text: &str) -> Option<Rate> {
        let (requests, interval) = text.split_once('/')?;
        let interval = interval.trim();
        let digits = interval.find(|c: char| !c.is_ascii_digit()).unwrap_or(interval.len());
        let (count, unit) = interval.split_at(digits);
        let count: u64 = if count.is_empty() { 1 } else { count.parse().ok()? };
        let seconds = match unit.trim() {
            "s" | "" => 1,
            "min" => 60,
            "h" => 3600,
            _ => return None,
        };
        let interval = Duration::from_secs(count.checked_mul(seconds)?);
        let requests = requests.trim().parse().ok().filter(|requests| *requests > 0)?;
        (!interval.is_zero()).then_some(Rate { requests, interval })
    }

    fn tokens_per_second(self) -> f64 {
        f64::from(self.requests) / self.interval.as_secs_f64()
    }
}

struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The buckets of all clients.
pub(crate) struct Buckets {
    rate: Option<Rate>,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Buckets {
    pub(crate) fn new(rate: Option<Rate>) -> Buckets {
        Buckets { rate, buckets: Mutex::default() }
    }

    /// Takes a token; the error is how long it takes until there is one.
    fn take(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let Some(rate) = self.rate else { return Ok(()) };
        let full = f64::from(rate.requests);
        let level = |bucket: &Bucket| {
            let gained = now.saturating_duration_since(bucket.filled).as_secs_f64() * rate.tokens_per_second();
            (bucket.tokens + gained).min(full)
        };
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MAX_CLIENTS && !buckets.contains_key(&client) {
            buckets.retain(|_, bucket| level(bucket) < full);
        }
        let bucket = buckets.entry(client).or_insert(Bucket { tokens: full, filled: now });
        bucket.tokens = level(bucket);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / rate.tokens_per_second()))
    }
}

/// Lets a request pass, or answers 429 with the seconds after which it may come again.
pub(crate) async fn limit(Extract(state): Extract<Arc<State>>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    match client.map_or(Ok(()), |client| state.buckets.take(client, Instant::now())) {
        Ok(()) => next.run(request).await,
        Err(wait) => Refusal::TooMany(wait.as_secs_f64().ceil().max(1.0) as u64).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rate = |requests, seconds| Some(Rate { requests, interval: Duration::from_secs(seconds) });
        assert_eq!(Rate::parse("100/60s"), rate(100, 60));
        assert_eq!(Rate::parse("5 / min"), rate(5, 60));
        assert_eq!(Rate::parse("7/2h"), rate(7, 7200));
        for wrong in ["", "100", "0/60s", "-1/60s", "10/0s", "10/60d", "x/60s"] {
            assert_eq!(Rate::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bucket_empties_and_fills_evenly() {
        let buckets = Buckets::new(Rate::parse("2/10s"));
        let (client, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let start = Instant::now();
        assert!(buckets.take(client, start).is_ok());
        assert!(buckets.take(client, start).is_ok());
        assert_eq!(buckets.take(client, start).unwrap_err().as_secs(), 5);
        assert!(buckets.take(other, start).is_ok());
        assert!(buckets.take(client, start + Duration::from_secs(6)).is_ok());
        assert!(buckets.take(client, start + Duration::from_secs(6)).is_err());
    }
}
