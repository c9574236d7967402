//! Teams and their members.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::booking::{Metadata, text_entries};
use super::event_type::EventType;
use super::event_type_request::{EventTypeUpdate, NewEventType};
use super::id::{MembershipId, TeamId, TimeZone, UserId};
use super::json_object::JsonObject;
use super::open_enum::open_enum;
use super::schedule::Weekday;
use super::setters::setters;

/// A team.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Team {
    /// The team's id.
    pub id: TeamId,
    /// The id of the organization, if the team belongs to one.
    #[serde(default)]
    pub parent_id: Option<TeamId>,
    /// The name.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The team's slug, as used in the URLs of its booking pages.
    #[serde(default)]
    pub slug: Option<String>,
    /// The team's bio.
    #[serde(default)]
    pub bio: Option<String>,
    /// The URL of the logo.
    #[serde(default)]
    pub logo_url: Option<String>,
    /// The banner's address.
    #[serde(default)]
    pub banner_url: Option<String>,
    /// Whether Cal.com's name is left out.
    #[serde(default)]
    pub hide_branding: Option<bool>,
    /// The theme.
    #[serde(default)]
    pub theme: Option<String>,
    /// The colour, as `#rrggbb`.
    #[serde(default)]
    pub brand_color: Option<String>,
    /// The colour in the dark theme, as `#rrggbb`.
    #[serde(default)]
    pub dark_brand_color: Option<String>,
    /// Whether it is an organization.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub is_organization: bool,
    /// Whether its members are hidden.
    #[serde(default)]
    pub is_private: Option<bool>,
    /// Whether members cannot be booked individually.
    #[serde(default)]
    pub hide_book_a_team_member: Option<bool>,
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// The time format: 12 or 24.
    #[serde(default)]
    pub time_format: Option<u32>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// The metadata.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

/// The response to creating a team: the team, or a pending one that has to be paid for first.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum CreatedTeam {
    /// The team is pending until it is paid for.
    #[non_exhaustive]
    Pending {
        /// Instructions from the server.
        message: String,
        /// The payment URL.
        payment_link: String,
        /// The pending team.
        pending_team: Box<Team>,
    },
    /// The team has been created.
    Team(Box<Team>),
}

impl CreatedTeam {
    /// Returns the team, whether it is pending or not.
    pub fn team(&self) -> &Team {
        match self {
            Self::Pending { pending_team, .. } => pending_team,
            Self::Team(team) => team,
        }
    }
}

impl fmt::Debug for CreatedTeam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = matches!(self, Self::Pending { .. });
        f.debug_struct("CreatedTeam")
            .field("team", self.team())
            .field("pending", &pending)
            .finish_non_exhaustive()
    }
}

/// Parameters for creating or updating a team.
///
/// Creating a team requires a name. `None` means the server's default when creating, and leaves a
/// value unchanged when updating.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamParams {
    /// The name.
    pub name: Option<String>,
    /// The team's slug, as used in the URLs of its booking pages.
    ///
    /// By default, derived from the name.
    pub slug: Option<String>,
    /// The team's bio.
    pub bio: Option<String>,
    /// The URL of the logo.
    pub logo_url: Option<String>,
    /// The URL of the banner.
    pub banner_url: Option<String>,
    /// Whether Cal.com's branding is hidden.
    pub hide_branding: Option<bool>,
    /// Whether its members are hidden.
    pub is_private: Option<bool>,
    /// Whether members cannot be booked individually.
    pub hide_book_a_team_member: Option<bool>,
    /// The theme.
    pub theme: Option<String>,
    /// The brand colour, as `#rrggbb`.
    pub brand_color: Option<String>,
    /// The brand colour in the dark theme, as `#rrggbb`.
    pub dark_brand_color: Option<String>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// The time format: 12 or 24.
    pub time_format: Option<u32>,
    /// The first day of the week.
    pub week_start: Option<Weekday>,
    /// The metadata; see [`Metadata`] for the limits.
    pub metadata: Option<Metadata>,
}

