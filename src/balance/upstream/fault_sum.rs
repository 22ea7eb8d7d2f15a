//! The fault sum: a running test of faults against what peers show, which ejects where it rises too high.

/// Fault sum that ejects: three consecutive faults where peers fail in 2 % of cases.
pub(super) const EJECT_ABOVE: f64 = 9.0;

/// Fault rates that the fault sum tells apart: half again the peers' rate against three times that.
fn rates(peers: f64) -> (f64, f64) {
    let usual = (1.5 * peers).clamp(0.02, 0.4);
    (usual, (3.0 * usual).clamp(0.5, 0.9))
}

/// What a fault adds to the fault sum.
pub(super) fn fault_step(peers: f64) -> f64 {
    let (usual, sick) = rates(peers);
    (sick / usual).ln()
}

/// What a success adds to it; below 0.
pub(super) fn ok_step(peers: f64) -> f64 {
    let (usual, sick) = rates(peers);
    ((1.0 - sick) / (1.0 - usual)).ln()
}
