//! What an adapter easily loses: what is not there, what is unknown, fractions of a second, and
//! texts that nobody expected.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::steps::same;
use super::table::{AppointmentTable, Detail};
use crate::model::JsonObject;
use crate::store::{AppointmentState, Guests, Reason};

/// Details that the table keeps are read back as they were written; others are unknown, and never
/// anything else.
pub async fn details_are_kept_or_unknown(table: &AppointmentTable) {
    const PROMISE: &str = "details are kept or unknown";
    let answers: JsonObject = [
        ("colour", json!("auburn; \"dark\"")),
        ("allergies", json!(["nuts", "\u{1f9ea}"])),
        ("age", json!(1.5)),
        ("agreed", json!(false)),
    ]
    .into_iter()
    .collect();
    let detailed = |minute: i64, staff: usize, reason: &str| {
        let mut state = table
            .state_of(staff, 60)
            .with_location("Hauptstr. 1")
            .with_guests(["bob@example.com", "cy@example.com"])
            .with_notes("rings\ntwice")
            .with_absent(staff == 0)
            .with_responses(answers.clone())
            .with_metadata([("room", "2"), ("Room", "\u{1f9ea} \"3\"")]);
        state.attendee.phone_number = Some("+4930123456".to_owned());
        state.attendee.language = Some("de".to_owned());
        table
            .write_of(state, minute)
            .with_reason(Reason::new(reason))
    };
    let first = detailed(0, 0, "moved");
    let created = table.create("chain", first.clone()).await;
    table.assert_stored(PROMISE, &created, &first).await;
    let second = detailed(1, 1, "moved again");
    let updated = table.update(&created, second.clone()).await;
    table.assert_stored(PROMISE, &updated, &second).await;
    // Of details that a write does not know, the host may keep its own.
    let mut plain = table.write(60, 2);
    plain.state.host = None;
    let updated = table.update(&updated, plain.clone()).await;
    assert!(
        updated.state.agrees_with(&plain.state),
        "{PROMISE}: after a write that does not know them, a detail differs from it"
    );
}

/// What an attendee does not have is read as absent, and not as an empty text.
pub async fn what_an_attendee_lacks_stays_absent(table: &AppointmentTable) {
    const PROMISE: &str = "what an attendee lacks stays absent";
    let mut write = table.write(60, 0);
    write.state.attendee.email = None;
    write.state.attendee.phone_number = Some("+4930123456".to_owned());
    let by_phone = table.create("by phone", write.clone()).await;
    table.assert_stored(PROMISE, &by_phone, &write).await;
    let mut write = table.write_of(table.state_of(1, 90), 0);
    let by_email = table.create("by e-mail", write.clone()).await;
    table.assert_stored(PROMISE, &by_email, &write).await;
    // And what one has is taken away by a write without it.
    write.state.attendee.email = None;
    let updated = table.update(&by_email, write.clone()).await;
    table.assert_stored(PROMISE, &updated, &write).await;
}

/// To know that there are no guests is something else than not to know the guests.
pub async fn no_guests_is_not_unknown_guests(table: &AppointmentTable) {
    if !table.must_keep(Detail::Guests, "the table keeps no guests") {
        return;
    }
    const PROMISE: &str = "no guests is not unknown guests";
    let none = Guests::from_iter(Vec::<String>::new());
    let mut write = table.write(60, 0);
    write.state.guests = Some(none.clone());
    let created = table.create("none", write.clone()).await;
    table.assert_stored(PROMISE, &created, &write).await;
    write.state.guests = Some(["bob@example.com"].into_iter().collect());
    let updated = table.update(&created, write.clone()).await;
    table.assert_stored(PROMISE, &updated, &write).await;
    // The last guest is taken away.
    write.state.guests = Some(none);
    let updated = table.update(&updated, write.clone()).await;
    table.assert_stored(PROMISE, &updated, &write).await;
    let unknown = table.write_of(table.state_of(1, 90), 0);
    let created = table.create("unknown", unknown.clone()).await;
    table.assert_stored(PROMISE, &created, &unknown).await;
}

/// Notes that are unknown are not read as empty, and empty ones not as anything else.
pub async fn no_notes_is_not_unknown_notes(table: &AppointmentTable) {
    const PROMISE: &str = "no notes is not unknown notes";
    let unknown = table.write(60, 0);
    let created = table.create("unknown", unknown.clone()).await;
    table.assert_stored(PROMISE, &created, &unknown).await;
    let known = |notes: &str| table.write_of(table.state_of(1, 90).with_notes(notes), 1);
    let created = table.create("known", known("rings twice")).await;
    let updated = table.update(&created, known("")).await;
    table.assert_stored(PROMISE, &updated, &known("")).await;
}

