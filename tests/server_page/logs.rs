//! What is logged: nothing of a person, and nothing secret.

use std::io;
use std::sync::{Arc, Mutex};

use calcom::store::StoreErrorKind;
use calcom::testing::{StoreFault, StoreTrouble};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{HANNA, World, form, routes_of};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_personal_and_nothing_secret_is_logged() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await.id.to_string();
    let code = world.links.mint("hanna").unwrap();
    let wrong = form(&[("token", "a-wrong-token-of-somebody")]);
    world.send("POST", "/login", None, wrong, &[]).await.is(401);
    world
        .send("POST", "/login", None, form(&[("token", HANNA)]), &[])
        .await
        .is(303);
    world
        .send("POST", &code, None, String::new(), &[])
        .await
        .is(303);
    let fields = [
        ("id", "a-1"),
        ("action", "cancel"),
        ("item", &item),
        ("resolution", "dismiss"),
        ("confirmed", "1"),
        ("reason", "a private reason"),
        ("mode", "check"),
        ("from", "2026-12-01"),
        ("until", "2027-01-01"),
    ];
    for is_failing in [false, true] {
        if is_failing {
            let trouble = StoreTrouble::Fails(StoreErrorKind::Unavailable);
            world.faulty.inject(StoreFault::anywhere(trouble).always());
        }
        for (method, path) in routes_of("salon", "a-1") {
            let path = path.replace("/reviews/a-1", &format!("/reviews/{item}"));
            world
                .send(method, &path, Some(HANNA), form(&fields), &[])
                .await;
        }
        world.get("/t/salon/activity?q=Ann+Attendee").await;
    }
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a page could not be made"), "{logged}");
    assert!(logged.contains("somebody could not sign in"));
    for private in [
        "Ann Attendee",
        "Ann+Attendee",
        "ann@example.com",
        HANNA,
        "a-wrong-token",
        "private reason",
        &code["/in/".len()..],
    ] {
        assert!(!logged.contains(private), "{private} is in the log");
    }
}
