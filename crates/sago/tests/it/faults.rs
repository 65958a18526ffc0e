//! The fault table: every outside write fails once, before its effect or after; disks are full; the bucket and the database misbehave; the
//! clock goes back. Each time the command ends with a clear error or rightly goes on, and then everything holds.

mod bucket;
mod clock;
mod commit;
mod proxy;
mod walk;
