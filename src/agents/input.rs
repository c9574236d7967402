//! What the tools are asked. The descriptions are read by language models.
//!
//! No field is required by the types, so that a call that leaves something out is answered with what is
//! missing.

#![allow(clippy::doc_markdown, reason = "the descriptions are texts for models")]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spoken::Spoken;

/// Declares an input: a struct of texts, all of which may be left out, and the names of those that the
/// schema requires.
macro_rules! input {
    ($(#[$doc:meta])* $name:ident requires [$($required:literal),*] {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        #[schemars(transform = $name::require)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            /// The fields that the schema requires.
            pub const REQUIRED: &'static [&'static str] = &[$($required),*];

            fn require(schema: &mut schemars::Schema) {
                let required: Vec<&str> = Self::REQUIRED.to_vec();
                schema.insert("required".to_owned(), required.into());
                let properties = schema.get_mut("properties");
                let properties = properties.and_then(serde_json::Value::as_object_mut);
                for (_, property) in properties.into_iter().flatten() {
                    // That everything may be left out is for careless callers; it is not said.
                    if let Some(property) = property.as_object_mut() {
                        property.remove("default");
                    }
                }
            }
        }
    };
}

input! {
    /// Asks whether a time is free, or which times of a day are.
    CheckAvailability requires ["service", "when"] {
        /// The service, by its name or id as list_services gives it.
        service: Spoken,
        /// The day or time asked for, in the caller's words ("Thursday at half past two") or as an ISO 8601 date or date and time.
        when: Spoken,
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Asks for the earliest free slot, or the one nearest to a wish.
    FindNextSlot requires ["service"] {
        /// The service, by its name or id as list_services gives it.
        service: Spoken,
        /// What the caller would like, in their own words ("Thursday afternoon", "next week in the morning"). Leave it out for the earliest slot.
        wish: Spoken,
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Asks for free slots near a time that is not free.
    FindAlternatives requires ["service", "when"] {
        /// The service, by its name or id as list_services gives it.
        service: Spoken,
        /// The time that was wanted, in the caller's words or as an ISO 8601 date and time.
        when: Spoken,
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Asks how long several services take, one after the other.
    CalculateDuration requires ["services"] {
        /// The services in their order, by name or id as list_services gives them.
        #[serde(deserialize_with = "super::spoken::one_or_many")]
        services: Vec<Spoken>,
        /// When the first one would begin, in the caller's words or as an ISO 8601 date and time; then the answer tells when the last one ends.
        start: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Asks what can be booked.
    ListServices requires [] {
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Has what was understood so far checked. Books nothing.
    CollectAppointmentData requires [] {
        /// The customer's name.
        name: Spoken,
        /// The customer's phone number, as it was said.
        phone: Spoken,
        /// The customer's e-mail address, as it was said or spelled.
        email: Spoken,
        /// The service, by its name or id as list_services gives it.
        service: Spoken,
        /// The day, in the caller's words or as an ISO 8601 date.
        date: Spoken,
        /// The time of day, in the caller's words or as HH:MM.
        time: Spoken,
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// Anything that the caller wants to be noted.
        notes: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Takes an appointment.
    BookAppointment requires ["service", "when", "name"] {
        /// The service, by its name or id as list_services gives it.
        service: Spoken,
        /// The start, in the caller's words or, better, as the ISO 8601 date and time that another tool gave.
        when: Spoken,
        /// The customer's name.
        name: Spoken,
        /// The customer's phone number. Leave it out for the number that the caller calls from.
        phone: Spoken,
        /// The customer's e-mail address, if it was given.
        email: Spoken,
        /// The branch, by name or id, if the business has several.
        branch: Spoken,
        /// The member of staff, by name, if the caller wants a certain one.
        staff: Spoken,
        /// Anything that the caller wants to be noted.
        notes: Spoken,
        /// "yes" only if the caller has cancelled this very appointment and now wants it after all.
        again: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Asks for the caller's coming appointments.
    FindAppointments requires [] {
        /// The customer's phone number. Only for staff: for a customer on the phone, the number that they call from counts.
        phone: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Moves an appointment of the caller's.
    MoveAppointment requires ["when"] {
        /// The appointment's id, as find_appointments gives it. It may be left out if there is only one.
        appointment: Spoken,
        /// The new start, in the caller's words or, better, as the ISO 8601 date and time that another tool gave.
        when: Spoken,
        /// The customer's phone number. Only for staff: for a customer on the phone, the number that they call from counts.
        phone: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}

input! {
    /// Cancels an appointment of the caller's.
    CancelAppointment requires [] {
        /// The appointment's id, as find_appointments gives it. It may be left out if there is only one.
        appointment: Spoken,
        /// Why, if the caller says so.
        reason: Spoken,
        /// The customer's phone number. Only for staff: for a customer on the phone, the number that they call from counts.
        phone: Spoken,
        /// The language of the conversation, such as "en" or "de".
        language: Spoken,
    }
}
