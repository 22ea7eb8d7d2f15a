//! The data plane's port: opened alone or beside another process, and closed without losing who is at the door.
//!
//! A listener that is closed resets every connection that the kernel has made and nobody has accepted. So the queue is
//! emptied first. Where another process listens at the same address (`server.reuse_port`), new connections would go on
//! coming to this queue until the very moment of closing; a filter of three instructions has the kernel drop *first packets*
//! for this socket, while handshakes that have begun come to their end. A client whose first packet was dropped sends it
//! again after a second and finds the other process. The window between emptying and closing is some microseconds wide
//! without the filter, and empty with it, unless a handshake takes longer than [`QUIET`].

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::server::{concerns_one, prepared};
use crate::config::Server;

/// Connections that may wait to be accepted; what the standard library takes.
const BACKLOG: u32 = 1024;
/// How long handshakes that have begun may take. Halved, those across an ocean may be lost; doubled, clients whose first
/// packet was dropped gain nothing, since they come again after a second.
const QUIET: Duration = Duration::from_millis(300);

/// Whether an address may be shared with other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody else listens there.
    Alone,
    /// Another process of the same user may.
    Shared,
}

impl Sharing {
    /// As the configuration has it.
    pub const fn of(server: &Server) -> Self {
        if server.reuse_port {
            Self::Shared
        } else {
            Self::Alone
        }
    }
}

/// Listens at `address`.
///
/// # Errors
/// The system says no: another process is there, or the address is none of this machine.
pub fn bind(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A restart must not wait until the system has forgotten connections of the process before.
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    if sharing == Sharing::Shared {
        socket.set_reuseport(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Closes `listener`; whoever has connected by then is handed to `enter`.
pub(super) async fn close(
    listener: TcpListener,
    sharing: Sharing,
    mut enter: impl FnMut(TcpStream),
) {
    if sharing == Sharing::Shared {
        if let Err(error) = hush(&listener) {
            tracing::debug!(%error, "first packets cannot be dropped; closing may cost a connection");
        }
        let accepting = async {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => handed(stream, &mut enter),
                    Err(error) if concerns_one(&error) => {}
                    Err(_) => break,
                }
            }
        };
        drop(timeout(QUIET, accepting).await);
    }
    // Asked directly: the runtime learns only in its next turn who has come.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let stream = stream
                    .set_nonblocking(true)
                    .and_then(|()| TcpStream::from_std(stream));
                if let Ok(stream) = stream {
                    handed(stream, &mut enter);
                }
            }
            Err(error) if concerns_one(&error) => {}
            Err(_) => break,
        }
    }
}

fn handed(stream: TcpStream, enter: &mut impl FnMut(TcpStream)) {
    if let Ok(stream) = prepared(stream) {
        enter(stream);
    }
}

/// Has the kernel drop the first packet of each new connection to `listener`.
#[cfg(target_os = "linux")]
fn hush(listener: &TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    /// Load a byte of the TCP header; jump if it has one of these bits; return.
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_ANY: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// Where TCP's flags are, and two of them.
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    let filter = [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(JUMP_IF_ANY, 2, 0, ACK),
        SockFilter::new(JUMP_IF_ANY, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ];
    SockRef::from(listener).attach_filter(&filter)
}

#[cfg(not(target_os = "linux"))]
fn hush(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
