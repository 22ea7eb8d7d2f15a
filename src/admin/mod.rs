//! temp
use crate::control::Handle;
use crate::live::*;
use crate::telemetry::Metrics;
use std::sync::Arc;
/// temp
#[derive(Debug)]
pub struct Admin {
    /// t
    pub published: Published,
    /// t
    pub board: Arc<Board>,
    /// t
    pub metrics: Arc<Metrics>,
    /// t
    pub handle: Handle,
    /// t
    pub clock: Clock,
}
/// temp
pub async fn serve(_l: tokio::net::TcpListener, _a: Arc<Admin>, stop: impl Future<Output = ()>) {
    stop.await
}
