//! Which database.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// A SQLite file, or a PostgreSQL database whose address may hold a password.
#[derive(Clone)]
pub(crate) enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres {
        url: SecretString,
        /// The default one if absent.
        schema: Option<String>,
    },
}

impl DatabaseUrl {
    /// Reads a path or an address. What is wrong with it is said without repeating it.
    pub(crate) fn parse(text: &str, schema: Option<String>) -> Result<Self, &'static str> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = text.into();
            return Ok(Self::Postgres { url, schema });
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        if path.contains("://") {
            return Err("is neither a SQLite file nor a postgres:// address");
        }
        if path.is_empty() {
            return Err("names no file");
        }
        Ok(Self::Sqlite(path.into()))
    }
}

impl DatabaseUrl {
    /// The schema, if one is named.
    pub(crate) fn schema(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres { schema, .. } => schema.as_deref(),
        }
    }

    /// The whole address, which may hold a password.
    pub(crate) fn exposed(&self) -> SecretString {
        match self {
            // From wherever it is read.
            Self::Sqlite(path) => match std::path::absolute(path) {
                Ok(path) => path.display().to_string().into(),
                Err(_) => path.display().to_string().into(),
            },
            Self::Postgres { url, .. } => url.clone(),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without user name and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use secrecy::ExposeSecret;

        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres { url, .. } => {
                let url = url::Url::parse(url.expose_secret());
                let url = url.as_ref();
                let host = url.ok().and_then(|url| url.host_str());
                let name = url.map(url::Url::path).unwrap_or_default();
                write!(f, "PostgreSQL at {}{name}", host.unwrap_or("localhost"))
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
