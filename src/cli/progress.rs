//! A bar on a terminal while something takes long. Nobody misses it where it cannot be written.

use std::io::{IsTerminal as _, Write as _};

/// Columns of the bar.
const WIDTH: usize = 40;
/// Columns of what stands behind it.
const BEHIND: usize = 24;
/// Below, reading is over before a bar would be seen.
const WORTH_IT: u64 = 16 << 20;

/// One line that is written over; empty in the end.
pub(super) fn line(done: u64, all: u64, unit: &str) -> String {
    if done >= all {
        return format!("\r{}\r", " ".repeat(WIDTH + BEHIND));
    }
    let bar: String = (0..WIDTH)
        .map(|column| {
            let is_full =
                (column as u64 + 1).saturating_mul(all) <= done.saturating_mul(WIDTH as u64);
            if is_full { '#' } else { ' ' }
        })
        .collect();
    format!("\r[{bar}] {done} of {all}{unit}\r")
}

/// How much of some files has been read, shown on standard error.
#[derive(Debug)]
pub(super) struct Reading {
    all: u64,
    done: u64,
    /// When it is shown next; never where there is no terminal.
    next: u64,
}

// === impl Reading ===

impl Reading {
    /// Of so many bytes.
    pub(super) fn of(all: u64) -> Self {
        let shown = all >= WORTH_IT && std::io::stderr().is_terminal();
        Self {
            all,
            done: 0,
            next: if shown { 0 } else { u64::MAX },
        }
    }

    /// So many more were read.
    pub(super) fn add(&mut self, bytes: usize) {
        self.done = self.done.saturating_add(bytes as u64);
        if self.done >= self.next {
            self.next = self.done + self.all / 200;
            self.show(self.done.min(self.all.saturating_sub(1)));
        }
    }

    fn show(&self, done: u64) {
        let mut to = std::io::stderr();
        let line = line(done >> 20, self.all >> 20, " MiB");
        drop(to.write_all(line.as_bytes()).and_then(|()| to.flush()));
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.next != u64::MAX {
            self.show(self.all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_up_and_is_gone_in_the_end() {
        assert_eq!(
            line(5, 20, " MiB"),
            format!("\r[{}{}] 5 of 20 MiB\r", "#".repeat(10), " ".repeat(30))
        );
        assert_eq!(line(20, 20, "").trim(), "");
        assert_eq!(line(0, 0, "").trim(), "");
    }
}
