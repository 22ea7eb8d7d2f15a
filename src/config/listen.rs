//! Where listeners bind, and who can reach them there.

use std::net::{IpAddr, SocketAddr};

use super::field::Field;

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
    if !ip.to_canonical().is_loopback() {
        field.conflict(
            format!("expected a loopback address, found {ip}: whoever reaches it could use it, without a key"),
            &format!("listen on 127.0.0.1, or say `{switch}` if something in front asks for keys"),
        );
    }
}

/// Whether one of the two could not be bound beside the other.
pub(super) fn same_socket(one: SocketAddr, other: SocketAddr) -> bool {
    let shared = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && shared
}
