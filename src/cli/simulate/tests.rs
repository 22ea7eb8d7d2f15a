use clap::Parser as _;

use super::*;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

const WORLD: &str = "name = \"small\"\nseconds = 60\n[load]\nrps = 8\nstreamed = 0.5\n\
                     [target.a]\nweight = 2\nttft_ms = [[0, 400], [20, 2000], [40, 400]]\n\
                     [target.b]\nweight = 1\n[fault]\ntarget = \"a\"\nfrom = 20\nto = 40\n";

/// Runs `simulate` with these words on a folder that holds `world`; what it printed, or what it said.
fn simulated(world: &str, words: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.toml");
    std::fs::write(&path, world).unwrap();
    let words = format!("simulate --scenario {} {words}", path.display());
    let line = Line::try_parse_from(words.split_whitespace()).unwrap();
    let mut out = Vec::new();
    let mut told = tempfile::tempfile().unwrap();
    match run(&line.args, &mut out, &mut told) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(failure) => Err(failure.to_string()),
    }
}

#[test]
fn the_same_arguments_print_the_same_bytes() {
    for format in ["table", "csv", "json"] {
        let words = format!("--policy all --seeds 3 --failover on --format {format}");
        let first = simulated(WORLD, &words).unwrap();
        assert_eq!(
            first,
            simulated(WORLD, &words).unwrap(),
            "whoever computes which cell"
        );
        let others = simulated(WORLD, &format!("{words} --seed0 50")).unwrap();
        assert_ne!(first, others, "other seeds, other figures");
    }
}

#[test]
fn the_document_has_the_documented_form() {
    let text = simulated(WORLD, "--policy adaptive,static --seeds 2 --format json").unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["seeds"], 2);
    let suite = &json["suites"][0];
    let fields = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let figures = [
        "regret",
        "regret_se",
        "error_rate",
        "p50_s",
        "p95_s",
        "p99_s",
        "goodput",
        "cost_index",
        "shed90_s",
        "exposed",
        "recover_s",
        "churn",
        "unfairness",
        "cached_ratio",
    ];
    let policy = &suite["scenarios"][0]["policies"][0];
    assert_eq!(fields(policy)[0], "name");
    assert_eq!(fields(policy)[1..], figures);
    assert_eq!(fields(&suite["summary"][0])[0], "policy");
    assert_eq!(fields(&suite["summary"][0])[1..], figures);
    assert_eq!(suite["scenarios"][0]["name"], "small");
    assert!(policy["regret"].is_number() && policy["shed90_s"].is_number());
    assert!(
        policy["cached_ratio"].is_null(),
        "there are no conversations"
    );
    assert!(
        policy["unfairness"].is_null(),
        "one target is slower for a while"
    );
}

#[test]
fn tables_fit_a_hundred_columns() {
    let world = WORLD.replace("small", "a-world-with-a-long-name-b");
    let words = "--scenario 25-rpm-window --policy all --seeds 2 --replicas 2";
    let text = simulated(&world, words).unwrap();
    for line in text.lines() {
        let width = line.chars().count();
        assert!(width <= 100, "{width} columns: {line}");
    }
    let head = "given: 2 scenarios, seeds 1 to 2, failover off";
    assert!(text.starts_with(head), "{text}");
}

#[test]
fn whatever_cannot_be_run_is_said_in_a_sentence() {
    for (world, words, said) in [
        (
            format!("{WORLD}\n[weather]\nrain = 1"),
            "",
            "unknown field `weather`",
        ),
        (WORLD.replace("rps = 8", "rps = 8\nrpm = 8"), "", "line 5"),
        (WORLD.to_owned(), "--policy adaptive,luck", "found \"luck\""),
        (
            WORLD.to_owned(),
            "--streamed 3",
            "a part from 0 to 1, found 3",
        ),
        (
            WORLD.to_owned(),
            "--scenario 02-brownut",
            "did you mean \"02-brownout\"",
        ),
    ] {
        let problem = simulated(&world, words).unwrap_err();
        assert!(
            problem.contains(said),
            "{words} should say {said:?}: {problem}"
        );
    }
}

#[test]
fn a_line_a_scenario_and_policy_for_spreadsheets() {
    let world = WORLD.replace("\"small\"", "\"small, quick\"");
    let text = simulated(&world, "--policy adaptive,oracle --seeds 1 --format csv").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("suite,scenario,policy,regret,regret_se,error_rate,"));
    assert!(
        lines[1].starts_with("given,\"small, quick\",adaptive,"),
        "{text}"
    );
    assert!(
        lines[2].starts_with("given,\"small, quick\",oracle,0,,"),
        "{text}"
    );
}

