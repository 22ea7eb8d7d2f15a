//! The incidents, each told once: as a scenario that the simulator runs and whose laws the simulated providers obey.

use std::fmt::Write as _;

use weighbridge::sim::Scenario;

/// When the trouble begins, in seconds; long enough for a route to have learned what its targets are like.
pub(super) const FROM: f64 = 12.0;
/// When it ends. The figures need more than the ten seconds over which they take a share.
pub(super) const TO: f64 = 30.0;
/// The end: the figures of a recovery need twenty seconds and the time that it takes.
const SECONDS: f64 = 76.0;
/// Requests a second of each incident; with fewer, the simulator's own figures differ too much from seed to seed.
pub(super) const RPS: f64 = 10.0;
/// Seconds after which a client gives up. Less than the usual thirty, so that silences end within the story.
pub(super) const TIMEOUT: f64 = 10.0;

/// Targets with their weights; the first one falls ill.
pub(super) const TARGETS: [(&str, f64); 3] = [("a", 0.5), ("b", 0.3), ("c", 0.2)];

/// Answers of a fifth of a second: as different from each other as those of real models, and short enough for many of them.
const HEALTHY: [(&str, &str); 4] = [
    ("ttft_ms", "120"),
    ("tpot_ms", "10"),
    ("spread", "0.3"),
    ("error_rate", "0.002"),
];

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// Its share falls to a tenth, and it has it again afterwards.
    ShedAndBack,
    /// It is given what it takes and no more, and has its share again afterwards.
    Capped,
    /// Nobody can be shed: all are asked, and have their shares again afterwards.
    All,
    /// Nothing happens: how long these requests take says whether the machine keeps up.
    Calm,
}

/// One incident.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incident {
    pub(super) name: &'static str,
    /// Keys of the sick target's law that differ, with their values while it is sick and while it is well.
    changes: &'static [(&'static str, &'static str, &'static str)],
    /// Keys of its law that are the same all the time.
    extra: &'static str,
    pub(super) judged: Judged,
    /// New weights of all targets, in the middle of the trouble.
    pub(super) reload: Option<[f64; 3]>,
    /// Its trouble ejects nobody, so that only the few requests that explore show its end: of the simulator's runs one in some
    /// hundred has none in time.
    pub(super) is_seen_late: bool,
    /// Requests that no target can make good may fail.
    pub(super) may_fail: bool,
    rps: f64,
}

/// When the configuration of an incident with new weights is changed.
pub(super) const RELOADED: f64 = 20.0;

const QUIET: Incident = Incident {
    name: "",
    changes: &[],
    extra: "",
    judged: Judged::ShedAndBack,
    reload: None,
    is_seen_late: false,
    may_fail: false,
    rps: RPS,
};

/// All of them.
pub(super) const INCIDENTS: [Incident; 8] = [
    Incident {
        name: "calm",
        judged: Judged::Calm,
        rps: 2.0,
        ..QUIET
    },
    Incident {
        name: "brownout",
        changes: &[("ttft_ms", "960", "120"), ("tpot_ms", "80", "10")],
        is_seen_late: true,
        ..QUIET
    },
    Incident {
        name: "black-hole",
        changes: &[("black_hole", "1", "0")],
        ..QUIET
    },
    Incident {
        name: "stall",
        changes: &[("stall", "0.8", "0")],
        is_seen_late: true,
        may_fail: true,
        ..QUIET
    },
    Incident {
        name: "quota",
        extra: "rate_limit = { rps = [[0, 1000], [12, 1.5], [30, 1000]], burst = 3 }\n",
        judged: Judged::Capped,
        ..QUIET
    },
    Incident {
        name: "errors",
        changes: &[("error_rate", "0.8", "0.002")],
        extra: "error_status = 500\n",
        ..QUIET
    },
    Incident {
        name: "all-down",
        changes: &[("error_rate", "1", "0.002")],
        extra: "error_status = 503\n",
        judged: Judged::All,
        may_fail: true,
        ..QUIET
    },
    Incident {
        name: "reload",
        changes: &[("error_rate", "1", "0.002")],
        extra: "error_status = 500\n",
        reload: Some([0.5, 0.2, 0.3]),
        ..QUIET
    },
];

impl Incident {
    /// The scenario as it is written.
    pub(super) fn scenario(&self) -> Scenario {
        let mut text = format!(
            "name = \"{}\"\nseconds = {SECONDS}\n\
             [load]\nrps = {}\ntokens_in = 20\ntimeout = {TIMEOUT}\n\
             tokens_out = {{ median = 8, spread = 0.5, min = 3, max = 30 }}\n\
             [fault]\ntarget = \"a\"\nfrom = {FROM}\nto = {TO}\n",
            self.name, self.rps
        );
        if let Some([a, b, c]) = self.reload {
            writeln!(
                text,
                "[[reload]]\nat = {RELOADED}\nweights = {{ a = {a}, b = {b}, c = {c} }}"
            )
            .unwrap();
        }
        for (target, weight) in TARGETS {
            let is_sick = target == "a" || self.judged == Judged::All;
            writeln!(text, "[target.{target}]\nweight = {weight}").unwrap();
            text += &self.law(is_sick);
        }
        Scenario::read(&text).unwrap()
    }

    fn law(&self, is_sick: bool) -> String {
        let changes = if is_sick { self.changes } else { &[] };
        let kept = HEALTHY
            .iter()
            .filter(|(key, _)| changes.iter().all(|(changed, ..)| changed != key));
        let mut law = String::new();
        for (key, value) in kept {
            writeln!(law, "{key} = {value}").unwrap();
        }
        for (key, sick, well) in changes {
            writeln!(
                law,
                "{key} = [[0, {well}], [{FROM}, {sick}], [{TO}, {well}]]"
            )
            .unwrap();
        }
        if is_sick {
            law += self.extra;
        }
        law
    }
}
