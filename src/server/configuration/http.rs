//! The HTTP interface's settings.

use std::sync::Arc;
use std::time::Duration;

use dictdb_http::{Access, Options, Rate};
use dictdb_session::settings::ServerSettings;

use super::int;

/// Where the interface listens, and how it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// Address and port.
    pub address: String,
    /// Whether nobody asked for it: then it is done without when the port is taken.
    pub is_default: bool,
    /// How it behaves.
    pub options: Options,
}

impl Http {
    /// Reads the settings; `None` when it is off. `/api` works as `user` in `database`.
    pub(super) fn from_settings(
        settings: &ServerSettings,
        token: Option<&str>,
        user: &str,
        database: &str,
    ) -> Result<Option<Http>, String> {
        let text = |name: &str| settings.value(name).plain();
        let address = text("http");
        if matches!(address.as_str(), "off" | "") {
            return Ok(None);
        }
        let Some((host, _)) = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()) else {
            return Err(format!("http: \"{address}\" is not an address with a port"));
        };
        let is_local = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
        let rate = match text("http_rate_limit").as_str() {
            "off" => None,
            rate => Some(Rate::parse(rate).ok_or_else(|| {
                format!("http_rate_limit: \"{rate}\" is not a number of requests and an interval, such as 100/60s")
            })?),
        };
        let origins = text("http_cors_origins");
        let origins = origins.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let options = Options {
            access: access(&text("http_auth"), token.filter(|token| !token.is_empty()), is_local)?,
            rate,
            origins: origins.map(str::to_owned).collect(),
            timeout: Duration::from_secs(int(settings, "http_request_timeout").unsigned_abs()),
            body_bytes: usize::try_from(int(settings, "http_max_body")).unwrap_or(0) << 10,
            max_websockets: usize::try_from(int(settings, "http_max_websockets")).unwrap_or(0),
            user: user.into(),
            database: database.into(),
        };
        let is_default = settings.value("http") == ServerSettings::default().value("http");
        Ok(Some(Http { address, is_default, options }))
    }
}

/// Who may use `/api`: everybody on this machine; elsewhere who knows the token, if there is one.
fn access(rule: &str, token: Option<&str>, is_local: bool) -> Result<Access, String> {
    match (rule, token) {
        ("trust", _) => Ok(Access::Everybody),
        ("token", None) => {
            Err("http_auth = token needs a token (DICTDB_HTTP_TOKEN, DICTDB_HTTP_TOKEN_FILE)".to_owned())
        }
        (_, Some(token)) => Ok(Access::Token(Arc::from(token))),
        _ if is_local => Ok(Access::Everybody),
        _ => Ok(Access::Nobody),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_session::settings::Source;

    fn http(pairs: &[(&str, &str)], token: Option<&str>) -> Result<Option<Http>, String> {
        let mut settings = ServerSettings::default();
        pairs.iter().for_each(|(name, value)| settings.set(name, value, Source::CommandLine).unwrap());
        Http::from_settings(&settings, token, "u", "d")
    }

    #[test]
    fn elsewhere_a_token_is_wanted() {
        let access = |pairs: &[(&str, &str)], token| http(pairs, token).unwrap().unwrap().options.access;
        assert!(matches!(access(&[], None), Access::Everybody));
        assert!(matches!(access(&[], Some("t")), Access::Token(_)));
        assert!(matches!(access(&[("http", "*:80")], None), Access::Nobody));
        assert!(matches!(access(&[("http", "0.0.0.0:80"), ("http_auth", "trust")], None), Access::Everybody));
        assert!(http(&[("http_auth", "token")], None).is_err());
    }

    #[test]
    fn it_can_be_off_and_mistakes_are_named() {
        assert!(http(&[("http", "off")], None).unwrap().is_none());
        assert!(http(&[("http", "localhost")], None).unwrap_err().contains("localhost"));
        assert!(http(&[("http_rate_limit", "many")], None).unwrap_err().contains("many"));
        assert!(http(&[], None).unwrap().unwrap().is_default);
        assert!(!http(&[("http", "127.0.0.1:0")], None).unwrap().unwrap().is_default);
    }
}
