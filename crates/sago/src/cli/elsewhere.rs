//! Where a repository that is made or moved is to lie: options of `sago init` and `sago migrate`.

use std::path::PathBuf;

use clap::Args;

/// What goes elsewhere than below the folder.
#[derive(Debug, Args)]
pub struct Elsewhere {
    /// PostgreSQL database that several nodes share (`postgres://USER@HOST/NAME`), empty, if not a file of its own. The password comes from
    /// PGPASSWORD or PGPASSFILE.
    #[arg(long, value_name = "ADDRESS")]
    database: Option<String>,
    /// Bucket for sealed files, logs and time-stamps (`s3://BUCKET/PREFIX`), empty, if not below the folder. Credentials come from
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the usual file, the server's address from AWS_ENDPOINT_URL.
    #[arg(long, value_name = "ADDRESS")]
    blobs: Option<String>,
    /// Where wrapped keys are kept, if not below the folder: a folder, or a bucket of its own; never where the storage root is.
    #[arg(long, value_name = "DIR")]
    vault: Option<String>,
    /// Where the operating and signing keys are kept, if not below the folder.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
}

impl From<Elsewhere> for sago_core::settings::Elsewhere {
    fn from(said: Elsewhere) -> Self {
        Self { database: said.database, blobs: said.blobs, vault: said.vault, keys: said.keys }
    }
}
