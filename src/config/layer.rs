//! Files over files: an overlay merged key by key over what lies below it.

use std::collections::BTreeMap;
use std::fmt;

use super::tree::{Node, Origin, Table, Value};

/// One configuration file: its name as problems tell it, and its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Layer {
    /// The file's name, for example `production.toml`.
    pub name: String,
    /// Its TOML.
    pub text: String,
}

impl fmt::Debug for Layer {
    /// The text may hold a credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Layer({}, {} bytes)", self.name, self.text.len())
    }
}

/// Puts `over` on top of `base`: tables merge key by key, everything else, lists too, is replaced.
pub(super) fn merge(base: &mut Table, over: Table) {
    for (key, node) in over {
        match base.get_mut(&key) {
            Some(below) => merge_node(below, node),
            None => {
                base.insert(key, node);
            }
        }
    }
}

fn merge_node(below: &mut Node, node: Node) {
    match (&mut below.value, node.value) {
        (Value::Table(base), Value::Table(over)) => {
            merge(base, over);
            below.key_at = node.key_at;
            below.at = node.at;
        }
        (_, value) => *below = Node { value, ..node },
    }
}

/// What `enabled = false` took out, by the path of its table (for example `providers.azure`), and where that is said.
pub(super) type Removed = BTreeMap<String, Origin>;

/// Takes out providers, routes, targets and prices with `enabled = false`, before anything else looks at them: what is
/// off may be incomplete and may name variables that are not set.
pub(super) fn prune(root: &mut Table) -> Removed {
    let mut removed = Removed::new();
    for keyed in ["keys", "providers", "routes", "prices"] {
        if let Some(table) = table_of(root, keyed) {
            prune_table(table, keyed, &mut removed);
        }
    }
    if let Some(alerts) = table_of(root, "alerts")
        && let Some(webhooks) = table_of(alerts, "webhooks")
    {
        prune_table(webhooks, "alerts.webhooks", &mut removed);
    }
    if let Some(routes) = table_of(root, "routes") {
        for (name, route) in routes.iter_mut() {
            if let Value::Table(route) = &mut route.value
                && let Some(targets) = table_of(route, "targets")
            {
                prune_table(targets, &format!("routes.{name}.targets"), &mut removed);
            }
        }
    }
    removed
}

fn table_of<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    match table.get_mut(key).map(|node| &mut node.value) {
        Some(Value::Table(table)) => Some(table),
        Some(_) | None => None,
    }
}

fn prune_table(table: &mut Table, path: &str, removed: &mut Removed) {
    table.retain(|name, node| {
        let Value::Table(inner) = &node.value else {
            return true;
        };
        match inner.get("enabled") {
            Some(switch) if matches!(switch.value, Value::Bool(false)) => {
                removed.insert(format!("{path}.{name}"), switch.at.clone());
                false
            }
            Some(_) | None => true,
        }
    });
}
