//! From a name in a request to what is called that, or to the sentence that nothing is.

use super::reply::Reject;
use crate::live::{Member, Snapshot};
use crate::model::UpstreamName;
use crate::wire::Code;

/// The target that `text` names as `provider/model`.
pub(super) fn member(snapshot: &Snapshot, text: &str, param: &str) -> Result<Member, Reject> {
    let found = UpstreamName::new(text)
        .ok()
        .and_then(|name| snapshot.member(&name));
    found.ok_or_else(|| {
        if snapshot.route(text).is_some() {
            let message =
                format!("{text:?} is a route; expected a target here, as \"provider/model\"");
            return Reject::new(Code::InvalidRequestError, message)
                .about(param)
                .final_word();
        }
        unknown(snapshot, text).about(param)
    })
}

/// The answer to a name that nobody here has, with those that look like it.
pub(super) fn unknown(snapshot: &Snapshot, text: &str) -> Reject {
    let shown: String = text.chars().take(100).collect();
    let near = nearest(snapshot, text);
    let hint = if near.is_empty() {
        "; GET /v1/models lists what there is".to_owned()
    } else {
        format!("; did you mean {}?", near.join(" or "))
    };
    let message = format!("no route and no target is called {shown:?}{hint}");
    Reject::new(Code::ModelNotFound, message).final_word()
}

/// Up to three names that are alike, best first.
fn nearest(snapshot: &Snapshot, text: &str) -> Vec<String> {
    let routes = snapshot.routes.iter().map(|route| route.label.to_string());
    let upstreams = snapshot.config.upstreams.keys().map(ToString::to_string);
    let mut alike: Vec<(f64, String)> = routes
        .chain(upstreams)
        .map(|name| (strsim::jaro_winkler(text, &name), name))
        .filter(|(likeness, _)| *likeness > 0.75)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    alike.truncate(3);
    alike
        .into_iter()
        .map(|(_, name)| format!("{name:?}"))
        .collect()
}
