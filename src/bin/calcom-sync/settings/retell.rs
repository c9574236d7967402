//! A tenant's voice agent at Retell in the settings file.

use calcom::model::PhoneNumber;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::RetellSettings;
use super::file::web_url;
use crate::failure::Failure;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetellFile {
    pub(super) api_key: Option<SecretString>,
    pub(super) agent_id: Option<String>,
    base_url: Option<String>,
    called_number: Option<String>,
}

impl RetellFile {
    /// Checks every value.
    pub(super) fn check(
        self,
        tenant: &str,
        wrong: &impl Fn(&str, &str) -> Failure,
    ) -> Result<RetellSettings, Failure> {
        let Some(api_key) = self.api_key.filter(|key| !key.expose_secret().is_empty()) else {
            let problem = format!("is missing for {tenant}");
            return Err(wrong("tenants.retell.api_key", &problem));
        };
        let base_url = match self.base_url {
            Some(text) => Some(web_url(&text).ok_or_else(|| {
                wrong(
                    "tenants.retell.base_url",
                    "is not an address such as https://api.retellai.com",
                )
            })?),
            None => None,
        };
        let called_number = match self.called_number {
            Some(text) => {
                let number: Result<PhoneNumber, _> = text.parse();
                Some(number.map_err(|_| {
                    wrong(
                        "tenants.retell.called_number",
                        "is not a phone number such as +49301234567",
                    )
                })?)
            }
            None => None,
        };
        Ok(RetellSettings {
            api_key,
            agent_id: self.agent_id.filter(|id| !id.is_empty()),
            base_url,
            called_number,
        })
    }
}
