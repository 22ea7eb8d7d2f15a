//! The names of keys.
//!
//! Every one has the namespace as its hash tag, so that a cluster of servers keeps all of one installation in one slot, and
//! scripts and `MGET` may name several. ARCHITECTURE.md has the table with what each holds and how long.

/// The schema of what stands in these keys. It is part of every name: another schema never meets this one's values.
pub(super) const SCHEMA: u32 = 1;

/// Makes the names of an installation's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: String,
    schemas: String,
}

impl Keys {
    /// The keys of this namespace.
    pub fn of(namespace: &str) -> Self {
        Self {
            prefix: format!("wb{SCHEMA}:{{{namespace}}}:"),
            schemas: format!("wb:{{{namespace}}}:schemas"),
        }
    }

    /// The key of this name, such as `replicas` or `spent:SCOPE:WINDOW:END`.
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The one key that all schemas know.
    #[cfg(feature = "redis")]
    pub(super) fn schemas(&self) -> &str {
        &self.schemas
    }

    /// The key of this kind that belongs to one replica.
    pub fn of_replica(&self, kind: &str, replica: &str) -> String {
        format!("{}{kind}:{replica}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_namespace_have_one_hash_tag() {
        let keys = Keys::of("production");
        assert_eq!(keys.named("replicas"), "wb1:{production}:replicas");
        assert_eq!(keys.of_replica("report", "a"), "wb1:{production}:report:a");
    }
}
