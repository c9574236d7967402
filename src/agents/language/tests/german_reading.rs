use super::{NOW, check};
use crate::agents::language::{German, Language};

fn reads(now: &str, table: &[(&str, &str)]) {
    check(&German, now, false, table);
}

fn reads_time(table: &[(&str, &str)]) {
    check(&German, NOW, true, table);
}

#[test]
fn iso() {
    reads(
        NOW,
        &[
            ("2026-12-10", "2026-12-10"),
            ("2026-12-10T14:30", "2026-12-10 at 14:30"),
            ("2026-12-10 14:30:00", "2026-12-10 at 14:30"),
            ("2026-12-10T10:30", "2026-12-10 at 10:30"),
            ("2026-12-10T14:30:00+01:00", "2026-12-10T13:30:00+00:00"),
            ("2026-12-10T14:30+0100", "2026-12-10T13:30:00+00:00"),
            ("2026-12-10T14:30:00.000Z", "2026-12-10T14:30:00+00:00"),
            ("2026-12-10t14:30z", "2026-12-10T14:30:00+00:00"),
            ("20261210T143000Z", "2026-12-10T14:30:00+00:00"),
            ("2026-12-10T14:30:00-05:00", "2026-12-10T19:30:00+00:00"),
            ("am 2026-12-10 um 15 Uhr", "2026-12-10 at 15:00"),
            ("2026-12-10 nachmittags", "2026-12-10 at 12:00-18:00"),
            ("2026-02-31", ""),
            ("2026-02-31T10:00Z", "at 10:00"),
            ("14:30", "at 14:30"),
            ("10:30", "at 10:30"),
            ("2026-12-10 14:00-16:00", "2026-12-10 at 14:00-16:00"),
        ],
    );
}

#[test]
fn named_days() {
    reads(
        NOW,
        &[
            ("heute", "2026-11-29"),
            ("morgen", "2026-11-30"),
            ("Morgen.", "2026-11-30"),
            ("übermorgen", "2026-12-01"),
            ("uebermorgen", "2026-12-01"),
            ("U\u{308}bermorgen", "2026-12-01"),
            ("ubermorgen", "2026-12-01"),
            ("gestern", "2026-11-28"),
            ("guten Morgen", ""),
            (
                "Guten Tag, ich hätte gern morgen einen Termin",
                "2026-11-30",
            ),
            ("heute oder morgen", "2026-11-29 or 2026-11-30"),
            ("in drei Tagen", "2026-12-02"),
            ("in 3 Tagen", "2026-12-02"),
            ("in einer Woche", "2026-12-06"),
            ("in 14 Tagen", "2026-12-13"),
            ("in vierzehn Tagen", "2026-12-13"),
            ("in zwei Wochen", "2026-12-13"),
            ("in acht Tagen", "2026-12-06 or 2026-12-07"),
            ("in einem Monat", "2026-12-29"),
            ("heute in einer Woche", "2026-12-06"),
            ("morgen in acht Tagen", "2026-12-07"),
            ("vor drei Tagen", "2026-11-26"),
            ("in zwei Stunden", "2026-11-29 at 12:00"),
            ("in einer halben Stunde", "2026-11-29 at 10:30"),
            ("so bald wie möglich", ""),
            ("ich weiß es nicht", ""),
            ("", ""),
        ],
    );
}

