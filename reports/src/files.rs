//! Files that are there completely or not at all.

use crate::error::{ReportError, Result};
use std::ffi::OsStr;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes `bytes` to `path`: whoever looks sees the old file or the new one, never a part. The
/// folder is made where it is missing.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |temporary| std::fs::write(temporary, bytes).map_err(|reason| ReportError::write(path, reason)))
}

/// Lets `fill` write a file beside `path`, with the same ending, and puts it in the place of `path`.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let failed = |reason| ReportError::write(path, reason);
    // Beside its goal, since a rename is only atomic within one file system.
    let beside = temporary(folder, path.extension().unwrap_or_default()).map_err(failed)?;
    fill(beside.path())?;
    // Else a power cut after the rename could leave an empty file under the good name.
    beside.as_file().sync_all().map_err(failed)?;
    beside.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Makes `folder` and what is missing above it.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|reason| ReportError::write(folder, reason))
}

fn temporary(folder: &Path, ending: &OsStr) -> std::io::Result<NamedTempFile> {
    // The ending tells plotters what kind of picture to write.
    let suffix = format!(".tmp.{}", ending.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".candelab-").suffix(&suffix);
    // tempfile's own choice is 0600; a report is to be read by those whom the umask lets.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// `name` as a file name: anything but letters, digits, `-` and `_` becomes `-`, so that no name
/// leads out of its folder.
pub(crate) fn safe_name(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    if name.is_empty() { "unnamed".into() } else { name.chars().map(safe).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        assert_eq!(safe_name("../../etc/x"), "------etc-x");
        assert_eq!(safe_name("loss-curve"), "loss-curve");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // A folder of that name stands in the way of the last step, the rename.
        let goal = folder.path().join("goal");
        std::fs::create_dir(&goal).unwrap();
        let error = write_atomically(&goal, b"new").unwrap_err().to_string();
        assert!(error.contains("goal") && error.contains("--out DIR"), "{error}");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["goal"]);
    }

    #[test]
    #[cfg(unix)]
    fn others_may_read_as_the_umask_says() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomically(&ours, b"x").unwrap();
        std::fs::write(&plain, b"x").unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
