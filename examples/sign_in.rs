//! Signs a user in with OAuth and counts their event types.
//!
//! `CALCOM_CLIENT_ID=… CALCOM_REDIRECT_URI=http://localhost:3000 cargo run --example sign_in`

use std::sync::Arc;

use calcom::client::{Client, Credentials, InMemoryTokenStore, OAuthClient};
use calcom::model::{EventTypeQuery, OAuthScope};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let redirect = std::env::var("CALCOM_REDIRECT_URI")?;
    let app = OAuthClient::builder(std::env::var("CALCOM_CLIENT_ID")?, redirect)
        .scope(OAuthScope::ProfileRead)
        .scope(OAuthScope::EventTypeRead)
        .build()?;
    let sign_in = app.begin()?;
    println!("Open {}", app.sign_in_url(&sign_in));
    println!("and paste the URL that the browser ends at:");
    let mut redirected = String::new();
    std::io::stdin().read_line(&mut redirected)?;
    let tokens = app.finish(&sign_in, &redirected.trim().parse()?).await?;

    // Keep the tokens in a `TokenStore` of your own: they change with every refresh.
    let session = app.session(tokens, Arc::new(InMemoryTokenStore::default()));
    let client = Client::with_credentials(Credentials::OAuth(session)).build()?;
    let username = client.me().get().await?.username.unwrap_or_default();
    let query = EventTypeQuery::of_user(username);
    println!(
        "{} event types",
        client.event_types().list(&query).await?.len()
    );
    Ok(())
}
