//! Events of a stream, and the number of the block that is open.

use serde_json::{Value, json};

/// Writes events.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The index of the block that is open, or that comes next.
    index: u64,
}

impl Events {
    /// Begins a block.
    pub(super) fn start(&self, block: &Value, out: &mut Vec<u8>) {
        let event = json!({"type": "content_block_start", "index": self.index,
            "content_block": block});
        write("content_block_start", &event, out);
    }

    /// Says more of the block.
    pub(super) fn delta(&self, delta: &Value, out: &mut Vec<u8>) {
        let event = json!({"type": "content_block_delta", "index": self.index, "delta": delta});
        write("content_block_delta", &event, out);
    }

    /// Ends the block.
    pub(super) fn stop(&mut self, out: &mut Vec<u8>) {
        let event = json!({"type": "content_block_stop", "index": self.index});
        write("content_block_stop", &event, out);
        self.index = self.index.saturating_add(1);
    }

    /// A block that is told at once.
    pub(super) fn whole(&mut self, block: &Value, out: &mut Vec<u8>) {
        self.start(block, out);
        self.stop(out);
    }
}

/// Writes the event `name`, whose `type` is the same.
pub(super) fn write(name: &str, event: &Value, out: &mut Vec<u8>) {
    write_bytes(name, event.to_string().as_bytes(), out);
}

/// Writes the event `name` with `data`, JSON on one line.
pub(super) fn write_bytes(name: &str, data: &[u8], out: &mut Vec<u8>) {
    for part in [b"event: ", name.as_bytes(), b"\ndata: ", data, b"\n\n"] {
        out.extend_from_slice(part);
    }
}
