//! Sequences as they were recorded.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// One recorded file: what was sent to one server, in order.
pub(crate) struct Sequence {
    pub(crate) name: String,
    pub(crate) exchanges: Vec<Exchange>,
}

impl Sequence {
    /// A recording that names only what was delivered cannot be replayed.
    pub(crate) fn is_replayable(&self) -> bool {
        !self.exchanges.is_empty()
    }
}

#[derive(Deserialize)]
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) request: Asked,
    #[serde(default)]
    pub(crate) response: Option<Told>,
    /// The status of the answer, where only that was kept.
    #[serde(default)]
    pub(crate) answer: Option<u16>,
    /// Texts that stand for something in this answer, and where it stands.
    #[serde(default)]
    pub(crate) learn: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) deliveries: Vec<Delivered>,
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) query: String,
    /// Whose key it carries.
    #[serde(default, rename = "as")]
    pub(crate) caller: Option<String>,
    #[serde(default, rename = "cal-api-version")]
    pub(crate) version: Option<String>,
    /// A text is sent as it is, anything else as JSON.
    #[serde(default)]
    pub(crate) body: Value,
    /// Absent: `application/json`, where there is a body. Null: none.
    #[serde(default, rename = "content-type", deserialize_with = "some")]
    pub(crate) content_type: Option<Option<String>>,
    #[serde(default)]
    pub(crate) headers: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(crate) struct Told {
    pub(crate) status: u16,
    #[serde(rename = "content-type")]
    pub(crate) content_type: Option<String>,
    pub(crate) body: Value,
}

#[derive(Deserialize)]
pub(crate) struct Delivered {
    #[serde(rename = "before the answer")]
    pub(crate) before_the_answer: bool,
    #[serde(rename = "the booking, read at arrival")]
    pub(crate) status_at_arrival: Option<String>,
    /// Their names, without those of the transport.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Value,
}

/// Tells a null from an absent property.
fn some<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// All sequences of a directory, by name.
pub(crate) fn sequences(directory: &Path) -> Vec<Sequence> {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap_or_else(|e| panic!("{}: {e}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| sequence(path)).collect()
}

fn sequence(path: &Path) -> Sequence {
    let text = std::fs::read(path).unwrap();
    let entries: Vec<Value> =
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Sequence {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        exchanges: entries
            .into_iter()
            .filter(|entry| entry.get("request").is_some())
            .map(|entry| serde_json::from_value(entry).unwrap())
            .collect(),
    }
}