#[test]
fn weekdays() {
    reads(
        NOW,
        &[
            ("Donnerstag", "2026-12-03"),
            ("donnerstags", "2026-12-03"),
            ("am Do", "2026-12-03"),
            ("Do.", "2026-12-03"),
            ("Do, 10.12.", "2026-12-10"),
            ("am Sonntag", "2026-11-29 or 2026-12-06"),
            ("kommenden Donnerstag", "2026-12-03"),
            ("kommenden Sonntag", "2026-12-06"),
            ("diesen Donnerstag", "2026-12-03"),
            ("nächsten Donnerstag", "2026-12-03 or 2026-12-10"),
            ("am naechsten Dienstag", "2026-12-01 or 2026-12-08"),
            ("nächsten Sonntag", "2026-12-06"),
            ("übernächsten Dienstag", "2026-12-08"),
            ("letzten Dienstag", "2026-11-24"),
            ("Donnerstag in einer Woche", "2026-12-10"),
            ("Donnerstag in acht Tagen", "2026-12-10"),
            ("Donnerstag in 14 Tagen", "2026-12-17"),
            ("Sonntag in einer Woche", "2026-12-06"),
            ("Donnerstag nächster Woche", "2026-12-03"),
            ("nächste Woche Donnerstag", "2026-12-03"),
            ("nächste Woche am Donnerstag um drei", "2026-12-03 at 15:00"),
            ("Donnerstag übernächster Woche", "2026-12-10"),
            ("Dienstag dieser Woche", "2026-12-01"),
            ("Mo oder Di", "2026-11-30 or 2026-12-01"),
            ("am zweiten Donnerstag im Dezember", "2026-12-10"),
            ("am letzten Freitag des Monats", "2026-12-25"),
            ("am ersten Montag im November", "2027-11-01"),
            (
                "am fünften Donnerstag im Dezember um drei",
                "2026-12-31 at 15:00",
            ),
            ("am fünften Freitag im Dezember", ""),
            ("Donnerstagnachmittag", "2026-12-03 at 12:00-18:00"),
            ("Donnerstag Nachmittag", "2026-12-03 at 12:00-18:00"),
            ("Donnerstag morgen", "2026-12-03 at 06:00-12:00"),
            ("Donnerstagmorgen um acht", "2026-12-03 at 08:00"),
            ("Sonnabendvormittag", "2026-12-05 at 08:00-12:00"),
            ("Dienstag oder Mittwoch", "2026-12-01 or 2026-12-02"),
            ("von Dienstag bis Donnerstag", "2026-12-01..2026-12-03"),
            ("Dienstag bis Donnerstag", "2026-12-01..2026-12-03"),
            ("zwischen Dienstag und Donnerstag", "2026-12-01..2026-12-03"),
            ("ab Donnerstag", "2026-12-03..2026-12-09"),
            ("bis Donnerstag", "2026-11-29..2026-12-03"),
            ("nach Donnerstag", "2026-12-04..2026-12-10"),
            ("vor Donnerstag", "2026-11-29..2026-12-02"),
            ("nicht am Donnerstag, sondern am Freitag", "2026-12-04"),
            ("Donnerstag, nein, lieber Freitag", "2026-12-04"),
            ("warum nicht Freitag", "2026-12-04"),
            ("morgen, Montag", "2026-11-30"),
            ("morgen, Dienstag", "2026-11-30 or 2026-12-01"),
            ("Frau Do und Herr So um drei", "at 15:00"),
        ],
    );
}

#[test]
fn a_weekday_that_is_today() {
    let thursday = "2026-12-03T10:00:00";
    reads(
        thursday,
        &[
            ("Donnerstag", "2026-12-03 or 2026-12-10"),
            ("Donnerstag um drei", "2026-12-03 at 15:00"),
            ("Donnerstag um acht Uhr früh", "2026-12-10 at 08:00"),
            (
                "Donnerstag um neun",
                "2026-12-03 or 2026-12-10 at 09:00|21:00",
            ),
            ("Donnerstagnachmittag", "2026-12-03 at 12:00-18:00"),
            (
                "Donnerstag, Zeit egal",
                "2026-12-03 or 2026-12-10 at 00:00-00:00",
            ),
            ("nächsten Donnerstag", "2026-12-10"),
            ("heute, Donnerstag", "2026-12-03"),
            ("Donnerstag, den 10. Dezember", "2026-12-10"),
            ("Dienstag bis Donnerstag", "2026-12-08..2026-12-10"),
        ],
    );
}

#[test]
fn weeks_and_months() {
    reads(
        NOW,
        &[
            ("nächste Woche", "2026-11-30..2026-12-06"),
            ("diese Woche", "2026-11-29"),
            (
                "kommende Woche nachmittags",
                "2026-11-30..2026-12-06 at 12:00-18:00",
            ),
            ("übernächste Woche", "2026-12-07..2026-12-13"),
            ("Anfang der Woche", "2026-11-30..2026-12-01"),
            ("Mitte der Woche", "2026-12-01..2026-12-03"),
            ("Ende der Woche", "2026-12-03..2026-12-04"),
            ("Ende nächster Woche", "2026-12-03..2026-12-04"),
            ("Anfang übernächster Woche", "2026-12-07..2026-12-08"),
            ("am Wochenende", "2026-12-05..2026-12-06"),
            (
                "nächstes Wochenende",
                "2026-12-05..2026-12-06 or 2026-12-12 or 2026-12-13",
            ),
            ("im Dezember", "2026-12-01..2026-12-31"),
            ("Ende Dezember", "2026-12-21..2026-12-31"),
            ("Anfang des Monats", "2026-12-01..2026-12-10"),
            ("Anfang November", "2027-11-01..2027-11-10"),
            ("Ende November", "2026-11-29..2026-11-30"),
            ("nächsten Monat", "2026-12-01..2026-12-31"),
            ("Ende nächsten Monats", "2026-12-21..2026-12-31"),
            ("in den nächsten Tagen", "2026-11-30..2026-12-06"),
            ("in den nächsten zwei Wochen", "2026-11-30..2026-12-13"),
        ],
    );
    reads(
        "2026-12-02T10:00:00",
        &[
            ("Ende der Woche", "2026-12-03..2026-12-04"),
            ("diese Woche", "2026-12-02..2026-12-06"),
        ],
    );
}

