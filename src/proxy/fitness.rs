//! Whether a target can be asked at all: what its provider has no words for, it is not asked.

use super::question::Question;
use crate::balance::Rule;
use crate::live::Member;
use crate::provider::manner::Speech;

/// Why `member` cannot be asked `question`; `None` if it can.
pub(super) fn lack(question: &Question, member: &Member) -> Option<Rule> {
    let lacks = |what: String| Some(Rule::Lacks(what));
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
