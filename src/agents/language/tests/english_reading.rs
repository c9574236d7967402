use super::{NOW, check};
use crate::agents::language::{English, Language};

fn reads(now: &str, table: &[(&str, &str)]) {
    check(&English, now, false, table);
}

fn reads_time(table: &[(&str, &str)]) {
    check(&English, NOW, true, table);
}

#[test]
fn iso() {
    reads(
        NOW,
        &[
            ("2026-12-10", "2026-12-10"),
            ("2026-12-10T09:30", "2026-12-10 at 09:30"),
            ("2026-12-10T14:30:00+01:00", "2026-12-10T13:30:00+00:00"),
            ("on 2026-12-10 at 3 pm", "2026-12-10 at 15:00"),
            ("2026-12-10 to 2026-12-12", "2026-12-10 or 2026-12-12"),
            ("from 2026-12-10 to 2026-12-12", "2026-12-10..2026-12-12"),
            ("2026-13-01", ""),
        ],
    );
}

#[test]
fn named_days() {
    reads(
        NOW,
        &[
            ("today", "2026-11-29"),
            ("tomorrow", "2026-11-30"),
            ("the day after tomorrow", "2026-12-01"),
            ("yesterday", "2026-11-28"),
            ("in three days", "2026-12-02"),
            ("three days from now", "2026-12-02"),
            ("in a week", "2026-12-06"),
            ("in a fortnight", "2026-12-13"),
            ("in two weeks' time", "2026-12-13"),
            ("a week from tomorrow", "2026-12-07"),
            ("tomorrow week", "2026-12-07"),
            ("in a month", "2026-12-29"),
            ("three days ago", "2026-11-26"),
            ("in two hours", "2026-11-29 at 12:00"),
            ("in half an hour", "2026-11-29 at 10:30"),
            ("today or tomorrow", "2026-11-29 or 2026-11-30"),
            ("Good morning, tomorrow please", "2026-11-30"),
            ("as soon as possible", ""),
            ("I don't know", ""),
            ("", ""),
        ],
    );
}

#[test]
fn weekdays() {
    reads(
        NOW,
        &[
            ("Thursday", "2026-12-03"),
            ("on Thurs", "2026-12-03"),
            ("Sunday", "2026-11-29 or 2026-12-06"),
            ("this Thursday", "2026-12-03"),
            ("this coming Sunday", "2026-12-06"),
            ("next Thursday", "2026-12-03 or 2026-12-10"),
            ("next Sunday", "2026-12-06"),
            ("last Tuesday", "2026-11-24"),
            ("Thursday week", "2026-12-10"),
            ("Tuesday this week", "2026-12-01"),
            ("the second Thursday in December", "2026-12-10"),
            ("the last Friday of the month", "2026-12-25"),
            ("a week on Thursday", "2026-12-10"),
            ("a week from Thursday", "2026-12-10"),
            ("two weeks from Thursday", "2026-12-17"),
            ("Thursday in a fortnight", "2026-12-17"),
            ("Tuesday after next", "2026-12-08"),
            ("Thursday next week", "2026-12-03"),
            ("next week on Thursday at three", "2026-12-03 at 15:00"),
            ("Thursday afternoon", "2026-12-03 at 12:00-18:00"),
            ("Tuesday or Wednesday", "2026-12-01 or 2026-12-02"),
            ("Tuesday to Thursday", "2026-12-01 or 2026-12-03"),
            ("from Tuesday to Thursday", "2026-12-01..2026-12-03"),
            ("Tuesday through Thursday", "2026-12-01..2026-12-03"),
            ("between Tuesday and Thursday", "2026-12-01..2026-12-03"),
            ("from Thursday", "2026-12-03..2026-12-09"),
            ("by Thursday", "2026-11-29..2026-12-03"),
            ("after Thursday", "2026-12-04..2026-12-10"),
            ("before Thursday", "2026-11-29..2026-12-02"),
            ("not Thursday, Friday", "2026-12-04"),
            ("Thursday, no, Friday", "2026-12-04"),
            ("why not Friday", "2026-12-04"),
            ("tomorrow, Monday", "2026-11-30"),
            ("tomorrow, Tuesday", "2026-11-30 or 2026-12-01"),
        ],
    );
    reads(
        "2026-12-03T10:00:00",
        &[
            ("Thursday", "2026-12-03 or 2026-12-10"),
            ("Thursday at 3", "2026-12-03 at 15:00"),
            ("Thursday at 8 am", "2026-12-10 at 08:00"),
            (
                "Thursday at nine",
                "2026-12-03 or 2026-12-10 at 09:00|21:00",
            ),
            ("next Thursday", "2026-12-10"),
        ],
    );
}