setters! {
    TeamParams {
        with_hide_branding => hide_branding: bool,
        with_is_private => is_private: bool,
        with_hide_book_a_team_member => hide_book_a_team_member: bool,
        with_time_format => time_format: u32,
        ;
        with_name => name: String,
        with_slug => slug: String,
        with_bio => bio: String,
        with_logo_url => logo_url: String,
        with_banner_url => banner_url: String,
        with_theme => theme: String,
        with_brand_color => brand_color: String,
        with_dark_brand_color => dark_brand_color: String,
        with_time_zone => time_zone: TimeZone,
        with_week_start => week_start: Weekday,
        with_metadata => metadata: Metadata,
    }
}

impl TeamParams {
    /// Creates parameters with a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }
}

open_enum! {
    /// The role of a team member.
    MembershipRole {
        /// Can be booked.
        Member = "MEMBER",
        /// Can change the team.
        Admin = "ADMIN",
        /// Can do everything.
        Owner = "OWNER",
    }
}

/// A user's membership of a team.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Membership {
    /// The membership's id.
    pub id: MembershipId,
    /// The id of the user.
    pub user_id: UserId,
    /// The id of the team.
    pub team_id: TeamId,
    /// Whether the user has accepted the invitation.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub accepted: bool,
    /// The role of the member.
    pub role: MembershipRole,
    /// Whether impersonating the member is disabled.
    #[serde(default)]
    pub disable_impersonation: Option<bool>,
    /// The user.
    #[serde(default)]
    pub user: Option<Member>,
}

/// The user of a membership. `Debug` shows no personal data.
#[serde_as]
#[skip_serializing_none]
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Member {
    /// The e-mail address.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub email: String,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// What the user says about themselves.
    #[serde(default)]
    pub bio: Option<String>,
    /// The picture's address.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// What the user carries.
    #[serde(default)]
    pub metadata: Option<JsonObject>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

/// Parameters for creating or updating a membership.
///
/// `None` means the server's default when creating, and leaves a value unchanged when updating.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MembershipParams {
    /// Whether the membership counts as accepted.
    pub accepted: Option<bool>,
    /// The role of the member.
    pub role: Option<MembershipRole>,
    /// Whether impersonating the member is disabled.
    pub disable_impersonation: Option<bool>,
}

setters! {
    MembershipParams {
        with_accepted => accepted: bool,
        with_disable_impersonation => disable_impersonation: bool,
        ;
        with_role => role: MembershipRole,
    }
}

/// An invitation to a team. `Debug` does not show it, because anyone who has it can join.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamInvite {
    /// The token.
    pub token: String,
    /// The sign-up URL.
    pub invite_link: String,
}

impl fmt::Debug for TeamInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeamInvite").finish_non_exhaustive()
    }
}

open_enum! {
    /// How the hosts of a team event type share its bookings.
    SchedulingType {
        /// One of the hosts takes each booking.
        RoundRobin = "roundRobin",
        /// All hosts take part in each booking.
        Collective = "collective",
        /// Each host has an event type of their own, derived from this one.
        Managed = "managed",
    }
}

open_enum! {
    /// How often a round-robin host is chosen.
    HostPriority {
        /// The lowest priority.
        Lowest = "lowest",
        /// A low priority.
        Low = "low",
        /// The normal priority.
        Medium = "medium",
        /// A high priority.
        High = "high",
        /// The highest priority.
        Highest = "highest",
    }
}

/// A host of a team event type, as returned by the API. `Debug` shows only the id.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeHost {
    /// The user.
    pub user_id: UserId,
    /// Whether the user takes part in every round-robin booking.
    #[serde(default)]
    pub mandatory: Option<bool>,
    /// How often the user is chosen in a round robin.
    #[serde(default)]
    pub priority: Option<HostPriority>,
    /// The display name.
    #[serde(default)]
    pub name: Option<String>,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// The URL of the avatar.
    #[serde(default)]
    pub avatar_url: Option<String>,
}

impl fmt::Debug for EventTypeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventTypeHost")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

impl From<&EventTypeHost> for TeamHost {
    fn from(read: &EventTypeHost) -> Self {
        Self {
            user_id: read.user_id,
            mandatory: read.mandatory,
            priority: read.priority.clone(),
        }
    }
}

/// A host of a team event type, as sent to the API.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamHost {
    /// The user.
    pub user_id: UserId,
    /// Whether the user takes part in every round-robin booking.
    #[serde(default)]
    pub mandatory: Option<bool>,
    /// How often the user is chosen in a round robin.
    #[serde(default)]
    pub priority: Option<HostPriority>,
}

