//! The state file: how other commands reach the demo that runs in another terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

use crate::failure::{Failure, FailureKind};

const FILE: &str = "calcom-sync-demo.json";

/// How long a demo may take to answer a connection.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everything that another process needs. Its secrets are worth nothing once the demo has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) tenant: String,
    #[serde(serialize_with = "exposed")]
    pub(super) database: SecretString,
    pub(super) schema: Option<String>,
    pub(super) base_url: String,
    #[serde(serialize_with = "exposed")]
    pub(super) api_key: SecretString,
    #[serde(serialize_with = "exposed")]
    pub(super) webhook_secret: SecretString,
    #[serde(serialize_with = "exposed")]
    pub(super) sync_key_secret: SecretString,
    #[serde(serialize_with = "exposed")]
    pub(super) token: SecretString,
    pub(super) listen: SocketAddr,
    pub(super) event_types: Vec<i64>,
    pub(super) hosts: Vec<i64>,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

fn path() -> PathBuf {
    std::env::temp_dir().join(FILE)
}

/// A state file that is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Published(PathBuf);

impl Drop for Published {
    fn drop(&mut self) {
        // What is left behind is recognized by that nobody listens there any more.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl State {
    /// Writes the file, for this user only.
    pub(super) fn publish(&self) -> Result<Published, Failure> {
        let path = path();
        let cannot = |error: std::io::Error| {
            Failure::settings(
                format!("the demo's state file {} cannot be written", path.display()),
                "remove that file, or set TMPDIR to a folder of your own",
            )
            .because(error)
        };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot(error));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        // Never into a file or a link that somebody else has put there meanwhile.
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file: File = options.open(&path).map_err(cannot)?;
        let published = Published(path.clone());
        let text = serde_json::to_vec_pretty(self).map_err(|error| cannot(error.into()))?;
        file.write_all(&text).map_err(cannot)?;
        Ok(published)
    }

    /// Reads the file of the demo that runs.
    pub(super) fn read() -> Result<Self, Failure> {
        let state = Self::find().filter(Self::is_alive);
        state.ok_or_else(|| {
            Failure::new(
                FailureKind::NotFound,
                "no demo is running",
                "start one in another terminal with `calcom-sync serve`",
            )
        })
    }

    fn find() -> Option<Self> {
        let mut file = File::open(path()).ok()?;
        if !is_ours(&file) {
            return None;
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn is_alive(&self) -> bool {
        std::net::TcpStream::connect_timeout(&self.listen, PATIENCE).is_ok()
    }
}

/// Whether this user wrote a file: anybody can put one into a folder for temporary files.
fn is_ours(file: &File) -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;

        let (known, this) = (file.metadata(), std::fs::metadata("/proc/self"));
        let owner = |known: std::io::Result<std::fs::Metadata>| known.ok().map(|known| known.uid());
        owner(known).is_some_and(|uid| owner(this) == Some(uid))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        true
    }
}

/// Fails if a demo is running already: the other commands could not tell the two apart.
pub(super) async fn refuse_second() -> Result<(), Failure> {
    let running = tokio::task::spawn_blocking(|| State::find().filter(State::is_alive)).await;
    match running {
        Ok(Some(state)) => Err(Failure::settings(
            format!("a demo is running already, at http://{}/", state.listen),
            "use that one, or stop it first",
        )),
        _ => Ok(()),
    }
}
