//! The data plane against targets that misbehave, over real sockets.

mod credentials;
mod cross;
mod dialects;
mod faultd;
mod faults;
mod inputs;
mod lists;
mod streams;
mod through;
mod transport;
mod world;
