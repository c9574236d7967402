//! Who may call a tenant's tools over HTTP, in the settings file.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::McpSettings;
use crate::failure::Failure;

/// The shortest token that is accepted.
const SHORTEST_TOKEN: usize = 16;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct McpFile {
    pub(super) token: Option<SecretString>,
}

impl McpFile {
    /// Checks the token.
    pub(super) fn check(
        self,
        tenant: &str,
        wrong: &impl Fn(&str, &str) -> Failure,
    ) -> Result<McpSettings, Failure> {
        let Some(token) = self.token else {
            let problem = format!("is missing for {tenant}");
            return Err(wrong("tenants.mcp.token", &problem));
        };
        if token.expose_secret().len() < SHORTEST_TOKEN {
            let problem = format!("is too short for {tenant}: use 16 letters and digits or more");
            return Err(wrong("tenants.mcp.token", &problem));
        }
        Ok(McpSettings { token })
    }
}
