//! A thousand clients that are slow on purpose: the others do not notice, and none of them stays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::faultd::{STREAM_HEAD, answer_of, chunk, piece};
use super::world::{PATIENCE, Plan, Spec, World, ask, post};

/// Slow clients of each kind: heads and bodies that never end, documents and streams that nobody reads. The latter are fewer,
/// since each takes the megabytes that sockets hold before it stalls, and streams are looked through.
const SLOW: [usize; 4] = [475, 475, 40, 10];
/// Good requests meanwhile.
const GOOD: usize = 200;
/// What a slow client is allowed here.
const SHORT: Duration = Duration::from_millis(1_500);

/// A target that answers at once, and without an end if it is asked for a stream or a long document.
async fn target(tasks: &mut JoinSet<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(serve(stream));
        }
    });
    address
}

/// What is said to get a long document, and how that begins.
const LONG: &str = "at length";
const LONG_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999999999999\r\n\r\n";

/// Requests of this test fit into one read.
async fn serve(mut stream: TcpStream) {
    let more = chunk(&piece(&"x".repeat(16_000)));
    let text = "x".repeat(16_000);
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        let asks = |what: &str| memchr::memmem::find(&bytes[..read], what.as_bytes()).is_some();
        let (head, more) = if asks("\"stream\":true") {
            (STREAM_HEAD, &more)
        } else if asks(LONG) {
            (LONG_HEAD, &text)
        } else {
            drop(stream.write_all(&answer_of("hello")).await);
            continue;
        };
        drop(stream.write_all(head.as_bytes()).await);
        while stream.write_all(more.as_bytes()).await.is_ok() {}
        return;
    }
}

async fn world(target: SocketAddr) -> Arc<World> {
    let mut plan = Plan::new(vec![Spec::new(target, 1.0)]);
    (plan.max_connections, plan.max_requests) = (2_000, 2_000);
    plan.max_answer = 100_000;
    (plan.head_timeout, plan.body_timeout, plan.write_stall) = (SHORT, SHORT, SHORT);
    Arc::new(plan.start().await)
}

/// A connection whose reader takes little ahead.
async fn connect(world: &World) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(world.address).await.unwrap()
}

/// Waits until the server has closed it.
async fn closed(mut stream: TcpStream) {
    let mut bytes = [0; 1_024];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

/// A head that comes byte by byte and never ends.
async fn slow_head(world: Arc<World>) {
    let mut stream = connect(&world).await;
    let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ";
    stream.write_all(head).await.unwrap();
    while stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(SHORT / 10).await;
    }
}

/// A body that comes byte by byte and never ends.
async fn slow_body(world: Arc<World>) {
    let mut stream = connect(&world).await;
    let head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    while stream.write_all(b" ").await.is_ok() {
        tokio::time::sleep(SHORT / 10).await;
    }
}

/// An answer that is asked for and not read. What it has cost is known once the server has given it up, so it is read then.
async fn slow_reader(world: Arc<World>, body: String) {
    let mut stream = connect(&world).await;
    stream.write_all(&post(&body)).await.unwrap();
    tokio::time::sleep(3 * SHORT).await;
    closed(stream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_clients_leave_good_requests_unharmed_and_are_closed() {
    // Both ends of each connection and of each call are in this process.
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    let share = if files < 4_096 { 8 } else { 1 };
    let [heads, bodies, documents, streams] = SLOW.map(|slow| slow / share);
    let slow = heads + bodies + documents + streams;
    println!("{slow} slow clients");
    let mut targets = JoinSet::new();
    let world = world(target(&mut targets).await).await;
    let mut clients = JoinSet::new();
    for _ in 0..heads {
        clients.spawn(slow_head(Arc::clone(&world)));
    }
    for _ in 0..bodies {
        clients.spawn(slow_body(Arc::clone(&world)));
    }
    for number in 0..documents + streams {
        let body = if number < streams {
            ask(true)
        } else {
            ask(false).replace("hi", LONG)
        };
        clients.spawn(slow_reader(Arc::clone(&world), body));
    }
    let there = async {
        while world.proxy.open_requests() < slow - heads {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Those who came first may be gone before the last one comes, on a slow machine.
    drop(timeout(SHORT, there).await);
    println!("{} of them wait for something", world.proxy.open_requests());
    for _ in 0..GOOD {
        let got = world.chat(&ask(false)).await;
        assert_eq!(got.status, 200, "among them {got:?}");
    }
    let all = async { while clients.join_next().await.is_some() {} };
    let all = timeout(2 * PATIENCE, all).await;
    assert!(all.is_ok(), "each of them is closed in its time");
    println!("tally: {slow} faults survived");
    println!("tally: {GOOD} requests answered");
    // Waits until nothing is open or in flight.
    let attempts = world.attempts().await;
    assert!(attempts.len() >= GOOD, "{}", attempts.len());
}
