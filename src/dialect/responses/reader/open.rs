//! Items of a stream, as blocks.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::super::neutral::{Block, Delta, Dialect, Piece};
use super::super::item;

/// Most items that are open at once, and most parts of one.
const MAX_OPEN: usize = 1024;

/// What an event says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    Text,
    Annotation,
    Refusal,
    Arguments,
    SummaryAdded,
    Summary,
    Thought,
}

impl Said {
    /// What the event of this name (without `response.`) says; `None` where nothing is lost if it is not read.
    pub(super) fn of(name: &str, event: &Value) -> Option<Self> {
        match name {
            "output_item.added" => Some(Self::ItemAdded),
            "output_item.done" => Some(Self::ItemDone),
            "content_part.added" => Some(Self::PartAdded),
            "content_part.done" => Some(Self::PartDone),
            "output_text.delta" => Some(Self::Text),
            "output_text.annotation.added" => Some(Self::Annotation),
            "refusal.delta" => Some(Self::Refusal),
            "function_call_arguments.delta" => Some(Self::Arguments),
            "reasoning_summary_part.added" => {
                let index = event["summary_index"].as_u64();
                index.filter(|index| *index > 0).map(|_| Self::SummaryAdded)
            }
            "reasoning_summary_text.delta" => Some(Self::Summary),
            "reasoning_text.delta" => Some(Self::Thought),
            _ => None,
        }
    }
}

/// The open items and the count of blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    items: BTreeMap<u64, Open>,
    next: u32,
    has_calls: bool,
    /// Whether any item came.
    has_items: bool,
}

/// An item that is open.
#[derive(Debug)]
enum Open {
    Message(BTreeMap<u64, Part>),
    Reasoning {
        block: u32,
        /// Whether its text came as a summary; `None` before the first of it.
        from_summary: Option<bool>,
    },
    Call {
        block: u32,
        has_arguments: bool,
    },
    /// One of a type that is not known here: it counts when it is whole.
    Other,
}

/// A part of a message.
#[derive(Clone, Copy, Debug)]
struct Part {
    block: u32,
    has_text: bool,
    has_annotations: bool,
    ended: bool,
}

type Read = Result<(), &'static str>;

impl Blocks {
    /// Whether something came and nothing is open.
    pub(super) fn are_closed(&self) -> bool {
        self.has_items && self.items.is_empty()
    }

    /// Whether the model calls tools.
    pub(super) const fn has_calls(&self) -> bool {
        self.has_calls
    }

    /// Reads what `event` says.
    pub(super) fn note(&mut self, said: Said, event: &Value, out: &mut Vec<Piece>) -> Read {
        let index = event["output_index"].as_u64().unwrap_or(0);
        let delta = event["delta"].as_str().unwrap_or_default();
        match said {
            Said::ItemAdded => {
                if !self.items.contains_key(&index) {
                    self.open(index, &event["item"], out)?;
                }
                Ok(())
            }
            Said::ItemDone => self.close(index, &event["item"], out),
            Said::PartAdded => self.part(index, event, out).map(drop),
            Said::PartDone => self.part_done(index, event, out),
            Said::Text | Said::Refusal => self.text(said, index, event, out),
            Said::Annotation => self.annotation(index, event, out),
            Said::Arguments => {
                if let Some(Open::Call {
                    block,
                    has_arguments,
                }) = self.items.get_mut(&index)
                    && !delta.is_empty()
                {
                    *has_arguments = true;
                    push(out, *block, Delta::Arguments(delta.to_owned()));
                }
                Ok(())
            }
            Said::SummaryAdded => {
                if let Some(Open::Reasoning {
                    block,
                    from_summary: Some(true),
                }) = self.items.get(&index)
                {
                    push(out, *block, Delta::Text("\n\n".to_owned()));
                }
                Ok(())
            }
            Said::Summary | Said::Thought => self.thought(index, said == Said::Summary, delta, out),
        }
    }

