//! The answers to the booking form's questions, as webhook bodies tell them.

use serde_json::{Value, json};

use super::payload::Facts;

impl Facts {
    pub(super) fn short_responses(&self) -> Value {
        let mut responses = self.asked();
        if self.seats.is_some() {
            // Of a seat, all questions are answered.
            responses["location"]["value"] =
                json!({"value": self.location, "optionValue": self.location});
            responses["notes"]["value"] = json!(self.notes);
            responses["guests"]["value"] = json!(self.guests);
        }
        responses
    }

    pub(super) fn full_responses(&self) -> Value {
        let mut responses = self.asked();
        responses["attendeePhoneNumber"] = json!({"label": "phone_number", "isHidden": true});
        if let Some(phone) = self
            .attendees
            .first()
            .and_then(|person| person.phone.as_ref())
        {
            responses["attendeePhoneNumber"]["value"] = json!(phone);
        }
        responses["location"]["value"] = json!({"value": self.location, "optionValue": ""});
        if self.seats.is_some() {
            responses["guests"]["value"] = json!(self.guests);
        }
        responses
    }

    /// The questions of the booking form, with the answers that were given.
    fn asked(&self) -> Value {
        let (name, email) = self.first_attendee();
        let mut responses = json!({
            "name": {"label": "your_name", "value": name, "isHidden": false},
            "email": {"label": "email_address", "value": email, "isHidden": false},
            "location": {"label": "location", "isHidden": false},
            "title": {"label": "what_is_this_meeting_about", "isHidden": true},
            "notes": {"label": "additional_notes", "isHidden": false},
            "guests": {"label": "additional_guests", "isHidden": false},
            "rescheduleReason": {"label": "reason_for_reschedule", "isHidden": false},
        });
        if !self.notes.is_empty() {
            responses["notes"]["value"] = json!(self.notes);
        }
        if !self.guests.is_empty() {
            responses["guests"]["value"] = json!(self.guests);
        }
        responses
    }
}
