//! What a replay found.

use std::fmt;

/// How one request was answered.
pub(crate) struct Finding {
    pub(crate) name: String,
    pub(crate) differences: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Report {
    sequences: Vec<(String, Vec<Finding>)>,
}

impl Report {
    pub(crate) fn add(&mut self, sequence: &str, findings: Vec<Finding>) {
        self.sequences.push((sequence.to_owned(), findings));
    }

    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.sequences.iter().flat_map(|(_, findings)| findings)
    }

    pub(crate) fn total(&self) -> usize {
        self.findings().count()
    }

    pub(crate) fn alike(&self) -> usize {
        self.findings()
            .filter(|finding| finding.differences.is_empty())
            .count()
    }

    /// The requests that were answered otherwise, as `sequence: name`.
    pub(crate) fn differing(&self) -> Vec<(String, &[String])> {
        self.sequences
            .iter()
            .flat_map(|(sequence, findings)| {
                findings
                    .iter()
                    .filter(|finding| !finding.differences.is_empty())
                    .map(move |finding| {
                        let name = format!("{sequence}: {}", finding.name);
                        (name, finding.differences.as_slice())
                    })
            })
            .collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (sequence, findings) in &self.sequences {
            let alike = findings.iter().filter(|f| f.differences.is_empty()).count();
            writeln!(f, "{sequence}: {alike} of {} alike", findings.len())?;
            for finding in findings.iter().filter(|f| !f.differences.is_empty()) {
                writeln!(f, "  {}", finding.name)?;
                for difference in &finding.differences {
                    writeln!(f, "    {difference}")?;
                }
            }
        }
        writeln!(f, "in all: {} of {} alike", self.alike(), self.total())
    }
}
