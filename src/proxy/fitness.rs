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
        Some(Speech::Translated) => {
            let (client, request) = (question.client()?, question.neutral()?);
            let request = match request {
                Ok(request) => request,
                Err(misread) => return Some(Rule::Unreadable(misread.to_string())),
            };
            let target = member.provider.manner.target();
            let unfit = client
                .fit_elsewhere(request, target.dialect())
                .and_then(|()| target.fit(request));
            unfit.err().and_then(|unfit| lacks(unfit.what))
        }
    }
}
