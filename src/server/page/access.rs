//! Who may use the page: operators, their roles and tenants, and the tokens they sign in with.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::model::clean_line;
use crate::store::TenantId;

/// The shortest token that is accepted: an empty environment variable must not open the page.
const SHORTEST_TOKEN: usize = 16;

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Looks at everything, and changes nothing.
    Viewer,
    /// Does everything.
    Operator,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// A person at the page. With [`Access::by_middleware`], the host's own middleware puts one into the
/// extensions of each request.
///
/// ```
/// use calcom::server::{Operator, Role};
///
/// let hanna = Operator::new("hanna", Role::Operator).for_tenants(["salon"]);
/// assert!(hanna.may_see(&"salon".into()) && !hanna.may_see(&"studio".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operator {
    /// The name, under which actions are written down.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The tenants that they may see; `None` for all.
    pub tenants: Option<BTreeSet<TenantId>>,
}

impl Operator {
    /// Somebody who may see all tenants.
    pub fn new(name: impl AsRef<str>, role: Role) -> Self {
        Self {
            name: clean_line(name.as_ref()).into_owned(),
            role,
            tenants: None,
        }
    }

    /// Restricts them to these tenants.
    #[must_use]
    pub fn for_tenants<T: Into<TenantId>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.tenants = Some(tenants.into_iter().map(Into::into).collect());
        self
    }

    /// Whether they may see a tenant, if it exists.
    pub fn may_see(&self, tenant: &TenantId) -> bool {
        let tenants = self.tenants.as_ref();
        tenants.is_none_or(|tenants| tenants.contains(tenant))
    }

    /// Whether they may change anything.
    pub fn may_write(&self) -> bool {
        self.role == Role::Operator
    }
}

/// A secret with which an operator signs in. It is kept as a digest only.
///
/// A session that was begun with a token ends when the token is changed or removed.
#[derive(Clone, Debug)]
pub struct Token {
    pub(super) operator: Operator,
    /// `None` for one that is too short to be accepted.
    digest: Option<[u8; 32]>,
    session_key: SessionKey,
}

impl Token {
    /// A token for the operator of this name, who may see all tenants. It should be random; one of
    /// fewer than 16 bytes is never accepted.
    pub fn new(name: impl AsRef<str>, secret: impl Into<SecretString>, role: Role) -> Self {
        let secret = secret.into();
        let secret = secret.expose_secret().as_bytes();
        let is_long_enough = secret.len() >= SHORTEST_TOKEN;
        if !is_long_enough {
            tracing::warn!("a token of the operations page is too short, and is not accepted");
        }
        Self {
            operator: Operator::new(name, role),
            digest: is_long_enough.then(|| Sha256::digest(secret).into()),
            session_key: SessionKey::of(secret),
        }
    }

    /// Restricts the operator to these tenants.
    #[must_use]
    pub fn for_tenants<T: Into<TenantId>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.operator = self.operator.for_tenants(tenants);
        self
    }

    pub(super) fn sign(&self, message: &str) -> String {
        hex::encode(self.session_key.mac(message).finalize().into_bytes())
    }

    /// Whether this token signed a message. Takes as long whatever the signature.
    pub(super) fn has_signed(&self, message: &str, signature: &str) -> bool {
        let signature = hex::decode(signature).unwrap_or_default();
        let is_signed = self.session_key.mac(message).verify_slice(&signature);
        self.digest.is_some() && is_signed.is_ok()
    }
}

/// Signs the sessions of one token.
#[derive(Clone)]
struct SessionKey([u8; 32]);

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl SessionKey {
    fn of(secret: &[u8]) -> Self {
        let mut key = keyed(secret);
        key.update(b"calcom operations page: sessions");
        Self(key.finalize().into_bytes().into())
    }

    fn mac(&self, message: &str) -> Hmac<Sha256> {
        let mut mac = keyed(&self.0);
        mac.update(message.as_bytes());
        mac
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// How operators are recognized.
#[derive(Clone, Debug)]
pub struct Access(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Tokens(Vec<Token>),
    Middleware,
}

impl Access {
    /// By a token, as `Authorization: Bearer …` or in the form at `/login`. Each token needs a name
    /// of its own: of two with one name, the first counts.
    ///
    /// ```
    /// use calcom::SecretString;
    /// use calcom::server::{Access, Role, Token};
    ///
    /// # fn secret(_: &str) -> SecretString { "0123456789abcdef".into() }
    /// let access = Access::tokens([
    ///     Token::new("hanna", secret("HANNAS_TOKEN"), Role::Operator).for_tenants(["salon"]),
    ///     Token::new("support", secret("SUPPORTS_TOKEN"), Role::Viewer),
    /// ]);
    /// # let _ = access;
    /// ```
    pub fn tokens(tokens: impl IntoIterator<Item = Token>) -> Self {
        let mut known: Vec<Token> = Vec::new();
        for token in tokens {
            if known
                .iter()
                .all(|one| one.operator.name != token.operator.name)
            {
                known.push(token);
            }
        }
        Self(Kind::Tokens(known))
    }

    /// By the host's own middleware, which puts an [`Operator`] into the extensions of each request.
    /// A request without one is refused.
    pub fn by_middleware() -> Self {
        Self(Kind::Middleware)
    }

    pub(super) fn token_named(&self, name: &str) -> Option<&Token> {
        match &self.0 {
            Kind::Tokens(tokens) => tokens.iter().find(|token| token.operator.name == name),
            Kind::Middleware => None,
        }
    }

    /// The token with this secret. All are compared, each in constant time.
    pub(super) fn token_with(&self, secret: &str) -> Option<&Token> {
        let Kind::Tokens(tokens) = &self.0 else {
            return None;
        };
        let presented: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let mut found = None;
        for token in tokens {
            if token
                .digest
                .is_some_and(|digest| is_same(&digest, &presented))
            {
                found = Some(token);
            }
        }
        found
    }
}

/// Compares two digests in constant time.
pub(in crate::server) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let differing = one
        .iter()
        .zip(other)
        .fold(0, |all, (one, other)| all | (one ^ other));
    std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_secret_and_a_short_one_never() {
        let access = Access::tokens([
            Token::new("short", "fifteen-bytes-!", Role::Operator),
            Token::new("empty", "", Role::Operator),
            Token::new("hanna", "sixteen-bytes-!!", Role::Operator),
        ]);
        let name = |secret| {
            let token = access.token_with(secret);
            token.map(|token| token.operator.name.as_str())
        };
        assert_eq!(name("sixteen-bytes-!!"), Some("hanna"));
        for secret in ["", "fifteen-bytes-!", "sixteen-bytes-!?", "hanna"] {
            assert_eq!(name(secret), None, "{secret}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let access = Access::tokens([Token::new("hanna", "sixteen-bytes-!!", Role::Viewer)]);
        let shown = format!("{access:?}");
        assert!(shown.contains("hanna") && shown.contains("[secret]"));
        assert!(!shown.contains("sixteen"));
    }
}
