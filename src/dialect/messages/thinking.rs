//! How much the model is to think: `thinking` and `output_config.effort`.

use super::super::chat::without_nulls;
use super::super::json::Object;
use super::super::neutral::{Extra, Misread, Thinking};

/// Takes what is said of thinking. `config` is `output_config`; an effort stays there for a model that is not to think, for
/// which it is how much the model says. A kind of thinking that is not known stays in `extra` as it came.
pub(super) fn read(
    object: &mut Object,
    config: Option<&mut Object>,
    extra: &mut Extra,
) -> Result<Option<Thinking>, Misread> {
    let Some(mut thinking) = object.object("thinking")? else {
        let effort = read_effort(config)?;
        return Ok(effort.map(|effort| Thinking {
            effort: Some(effort),
            ..Thinking::default()
        }));
    };
    let kind = thinking.need_text("type")?;
    let budget = match kind.as_str() {
        "enabled" => thinking.count("budget_tokens")?,
        "adaptive" => None,
        "disabled" => Some(0),
        _ => {
            let mut whole = Extra::new();
            whole.insert("type".to_owned(), kind.into());
            whole.extend(thinking.rest());
            extra.insert("thinking".to_owned(), whole.into());
            return Ok(None);
        }
    };
    let effort = match budget {
        Some(0) => None,
        Some(_) | None => read_effort(config)?,
    };
    let summary = thinking.text("display")?.map(|word| match word.as_str() {
        "summarized" => "auto".to_owned(),
        "omitted" => "none".to_owned(),
        _ => word,
    });
    for (key, value) in without_nulls(thinking.rest()) {
        extra.insert(format!("thinking.{key}"), value);
    }
    Ok(Some(Thinking {
        effort,
        budget,
        summary,
    }))
}

/// Takes the effort. `max` is the neutral form's `xhigh`: the most that there is.
fn read_effort(config: Option<&mut Object>) -> Result<Option<String>, Misread> {
    let effort = config.map(|config| config.text("effort")).transpose()?;
    Ok(effort.flatten().map(|word| match word.as_str() {
        "max" => "xhigh".to_owned(),
        _ => word,
    }))
}
