//! How cost grows: with a route's targets, with routes, with the body, with open streams, and what a reload does meanwhile.
//!
//! `--growth` writes `benches/results/growth.md` and the picture beside it. What a request takes is counted in instructions,
//! beside the bare proxy's where that is comparable; streams are processes of their own on loopback, and their figures are
//! memory and times. `--growth --quick` takes the first points only.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::client::{self, Lasts, Load, Rate};
use crate::configuration::{Configured, Extent, PRODUCT, Ticks};
use crate::curves::{Curve, draw};
use crate::instructions::of_a_request;
use crate::process::Child;
use crate::{Outcome, SCENARIOS, Scenario, Way, load, say};

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results");

/// Measures all of it.
pub(crate) async fn show(quick: bool) -> Outcome<()> {
    let mock = Child::start(&std::env::current_exe()?, &["role", "mock"], "mock")?;
    let points = if quick { 2 } else { usize::MAX };
    let curves = [
        by_targets(&mock, points).await?,
        by_routes(&mock, points).await?,
        by_body(&mock, points, Way::Weighbridge).await?,
        by_body(&mock, points, Way::Bare).await?,
    ];
    let mut text = String::from(
        "# How cost grows\n\nMade by `cargo bench --bench overhead -- --growth`.\n\n![curves](growth.svg)\n\n",
    );
    for curve in &curves {
        writeln!(text, "{}", curve.table())?;
    }
    let streams = by_streams(&mock, points).await?;
    writeln!(text, "{}", streams.0)?;
    writeln!(text, "{}", by_reload(&mock).await?)?;
    let mut curves = curves.to_vec();
    curves.push(streams.1);
    std::fs::write(Path::new(RESULTS).join("growth.svg"), draw(&curves)?)?;
    std::fs::write(Path::new(RESULTS).join("growth.md"), &text)?;
    say(&text)
}

fn unary() -> Scenario {
    SCENARIOS[0]
}

/// Instructions of a request whose route has so many targets.
async fn by_targets(mock: &Child, points: usize) -> Outcome<Curve> {
    let mut curve = Curve::new("targets of the route", "k instructions a request");
    for targets in [2, 10, 100, 1_000].into_iter().take(points) {
        let configured = || Configured::grown(mock.address, targets, 1);
        let load = |address| load(unary(), Way::Weighbridge, address, Duration::ZERO);
        let one = of_a_request(mock, Way::Weighbridge, configured, load, (100, 400)).await?;
        curve.add(targets as f64, one / 1e3);
    }
    Ok(curve)
}

/// The same with so many routes.
async fn by_routes(mock: &Child, points: usize) -> Outcome<Curve> {
    let mut curve = Curve::new("routes", "k instructions a request");
    for routes in [1, 10, 100, 1_000].into_iter().take(points) {
        let configured = || Configured::grown(mock.address, 2, routes);
        let load = |address| load(unary(), Way::Weighbridge, address, Duration::ZERO);
        let one = of_a_request(mock, Way::Weighbridge, configured, load, (100, 400)).await?;
        curve.add(routes as f64, one / 1e3);
    }
    Ok(curve)
}

/// Instructions of a request with a body of so many kilobytes.
async fn by_body(mock: &Child, points: usize, way: Way) -> Outcome<Curve> {
    let whose = match way {
        Way::Weighbridge => "kB of the body",
        Way::Bare | Way::Direct => "kB of the body, bare hyper",
    };
    let mut curve = Curve::new(whose, "k instructions a request");
    for kilobytes in [1, 10, 100, 1_000, 10_000].into_iter().take(points) {
        let configured = || Configured::new(mock.address, Ticks::Rare, Extent::Everything);
        let scenario = Scenario {
            body: kilobytes * 1_000,
            ..unary()
        };
        let load = |address| load(scenario, way, address, Duration::ZERO);
        let requests = if kilobytes < 1_000 {
            (50, 250)
        } else {
            (5, 25)
        };
        let one = of_a_request(mock, way, configured, load, requests).await?;
        curve.add(kilobytes as f64, one / 1e3);
    }
    Ok(curve)
}

