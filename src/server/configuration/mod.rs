//! Where the server's settings come from: command line over environment over file over defaults.
//!
//! Every setting of `SHOW ALL` may stand in any of them. An unknown key is an error wherever it stands.

mod access;
mod command_line;
mod environment;
mod file;
mod given;
mod http;

use std::collections::BTreeMap;
use std::path::PathBuf;

use dictdb_session::settings::{ServerSettings, Source, Value};
use pgwire::tokio::TlsAcceptor;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) use access::{Access, Method};
pub(crate) use command_line::{Arguments, Task};
use given::Places;
pub(crate) use given::reread;
pub(crate) use http::Http;

/// What a key of the configuration means besides settings.
const OWN_KEYS: &[&str] =
    &["host", "user", "password", "password_file", "database", "data_dir", "ephemeral", "http_token", "init_dir"];

/// Values by key; later sources overwrite earlier ones.
type Values = BTreeMap<String, (String, Source)>;

/// Everything a server needs to know to start.
pub(crate) struct Configuration {
    /// Settings of `SHOW ALL`.
    pub settings: ServerSettings,
    /// Names or addresses to listen on.
    pub hosts: Vec<String>,
    /// Port to listen on; zero is any.
    pub port: u16,
    /// The database that exists from the start.
    pub database: String,
    /// Where data is kept; `None` keeps it in memory only.
    pub data_directory: Option<PathBuf>,
    /// Memory that statements may use between them; `None` is a share of what there is.
    pub max_memory_bytes: Option<usize>,
    /// The first user.
    pub user: std::sync::Arc<str>,
    /// Who may connect.
    pub access: Access,
    /// The HTTP interface; `None` when it is off.
    pub http: Option<Http>,
    /// Scripts that run at the first start are here.
    pub init_directory: Option<PathBuf>,
    /// Where the settings come from.
    origin: String,
    certificate: Option<(String, String)>,
}

impl Configuration {
    /// Reads all sources. The error is a sentence for the operator.
    pub(crate) fn load(arguments: &Arguments) -> Result<Configuration, String> {
        let (values, places) = given::read(arguments)?;
        let origin = match arguments.config.clone().or_else(environment::config_path) {
            Some(path) => format!("{} and {} values in all", path.display(), values.len()),
            None => format!("no file, {} values", values.len()),
        };
        Ok(Configuration { origin, ..Configuration::from_values(values, &places)? })
    }

    /// A sentence about where the settings come from.
    pub(crate) fn origin(&self) -> String {
        self.origin.clone()
    }

    /// `log_file`, if there is one.
    pub(crate) fn log_file(&self) -> Option<PathBuf> {
        Some(self.settings.value("log_file").plain()).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn from_values(mut values: Values, places: &Places) -> Result<Configuration, String> {
        let own = given::take_own(&mut values);
        let mut settings = ServerSettings::default();
        let mut mistakes = Vec::new();
        for given in given::in_order(values, places, given::altered(&own)?) {
            mistakes.extend(settings.set_given(&given).err().map(|error| sentence(&error, given.source)));
        }
        if !mistakes.is_empty() {
            return Err(mistakes.join("; "));
        }
        let data_dir = own.get("data_dir").map_or("./data", String::as_str);
        settings.set_computed("data_directory", data_dir).map_err(|error| error.message().to_owned())?;
        let data_directory = given::data_directory(&own)?;
        let text = |name: &str| settings.value(name).plain();
        let addresses = text("listen_addresses");
        let hosts = addresses.split(',').map(str::trim).filter(|host| !host.is_empty());
        let hosts = hosts.map(|host| if host == "localhost" { "127.0.0.1" } else { host }.to_owned()).collect();
        let certificate =
            (settings.value("ssl") == Value::Bool(true)).then(|| (text("ssl_cert_file"), text("ssl_key_file")));
        let user = own.get("user").cloned().unwrap_or_else(|| "postgres".to_owned());
        let password = match own.get("password_file") {
            Some(path) => Some(read_secret(path)?),
            None => own.get("password").cloned(),
        };
        let database = own.get("database").cloned().unwrap_or_else(|| "postgres".to_owned());
        let http = Http::from_settings(&settings, own.get("http_token").map(String::as_str), &user, &database)?;
        Ok(Configuration {
            http,
            init_directory: own.get("init_dir").filter(|path| !path.is_empty()).map(PathBuf::from),
            origin: String::new(),
            hosts,
            port: u16::try_from(int(&settings, "port")).map_err(|_| "port is out of range".to_owned())?,
            database,
            data_directory,
            max_memory_bytes: usize::try_from(int(&settings, "max_memory"))
                .ok()
                .filter(|mb| *mb > 0)
                .map(|mb| mb << 20),
            user: user.as_str().into(),
            access: Access::new(Method::named(&text("auth_method")), &user, password.as_deref())?,
            certificate,
            settings,
        })
    }

    /// TLS with the configured certificate; `None` when `ssl` is off.
    pub(crate) fn tls(&self) -> Result<Option<Tls>, String> {
        let Some((certificate_file, key_file)) = &self.certificate else { return Ok(None) };
        let refuse = |file: &str, error: &dyn std::fmt::Display| format!("could not load \"{file}\": {error}");
        let certificates = CertificateDer::pem_file_iter(certificate_file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| refuse(certificate_file, &error))?;
        let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| refuse(key_file, &error))?;
        let pem = std::fs::read(certificate_file).map_err(|error| refuse(certificate_file, &error))?;
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(|error| refuse(certificate_file, &error))?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Some(Tls { acceptor: TlsAcceptor::from(std::sync::Arc::new(config)), certificate_pem: pem }))
    }
}

