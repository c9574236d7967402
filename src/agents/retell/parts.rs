//! An agent, its response engine, and the engine's functions.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::model::id::text_id;

text_id! {
    /// Retell's identifier for an agent.
    RetellAgentId
}
text_id! {
    /// Retell's identifier for a response engine of the kind `retell-llm`.
    RetellLlmId
}

/// An agent, in one of its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RetellAgent {
    /// The agent's id.
    pub id: RetellAgentId,
    /// The version; `None` if Retell does not say.
    pub version: Option<u32>,
    /// Whether calls are taken with this version. It is taken to be unchangeable then.
    pub is_published: bool,
    /// The name, for people.
    pub name: Option<String>,
    /// The response engine and its version; `None` if it is not of the kind `retell-llm`.
    pub engine: Option<(RetellLlmId, Option<u32>)>,
    /// The kind of the response engine, such as `retell-llm` or `conversation-flow`.
    pub engine_kind: String,
    /// Where call events are sent; `None` for where the account says.
    pub webhook_url: Option<String>,
    /// The events that are sent there; `None` for Retell's default.
    pub webhook_events: Option<BTreeSet<String>>,
}

impl<'de> Deserialize<'de> for RetellAgent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Body {
            agent_id: RetellAgentId,
            #[serde(default, deserialize_with = "version")]
            version: Option<u32>,
            is_published: Option<bool>,
            agent_name: Option<String>,
            response_engine: Engine,
            webhook_url: Option<String>,
            webhook_events: Option<BTreeSet<String>>,
        }
        #[derive(Deserialize)]
        struct Engine {
            #[serde(rename = "type")]
            kind: String,
            llm_id: Option<RetellLlmId>,
            #[serde(default, deserialize_with = "version")]
            version: Option<u32>,
        }
        let body = Body::deserialize(deserializer)?;
        let Engine {
            kind,
            llm_id,
            version,
        } = body.response_engine;
        let id = llm_id.filter(|_| kind == "retell-llm");
        Ok(Self {
            id: body.agent_id,
            version: body.version,
            is_published: body.is_published.unwrap_or_default(),
            name: body.agent_name,
            engine: id.map(|id| (id, version)),
            engine_kind: kind,
            webhook_url: body.webhook_url.filter(|url| !url.is_empty()),
            webhook_events: body.webhook_events,
        })
    }
}

/// A response engine of the kind `retell-llm`, in one of its versions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetellEngine {
    /// The engine's id.
    pub id: RetellLlmId,
    /// The version; `None` if Retell does not say.
    pub version: Option<u32>,
    /// Whether this version is published.
    pub is_published: bool,
    /// The functions that the agent has in every state, in their order.
    pub functions: Vec<AgentFunction>,
}

impl<'de> Deserialize<'de> for RetellEngine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Body {
            llm_id: RetellLlmId,
            #[serde(default, deserialize_with = "version")]
            version: Option<u32>,
            is_published: Option<bool>,
            general_tools: Option<Vec<AgentFunction>>,
        }
        let body = Body::deserialize(deserializer)?;
        Ok(Self {
            id: body.llm_id,
            version: body.version,
            is_published: body.is_published.unwrap_or_default(),
            functions: body.general_tools.unwrap_or_default(),
        })
    }
}

/// One of an agent's functions, kept byte for byte. `Debug` shows its kind and name only, as headers of a
/// function may hold secrets.
#[derive(Clone)]
pub struct AgentFunction {
    json: Box<RawValue>,
    kind: String,
    name: String,
    url: Option<String>,
}

impl AgentFunction {
    /// A function from its JSON.
    pub(super) fn new(json: Box<RawValue>) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct About {
            #[serde(rename = "type")]
            kind: Option<String>,
            name: Option<String>,
            url: Option<String>,
        }
        let about: About = serde_json::from_str(json.get())?;
        Ok(Self {
            kind: about.kind.unwrap_or_default(),
            name: about.name.unwrap_or_default(),
            url: about.url,
            json,
        })
    }

    /// The JSON, as it was read.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// The kind: `custom` for one that asks a URL.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name, by which the model calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL that it asks, if it is of the kind `custom`.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref().filter(|_| self.is_custom())
    }

    pub(super) fn is_custom(&self) -> bool {
        self.kind == "custom"
    }
}

impl PartialEq for AgentFunction {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json()
    }
}

impl fmt::Debug for AgentFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentFunction")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Serialize for AgentFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AgentFunction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Box::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A version, which Retell's schema declares to be any number.
fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let version: Option<f64> = Option::deserialize(deserializer)?;
    let is_version =
        |version: &f64| version.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(version);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked above"
    )]
    Ok(version.filter(is_version).map(|version| version as u32))
}
