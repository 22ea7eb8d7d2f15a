//! Whether fragments of JSON make a whole: brackets counted, texts skipped.

/// How far an object or a list has come.
#[derive(Debug, Default)]
pub(super) struct Balance {
    depth: u32,
    in_text: bool,
    escaped: bool,
    begun: bool,
}

impl Balance {
    /// The next fragment.
    pub(super) fn push(&mut self, fragment: &str) {
        for byte in fragment.bytes() {
            if self.in_text {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_text = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.begun |= !byte.is_ascii_whitespace();
        }
    }

    /// Whether it is whole.
    pub(super) const fn is_done(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_text
    }

    /// Whether it is whole or has not begun.
    pub(super) const fn is_done_or_empty(&self) -> bool {
        !self.begun || self.is_done()
    }
}