#[test]
fn dates() {
    reads(
        NOW,
        &[
            ("am 5. Dezember", "2026-12-05"),
            ("5.12.", "2026-12-05"),
            ("05.12.2026", "2026-12-05"),
            ("5. 12. 2026", "2026-12-05"),
            ("05.12.26", "2026-12-05"),
            ("5.12", "2026-12-05"),
            ("5/12", "2026-12-05"),
            ("fünfter Dezember", "2026-12-05"),
            ("am fuenften Dezember", "2026-12-05"),
            ("am Fünften", "2026-12-05"),
            ("am fünften zwölften", "2026-12-05"),
            ("am 5.", "2026-12-05"),
            ("am 5", "2026-12-05"),
            ("am 5. um 14 Uhr", "2026-12-05 at 14:00"),
            ("am 5. um drei", "2026-12-05 at 15:00"),
            ("am einunddreißigsten", "2026-12-31"),
            ("am ersten März", "2027-03-01"),
            ("am ersten Jänner", "2027-01-01"),
            ("3. Jan", "2027-01-03"),
            ("29. November", "2026-11-29"),
            ("28. November", "2027-11-28"),
            ("28. November 2026", "2026-11-28"),
            ("5. Dezember zweitausendsiebenundzwanzig", "2027-12-05"),
            ("am 10. oder 11. Januar", "2027-01-10 or 2027-01-11"),
            ("zwischen 5. und 10. Dezember", "2026-12-05..2026-12-10"),
            ("vom 10. bis 12. Januar", "2027-01-10..2027-01-12"),
            ("vom 28. Dezember bis 3. Januar", "2026-12-28..2027-01-03"),
            ("am fünften nächsten Monats", "2026-12-05"),
            ("31. Februar", ""),
            ("30.2.", ""),
            ("31.11.2026", ""),
            ("29. Februar", "2028-02-29"),
            ("29.2.2027", ""),
            ("Dienstag, 31. Februar", ""),
            (
                "Donnerstag, den 10. Dezember, um 14 Uhr 30",
                "2026-12-10 at 14:30",
            ),
            ("Donnerstag, den 11. Dezember", "2026-12-11 or 2026-12-03"),
            ("der erste Termin", ""),
            ("der erste freie Termin am Dienstag", "2026-12-01"),
        ],
    );
    reads(
        "2026-12-31T23:50:00",
        &[
            ("morgen", "2027-01-01"),
            ("am 1. Januar", "2027-01-01"),
            ("31.12.", "2026-12-31"),
            ("in einer halben Stunde", "2027-01-01 at 00:20"),
            ("nächste Woche", "2027-01-04..2027-01-10"),
        ],
    );
    reads(
        "2028-02-28T09:00:00",
        &[
            ("morgen", "2028-02-29"),
            ("übermorgen", "2028-03-01"),
            ("am 29.", "2028-02-29"),
            ("29.2.", "2028-02-29"),
            ("am 31.", "2028-03-31"),
        ],
    );
}

