//! The same metrics in the older text format, for readers that do not ask for `OpenMetrics`.
//!
//! The two differ in a few lines: the older one has a counter's suffix in its descriptions too, knows no `info` and no
//! units, and has no end mark.
//! Source: <https://github.com/prometheus/docs/blob/main/docs/instrumenting/exposition_formats.md>, 2026-11-29.

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// `OpenMetrics` 1.0. Source: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>,
    /// 2026-11-22.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, which most tools read.
    Text,
}

impl Exposition {
    /// What a reader with this `Accept` header gets: `OpenMetrics` if it is named there.
    pub fn wanted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            _ => Self::Text,
        }
    }

    /// Its media type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// `openmetrics` in the older format.
pub(super) fn older(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            describe(&mut text, help.take(), typed);
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// Writes a metric's description, its name as its series have it.
fn describe(text: &mut String, help: Option<(&str, &str)>, typed: &str) {
    let Some((name, kind)) = typed.split_once(' ') else {
        return;
    };
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        "unknown" => ("", "untyped"),
        other => ("", other),
    };
    let help = help.map_or("", |(_, help)| help);
    for part in ["# HELP ", name, suffix, " ", help, "\n"] {
        text.push_str(part);
    }
    for part in ["# TYPE ", name, suffix, " ", kind, "\n"] {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_have_the_names_of_their_series() {
        let openmetrics = "\
# HELP requests Requests.
# TYPE requests counter
requests_total{code=\"200\"} 3
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le=\"+Inf\"} 1
# HELP build Build.
# TYPE build info
build_info{version=\"1\"} 1
# EOF
";
        let expected = "\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code=\"200\"} 3
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"+Inf\"} 1
# HELP build_info Build.
# TYPE build_info gauge
build_info{version=\"1\"} 1
";
        assert_eq!(older(openmetrics), expected);
    }

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.1";
        for (accept, format) in [
            (None, Exposition::Text),
            (Some("*/*"), Exposition::Text),
            (Some(prometheus), Exposition::OpenMetrics),
        ] {
            assert_eq!(Exposition::wanted(accept), format, "{accept:?}");
        }
    }
}