/// The application protocol that direct TLS connections must announce.
pub(crate) const ALPN: &[u8] = b"postgresql";

/// What encrypted connections need.
pub(crate) struct Tls {
    /// Performs the handshake.
    pub acceptor: TlsAcceptor,
    /// The certificate, to which SCRAM binds the channel.
    pub certificate_pem: Vec<u8>,
}

fn int(settings: &ServerSettings, name: &str) -> i64 {
    match settings.value(name) {
        Value::Int(value) => value,
        _ => 0,
    }
}

fn sentence(error: &dictdb_types::Error, source: Source) -> String {
    let mut text = format!("{}: {}", source.name(), error.message());
    for more in [&error.fields().detail, &error.fields().hint].into_iter().flatten() {
        text.push_str(&format!(" ({more})"));
    }
    text
}

/// A secret kept in a file of its own, without the line end editors add.
fn read_secret(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("could not read \"{path}\": {error}"))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

/// Whether a key means anything.
fn is_known(key: &str) -> bool {
    OWN_KEYS.contains(&key) || dictdb_session::settings::definition::by_name(key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> Result<Configuration, String> {
        let value = |text: &str| (text.to_owned(), Source::CommandLine);
        let pairs = pairs.iter().chain(&[("ephemeral", "on")]);
        Configuration::from_values(pairs.map(|(key, text)| ((*key).to_owned(), value(text))).collect(), &Places::new())
    }

    #[test]
    fn settings_and_own_keys_are_told_apart() {
        let configuration = load(&[("host", "127.0.0.1,::1"), ("port", "6000"), ("work_mem", "8MB")]).unwrap();
        assert_eq!(configuration.hosts, ["127.0.0.1", "::1"]);
        assert_eq!(configuration.port, 6000);
        assert!(!configuration.access.is_required());
        assert!(load(&[("password", "x")]).unwrap().access.is_required());
    }

    #[test]
    fn mistakes_are_named() {
        let refused = |pairs: &[(&str, &str)]| load(pairs).err().unwrap();
        assert!(refused(&[("nothing", "1")]).contains("unrecognized configuration parameter \"nothing\""));
        assert!(refused(&[("port", "70000")]).contains("70000 is outside the valid range for parameter \"port\""));
        assert!(refused(&[("auth_method", "password")]).contains("password"));
        let both = refused(&[("backup_format", "pickle"), ("backup_interval", "0")]);
        assert!(both.contains("\"backup_format\": \"pickle\"") && both.contains("\"backup_interval\""), "{both}");
    }
}
