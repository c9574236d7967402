//! What is sent, and how it has to be answered.

use std::collections::BTreeMap;

use calcom::testing::WebhookBody;

/// The tenants and their secrets.
pub(crate) const TENANTS: [(&str, &str); 2] = [
    ("salon", "whsec_of_the_salon"),
    ("studio", "whsec_of_the_studio"),
];
pub(crate) const UNKNOWN_TENANT: &str = "nobody";
/// The largest body that the server reads.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// Bodies that must not be let in have numbers from here on.
const REFUSED: u64 = 900_000_000_000;
const DIGITS: usize = 12;
const PLACEHOLDER: &str = "############";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Valid,
    /// Valid, in chunks and without a length.
    Chunked,
    /// Valid, twice at the same time over two connections.
    Twin,
    /// Bytes that were accepted before.
    Duplicate,
    Forged,
    OtherSecret,
    Unsigned,
    UnknownTenant,
    TooLarge,
    TooLargeChunked,
    Truncated,
    Garbage,
    Slow,
    /// Valid, to a router that limits requests.
    Limited,
}

impl Kind {
    /// How many of a hundred of a lane's requests are of each kind.
    const WEIGHTS: [(Self, usize); 12] = [
        (Self::Valid, 56),
        (Self::Chunked, 4),
        (Self::Twin, 4),
        (Self::Duplicate, 10),
        (Self::Forged, 6),
        (Self::OtherSecret, 5),
        (Self::Unsigned, 4),
        (Self::UnknownTenant, 3),
        (Self::TooLarge, 2),
        (Self::TooLargeChunked, 2),
        (Self::Truncated, 2),
        (Self::Garbage, 2),
    ];

    /// A hundred requests in a random order.
    pub(crate) fn round(chance: &mut fastrand::Rng) -> Vec<Self> {
        let kinds = Self::WEIGHTS.into_iter();
        let mut round: Vec<_> = kinds
            .flat_map(|(kind, weight)| std::iter::repeat_n(kind, weight))
            .collect();
        chance.shuffle(&mut round);
        round
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Chunked => "valid, without a length",
            Self::Twin => "valid, twice at once",
            Self::Duplicate => "duplicate",
            Self::Forged => "forged",
            Self::OtherSecret => "other tenant's secret",
            Self::Unsigned => "unsigned",
            Self::UnknownTenant => "unknown tenant",
            Self::TooLarge => "too large, announced",
            Self::TooLargeChunked => "too large, chunked",
            Self::Truncated => "truncated",
            Self::Garbage => "not HTTP",
            Self::Slow => "slow",
            Self::Limited => "valid, limited",
        }
    }

    /// Whether it may be answered in this way.
    pub(crate) fn allows(self, answer: &str, has_worker: bool) -> bool {
        match self {
            Self::Valid | Self::Chunked => answer == "200 stored",
            Self::Twin => ["200 stored", "200 duplicate"].contains(&answer),
            // What a worker has settled is stored again, as another reason to look.
            Self::Duplicate => answer == "200 duplicate" || (has_worker && answer == "200 stored"),
            Self::Forged | Self::OtherSecret | Self::Unsigned | Self::UnknownTenant => {
                answer == "401 unverified"
            }
            Self::TooLarge | Self::TooLargeChunked => answer == "413 too_large",
            Self::Truncated => ["400 incomplete", CLOSED, HUNG_UP].contains(&answer),
            Self::Garbage => answer == CLOSED || ["400", "431"].contains(&answer),
            Self::Slow => answer == "408 too_slow",
            Self::Limited => ["200 stored", "429 rate_limited"].contains(&answer),
        }
    }

    /// The number of a body of this kind that must not be let in.
    pub(crate) fn refused(self, number: u64) -> u64 {
        REFUSED + number * 16 + self as u64
    }
}

/// The connection was closed without an answer.
pub(crate) const CLOSED: &str = "closed";
/// We did not wait for the answer.
pub(crate) const HUNG_UP: &str = "we hung up";

/// How often each kind was answered in which way.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<(Kind, String), u64>);

impl Tally {
    pub(crate) fn count(&mut self, kind: Kind, answer: &str) {
        match self.0.get_mut(&(kind, answer.to_owned())) {
            Some(count) => *count += 1,
            None => drop(self.0.insert((kind, answer.to_owned()), 1)),
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (key, count) in other.0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn answered(&self, kind: Kind, answer: &str) -> u64 {
        let count = self.0.get(&(kind, answer.to_owned()));
        count.copied().unwrap_or_default()
    }

    /// The kinds, with how often each was answered in which way.
    pub(crate) fn kinds(&self) -> BTreeMap<Kind, Vec<(&str, u64)>> {
        let mut kinds = BTreeMap::<_, Vec<_>>::new();
        for ((kind, answer), count) in &self.0 {
            let answers = kinds.entry(*kind).or_default();
            answers.push((answer.as_str(), *count));
        }
        kinds
    }
}

/// Bodies as Cal.com sends them, each a function of its number.
pub(crate) struct Bodies {
    template: Vec<u8>,
    places: Vec<usize>,
}

impl Bodies {
    pub(crate) fn new(start: chrono::DateTime<chrono::Utc>) -> Self {
        let template = WebhookBody::created(format!("load-{PLACEHOLDER}"), start)
            .with_attendee("Ada Lovelace", "ada@example.com")
            .to_bytes();
        let windows = template.windows(DIGITS).enumerate();
        let windows = windows.filter(|(_, bytes)| *bytes == PLACEHOLDER.as_bytes());
        let places = windows.map(|(place, _)| place).collect();
        Self { template, places }
    }

    pub(crate) fn body(&self, number: u64) -> Vec<u8> {
        let digits = format!("{number:0DIGITS$}");
        let mut body = self.template.clone();
        for place in &self.places {
            body[*place..place + DIGITS].copy_from_slice(digits.as_bytes());
        }
        body
    }

    pub(crate) fn length(&self) -> usize {
        self.template.len()
    }
}

/// Whose booking a number is: the tenant and its secret.
pub(crate) fn tenant_of(number: u64) -> (&'static str, &'static str) {
    TENANTS[usize::from(number % 7 < 3)]
}

/// The number in a booking's uid; an error for a body that must not have been let in.
pub(crate) fn number_in(uid: &str) -> Result<u64, String> {
    let number = uid.strip_prefix("load-").and_then(|uid| uid.parse().ok());
    let number: u64 = number.ok_or_else(|| format!("the store has {uid}, which was not sent"))?;
    let Some(refused) = number.checked_sub(REFUSED) else {
        return Ok(number);
    };
    let kind = Kind::WEIGHTS
        .into_iter()
        .map(|(kind, _)| kind)
        .chain([Kind::Slow])
        .find(|kind| refused % 16 == *kind as u64);
    let kind = kind.map_or("unheard of", Kind::name);
    Err(format!("{uid} was let in: {kind}"))
}
