//! What is printed, for whom, and when something is missing.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn several_tenants_are_told_apart() {
    let mut world = World::new(false).await;
    let other = world.fake.add_event_type(FakeEventType::new("color", 60));
    let key = world.fake.api_key();
    let base = world.fake.base_url();
    let settings = format!(
        "[[tenants]]\nid = \"salon\"\napi_key = \"{0}\"\nbase_url = \"{base}\"\nevent_types = [{1}]\n\
         [[tenants]]\nid = \"studio\"\napi_key = \"{0}\"\nbase_url = \"{base}\"\nevent_types = [{other}]\n",
        key.expose_secret(),
        world.event_type(),
    );
    let file = world.dir.path().join("two.toml");
    std::fs::write(&file, settings).unwrap();
    let of_tenant = |name: &String| name.starts_with("CALCOM_") && !name.starts_with("CALCOM_SYNC");
    world.environment.retain(|name, _| !of_tenant(name));
    world.set("CALCOM_SYNC_CONFIG", file.display().to_string());
    world.appointment("a-1", at(9, 0)).await;
    let studio = TenantId::new("studio");
    let (one, two) = (AppointmentId::new("a-1"), AppointmentId::new("a-2"));
    let write = world.write(at(9, 0));
    let created = world.store.create_appointment(&studio, &two, write.clone());
    created.await.unwrap();
    world
        .run(&["pause"])
        .await
        .is(2)
        .tells("several tenants are configured: salon, studio");
    world
        .run(&["pause", "--tenant", "nobody"])
        .await
        .is(6)
        .tells("use one of these: salon, studio");
    let paused = world.run(&["pause", "--tenant", "studio"]).await.is(0);
    paused.says("calcom-sync resume --tenant studio");
    let status = world.run(&["status"]).await.is(1);
    status
        .says("Tenant salon: everything is fine.")
        .says("Tenant studio: the work is stopped.");
    world
        .run(&["status", "--tenant", "salon"])
        .await
        .is(0)
        .says_not("studio");
    // An appointment and an item are found in whichever tenant has them.
    world
        .run(&["history", "a-2"])
        .await
        .is(0)
        .says("calcom-sync status a-2 --tenant studio");
    let list = world.run(&["reviews", "list"]).await.is(1).says("studio");
    let id = list.first_id();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    show.says(&format!(
        "calcom-sync reviews resolve {id} retry --tenant studio"
    ));
    // The oldest come first, of whichever tenant they are.
    world.run(&["pause", "--tenant", "salon"]).await.is(0);
    let (_, json) = world.json(&["reviews", "list", "--limit", "1"]).await;
    assert_eq!(json["reviews"][0]["tenant"], "studio");
    assert_eq!(json["has_more"], true);
    world.run(&["resume", "--tenant", "salon"]).await.is(0);
    world
        .run(&["reviews", "show", &id, "--tenant", "salon"])
        .await
        .is(6);
    let created = world.store.create_appointment(&studio, &one, write);
    created.await.unwrap();
    world
        .run(&["status", "a-1"])
        .await
        .is(2)
        .tells("2 tenants have an appointment a-1");
    world
        .run(&["status", "a-1", "--tenant", "salon"])
        .await
        .is(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_prints_one_json_document_or_plain_text() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T15:00:00Z";
    let span = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let with_span =
        |words: &[&'static str]| -> Vec<&str> { words.iter().copied().chain(span).collect() };
    let commands: [Vec<&str>; 25] = [
        with_span(&["reconcile"]),
        with_span(&["reconcile", "--repair"]),
        vec!["services", "import"],
        vec!["services", "check"],
        vec!["reviews", "list"],
        vec!["reviews", "list", "--resolved"],
        vec!["history", "a-1"],
        vec!["status"],
        vec!["status", "a-1"],
        vec!["status", "--search", "a-1"],
        with_span(&["rebuild", "--yes"]),
        vec!["prune"],
        vec!["erase", "person", "--email", "bob@example.com", "--yes"],
        vec!["webhook", "repair"],
        vec!["webhook", "status"],
        vec!["webhook", "test"],
        vec!["performance", "--report", "--index-stats", "--slow-queries"],
        vec!["warm-up"],
        vec!["slots", &event_type],
        vec!["move", "a-1", start],
        vec!["cancel", "a-1"],
        vec!["pause"],
        vec!["resume"],
        vec!["log"],
        vec!["erase", "tenant", "--tenant", "salon", "--yes"],
    ];
    for command in commands {
        let text = world.run(&command).await.is(0);
        assert!(
            !text.out.is_empty() && text.err.is_empty(),
            "{command:?}: {text:?}"
        );
        assert!(!text.out.contains('{'), "{command:?}: {text:?}");
        let (code, json) = world.json(&command).await;
        assert_eq!(code, 0, "{command:?}: {json}");
        assert!(json.is_object(), "{json}");
    }
    // Colours only where they are asked for.
    let colored = ["status", "--color", "always"];
    let colored = run_in(world.dir.path(), &world.environment, &colored)
        .await
        .is(0);
    colored.says("\u{1b}[32mTenant salon: everything is fine.\u{1b}[0m");
}

#[tokio::test(flavor = "multi_thread")]
async fn printed_command_lines_name_the_settings_file() {
    let mut world = World::new(false).await;
    let settings = format!(
        "[[tenants]]\nid = \"salon\"\napi_key = \"{}\"\nbase_url = \"{}\"\nevent_types = [{}]\n",
        world.fake.api_key().expose_secret(),
        world.fake.base_url(),
        world.event_type(),
    );
    let file = world.dir.path().join("my salon.toml");
    std::fs::write(&file, settings).unwrap();
    let of_tenant = |name: &String| name.starts_with("CALCOM_") && !name.starts_with("CALCOM_SYNC");
    world.environment.retain(|name, _| !of_tenant(name));
    let paused = world
        .run(&["pause", "--config", "my salon.toml"])
        .await
        .is(0);
    paused.says("Go on with: calcom-sync resume --config 'my salon.toml'");
    // The environment names it for all commands.
    world.set("CALCOM_SYNC_CONFIG", file.display().to_string());
    let paused = world.run(&["pause"]).await.is(0);
    paused.says("Go on with: calcom-sync resume\n");
    // Without an address of the web application, there are no links to it.
    world.appointment("a-1", at(9, 0)).await;
    world.run(&["resume"]).await.is(0);
    world.drain().await;
    let (code, json) = world.json(&["status", "a-1"]).await;
    assert_eq!((code, &json["booking_url"]), (0, &Value::Null));
    assert!(json["booking"].is_string(), "{json}");
}

/// Ids as hosts may have them: with spaces, slashes, quotes, letters of all scripts, and text that takes
/// over a terminal.
#[tokio::test(flavor = "multi_thread")]
async fn ids_of_every_kind_are_taken_and_shown_harmlessly() {
    let world = World::new(false).await;
    let ids = [
        "a b",
        "a/b/../c",
        "it's",
        "$(reboot)",
        "x;y",
        "日本 ✂",
        "-x",
        "a\u{1b}[31mred",
        "a\nb",
        "%20",
        "'",
        "\"",
        "\u{202e}evil",
    ];
    for (number, id) in ids.iter().enumerate() {
        let minute = u32::try_from(number).unwrap() * 30;
        world
            .appointment(id, at(9 + minute / 60, minute % 60))
            .await;
    }
    world.drain().await;
    for id in ids {
        for command in ["status", "history"] {
            let ran = world.run(&[command, "--", id]).await.is(0);
            assert!(!ran.out.contains('\u{202e}'), "{id:?}");
            let json = world.run(&["--json", command, "--", id]).await.is(0).json();
            assert_eq!(json["appointment"], id);
        }
    }
    world
        .run(&["reviews", "list", "--appointment", "a/b/../c"])
        .await
        .is(0);
    world
        .run(&["reviews", "show", "99"])
        .await
        .is(6)
        .tells("there is no review item 99");
    world.run(&["reviews", "show", "x"]).await.is(2);
    world
        .run(&["reviews", "list", "--reason", "weather"])
        .await
        .is(2)
        .tells("slot_taken");
    world
        .run(&["reviews", "resolve", "99", "retry"])
        .await
        .is(6);
    let past = [
        "reviews",
        "resolve",
        "99",
        "rebook",
        "--start",
        "2020-01-01",
    ];
    world.run(&past).await.is(2).tells("lies in the past");
    let start = ["reviews", "resolve", "99", "retry", "--start", "2099-01-01"];
    world.run(&start).await.is(2).tells("goes with rebook only");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_or_a_database_the_next_step_is_told() {
    let world = World::new(false).await;
    let dir = tempfile::tempdir().unwrap();
    let none = BTreeMap::new();
    let commands: [&[&str]; 8] = [
        &["status"],
        &["reviews", "list"],
        &["history", "a-1"],
        &["reconcile"],
        &["book", "1", "2099-01-01", "--name", "A", "--email", "a@b.c"],
        &["webhook", "test"],
        &["performance", "--report"],
        &["log"],
    ];
    for command in commands {
        let ran = run_in(dir.path(), &none, command).await.is(2);
        ran.tells("no Cal.com API key is configured")
            .tells("What to do: set CALCOM_API_KEY");
        let mut json = command.to_vec();
        json.push("--json");
        let ran = run_in(dir.path(), &none, &json).await.is(2);
        let json = ran.json();
        assert_eq!(json["error"]["kind"], "usage");
        assert!(json["error"]["next"].is_string(), "{json}");
        // Nothing was created on the way.
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
    let mut environment = world.environment.clone();
    for database in [
        "/nowhere/at/all/sync.sqlite",
        "postgres://salon:hidden@127.0.0.1:9/salon",
    ] {
        environment.insert("CALCOM_SYNC_DATABASE".to_owned(), database.to_owned());
        for command in [&["status"][..], &["reviews", "list"], &["log"]] {
            let ran = run_in(dir.path(), &environment, command).await.is(5);
            let ran = ran.tells("the database cannot");
            assert!(!ran.err.contains("hidden"), "{}", ran.err);
        }
    }
    // A file that is no database.
    let file = dir.path().join("text.sqlite");
    std::fs::write(
        &file,
        "this is no database, however long it may be, and never was one at all",
    )
    .unwrap();
    environment.insert(
        "CALCOM_SYNC_DATABASE".to_owned(),
        file.display().to_string(),
    );
    run_in(dir.path(), &environment, &["status"]).await.is(5);
}

/// The database goes away while it is watched.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_disappears_is_told_and_nothing_hangs() {
    let world = World::new(false).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sync.sqlite");
    let mut environment = world.environment.clone();
    environment.insert(
        "CALCOM_SYNC_DATABASE".to_owned(),
        path.display().to_string(),
    );
    run_in(dir.path(), &environment, &["status"]).await.is(0);
    let path = dir.path().to_owned();
    drop(dir);
    assert!(!path.exists());
    let elsewhere = tempfile::tempdir().unwrap();
    for command in [
        &["status"][..],
        &["pause"],
        &["reviews", "list"],
        &["history", "a-1"],
    ] {
        let ran = run_in(elsewhere.path(), &environment, command).await.is(5);
        ran.tells("What to do");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cal_com_that_fails_is_told_and_the_command_ends() {
    let world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.fake.go_offline().await;
    let event_type = world.event_type().to_string();
    world
        .run(&["slots", &event_type])
        .await
        .is(4)
        .tells("Cal.com cannot be reached");
    world.run(&["webhook", "status"]).await.is(4);
    let reconcile = ["reconcile", "--from", "2099-12-01", "--until", "2099-12-31"];
    world
        .run(&reconcile)
        .await
        .is(4)
        .tells("go on with `calcom-sync reconcile --from 2099-12-01");
    let rebuild = [
        "rebuild",
        "--from",
        "2099-12-01",
        "--until",
        "2099-12-31",
        "--yes",
    ];
    world
        .run(&rebuild)
        .await
        .is(4)
        .tells("go on with `calcom-sync rebuild");
    let (code, json) = world.json(&rebuild).await;
    assert_eq!((code, &json["error"]["kind"]), (4, &"unreachable".into()));
    let service = ["services", "import"];
    world.run(&service).await.is(4);
    // Everything that needs the database only works on.
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("it waits for a worker");
    world.fake.come_back().await.unwrap();
    let busy = Then::too_many_requests(30);
    world
        .fake
        .inject(Fault::new(Operation::ListBookings, busy).always());
    world
        .run(&reconcile)
        .await
        .is(4)
        .tells("Cal.com allows no more requests for now");
    assert!(world.clock.now() < SystemClock.now());
}
