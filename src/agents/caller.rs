//! Who calls a tool.

use crate::model::PhoneNumber;
use crate::store::Origin;

/// What somebody may do who calls a tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// A customer: theirs are the appointments under the number that they call from.
    #[default]
    Customer,
    /// Somebody who works for the tenant, as a program with its token does: may name any number.
    Staff,
}

/// Who calls a tool, as the transport vouches for it. `Debug` shows no number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// Names the conversation: the id of a phone call, a session. Arguments that come again within it
    /// are the same request again. `None` where there is nothing of the kind: then the arguments alone
    /// name the request.
    pub conversation: Option<String>,
    /// The number that the caller calls from; `None` if it is withheld.
    pub number: Option<PhoneNumber>,
    /// The number that was called, which tells the branch.
    pub called: Option<PhoneNumber>,
    /// The caller's language, such as `de`; `None` for the tenant's.
    pub language: Option<String>,
    /// What the caller may do.
    pub standing: Standing,
    /// Who is written down as the origin of a change.
    pub origin: Origin,
}

impl Caller {
    /// A customer on the phone.
    pub fn on_the_phone(conversation: impl Into<String>, number: Option<PhoneNumber>) -> Self {
        Self {
            conversation: Some(conversation.into()),
            number,
            called: None,
            language: None,
            standing: Standing::Customer,
            origin: Origin::Phone,
        }
    }

    /// A program that works for the tenant.
    pub fn program() -> Self {
        Self {
            conversation: None,
            number: None,
            called: None,
            language: None,
            standing: Standing::Staff,
            origin: Origin::Api,
        }
    }

    /// Sets the number that was called.
    #[must_use]
    pub fn with_called(mut self, number: Option<PhoneNumber>) -> Self {
        self.called = number;
        self
    }

    /// Sets the caller's language.
    #[must_use]
    pub fn with_language(mut self, language: impl Into<Option<String>>) -> Self {
        self.language = language.into();
        self
    }

    /// Sets what names the conversation.
    #[must_use]
    pub fn with_conversation(mut self, conversation: impl Into<Option<String>>) -> Self {
        self.conversation = conversation.into();
        self
    }

    /// Sets who is written down as the origin of a change.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }
}
