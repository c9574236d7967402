//! Who may call the tools as a program.

use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::server::page::is_same;
use crate::store::TenantId;

/// The shortest token that is accepted: an empty environment variable must not open anything.
const SHORTEST_TOKEN: usize = 16;

/// How programs are recognized that call the tools, and for which tenant. `Debug` shows no token.
#[derive(Clone, Debug)]
pub struct ProgramAccess(Kind);

#[derive(Clone)]
enum Kind {
    /// With the tenant that each token opens.
    Tokens(Vec<(TenantId, [u8; 32])>),
    Middleware,
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tokens(tokens) => {
                let tenants = tokens.iter().map(|(tenant, _)| tenant);
                f.debug_list().entries(tenants).finish()
            }
            Self::Middleware => f.write_str("Middleware"),
        }
    }
}

/// The tenant for which a program works that the host's middleware has recognized: what it puts into the
/// extensions of a request, with [`ProgramAccess::by_middleware`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProgramOf {
    /// The tenant.
    pub tenant: TenantId,
}

impl ProgramOf {
    /// A program of a tenant's.
    pub fn new(tenant: impl Into<TenantId>) -> Self {
        Self {
            tenant: tenant.into(),
        }
    }
}

impl ProgramAccess {
    /// Nobody: every request is refused.
    pub fn nobody() -> Self {
        Self(Kind::Tokens(Vec::new()))
    }

    /// By a token, as `Authorization: Bearer …`. Each opens one tenant, which may have several. A token
    /// should be random; one of fewer than 16 bytes is never accepted.
    pub fn tokens<T: Into<TenantId>>(tokens: impl IntoIterator<Item = (T, SecretString)>) -> Self {
        let mut digests = Vec::new();
        for (tenant, token) in tokens {
            let token = token.expose_secret().as_bytes();
            if token.len() >= SHORTEST_TOKEN {
                digests.push((tenant.into(), Sha256::digest(token).into()));
            } else {
                tracing::warn!("a token for the agents' tools is too short, and is not accepted");
            }
        }
        Self(Kind::Tokens(digests))
    }

    /// By the host's own middleware, which puts a [`ProgramOf`] into the extensions of each request. A
    /// request without one is refused.
    pub fn by_middleware() -> Self {
        Self(Kind::Middleware)
    }

    /// Whether a request may be answered for a tenant. Every token is compared, each in constant time.
    pub(in crate::server) fn opens(
        &self,
        tenant: &TenantId,
        headers: &HeaderMap,
        extensions: &http::Extensions,
    ) -> bool {
        match &self.0 {
            Kind::Middleware => {
                let program = extensions.get::<ProgramOf>();
                program.is_some_and(|program| program.tenant == *tenant)
            }
            Kind::Tokens(tokens) => {
                let presented = headers.get(header::AUTHORIZATION);
                let presented = presented.and_then(|value| value.to_str().ok()?.split_once(' '));
                let presented = match presented {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
                    _ => "",
                };
                let presented: [u8; 32] = Sha256::digest(presented).into();
                let mut opens = false;
                for (of, digest) in tokens {
                    opens |= is_same(digest, &presented) && of == tenant;
                }
                opens
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Extensions;

    fn bearer(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_token_opens_its_own_tenant_only() {
        let access = ProgramAccess::tokens([
            ("salon", SecretString::from("sixteen-bytes-!!")),
            ("studio", "another-long-token".into()),
            ("short", "fifteen-bytes-!".into()),
            ("empty", "".into()),
        ]);
        let opens = |tenant: &str, value: &str| {
            access.opens(&tenant.into(), &bearer(value), &Extensions::new())
        };
        assert!(opens("salon", "Bearer sixteen-bytes-!!"));
        assert!(opens("studio", "bearer  another-long-token"));
        for (tenant, value) in [
            ("studio", "Bearer sixteen-bytes-!!"),
            ("salon", "Basic sixteen-bytes-!!"),
            ("salon", "sixteen-bytes-!!"),
            ("salon", "Bearer sixteen-bytes-!?"),
            ("short", "Bearer fifteen-bytes-!"),
            ("empty", "Bearer "),
            ("empty", ""),
        ] {
            assert!(!opens(tenant, value), "{tenant} {value}");
        }
        let nobody = ProgramAccess::nobody();
        assert!(!nobody.opens(&"empty".into(), &bearer("Bearer "), &Extensions::new()));
        assert!(!format!("{access:?}").contains("sixteen"));
    }

    #[test]
    fn with_middleware_nothing_but_its_word_counts() {
        let access = ProgramAccess::by_middleware();
        let headers = bearer("Bearer sixteen-bytes-!!");
        let mut extensions = Extensions::new();
        assert!(!access.opens(&"salon".into(), &headers, &extensions));
        extensions.insert(ProgramOf::new("salon"));
        assert!(access.opens(&"salon".into(), &headers, &extensions));
        assert!(!access.opens(&"studio".into(), &headers, &extensions));
    }
}
