//! Writing new files of configuration: both or none, and never over what is there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;
use super::init::Document;

/// What becomes of files that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Existing {
    /// They stay, and nothing is written.
    Kept,
    /// They are replaced.
    Replaced,
}

/// Writes the documents into `dir`, which is made if need be. A file is put in its place whole, since a daemon may be
/// watching.
///
/// # Errors
/// Something is there, or a file cannot be written.
pub(super) fn place(
    dir: &Path,
    documents: &[Document],
    existing: Existing,
) -> Result<Vec<PathBuf>, Failure> {
    let paths: Vec<PathBuf> = documents
        .iter()
        .map(|document| dir.join(document.name))
        .collect();
    let there: Vec<String> = paths
        .iter()
        // A link that leads nowhere is there as well.
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if existing == Existing::Kept && !there.is_empty() {
        return Err(Failure::Told(format!(
            "{} {} there already and nothing was written; name another folder, or replace with --force",
            there.join(" and "),
            if there.len() == 1 { "is" } else { "are" }
        )));
    }
    let told = |path: &Path, error: &io::Error| {
        Failure::Told(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(dir).map_err(|error| told(dir, &error))?;
    for (path, document) in paths.iter().zip(documents) {
        written(path, document, existing).map_err(|error| told(path, &error))?;
    }
    Ok(paths)
}

fn written(path: &Path, document: &Document, existing: Existing) -> io::Result<()> {
    let name = format!(".{}.{}", document.name, std::process::id());
    let beside = path.with_file_name(name);
    let put = || {
        let mut file = File::create_new(&beside)?;
        file.write_all(document.text.as_bytes())?;
        file.sync_all()?;
        match existing {
            // Unlike renaming, a link is refused where something came in between.
            Existing::Kept => fs::hard_link(&beside, path),
            Existing::Replaced => fs::rename(&beside, path),
        }
    };
    let done = put();
    // After a rename it is gone.
    drop(fs::remove_file(&beside));
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> [Document; 2] {
        ["base.toml", "development.toml"].map(|name| Document {
            name,
            text: text.to_owned(),
        })
    }

    #[test]
    fn both_are_written_or_none_and_what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new/config");
        let paths = place(&dir, &documents("one"), Existing::Kept).unwrap();
        assert_eq!(paths.len(), 2);
        fs::remove_file(dir.join("base.toml")).unwrap();
        let refused = place(&dir, &documents("two"), Existing::Kept).unwrap_err();
        let told = refused.to_string();
        assert!(told.contains("development.toml is there"), "{told}");
        assert!(!dir.join("base.toml").exists(), "none was written");
        place(&dir, &documents("three"), Existing::Replaced).unwrap();
        let names: Vec<_> = fs::read_dir(&dir).unwrap().collect();
        assert_eq!(names.len(), 2, "nothing is left beside them");
        let text = fs::read_to_string(dir.join("development.toml")).unwrap();
        assert_eq!(text, "three");
    }
}
