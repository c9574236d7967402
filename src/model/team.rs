//! Teams and their members.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_with::{DefaultOnNull, serde_as, skip_serializing_none};

use super::booking::Metadata;
use super::event_type::EventType;
use super::event_type_request::{EventTypeUpdate, NewEventType};
use super::id::{MembershipId, TeamId, TimeZone, UserId};
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
    /// The team's number.
    pub id: TeamId,
    /// The organization's, where the team belongs to one.
    #[serde(default)]
    pub parent_id: Option<TeamId>,
    /// The name.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub name: String,
    /// The team's part of its booking pages' addresses.
    #[serde(default)]
    pub slug: Option<String>,
    /// What the team says about itself.
    #[serde(default)]
    pub bio: Option<String>,
    /// The logo's address.
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
    /// Whether members cannot be booked one by one.
    #[serde(default)]
    pub hide_book_a_team_member: Option<bool>,
    /// The time zone.
    #[serde(default)]
    pub time_zone: Option<TimeZone>,
    /// 12 or 24.
    #[serde(default)]
    pub time_format: Option<u32>,
    /// The first day of the week.
    #[serde(default)]
    pub week_start: Option<Weekday>,
    /// What the team carries.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
}

/// A team that was made, or one that waits until it is paid for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum CreatedTeam {
    /// It waits: somebody has to pay.
    Pending {
        /// What to do, in the server's words.
        message: String,
        /// Where to pay.
        payment_link: String,
        /// The team.
        pending_team: Box<Team>,
    },
    /// It was made.
    Team(Box<Team>),
}

impl CreatedTeam {
    /// The team, paid for or not.
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

/// What to say about a team that is made or changed; making one needs a name. What is `None` is left to the server, or as it is.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamParams {
    /// The name.
    pub name: Option<String>,
    /// The team's part of its booking pages' addresses; made of the name if absent.
    pub slug: Option<String>,
    /// What the team says about itself.
    pub bio: Option<String>,
    /// The logo's address.
    pub logo_url: Option<String>,
    /// The banner's address.
    pub banner_url: Option<String>,
    /// Whether Cal.com's name is left out.
    pub hide_branding: Option<bool>,
    /// Whether its members are hidden.
    pub is_private: Option<bool>,
    /// Whether members cannot be booked one by one.
    pub hide_book_a_team_member: Option<bool>,
    /// The theme.
    pub theme: Option<String>,
    /// The colour, as `#rrggbb`.
    pub brand_color: Option<String>,
    /// The colour in the dark theme, as `#rrggbb`.
    pub dark_brand_color: Option<String>,
    /// The time zone.
    pub time_zone: Option<TimeZone>,
    /// 12 or 24.
    pub time_format: Option<u32>,
    /// The first day of the week.
    pub week_start: Option<Weekday>,
    /// What the team carries; see [`Metadata`] for the limits.
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
    /// A name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..Self::default()
        }
    }
}

open_enum! {
    /// What a member may do.
    MembershipRole {
        /// Be booked.
        Member = "MEMBER",
        /// Change the team.
        Admin = "ADMIN",
        /// Everything.
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
    /// The membership's number.
    pub id: MembershipId,
    /// Whose.
    pub user_id: UserId,
    /// Of which team.
    pub team_id: TeamId,
    /// Whether the user has accepted.
    #[serde_as(as = "DefaultOnNull")]
    #[serde(default)]
    pub accepted: bool,
    /// What the member may do.
    pub role: MembershipRole,
    /// Whether nobody can act in the member's name.
    #[serde(default)]
    pub disable_impersonation: Option<bool>,
    /// The user.
    #[serde(default)]
    pub user: Option<Member>,
}

/// The user of a membership. `Debug` shows nothing that identifies the person.
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
    /// The name shown.
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
    pub metadata: Option<Map<String, Value>>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

/// What to say about a membership that is made or changed. What is `None` is left to the server, or as it is.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MembershipParams {
    /// Whether the user counts as having accepted.
    pub accepted: Option<bool>,
    /// What the member may do.
    pub role: Option<MembershipRole>,
    /// Whether nobody can act in the member's name.
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

/// An invitation to a team. Whoever has it can join: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamInvite {
    /// The token.
    pub token: String,
    /// The address to sign up at.
    pub invite_link: String,
}

impl fmt::Debug for TeamInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeamInvite").finish_non_exhaustive()
    }
}

open_enum! {
    /// How the hosts of a team's event type share its bookings.
    SchedulingType {
        /// One of them holds the meeting.
        RoundRobin = "roundRobin",
        /// All of them hold it.
        Collective = "collective",
        /// Each of them has an event type of their own, made after this one.
        Managed = "managed",
    }
}

open_enum! {
    /// How often a round-robin host is chosen.
    HostPriority {
        /// Least.
        Lowest = "lowest",
        /// Less.
        Low = "low",
        /// As usual.
        Medium = "medium",
        /// More.
        High = "high",
        /// Most.
        Highest = "highest",
    }
}

/// A host of a team's event type, as it is read. `Debug` shows the number only.
#[skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventTypeHost {
    /// The user.
    pub user_id: UserId,
    /// Whether the user always takes part in a round robin.
    #[serde(default)]
    pub mandatory: Option<bool>,
    /// How often the user is chosen in a round robin.
    #[serde(default)]
    pub priority: Option<HostPriority>,
    /// The name shown.
    #[serde(default)]
    pub name: Option<String>,
    /// The user name.
    #[serde(default)]
    pub username: Option<String>,
    /// The picture's address.
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

/// A host of a team's event type, as it is written.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamHost {
    /// The user.
    pub user_id: UserId,
    /// Whether the user always takes part in a round robin.
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

/// What only a team's event types have. Hosts are either named or all members, not both.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TeamEventTypeSettings {
    /// How the hosts share bookings. Required of a new event type; in a change it has to come with the hosts.
    pub scheduling_type: Option<SchedulingType>,
    /// The hosts.
    pub hosts: Option<Vec<TeamHost>>,
    /// Whether all members, future ones too, are hosts.
    pub assign_all_team_members: Option<bool>,
    /// Whether a rescheduled booking stays with its round-robin host.
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

/// A team's event type to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewTeamEventType {
    /// What every event type has.
    #[serde(flatten)]
    pub event_type: NewEventType,
    /// What only a team's has.
    #[serde(flatten)]
    pub team: TeamEventTypeSettings,
}

impl NewTeamEventType {
    /// A team's event type with these hosts.
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

/// What to change about a team's event type. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TeamEventTypeUpdate {
    /// What every event type has.
    #[serde(flatten)]
    pub event_type: EventTypeUpdate,
    /// What only a team's has.
    #[serde(flatten)]
    pub team: TeamEventTypeSettings,
}

/// Everything that an update can set, as it was read; metadata only as far as it is text.
impl From<&Team> for TeamParams {
    fn from(read: &Team) -> Self {
        let text =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
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
            metadata: read
                .metadata
                .as_ref()
                .map(|metadata| metadata.iter().filter_map(text).collect()),
        }
    }
}

impl TeamEventTypeUpdate {
    /// Changes what every event type has.
    #[must_use]
    pub fn with_event_type(mut self, update: EventTypeUpdate) -> Self {
        self.event_type = update;
        self
    }

    /// Changes what only a team's event types have.
    #[must_use]
    pub fn with_team(mut self, settings: TeamEventTypeSettings) -> Self {
        self.team = settings;
        self
    }
}

/// Everything that an update can set, as it was read: writing it back changes nothing.
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
