//! Who may connect, and how they prove it.

use std::sync::Arc;

use dictdb_session::Instance;
use dictdb_types::Result;

use crate::password::{VERIFIERS, make_verifier};

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// They need not.
    Trust,
    /// By the password in clear; sensible over TLS only.
    Password,
    /// By SCRAM-SHA-256: the password never travels.
    Scram,
    /// By MD5 where that is what is stored of the password, else by SCRAM-SHA-256.
    Md5,
}

impl Method {
    /// The method of that name in `auth_method`; `auto` leaves the choice to [`Access::new`].
    pub(super) fn named(name: &str) -> Option<Method> {
        match name {
            "trust" => Some(Method::Trust),
            "password" => Some(Method::Password),
            "scram-sha-256" => Some(Method::Scram),
            "md5" => Some(Method::Md5),
            _ => None,
        }
    }
}

/// The rules of access.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// How clients prove who they are.
    pub method: Method,
    /// Whether the method was chosen by name.
    pub is_explicit: bool,
    user: Arc<str>,
    verifier: Option<Arc<str>>,
}

impl Access {
    /// Rules with one user. Without a method it is SCRAM when there is a password and trust when there is none.
    pub(super) fn new(
        method: Option<Method>,
        user: &str,
        password: Option<&str>,
    ) -> std::result::Result<Access, String> {
        let password = password.filter(|password| !password.is_empty());
        let is_explicit = method.is_some();
        let method = method.unwrap_or(if password.is_some() { Method::Scram } else { Method::Trust });
        if method != Method::Trust && password.is_none() {
            return Err("authentication by password needs a password (DICTDB_PASSWORD, --password-file)".to_owned());
        }
        Ok(Access {
            method,
            is_explicit,
            user: user.into(),
            verifier: password.map(|password| make_verifier(password).into()),
        })
    }

    /// Whether clients must prove who they are.
    pub(crate) fn is_required(&self) -> bool {
        self.method != Method::Trust
    }

    /// Makes the configured user a superuser of the instance.
    pub(crate) fn create_role(&self, instance: &Instance) -> Result<()> {
        // Only the first one to say so is needed: all servers make verifiers alike.
        let _ = instance.verifiers.set(VERIFIERS);
        instance.ensure_superuser(&self.user, self.verifier.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_follows_the_password() {
        assert_eq!(Access::new(None, "u", None).unwrap().method, Method::Trust);
        assert_eq!(Access::new(None, "u", Some("")).unwrap().method, Method::Trust);
        assert_eq!(Access::new(None, "u", Some("x")).unwrap().method, Method::Scram);
        assert_eq!(Access::new(Some(Method::Password), "u", Some("x")).unwrap().method, Method::Password);
        assert!(Access::new(Some(Method::Scram), "u", None).is_err());
    }
}
