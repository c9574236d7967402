//! The `mariadb` command-line client as a driver: a process for every call.

use std::process::Stdio;

use chrono::{DateTime, Utc};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The application, as it was before.
pub(crate) const APP: &str = "app";
/// The sync service.
pub(crate) const SYNC: &str = "calcom_sync";
/// The relay.
pub(crate) const RELAY: &str = "relay";

/// What a sync service sets at the beginning of every connection.
const SESSION: &str = "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = 'TRADITIONAL,NO_BACKSLASH_ESCAPES', \
    innodb_lock_wait_timeout = 5; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;";

#[derive(Clone, Debug)]
pub(crate) struct Server {
    socket: String,
}

/// A row: texts, or nothing for NULL.
pub(crate) type Row = Vec<Option<String>>;

impl Server {
    pub(crate) fn new(socket: String) -> Self {
        Self { socket }
    }

    pub(crate) fn socket(&self) -> &str {
        &self.socket
    }

    /// Sends statements, and returns all rows of all answers; or what the client complains about.
    pub(crate) async fn run(
        &self,
        user: &str,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Row>, String> {
        let mut client = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names", "--xml"])
            .args(["--default-character-set=utf8mb4", "--user", user])
            .args(["--socket", &self.socket, database])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A call that is dropped ends its connection.
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut input = client.stdin.take().unwrap();
        let statements = format!("{SESSION}\n{sql}\n");
        let send = async move {
            // A client that has already failed says why.
            let _ = input.write_all(statements.as_bytes()).await;
        };
        let (done, ()) = tokio::join!(client.wait_with_output(), send);
        let done = done.map_err(|error| error.to_string())?;
        if !done.status.success() {
            return Err(text(&done.stderr));
        }
        Ok(rows(&text(&done.stdout)))
    }

    /// Makes a database with the schema of the guide, and lets the users into it.
    pub(crate) async fn create_database(&self, name: &str) {
        let schema = include_str!("../../docs/hosts/mariadb/schema.sql");
        let sql = format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb4; USE {name};\n{schema}\n\
             GRANT ALL ON {name}.* TO {APP}@localhost;\n\
             GRANT SELECT, INSERT, UPDATE ON {name}.visits TO {SYNC}@localhost;\n\
             GRANT SELECT ON {name}.services TO {SYNC}@localhost;\n\
             GRANT SELECT ON {name}.stylists TO {SYNC}@localhost;\n\
             GRANT SELECT, DELETE ON {name}.calcom_outbox TO {RELAY}@localhost;"
        );
        self.run("root", "mysql", &sql).await.unwrap();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The rows of the client's XML, which alone tells NULL from a text and keeps every character.
fn rows(xml: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut rest = xml;
    loop {
        let row = rest.find("<row>");
        let field = rest.find("<field ");
        match (row, field) {
            (Some(row), field) if field.is_none_or(|field| row < field) => {
                rows.push(Row::new());
                rest = &rest[row + "<row>".len()..];
            }
            (_, Some(field)) => {
                let head = &rest[field..];
                let end = head.find('>').unwrap();
                let is_null = head[..end].contains("xsi:nil=\"true\"");
                let body = &head[end + 1..];
                if is_null || head[..end].ends_with('/') {
                    rows.last_mut().unwrap().push((!is_null).then(String::new));
                    rest = body;
                } else {
                    let close = body.find("</field>").unwrap();
                    rows.last_mut()
                        .unwrap()
                        .push(Some(unescaped(&body[..close])));
                    rest = &body[close + "</field>".len()..];
                }
            }
            _ => return rows,
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// A text as an SQL literal that nothing can break out of.
pub(crate) fn literal(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("CONVERT(X'{hex}' USING utf8mb4)")
}

/// An instant as an SQL literal: to the millisecond, cut off.
pub(crate) fn instant(instant: DateTime<Utc>) -> String {
    format!("'{}'", instant.format("%Y-%m-%d %H:%M:%S%.3f"))
}
