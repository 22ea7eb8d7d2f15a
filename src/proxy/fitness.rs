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
        Some(Speech::Translated) => match question.neutral()? {
            Ok(ask) => {
                let unfit = ask.fit(member.provider.manner.target()).err();
                unfit.and_then(|unfit| lacks(unfit.what))
            }
            Err(misread) => Some(Rule::Unreadable(misread.to_string())),
        },
    }
}
