use std::path::{Path, PathBuf};

/// What can go wrong on the way from a record to its files.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The system refused a folder or a file.
    #[error("{}: {reason}; {hint}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// A record that was written before cannot be read.
    #[error("{}: cannot be read: {reason}; delete its folder, and the run is made again", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A picture or a page could not be made of the record.
    #[error("{}: cannot be made: {reason}; report this with the record.json beside it", path.display())]
    Make {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// A result whose error is [`ReportError`].
pub type Result<T> = std::result::Result<T, ReportError>;

impl ReportError {
    pub(crate) fn write(path: &Path, reason: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let hint = match reason.kind() {
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => "choose a folder that you may write, with --out DIR",
            Kind::StorageFull | Kind::QuotaExceeded => "free some space, or choose another disk with --out DIR",
            Kind::NotADirectory | Kind::AlreadyExists => "a file is in the way: move it, or choose another --out DIR",
            _ => "check the folder, or choose another with --out DIR",
        };
        Self::Write { path: path.into(), reason, hint }
    }

    pub(crate) fn read(path: &Path, reason: &impl ToString) -> Self {
        Self::Read { path: path.into(), reason: reason.to_string() }
    }

    pub(crate) fn make(path: &Path, reason: &impl ToString) -> Self {
        Self::Make { path: path.into(), reason: reason.to_string() }
    }
}
