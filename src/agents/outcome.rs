//! What the tools answer.

use chrono::{DateTime, FixedOffset};
use schemars::JsonSchema;
use serde::Serialize;

use super::tool::Tool;

/// A tool's answer. `Debug` shows the kind of outcome only.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Answer {
    /// A sentence to say to the caller.
    pub say: String,
    /// The same for a program.
    pub result: Outcome,
}

impl Answer {
    /// An outcome, and the sentence for it.
    pub fn new(result: Outcome, say: impl Into<String>) -> Self {
        Self {
            say: say.into(),
            result,
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("outcome", &self.result.as_str())
            .finish_non_exhaustive()
    }
}

/// A service that can be booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ServiceLine {
    /// The service's id.
    pub id: String,
    /// Its name, as it is said.
    pub name: String,
    /// Its length.
    pub minutes: u32,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A free slot. Times are the branch's own.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Offer {
    /// When it begins.
    #[schemars(with = "String")]
    pub start: DateTime<FixedOffset>,
    /// When it ends.
    #[schemars(with = "String")]
    pub end: DateTime<FixedOffset>,
    /// The service.
    pub service: String,
    /// Who offers it, if the caller wants a certain member of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// Where, if the business has several branches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// An appointment, as far as it may be read aloud.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Kept {
    /// Its id, by which it is moved and cancelled.
    pub id: String,
    /// When it begins, in the branch's time zone.
    #[schemars(with = "String")]
    pub start: DateTime<FixedOffset>,
    /// When it ends.
    #[schemars(with = "String")]
    pub end: DateTime<FixedOffset>,
    /// The service, as it is said; `None` if it is not one of those that can be booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// With whom, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<String>,
    /// Where, if the business has several branches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// How far a write has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// Both sides know of it.
    Confirmed,
    /// It is accepted, and Cal.com's confirmation follows.
    Accepted,
    /// It is booked, and the business has to confirm it.
    AwaitsConfirmation,
}

/// What an appointment needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Item {
    /// The customer's name.
    Name,
    /// A phone number, or an e-mail address.
    Contact,
    /// The phone number.
    Phone,
    /// The e-mail address.
    Email,
    /// The service.
    Service,
    /// The services.
    Services,
    /// The day.
    Date,
    /// The time of day.
    Time,
    /// The branch.
    Branch,
    /// The member of staff.
    Staff,
    /// Which of the appointments.
    Appointment,
}

/// What is wrong with something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// It was not said.
    Missing,
    /// It could not be understood, or is not valid.
    NotUnderstood,
    /// There is nothing of that name.
    NotKnown,
    /// It has passed.
    InThePast,
    /// The business is closed then.
    Closed,
    /// Several things can be meant.
    Ambiguous,
}

/// One of several things that can be meant, as it is said.
#[derive(Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Reading {
    /// What to send back for it.
    pub value: String,
    /// What to say for it. For a time, an instant that the sentence puts into words.
    pub name: String,
}

/// Shows nothing of what is a customer's.
macro_rules! private {
    ($($name:ident)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

private! { Offer Kept Reading }

impl Reading {
    /// One thing that can be meant.
    pub fn new(value: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            name: name.into(),
        }
    }
}

/// What is wrong or missing, and of several readings, which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Doubt {
    /// What it is about.
    pub item: Item,
    /// What is wrong with it.
    pub problem: Problem,
    /// What can be meant; empty unless it is ambiguous, or nothing of that name is known and there are few
    /// to choose from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

impl Doubt {
    /// Something that is wrong.
    pub fn new(item: Item, problem: Problem) -> Self {
        Self {
            item,
            problem,
            readings: Vec::new(),
        }
    }

    /// Sets what can be meant.
    #[must_use]
    pub fn with_readings(mut self, readings: impl IntoIterator<Item = Reading>) -> Self {
        self.readings = readings.into_iter().collect();
        self
    }
}

/// What was understood so far, checked and in one form.
#[serde_with::skip_serializing_none]
#[derive(Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Collected {
    /// The customer's name.
    pub name: Option<String>,
    /// The phone number in E.164.
    pub phone: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The service's name.
    pub service: Option<String>,
    /// The day, as an ISO 8601 date.
    pub date: Option<String>,
    /// The time of day, as HH:MM.
    pub time: Option<String>,
    /// The start, once day and time are known: what to give to other tools as `when`.
    #[schemars(with = "Option<String>")]
    pub start: Option<DateTime<FixedOffset>>,
    /// The branch's name.
    pub branch: Option<String>,
    /// The member of staff's name.
    pub staff: Option<String>,
    /// What is to be noted.
    pub notes: Option<String>,
}