/// Memory and times of so many streams at a time, an event every two milliseconds each up to a hundred, beyond that as often
/// as the machine manages.
async fn by_streams(mock: &Child, points: usize) -> Outcome<(String, Curve)> {
    let mut curve = Curve::new("open streams", "kB of memory a stream");
    let mut text = String::from(
        "| open streams | kB a stream | first content p99, ms | gap p99, ms | the same, bare hyper |\n|---:|---:|---:|---:|---:|\n",
    );
    let ours = std::env::current_exe()?;
    for streams in [1, 100, 1_000, 4_000, 8_000].into_iter().take(points) {
        let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
        let proxy = Child::start(Path::new(PRODUCT), &configured.serve(), "data")?;
        let upstream = mock.address.to_string();
        let bare = Child::start(&ours, &["role", "bare", &upstream], "bare")?;
        let (seen, grown) = streamed(&proxy, Way::Weighbridge, streams).await?;
        let (beside, _) = streamed(&bare, Way::Bare, streams).await?;
        let each = grown * 1_024.0 / streams as f64;
        curve.add(streams as f64, each);
        writeln!(
            text,
            "| {streams} | {each:.1} | {:.1} | {:.1} | {:.1}; {:.1} |",
            seen.first(0.99) / 1e3,
            seen.gap(0.99) / 1e3,
            beside.first(0.99) / 1e3,
            beside.gap(0.99) / 1e3
        )?;
    }
    Ok((text, curve))
}

/// So many streams at a time through `proxy`, and by how many megabytes it grew with all of them open.
async fn streamed(proxy: &Child, way: Way, streams: usize) -> Outcome<(client::Seen, f64)> {
    let scenario = Scenario {
        connections: streams,
        ..SCENARIOS[3]
    };
    let load = |connections| Load {
        connections,
        lasts: Lasts::Requests(1),
        ..load(scenario, way, proxy.address, scenario.lasts)
    };
    client::run(&load(1)).await?;
    let before = proxy.resident_mb()?;
    let all = load(streams);
    let running = client::run(&all);
    let (mut most, mut running) = (before, std::pin::pin!(running));
    loop {
        tokio::select! {
            seen = &mut running => return Ok((seen?, most - before)),
            () = tokio::time::sleep(Duration::from_millis(20)) => most = most.max(proxy.resident_mb()?),
        }
    }
}

/// What a reload of ten thousand lines does to requests that come meanwhile: times at 500 requests a second without and
/// with a reload every second, and how long the reload takes.
async fn by_reload(mock: &Child) -> Outcome<String> {
    let configured = Configured::new(mock.address, Ticks::AsShipped, Extent::Everything)?;
    let proxy = Child::start(Path::new(PRODUCT), &configured.serve(), "data")?;
    let rate = Rate {
        per_second: 500,
        lasts: Duration::from_secs(4),
    };
    let load = load(unary(), Way::Weighbridge, proxy.address, rate.lasts);
    client::at_a_rate(&load, rate).await?;
    let calm = client::at_a_rate(&load, rate).await?;
    let (admin, mut reloads) = (proxy.admin()?, Vec::new());
    let lines = configured.rewrite(ROUTES)?;
    let busy = tokio::select! {
        seen = client::at_a_rate(&load, rate) => seen?,
        error = reload_often(admin, &configured, &mut reloads) => return error,
    };
    reloads.sort_by(f64::total_cmp);
    let median = reloads.get(reloads.len() / 2).copied().unwrap_or(f64::NAN);
    Ok(format!(
        "A reload of {lines} lines takes {median:.0} ms (median of {}). At 500 requests/s a request takes {:.0} us at p50 and \
         {:.0} us at p99.9 without, {:.0} us and {:.0} us with a reload every second.\n",
        reloads.len(),
        calm.whole(0.5),
        calm.whole(0.999),
        busy.whole(0.5),
        busy.whole(0.999)
    ))
}

/// Routes of a configuration of more than ten thousand lines.
const ROUTES: usize = 1_999;

/// Reloads another configuration every second, and notes how many milliseconds each takes; ends with an error only.
async fn reload_often(
    admin: SocketAddr,
    configured: &Configured,
    took: &mut Vec<f64>,
) -> Outcome<String> {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    let mut routes = ROUTES;
    loop {
        every.tick().await;
        // Another one each time: what is the same is not applied.
        routes += 1;
        configured.rewrite(routes)?;
        took.push(reload(admin).await?);
    }
}

/// Milliseconds that a reload takes.
async fn reload(admin: SocketAddr) -> Outcome<f64> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let request = Request::post(format!("http://{admin}/api/v1/reload")).body(Full::default())?;
    let began = client::now();
    let response = client.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    if !status.is_success() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
    }
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
