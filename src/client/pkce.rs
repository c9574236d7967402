//! Proof Key for Code Exchange (RFC 7636), with the S256 method.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::error::Error;
use crate::ambient;

const OPERATION: &str = "oauth.pkce";

/// A secret that ties an authorization code to the application that requested it, so that an
/// intercepted code is useless without it.
///
/// The challenge is part of the URL that the user's browser is redirected to; the verifier stays
/// with the application until the code is exchanged. `Debug` does not show the verifier.
///
/// ```
/// use calcom::client::Pkce;
///
/// let pkce = Pkce::generate()?;
/// assert_eq!(pkce.challenge().len(), 43);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pkce {
    verifier: SecretString,
    challenge: String,
}

impl Pkce {
    /// Generates a verifier with 256 random bits.
    ///
    /// # Errors
    ///
    /// The error of the operating system's random source.
    pub fn generate() -> io::Result<Self> {
        let bytes: [u8; 32] = ambient::random_bytes()?;
        Ok(Self::of(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// Restores a verifier that was stored before the user was redirected.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) unless it consists of 43 to 128 ASCII letters,
    /// digits, `-`, `.`, `_` and `~`.
    pub fn from_verifier(verifier: impl Into<SecretString>) -> Result<Self, Error> {
        let verifier = verifier.into();
        let text = verifier.expose_secret();
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(43..=128).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(Error::invalid_argument(
                OPERATION,
                "code_verifier",
                "must consist of 43 to 128 letters, digits, hyphens, dots, underscores and tildes",
            ));
        }
        Ok(Self::of(verifier))
    }

    fn of(verifier: SecretString) -> Self {
        let digest = Sha256::digest(verifier.expose_secret());
        let challenge = URL_SAFE_NO_PAD.encode(digest);
        Self {
            verifier,
            challenge,
        }
    }

    /// Returns the verifier. Store it where only the application can read it.
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// Returns the challenge: the SHA-256 digest of the verifier, in base64url without padding.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ErrorKind;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let pkce = Pkce::from_verifier(verifier).unwrap();
        assert_eq!(
            pkce.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(pkce.verifier().expose_secret(), verifier);
        assert!(!format!("{pkce:?}").contains(verifier));
    }

    #[test]
    fn a_generated_verifier_is_valid_and_differs_each_time() {
        let verifiers = [Pkce::generate().unwrap(), Pkce::generate().unwrap()]
            .map(|pkce| pkce.verifier().expose_secret().to_owned());
        assert_ne!(verifiers[0], verifiers[1]);
        for verifier in verifiers {
            assert_eq!(verifier.len(), 43);
            Pkce::from_verifier(verifier).unwrap();
        }
    }

    #[test]
    fn a_verifier_has_43_to_128_unreserved_characters() {
        for verifier in ["~".repeat(43), "A".repeat(128)] {
            Pkce::from_verifier(verifier).unwrap();
        }
        let with = |last: &str| format!("{}{last}", "a".repeat(43));
        for verifier in [
            "a".repeat(42),
            "a".repeat(129),
            with("="),
            with(" "),
            with("é"),
        ] {
            let error = Pkce::from_verifier(verifier.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(!format!("{error:?}").contains(&verifier));
        }
    }
}
