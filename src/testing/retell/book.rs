//! The agents and their response engines.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::agents::retell::RetellAgentId;

/// An agent with its engine; they are versioned together.
struct Kept {
    engine_kind: String,
    engine_id: String,
    versions: Vec<Version>,
}

#[derive(Clone)]
struct Version {
    is_published: bool,
    agent: Map<String, Value>,
    functions: Vec<Box<RawValue>>,
}

/// What the API is asked about.
#[derive(Default)]
pub(super) struct Book {
    agents: BTreeMap<String, Kept>,
}

/// A version's number and its JSON.
pub(super) type Told = (usize, String);

impl Book {
    pub(super) fn add_agent(&mut self, name: &str, functions: Vec<Box<RawValue>>) -> RetellAgentId {
        self.add(name, "retell-llm", functions)
    }

    pub(super) fn add_agent_of_kind(&mut self, name: &str, kind: &str) -> RetellAgentId {
        self.add(name, kind, Vec::new())
    }

    fn add(&mut self, name: &str, kind: &str, functions: Vec<Box<RawValue>>) -> RetellAgentId {
        let number = self.agents.len() + 1;
        let id = format!("agent_{number:08}");
        let agent = json!({
            "agent_name": name,
            "voice_id": "11labs-Adrian",
            "language": "en-US",
            "last_modification_timestamp": 1_796_112_000_000_u64,
        });
        let kept = Kept {
            engine_kind: kind.to_owned(),
            engine_id: format!("llm_{number:08}"),
            versions: vec![Version {
                is_published: false,
                agent: agent.as_object().cloned().unwrap_or_default(),
                functions,
            }],
        };
        self.agents.insert(id.clone(), kept);
        RetellAgentId::new(id)
    }

    pub(super) fn publish(&mut self, agent: &RetellAgentId) {
        let kept = self.agents.get_mut(agent.as_str());
        if let Some((kept, latest)) = kept.and_then(|kept| {
            let latest = kept.versions.last().cloned()?;
            Some((kept, latest))
        }) {
            if let Some(last) = kept.versions.last_mut() {
                last.is_published = true;
            }
            kept.versions.push(latest);
        }
    }

    pub(super) fn functions(&self, agent: &RetellAgentId) -> Vec<String> {
        let kept = self.agents.get(agent.as_str());
        let latest = kept.and_then(|kept| kept.versions.last());
        let functions = latest.into_iter().flat_map(|latest| &latest.functions);
        functions.map(|json| json.get().to_owned()).collect()
    }

    /// An agent, in a version or in the latest one.
    pub(super) fn agent(&self, id: &str, version: Option<usize>) -> Option<Told> {
        let kept = self.agents.get(id)?;
        let number = version.unwrap_or(kept.versions.len() - 1);
        Some((number, kept.tell_agent(id, number)?))
    }

    /// All versions of an agent, as one list.
    pub(super) fn agent_versions(&self, id: &str) -> Option<String> {
        let kept = self.agents.get(id)?;
        let versions = (0..kept.versions.len()).filter_map(|number| kept.tell_agent(id, number));
        Some(format!("[{}]", versions.collect::<Vec<_>>().join(",")))
    }

    /// An engine, in a version or in the latest one.
    pub(super) fn engine(&self, id: &str, version: Option<usize>) -> Option<Told> {
        let mut agents = self.agents.values();
        let kept = agents.find(|kept| kept.engine_id == id && kept.is_llm())?;
        let number = version.unwrap_or(kept.versions.len() - 1);
        Some((number, kept.tell_engine(number)?))
    }

    /// Changes an agent.
    pub(super) fn update_agent(
        &mut self,
        id: &str,
        version: usize,
        changes: Map<String, Value>,
    ) -> Result<(), StatusCode> {
        let kept = self.agents.get_mut(id).ok_or(StatusCode::NOT_FOUND)?;
        kept.draft(version)?.agent.extend(changes);
        Ok(())
    }

    /// Sets an engine's functions.
    pub(super) fn update_engine(
        &mut self,
        id: &str,
        version: usize,
        functions: Vec<Box<RawValue>>,
    ) -> Result<(), StatusCode> {
        let mut agents = self.agents.values_mut();
        let kept = agents.find(|kept| kept.engine_id == id);
        let kept = kept.ok_or(StatusCode::NOT_FOUND)?;
        kept.draft(version)?.functions = functions;
        Ok(())
    }
}

impl Kept {
    fn is_llm(&self) -> bool {
        self.engine_kind == "retell-llm"
    }

    fn draft(&mut self, version: usize) -> Result<&mut Version, StatusCode> {
        let version = self
            .versions
            .get_mut(version)
            .ok_or(StatusCode::NOT_FOUND)?;
        if version.is_published {
            return Err(StatusCode::BAD_REQUEST);
        }
        Ok(version)
    }

    fn tell_agent(&self, id: &str, number: usize) -> Option<String> {
        let version = self.versions.get(number)?;
        let mut agent = version.agent.clone();
        let mut engine = json!({"type": self.engine_kind, "version": number});
        let key = if self.is_llm() {
            "llm_id"
        } else {
            "conversation_flow_id"
        };
        engine[key] = json!(self.engine_id);
        agent.insert("agent_id".to_owned(), json!(id));
        agent.insert("version".to_owned(), json!(number));
        agent.insert("is_published".to_owned(), json!(version.is_published));
        agent.insert("response_engine".to_owned(), engine);
        Some(Value::Object(agent).to_string())
    }

    fn tell_engine(&self, number: usize) -> Option<String> {
        let version = self.versions.get(number)?;
        let functions: Vec<&str> = version.functions.iter().map(|json| json.get()).collect();
        Some(format!(
            r#"{{"llm_id":{:?},"version":{number},"is_published":{},"general_prompt":"Be kind.","general_tools":[{}]}}"#,
            self.engine_id,
            version.is_published,
            functions.join(",")
        ))
    }
}
