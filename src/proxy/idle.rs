//! Connections to providers that nobody uses at the moment, by the host that they lead to.
//!
//! The one that was used last is used next, so that what a burst needed grows old and goes. Nobody polls them here; a task
//! looks through them now and then and lets go of those that the peer has closed or that are too old.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use http::uri::{Scheme, Uri};
use http::{HeaderValue, header::InvalidHeaderValue};
use tokio::time::sleep;

use super::link::Link;
use crate::live::{Clock, Map};
use crate::model::Time;

/// How long an unused connection is kept. Providers close theirs after one to several minutes; ours goes first.
const IDLE: Duration = Duration::from_secs(50);
/// Most unused connections kept per host.
const MOST_IDLE: usize = 256;
/// How often all of them are looked at: what a peer has closed holds a file descriptor for so long.
const LOOK: Duration = Duration::from_secs(5);

/// All hosts that were ever called; the configuration names them, so they are few.
#[derive(Debug, Default)]
pub(super) struct Idle {
    plain: RwLock<Places>,
    secure: RwLock<Places>,
    is_watched: AtomicBool,
}

type Places = Map<Box<str>, Arc<Place>>;

/// A host, and the unused connections to it.
#[derive(Debug)]
pub(super) struct Place {
    /// How requests name it.
    pub(super) host: HeaderValue,
    /// In the order in which their last answers ended.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    link: Box<Link>,
    since: Time,
}

impl Idle {
    /// Where `uri` leads.
    ///
    /// # Errors
    /// Its host cannot stand in a header.
    pub(super) fn place(&self, uri: &Uri) -> Result<Arc<Place>, InvalidHeaderValue> {
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        let places = if is_secure { &self.secure } else { &self.plain };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let known = places.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.get(authority) {
            return Ok(Arc::clone(place));
        }
        drop(known);
        let usual = if is_secure { 443 } else { 80 };
        let host = uri.host().unwrap_or_default();
        let host = match uri.port_u16().filter(|port| *port != usual) {
            Some(port) => HeaderValue::try_from(format!("{host}:{port}"))?,
            None => HeaderValue::from_str(host)?,
        };
        let mut known = places.write().unwrap_or_else(PoisonError::into_inner);
        let place = known.entry(authority.into()).or_insert_with(|| {
            Arc::new(Place {
                host,
                kept: Mutex::default(),
            })
        });
        Ok(Arc::clone(place))
    }

    /// From now on somebody lets go of what is closed or old, as long as these connections are anybody's.
    pub(super) fn watched(self: &Arc<Self>, clock: Clock) {
        if !self.is_watched.load(Ordering::Relaxed)
            && !self.is_watched.swap(true, Ordering::Relaxed)
        {
            tokio::spawn(watch(Arc::downgrade(self), clock));
        }
    }

    fn look(&self, now: Time) {
        for places in [&self.plain, &self.secure] {
            for place in places
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
            {
                place.kept().retain_mut(|kept| kept.is_good(now));
            }
        }
    }
}

impl Drop for Idle {
    /// A connection that rests knows its place, so the two would hold each other for ever.
    fn drop(&mut self) {
        for places in [&mut self.plain, &mut self.secure] {
            let places = places.get_mut().unwrap_or_else(PoisonError::into_inner);
            for place in places.values() {
                let kept = std::mem::take(&mut *place.kept());
                drop(kept);
            }
        }
    }
}

/// Ends with the last handle.
async fn watch(idle: Weak<Idle>, clock: Clock) {
    loop {
        sleep(LOOK).await;
        let Some(idle) = idle.upgrade() else {
            return;
        };
        idle.look(clock.now());
    }
}

impl Place {
    /// The connection that was used last, if there is an open one.
    pub(super) fn take(&self, now: Time) -> Option<Box<Link>> {
        loop {
            // Looked at without the lock: one that the peer has closed takes a call of the system to find out.
            let mut kept = self.kept().pop()?;
            if kept.is_good(now) {
                return Some(kept.link);
            }
        }
    }

    /// `link` is not used any more.
    pub(super) fn keep(&self, link: Box<Link>, since: Time) {
        let mut kept = self.kept();
        if kept.len() < MOST_IDLE {
            kept.push(Kept { link, since });
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn is_good(&mut self, now: Time) -> bool {
        now.since(self.since) < IDLE && self.link.is_open()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::{BodyExt, Full};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::proxy::dial::Dialer;

    /// A place with one connection, over which an answer has come; and the peer's end of it.
    async fn used(idle: &Idle, clock: Clock) -> (Arc<Place>, tokio::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let uri: Uri = format!("http://{address}/").parse().unwrap();
        let place = idle.place(&uri).unwrap();
        let line = Dialer::without_roots().dial(uri).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let link = Link::over(line, Arc::clone(&place), clock).await.unwrap();
        let answering = async {
            let mut asked = [0; 1024];
            let read = peer.read(&mut asked).await.unwrap();
            assert!(read > 0, "a request comes");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            peer.write_all(answer).await.unwrap();
        };
        let asking = link.exchange(Request::new(Full::new(Bytes::new())));
        let (response, ()) = tokio::join!(asking, answering);
        let body = response.unwrap().into_body();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "ok");
        (place, peer)
    }

    #[tokio::test]
    async fn a_connection_whose_answer_was_read_can_be_used_again() {
        let (idle, clock) = (Idle::default(), Clock::start());
        let (place, _peer) = used(&idle, clock).await;
        let link = place.take(clock.now()).expect("it rests");
        assert!(link.used, "and is known to have served");
        assert!(place.take(clock.now()).is_none(), "one at a time");
    }

    #[tokio::test]
    async fn what_a_peer_has_closed_is_let_go_of_without_a_request() {
        let (idle, clock) = (Idle::default(), Clock::start());
        let (place, peer) = used(&idle, clock).await;
        idle.look(clock.now());
        assert_eq!(place.kept().len(), 1, "open ones stay");
        drop(peer);
        while place.kept().len() == 1 {
            // The runtime hears of it in one of its next turns.
            tokio::task::yield_now().await;
            idle.look(clock.now());
        }
    }

    #[tokio::test]
    async fn an_old_connection_is_not_used() {
        let (idle, clock) = (Idle::default(), Clock::start());
        let (place, _peer) = used(&idle, clock).await;
        assert!(place.take(clock.now().after(IDLE)).is_none());
    }

    #[test]
    fn a_host_is_named_with_its_port_only_where_that_is_not_the_usual_one() {
        let idle = Idle::default();
        for (uri, host) in [
            ("http://a.example/v1", "a.example"),
            ("http://a.example:80/v1", "a.example"),
            ("https://a.example:443/v1", "a.example"),
            ("https://a.example:80/v1", "a.example:80"),
            ("http://127.0.0.1:11434/v1", "127.0.0.1:11434"),
            ("http://[::1]:8000/v1", "[::1]:8000"),
        ] {
            let place = idle.place(&uri.parse().unwrap()).unwrap();
            assert_eq!(place.host, host, "{uri}");
        }
    }
}
