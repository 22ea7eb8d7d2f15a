//! What is sent.

use std::sync::Arc;

use serde_json::json;

use super::register::Alert;
use super::telling::shared_id;
use crate::config::{AlertKind, WebhookFormat};
use crate::model::minute_of;

/// Who tells.
#[derive(Clone, Debug)]
pub(super) struct Teller {
    pub(super) environment: Arc<str>,
    /// Its name among the replicas, where there are others: each tells what it sees.
    pub(super) replica: Option<Arc<str>>,
}

/// The body for a webhook, of an alert.
pub(super) fn body(format: WebhookFormat, teller: &Teller, alert: &Alert) -> String {
    let state = if alert.resolved.is_some() {
        "resolved"
    } else {
        "firing"
    };
    let is_of_all = teller.replica.is_some() && alert.kind == AlertKind::Budget;
    let shared = shared_id(&alert.id).filter(|_| is_of_all);
    match format {
        WebhookFormat::Json => json!({
            // Another replica may say that it is over.
            "id": shared.unwrap_or(&alert.id),
            "state": state,
            "kind": alert.kind.label(),
            "subject": alert.subject,
            "message": alert.message,
            "since": alert.since.as_secs_f64(),
            "resolved": alert.resolved.map(crate::model::Time::as_secs_f64),
            "environment": &*teller.environment,
            "replica": teller.replica.as_deref(),
            "source": "weighbridge",
        })
        .to_string(),
        WebhookFormat::Slack => json!({ "text": text(teller, alert, state) }).to_string(),
    }
}

/// Two lines for people.
fn text(teller: &Teller, alert: &Alert, state: &str) -> String {
    let environment = &teller.environment;
    let replica = match &teller.replica {
        Some(name) => format!(", replica {name}"),
        None => String::new(),
    };
    let when = match alert.resolved {
        Some(resolved) => format!("{} to {}", minute_of(alert.since), minute_of(resolved)),
        None => format!("since {}", minute_of(alert.since)),
    };
    let line = format!(
        "*{state}: {} {}* (weighbridge {environment}{replica}, {when})\n{}",
        alert.kind.label(),
        alert.subject,
        alert.message
    );
    escaped(&line)
}

/// The three characters that Slack reads as its own.
/// Source: <https://docs.slack.dev/messaging/formatting-message-text#escaping>, 2026-11-29.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AlertKind;
    use crate::model::Time;

    fn alert(resolved: Option<Time>) -> Alert {
        Alert {
            id: "ejected:a/m@1".to_owned(),
            kind: AlertKind::Ejected,
            subject: "a/m".to_owned(),
            message: "it is out: 3 > 2 & no more".to_owned(),
            since: Time::from_secs_f64(1_796_081_400.0),
            resolved,
        }
    }

    fn teller(replica: Option<&str>) -> Teller {
        Teller {
            environment: "live".into(),
            replica: replica.map(Into::into),
        }
    }

    #[test]
    fn a_document_has_all_fields() {
        let body = body(WebhookFormat::Json, &teller(None), &alert(None));
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(read["state"], "firing");
        assert_eq!(read["kind"], "ejected");
        assert_eq!(read["environment"], "live");
        assert_eq!(read["resolved"], serde_json::Value::Null);
        assert_eq!(read["replica"], serde_json::Value::Null);
    }

    #[test]
    fn one_of_several_says_which_it_is() {
        let (teller, alert) = (teller(Some("pod-3")), alert(None));
        let read: serde_json::Value =
            serde_json::from_str(&body(WebhookFormat::Json, &teller, &alert)).unwrap();
        assert_eq!(read["replica"], "pod-3");
        let text = body(WebhookFormat::Slack, &teller, &alert);
        assert!(
            text.contains("(weighbridge live, replica pod-3, since"),
            "{text}"
        );
    }

    #[test]
    fn slack_reads_a_text_without_marks_of_its_own() {
        let over = alert(Some(Time::from_secs_f64(1_796_081_460.0)));
        let body = body(WebhookFormat::Slack, &teller(None), &over);
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            read["text"],
            "*resolved: ejected a/m* (weighbridge live, 2026-11-30 23:30 UTC to 2026-11-30 23:31 UTC)\n\
             it is out: 3 &gt; 2 &amp; no more"
        );
    }
}
