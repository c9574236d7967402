//! The `/verified-resources` and `/teams/{id}/verified-resources` endpoints, which are not
//! versioned.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::Client;
use super::error::Error;
use super::pages::{ItemStream, Page, walk};
use crate::model::{
    TeamId, VerifiedEmail, VerifiedEmailId, VerifiedPhone, VerifiedPhoneId, VerifiedResourceQuery,
};

/// Verified e-mail addresses and phone numbers of the user or of a team.
///
/// Obtained from [`Client::verified_resources`] or
/// [`Teams::verified_resources`](super::Teams::verified_resources).
///
/// The server sends a code to an e-mail address or phone number, which is verified by sending that
/// code back. A self-hosted server of August 2025 allows five requests for a code and three
/// attempts to verify per minute; these limits do not affect the client's other calls.
///
/// ```no_run
/// # use calcom::client::{Client, Error};
/// # async fn run(client: Client, code: String) -> Result<(), Error> {
/// let verified = client.verified_resources();
/// verified.request_email_code("reminders@example.com").await?;
/// // The user reads the code in the message and enters it.
/// let email = verified.verify_email("reminders@example.com", code).await?;
/// println!("{}", email.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VerifiedResources<'a> {
    client: &'a Client,
    team: Option<TeamId>,
}

impl<'a> VerifiedResources<'a> {
    pub(super) fn new(client: &'a Client, team: Option<TeamId>) -> Self {
        Self { client, team }
    }

    fn path(&self, rest: &[&str]) -> Vec<String> {
        let mut path = Vec::new();
        if let Some(team) = self.team {
            path.extend(["teams".to_owned(), team.to_string()]);
        }
        path.push("verified-resources".to_owned());
        path.extend(rest.iter().map(|&segment| segment.to_owned()));
        path
    }

    /// Sends a verification code to an e-mail address.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is not an e-mail address,
    /// [`RateLimited`](super::ErrorKind::RateLimited), [`Forbidden`](super::ErrorKind::Forbidden)
    /// for a team that the user does not belong to.
    pub async fn request_email_code(&self, email: &str) -> Result<(), Error> {
        let path = self.path(&["emails", "verification-code", "request"]);
        let operation = "verified_resources.request_email_code";
        let request = self.client.post(operation, &path).under_own_limit();
        let body = json!({"email": email});
        self.client.acknowledged(request.json(&body)?).await
    }

    /// Verifies an e-mail address with the code that was sent to it.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the code is wrong or expired,
    /// [`RateLimited`](super::ErrorKind::RateLimited), [`Forbidden`](super::ErrorKind::Forbidden)
    /// for a team that the user does not belong to.
    pub async fn verify_email(
        &self,
        email: &str,
        code: impl Into<SecretString>,
    ) -> Result<VerifiedEmail, Error> {
        let path = self.path(&["emails", "verification-code", "verify"]);
        let operation = "verified_resources.verify_email";
        let request = self.client.post(operation, &path).under_own_limit();
        let code = code.into();
        let body = json!({"email": email, "code": code.expose_secret()});
        self.client.data(request.json(&body)?).await
    }

    /// Lists verified e-mail addresses, one page at a time.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the page size exceeds 250,
    /// [`Forbidden`](super::ErrorKind::Forbidden) for a team that the user does not belong to.
    pub async fn list_emails(
        &self,
        query: &VerifiedResourceQuery,
    ) -> Result<Page<VerifiedEmail>, Error> {
        let request = self
            .client
            .get("verified_resources.list_emails", &self.path(&["emails"]));
        self.client.page(request.query(query.to_pairs())).await
    }

    /// Streams all verified e-mail addresses, starting at `query.skip`, in pages of `query.take`
    /// (250 by default).
    pub fn list_all_emails(&self, query: VerifiedResourceQuery) -> ItemStream<VerifiedEmail> {
        let (client, team) = (self.client.clone(), self.team);
        walk("verified_resources.list_emails", query, move |query| {
            let client = client.clone();
            async move {
                let verified = VerifiedResources::new(&client, team);
                verified.list_emails(&query).await
            }
        })
    }

    /// Retrieves a verified e-mail address; `None` if it does not exist or belongs to another user.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](super::ErrorKind::Forbidden) for a team that the user does not belong to.
    pub async fn get_email(&self, id: VerifiedEmailId) -> Result<Option<VerifiedEmail>, Error> {
        let path = self.path(&["emails", &id.to_string()]);
        let request = self.client.get("verified_resources.get_email", &path);
        self.client.data(request).await
    }

    /// Sends a verification code to a phone number in international format, such as `+4930123456`.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is not a phone number, or nothing can be sent
    /// to it; [`RateLimited`](super::ErrorKind::RateLimited),
    /// [`Forbidden`](super::ErrorKind::Forbidden) for a team that the user does not belong to.
    pub async fn request_phone_code(&self, phone: &str) -> Result<(), Error> {
        let path = self.path(&["phones", "verification-code", "request"]);
        let operation = "verified_resources.request_phone_code";
        let request = self.client.post(operation, &path).under_own_limit();
        let body = json!({"phone": phone});
        self.client.acknowledged(request.json(&body)?).await
    }

    /// Verifies a phone number with the code that was sent to it.
    ///
    /// # Errors
    ///
    /// Same as [`verify_email`](Self::verify_email).
    pub async fn verify_phone(
        &self,
        phone: &str,
        code: impl Into<SecretString>,
    ) -> Result<VerifiedPhone, Error> {
        let path = self.path(&["phones", "verification-code", "verify"]);
        let operation = "verified_resources.verify_phone";
        let request = self.client.post(operation, &path).under_own_limit();
        let code = code.into();
        let body = json!({"phone": phone, "code": code.expose_secret()});
        self.client.data(request.json(&body)?).await
    }

    /// Lists verified phone numbers, one page at a time.
    ///
    /// # Errors
    ///
    /// Same as [`list_emails`](Self::list_emails).
    pub async fn list_phones(
        &self,
        query: &VerifiedResourceQuery,
    ) -> Result<Page<VerifiedPhone>, Error> {
        let request = self
            .client
            .get("verified_resources.list_phones", &self.path(&["phones"]));
        self.client.page(request.query(query.to_pairs())).await
    }

    /// Streams all verified phone numbers, starting at `query.skip`, in pages of `query.take` (250
    /// by default).
    pub fn list_all_phones(&self, query: VerifiedResourceQuery) -> ItemStream<VerifiedPhone> {
        let (client, team) = (self.client.clone(), self.team);
        walk("verified_resources.list_phones", query, move |query| {
            let client = client.clone();
            async move {
                let verified = VerifiedResources::new(&client, team);
                verified.list_phones(&query).await
            }
        })
    }

    /// Retrieves a verified phone number; `None` if it does not exist or belongs to another user.
    ///
    /// # Errors
    ///
    /// [`Forbidden`](super::ErrorKind::Forbidden) for a team that the user does not belong to.
    pub async fn get_phone(&self, id: VerifiedPhoneId) -> Result<Option<VerifiedPhone>, Error> {
        let path = self.path(&["phones", &id.to_string()]);
        let request = self.client.get("verified_resources.get_phone", &path);
        self.client.data(request).await
    }
}
