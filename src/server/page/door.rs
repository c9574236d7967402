//! Signing in and out.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use maud::{Markup, html};

use super::access::{Kind, Token};
use super::answer::{Asked, redirect};
use super::desk::Desk;
use super::fields::encode;
use super::layout;
use super::parts::{hidden, notice, outside};
use super::problem::Problem;
use super::routes::Page;
use super::session;
use super::words::Tone;

/// Answers a request for a page that anybody may have.
pub(super) async fn answer(desk: &Arc<Desk>, page: Page, asked: &Asked) -> Response {
    if matches!(desk.config.access.0, Kind::Middleware) {
        // The host signs its operators in.
        return layout::problem(desk, &Problem::NotFound);
    }
    match page {
        Page::SignIn => form(desk, asked.query().get("next"), None),
        Page::SignInByToken => by_token(desk, asked).await,
        Page::SignInLink => link(desk, asked),
        Page::SignInByLink => by_link(desk, asked).await,
        _ => {
            let mut response = redirect(&desk.link("/login"));
            let ended = session::end(asked.session_attributes(desk));
            response.headers_mut().insert(header::SET_COOKIE, ended);
            response
        }
    }
}

/// Whether whoever asks is better shown the form than a refusal.
pub(super) fn can_sign_in(desk: &Desk, asked: &Asked) -> bool {
    let accepts = asked.headers().get(header::ACCEPT);
    let is_browser = accepts.is_some_and(|accepts| {
        let accepts = accepts.to_str().unwrap_or_default();
        accepts.contains("text/html")
    });
    let is_look = matches!(asked.parts.method, Method::GET | Method::HEAD);
    matches!(desk.config.access.0, Kind::Tokens(_))
        && is_browser
        && is_look
        && !asked.headers().contains_key(header::AUTHORIZATION)
}

pub(super) fn to_sign_in(desk: &Desk, asked: &Asked) -> Response {
    let next = asked.parts.uri.path_and_query();
    let next = next.map_or("/", |next| next.as_str());
    redirect(&desk.link(&format!("/login?next={}", encode(next))))
}

fn form(desk: &Desk, next: Option<&str>, refused: Option<&str>) -> Response {
    let content = html! {
        @if let Some(refused) = refused { div role="alert" { (notice(Tone::Bad, refused)) } }
        form.sign-in method="post" action=(desk.link("/login")) {
            @if let Some(next) = next { (hidden("next", next)) }
            label for="token" { "Token" }
            input #token name="token" type="password" required autocomplete="current-password" autofocus spellcheck="false";
            button.primary type="submit" { "Sign in" }
            p.hint { "Whoever runs this program has given you a token, or a link that signs you in once." }
        }
    };
    layout::plain(desk, "Sign in", &content)
}

async fn by_token(desk: &Desk, asked: &Asked) -> Response {
    let source = asked.source(desk);
    if !desk.failures.admits(&source).await {
        return layout::problem(desk, &Problem::TooManyAttempts);
    }
    let next = asked.form.get("next");
    let secret = asked.form.get("token").unwrap_or_default();
    if let Some(token) = desk.config.access.token_with(secret) {
        return welcome(desk, asked, token, next);
    }
    desk.failures.add(source).await;
    tracing::warn!("somebody could not sign in to the operations page");
    let mut response = form(
        desk,
        next,
        Some("This token is not known. Check it, and try again."),
    );
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

fn welcome(desk: &Desk, asked: &Asked, token: &Token, next: Option<&str>) -> Response {
    let next = next.filter(|next| is_own_path(next)).unwrap_or("/");
    let mut response = redirect(&desk.link(next));
    let begun = session::begin(token, desk.now(), asked.session_attributes(desk));
    response.headers_mut().insert(header::SET_COOKIE, begun);
    response
}

/// Whether this is a path of ours, and nothing that a browser takes for another site.
fn is_own_path(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
}

/// What a link shows. It is used up only by the button: whoever looks at it first, such as a chat's
/// preview, takes nothing away.
fn link(desk: &Desk, asked: &Asked) -> Response {
    let code = asked.params.get("code").unwrap_or_default();
    let links = desk.config.sign_in_links.as_ref();
    match links.and_then(|links| links.look(code)) {
        None => used_up(desk),
        Some(name) => {
            let content: Markup = html! {
                p.lead { "This link signs you in as " strong { (outside(&name)) } ", once." }
                form method="post" action=(desk.link(&format!("/in/{}", encode(code)))) {
                    button.primary type="submit" { "Sign in" }
                }
            };
            layout::plain(desk, "Sign in", &content)
        }
    }
}

async fn by_link(desk: &Desk, asked: &Asked) -> Response {
    let source = asked.source(desk);
    if !desk.failures.admits(&source).await {
        return layout::problem(desk, &Problem::TooManyAttempts);
    }
    let code = asked.params.get("code").unwrap_or_default();
    let links = desk.config.sign_in_links.as_ref();
    let name = links.and_then(|links| links.redeem(code));
    match name.and_then(|name| desk.config.access.token_named(&name)) {
        Some(token) => welcome(desk, asked, token, None),
        None => {
            desk.failures.add(source).await;
            used_up(desk)
        }
    }
}

fn used_up(desk: &Desk) -> Response {
    let content = html! {
        p.lead { "This link was used already, or is older than ten minutes. Ask for another one, or sign in with a token." }
        p { a.button href=(desk.link("/login")) { "Sign in with a token" } }
    };
    let response = layout::plain(desk, "This link cannot be used", &content);
    (StatusCode::NOT_FOUND, response).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_no_other_site() {
        for path in ["/", "/t/salon?a=b", "/t/a%2Fb"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in [
            "",
            "t",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a b",
            "/\n",
            "/é",
        ] {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
