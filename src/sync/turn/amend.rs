//! Changing a booking in place: confirming and declining it, changing its host, location or guests,
//! and saying whether the attendee came. The booking keeps its uid.

use super::push::{as_named, whole_and_seat};
use super::{Case, Stop, Turn};
use crate::model::UserId;
use crate::store::{Differences, Field, Guests, LogEvent, Place, ReviewReason};
use crate::sync::calendar::{CalendarErrorKind, Write};
use crate::sync::location::location_of;
use crate::sync::standing::SentWrite;

/// A change of a booking in place.
#[derive(Clone, Debug)]
pub(super) enum Amendment {
    Confirm,
    Decline,
    Reassign(UserId),
    Locate(Place),
    Invite(Guests),
    Absent(bool),
}

impl Amendment {
    /// The field that it changes.
    fn field(&self) -> Field {
        match self {
            Self::Confirm | Self::Decline => Field::Status,
            Self::Reassign(_) => Field::Host,
            Self::Locate(_) => Field::Location,
            Self::Invite(_) => Field::Guests,
            Self::Absent(_) => Field::Absent,
        }
    }
}

impl Turn<'_> {
    /// Carries out one change of the link's booking.
    pub(super) async fn amend(&mut self, amendment: Amendment) -> Result<(), Stop> {
        let (state, origin) = self.wanted()?;
        let booking = self.current_booking()?;
        let attendee = self.remote.as_ref().map(|remote| &remote.state.attendee);
        let email = attendee.and_then(|attendee| attendee.email.clone());
        let field = amendment.field();
        // Everything else is the whole booking's.
        if booking.seat().is_some() && field != Field::Absent {
            return Err(Case::of(ReviewReason::NotExpressible).into());
        }
        let (whole, _) = whole_and_seat(&booking);
        let fields = Differences::NONE.with(field);
        let write = SentWrite::amend(booking.clone(), fields);
        let sent = match amendment {
            Amendment::Confirm => Write::Confirm { booking: whole },
            Amendment::Decline => Write::Decline {
                booking: whole,
                reason: self.reason_or(&self.engine.config.declining_reason),
            },
            Amendment::Reassign(to) => Write::Reassign { booking: whole, to },
            Amendment::Locate(place) => Write::UpdateLocation {
                booking: whole,
                location: location_of(&place),
            },
            Amendment::Absent(absent) => Write::MarkAbsent {
                booking: whole,
                attendee: match email {
                    Some(email) => email,
                    None => return Err(Case::of(ReviewReason::NotExpressible).into()),
                },
                absent,
            },
            Amendment::Invite(guests) => Write::AddGuests {
                booking: whole,
                guests: guests.iter().map(str::to_owned).collect(),
            },
        };
        self.begin(write.clone(), &state);
        self.checkpoint().await.map_err(Stop::Store)?;
        let amended = self.send(&sent).await;
        match amended.map(|amended| as_named(amended, &booking)) {
            // It had been moved or cancelled before the change arrived, which has changed nothing that
            // lives.
            Ok(amended) if !amended.is_live() && field != Field::Status => {
                self.refused(&write, &state);
                self.read_remote().await
            }
            Ok(amended) => {
                self.log.push(LogEvent::BookingAmended {
                    booking,
                    field,
                    origin,
                });
                self.landed(&write, &state);
                self.answered(&write, &state, &amended)
            }
            // Known from now on; the next round decides without it.
            Err(error) if error.kind() == CalendarErrorKind::Unsupported => {
                self.refused(&write, &state);
                let now = self.engine.clock.now();
                self.engine.unsupported.add(&self.tenant.id, field, now);
                Ok(())
            }
            Err(error) => self.after_failed_change(error, &write, &state).await,
        }
    }
}
