//! A Cal.com that is not there, for programs in any language: prints how to reach it, and answers until it is interrupted.
//!
//! `fake_calcom [REQUESTS_PER_MINUTE]`: with a number, it limits the rate as the hosted service does, whose number is 120.
//!
//! Put what it prints into the environment of the program under test; the quickstart takes it as a real server.

use calcom::testing::FakeCalcom;
use secrecy::ExposeSecret;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = FakeCalcom::builder();
    if let Some(limit) = std::env::args().nth(1) {
        builder = builder.rate_limit(limit.parse()?);
    }
    let fake = builder.start().await?;
    println!("export CALCOM_BASE_URL={}", fake.base_url());
    println!("export CALCOM_API_KEY={}", fake.api_key().expose_secret());
    println!("export CALCOM_EVENT_TYPE_ID={}", fake.event_type_id());
    tokio::signal::ctrl_c().await?;
    fake.shutdown().await;
    Ok(())
}