#[test]
fn times() {
    let table = [
        ("um drei", "at 15:00"),
        ("15 Uhr 30", "at 15:30"),
        ("15:30", "at 15:30"),
        ("15:30 Uhr", "at 15:30"),
        ("14.30 Uhr", "at 14:30"),
        ("um 14.30", "at 14:30"),
        ("um 10.12", "at 10:12|22:12"),
        ("halb drei", "at 14:30"),
        ("halb eins", "at 12:30"),
        ("halb acht", "at 07:30|19:30"),
        ("halb acht abends", "at 19:30"),
        ("viertel nach zwei", "at 14:15"),
        ("Viertel vor eins", "at 12:45"),
        ("viertel vor sieben", "at 18:45"),
        ("dreiviertel drei", "at 14:45"),
        ("drei viertel drei", "at 14:45"),
        ("viertel drei", "at 14:15"),
        ("zehn nach drei", "at 15:10"),
        ("fünf vor halb drei", "at 14:25"),
        ("fünf nach halb drei", "at 14:35"),
        ("zwanzig Minuten vor vier", "at 15:40"),
        ("kurz nach drei", "at 15:00"),
        ("kurz vor halb drei", "at 14:30"),
        ("um ein Uhr", "at 13:00"),
        ("um eins", "at 13:00"),
        ("um zwölf", "at 12:00"),
        ("Mitternacht", "at 00:00"),
        ("um 0 Uhr", "at 00:00"),
        ("um 24 Uhr", "at 00:00"),
        ("um 25 Uhr", ""),
        ("um neun", "at 09:00|21:00"),
        ("um neun Uhr dreißig", "at 09:30|21:30"),
        ("09:30 Uhr", "at 09:30"),
        ("um neun Uhr früh", "at 09:00"),
        ("um neun am Abend", "at 21:00"),
        ("morgens um acht", "at 08:00"),
        ("nachmittags um drei", "at 15:00"),
        ("drei Uhr nachmittags", "at 15:00"),
        ("sechs Uhr morgens", "at 06:00"),
        ("zwei Uhr nachts", "at 02:00"),
        ("elf Uhr nachts", "at 23:00"),
        ("mittags", "at 11:00-14:00"),
        ("mittags um eins", "at 13:00"),
        ("zwölf Uhr mittags", "at 12:00"),
        ("früh", "at 06:00-12:00"),
        ("am Morgen", "at 06:00-12:00"),
        ("vormittags", "at 08:00-12:00"),
        ("abends", "at 17:00-22:00"),
        ("am frühen Nachmittag", "at 12:00-15:00"),
        ("am frühen Morgen", "at 06:00-09:00"),
        ("am späten Vormittag", "at 10:00-12:00"),
        ("früh am Abend", "at 17:00-19:00"),
        ("vormittags oder nachmittags", "at 08:00-18:00"),
        ("nach 17 Uhr", "at 17:00-00:00"),
        ("nach fünf", "at 17:00-00:00"),
        ("ab 15 Uhr", "at 15:00-00:00"),
        ("frühestens um drei", "at 15:00-00:00"),
        ("vor zehn", "at 00:00-10:00"),
        ("vor 10 Uhr", "at 00:00-10:00"),
        ("bis 15 Uhr", "at 00:00-15:00"),
        ("spätestens um vier", "at 00:00-16:00"),
        ("nicht vor fünf", "at 17:00-00:00"),
        ("zwischen 14 und 16 Uhr", "at 14:00-16:00"),
        ("zwischen zwei und vier", "at 14:00-16:00"),
        ("zwischen zehn und zwei", "at 10:00-14:00"),
        ("zwischen fünf und sieben", "at 17:00-19:00"),
        ("von 14 bis 16 Uhr", "at 14:00-16:00"),
        ("14 bis 16 Uhr", "at 14:00-16:00"),
        ("14-16 Uhr", "at 14:00-16:00"),
        ("14:00 - 16:00", "at 14:00-16:00"),
        ("ab 14 Uhr bis 16 Uhr", "at 14:00-16:00"),
        ("ab Mittag", "at 12:00-00:00"),
        ("nachmittags ab drei", "at 15:00-18:00"),
        ("um drei oder vier", "at 15:00|16:00"),
        ("um drei oder um halb fünf", "at 15:00|16:30"),
        ("nicht um drei, sondern um vier", "at 16:00"),
        ("egal", "at 00:00-00:00"),
        ("ganztägig", "at 00:00-00:00"),
        ("fünfzehn dreißig", "at 15:30"),
        ("zehn Uhr fünf", "at 10:05|22:05"),
    ];
    reads_time(&table);
    reads(NOW, &table);
    reads_time(&[
        ("drei", "at 15:00"),
        ("14", "at 14:00"),
        ("10.12", "at 10:12|22:12"),
        ("morgen", "at 06:00-12:00"),
        ("ich denke drei", "at 15:00"),
        ("Donnerstag um drei", "at 15:00"),
    ]);
}

