//! Messages (RFC 5322, MIME) and files of messages. Headers become properties and, the main ones, text; bodies text; attachments and messages contained files.

mod body;
mod emlx;
mod header;
mod html;
mod mbox;
mod message;
mod transfer;
mod words;

pub(crate) use message::rfc3339;
pub(crate) use transfer::base64;
pub use {emlx::read as read_emlx, mbox::read as read_mbox, message::read as read_eml};
