//! From an event to its rows: the one table of which noun writes what.
//!
//! The same code runs when an event happens and when a database is rebuilt from the log, so the two cannot differ.

use crate::accession::store as accession;
use crate::error::Result;
use crate::fixity::store as fixity;
use crate::key::store as key;
use crate::ledger::event::Event;
use crate::ledger::{Record, signed};
use crate::reading::rows as reading;
use crate::store::rows::Writer;
use crate::user::store as user;

pub(super) async fn project(writer: &mut Writer<'_>, record: &Record<'_>) -> Result<()> {
    match record.event {
        Event::RepositoryCreated(event, detail) => {
            key::insert_unit(writer, record, event.domain_unit, "working", detail.as_ref().map_or("", |detail| &detail.vault_sha256)).await?;
            if let Some(detail) = detail {
                set_meta(writer, "epoch_ends", &detail.epoch_ends).await?;
                set_meta(writer, "custodians", &detail.custodians.to_string()).await?;
                set_meta(writer, "threshold", &detail.threshold.to_string()).await?;
            }
            set_meta(writer, "epoch", "1").await
        }
        Event::AgentAdded(event, detail) => user::insert(writer, event, detail.as_ref()).await,
        Event::UnitCreated(event, _) => key::insert_unit(writer, record, event.unit, &event.mode, &event.vault_sha256).await,
        Event::UnitSealed(event, _) => key::set_mode(writer, event.unit, "sealed", &event.vault_sha256).await,
        Event::UnitUnsealed(event, _) => key::set_mode(writer, event.unit, "working", &event.vault_sha256).await,
        Event::DestructionRequested(event, _) => key::insert_request(writer, record, event).await,
        Event::ApprovalGiven(event, _) => key::insert_approval(writer, record, event).await,
        Event::UnitDestroyed(event, _) => key::destroy_unit(writer, event).await,
        Event::EpochRotated(event, detail) => {
            set_meta(writer, "epoch", &event.to.to_string()).await?;
            if let Some(detail) = detail {
                key::set_vault_digests(writer, &detail.vault).await?;
                set_meta(writer, "epoch_ends", &detail.epoch_ends).await?;
                set_meta(writer, "custodians", &detail.custodians.to_string()).await?;
                set_meta(writer, "threshold", &detail.threshold.to_string()).await?;
            }
            Ok(())
        }
        Event::OperatingKeyRecovered(event, detail) => {
            set_meta(writer, "epoch", &event.epoch.to_string()).await?;
            match detail {
                Some(detail) => key::set_vault_digests(writer, &detail.vault).await,
                None => Ok(()),
            }
        }
        Event::AccessionOpened(event, detail) => accession::open(writer, record, event, detail.as_ref()).await,
        Event::AccessionPrepared(event, _) => accession::prepare(writer, event).await,
        Event::AccessionReceived(event, detail) => accession::receive(writer, record, event, detail.as_ref()).await,
        Event::AccessionAbandoned(event, _) => accession::set_status(writer, event.accession, "abandoned").await,
        Event::AccessionQuarantined(event, _) => accession::quarantine(writer, event).await,
        Event::FixityChecked(_, detail) => match detail {
            Some(detail) => fixity::record(writer, record, &detail.results).await,
            None => Ok(()),
        },
        Event::ItemsRead(event, detail) => reading::record(writer, record, event, detail.as_ref()).await,
        Event::AccessCheckpointed(event, _) => set_meta(writer, "access_anchored", &event.size.to_string()).await,
        Event::TimestampReceived(event, _) => {
            sqlx::query("INSERT INTO stamps (log_size, generation, token_sha256, gen_time) VALUES ($1, $2, $3, $4)")
                .bind(signed(event.size))
                .bind(signed(record.position.generation))
                .bind(&event.token_sha256)
                .bind(&event.gen_time)
                .execute(&mut *writer.conn)
                .await?;
            Ok(())
        }
        Event::BackupMade(event, _) => set_meta(writer, &format!("backup_{}_at", event.what), &crate::ctx::time_text(record.at)).await,
        Event::KeysChecked(event, _) => {
            set_meta(writer, "keys_checked_at", &crate::ctx::time_text(record.at)).await?;
            set_meta(writer, "keys_failed", &event.failures.to_string()).await
        }
        Event::RepositoryMoved(event, _) => set_meta(writer, crate::repository::PLACE, &event.to.to_string()).await,
        Event::LogRestarted(..) => set_meta(writer, "access_anchored", "0").await,
        Event::ShareDestroyed(..)
        | Event::ExportMade(..)
        | Event::ExportSealed(..)
        | Event::DatabaseRebuilt(..)
        | Event::ReplicaAdded(..)
        | Event::ReplicaLost(..)
        | Event::ReplicaRepaired(..)
        | Event::ClockJumped(..)
        | Event::ListShown(..)
        | Event::RecordShown(..)
        | Event::ItemOpened(..)
        | Event::TextOpened(..)
        | Event::SearchMade(..)
        | Event::OpenRefused(..) => Ok(()),
    }
}

async fn set_meta(writer: &mut Writer<'_>, key: &str, value: &str) -> Result<()> {
    sqlx::query("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .bind(key)
        .bind(value)
        .execute(&mut *writer.conn)
        .await?;
    Ok(())
}
