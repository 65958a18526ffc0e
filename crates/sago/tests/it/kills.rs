//! Killed at any moment: nothing receipted is lost, nothing half-made is visible, the same command completes.
//!
//! `points` walks through every labelled point of [`sago_core::store::fault::POINTS`]; `chance` kills at moments nobody chose.

mod chance;
pub mod points;
pub mod witness;
