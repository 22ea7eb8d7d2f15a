//! Whether a target can be asked at all: what its provider has no words for, it is not asked.

use super::question::{Question, Whose};
use crate::balance::Rule;
use crate::live::Member;
use crate::provider::manner::Speech;
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
    match question.speech(member) {
        Some(Speech::Native) => None,
        // Nobody is called for it.
        Some(Speech::Estimated) => lacks("counting of tokens".to_owned()),
        None => lacks(format!("{} interface", question.front.label())),
        Some(Speech::Translated) => match question.neutral()? {
            Ok(ask) => {
                let unfit = ask.fit(member.provider.manner.target()).err();
                unfit.and_then(|unfit| lacks(unfit.what))
            }
            Err(misread) => Some(Rule::Unreadable(misread.to_string())),
        },
    }
}
