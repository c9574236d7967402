//! One-time passwords: whoever has one can confirm its booking, so none is kept.

use serde_json::Value;

use super::json;

/// Under which key bodies have it.
pub(super) const KEY: &str = "oneTimePassword";

/// A body with its one-time passwords removed, for storing. Whoever has such a password can confirm
/// a booking.
pub fn without_one_time_passwords(body: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(body)
        && plainly_has_none(text)
    {
        return text.to_owned();
    }
    match json::read(body) {
        Some(mut json) => {
            for_each_object(&mut json, &mut |object| {
                if let Some(password) = object.get_mut(KEY) {
                    *password = Value::Null;
                }
            });
            json.to_string()
        }
        None => json::without_values_of(KEY, &String::from_utf8_lossy(body)),
    }
}

/// Whether a body can be seen to have none without being parsed, which most of them can. A key can be
/// spelled with escapes, and then only the parsed body tells.
fn plainly_has_none(text: &str) -> bool {
    let is_null = |(at, _): (usize, &str)| {
        let before = text[..at].ends_with('"');
        let after = text[at + KEY.len()..].strip_prefix("\":null");
        before && after.is_some_and(|after| after.starts_with([',', '}']))
    };
    !text.contains("\\u") && text.match_indices(KEY).all(is_null)
}

/// A body without one-time passwords and their keys; otherwise as it was sent.
pub(super) fn dropped_from(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Some(mut json) = json::read(body) else {
        return json::without_values_of(KEY, &text);
    };
    // A key can be spelled with escapes, so only the parsed body tells.
    if drop_from(&mut json) {
        return json.to_string();
    }
    text.into_owned()
}

/// Drops one-time passwords at any depth. Returns whether there were any.
pub(super) fn drop_from(json: &mut Value) -> bool {
    let mut dropped = false;
    for_each_object(json, &mut |object| {
        dropped |= object.remove(KEY).is_some();
    });
    dropped
}

fn for_each_object(json: &mut Value, act: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match json {
        Value::Object(object) => {
            act(object);
            for value in object.values_mut() {
                for_each_object(value, act);
            }
        }
        Value::Array(items) => {
            for item in items {
                for_each_object(item, act);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_are_removed_at_any_depth() {
        let body = br#"{"payload":{"oneTimePassword":"7a64","list":[{"oneTimePassword":"7a64"}],"uid":"u"}}"#;
        let cleaned = without_one_time_passwords(body);
        assert!(!cleaned.contains("7a64"), "{cleaned}");
        assert!(cleaned.contains(r#""uid":"u""#));
        let dropped = dropped_from(body);
        assert_eq!(dropped, r#"{"payload":{"list":[{}],"uid":"u"}}"#);
    }

    #[test]
    fn one_time_passwords_are_removed_from_what_cannot_be_represented() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for odd in [r#""\ud83d""#, "1e400", &deep] {
            let body = format!(r#"{{"odd":{odd},"list":[{{"oneTimePassword":"7a64"}}]}}"#);
            let cleaned = without_one_time_passwords(body.as_bytes());
            assert!(!cleaned.contains("7a64"), "{cleaned}");
            let dropped = dropped_from(body.as_bytes());
            assert!(!dropped.contains("7a64"), "{dropped}");
        }
    }

    #[test]
    fn a_body_without_one_is_left_as_it_is() {
        for body in ["{ \"b\": 1,\n\"a\": 2 }", "who: {{name}}", ""] {
            assert_eq!(dropped_from(body.as_bytes()), body);
        }
    }

    #[test]
    fn a_body_that_plainly_has_none_is_left_as_it_is() {
        let body = br#"{"a": {"oneTimePassword":null}, "b": {"oneTimePassword":null,"uid":"u"}}"#;
        assert_eq!(without_one_time_passwords(body).as_bytes(), body);
    }

    #[test]
    fn one_that_is_spelled_in_another_way_is_removed() {
        for body in [
            r#"{"oneTimePassword" :"7a64"}"#,
            r#"{"oneTimePassword": "7a64"}"#,
            r#"{"oneTimePasswor\u0064":"7a64"}"#,
            r#"{"a":"\"oneTimePassword\":null,","oneTimePassword":"7a64"}"#,
            r#"{"oneTimePassword":null,"b":{"oneTimePassword":"7a64"}}"#,
            r#"{"oneTimePassword":null7a64}"#,
            r#"{"oneTimePassword":nullnull,"oneTimePassword":"7a64"}"#,
        ] {
            let cleaned = without_one_time_passwords(body.as_bytes());
            assert!(!cleaned.contains("7a64"), "{body} became {cleaned}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>) {
            let _ = without_one_time_passwords(&body);
            let _ = dropped_from(&body);
        }
    }
}
