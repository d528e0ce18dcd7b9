//! Records as files.
#![allow(dead_code)]
mod csv;
mod draw;
mod error;
mod files;
mod png;
mod scene;
mod svg;
mod text;
mod theme;
pub use error::{ReportError, Result};
pub use files::write_atomically;