setters! {
    TeamHost {
        with_mandatory => mandatory: bool,
        ;
        with_priority => priority: HostPriority,
    }
}

impl From<UserId> for TeamHost {
    fn from(user_id: UserId) -> Self {
        Self {
            user_id,
            mandatory: None,
            priority: None,
        }
    }
}

/// The settings that only team event types have. Set either the hosts or all members, not both.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamEventTypeSettings {
    /// How the hosts share bookings.
    ///
    /// Required when creating an event type. When updating one, it must be sent together with the
    /// hosts.
    pub scheduling_type: Option<SchedulingType>,
    /// The hosts.
    pub hosts: Option<Vec<TeamHost>>,
    /// Whether all members are hosts, including future ones.
    pub assign_all_team_members: Option<bool>,
    /// Whether a rescheduled booking keeps its round-robin host.
    pub reschedule_with_same_round_robin_host: Option<bool>,
}

setters! {
    TeamEventTypeSettings {
        with_assign_all_team_members => assign_all_team_members: bool,
        with_reschedule_with_same_round_robin_host => reschedule_with_same_round_robin_host: bool,
        ;
        with_scheduling_type => scheduling_type: SchedulingType,
        with_hosts => hosts: Vec<TeamHost>,
    }
}

/// Parameters for creating a team event type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewTeamEventType {
    /// The parameters that every event type has.
    #[serde(flatten)]
    pub event_type: NewEventType,
    /// The settings that only team event types have.
    #[serde(flatten)]
    pub team: TeamEventTypeSettings,
}

impl NewTeamEventType {
    /// Creates parameters for a team event type with these hosts.
    pub fn new(
        event_type: NewEventType,
        scheduling_type: SchedulingType,
        hosts: impl IntoIterator<Item = impl Into<TeamHost>>,
    ) -> Self {
        let team = TeamEventTypeSettings {
            scheduling_type: Some(scheduling_type),
            hosts: Some(hosts.into_iter().map(Into::into).collect()),
            ..TeamEventTypeSettings::default()
        };
        Self { event_type, team }
    }
}

/// Parameters for updating a team event type. `None` leaves a value unchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamEventTypeUpdate {
    /// The parameters that every event type has.
    #[serde(flatten)]
    pub event_type: EventTypeUpdate,
    /// The settings that only team event types have.
    #[serde(flatten)]
    pub team: TeamEventTypeSettings,
}

/// Everything that an update can set, as it was read; metadata only as far as it is text.
impl From<&Team> for TeamParams {
    fn from(read: &Team) -> Self {
        Self {
            name: Some(read.name.clone()),
            slug: read.slug.clone(),
            bio: read.bio.clone(),
            logo_url: read.logo_url.clone(),
            banner_url: read.banner_url.clone(),
            hide_branding: read.hide_branding,
            is_private: read.is_private,
            hide_book_a_team_member: read.hide_book_a_team_member,
            theme: read.theme.clone(),
            brand_color: read.brand_color.clone(),
            dark_brand_color: read.dark_brand_color.clone(),
            time_zone: read.time_zone.clone(),
            time_format: read.time_format,
            week_start: read.week_start.clone(),
            metadata: read.metadata.as_ref().map(text_entries),
        }
    }
}

impl TeamEventTypeUpdate {
    /// Sets the parameters that every event type has.
    #[must_use]
    pub fn with_event_type(mut self, update: EventTypeUpdate) -> Self {
        self.event_type = update;
        self
    }

    /// Sets the settings that only team event types have.
    #[must_use]
    pub fn with_team(mut self, settings: TeamEventTypeSettings) -> Self {
        self.team = settings;
        self
    }
}

/// Copies everything that an update can set. Sending the result back changes nothing.
impl From<&EventType> for TeamEventTypeUpdate {
    fn from(read: &EventType) -> Self {
        let all = read.assign_all_team_members.filter(|all| *all);
        let named = all.is_none() && !read.hosts.is_empty();
        Self {
            event_type: EventTypeUpdate::from(read),
            team: TeamEventTypeSettings {
                scheduling_type: read.scheduling_type.clone(),
                hosts: named.then(|| read.hosts.iter().map(TeamHost::from).collect()),
                assign_all_team_members: all,
                reschedule_with_same_round_robin_host: None,
            },
        }
    }
}