impl std::fmt::Debug for Collected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collected").finish_non_exhaustive()
    }
}

/// Why something is not done for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// The number is withheld, so that it is not known whose appointments are meant.
    NumberWithheld,
    /// None of the caller's appointments has this id.
    NotTheirs,
    /// It was cancelled in this conversation; it is taken again only if the caller says so.
    WasCancelled,
    /// It has begun or is over.
    HasBegun,
    /// Cal.com refuses it, and would refuse it again; a person looks at it.
    Rejected,
}

/// The outcome of a tool's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[schemars(extend("type" = "object"))]
#[non_exhaustive]
pub enum Outcome {
    /// What can be booked.
    #[non_exhaustive]
    Services {
        /// The services; empty if nothing can be booked.
        services: Vec<ServiceLine>,
    },
    /// How long services take, one after the other.
    #[non_exhaustive]
    Duration {
        /// The services, in their order.
        services: Vec<ServiceLine>,
        /// How long all of them take.
        minutes: u32,
        /// When the last one ends, if it was said when the first begins.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        end: Option<DateTime<FixedOffset>>,
    },
    /// The time that was asked for is free.
    #[non_exhaustive]
    Free {
        /// The slot.
        slot: Offer,
    },
    /// Free slots: those of a day, or the next ones.
    #[non_exhaustive]
    Slots {
        /// The slots, the best first where a wish was said, else in their order.
        slots: Vec<Offer>,
        /// Whether they are what was wished for, and not only near it.
        as_wished: bool,
    },
    /// The time is not free.
    #[non_exhaustive]
    Taken {
        /// The time that was asked for.
        #[schemars(with = "String")]
        wanted: DateTime<FixedOffset>,
        /// Free slots near it, the nearest first.
        alternatives: Vec<Offer>,
    },
    /// Nothing is free.
    #[non_exhaustive]
    NothingFree {
        /// From when.
        #[schemars(with = "String")]
        from: DateTime<FixedOffset>,
        /// Until when.
        #[schemars(with = "String")]
        until: DateTime<FixedOffset>,
    },
    /// What was understood so far.
    #[non_exhaustive]
    Collected {
        /// What was understood.
        data: Collected,
        /// What is wrong, ambiguous or missing; empty once everything is there.
        open: Vec<Doubt>,
    },
    /// An appointment was taken.
    #[non_exhaustive]
    Booked {
        /// The appointment.
        appointment: Kept,
        /// How far it has come.
        progress: Progress,
    },
    /// An appointment was moved.
    #[non_exhaustive]
    Moved {
        /// The appointment as it is now.
        appointment: Kept,
        /// How far it has come.
        progress: Progress,
    },
    /// An appointment was cancelled.
    #[non_exhaustive]
    Cancelled {
        /// The appointment.
        appointment: Kept,
    },
    /// The caller's coming appointments.
    #[non_exhaustive]
    Appointments {
        /// The appointments in the order of their starts; empty if there are none.
        appointments: Vec<Kept>,
    },
    /// Something is missing or not clear.
    #[non_exhaustive]
    Unclear {
        /// What.
        doubts: Vec<Doubt>,
    },
    /// It is not done.
    #[non_exhaustive]
    Refused {
        /// Why.
        reason: Refusal,
    },
    /// It was begun, and it is not known yet whether it was done. The same call again finds out.
    Unknown,
    /// It cannot be done now; nothing was changed.
    Unavailable,
}

impl Outcome {
    /// The word for its kind.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Services { .. } => "services",
            Self::Duration { .. } => "duration",
            Self::Free { .. } => "free",
            Self::Slots { .. } => "slots",
            Self::Taken { .. } => "taken",
            Self::NothingFree { .. } => "nothing_free",
            Self::Collected { .. } => "collected",
            Self::Booked { .. } => "booked",
            Self::Moved { .. } => "moved",
            Self::Cancelled { .. } => "cancelled",
            Self::Appointments { .. } => "appointments",
            Self::Unclear { .. } => "unclear",
            Self::Refused { .. } => "refused",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the tool did what it was asked.
    pub fn is_done(&self) -> bool {
        !matches!(
            self,
            Self::Unclear { .. } | Self::Refused { .. } | Self::Unknown | Self::Unavailable
        )
    }

    /// What a call of a tool with unreadable arguments comes to.
    pub(crate) fn unreadable(tool: Tool) -> Self {
        let doubts = tool.needs().iter();
        let doubts = doubts.map(|item| Doubt::new(*item, Problem::Missing));
        Self::Unclear {
            doubts: doubts.collect(),
        }
    }
}
