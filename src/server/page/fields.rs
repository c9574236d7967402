//! Fields of queries and forms, and the paths of links.

use std::fmt::Write as _;

use url::form_urlencoded;

/// The fields of a query or a form, in their order; a name may stand there several times.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The field's value, without white space around it; `None` if it is empty or not there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        let value = found.map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    }

    /// All values of the field as they are, none twice.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let mut values: Vec<&str> = Vec::new();
        for (known, value) in &self.0 {
            if known == name && !value.is_empty() && !values.contains(&value.as_str()) {
                values.push(value);
            }
        }
        values
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// These fields as a query, with another value of one of them, or without it.
    pub(super) fn query_with(&self, name: &str, value: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (known, kept) in &self.0 {
            if known != name && !kept.is_empty() {
                query.append_pair(known, kept);
            }
        }
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        let query = query.finish();
        if query.is_empty() {
            query
        } else {
            format!("?{query}")
        }
    }
}

/// An id as one segment of a path. Browsers resolve segments of dots, however they are encoded, and an
/// empty one is none: those get a tilde in front, and so does what begins with one.
pub(super) fn segment(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    if matches!(id, "" | "." | "..") || id.starts_with('~') {
        encoded.push('~');
    }
    encode_into(&mut encoded, id);
    encoded
}

/// The id of a decoded segment.
pub(super) fn of_segment(segment: &str) -> &str {
    segment.strip_prefix('~').unwrap_or(segment)
}

/// Percent-encodes everything but what is unreserved.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    encode_into(&mut encoded, text);
    encoded
}

fn encode_into(encoded: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_leads_back_to_its_id() {
        for (id, expected) in [
            ("a-1", "a-1"),
            ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
            ("", "~"),
            ("..", "~.."),
            ("~.", "~~."),
            ("é\u{202e}", "%C3%A9%E2%80%AE"),
        ] {
            let encoded = segment(id);
            assert_eq!(encoded, expected);
            let pair = format!("x={encoded}");
            let decoded = Fields::parse(pair.as_bytes());
            let decoded = decoded.0[0].1.clone();
            assert_eq!(of_segment(&decoded), id);
        }
    }

    #[test]
    fn a_query_keeps_the_other_fields() {
        let fields = Fields::parse(b"state=waiting&q=a%26b&after=9&id=1&id=2&id=1&empty=");
        assert_eq!(fields.get("q"), Some("a&b"));
        assert_eq!(fields.get("empty"), None);
        assert_eq!(fields.all("id"), ["1", "2"]);
        assert_eq!(
            Fields::parse(b"a=1&after=9").query_with("after", Some("12")),
            "?a=1&after=12"
        );
        assert_eq!(Fields::parse(b"after=9").query_with("after", None), "");
    }
}
