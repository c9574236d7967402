//! Branches and staff: what is configured, what can be booked where, and phone numbers of the tenant's country.

use super::*;

/// Two branches and two members of staff, as they stand in the settings file.
async fn world() -> (World, EventTypeId) {
    let mut world = World::new(false).await;
    let colour = FakeEventType::new("colour", 60).with_title("Colour");
    let colour = world.fake.add_event_type(colour);
    let (cut, hanna) = (world.fake.event_type_id(), world.fake.host_id());
    let settings = format!(
        r#"
[[tenants]]
id = "salon"
default_region = "DE"
phone_only_domain = "phone.example.com"
[[tenants.branches]]
id = "harbour"
name = "Salon Harbour"
time_zone = "Europe/Helsinki"
opening_hours = ["Mon-Fri 11:00-12:00", "Sat 09:00-13:00"]
phone_numbers = ["030 / 12 34 56"]
event_types = [{cut}]
address = "Quay 1"
[[tenants.branches]]
id = "west"
name = "Salon West"
time_zone = "Europe/Berlin"
[[tenants.staff]]
id = "hanna"
name = "Hanna Weber"
user = {hanna}
branches = ["harbour"]
[[tenants.staff]]
id = "mia"
name = "Mia Novak"
event_types = [{colour}]
"#
    );
    std::fs::write(world.dir.path().join("calcom-sync.toml"), settings).unwrap();
    // The file names them.
    world.environment.remove("CALCOM_EVENT_TYPE_IDS");
    (world, colour)
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_and_staff_are_listed_and_checked() {
    let (world, colour) = world().await;
    let cut = world.fake.event_type_id();
    let listed = world.run(&["branches"]).await.is(0);
    let listed = listed
        .says("Branch Salon Harbour (harbour)")
        .says("Open: Mon-Fri 11:00-12:00, Sat 09:00-13:00, Europe/Helsinki")
        .says("Called under: +49 30 123456")
        .says("Address: Quay 1")
        .says("Open: as Cal.com says, Europe/Berlin")
        .says("Event types: all of the tenant's");
    listed
        .says("Staff Hanna Weber (hanna)")
        .says("Works at: Salon Harbour")
        .says(&format!("Event types of their own: {colour}"));
    let (_, listed) = world.json(&["branches"]).await;
    assert_eq!(listed["branches"][0]["phone_numbers"][0], "+4930123456");
    assert_eq!(listed["branches"][0]["event_types"][0], cut.get());
    assert_eq!(listed["staff"][1]["id"], "mia");
    let checked = world.run(&["check"]).await;
    checked
        .says(&format!("Salon Harbour: Haircut ({cut})"))
        .says("Salon West: all event types")
        .says("Hanna Weber: no event types of their own")
        .says(&format!("Mia Novak: Colour ({colour})"));
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_are_those_of_the_branch_while_it_is_open() {
    let (world, colour) = world().await;
    let cut = world.fake.event_type_id();
    let day = ["--from", "2099-12-08", "--until", "2099-12-09"];
    let slots = |more: &[&'static str]| {
        let mut all = vec!["slots"];
        all.extend(more);
        all.extend(day);
        all
    };
    let (_, found) = world.json(&slots(&["--branch", "salon harbour"])).await;
    assert_eq!(found["branch"], "harbour");
    let types = found["event_types"].as_array().unwrap();
    assert_eq!(types.len(), 1);
    assert_eq!(types[0]["event_type"], cut.get());
    // Eleven in Helsinki is nine in UTC.
    let expected = ["2099-12-08T09:00:00Z", "2099-12-08T09:30:00Z"];
    assert_eq!(types[0]["slots"], serde_json::json!(expected));
    let shown = world.run(&slots(&["--branch", "harbour"])).await.is(0);
    shown
        .says("times in Europe/Helsinki")
        .says("Tue 2099-12-08  11:00 11:30");
    let (_, found) = world.json(&slots(&["--staff", "mia"])).await;
    let types = found["event_types"].as_array().unwrap();
    assert_eq!(types.len(), 1);
    assert_eq!(types[0]["event_type"], colour.get());
    assert!(types[0]["slots"].as_array().unwrap().len() > 2);
    let nowhere = world.run(&slots(&["--branch", "nowhere"])).await.is(6);
    nowhere.tells("there is no branch \"nowhere\"");
    let nobody = world.run(&slots(&["--staff", "nobody"])).await.is(6);
    nobody.tells("there is no member of staff \"nobody\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_booked_at_a_branch_with_a_number_of_the_country() {
    let (world, colour) = world().await;
    let (cut, colour) = (world.fake.event_type_id().to_string(), colour.to_string());
    let book = |event_type: &str, start: &str, phone: &str, more: &[&str]| {
        let mut all = ["book", event_type, start, "--name", "Ann", "--phone", phone]
            .map(str::to_owned)
            .to_vec();
        all.extend(more.iter().map(|word| (*word).to_owned()));
        all
    };
    let nine = "2099-12-08T09:00:00Z";
    let there = ["--branch", "harbour", "--staff", "hanna"];
    for (all, told) in [
        (
            book(&cut, "2099-12-08T12:00:00Z", "030 123456", &there),
            "the branch is closed then",
        ),
        (
            book(&colour, nine, "030 123456", &there),
            "cannot be booked with Salon Harbour and Hanna Weber",
        ),
        (
            book(&cut, nine, "030 123456", &["--staff", "mia"]),
            "cannot be booked with Mia Novak",
        ),
        (
            book(
                &cut,
                nine,
                "030 123456",
                &["--branch", "west", "--staff", "hanna"],
            ),
            "Hanna Weber does not work at Salon West",
        ),
        (book(&cut, nine, "0301", &there), "there is no such number"),
        (
            book(&cut, nine, "call me", &there),
            "characters other than digits",
        ),
    ] {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        world.run(&all).await.is(2).tells(told).tells("What to do");
    }
    let mut all = book(&cut, nine, "030 / 12 34 56", &there);
    let mut all_of_text = all.clone();
    all.extend(["--wait", "40s", "--json"].map(str::to_owned));
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let booked = world.run(&all).await.is(0).json();
    assert_eq!(booked["state"], "in_sync");
    let id = AppointmentId::new(booked["appointment"].as_str().unwrap());
    let taken = world.store.get(&world.tenant, &id).await.unwrap().unwrap();
    let attendee = &taken.state.attendee;
    assert_eq!(attendee.phone_number.as_deref(), Some("+4930123456"));
    assert_eq!(attendee.time_zone, "Europe/Helsinki");
    assert_eq!(taken.state.host, Some(world.fake.host_id()));
    assert_eq!(world.fake.live_bookings().len(), 1);
    all_of_text[2] = "2099-12-09T09:30:00Z".to_owned();
    let all: Vec<&str> = all_of_text.iter().map(String::as_str).collect();
    world.run(&all).await.is(0).says("2099-12-09 11:30:00 EET");
}