#[test]
fn days_and_times() {
    reads(
        NOW,
        &[
            ("morgen um drei", "2026-11-30 at 15:00"),
            ("morgen früh", "2026-11-30 at 06:00-12:00"),
            ("morgen früh um acht", "2026-11-30 at 08:00"),
            ("heute früh", "2026-11-29 at 06:00-12:00"),
            ("heute morgen um neun", "2026-11-29 at 09:00"),
            ("heute Abend um acht", "2026-11-29 at 20:00"),
            ("morgen Mittag", "2026-11-30 at 11:00-14:00"),
            ("nächsten Morgen", "2026-11-30 at 06:00-12:00"),
            ("Donnerstag drei", "2026-12-03 at 15:00"),
            ("am Donnerstag nach 17 Uhr", "2026-12-03 at 17:00-00:00"),
            ("Donnerstag um zehn nach drei", "2026-12-03 at 15:10"),
            ("am 5. Dezember ab 15 Uhr", "2026-12-05 at 15:00-00:00"),
            ("um 15 Uhr am 5. Dezember", "2026-12-05 at 15:00"),
            ("um 15 Uhr 5. Dezember", "2026-12-05 at 15:00"),
            ("5.12. 14:30", "2026-12-05 at 14:30"),
            ("5.12. um 14.30 Uhr", "2026-12-05 at 14:30"),
            ("nächste Woche ab Mittwoch", "2026-12-02..2026-12-08"),
            (
                "nächste Woche Montag oder Dienstag vormittags",
                "2026-11-30 or 2026-12-01 at 08:00-12:00",
            ),
            ("Donnerstag bis 15 Uhr", "2026-12-03 at 00:00-15:00"),
            (
                "für zwei Personen am Freitag um vier",
                "2026-12-04 at 16:00",
            ),
            ("HEUTE UM DREI!!!", "2026-11-29 at 15:00"),
        ],
    );
}

#[test]
fn digits() {
    let table = [
        ("null eins sieben sechs", "0176"),
        ("0176 eins zwei drei", "0176123"),
        ("0176 123 456", "0176 123 456"),
        ("null null vier neun", "0049"),
        ("plus neunundvierzig dreißig", "+4930"),
        ("plus vier neun 30 12", "+4930 12"),
        ("siebenundzwanzig", "27"),
        ("sieben und zwanzig", "27"),
        ("zwo zwo", "22"),
        ("doppel vier fünf", "445"),
        ("null achthundert drei drei", "080033"),
        ("meine Nummer ist null drei null", "meine Nummer ist 030"),
        ("eine Nummer", "eine Nummer"),
        ("fünf, sechs - sieben", "567"),
        ("+49 30 123456", "+49 30 123456"),
        ("", ""),
    ];
    for (said, expected) in table {
        assert_eq!(German.read_digits(said), expected, "{said}");
    }
}

#[test]
fn emails() {
    let table = [
        (
            "anna punkt schmidt at beispiel punkt de",
            "anna.schmidt@beispiel.de",
        ),
        (
            "Anna Punkt Schmidt ät Beispiel Punkt DE",
            "anna.schmidt@beispiel.de",
        ),
        ("anna klammeraffe beispiel punkt de", "anna@beispiel.de"),
        (
            "anna unterstrich schmidt at beispiel minus eins punkt de",
            "anna_schmidt@beispiel-1.de",
        ),
        (
            "a n n a at t bindestrich online punkt de",
            "anna@t-online.de",
        ),
        (
            "meine E-Mail-Adresse ist anna at beispiel punkt de",
            "anna@beispiel.de",
        ),
        ("A wie Anton, N wie Nordpol at web punkt de", "an@web.de"),
        ("jörg at müller punkt de", "jörg@müller.de"),
        ("anna.schmidt@beispiel punkt de", "anna.schmidt@beispiel.de"),
        (
            "anna doppel n at beispiel punkt co punkt uk bitte",
            "annann@beispiel.co.uk",
        ),
        (
            "meine Adresse ist. anna at beispiel punkt de",
            "anna@beispiel.de",
        ),
        ("Anna@Beispiel.de", "Anna@Beispiel.de"),
        ("ich habe keine", "ich habe keine"),
        ("at", "at"),
        ("", ""),
    ];
    for (said, expected) in table {
        assert_eq!(German.read_email(said), expected, "{said}");
    }
}

#[test]
fn yes() {
    for yes in [
        "ja",
        "Ja, bitte",
        "true",
        "1",
        "yes",
        "jawohl",
        "genau",
        "natürlich",
        "OK",
    ] {
        assert!(German.is_yes(yes), "{yes}");
    }
    for no in [
        "",
        "nein",
        "ja nein",
        "lieber nicht",
        "false",
        "0",
        "vielleicht",
        "das stimmt nicht",
    ] {
        assert!(!German.is_yes(no), "{no}");
    }
}
