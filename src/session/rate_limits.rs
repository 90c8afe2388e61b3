//! How often a client may ask: a token bucket for every role, every address, and every address of the HTTP interface.
//!
//! A bucket holds as many tokens as requests are allowed in the interval, and fills up evenly over it. A statement or request takes one.
//! `dictdb.rate_limit` (a role's setting, as a rule) and `dictdb.rate_limit_by_address` say how many; both are off unless somebody sets
//! them, and a statement then pays two comparisons.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dictdb_types::{Error, Result, SqlState};
use parking_lot::Mutex;

use crate::prepared::Source;
use crate::{Session, clock, statement};

/// Clients that are remembered. Beyond it the ones whose buckets are full again are forgotten.
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

    /// Tokens that a bucket gains in a second.
    pub fn tokens_per_second(self) -> f64 {
        f64::from(self.requests) / self.interval.as_secs_f64()
    }
}

/// Whose bucket it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Client {
    /// All sessions of a role.
    Role(Arc<str>),
    /// All sessions from an address.
    Address(IpAddr),
    /// HTTP requests and messages over WebSockets from an address.
    Http(IpAddr),
}

impl Client {
    /// What kind of client it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Client::Role(_) => "role",
            Client::Address(_) => "address",
            Client::Http(_) => "http",
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Client::Role(name) => f.write_str(name),
            Client::Address(address) | Client::Http(address) => write!(f, "{address}"),
        }
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
    filled_micros: i64,
}

impl Bucket {
    fn level(&self, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * self.rate.tokens_per_second();
        (self.tokens + gained).min(f64::from(self.rate.requests))
    }

    fn is_full(&self, now: Instant) -> bool {
        self.level(now) >= f64::from(self.rate.requests)
    }
}

/// How a client's bucket stands.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Whose it is.
    pub client: Client,
    /// What is in it.
    pub tokens: f64,
    /// What it holds and how quickly it fills.
    pub rate: Rate,
    /// When it was filled last, in microseconds since 1970.
    pub filled_micros: i64,
}

/// The buckets of all clients.
#[derive(Default)]
pub struct RateLimits {
    buckets: Mutex<HashMap<Client, Bucket>>,
}

impl RateLimits {
    /// Takes a token; the error is how long it takes until there is one.
    pub fn take(&self, client: Client, rate: Rate) -> std::result::Result<(), Duration> {
        self.take_at(client, rate, Instant::now())
    }

    fn take_at(&self, client: Client, rate: Rate, now: Instant) -> std::result::Result<(), Duration> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MAX_CLIENTS && !buckets.contains_key(&client) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let full = || Bucket { rate, tokens: f64::from(rate.requests), filled: now, filled_micros: 0 };
        let bucket = buckets.entry(client).or_insert_with(full);
        (bucket.tokens, bucket.filled, bucket.filled_micros) = (bucket.level(now), now, clock::now_micros());
        // A rate that was changed goes on with what is there.
        bucket.rate = rate;
        bucket.tokens = bucket.tokens.min(f64::from(rate.requests));
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / rate.tokens_per_second()))
    }

    /// How all buckets stand now, by client.
    pub fn usage(&self) -> Vec<Usage> {
        let now = Instant::now();
        let buckets = self.buckets.lock();
        let usage = buckets.iter().map(|(client, bucket)| Usage {
            client: client.clone(),
            tokens: bucket.level(now),
            rate: bucket.rate,
            filled_micros: bucket.filled_micros,
        });
        let mut usage: Vec<Usage> = usage.collect();
        drop(buckets);
        usage.sort_by(|a, b| a.client.cmp(&b.client));
        usage
    }
}

impl Session {
    /// A statement begins: it takes a token from the buckets that it is limited by. 53400.
    #[inline]
    pub(crate) fn admit_statement(&mut self, source: &Source) -> Result<()> {
        let derived = self.derived();
        match (derived.rate_limit, derived.rate_limit_by_address) {
            (None, None) => Ok(()),
            rates => self.take_tokens(rates, source),
        }
    }

    /// A transaction can always be ended.
    #[cold]
    fn take_tokens(&self, (by_role, by_address): (Option<Rate>, Option<Rate>), source: &Source) -> Result<()> {
        if statement::ends_failed_block(&source.parsed.statement) {
            return Ok(());
        }
        let identity = &self.shared.backend.identity;
        let limits = &self.shared.instance.rate_limits;
        if let Some(rate) = by_role {
            let taken = limits.take(Client::Role(identity.user.clone()), rate);
            taken.map_err(|wait| exceeded(&format!("role \"{}\"", identity.user), rate, wait))?;
        }
        if let Some((rate, address)) = by_address.zip(identity.address) {
            let taken = limits.take(Client::Address(address.ip()), rate);
            taken.map_err(|wait| exceeded(&format!("address {}", address.ip()), rate, wait))?;
        }
        Ok(())
    }
}

fn exceeded(whose: &str, rate: Rate, wait: Duration) -> Error {
    let message = format!("rate limit exceeded for {whose}");
    let seconds = wait.as_secs_f64();
    Error::new(SqlState::CONFIGURATION_LIMIT_EXCEEDED, message)
        .detail(format!("It may run {} statements in {} seconds.", rate.requests, rate.interval.as_secs()))
        .hint(format!("Try again in {:.1} seconds.", (seconds * 10.0).ceil().max(1.0) / 10.0))
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
        let (limits, rate) = (RateLimits::default(), Rate::parse("2/10s").unwrap());
        let (client, other) = (Client::Http([127, 0, 0, 1].into()), Client::Address([127, 0, 0, 1].into()));
        let start = Instant::now();
        let take =
            |client: &Client, seconds| limits.take_at(client.clone(), rate, start + Duration::from_secs(seconds));
        assert!(take(&client, 0).is_ok() && take(&client, 0).is_ok());
        assert_eq!(take(&client, 0).unwrap_err().as_secs(), 5);
        assert!(take(&other, 0).is_ok());
        assert!(take(&client, 6).is_ok());
        assert!(take(&client, 6).is_err());
        // Another rate goes on with what is there.
        assert!(limits.take_at(client, Rate::parse("3/10s").unwrap(), start + Duration::from_secs(7)).is_err());
        assert_eq!(limits.usage().len(), 2);
    }
}