    /// The stream is complete: what is open ends, and if nothing came, `output` has it.
    pub(super) fn end(&mut self, output: &Value, out: &mut Vec<Piece>) -> Read {
        if !self.has_items {
            let items = output.as_array().into_iter().flatten();
            for (index, item) in (0..).zip(items) {
                self.close(index, item, out)?;
            }
        }
        while let Some((index, _)) = self.items.first_key_value() {
            self.close(*index, &Value::Null, out)?;
        }
        Ok(())
    }

    fn begin(&mut self, kind: Block, out: &mut Vec<Piece>) -> u32 {
        let block = self.next;
        self.next = self.next.saturating_add(1);
        out.push(Piece::Begin {
            choice: 0,
            block,
            kind,
        });
        block
    }

    fn open(&mut self, index: u64, item: &Value, out: &mut Vec<Piece>) -> Read {
        if self.items.len() >= MAX_OPEN {
            return Err("more than 1024 open items");
        }
        self.has_items = true;
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let open = match item["type"].as_str() {
            Some("message") => Open::Message(BTreeMap::new()),
            Some("reasoning") => Open::Reasoning {
                block: self.begin(Block::Reasoning, out),
                from_summary: None,
            },
            Some("function_call") => {
                self.has_calls = true;
                let kind = Block::ToolCall {
                    id: text("call_id"),
                    name: text("name"),
                };
                Open::Call {
                    block: self.begin(kind, out),
                    has_arguments: false,
                }
            }
            Some(_) | None => Open::Other,
        };
        self.items.insert(index, open);
        Ok(())
    }

    /// The part that `event` is about; it begins if it has not. `None` if its item is no message.
    fn part(
        &mut self,
        index: u64,
        event: &Value,
        out: &mut Vec<Piece>,
    ) -> Result<Option<&mut Part>, &'static str> {
        let place = event["content_index"].as_u64().unwrap_or(0);
        let is_refusal = event["part"]["type"] == "refusal"
            || event["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("response.refusal"));
        self.part_at(index, place, is_refusal, out)
    }

