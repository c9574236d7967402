//! The signature of a webhook delivery, as Cal.com makes it.

use crate::webhook;

/// The header with the payload version.
pub const PAYLOAD_VERSION_HEADER: &str = "X-Cal-Webhook-Version";

/// The value of [`SIGNATURE_HEADER`](crate::webhook::SIGNATURE_HEADER) when the subscription has no
/// secret.
pub const NO_SECRET: &str = "no-secret-provided";

/// The version of the payloads that the hosted service sends, and `FakeCalcom` in its place. A
/// self-hosted server of August 2025 names none.
pub const PAYLOAD_VERSION: &str = "2021-10-20";

/// The signature of a delivery: the HMAC-SHA256 of the raw body in lower-case hexadecimal.
///
/// It covers the exact bytes, so a body that is parsed and serialized again no longer matches.
pub fn sign(secret: &str, body: &[u8]) -> String {
    webhook::sign(secret, body)
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn it_is_hmac_sha256_in_lower_case() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
