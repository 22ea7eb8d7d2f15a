//! More than there is room for: who comes then is told at once, and who was let in does not notice.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::faultd::{Act, Faultd, answer_of};
use super::world::{Got, PATIENCE, Plan, Spec, World, ask, post};

/// What the gateway lets in at a time, and what the target behind it can do at a time.
const CAPACITY: usize = 8;
/// Three times that asks for it.
const OFFERED: usize = 3 * CAPACITY;
const ROUNDS: usize = 20;

/// A target that answers when the test lets it.
struct Held {
    address: SocketAddr,
    /// Requests that have come.
    came: watch::Receiver<usize>,
    /// How many of them may be answered.
    answers: Arc<Semaphore>,
    _tasks: JoinSet<()>,
}

impl Held {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, came) = watch::channel(0);
        let (count, answers) = (Arc::new(count), Arc::new(Semaphore::new(0)));
        let let_go = Arc::clone(&answers);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(serve(stream, Arc::clone(&count), Arc::clone(&let_go)));
            }
        });
        Self {
            address,
            came,
            answers,
            _tasks: tasks,
        }
    }

    async fn came(&mut self, many: usize) {
        let came = self.came.wait_for(|came| *came >= many);
        timeout(PATIENCE, came).await.unwrap().unwrap();
    }
}

/// Requests of these tests fit into one read.
async fn serve(mut stream: TcpStream, came: Arc<watch::Sender<usize>>, answers: Arc<Semaphore>) {
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
        came.send_modify(|came| *came += 1);
        answers.acquire().await.unwrap().forget();
        stream.write_all(&answer_of("hello")).await.unwrap();
    }
}

fn turned_away(got: &Got) -> bool {
    got.status == 503 && got.code() == "overloaded"
}

fn check_told(got: &Got) {
    assert!(turned_away(got), "{got:?}");
    assert_eq!(got.header("retry-after"), "1", "and when to come again");
    assert_eq!(got.header("x-should-retry"), "", "trying again may help");
    assert!(got.whole, "the answer has its end: {got:?}");
}

#[tokio::test]
async fn at_three_times_the_capacity_all_of_it_goes_on_being_used() {
    let mut target = Held::start().await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.max_requests = CAPACITY;
    let world = Arc::new(plan.start().await);
    let (mut good, mut shed) = (0, 0);
    for round in 1..=ROUNDS {
        let mut clients = JoinSet::new();
        for _ in 0..OFFERED {
            let world = Arc::clone(&world);
            clients.spawn(async move { world.chat(&ask(false)).await });
        }
        target.came(round * CAPACITY).await;
        // Nobody has been answered by the target yet: whoever comes back now was not kept waiting.
        for _ in CAPACITY..OFFERED {
            let got = clients.join_next().await.unwrap().unwrap();
            check_told(&got);
            shed += 1;
        }
        target.answers.add_permits(CAPACITY);
        while let Some(got) = clients.join_next().await {
            let got = got.unwrap();
            assert_eq!(got.status, 200, "who was let in is served: {got:?}");
            good += 1;
        }
    }
    assert_eq!(good, ROUNDS * CAPACITY, "the capacity, whatever is asked");
    assert_eq!(shed, ROUNDS * (OFFERED - CAPACITY), "and no request more");
    assert_eq!(world.attempts().await.len(), good, "no target hears of it");
}

fn chunk(bytes: usize) -> String {
    format!("{bytes:x}\r\n{}\r\n", " ".repeat(bytes))
}

const CHUNKED: &str = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                       transfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_body_that_finds_no_room_is_told_so_and_the_others_are_served() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.max_buffered = 100_000;
    let world = plan.start().await;
    let mut large = TcpStream::connect(world.address).await.unwrap();
    let begun = format!("{CHUNKED}{}", chunk(90_000));
    large.write_all(begun.as_bytes()).await.unwrap();
    while world.proxy.open_requests() == 0 {
        tokio::task::yield_now().await;
    }
    // How much of it has been read is not to be seen, so the other one comes until there is no room for it.
    let refused = async {
        loop {
            let got = world
                .send(format!("{CHUNKED}{}0\r\n\r\n", chunk(50_000)).as_bytes())
                .await;
            if turned_away(&got) {
                return got;
            }
        }
    };
    let got = timeout(PATIENCE, refused).await.unwrap();
    check_told(&got);
    assert_eq!(got.header("connection"), "close", "the rest is not read");
    let small = world.chat(&ask(false)).await;
    assert_eq!(small.status, 200, "what fits is served: {small:?}");
    let body = ask(false);
    let rest = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    large.write_all(rest.as_bytes()).await.unwrap();
    let got = Got::read(large).await;
    assert_eq!(got.status, 200, "who was first as well: {got:?}");
    let again = format!("{CHUNKED}{}{}", chunk(90_000), rest);
    let got = world.send(again.as_bytes()).await;
    assert_eq!(got.status, 200, "and the room is given back: {got:?}");
}

#[tokio::test]
async fn a_length_alone_takes_no_room() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.max_buffered = 100_000;
    let world = plan.start().await;
    let mut announced = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        announced.push(stream);
    }
    while world.proxy.open_requests() < announced.len() {
        tokio::task::yield_now().await;
    }
    let got = world.chat(&ask(false)).await;
    assert_eq!(got.status, 200, "{got:?}");
}

#[tokio::test]
async fn connections_beyond_the_bound_are_told_so_rather_than_left_waiting() {
    let target = Faultd::start(Act::Answer(answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    plan.max_connections = 4;
    let world: World = plan.start().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(TcpStream::connect(world.address).await.unwrap());
    }
    let told = async {
        loop {
            let got = world.chat(&ask(false)).await;
            if got.status == 503 {
                return got;
            }
        }
    };
    check_told(&timeout(PATIENCE, told).await.unwrap());
    let large = post(&" ".repeat(100_000));
    check_told(&world.send(&large).await);
    drop(open.pop());
    let served = async { while world.chat(&ask(false)).await.status != 200 {} };
    let served = timeout(PATIENCE, served).await;
    assert!(served.is_ok(), "a place that is free again is taken");
}
