//! Records as files.