#[test]
fn weeks_and_months() {
    reads(
        NOW,
        &[
            ("next week", "2026-11-30..2026-12-06"),
            ("this week", "2026-11-29"),
            ("the week after next", "2026-12-07..2026-12-13"),
            ("early next week", "2026-11-30..2026-12-01"),
            ("the beginning of the week", "2026-11-30..2026-12-01"),
            ("the end of next week", "2026-12-03..2026-12-04"),
            ("at the weekend", "2026-12-05..2026-12-06"),
            (
                "next weekend",
                "2026-12-05..2026-12-06 or 2026-12-12 or 2026-12-13",
            ),
            ("in December", "2026-12-01..2026-12-31"),
            ("late December", "2026-12-21..2026-12-31"),
            ("mid-December", "2026-12-11..2026-12-20"),
            ("next month", "2026-12-01..2026-12-31"),
            ("in the next few days", "2026-11-30..2026-12-06"),
            ("in the next two weeks", "2026-11-30..2026-12-13"),
        ],
    );
}

#[test]
fn dates() {
    reads(
        NOW,
        &[
            ("December 5th", "2026-12-05"),
            ("December the 5th", "2026-12-05"),
            ("Dec. 5", "2026-12-05"),
            ("December fifth", "2026-12-05"),
            ("5 December", "2026-12-05"),
            ("the fifth of December", "2026-12-05"),
            ("the 5th", "2026-12-05"),
            ("on the fifth", "2026-12-05"),
            ("the 5th at 3", "2026-12-05 at 15:00"),
            ("the thirty-first", "2026-12-31"),
            ("the twenty first of January", "2027-01-21"),
            ("December 5th, 2026", "2026-12-05"),
            ("December 5, 2027", "2027-12-05"),
            ("December fifth twenty twenty-seven", "2027-12-05"),
            ("12/5", "2026-12-05 or 2027-05-12"),
            ("12/5/2026", "2026-12-05 or 2026-05-12"),
            ("12/25", "2026-12-25"),
            ("25/12", "2026-12-25"),
            ("5/5", "2027-05-05"),
            ("5.12.2026", "2026-12-05"),
            ("the 10th or 11th of January", "2027-01-10 or 2027-01-11"),
            (
                "from the 10th to the 12th of January",
                "2027-01-10..2027-01-12",
            ),
            ("the 5th of next month", "2026-12-05"),
            ("February 31st", ""),
            ("2/30", ""),
            ("February 29th", "2028-02-29"),
            ("Tuesday, February 30th", ""),
            ("Thursday, December 10th, at 2:30 pm", "2026-12-10 at 14:30"),
            ("Thursday, December 11th", "2026-12-11 or 2026-12-03"),
            ("the first available appointment", ""),
            ("the second one on Tuesday", "2026-12-01"),
            ("the one on Tuesday", "2026-12-01"),
            ("I may come at 5", "at 17:00"),
        ],
    );
    reads(
        "2026-12-31T23:50:00",
        &[
            ("tomorrow", "2027-01-01"),
            ("in half an hour", "2027-01-01 at 00:20"),
            ("1/1", "2027-01-01"),
        ],
    );
    reads(
        "2028-02-28T09:00:00",
        &[
            ("tomorrow", "2028-02-29"),
            ("February 29th", "2028-02-29"),
            ("the 31st", "2028-03-31"),
        ],
    );
}

#[test]
fn times() {
    let table = [
        ("half past two", "at 14:30"),
        ("half two", "at 14:30"),
        ("quarter to three", "at 14:45"),
        ("a quarter past two", "at 14:15"),
        ("quarter to one", "at 12:45"),
        ("quarter of three", "at 14:45"),
        ("ten past three", "at 15:10"),
        ("twenty-five to four", "at 15:35"),
        ("five minutes before four", "at 15:55"),
        ("2 pm", "at 14:00"),
        ("2pm", "at 14:00"),
        ("2:30 p.m.", "at 14:30"),
        ("2.30pm", "at 14:30"),
        ("9 a.m.", "at 09:00"),
        ("12 am", "at 00:00"),
        ("12 pm", "at 12:00"),
        ("two thirty", "at 14:30"),
        ("two oh five", "at 14:05"),
        ("at 14:30", "at 14:30"),
        ("at 1430", "at 14:30"),
        ("three o'clock", "at 15:00"),
        ("three o’clock", "at 15:00"),
        ("at three", "at 15:00"),
        ("at nine", "at 09:00|21:00"),
        ("nine thirty", "at 09:30|21:30"),
        ("at 09:30", "at 09:30"),
        ("nine in the morning", "at 09:00"),
        ("nine in the evening", "at 21:00"),
        ("at nine at night", "at 21:00"),
        ("at twelve", "at 12:00"),
        ("noon", "at 12:00"),
        ("12 noon", "at 12:00"),
        ("midnight", "at 00:00"),
        ("in the morning", "at 06:00-12:00"),
        ("in the afternoon", "at 12:00-18:00"),
        ("in the evening", "at 17:00-22:00"),
        ("early afternoon", "at 12:00-15:00"),
        ("late in the afternoon", "at 15:00-18:00"),
        ("first thing in the morning", "at 06:00-09:00"),
        ("after five", "at 17:00-00:00"),
        ("after noon", "at 12:00-00:00"),
        ("before ten", "at 00:00-10:00"),
        ("by four", "at 00:00-16:00"),
        ("not before five", "at 17:00-00:00"),
        ("no earlier than five", "at 17:00-00:00"),
        ("not later than four", "at 00:00-16:00"),
        ("later than four", "at 16:00-00:00"),
        ("between two and four", "at 14:00-16:00"),
        ("between 9 and 11 pm", "at 21:00-23:00"),
        ("between ten and two", "at 10:00-14:00"),
        ("from two to four", "at 14:00-16:00"),
        ("from ten to four", "at 10:00-16:00"),
        ("ten to four", "at 15:50"),
        ("two to four", "at 14:00-16:00"),
        ("2-4 pm", "at 14:00-16:00"),
        ("two until four", "at 14:00-16:00"),
        ("shortly after five", "at 17:00"),
        ("at two or three", "at 14:00|15:00"),
        ("any time", "at 00:00-00:00"),
        ("anytime", "at 00:00-00:00"),
        ("at 25", ""),
    ];
    reads_time(&table);
    reads(NOW, &table);
    reads_time(&[
        ("two", "at 14:00"),
        ("I think three", "at 15:00"),
        ("14:30", "at 14:30"),
        ("10:30", "at 10:30"),
        ("tomorrow at two", "at 14:00"),
    ]);
}

