//! Reading the JSON of a body as far as it can be represented.

use serde_json::Value;

/// Reads a body as JSON.
///
/// JavaScript writes a text that was cut within a character with half of a surrogate pair, such as
/// `"\ud83d"`. That is JSON, but no Unicode; it is read as U+FFFD, as is what is not UTF-8.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| {
        let text = String::from_utf8_lossy(body);
        serde_json::from_str(&with_whole_characters(&text)).ok()
    })
}

/// The text with U+FFFD for every escaped half of a surrogate pair that is without the other half.
fn with_whole_characters(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let following = rest.get(6..).and_then(escaped_unit);
        let length = match (escaped_unit(rest), following) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        whole.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    whole + rest
}

/// The code unit of the escape that a text begins with.
fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// The text of a body that is JSON but cannot be represented, because it is too deep or holds a
/// number that is too large: with `null` as the value of every key of this name.
pub(super) fn without_values_of(key: &str, text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(from) = rest.find('"') {
        let (read, left) = rest.split_at(from + end_of_string(&rest[from..]));
        kept.push_str(read);
        rest = left;
        let named = serde_json::from_str::<String>(&read[from..]);
        if let Some(value) = left.trim_start().strip_prefix(':')
            && named.is_ok_and(|named| named == key)
        {
            kept.push_str(":null");
            rest = &value[end_of_value(value)..];
        }
    }
    kept + rest
}

/// The length of the string that a text begins with, including the quotation marks.
fn end_of_string(text: &str) -> usize {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return at + 1,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    text.len()
}

/// The length of the value that a text begins with, including the space around it.
fn end_of_value(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        match byte {
            b'"' => {
                at += end_of_string(&text[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b',' if depth == 0 => return at,
            b'}' | b']' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return at,
            },
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_a_character_does_not_cost_the_body() {
        let body =
            br#"{"a":"\ud83d","b":"\uDE00 \ud83d\ude00","c":"\\ud83d","d":"\ud83d\ud83d\ude00"}"#;
        let expected = json!({"a": "\u{fffd}", "b": "\u{fffd} \u{1f600}", "c": "\\ud83d", "d": "\u{fffd}\u{1f600}"});
        assert_eq!(read(body), Some(expected));
        assert_eq!(read(b"[\"\xff\"]"), Some(json!(["\u{fffd}"])));
    }

    #[test]
    fn what_is_no_json_is_none() {
        for body in [
            &b"\\ud83d"[..],
            b"{\"a\":\"\\ud83\"}",
            b"[\"\\",
            b"\"\\\xc3\xa4\"",
            b"",
        ] {
            assert_eq!(read(body), None);
        }
    }

    #[test]
    fn values_are_left_out_of_what_cannot_be_represented() {
        let without = |text: &str| without_values_of("k", text);
        assert_eq!(
            without(r#"{"k": "a\",b" ,"n":1e400,"\u006b":["x",{"k":"y"}],"l":"k"}"#),
            r#"{"k":null,"n":1e400,"\u006b":null,"l":"k"}"#
        );
        for whole in [r#"["k","v"]"#, r#"{"l":"k: v"}"#, "\"k", "\"", "", "k:v"] {
            assert_eq!(without(whole), whole);
        }
        assert_eq!(without("\"k\":\"v"), "\"k\":null");
    }
}
