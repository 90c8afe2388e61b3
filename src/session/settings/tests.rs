//! Layers and transactions of settings.

use super::*;

fn session() -> Settings {
    Settings::new(Arc::default())
}

fn set(settings: &mut Settings, text: &str, scope: Scope) {
    settings.set("work_mem", text, scope, Authority::User).unwrap();
}

#[test]
fn a_rollback_takes_back_what_the_transaction_set() {
    let mut settings = session();
    set(&mut settings, "8MB", Scope::Session);
    settings.commit();
    set(&mut settings, "9MB", Scope::Session);
    settings.rollback();
    assert_eq!(settings.show("work_mem").unwrap(), "8MB");
}

#[test]
fn a_local_value_ends_with_the_transaction() {
    let mut settings = session();
    set(&mut settings, "8MB", Scope::Session);
    set(&mut settings, "9MB", Scope::Local);
    assert_eq!(settings.show("work_mem").unwrap(), "9MB");
    settings.commit();
    assert_eq!(settings.show("work_mem").unwrap(), "8MB");
}

#[test]
fn a_session_value_replaces_an_earlier_local_one() {
    let mut settings = session();
    set(&mut settings, "9MB", Scope::Local);
    set(&mut settings, "8MB", Scope::Session);
    settings.commit();
    assert_eq!(settings.show("work_mem").unwrap(), "8MB");
}

#[test]
fn savepoints_nest() {
    let mut settings = session();
    settings.push_savepoint();
    set(&mut settings, "5MB", Scope::Session);
    settings.push_savepoint();
    set(&mut settings, "6MB", Scope::Local);
    settings.rollback_to_savepoint(1);
    assert_eq!(settings.show("work_mem").unwrap(), "5MB");
    settings.release_savepoints(1);
    settings.rollback_to_savepoint(0);
    assert_eq!(settings.show("work_mem").unwrap(), "4MB");
}

#[test]
fn refusals_are_postgres_own() {
    let mut settings = session();
    for (name, authority, message) in [
        ("block_size", Authority::Superuser, r#"parameter "block_size" cannot be changed"#),
        (
            "shared_buffers",
            Authority::Superuser,
            r#"parameter "shared_buffers" cannot be changed without restarting the server"#,
        ),
        ("autovacuum", Authority::Superuser, r#"parameter "autovacuum" cannot be changed now"#),
        ("log_statement", Authority::User, r#"permission denied to set parameter "log_statement""#),
        (
            "log_connections",
            Authority::Superuser,
            r#"parameter "log_connections" cannot be set after connection start"#,
        ),
        ("foo", Authority::Superuser, r#"unrecognized configuration parameter "foo""#),
        ("foo.b-r", Authority::Superuser, r#"invalid configuration parameter name "foo.b-r""#),
        ("dictdb.nothing", Authority::Superuser, r#"unrecognized configuration parameter "dictdb.nothing""#),
    ] {
        assert_eq!(settings.set(name, "1", Scope::Session, authority).unwrap_err().message(), message);
    }
    assert_eq!(settings.show("foo.b-r").unwrap_err().code(), SqlState::UNDEFINED_OBJECT);
}

#[test]
fn start_values_are_what_reset_returns_to() {
    let mut settings = session();
    settings.set_at_start("application_name", "é\u{1}x", Source::Client, Authority::User).unwrap();
    settings.set("application_name", "other", Scope::Session, Authority::User).unwrap();
    settings.reset("application_name", Scope::Session, Authority::User).unwrap();
    assert_eq!(settings.show("APPLICATION_NAME").unwrap(), "???x");
    settings.set("my.own", "1", Scope::Session, Authority::User).unwrap();
    settings.reset_all();
    assert!(settings.show("my.own").is_err());
}

#[test]
fn derived_values_follow() {
    let mut settings = session();
    settings.set("DateStyle", "sql, dmy", Scope::Session, Authority::User).unwrap();
    settings.set("statement_timeout", "2s", Scope::Session, Authority::User).unwrap();
    assert_eq!(settings.show("datestyle").unwrap(), "SQL, DMY");
    assert_eq!(settings.derived().statement_timeout_ms, 2000);
    settings.set("datestyle", "default", Scope::Session, Authority::User).unwrap();
    assert_eq!(settings.show("datestyle").unwrap(), "ISO, MDY");
}

#[test]
fn what_is_not_followed_stays_off() {
    let mut settings = session();
    let mut set = |name, text| settings.set(name, text, Scope::Session, Authority::User).map_err(|error| error.code());
    for (name, on, off) in [
        ("transform_null_equals", "on", "off"),
        ("exit_on_error", "true", "false"),
        ("client_connection_check_interval", "500ms", "0"),
        ("log_parameter_max_length_on_error", "-1", "0"),
    ] {
        assert_eq!(set(name, on).err(), Some(SqlState::FEATURE_NOT_SUPPORTED), "{name}");
        assert!(set(name, off).is_ok(), "{name}");
    }
}
