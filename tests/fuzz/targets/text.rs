//! Single texts from outside: instants, names, and the URL that a browser comes back with.

use std::sync::OnceLock;

use calcom::client::{ErrorKind, OAuthClient, SignIn};
use calcom::model::{
    LINE_LIMIT, TEXT_LIMIT, clean_line, clean_text, format_instant, parse_instant,
};
use calcom::url::Url;

use super::told;

const STATE: &str = "state-8c1f05d7e2a94b36";
const VERIFIER: &str = "verifier-0123456789-0123456789-0123456789-0123456789";

/// Reads the bytes as each of them.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(instant) = parse_instant(&text) {
        assert_eq!(
            parse_instant(&format_instant(instant)),
            Some(instant),
            "{text}"
        );
    }
    let line = clean_line(&text);
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.chars().count() <= LINE_LIMIT);
    assert_eq!(clean_line(&line), line);
    let cleaned = clean_text(&text);
    assert!(
        cleaned
            .chars()
            .all(|c| matches!(c, '\n' | '\t') || !c.is_control())
    );
    assert!(cleaned.chars().count() <= TEXT_LIMIT);
    assert_eq!(clean_text(&cleaned), cleaned);
    come_back(&text);
}

/// No URL of a stranger's is taken for the end of a sign-in, and no error repeats a secret.
fn come_back(text: &str) {
    static APP: OnceLock<(OAuthClient, SignIn)> = OnceLock::new();
    let (app, sign_in) = APP.get_or_init(|| {
        let app = OAuthClient::builder("app", "https://example.org/callback");
        let app = app
            .base_url("http://127.0.0.1:9/v2")
            .build()
            .expect("an app");
        (app, SignIn::restore(STATE, VERIFIER).expect("a sign-in"))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let mut made_up = Url::parse("https://example.org/callback").expect("a URL");
    made_up.set_query(Some(text));
    // Whoever knows the state is no stranger, and an error may repeat what it was given.
    let knows = |text: &str| text.contains(STATE) || text.contains(VERIFIER);
    if knows(text) || made_up.query_pairs().any(|(_, value)| knows(&value)) {
        return;
    }
    let finish = |url: Url| {
        let result = runtime.block_on(app.finish(sign_in, &url));
        let error = result.expect_err("nobody signed in");
        let told = told(&error);
        assert!(!told.contains(STATE) && !told.contains(VERIFIER), "{told}");
        assert!(
            !told
                .replace(['\n', '\t'], " ")
                .chars()
                .any(char::is_control),
            "{told:?}"
        );
        error.kind()
    };
    assert_eq!(finish(made_up.clone()), ErrorKind::Invalid);
    made_up.set_query(None);
    made_up
        .query_pairs_mut()
        .append_pair("state", STATE)
        .append_pair("error", text);
    assert_eq!(finish(made_up), ErrorKind::Forbidden);
}
