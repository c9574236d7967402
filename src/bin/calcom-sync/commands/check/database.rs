//! The database: whether it opens, is up to date, and can be written.

use calcom::store::{StoreError, StoreErrorKind};

use super::line::{Line, Lines};
use crate::context::of_database;
use crate::database::Database;
use crate::failure::{Failure, FailureKind};
use crate::settings::{DatabaseUrl, Settings};

const WHAT: &str = "database";

pub(super) async fn check(settings: &Settings, lines: &mut Lines<'_>) -> Option<Database> {
    let name = &settings.database;
    if let DatabaseUrl::Sqlite(path) = name
        && !path.exists()
    {
        // A check leaves no file behind where there was none.
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let failure = Failure::new(
                FailureKind::Storage,
                format!("the folder of {name} does not exist"),
                "create it, or correct `database`",
            );
            lines.push(Line::failed(WHAT, &failure));
        } else {
            let text = format!("{name} does not exist yet; `calcom-sync serve` will create it");
            lines.push(Line::skipped(WHAT, text));
        }
        return None;
    }
    let opened = Database::open(name).await;
    let written = match opened {
        Ok(database) => database.try_writing(name).await.map(|()| database),
        Err(error) => Err(error),
    };
    match written {
        Ok(database) => {
            let text = format!("{name} is up to date and can be written");
            lines.push(Line::fine(WHAT, text));
            Some(database)
        }
        Err(error) => {
            let failure = of_database(settings, named(error).into());
            lines.push(Line::failed(WHAT, &failure));
            None
        }
    }
}

/// Tells of a file that cannot be opened for lack of permission as of one that cannot be written.
fn named(error: StoreError) -> StoreError {
    let is_permission = crate::failure::with_causes(&error).contains("readonly");
    if is_permission && error.kind() != StoreErrorKind::ReadOnly {
        return StoreError::new(StoreErrorKind::ReadOnly, "it is read-only").with_source(error);
    }
    error
}
