//! Whether a target can be asked at all: what its provider has no words for, it is not asked.

use super::allowed::anew;
use super::question::{Question, Whose};
use super::reply::Reject;
use crate::balance::{Demand, Mask, Rule, check_eligible};
use crate::dialect::Front;
use crate::live::Member;
use crate::provider::manner::Speech;
use crate::wire::needs::is_surely_longer;
use crate::wire::seal::Origin;
use crate::wire::{Code, Needs};

/// Why `member` cannot be asked `question`; `None` if it can.
pub(super) fn lack(question: &Question, member: &Member) -> Option<Rule> {
    if let Some(rule) = unmet(question, member) {
        return Some(rule);
    }
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

/// What the key that `question` came with requires and `member` has not.
pub(super) fn unmet(question: &Question, member: &Member) -> Option<Rule> {
    let client = question.client.as_ref()?;
    let demand = Demand {
        require: &client.key.require,
        forbid: &[],
    };
    check_eligible(&member.tags, &[demand]).err()
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

/// The answer when no target is left, of which `nobody` is the beginning (`no target of the list may`): a request that nobody
/// can read is the client's mistake.
pub(super) fn nobody_of<'n>(
    question: &Question,
    nobody: &str,
    broken: &[Rule],
    names: impl IntoIterator<Item = &'n str>,
) -> Reject {
    let unreadable = broken
        .iter()
        .any(|rule| matches!(rule, Rule::Unreadable(_)));
    if let (true, Some(Err(misread))) = (unreadable, question.neutral()) {
        let at = misread.at.clone();
        let reject = Reject::new(Code::InvalidRequestError, misread.to_string()).final_word();
        return if at.is_empty() {
            reject
        } else {
            reject.about(&at)
        };
    }
    let too_long = |rule: &Rule| matches!(rule, Rule::TooLong(_));
    let code = if broken.iter().any(too_long) {
        // Clients that shorten their conversations do so by this code.
        Code::ContextLengthExceeded
    } else {
        Code::NoEligibleTarget
    };
    let told: Vec<String> = names
        .into_iter()
        .zip(broken)
        .take(8)
        .map(|(name, rule)| format!("{name}: {rule}"))
        .collect();
    let message = format!("{nobody} serve this request ({})", told.join("; "));
    Reject::new(code, message).final_word()
}

/// Whether only one provider may be asked.
pub(super) const fn belongs(question: &Question) -> bool {
    matches!(question.whose, Whose::Only(_))
}

/// Who is eligible; nobody, where the fallbacks may have somebody: of a pool without the provider that a conversation
/// belongs to, and of one in which somebody is left out for want of a budget.
pub(super) fn none_if_others_may(
    question: &Question,
    found: Result<Mask, Vec<Rule>>,
) -> Result<Mask, Vec<Rule>> {
    match found {
        Err(broken) if belongs(question) || anew(&broken).is_some() => Ok(Mask::NONE),
        found => found,
    }
}
