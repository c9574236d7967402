//! The list of the differences that are known.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::report::Report;

/// Every request that the fake answers otherwise than the real server, and why.
#[derive(Deserialize)]
pub(crate) struct Listed {
    /// On purpose.
    kept: Vec<Difference>,
}

#[derive(Deserialize)]
struct Difference {
    /// The request, as `sequence: name`.
    name: String,
    /// What differs.
    what: String,
    /// Why it is left.
    reason: String,
}

impl Listed {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Fails if the guide for users leaves one out.
    pub(crate) fn check_guide(&self, guide: &str) {
        let words: Vec<&str> = guide.split_whitespace().collect();
        let guide = words.join(" ");
        for difference in &self.kept {
            assert!(guide.contains(&difference.what), "{}", difference.what);
            assert!(guide.contains(&difference.reason), "{}", difference.reason);
        }
    }

    /// Fails if something differs that is not listed, or is listed and does not differ.
    pub(crate) fn check(&self, report: &Report) {
        let mut listed: BTreeMap<&str, &Difference> = BTreeMap::new();
        for difference in &self.kept {
            assert!(!difference.what.is_empty() && !difference.reason.is_empty());
            let twice = listed.insert(&difference.name, difference).is_some();
            assert!(!twice, "{} is listed twice", difference.name);
        }
        let mut wrong = Vec::new();
        for (name, differences) in report.differing() {
            if listed.remove(name.as_str()).is_none() {
                wrong.push(format!(
                    "{name} differs and is not listed: {differences:#?}"
                ));
            }
        }
        for (name, difference) in listed {
            wrong.push(format!(
                "{name} is listed ({}) and no longer differs",
                difference.what
            ));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
