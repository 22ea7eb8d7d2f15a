//! Simulated providers in this process: whoever stages an incident changes their laws and reads their counts.

use std::net::SocketAddr;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weighbridge::law::Law;
use weighbridge::live::Clock;
use weighbridge::mock::{self, Laws};

/// A server of simulated providers; each is a target of its laws.
#[derive(Debug)]
pub(super) struct Providers {
    pub(super) laws: Laws,
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Providers {
    pub(super) async fn start(clock: Clock) -> Self {
        let laws = Laws::new(Law::instant(), clock);
        let (stop, stopped) = oneshot::channel::<()>();
        let end = async {
            stopped.await.ok();
        };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (address, served) = mock::run(anywhere, laws.clone(), end).await.unwrap();
        Self {
            laws,
            address,
            stop,
            served,
        }
    }

    pub(super) async fn end(self) {
        self.stop.send(()).unwrap();
        self.served.await.unwrap();
    }
}
