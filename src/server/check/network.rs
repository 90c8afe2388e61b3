//! Ports: free, and guarded where others can reach them.

use super::{Line, Verdict};
use crate::configuration::Configuration;
use crate::listener;

/// Opens the sockets a server would open, and closes them again.
pub(super) async fn ports(configuration: &Configuration) -> Vec<Line> {
    let port = configuration.port;
    let mut lines = vec![match listener::bind(configuration).await {
        Ok(_) => ("port", Verdict::Good, format!("{port} is free")),
        Err(error) => ("port", Verdict::Bad, error),
    }];
    lines.push(match &configuration.http {
        None => ("http", Verdict::Good, "off".to_owned()),
        Some(http) => match dictdb_http::bind(&http.address).await {
            Ok(_) => match http.options.access {
                dictdb_http::Access::Nobody => {
                    let sentence = format!("{} is free; /api answers nobody: there is no http_token", http.address);
                    ("http", Verdict::Warning, sentence)
                }
                _ => ("http", Verdict::Good, format!("{} is free", http.address)),
            },
            Err(error) if http.is_default => ("http", Verdict::Warning, error),
            Err(error) => ("http", Verdict::Bad, error),
        },
    });
    lines
}
