//! A real Redis or Valkey for tests: a process of its own on a free port, which forgets everything when it ends.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The engine.
#[derive(Debug)]
pub(crate) struct Engine {
    process: Child,
    port: u16,
}

impl Engine {
    /// Starts one; `None`, with a line that says so, where the machine has none.
    pub(crate) fn start() -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let Some(process) = spawn(port) else {
            println!("skipped: neither redis-server nor valkey-server is in PATH");
            return None;
        };
        let engine = Self { process, port };
        engine.is_there();
        Some(engine)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again where it was, empty.
    pub(crate) fn again(&mut self) {
        self.process = spawn(self.port).unwrap();
        self.is_there();
    }

    fn is_there(&self) {
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the engine does not listen at port {}", self.port);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn spawn(port: u16) -> Option<Child> {
    let names = ["redis-server", "valkey-server"];
    names.into_iter().find_map(|name| {
        let mut command = Command::new(name);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().ok()
    })
}