/// Runs `simulate` with these words alone.
fn told(words: &str) -> Result<String, String> {
    let words = format!("simulate {words}");
    let line = Line::try_parse_from(words.split_whitespace()).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    run(&line.args, &mut out, &mut tempfile::tempfile().unwrap()).map_err(|e| e.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn random_worlds_are_counted_and_the_worst_can_be_kept_and_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("worst.toml");
    let words = "--random 2 --random-seed 11 --seeds 1 --policy static,equal,oracle --format json";
    let words = format!("{words} --write-worst {}", kept.display());
    let first = told(&words).unwrap();
    assert_eq!(
        first,
        told(&words).unwrap(),
        "the same words, the same bytes"
    );
    let json: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        (&json["worlds"], &json["first_world"]),
        (&2.into(), &11.into())
    );
    let world = json["policies"][0]["worst_world"].as_u64().unwrap();
    let again = format!("--random 1 --random-seed {world} --seeds 1 --policy static --format json");
    let again: serde_json::Value = serde_json::from_str(&told(&again).unwrap()).unwrap();
    let worst = &json["policies"][0]["worst"];
    assert_eq!(
        &again["policies"][0]["regret"], worst,
        "run again by its number"
    );
    let file = format!(
        "--scenario {} --seeds 1 --policy static --format json",
        kept.display()
    );
    let file: serde_json::Value = serde_json::from_str(&told(&file).unwrap()).unwrap();
    let regret = &file["suites"][0]["summary"][0]["regret"];
    assert_eq!(regret, worst, "and from its file, to the digit");
}

#[test]
fn random_worlds_and_scenarios_exclude_each_other() {
    let refused = told("--random 3 --suite base").unwrap_err();
    assert!(refused.contains("cannot be used with"), "{refused}");
}

#[test]
fn pictures_say_who_what_and_when() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new/pictures");
    let words = format!(
        "--policy static,adaptive --seeds 1 --plot {}",
        into.display()
    );
    simulated(WORLD, &words).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(&into)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["small-adaptive.svg", "small-static.svg"]);
    let svg = std::fs::read_to_string(into.join("small-static.svg")).unwrap();
    for words in [
        "small: static, seed 1",
        "Shares of attempts",
        "95th percentile",
        "Failed or past the deadline",
        "fault of a",
        "time, s",
    ] {
        assert!(svg.contains(words), "the picture should say {words:?}");
    }
    assert!(!svg.contains("NaN"), "no corner is nowhere");
}

#[test]
fn a_trace_brings_the_requests_zipped_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..50).map(|i| format!("{i},100,{}\n", 20 + i));
    let text = format!("seconds,tokens_in,tokens_out\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("plain.csv"), &text).unwrap();
    let zipped = std::fs::File::create(folder.path().join("zipped.csv.gz")).unwrap();
    let mut zipped = flate2::write::GzEncoder::new(zipped, flate2::Compression::fast());
    zipped.write_all(text.as_bytes()).unwrap();
    zipped.finish().unwrap();
    let with = |trace: &str| {
        let path = folder.path().join(trace).display().to_string();
        simulated(
            WORLD,
            &format!("--policy static --seeds 1 --format csv --trace {path}"),
        )
    };
    let plain = with("plain.csv").unwrap();
    assert_eq!(plain, with("zipped.csv.gz").unwrap(), "the same requests");
    let drawn = simulated(WORLD, "--policy static --seeds 1 --format csv").unwrap();
    assert_ne!(plain, drawn, "not those of the scenario");
    let load = "rps = 8\n";
    assert!(WORLD.contains(load), "the scenario draws");
    let path = folder.path().join("plain.csv").display().to_string();
    let named = WORLD.replace(load, &format!("trace = \"{path}\"\n"));
    let named = simulated(&named, "--policy static --seeds 1 --format csv").unwrap();
    assert_eq!(plain, named, "named in the file");
    let lost = with("lost.csv").unwrap_err();
    assert!(lost.contains("cannot read the trace"), "{lost}");
    std::fs::write(folder.path().join("odd.csv"), "a,b\n1,2\n").unwrap();
    let odd = with("odd.csv").unwrap_err();
    assert!(odd.contains("odd.csv: line 1: expected a column"), "{odd}");
}

#[test]
fn windows_say_when_the_share_went_and_leave_the_report_as_it_is() {
    let words = "--policy adaptive,static --seeds 2 --format json";
    let plain: serde_json::Value = serde_json::from_str(&simulated(WORLD, words).unwrap()).unwrap();
    let text = simulated(WORLD, &format!("{words} --windows 20")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let lines = json.as_object_mut().unwrap().shift_remove("timelines");
    assert_eq!(json, plain, "the report is the same");
    let lines = lines.unwrap();
    let names = |line: usize| {
        (
            lines[line]["scenario"].clone(),
            lines[line]["policy"].clone(),
        )
    };
    assert_eq!(names(0), ("small".into(), "adaptive".into()));
    assert_eq!(names(1), ("small".into(), "static".into()));
    let share = |line: usize, window: usize| {
        let window = &lines[line]["windows"][window];
        assert!(window["first_p50_s"].is_number() && window["p95_s"].is_number());
        window["shares"]["a"].as_f64().unwrap()
    };
    assert_eq!(lines[0]["windows"].as_array().unwrap().len(), 3, "60 s");
    assert!(share(0, 1) < 0.6 * share(0, 0), "slow: its share goes");
    assert!(share(1, 1) > 0.8 * share(1, 0), "under `static` it stays");
}

#[test]
fn windows_without_a_place_or_a_length_are_refused_in_words() {
    for (words, problem) in [
        ("--windows 20", "expected `--format json`"),
        (
            "--windows 0 --format json",
            "expected 0.1 seconds or more, found 0",
        ),
        ("--windows nan --format json", "found NaN"),
    ] {
        let said = simulated(WORLD, words).unwrap_err();
        assert!(said.contains(problem), "{words} said {said}");
    }
}
