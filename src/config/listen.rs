//! Where listeners bind, and who can reach them there.

use std::net::{IpAddr, SocketAddr};

use super::field::Field;
use super::{Config, Problem};

/// An address and port.
pub(super) fn address(field: &Field<'_>) -> Option<SocketAddr> {
    let text = field.str()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let hint = match text.rsplit_once(':') {
        Some(("localhost", port)) if port.parse::<u16>().is_ok() => {
            format!("write \"127.0.0.1:{port}\"")
        }
        Some(("" | "*", port)) if port.parse::<u16>().is_ok() => {
            format!("write \"127.0.0.1:{port}\", or \"0.0.0.0:{port}\" for all interfaces")
        }
        Some(_) | None => "names are not looked up: write the address itself".to_owned(),
    };
    field.expected("an address and port such as \"127.0.0.1:8080\"", &hint);
    None
}

/// Refuses an address that others can reach, and names the switch that allows it.
pub(super) fn loopback_only(field: &Field<'_>, ip: IpAddr, switch: &str) {
    if let Some((message, hint)) = reachable(ip, switch) {
        field.conflict(message, &hint);
    }
}

/// What is wrong with an address that others can reach, and what helps; `None` where nothing is.
fn reachable(ip: IpAddr, switch: &str) -> Option<(String, String)> {
    (!ip.to_canonical().is_loopback()).then(|| {
        (
            format!("expected a loopback address, found {ip}: whoever reaches it could use it, without a key"),
            format!("listen on 127.0.0.1, or say `{switch}` if something in front asks for keys"),
        )
    })
}

/// What lets the data plane's listener be reached by others.
pub(super) const ALLOW_UNAUTHENTICATED: &str = "server.allow_unauthenticated = true";
/// What lets the admin listener be reached by others.
pub(super) const ALLOW_REMOTE: &str =
    "admin.token = \"${WEIGHBRIDGE_ADMIN_TOKEN}\"` or `admin.allow_remote = true";

impl Config {
    /// What is wrong with listening at these addresses instead of the configured ones: the rule of the addresses in the
    /// files holds for those of the command line too.
    pub fn refused_addresses(
        &self,
        listen: Option<SocketAddr>,
        admin_listen: Option<SocketAddr>,
    ) -> Vec<Problem> {
        let data = listen.filter(|_| !self.server.allow_unauthenticated && !self.asks_for_keys());
        let admin = admin_listen.filter(|_| !self.admin.allow_remote && self.admin.token.is_none());
        let checks = [
            ("--listen", data, ALLOW_UNAUTHENTICATED),
            ("--admin-listen", admin, ALLOW_REMOTE),
        ];
        let refused = |(option, address, switch): (&str, Option<SocketAddr>, &str)| {
            let (message, hint) = reachable(address?.ip(), switch)?;
            Some(Problem::with_file(option, message).hint(hint))
        };
        checks.into_iter().filter_map(refused).collect()
    }

    /// What is wrong with this configuration for a process that listens at these addresses until it ends, whatever the
    /// files say of addresses by now: what keeps strangers out there must not go before the address does.
    pub fn refused_where_bound(&self, data: SocketAddr, admin: SocketAddr) -> Vec<Problem> {
        let is_open = self.refused_addresses(Some(data), Some(admin));
        let told = |problem: Problem| {
            let (key, address) = match problem.file.as_str() {
                "--listen" => ("server.listen", data),
                _ => ("admin.listen", admin),
            };
            let message = format!(
                "this process listens at {address} until it ends, where others reach it, and nothing would keep them out"
            );
            let hint = format!("keep what does until the restart that changes {key}");
            Problem::with_file("the running process", message).hint(hint)
        };
        is_open.into_iter().map(told).collect()
    }
}

/// Whether one of the two could not be bound beside the other.
pub(super) fn same_socket(one: SocketAddr, other: SocketAddr) -> bool {
    let shared = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && shared
}
