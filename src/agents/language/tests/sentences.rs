use super::outcomes::all;
use super::{NOW, local};
use crate::agents::language::{English, German, Language, Scene};

/// What is said for each of [`all`] outcomes, in German and in English.
const SAID: &[(&str, &str)] = &[
    (
        "Zurzeit kann man bei uns leider nichts buchen.",
        "I'm afraid there is nothing to book at the moment.",
    ),
    (
        "Sie können Haircut buchen; das dauert 45 Minuten. Möchten Sie dafür einen Termin?",
        "You can book Haircut, which takes 45 minutes. Would you like an appointment?",
    ),
    (
        "Sie können Haircut und Balayage buchen. Wofür möchten Sie einen Termin?",
        "You can book Haircut and Balayage. What would you like an appointment for?",
    ),
    (
        "Sie können zum Beispiel Haircut, Balayage und Beard trim buchen. Wofür möchten Sie einen Termin?",
        "You can book, for example, Haircut, Balayage and Beard trim. What would you like an appointment for?",
    ),
    ("Haircut dauert 45 Minuten.", "Haircut takes 45 minutes."),
    (
        "Haircut und Beard trim dauern zusammen eine Stunde. Sie wären am Donnerstag, den 10. Dezember, um 15 Uhr 30 fertig.",
        "Haircut and Beard trim take one hour altogether. You would be done on Thursday, December 10th, at 3:30 pm.",
    ),
    (
        "Haircut, Beard trim und Wash dauern zusammen eine Stunde und 15 Minuten. Sie wären heute um 15 Uhr 30 fertig.",
        "Haircut, Beard trim and Wash take one hour and 15 minutes altogether. You would be done today at 3:30 pm.",
    ),
    (
        "Alle vier zusammen dauern 4 Stunden und 45 Minuten.",
        "All four take 4 hours and 45 minutes altogether.",
    ),
    ("Wash dauert eine Minute.", "Wash takes one minute."),
    (
        "Ja, am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist noch etwas frei. Soll ich den Termin für Sie buchen?",
        "Yes, Thursday, December 10th, at 2:30 pm is free. Shall I book it for you?",
    ),
    (
        "Ja, morgen um 9 Uhr bei Anna in der Filiale Mitte ist noch etwas frei. Soll ich den Termin für Sie buchen?",
        "Yes, tomorrow at 9 am with Anna at our Mitte branch is free. Shall I book it for you?",
    ),
    (
        "Da ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free then. Shall I look at another day?",
    ),
    (
        "Ich hätte am Donnerstag, den 10. Dezember, um 14 Uhr 30 etwas frei. Passt Ihnen das?",
        "I have an opening on Thursday, December 10th, at 2:30 pm. Does that work for you?",
    ),
    (
        "Ich hätte am Donnerstag, den 10. Dezember, um 14 Uhr, 15 Uhr oder 16 Uhr 30 etwas frei. Was passt Ihnen am besten?",
        "I have an opening on Thursday, December 10th, at 2 pm, 3 pm or 4:30 pm. Which suits you best?",
    ),
    (
        "Ich hätte heute um 14 Uhr, morgen um 9 Uhr oder am Freitag, den 10. Dezember 2027, um 12 Uhr etwas frei. Was passt Ihnen am besten?",
        "I have an opening today at 2 pm, tomorrow at 9 am or on Friday, December 10th, 2027, at noon. Which suits you best?",
    ),
    (
        "Genau dann ist leider nichts frei. Ich hätte aber morgen um 9 Uhr noch etwas. Passt Ihnen das?",
        "Nothing is free at exactly that time, but I have an opening tomorrow at 9 am. Does that work for you?",
    ),
    (
        "Genau dann ist leider nichts frei. Ich hätte aber morgen um 9 Uhr oder 10 Uhr 15 noch etwas. Was passt Ihnen am besten?",
        "Nothing is free at exactly that time, but I have an opening tomorrow at 9 am or 10:15 am. Which suits you best?",
    ),
    (
        "Ich hätte am Dienstag, den 1. Dezember, um 12 Uhr oder 12 Uhr 30 bei Anna in der Filiale Mitte etwas frei. Was passt Ihnen am besten?",
        "I have an opening on Tuesday, December 1st, at noon or 12:30 pm with Anna at our Mitte branch. Which suits you best?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist leider nichts mehr frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid Thursday, December 10th, at 2:30 pm is not free. Shall I look at another day?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist leider nichts mehr frei. Ich hätte aber am selben Tag um 15 Uhr noch etwas. Passt Ihnen das?",
        "I'm afraid Thursday, December 10th, at 2:30 pm is not free. I have an opening the same day at 3 pm. Does that work for you?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist leider nichts mehr frei. Ich hätte aber am selben Tag um 15 Uhr oder 13 Uhr 30 noch etwas. Was passt Ihnen am besten?",
        "I'm afraid Thursday, December 10th, at 2:30 pm is not free. I have an opening the same day at 3 pm or 1:30 pm. Which suits you best?",
    ),
    (
        "Heute um 14 Uhr 30 ist leider nichts mehr frei. Ich hätte aber heute um 15 Uhr, morgen um 9 Uhr oder am Dienstag, den 1. Dezember, um 9 Uhr 30 noch etwas. Was passt Ihnen am besten?",
        "I'm afraid today at 2:30 pm is not free. I have an opening today at 3 pm, tomorrow at 9 am or on Tuesday, December 1st, at 9:30 am. Which suits you best?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free on Thursday, December 10th. Shall I look at another day?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, zwischen 12 Uhr und 18 Uhr ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free on Thursday, December 10th, between noon and 6 pm. Shall I look at another day?",
    ),
    (
        "Heute ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free today. Shall I look at another day?",
    ),
    (
        "Heute bis 18 Uhr ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free today before 6 pm. Shall I look at another day?",
    ),
    (
        "Heute ab 17 Uhr ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free today after 5 pm. Shall I look at another day?",
    ),
    (
        "Bis zum 28. Januar ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free until January 28th. Shall I look at another day?",
    ),
    (
        "Vom 7. Dezember bis zum 13. Dezember ist leider nichts frei. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid nothing is free from December 7th to December 13th. Shall I look at another day?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist leider nichts mehr frei; Ihr bisheriger Termin bleibt bestehen. Soll ich an einem anderen Tag nachsehen?",
        "I'm afraid Thursday, December 10th, at 2:30 pm is not free, so your appointment stays as it is. Shall I look at another day?",
    ),
    (
        "Am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist leider nichts mehr frei; Ihr bisheriger Termin bleibt bestehen. Ich hätte aber am Donnerstag, den 10. Dezember, um 15 Uhr oder am Freitag, den 11. Dezember, um 9 Uhr noch etwas. Was passt Ihnen am besten?",
        "I'm afraid Thursday, December 10th, at 2:30 pm is not free, so your appointment stays as it is. I have an opening on Thursday, December 10th, at 3 pm or on Friday, December 11th, at 9 am. Which suits you best?",
    ),
    (
        "Also Haircut am Donnerstag, den 10. Dezember, um 14 Uhr 30. Soll ich das so buchen?",
        "So that's Haircut on Thursday, December 10th, at 2:30 pm. Shall I book that for you?",
    ),
    (
        "Also am Donnerstag, den 10. Dezember, um 14 Uhr 30. Soll ich das so buchen?",
        "So that's Thursday, December 10th, at 2:30 pm. Shall I book that for you?",
    ),
    (
        "Ich habe alles, was ich brauche. Soll ich das so buchen?",
        "I have everything I need. Shall I book that for you?",
    ),
    (
        "Unter welcher Telefonnummer oder E-Mail-Adresse erreichen wir Sie?",
        "What phone number or email address can we reach you at?",
    ),
    (
        "Ihr Termin für Haircut am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist gebucht. Wir freuen uns auf Sie.",
        "Your Haircut appointment on Thursday, December 10th, at 2:30 pm is booked. We look forward to seeing you.",
    ),
    (
        "Ihr Termin für Haircut ist auf Donnerstag, den 10. Dezember, um 14 Uhr 30 verschoben.",
        "Your Haircut appointment has been moved to Thursday, December 10th, at 2:30 pm.",
    ),
    (
        "Ihr Termin für Haircut am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist gebucht; die Bestätigung folgt.",
        "Your Haircut appointment on Thursday, December 10th, at 2:30 pm is booked; the confirmation follows.",
    ),
    (
        "Ihr Termin für Haircut ist auf Donnerstag, den 10. Dezember, um 14 Uhr 30 verschoben; die Bestätigung folgt.",
        "Your Haircut appointment has been moved to Thursday, December 10th, at 2:30 pm; the confirmation follows.",
    ),
    (
        "Ihr Termin für Haircut am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist vorgemerkt. Wir müssen ihn nur noch bestätigen.",
        "Your Haircut appointment on Thursday, December 10th, at 2:30 pm is reserved. We just have to confirm it.",
    ),
    (
        "Ihr Termin für Haircut ist auf Donnerstag, den 10. Dezember, um 14 Uhr 30 verschoben. Wir müssen die neue Zeit nur noch bestätigen.",
        "Your Haircut appointment has been moved to Thursday, December 10th, at 2:30 pm. We just have to confirm the new time.",
    ),
    (
        "Ihr Termin für Balayage heute um 14 Uhr 30 bei Anna in der Filiale Mitte ist gebucht. Wir freuen uns auf Sie.",
        "Your Balayage appointment with Anna today at 2:30 pm at our Mitte branch is booked. We look forward to seeing you.",
    ),
    (
        "Ihr Termin für Balayage ist auf morgen um 12 Uhr bei Anna in der Filiale Mitte verschoben.",
        "Your Balayage appointment with Anna has been moved to tomorrow at noon at our Mitte branch.",
    ),
    (
        "Ihr Termin für Haircut am Donnerstag, den 10. Dezember, um 14 Uhr 30 ist abgesagt.",
        "Your Haircut appointment on Thursday, December 10th, at 2:30 pm has been cancelled.",
    ),
    (
        "Ihr Termin morgen um 0 Uhr ist abgesagt.",
        "Your appointment tomorrow at midnight has been cancelled.",
    ),
    (
        "Unter dieser Nummer finde ich keinen kommenden Termin. Möchten Sie einen vereinbaren?",
        "I can't find any upcoming appointments under this number. Would you like to make one?",
    ),
    (
        "Sie haben morgen um 9 Uhr einen Termin für Haircut.",
        "You have an appointment tomorrow at 9 am for Haircut.",
    ),
    (
        "Sie haben am Donnerstag, den 10. Dezember, um 14 Uhr 30 einen Termin für Balayage bei Anna in der Filiale Mitte.",
        "You have an appointment on Thursday, December 10th, at 2:30 pm for Balayage with Anna at our Mitte branch.",
    ),
    (
        "Sie haben zwei Termine. Der erste ist morgen um 9 Uhr für Haircut und der zweite am Donnerstag, den 10. Dezember, um 14 Uhr 30.",
        "You have two appointments. The first is tomorrow at 9 am for Haircut and the second on Thursday, December 10th, at 2:30 pm.",
    ),
    (
        "Sie haben vier Termine. Der erste ist morgen um 9 Uhr für Haircut, der zweite am Donnerstag, den 10. Dezember, um 14 Uhr 30 und der dritte am Freitag, den 11. Dezember, um 9 Uhr 5 für Balayage bei Anna in der Filiale Mitte.",
        "You have four appointments. The first is tomorrow at 9 am for Haircut, the second on Thursday, December 10th, at 2:30 pm and the third on Friday, December 11th, at 9:05 am for Balayage with Anna at our Mitte branch.",
    ),
    (
        "Auf welchen Namen darf ich den Termin eintragen?",
        "What name shall I put the appointment under?",
    ),
    (
        "Unter welcher Telefonnummer oder E-Mail-Adresse erreichen wir Sie?",
        "What phone number or email address can we reach you at?",
    ),
    (
        "Unter welcher Telefonnummer erreichen wir Sie?",
        "What phone number can we reach you at?",
    ),
    (
        "Wie lautet Ihre E-Mail-Adresse?",
        "What is your email address?",
    ),
    (
        "Wofür möchten Sie einen Termin?",
        "What would you like an appointment for?",
    ),
    (
        "Um welche Leistungen geht es?",
        "Which services would you like?",
    ),
    (
        "An welchem Tag möchten Sie kommen?",
        "What day would you like to come?",
    ),
    (
        "Um wie viel Uhr möchten Sie kommen?",
        "What time would you like to come?",
    ),
    (
        "In welche Filiale möchten Sie kommen?",
        "Which of our branches would you like to come to?",
    ),
    ("Zu wem möchten Sie kommen?", "Who would you like to see?"),
    (
        "Um welchen Ihrer Termine geht es?",
        "Which of your appointments do you mean?",
    ),
    (
        "Den Namen habe ich leider nicht verstanden. Auf welchen Namen darf ich den Termin eintragen?",
        "I'm sorry, I didn't catch the name. What name shall I put the appointment under?",
    ),
    (
        "Das habe ich leider nicht verstanden. Unter welcher Telefonnummer oder E-Mail-Adresse erreichen wir Sie?",
        "I'm sorry, I didn't catch that. What phone number or email address can we reach you at?",
    ),
    (
        "Die Telefonnummer habe ich leider nicht richtig verstanden. Unter welcher Telefonnummer erreichen wir Sie?",
        "I'm sorry, I didn't quite catch the phone number. What phone number can we reach you at?",
    ),
    (
        "Die E-Mail-Adresse habe ich leider nicht richtig verstanden. Wie lautet Ihre E-Mail-Adresse?",
        "I'm sorry, I didn't quite catch the email address. What is your email address?",
    ),
    (
        "Die Leistung habe ich leider nicht verstanden. Wofür möchten Sie einen Termin?",
        "I'm sorry, I didn't catch what you would like. What would you like an appointment for?",
    ),
    (
        "Die Leistung habe ich leider nicht verstanden. Um welche Leistungen geht es?",
        "I'm sorry, I didn't catch what you would like. Which services would you like?",
    ),
    (
        "Den Tag habe ich leider nicht verstanden. An welchem Tag möchten Sie kommen?",
        "I'm sorry, I didn't catch the day. What day would you like to come?",
    ),
    (
        "Die Uhrzeit habe ich leider nicht verstanden. Um wie viel Uhr möchten Sie kommen?",
        "I'm sorry, I didn't catch the time. What time would you like to come?",
    ),
    (
        "Die Filiale habe ich leider nicht verstanden. In welche Filiale möchten Sie kommen?",
        "I'm sorry, I didn't catch which branch. Which of our branches would you like to come to?",
    ),
    (
        "Den Namen habe ich leider nicht verstanden. Zu wem möchten Sie kommen?",
        "I'm sorry, I didn't catch the name. Who would you like to see?",
    ),
    (
        "Den Termin habe ich leider nicht verstanden. Um welchen Ihrer Termine geht es?",
        "I'm sorry, I didn't catch which appointment. Which of your appointments do you mean?",
    ),
    (
        "Diese Leistung haben wir leider nicht. Wofür möchten Sie einen Termin?",
        "I'm afraid we don't offer that. What would you like an appointment for?",
    ),
    (
        "Diese Filiale haben wir leider nicht. In welche Filiale möchten Sie kommen?",
        "I'm afraid we don't have that branch. Which of our branches would you like to come to?",
    ),
    (
        "Diesen Namen gibt es bei uns leider nicht. Zu wem möchten Sie kommen?",
        "I'm afraid there is nobody of that name here. Who would you like to see?",
    ),
    (
        "Diesen Termin finde ich leider nicht. Um welchen Ihrer Termine geht es?",
        "I'm afraid I can't find that appointment. Which of your appointments do you mean?",
    ),
    (
        "Diese Leistung haben wir leider nicht. Möchten Sie Haircut oder Balayage?",
        "I'm afraid we don't offer that. Would you like Haircut or Balayage?",
    ),
    (
        "Diesen Namen gibt es bei uns leider nicht. Möchten Sie zu Anna, Ben oder Cem?",
        "I'm afraid there is nobody of that name here. Would you like to see Anna, Ben or Cem?",
    ),
    (
        "Diese Filiale haben wir leider nicht. In welche möchten Sie kommen: Mitte oder Nord?",
        "I'm afraid we don't have that branch. Which would you like: Mitte or Nord?",
    ),
    (
        "Dieser Tag ist schon vorbei. An welchem Tag möchten Sie kommen?",
        "That day has already passed. What day would you like to come?",
    ),
    (
        "Diese Uhrzeit ist schon vorbei. Um wie viel Uhr möchten Sie kommen?",
        "That time has already passed. What time would you like to come?",
    ),
    (
        "Das ist schon vorbei. Um welchen Ihrer Termine geht es?",
        "That has already passed. Which of your appointments do you mean?",
    ),
    (
        "An diesem Tag haben wir geschlossen. Welcher andere Tag passt Ihnen?",
        "We are closed on that day. Which other day would suit you?",
    ),
    (
        "Um diese Zeit haben wir geschlossen. Welche andere Uhrzeit passt Ihnen?",
        "We are closed at that time. Which other time would suit you?",
    ),
    (
        "Meinen Sie Dienstag, den 1. Dezember, oder Dienstag, den 8. Dezember?",
        "Do you mean Tuesday, December 1st, or Tuesday, December 8th?",
    ),
    (
        "Meinen Sie heute oder Sonntag, den 6. Dezember?",
        "Do you mean today or Sunday, December 6th?",
    ),
    (
        "Meinen Sie Dienstag, den 1. Dezember, oder Dienstag, den 8. Dezember?",
        "Do you mean Tuesday, December 1st, or Tuesday, December 8th?",
    ),
    (
        "Meinen Sie 7 Uhr 30 oder 19 Uhr 30?",
        "Do you mean 7:30 am or 7:30 pm?",
    ),
    (
        "Meinen Sie 6 Uhr morgens oder 18 Uhr?",
        "Do you mean 6 am or 6 pm?",
    ),
    ("Meinen Sie 9 Uhr oder 21 Uhr?", "Do you mean 9 am or 9 pm?"),
    (
        "Meinen Sie Dienstag, den 1. Dezember, um 9 Uhr oder Dienstag, den 8. Dezember, um 21 Uhr?",
        "Do you mean Tuesday, December 1st, at 9 am or Tuesday, December 8th, at 9 pm?",
    ),
    (
        "An welchem Tag möchten Sie kommen?",
        "What day would you like to come?",
    ),
    (
        "Meinen Sie Haircut women, Haircut men oder Haircut children?",
        "Do you mean Haircut women, Haircut men or Haircut children?",
    ),
    (
        "Meinen Sie Anna oder Annika?",
        "Do you mean Anna or Annika?",
    ),
    (
        "Welchen Termin meinen Sie: den am Dienstag, den 1. Dezember, um 9 Uhr oder den am Dienstag, den 8. Dezember, um 10 Uhr?",
        "Which appointment do you mean: the one on Tuesday, December 1st, at 9 am or the one on Tuesday, December 8th, at 10 am?",
    ),
    (
        "Welchen Termin meinen Sie: den um 14 Uhr oder den um 16 Uhr?",
        "Which appointment do you mean: the one at 2 pm or the one at 4 pm?",
    ),
    (
        "Das habe ich leider nicht verstanden. Können Sie es bitte noch einmal sagen?",
        "I'm sorry, I didn't understand that. Could you say it again, please?",
    ),
    (
        "Ihre Nummer wird nicht angezeigt, deshalb kann ich Ihre Termine nicht aufrufen. Bitte rufen Sie noch einmal mit sichtbarer Nummer an.",
        "Your number is withheld, so I can't look up your appointments. Please call again with your number shown.",
    ),
    (
        "Diesen Termin finde ich unter Ihrer Nummer leider nicht.",
        "I'm afraid I can't find that appointment under your number.",
    ),
    (
        "Dieser Termin ist abgesagt. Soll ich ihn noch einmal buchen?",
        "That appointment has been cancelled. Would you like me to book it again?",
    ),
    (
        "Dieser Termin hat schon begonnen oder ist vorbei; daran kann ich leider nichts mehr ändern.",
        "This appointment has already started or is over, so I'm afraid I can't change it any more.",
    ),
    (
        "Das hat leider nicht geklappt. Jemand aus unserem Team sieht sich das an.",
        "I'm afraid that didn't work. Someone from our team will take a look at it.",
    ),
    (
        "Das dauert gerade zu lange, und ich weiß noch nicht, ob es geklappt hat. Soll ich noch einmal nachsehen?",
        "That is taking too long, and I can't tell yet whether it worked. Shall I check again?",
    ),
    (
        "Das geht im Moment leider nicht; es wurde nichts geändert. Bitte versuchen Sie es etwas später noch einmal.",
        "I'm afraid I can't do that right now; nothing has been changed. Please try again a little later.",
    ),
];

#[test]
fn every_outcome_is_said() {
    let all = all();
    assert_eq!(all.len(), SAID.len());
    for ((tool, outcome), (german, english)) in all.iter().zip(SAID) {
        let scene = Scene::new(*tool, local(NOW));
        assert_eq!(German.say(outcome, &scene), *german, "{outcome:?}");
        assert_eq!(English.say(outcome, &scene), *english, "{outcome:?}");
    }
}

#[test]
fn every_kind_of_outcome_is_among_them() {
    let kinds: std::collections::BTreeSet<&str> =
        all().iter().map(|(_, outcome)| outcome.as_str()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [
            "appointments",
            "booked",
            "cancelled",
            "collected",
            "duration",
            "free",
            "moved",
            "nothing_free",
            "refused",
            "services",
            "slots",
            "taken",
            "unavailable",
            "unclear",
            "unknown",
        ]
    );
}