#[test]
fn days_and_times() {
    reads(
        NOW,
        &[
            ("tomorrow at three", "2026-11-30 at 15:00"),
            ("tomorrow morning", "2026-11-30 at 06:00-12:00"),
            ("this afternoon", "2026-11-29 at 12:00-18:00"),
            ("tonight at eight", "2026-11-29 at 20:00"),
            ("tomorrow night", "2026-11-30 at 20:00-00:00"),
            ("Thursday at half past two", "2026-12-03 at 14:30"),
            ("two thirty on Thursday", "2026-12-03 at 14:30"),
            ("Thursday two", "2026-12-03 at 14:00"),
            ("Thursday after five", "2026-12-03 at 17:00-00:00"),
            (
                "next week in the morning",
                "2026-11-30..2026-12-06 at 06:00-12:00",
            ),
            ("December 5 3pm", "2026-12-05 at 15:00"),
            ("3pm December 5", "2026-12-05 at 15:00"),
            ("Dec 5th any time", "2026-12-05 at 00:00-00:00"),
            ("for two people on Friday at four", "2026-12-04 at 16:00"),
            ("TOMORROW AT 3 PM!!!", "2026-11-30 at 15:00"),
            (
                "I could come on the 5th, in the afternoon",
                "2026-12-05 at 12:00-18:00",
            ),
        ],
    );
}

#[test]
fn digits() {
    let table = [
        ("zero one seven six", "0176"),
        ("oh one seven six double four", "017644"),
        ("plus forty nine thirty", "+4930"),
        ("plus four four, twenty, seven nine", "+442079"),
        ("five five five twelve thirty-four", "5551234"),
        ("eight hundred five five five", "800555"),
        ("0176 123 456", "0176 123 456"),
        ("triple seven", "777"),
        ("my number is one two three", "my number is 123"),
        ("oh, hello", "oh, hello"),
        ("", ""),
    ];
    for (said, expected) in table {
        assert_eq!(English.read_digits(said), expected, "{said}");
    }
}

#[test]
fn emails() {
    let table = [
        (
            "anna dot schmidt at example dot com",
            "anna.schmidt@example.com",
        ),
        (
            "my email is Anna underscore Smith at example dash one dot co dot uk.",
            "anna_smith@example-1.co.uk",
        ),
        (
            "you can reach me at anna at example dot com please",
            "anna@example.com",
        ),
        ("a n n a at gmail dot com", "anna@gmail.com"),
        (
            "a as in apple, b for bravo at gmail dot com",
            "ab@gmail.com",
        ),
        ("john two at example dot com", "john2@example.com"),
        ("double n a at example dot com", "nna@example.com"),
        ("anna@example.com", "anna@example.com"),
        ("it's anna@example.com", "anna@example.com"),
        ("anna at example dot com i think", "anna@example.com"),
        ("I have none", "I have none"),
        ("meet me at noon", "meet me at noon"),
    ];
    for (said, expected) in table {
        assert_eq!(English.read_email(said), expected, "{said}");
    }
}

#[test]
fn yes() {
    for yes in [
        "yes",
        "Yes, please",
        "true",
        "1",
        "sure",
        "okay",
        "that's right",
        "of course",
    ] {
        assert!(English.is_yes(yes), "{yes}");
    }
    for no in [
        "",
        "no",
        "yes, no",
        "not really",
        "false",
        "0",
        "maybe",
        "I don't",
    ] {
        assert!(!English.is_yes(no), "{no}");
    }
}
