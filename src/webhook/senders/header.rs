//! Taking the senders' headers apart.

use http::HeaderMap;

use crate::webhook::VerifyError;

/// The value of a header; `None` if it is not there. One that is there twice is refused: who reads it
/// after us could take the other one.
pub(super) fn sole<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, VerifyError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(VerifyError::Malformed);
    }
    let text = value.to_str().map_err(|_| VerifyError::Malformed)?;
    Ok(Some(text.trim()))
}

/// A list of `key=value` with commas between them. What has no key is left out.
pub(super) fn pairs(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = list.split(',').filter_map(|item| item.split_once('='));
    pairs.map(|(key, value)| (key.trim(), value.trim()))
}

/// The value of a key that must be in a list once.
pub(super) fn sole_value<'h>(list: &'h str, key: &str) -> Result<&'h str, VerifyError> {
    let mut values = pairs(list).filter(|(found, _)| *found == key);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        _ => Err(VerifyError::Malformed),
    }
}

/// A signature of 64 hexadecimal digits, upper or lower case.
pub(super) fn from_hex(text: &str) -> Result<[u8; 32], VerifyError> {
    let mut signature = [0; 32];
    hex::decode_to_slice(text, &mut signature).map_err(|_| VerifyError::Malformed)?;
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_header_counts_only_if_it_is_there_once_and_text() {
        let mut headers = HeaderMap::new();
        assert_eq!(sole(&headers, "x-test"), Ok(None));
        headers.insert("x-test", HeaderValue::from_static("  a b\t"));
        assert_eq!(sole(&headers, "X-Test"), Ok(Some("a b")));
        headers.append("x-test", HeaderValue::from_static("  a b\t"));
        assert_eq!(sole(&headers, "x-test"), Err(VerifyError::Malformed));
        headers.insert("x-test", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        assert_eq!(sole(&headers, "x-test"), Err(VerifyError::Malformed));
    }

    #[test]
    fn a_key_that_is_there_twice_has_no_value() {
        let list = " t = 1 ,v1=a=b,, v1=c,x,=y";
        let found: Vec<_> = pairs(list).collect();
        assert_eq!(found, [("t", "1"), ("v1", "a=b"), ("v1", "c"), ("", "y")]);
        assert_eq!(sole_value(list, "t"), Ok("1"));
        assert_eq!(sole_value(list, "v1"), Err(VerifyError::Malformed));
        assert_eq!(sole_value(list, "v"), Err(VerifyError::Malformed));
    }
}
