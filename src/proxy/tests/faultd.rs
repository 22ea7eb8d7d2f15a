//! A target that does on its socket exactly what a test says.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Makes a response of a request.
pub(super) type Reply = Arc<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// What is done once a request has been read.
#[derive(Clone)]
pub(super) enum Act {
    /// Sends this and takes the next request on the same connection.
    Answer(Vec<u8>),
    /// Sends the first of these whose text is in the request, else the other one.
    ByHead(Vec<(String, Vec<u8>)>, Vec<u8>),
    /// Sends this and closes.
    SendAndClose(Vec<u8>),
    /// Sends this and waits until the peer hangs up.
    SendAndHang(Vec<u8>),
    /// Sends these with a pause before each, then takes the next request.
    Trickle(Vec<Vec<u8>>, Duration),
    /// Answers the first request of a connection; reads the second one and hangs up.
    AnswerOnce(Vec<u8>),
    /// Closes the connection with a reset.
    Reset,
    /// Does these in turn, one for each request, whatever its connection.
    Turn(Vec<Act>),
    /// Sends what this makes of the request, head and body.
    Reply(Reply),
}

/// The target.
pub(super) struct Faultd {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    act: Arc<Mutex<Act>>,
    connections: watch::Receiver<usize>,
    hang_ups: watch::Receiver<usize>,
    ended: watch::Receiver<usize>,
    _tasks: JoinSet<()>,
}

impl Faultd {
    pub(super) async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, act) = (Arc::default(), Arc::new(Mutex::new(act)));
        let (count, connections) = watch::channel(0);
        let (gone, hang_ups) = watch::channel(0);
        let (over, ended) = watch::channel(0);
        let script = Script {
            seen: Arc::clone(&seen),
            act: Arc::clone(&act),
            turn: Arc::default(),
            gone: Arc::new(gone),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                let (script, over) = (script.clone(), over.clone());
                open.spawn(async move {
                    script.serve(stream).await;
                    over.send_modify(|count| *count += 1);
                });
            }
        });
        Self {
            address,
            seen,
            act,
            connections,
            hang_ups,
            ended,
            _tasks: tasks,
        }
    }

    pub(super) fn now_do(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    /// The requests that came, head and body.
    pub(super) fn seen(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| String::from_utf8_lossy(request).into_owned())
            .collect()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until so many connections have ended.
    pub(super) async fn connections_ended(&self, many: usize) {
        let mut ended = self.ended.clone();
        ended.wait_for(|count| *count >= many).await.unwrap();
    }

    /// Waits until so many peers have hung up on a hanging answer.
    pub(super) async fn hang_ups(&self, many: usize) {
        let mut hang_ups = self.hang_ups.clone();
        hang_ups.wait_for(|count| *count >= many).await.unwrap();
    }
}

#[derive(Clone)]
struct Script {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    act: Arc<Mutex<Act>>,
    turn: Arc<AtomicUsize>,
    gone: Arc<watch::Sender<usize>>,
}

impl Script {
    fn next_act(&self) -> Act {
        match &*self.act.lock().unwrap() {
            Act::Turn(acts) => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                acts[turn % acts.len()].clone()
            }
            act => act.clone(),
        }
    }

    async fn serve(self, mut stream: TcpStream) {
        let mut served = 0;
        while let Some(request) = read_request(&mut stream).await {
            served += 1;
            let text = String::from_utf8_lossy(&request).into_owned();
            self.seen.lock().unwrap().push(request);
            let act = self.next_act();
            match act {
                Act::Turn(_) => unreachable!("turns are taken one by one"),
                Act::ByHead(answers, other) => {
                    let found = answers.iter().find(|(part, _)| text.contains(part));
                    let answer = found.map_or(&other, |(_, answer)| answer);
                    stream.write_all(answer).await.unwrap_or_default();
                }
                Act::AnswerOnce(_) if served > 1 => return,
                Act::Answer(bytes) | Act::AnswerOnce(bytes) => {
                    stream.write_all(&bytes).await.unwrap_or_default();
                }
                Act::SendAndClose(bytes) => {
                    stream.write_all(&bytes).await.unwrap_or_default();
                    return;
                }
                Act::SendAndHang(bytes) => {
                    stream.write_all(&bytes).await.unwrap_or_default();
                    while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    self.gone.send_modify(|count| *count += 1);
                    return;
                }
                Act::Trickle(pieces, pause) => {
                    for piece in pieces {
                        tokio::time::sleep(pause).await;
                        stream.write_all(&piece).await.unwrap_or_default();
                    }
                }
                Act::Reply(make) => {
                    stream.write_all(&make(&text)).await.unwrap_or_default();
                }
                Act::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
            }
        }
    }
}

/// One request with a content-length, or `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if bytes.len() >= end + 4 + length {
                return Some(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A response with a length.
pub(super) fn response(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The head of a chunked stream of events.
pub(super) const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// One chunk.
pub(super) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// An event with a piece of content.
pub(super) fn piece(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

/// An event without content.
pub(super) const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n";

/// A complete stream that says `texts`.
pub(super) fn stream_of(texts: &[&str]) -> Vec<u8> {
    let mut all = format!("{STREAM_HEAD}{}", chunk(ROLE));
    for text in texts {
        all += &chunk(&piece(text));
    }
    all +=
        &chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    all += &chunk(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\n",
    );
    all += &chunk("data: [DONE]\n\n");
    all += "0\r\n\r\n";
    all.into_bytes()
}

/// A complete unary answer that says `text`.
pub(super) fn answer_of(text: &str) -> Vec<u8> {
    response("200 OK", "application/json", &completion(text))
}

/// Its body.
pub(super) fn completion(text: &str) -> String {
    format!(
        "{{\"id\":\"x\",\"object\":\"chat.completion\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
         \"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":2}}}}"
    )
}