    fn part_at(
        &mut self,
        index: u64,
        place: u64,
        is_refusal: bool,
        out: &mut Vec<Piece>,
    ) -> Result<Option<&mut Part>, &'static str> {
        if !self.items.contains_key(&index) {
            self.open(index, &json!({"type": "message"}), out)?;
        }
        let has_part = match self.items.get(&index) {
            Some(Open::Message(parts)) if parts.contains_key(&place) => true,
            Some(Open::Message(parts)) if parts.len() >= MAX_OPEN => {
                return Err("a message of more than 1024 parts");
            }
            Some(Open::Message(_)) => false,
            _ => return Ok(None),
        };
        if !has_part {
            let kind = if is_refusal {
                Block::Refusal
            } else {
                Block::Text
            };
            let part = Part {
                block: self.begin(kind, out),
                has_text: false,
                has_annotations: false,
                ended: false,
            };
            if let Some(Open::Message(parts)) = self.items.get_mut(&index) {
                parts.insert(place, part);
            }
        }
        Ok(match self.items.get_mut(&index) {
            Some(Open::Message(parts)) => parts.get_mut(&place).filter(|part| !part.ended),
            _ => None,
        })
    }

    fn text(&mut self, said: Said, index: u64, event: &Value, out: &mut Vec<Piece>) -> Read {
        let text = event["delta"].as_str().unwrap_or_default();
        let Some(part) = self.part(index, event, out)? else {
            return Ok(());
        };
        let logprobs = event["logprobs"].as_array();
        let logprobs = logprobs.filter(|list| said == Said::Text && !list.is_empty());
        if text.is_empty() && logprobs.is_none() {
            return Ok(());
        }
        part.has_text = true;
        let text = text.to_owned();
        let delta = match logprobs {
            Some(list) => Delta::TextWithLogprobs(text, json!({ "content": list })),
            None => Delta::Text(text),
        };
        push(out, part.block, delta);
        Ok(())
    }

    fn annotation(&mut self, index: u64, event: &Value, out: &mut Vec<Piece>) -> Read {
        let annotation = &event["annotation"];
        if let Some(part) = self.part(index, event, out)?
            && annotation.is_object()
        {
            part.has_annotations = true;
            let list = Value::Array(vec![item::nested(annotation)]);
            push(out, part.block, Delta::Annotations(list));
        }
        Ok(())
    }

    fn part_done(&mut self, index: u64, event: &Value, out: &mut Vec<Piece>) -> Read {
        if let Some(part) = self.part(index, event, out)? {
            part.finish(&event["part"], out);
        }
        Ok(())
    }

    fn thought(&mut self, index: u64, is_summary: bool, text: &str, out: &mut Vec<Piece>) -> Read {
        if !self.items.contains_key(&index) {
            self.open(index, &json!({"type": "reasoning"}), out)?;
        }
        if let Some(Open::Reasoning {
            block,
            from_summary,
        }) = self.items.get_mut(&index)
            && !text.is_empty()
            // A server that sends both says the same twice.
            && *from_summary.get_or_insert(is_summary) == is_summary
        {
            push(out, *block, Delta::Text(text.to_owned()));
        }
        Ok(())
    }

    /// The item at `index` is complete: `item` is the whole of it, or null if the server never said.
    fn close(&mut self, index: u64, item: &Value, out: &mut Vec<Piece>) -> Read {
        if !self.items.contains_key(&index) {
            self.open(index, item, out)?;
        }
        if let Some(Open::Message(_)) = self.items.get(&index) {
            let content = item["content"].as_array().into_iter().flatten();
            for (place, part) in (0..).zip(content) {
                let is_refusal = part["type"] == "refusal";
                if let Some(open) = self.part_at(index, place, is_refusal, out)? {
                    open.finish(part, out);
                }
            }
        }
        match self.items.remove(&index) {
            Some(Open::Message(mut parts)) => {
                for part in parts.values_mut() {
                    part.finish(&Value::Null, out);
                }
            }
            Some(Open::Reasoning {
                block,
                from_summary,
            }) => {
                if from_summary.is_none() {
                    let text = whole_thought(item);
                    if !text.is_empty() {
                        push(out, block, Delta::Text(text));
                    }
                }
                if let Some(sealed) = item["encrypted_content"].as_str() {
                    push(out, block, Delta::Sealed(sealed.to_owned()));
                }
                end(out, block);
            }
            Some(Open::Call {
                block,
                has_arguments,
            }) => {
                let arguments = item["arguments"].as_str().unwrap_or_default();
                if !has_arguments && !arguments.is_empty() {
                    push(out, block, Delta::Arguments(arguments.to_owned()));
                }
                end(out, block);
            }
            Some(Open::Other) if item["type"].is_string() => {
                let block = self.begin(Block::Other(Dialect::Responses, item.clone()), out);
                end(out, block);
            }
            Some(Open::Other) | None => {}
        }
        Ok(())
    }
}

impl Part {
    /// The part is complete: `whole` is all of it, or null if the server never said.
    fn finish(&mut self, whole: &Value, out: &mut Vec<Piece>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let text = whole["text"].as_str().or(whole["refusal"].as_str());
        if let Some(text) = text.filter(|text| !self.has_text && !text.is_empty()) {
            push(out, self.block, Delta::Text(text.to_owned()));
        }
        let annotations = whole["annotations"].as_array();
        if let Some(list) = annotations.filter(|list| !self.has_annotations && !list.is_empty()) {
            let list = Value::Array(list.iter().map(item::nested).collect());
            push(out, self.block, Delta::Annotations(list));
        }
        end(out, self.block);
    }
}

/// A thought's text: itself, or else the summary of it.
fn whole_thought(item: &Value) -> String {
    let texts = |key: &str| -> Vec<&str> {
        let list = item[key].as_array().into_iter().flatten();
        list.filter_map(|part| part["text"].as_str()).collect()
    };
    let content = texts("content").concat();
    if content.is_empty() {
        texts("summary").join("\n\n")
    } else {
        content
    }
}

fn push(out: &mut Vec<Piece>, block: u32, delta: Delta) {
    out.push(Piece::Delta {
        choice: 0,
        block,
        delta,
    });
}

fn end(out: &mut Vec<Piece>, block: u32) {
    out.push(Piece::End { choice: 0, block });
}
