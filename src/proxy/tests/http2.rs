//! HTTP/2 against us: readers that stall, streams that are reset as fast as they are opened, floods of frames. Each costs
//! its own connection at most.

use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::faultd::{Act, Faultd, STREAM_HEAD, answer_of, chunk, piece};
use super::world::{PATIENCE, Plan, Spec, World, ask};

/// A target that answers at once; one that begins a long stream if asked to stream.
async fn world(changed: impl FnOnce(&mut Plan)) -> (World, Faultd) {
    let long = chunk(&piece(&"x".repeat(1_000))).repeat(1_000);
    let stream = format!("{STREAM_HEAD}{long}").into_bytes();
    let streamed = vec![("\"stream\":true".to_owned(), stream)];
    let target = Faultd::start(Act::ByHead(streamed, answer_of("hello"))).await;
    let mut plan = Plan::new(vec![Spec::new(target.address, 1.0)]);
    changed(&mut plan);
    (plan.start().await, target)
}

/// A connection whose streams have this window.
async fn connection(world: &World, window: u32, tasks: &mut JoinSet<()>) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(world.address).await.unwrap();
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(window)
        .handshake(stream)
        .await
        .unwrap();
    tasks.spawn(async move { drop(connection.await) });
    client
}

async fn open(client: &SendRequest<Bytes>, body: String) -> Result<h2::RecvStream, h2::Error> {
    let request = Request::post("http://x/v1/chat/completions").body(());
    let mut client = client.clone().ready().await?;
    let (response, mut sender) = client.send_request(request.unwrap(), false)?;
    sender.send_data(body.into(), true)?;
    let response = response.await?;
    assert_eq!(response.status(), 200);
    Ok(response.into_body())
}

