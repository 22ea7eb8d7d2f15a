//! The data plane against targets that misbehave, over real sockets.

mod books;
mod capabilities;
mod conversations;
mod credentials;
mod cross;
mod dialects;
mod faultd;
mod faults;
mod hostile;
mod inputs;
mod lists;
mod matrix;
mod moves;
mod overload;
mod records;
mod refused;
mod rules;
mod secrets;
mod spent;
mod sticky;
mod streams;
mod through;
mod traces;
mod transport;
mod untouched;
mod world;