/// Times below a millisecond may be cut off, but everywhere alike: a time that is rounded up
/// differs from Cal.com's for ever, and one that reads differently from what the write answered
/// looks like a change.
pub async fn fractions_of_a_second_are_cut_off_alike(table: &AppointmentTable) {
    const PROMISE: &str = "fractions of a second are cut off alike";
    let fractions = [
        123_456_789,
        999_999_999,
        500_000,
        999_500_000,
        1,
        0,
        42_000_000,
    ];
    for (n, nanos) in (0_usize..).zip(fractions) {
        let minute = i64::try_from(n).unwrap_or_default() * 60;
        let mut state = table.state_of(n, minute);
        state.start += TimeDelta::nanoseconds(nanos);
        state.end += TimeDelta::nanoseconds(999_999_999 - nanos);
        let mut write = table.write_of(state, 0);
        write.at += TimeDelta::nanoseconds(nanos);
        let created = table.create(&format!("chain {n}"), write.clone()).await;
        table.assert_stored(PROMISE, &created, &write).await;
        write.state.start += TimeDelta::milliseconds(1);
        let updated = table.update(&created, write.clone()).await;
        table.assert_stored(PROMISE, &updated, &write).await;
    }
}

/// The hour that clocks show twice in autumn stays two, and the one that they skip in spring stays
/// what it is: a time is an instant, and no reading of a clock.
pub async fn an_instant_is_kept_where_clocks_change(table: &AppointmentTable) {
    const PROMISE: &str = "an instant is kept where clocks change";
    // Berlin and New York, in autumn and in spring; a whole year has them all.
    let instants = [
        "2027-10-31T00:30:00Z",
        "2027-10-31T01:30:00Z",
        "2027-11-07T05:30:00Z",
        "2027-11-07T06:30:00Z",
        "2027-03-28T01:30:00Z",
        "2027-03-14T07:30:00Z",
        "2028-02-29T23:59:00Z",
    ];
    for (n, instant) in (0_usize..).zip(instants) {
        let start: DateTime<Utc> = instant.parse().expect("an instant of ours");
        let mut state = table.state_of(n, 0);
        state.start = start;
        state.end = start + TimeDelta::minutes(30);
        let write = table.write_of(state, 0);
        let created = table.create(&format!("chain {n}"), write.clone()).await;
        table.assert_stored(PROMISE, &created, &write).await;
    }
}

/// Texts that somebody hopes to be more than that, and texts that a character set, a collation or a
/// conversion changes.
const HOSTILE: [&str; 14] = [
    "Robert'); DROP TABLE appointments; --",
    "back\\slash \" quote ' tick ` dollar $1 ?1 :name %s {0}",
    "100% _sure_",
    "{\"status\": null}",
    "<script>alert(1)</script> &amp; &lt;",
    "NULL",
    "0",
    "true",
    "Zoe\u{308} Žižek, not Zoë",
    "İstanbul ıẞß",
    "שלום عليكم",
    "👩\u{200d}🔬🏳\u{fe0f}\u{200d}🌈",
    "山田 太郎 \u{20000}",
    "two  blanks\u{a0}and a hard one",
];

/// Texts are read back byte for byte, whatever is in them.
pub async fn hostile_texts_are_kept(table: &AppointmentTable) {
    const PROMISE: &str = "hostile texts are kept";
    let mut known = table.create("chain", table.write(60, 0)).await;
    for (n, text) in (1..).zip(HOSTILE) {
        let mut state = table
            .state(60)
            .with_location(text)
            .with_notes(format!("{text}\n\t{text}"));
        state.attendee.name = text.to_owned();
        let write = table.write_of(state, n).with_reason(Reason::new(text));
        known = table.update(&known, write.clone()).await;
        table.assert_stored(PROMISE, &known, &write).await;
        let chain = format!("chain of {text}");
        let write = table.write_of(table.state_of(1, 200 + n * 30), n);
        let created = table.create(&chain, write).await;
        let key = created.chain.as_ref().map(crate::store::ChainKey::as_str);
        same(PROMISE, "the chain key", &key, &Some(chain.as_str()));
    }
}

/// An address keeps its case: Cal.com looks bookings up by it as it was given.
pub async fn an_address_keeps_its_case(table: &AppointmentTable) {
    let mut write = table.write(60, 0);
    write.state.attendee.email = Some("Ann.O'Hara+Salon@Example.COM".to_owned());
    let created = table.create("chain", write.clone()).await;
    let promise = "an address keeps its case";
    table.assert_stored(promise, &created, &write).await;
}

fn long(state: AppointmentState, line: &str, text: &str) -> AppointmentState {
    let mut state = state.with_location(line).with_notes(text);
    line.clone_into(&mut state.attendee.name);
    state
}

/// The longest texts that the engine writes are kept whole: 320 characters in a name or an address,
/// and 4000 in notes or a reason, of up to four bytes each.
pub async fn the_longest_texts_are_kept(table: &AppointmentTable) {
    const PROMISE: &str = "the longest texts are kept";
    let mut known = table.create("chain", table.write(60, 0)).await;
    for (minute, letter) in (1..).zip(["x", "é", "語", "🧪"]) {
        let line = letter.repeat(table.longest_line);
        let text = letter.repeat(table.longest_text);
        let state = long(table.state(60), &line, &text);
        let write = table.write_of(state, minute);
        let write = write.with_reason(Reason::new(text));
        known = table.update(&known, write.clone()).await;
        table.assert_stored(PROMISE, &known, &write).await;
    }
}
