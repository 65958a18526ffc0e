//! Simple texts among real files.
