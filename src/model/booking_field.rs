//! Booking fields: the questions that an event type asks the booker.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::open_enum::open_enum;
use super::setters::setters;

open_enum! {
    /// The kind of a booking field, which determines the format of its answer.
    BookingFieldKind {
        /// The attendee's name; a standard field.
        Name = "name",
        /// The attendee's e-mail address; a standard field.
        Email = "email",
        /// The choice among the event type's locations; a standard field.
        Location = "radioInput",
        /// A phone number in E.164.
        Phone = "phone",
        /// A postal address.
        Address = "address",
        /// A single line of text.
        Text = "text",
        /// A number. A server of August 2025 accepted no answer to such a field.
        Number = "number",
        /// Multiple lines of text.
        TextArea = "textarea",
        /// One of the options.
        Select = "select",
        /// Any number of the options.
        MultiSelect = "multiselect",
        /// E-mail addresses.
        MultiEmail = "multiemail",
        /// Any number of the options, as check boxes.
        Checkbox = "checkbox",
        /// One of the options, as radio buttons.
        Radio = "radio",
        /// Yes or no.
        Boolean = "boolean",
        /// A URL.
        Url = "url",
    }
}

/// A question that an event type asks the booker.
///
/// Every event type has seven standard fields: `name`, `email`, `location`, `title`, `notes`,
/// `guests` and `rescheduleReason`. Other fields are added with [`new`](Self::new).
///
/// ```
/// use calcom::model::{BookingField, BookingFieldKind, EventTypeSettings};
///
/// let size = BookingField::new(BookingFieldKind::Select, "size", "Size")
///     .with_options(["S".to_owned(), "M".to_owned()])
///     .with_required(true);
/// let no_guests = BookingField::standard("guests").with_hidden(true);
/// let settings = EventTypeSettings::default().with_booking_fields([size, no_guests]);
/// # let _ = settings;
/// ```
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BookingField {
    /// Whether it is a standard field. Read-only.
    #[serde(default)]
    pub is_default: Option<bool>,
    /// The kind; absent when a standard field is updated by its slug.
    #[serde(default, rename = "type")]
    pub kind: Option<BookingFieldKind>,
    /// The key under which a booking carries the answer.
    #[serde(default)]
    pub slug: Option<String>,
    /// The question.
    #[serde(default)]
    pub label: Option<String>,
    /// The placeholder of an empty field.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// Whether an answer is required.
    #[serde(default)]
    pub required: Option<bool>,
    /// Whether it is hidden from bookers.
    #[serde(default)]
    pub hidden: Option<bool>,
    /// Whether bookers cannot change an answer that is prefilled from the booking page's URL.
    #[serde(default)]
    pub disable_on_prefill: Option<bool>,
    /// The options to choose from.
    #[serde(default)]
    pub options: Option<Vec<String>>,
}

setters! {
    BookingField {
        with_required => required: bool,
        with_hidden => hidden: bool,
        with_disable_on_prefill => disable_on_prefill: bool,
        ;
        with_label => label: String,
        with_placeholder => placeholder: String,
        with_options => options: Vec<String>,
    }
}

impl BookingField {
    /// Creates an optional field that is visible to bookers.
    ///
    /// Kinds with options require [`with_options`](Self::with_options).
    pub fn new(kind: BookingFieldKind, slug: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            slug: Some(slug.into()),
            label: Some(label.into()),
            placeholder: Some(String::new()),
            required: Some(false),
            ..Self::default()
        }
    }

    /// Creates a change to the standard field with this slug, such as `title` or `notes`.
    pub fn standard(slug: impl Into<String>) -> Self {
        let slug = slug.into();
        match slug.as_str() {
            // The server identifies these two by their kind.
            "name" | "email" => Self {
                kind: Some(BookingFieldKind::from(slug.as_str())),
                ..Self::default()
            },
            _ => Self {
                slug: Some(slug),
                ..Self::default()
            },
        }
    }

    /// Returns the form in which a retrieved field is sent back.
    ///
    /// `None` for a standard field without a label, if the server accepts the field only with one;
    /// such a field is unchanged.
    pub(super) fn to_input(&self) -> Option<Self> {
        if self.is_default != Some(true) {
            return Some(self.clone());
        }
        let slug = self.slug.as_deref()?;
        let written = Self {
            is_default: None,
            kind: None,
            slug: Some(slug.to_owned()),
            ..self.clone()
        };
        match slug {
            "name" | "email" => {
                self.label.as_ref()?;
                Some(Self {
                    kind: self.kind.clone(),
                    slug: None,
                    placeholder: Some(self.placeholder.clone().unwrap_or_default()),
                    // The name is always required and visible, and the server accepts neither
                    // setting for it.
                    required: self.required.filter(|_| slug == "email"),
                    hidden: self.hidden.filter(|_| slug == "email"),
                    ..written
                })
            }
            "location" => {
                self.label.as_ref()?;
                Some(Self {
                    required: None,
                    hidden: None,
                    placeholder: None,
                    disable_on_prefill: None,
                    ..written
                })
            }
            _ => Some(written),
        }
    }
}