/// Everything of a body, taken as it comes.
async fn read(mut body: h2::RecvStream) -> String {
    let mut all = Vec::new();
    while let Some(bytes) = body.data().await {
        let bytes = bytes.unwrap();
        body.flow_control().release_capacity(bytes.len()).unwrap();
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap()
}

/// Others do not notice.
async fn serves(world: &World) {
    let got = timeout(PATIENCE, world.chat(&ask(false))).await.unwrap();
    assert_eq!(got.status, 200, "others are served: {got:?}");
}

#[tokio::test]
async fn one_stalled_stream_hurts_no_other_and_is_given_up() {
    let (world, target) = world(|plan| plan.write_stall = Duration::from_millis(300)).await;
    let mut tasks = JoinSet::new();
    let client = connection(&world, 2_000, &mut tasks).await;
    let mut stalled = Vec::new();
    for _ in 0..10 {
        stalled.push(open(&client, ask(true)).await.unwrap());
    }
    for _ in 0..50 {
        let body = open(&client, ask(false)).await.unwrap();
        assert!(read(body).await.contains("hello"), "on the same connection");
    }
    timeout(PATIENCE, target.connections_ended(10))
        .await
        .unwrap();
    for mut body in stalled {
        let ended = async {
            while let Some(piece) = body.data().await {
                if let Err(error) = piece {
                    return error;
                }
            }
            panic!("a stream that was cut has no end");
        };
        let error = timeout(PATIENCE, ended).await.unwrap();
        assert!(
            error.is_reset(),
            "the stream is reset, not its connection: {error}"
        );
    }
    let body = open(&client, ask(false)).await.unwrap();
    assert!(read(body).await.contains("hello"), "which goes on");
    let attempts = world.attempts().await;
    assert_eq!(attempts.len(), 61, "nothing is in flight any more");
}

#[tokio::test]
async fn a_whole_answer_that_is_not_taken_is_given_up_too() {
    let large = "x".repeat(900_000);
    let (world, target) = world(|plan| plan.write_stall = Duration::from_millis(300)).await;
    target.now_do(Act::Answer(answer_of(&large)));
    let mut tasks = JoinSet::new();
    let client = connection(&world, 2_000, &mut tasks).await;
    let mut stalled = open(&client, ask(false)).await.unwrap();
    let taken = open(&client, ask(false)).await.unwrap();
    assert!(
        read(taken).await.contains(&large),
        "in pieces, and all of it"
    );
    let ended = async {
        while let Some(piece) = stalled.data().await {
            if piece.is_err() {
                return true;
            }
        }
        false
    };
    assert!(timeout(PATIENCE, ended).await.unwrap(), "reset");
}

#[tokio::test]
async fn streams_that_are_reset_as_fast_as_they_are_opened_cost_their_connection() {
    let (world, target) = world(|_| {}).await;
    let mut tasks = JoinSet::new();
    let client = connection(&world, 65_535, &mut tasks).await;
    let flood = async {
        for opened in 0..100_000 {
            let Ok(mut client) = client.clone().ready().await else {
                return opened;
            };
            let request = Request::post("http://x/v1/chat/completions").body(());
            let Ok((_, mut sender)) = client.send_request(request.unwrap(), false) else {
                return opened;
            };
            sender.send_reset(h2::Reason::CANCEL);
            tokio::task::yield_now().await;
        }
        100_000
    };
    let opened = timeout(PATIENCE, flood).await.unwrap();
    println!("closed after {opened} streams");
    assert!(opened < 20_000, "the connection ends: {opened}");
    serves(&world).await;
    assert_eq!(world.attempts().await.len(), 1, "nothing is left in flight");
    assert_eq!(target.seen().len(), 1, "no target heard of it");
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// `POST /v1/models` to `x`, as HPACK has it.
fn head() -> Vec<u8> {
    let mut head = vec![0x83, 0x86, 0x04, 10];
    head.extend(b"/v1/models");
    head.extend([0x01, 1, b'x']);
    head
}

/// What became of a flood.
#[derive(Debug, PartialEq, Eq)]
enum Flooded {
    /// The server hung up, or reset the connection.
    Closed,
    /// It takes no more.
    Stopped,
    /// It took everything.
    Taken,
}

/// Sends `frames` so many times, and reads nothing unless told to.
async fn flood(world: &World, begin: &[u8], frames: &[u8], times: usize) -> Flooded {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let begin = [PREFACE, &frame(SETTINGS, 0, 0, &[]), begin].concat();
    stream.write_all(&begin).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let closed = async {
        let mut bytes = [0; 4096];
        while reader.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
        Flooded::Closed
    };
    let batch = frames.repeat(100);
    let writing = async {
        for _ in 0..times / 100 {
            match timeout(Duration::from_secs(2), writer.write_all(&batch)).await {
                Err(_) => return Flooded::Stopped,
                Ok(Err(_)) => return Flooded::Closed,
                Ok(Ok(())) => {}
            }
        }
        Flooded::Taken
    };
    let both = async {
        tokio::select! {
            flooded = closed => flooded,
            flooded = writing => flooded,
        }
    };
    timeout(2 * PATIENCE, both).await.unwrap()
}

#[tokio::test]
async fn a_head_without_an_end_is_not_collected() {
    let (world, target) = world(|_| {}).await;
    let begin = frame(HEADERS, 0, 1, &head());
    // A header of a kilobyte that no table keeps, in each frame.
    let header = [&[0x00, 1, b'a', 0x7f, 0x81, 0x07][..], &[b'x'; 1_024]].concat();
    let more = frame(CONTINUATION, 0, 1, &header);
    let flooded = flood(&world, &begin, &more, 100_000).await;
    assert_eq!(flooded, Flooded::Closed, "100 MB of a head");
    let empty = frame(CONTINUATION, 0, 1, &[]);
    let flooded = flood(&world, &begin, &empty, 1_000_000).await;
    assert_eq!(flooded, Flooded::Closed, "a head of empty frames");
    serves(&world).await;
    assert_eq!(target.seen().len(), 1);
}

#[tokio::test]
async fn a_small_head_that_unpacks_to_a_huge_one_is_refused() {
    let (world, target) = world(|_| {}).await;
    // A header of three kilobytes goes into the table; each further byte stands for all of it.
    let kept = [&[0x40, 1, b'a', 0x7f, 0xb9, 0x16][..], &[b'x'; 3_000]].concat();
    let bomb = [head(), kept, vec![0xbe; 12_000]].concat();
    let begin = frame(HEADERS, END_HEADERS, 1, &bomb);
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &begin].concat();
    stream.write_all(&bytes).await.unwrap();
    serves(&world).await;
    assert_eq!(world.proxy.open_requests(), 0, "36 MB from 15 KB");
    assert_eq!(target.seen().len(), 1, "no target hears of it");
    assert_eq!(world.requests().await.len(), 1, "nor do we");
}

#[tokio::test]
async fn floods_of_settings_pings_and_empty_data_keep_nobody_from_being_served() {
    let (world, _target) = world(|_| {}).await;
    let settings = frame(SETTINGS, 0, 0, &[]);
    let ping = frame(PING, 0, 0, &[0; 8]);
    let begin = frame(HEADERS, END_HEADERS, 1, &head());
    let data = frame(DATA, 0, 1, &[]);
    for (name, begin, frames) in [
        ("settings", &[][..], &settings),
        ("pings", &[], &ping),
        ("empty data", &begin, &data),
    ] {
        let flooded = flood(&world, begin, frames, 200_000).await;
        println!("{name}: {flooded:?}");
        serves(&world).await;
    }
    world.requests().await;
}

#[tokio::test]
async fn a_connection_has_a_hundred_streams_and_no_more() {
    let (world, _target) = world(|plan| plan.max_requests = 1_000).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let mut path = vec![0x83, 0x86, 0x04, 20];
    path.extend(b"/v1/chat/completions");
    path.extend([0x01, 1, b'x']);
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    for number in 0..400 {
        // Bodies that never come.
        bytes.extend(frame(HEADERS, END_HEADERS, 2 * number + 1, &path));
    }
    stream.write_all(&bytes).await.unwrap();
    let reached = async {
        while world.proxy.open_requests() < 100 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap();
    serves(&world).await;
    assert_eq!(world.proxy.open_requests(), 100, "the others are refused");
    drop(stream);
    assert_eq!(world.requests().await.len(), 101, "and all end with it");
}
