//! A visit to the page: a host at work and a browser whose user has signed in.

use crate::browser::Browser;
use crate::host::{Host, OPERATOR};

pub(crate) struct Visit {
    pub(crate) host: Host,
    pub(crate) browser: Browser,
}

impl Visit {
    /// Hanna's, who is an operator of the salon.
    pub(crate) async fn start() -> Self {
        Self::of(OPERATOR).await
    }

    pub(crate) async fn of(token: &str) -> Self {
        let host = Host::start().await;
        let browser = Browser::start(&host.url()).await;
        browser.sign_in(token).await;
        Self { host, browser }
    }

    /// Ends the visit. See [`Browser::close`].
    pub(crate) async fn end(self) {
        self.browser.close(&[]).await;
    }
}

impl Browser {
    pub(crate) async fn sign_in(&self, token: &str) {
        self.open("login").await;
        self.fill("Token", token).await;
        self.press("button", "Sign in").await;
        self.the("button", "Sign out").await;
    }

    /// Notes in the page that it has not been loaded anew.
    pub(crate) async fn mark(&self) {
        self.run("window.isMarked = true", Vec::new()).await;
    }

    /// Whether it is still the page that was marked.
    pub(crate) async fn is_marked(&self) -> bool {
        self.run("return window.isMarked === true", Vec::new())
            .await
            == true
    }
}
