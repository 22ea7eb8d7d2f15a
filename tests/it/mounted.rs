//! Files that Kubernetes mounts: each a link through `..data`, which is swapped for another folder when they change. No
//! file is ever written, and nothing that happens bears a file's name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::daemon::{Daemon, until};

/// A folder as a `ConfigMap` or a `Secret` is mounted.
struct Mount {
    folder: PathBuf,
    versions: u32,
}

impl Mount {
    fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        Self {
            folder: folder.to_owned(),
            versions: 0,
        }
    }

    /// All its files change at once.
    fn put(&mut self, files: &[(&str, &str)]) {
        let before = format!("..version-{}", self.versions);
        self.versions += 1;
        let version = format!("..version-{}", self.versions);
        fs::create_dir(self.folder.join(&version)).unwrap();
        for (name, text) in files {
            fs::write(self.folder.join(&version).join(name), text).unwrap();
        }
        let next = self.folder.join("..data_tmp");
        symlink(&version, &next).unwrap();
        fs::rename(&next, self.folder.join("..data")).unwrap();
        for (name, _) in files {
            let link = self.folder.join(name);
            if !link.is_symlink() {
                symlink(Path::new("..data").join(name), link).unwrap();
            }
        }
        drop(fs::remove_dir_all(self.folder.join(before)));
    }
}

fn base(first_token: u32) -> String {
    format!("config_version = 1\n[defaults.deadlines]\nfirst_token = \"{first_token}s\"\n")
}

fn environment(key: &Path, weight: u32) -> String {
    let key = key.display();
    format!(
        "[providers.p]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n\
         api_key = {{ file = \"{key}\" }}\n\
         [routes.chat.targets]\na = {{ use = \"p/a\", weight = {weight} }}\nb = {{ use = \"p/b\", weight = 1 }}\n"
    )
}

#[tokio::test]
async fn a_swapped_configuration_and_a_swapped_secret_are_in_force_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = Mount::new(&folder.path().join("secrets"));
    let mut config = Mount::new(&folder.path().join("config"));
    let key = secrets.folder.join("key");
    secrets.put(&[("key", "sk-first-0123456789")]);
    config.put(&[
        ("base.toml", &base(8)),
        ("live.toml", &environment(&key, 1)),
    ]);
    let daemon = Daemon::start(&config.folder);
    let before = daemon.generation().await;

    for swap in 1..=3 {
        config.put(&[
            ("base.toml", &base(8 + swap)),
            ("live.toml", &environment(&key, 1 + swap)),
        ]);
        in_force(&daemon, before + u64::from(swap)).await;
        let (_, shown) = daemon.get("/api/v1/config").await;
        let deadline = format!("{}s", 8 + swap);
        assert!(shown.contains(&deadline), "both files at once: {shown}");
    }
    secrets.put(&[("key", "sk-second-0123456789")]);
    in_force(&daemon, before + 4).await;
}

async fn in_force(daemon: &Daemon, generation: u64) {
    until("the watcher must see the swap", async || {
        (daemon.generation().await == generation).then_some(())
    })
    .await;
}
