//! What is fuzzed: one function per target, which takes any bytes and panics if a promise is
//! broken.
//!
//! Shared by the test `fuzz`, which runs on stable, and by the targets of cargo-fuzz in `fuzz/`.

pub mod client;
pub mod dialects;
pub mod model;
pub mod phone;
pub mod response;
pub mod sqlite;
pub mod text;
pub mod tools;
pub mod verify;
pub mod webhook;

/// A target: its name, and what is run with every input.
pub struct Target {
    /// The name, which is also that of the cargo-fuzz target and of the test.
    pub name: &'static str,
    /// Panics if the input breaks a promise.
    pub run: fn(&[u8]),
    /// How many inputs it gets in the tests, which takes about a second.
    pub inputs: u64,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "webhook",
        run: webhook::target,
        inputs: 300,
    },
    Target {
        name: "model",
        run: model::target,
        inputs: 1500,
    },
    Target {
        name: "response",
        run: response::target,
        inputs: 1500,
    },
    Target {
        name: "client",
        run: client::target,
        inputs: 300,
    },
    Target {
        name: "sqlite",
        run: sqlite::target,
        inputs: 50,
    },
    Target {
        name: "text",
        run: text::target,
        inputs: 1000,
    },
    Target {
        name: "tools",
        run: tools::target,
        inputs: 300,
    },
    Target {
        name: "phone",
        run: phone::target,
        inputs: 500,
    },
    Target {
        name: "verify_calcom",
        run: verify::calcom,
        inputs: 300,
    },
    Target {
        name: "verify_retell",
        run: verify::retell,
        inputs: 1000,
    },
    Target {
        name: "verify_stripe",
        run: verify::stripe,
        inputs: 1000,
    },
    Target {
        name: "verify_standard",
        run: verify::standard,
        inputs: 1000,
    },
    Target {
        name: "dialects",
        run: dialects::target,
        inputs: 500,
    },
];

/// Takes an input apart. Never fails: what is missing is zero or empty.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// Two bytes, the low one first.
    pub fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// A length in one byte, and that many bytes.
    pub fn short(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte());
        self.take(length)
    }

    pub fn rest(&mut self) -> &'a [u8] {
        self.take(self.0.len())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Writes what [`Input`] takes apart.
#[derive(Default)]
pub struct Output(Vec<u8>);

impl Output {
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub fn number(mut self, number: u16) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// Cut off at 255 bytes.
    pub fn short(mut self, bytes: &[u8]) -> Self {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        self.0.push(length);
        self.0.extend(&bytes[..usize::from(length)]);
        self
    }

    pub fn rest(mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.extend(bytes);
        self.0
    }
}

/// An error with everything that it says about itself and its causes.
pub fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        told.push_str(&format!(" {cause} {cause:?}"));
        next = cause.source();
    }
    told
}
