//! Whether a target can be asked at all: what its provider has no words for, it is not asked.

use super::question::{Question, Whose};
use crate::balance::Rule;
use crate::dialect::Front;
use crate::live::Member;
use crate::provider::manner::Speech;
use crate::wire::Needs;
use crate::wire::needs::is_surely_longer;
use crate::wire::seal::Origin;

/// Why `member` cannot be asked `question`; `None` if it can.
pub(super) fn lack(question: &Question, member: &Member) -> Option<Rule> {
    let lacks = |what: String| Some(Rule::Lacks(what));
    let origin = || Origin::of(member.config.name.provider().as_str());
    match question.whose {
        Whose::Only(whose) if whose != origin() => {
            let what = "what this conversation holds of its provider's";
            return Some(Rule::NotItsOrigin(what.to_owned()));
        }
        Whose::MovedFrom(whose) if whose == origin() => {
            return lacks("chance left to go on with its conversation".to_owned());
        }
        Whose::Anybodys | Whose::Only(_) | Whose::MovedFrom(_) => {}
    }
    let speech = question.speech(member);
    let unsaid = match speech {
        Some(Speech::Native) => None,
        // Nobody is called for it.
        Some(Speech::Estimated) => lacks("counting of tokens".to_owned()),
        None => lacks(format!("{} interface", question.front.label())),
        Some(Speech::Translated) => match question.neutral()? {
            Ok(ask) => {
                let unfit = ask.fit(&member.target).err();
                unfit.and_then(|unfit| lacks(unfit.what))
            }
            Err(misread) => Some(Rule::Unreadable(misread.to_string())),
        },
    };
    unsaid.or_else(|| beyond(question, member, speech == Some(Speech::Native)))
}

/// What the model of `member` is known not to do of what `question` needs. Where nothing is known to be lacking, the
/// request is not looked at.
fn beyond(question: &Question, member: &Member, native: bool) -> Option<Rule> {
    match question.front {
        Front::Chat | Front::Responses | Front::Messages => {}
        Front::Completions | Front::Embeddings | Front::CountTokens | Front::Other => return None,
    }
    let can = &member.capabilities;
    let lacking =
        |can: Option<bool>, needs: fn(Needs) -> bool| can == Some(false) && needs(question.needs());
    let lacks = |what: &str| Some(Rule::Lacks(format!("{what} (see `capabilities`)")));
    if lacking(can.tools, |needs| needs.tools) {
        return lacks("calls of tools");
    }
    if lacking(can.images, |needs| needs.images) {
        return lacks("sight of images");
    }
    // In other words a schema may be said otherwise; whether it can be, the dialect has told.
    if native && lacking(can.json_schema, |needs| needs.json_schema) {
        return lacks("answers by a JSON schema");
    }
    let context = can.context?;
    is_surely_longer(&question.body, context).then_some(Rule::TooLong(context))
}
