//! Broken files and what is said of them: place, key, message, hint.

use super::{SMALL, World, bad, compiled};

/// A provider `sim` and what follows it, from line 3 on.
const SIM: &str = "[providers.sim]\nkind = \"simulated\"\n";

/// Place (`line:column key`), part of the message, part of the hint, for one line put after two that are right.
#[rustfmt::skip]
const LINES: &[(&str, &str, &str, &str)] = &[
    ("api_kye = \"x\"", "3:1 providers.sim.api_kye", "unknown key", "did you mean `api_key`?"),
    ("rpm = 5", "3:1 providers.sim.rpm", "not supported by this version", "remove it"),
    ("budget = { at_limit = \"avoid\" }", "3:1 providers.sim.budget", "expected hour_usd, day_usd or month_usd", "month_usd = 500"),
    ("budget = { month_usd = 0 }", "3:24 providers.sim.budget.month_usd", "an amount in dollars from 0.000001", "leave it out"),
    ("budget = { month_usd = \"$5\" }", "3:24 providers.sim.budget.month_usd", "expected a number", "without quotes"),
    ("budget = { month_usd = 5, at_limit = \"stop\" }", "3:38 providers.sim.budget.at_limit", "expected one of \"alert\", \"avoid\", \"refuse\"", ""),
    ("budget = { month_usd = 5, alert_at = [80] }", "3:39 providers.sim.budget.alert_at[0]", "above 0 and up to 10", "0.8 is 80 %"),
    ("budget = { week_usd = 5 }", "3:12 providers.sim.budget.week_usd", "not supported by this version", "remove it"),
    ("models = \"m\"", "3:10 providers.sim.models", "expected a list in square brackets, found \"m\"", ""),
    ("models = [\"a\", \"b\", \"a\"]", "3:21 providers.sim.models[2]", "\"a\" stands twice", "remove one"),
    ("models = [1]", "3:11 providers.sim.models[0]", "expected a text in quotes, found the number 1", ""),
    ("tags = [\"\"]", "3:9 providers.sim.tags[0]", "found an empty one", ""),
    ("discount = 18", "3:12 providers.sim.discount", "expected a fraction from 0 to 1, found the number 18", "0.3 is 30 %"),
    ("enabled = \"no\"", "3:11 providers.sim.enabled", "expected true or false", "without quotes"),
    ("base_url = \"http://x\"", "3:12 providers.sim.base_url", "only with a kind that is called", "another name"),
    ("law = { ttft = 5 }", "3:9 providers.sim.law.ttft", "unknown key", "did you mean `ttft_ms`?"),
    ("law = { ttft_ms = true }", "3:19 providers.sim.law.ttft_ms", "invalid type", ""),
    ("law = 5", "3:7 providers.sim.law", "expected a table, found the number 5", ""),
    ("[server]\nlisten = \"localhost:80\"", "4:10 server.listen", "expected an address and port", "write \"127.0.0.1:80\""),
    ("[server]\nlisten = \":80\"", "4:10 server.listen", "expected an address", "0.0.0.0:80"),
    ("[server]\nlisten = \"0.0.0.0:80\"", "4:10 server.listen", "expected a loopback address, found 0.0.0.0", "server.allow_unauthenticated = true"),
    ("[server]\nmax_body = 33554432", "4:12 server.max_body", "expected a size", "with a unit, as in \"32MiB\""),
    ("[server]\nmax_body = \"9GiB\"", "4:12 server.max_body", "expected a size from 1024 to", ""),
    ("[server]\nmax_buffered = \"16MiB\"", "4:16 server.max_buffered", "server.max_body is 33554432 bytes and server.max_buffered 16777216", "lower max_body"),
    ("[server]\nmax_body = \"64MiB\"\nmax_buffered = \"63MiB\"", "5:16 server.max_buffered", "never finds room", "some times max_body"),
    ("[server]\nhead_timeout = 10", "4:16 server.head_timeout", "expected a time", "with a unit, as in \"15s\""),
    ("[server]\nhead_timeout = \"0s\"", "4:16 server.head_timeout", "expected a time from 1ms to", ""),
    ("[server]\nmax_connections = 0", "4:19 server.max_connections", "whole number from 1 to 1000000, found the number 0", ""),
    ("[server]\nforward_headers = [\"Authorization\"]", "4:20 server.forward_headers[0]", "never passed on", "credential"),
    ("[server]\nforward_headers = [\"a b\"]", "4:20 server.forward_headers[0]", "expected the name of a header", ""),
    ("[admin]\nlisten = \"0.0.0.0:9901\"", "4:10 admin.listen", "expected a loopback address", "admin.allow_remote = true"),
    ("[admin]\ntoken = \"guess-me\"", "4:9 admin.token", "expected a token of at least 16 characters", "openssl rand"),
    ("[admin]\nlisten = \"127.0.0.1:8080\"", "4:10 admin.listen", "address of its own", "another port"),
    ("[server]\nlisten = \"127.0.0.1:9901\"", "4:10 server.listen", "address of its own", "another port"),
    ("[controller]\ntick = \"10ms\"", "4:8 controller.tick", "expected a time from 50ms to 10s, found \"10ms\"", ""),
    ("[controller]\njournal_size = \"1GiB\"", "4:16 controller.journal_size", "bounds a journal, and none is kept", "write journal = \"DIR\" beside it"),
    ("[controler]", "3:2 controler", "unknown key", "did you mean `controller`?"),
    ("[requests]\nstrategy = \"adaptiv\"", "4:12 requests.strategy", "expected one of \"fixed\", \"adaptive\"", "did you mean \"adaptive\"?"),
    ("[defaults.deadlines]\nfirst_tokn = \"8s\"", "4:1 defaults.deadlines.first_tokn", "unknown key", "`first_token`"),
    ("[defaults.retry]\ncount = -1", "4:9 defaults.retry.count", "whole number from 0 to 10, found the number -1", ""),
    ("[defaults.retry]\non_codes = [429, 200]", "4:18 defaults.retry.on_codes[1]", "whole number from 400 to 599", ""),
    ("[defaults.retry]\non_codes = [429, 429]", "4:18 defaults.retry.on_codes[1]", "429 stands twice", "remove one"),
    ("[prices]\n\"smi/m\" = { input = \"$1\", output = \"$1\" }", "4:1 prices.\"smi/m\"", "there is no provider \"smi\"", "did you mean \"sim\"?"),
    ("[prices]\n\"sim/m\" = { input = 0.6, output = \"$1\" }", "4:21 prices.\"sim/m\".input", "expected a price", "with a unit"),
    ("[prices]\n\"sim/m\" = { input = \"$0.0000001\", output = \"$1\" }", "4:21 prices.\"sim/m\".input", "at most 6 decimals", ""),
    ("[prices]\n\"sim/m\" = { input = \"$1\" }", "4:1 prices.\"sim/m\"", "expected `output`", "\"$0\" is a price"),
    ("[prices]\n\"sim/m\" = { input = \"$1\", output = \"$1\", date = \"soon\" }", "4:49 prices.\"sim/m\".date", "expected a day such as 2026-11-23", ""),
    ("[prices]\n\"sim/m\" = { input = \"$1\", output = \"$1\", request = 0.01 }", "4:52 prices.\"sim/m\".request", "expected a price such as \"$0.005 / request\"", "with a unit"),
    ("[prices]\n\"sim/m\" = { input = \"$1\", output = \"$1\", tiers = { big = { input = \"$1\", output = \"$1\" } } }", "4:52 prices.\"sim/m\".tiers.big", "expected the tokens of a prompt", ""),
    ("[prices]\n\"sim/m\" = { input = \"$1\", output = \"$1\", tiers = { 5 = { input = \"$1\" } } }", "4:52 prices.\"sim/m\".tiers.5", "expected `output`", ""),
    ("[prices]\n\"sim/m\" = { input = \"$1\", output = \"$1\", image = \"$1\" }", "4:42 prices.\"sim/m\".image", "not supported", ""),
    ("[prices]\nsim = { input = \"$1\", output = \"$1\" }", "4:1 prices.sim", "expected a name such as", ""),
    ("[providers.b]\nkind = \"azure\"", "3:12 providers.b", "expected `base_url`", "openai.azure.com"),
    ("[providers.b]\nkind = \"bedrock\"", "3:12 providers.b", "expected `region`", "eu-central-1"),
    ("[providers.b]\nkind = \"bedrock\"\nregion = \"eu/central\"", "5:10 providers.b.region", "letters, digits", ""),
    ("[providers.b]\nkind = \"anthropic\"\nregion = \"eu\"", "5:10 providers.b.region", "only with kind = \"bedrock\"", "another name"),
    ("[providers.b]\nkind = \"simulated\"\nspeaks = \"antropic\"", "5:10 providers.b.speaks", "\"openai\", \"anthropic\"", "did you mean \"anthropic\"?"),
    ("[providers.b]\nkind = \"olama\"", "4:8 providers.b.kind", "one of openai", "did you mean \"ollama\"?"),
    ("[providers.b]\nkind = \"openay\"", "4:8 providers.b.kind", "expected one of", "did you mean \"openai\"?"),
    ("[providers.b]", "3:12 providers.b", "expected `kind`, found none", "kind = \"openai\""),
    ("[providers.\"b/c\"]\nkind = \"openai\"", "3:12 providers.\"b/c\"", "character '/' is not allowed", ""),
    ("[providers.b]\nkind = \"openai\"\nbase_url = \"ftp://x\"", "5:12 providers.b.base_url", "http:// or https://", "api.openai.com"),
    ("[providers.b]\nkind = \"openai\"\napi_key = \"env::KEY\"", "5:11 providers.b.api_key", "the name of a variable", "${NAME}"),
    ("capabilities = { tools = 1 }", "3:26 providers.sim.capabilities.tools", "expected true or false", ""),
    ("capabilities = { context = 0 }", "3:28 providers.sim.capabilities.context", "a whole number from 1", ""),
    ("capabilities = { image = true }", "3:18 providers.sim.capabilities.image", "unknown key", "did you mean `images`?"),
    ("deadlines = { total = \"5s\" }", "3:23 providers.sim.deadlines.total", "the whole request", "`attempt` is one call"),
    ("deadlines = { first_tokn = \"5s\" }", "3:15 providers.sim.deadlines.first_tokn", "unknown key", "did you mean `first_token`?"),
    ("[providers.b]\nkind = \"openai\"\nheaders = { Host = \"x\" }", "5:20 providers.b.headers.Host", "host is not for you to set", "each attempt"),
    ("[providers.b]\nkind = \"openai\"\nheaders = { Authorization = \"x\" }", "5:29 providers.b.headers.Authorization", "authorization is not for you", "api_key"),
    ("[providers.b]\nkind = \"openai\"\nheaders = { \"a b\" = \"x\" }", "5:21 providers.b.headers.\"a b\"", "expected the name of a header", ""),
    ("[providers.b]\nkind = \"openai\"\nheaders = { a = 5 }", "5:17 providers.b.headers.a", "expected a text in quotes, found a number", ""),
    ("[providers.b]\nkind = \"openai\"\nheaders = { a = \"x\\ny\" }", "5:17 providers.b.headers.a", "expected one line of visible", ""),
    ("[providers.b]\nkind = \"openai\"\nheaders = { X-A = \"x\", x-a = \"y\" }", "5:30 providers.b.headers.x-a", "stands twice", "remove one"),
    ("[providers.b]\nkind = \"openai\"\norganization = \"org\"\nheaders = { OpenAI-Organization = \"x\" }", "5:16 providers.b.organization", "stands twice", "remove one"),
    ("[providers.b]\nkind = \"groq\"\norganization = \"org\"", "5:16 providers.b.organization", "only with kind = \"openai\"", ""),
    ("[providers.b]\nkind = \"openai\"\napi_keys = []", "5:12 providers.b.api_keys", "expected 1 to 64 credentials, found 0", "leave api_keys out"),
    ("[providers.b]\nkind = \"openai\"\napi_keys = [\"k-one-k\", \"k-one-k\"]", "5:24 providers.b.api_keys[1]", "the same credential stands twice", "remove one"),
    ("[providers.b]\nkind = \"openai\"\napi_keys = [\"ab\", 5]", "5:19 providers.b.api_keys[1]", "a text in quotes or { file", ""),
    ("[providers.b]\nkind = \"openai\"\napi_key = \"ab\"\napi_keys = [\"cd\"]", "6:12 providers.b.api_keys", "either api_key or api_keys", "into the list"),
    ("[providers.b]\nkind = \"openai\"\napi_key = \"${KEY:?ask Ann}\"", "5:11 providers.b.api_key", "variable KEY is not set: ask Ann", ""),
    ("[providers.b]\nkind = \"openai\"\napi_key = { file = \"/none\" }", "5:20 providers.b.api_key.file", "there is no such file", ""),
    ("[keys.team]\nkey = \"x\"", "4:7 keys.team.key", "a key of at least 16 characters", "keys new NAME"),
    ("[server]\nlisten = 2026-01-01", "4:10 server.listen", "expected a text in quotes, found a date", ""),
];

#[test]
fn a_broken_line_is_told_with_place_key_and_hint() {
    let routes = "\n[routes.z]\ntargets.only = { use = \"sim/m\" }\n";
    expect_all(LINES, |line| format!("{SIM}{line}{routes}"));
}

/// The same for a route, from line 3 on.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, &str, &str)] = &[
    ("[routes.c]", "3:9 routes.c", "expected `targets`, found none", "targets.NAME"),
    ("[routes.c.targets]", "3:11 routes.c.targets", "at least one target", "turn every request away"),
    ("[routes.\"a/b\"]\ntargets.x.use = \"sim/m\"", "3:9 routes.\"a/b\"", "character '/' is not allowed", "slash"),
    ("[routes.c]\ntargets.x.use = \"smi/m\"", "4:17 routes.c.targets.x.use", "there is no provider \"smi\"", "did you mean \"sim\"?"),
    ("[routes.c]\ntargets.x.use = \"sim\"", "4:17 routes.c.targets.x.use", "expected \"provider/model\", found \"sim\"", ""),
    ("[routes.c]\ntargets.x.weight = 1", "4:9 routes.c.targets.x", "expected `use`, found none", "use = "),
    ("[routes.c.targets]\na = { use = \"sim/m\" }\nb = { use = \"sim/n\", weight = 1 }", "4:1 routes.c.targets.a", "expected `weight`", "alone in its tier"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", wieght = 1 }", "4:30 routes.c.targets.x.wieght", "unknown key", "did you mean `weight`?"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", weight = 0 }", "4:1 routes.c.targets", "only zeros", "0 drains"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", weight = -1 }", "4:39 routes.c.targets.x.weight", "at least 0, found -1", ""),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", weight = nan }", "4:39 routes.c.targets.x.weight", "finite weight, found NaN", ""),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", weight = inf }", "4:39 routes.c.targets.x.weight", "finite weight, found inf", ""),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", weight = \"70%\" }", "4:39 routes.c.targets.x.weight", "expected a number, found \"70%\"", "without quotes"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", tier = 0 }", "4:37 routes.c.targets.x.tier", "expected a whole number from 1 to 9, found the number 0", ""),
    ("[routes.c.targets]\na = { use = \"sim/m\", tier = 2 }\nb = { use = \"sim/n\", weight = 1, tier = 2 }", "4:1 routes.c.targets.a", "expected `weight`", "alone in its tier"),
    ("[routes.c]\nmix_models = false\ntargets.a = { use = \"sim/m\" }\ntargets.b = { use = \"sim/n\", tier = 2 }", "3:9 routes.c", "n has no target in the lowest tier", "mix_models = true"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", max_share = 0.5 }", "4:1 routes.c.targets", "sum to at least 1, found 50.0 %", "nobody"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", min_share = 0.5, max_share = 0.2 }", "4:42 routes.c.targets.x.min_share", "50.0 % is above max_share 20.0 %", ""),
    ("[routes.c.targets]\na = { use = \"sim/m\", weight = 1, min_share = 0.6 }\nb = { use = \"sim/n\", weight = 1, min_share = 0.6 }", "3:11 routes.c.targets", "sum to at most 1, found 120.0 %", ""),
    ("[routes.c.targets]\na = { use = \"sim/m\", weight = 1 }\nb = { use = \"sim/m\", weight = 1 }", "5:1 routes.c.targets.b", "uses \"sim/m\", as target \"a\" does", "keep one"),
    ("[routes.c]\ntargets.x = { use = \"sim/m\", price = \"free\" }", "4:38 routes.c.targets.x.price", "expected \"prepaid\" or", ""),
    ("[routes.c]\nsticky = \"convresation\"\ntargets.x.use = \"sim/m\"", "4:10 routes.c.sticky", "expected one of \"conversation\", \"user\", \"off\"", "did you mean"),
    ("[routes.c]\nmin_quality = 60\ntargets.x.use = \"sim/m\"", "4:15 routes.c.min_quality", "expected a fraction from 0 to 1, found the number 60", ""),
    ("[routes.c]\nsticky = true\ntargets.x.use = \"sim/m\"", "4:10 routes.c.sticky", "found true", ""),
    ("[routes.c]\nsticky = {}\ntargets.x.use = \"sim/m\"", "4:1 routes.c.sticky", "expected `header`", "header = \"NAME\""),
    ("[routes.c]\nsticky = { haeder = \"x\" }\ntargets.x.use = \"sim/m\"", "4:12 routes.c.sticky.haeder", "unknown key", "did you mean `header`?"),
    ("[routes.c]\nsticky = { header = \"a b\" }\ntargets.x.use = \"sim/m\"", "4:21 routes.c.sticky.header", "expected the name of a header", ""),
    ("[routes.c]\nsticky = { header = \"Host\" }\ntargets.x.use = \"sim/m\"", "4:21 routes.c.sticky.header", "host does not tell one client", "x-tenant-id"),
    ("[routes.c]\ngoal = {}\ntargets.x.use = \"sim/m\"", "4:1 routes.c.goal", "expected a level such as first_token_p95", "objective"),
    ("[routes.c]\ngoal = { then = \"cost\" }\ntargets.x.use = \"sim/m\"", "4:1 routes.c.goal", "expected a level such as first_token_p95", "objective"),
    ("[routes.c]\ngoal = { first_tokn_p95 = \"1s\" }\ntargets.x.use = \"sim/m\"", "4:10 routes.c.goal.first_tokn_p95", "unknown key", "did you mean `first_token_p95`?"),
    ("[routes.c]\ngoal = { first_token_p95 = 1.5 }\ntargets.x.use = \"sim/m\"", "4:28 routes.c.goal.first_token_p95", "expected a time such as", "with a unit"),
    ("[routes.c]\ngoal = { total_p95 = \"2h\" }\ntargets.x.use = \"sim/m\"", "4:22 routes.c.goal.total_p95", "expected a time from 1ms to 900s", ""),
    ("[routes.c]\ngoal = { errors = 0 }\ntargets.x.use = \"sim/m\"", "4:19 routes.c.goal.errors", "above 0 and below 1, found the number 0", "0.005 is 0.5 %"),
    ("[routes.c]\ngoal = { errors = 0.01, then = \"cheap\" }\ntargets.x.use = \"sim/m\"", "4:32 routes.c.goal.then", "expected one of \"balanced\", \"latency\", \"cost\"", ""),
    ("[routes.c]\nobjective = \"latency\"\ngoal = { errors = 0.01, then = \"cost\" }\ntargets.x.use = \"sim/m\"", "4:13 routes.c.objective", "found both", "once the levels are met"),
    ("[routes.c]\ngoal = { errors = 0.01, then = \"cost\", second_is_worth = \"$0.002\" }\ntargets.x.use = \"sim/m\"", "4:32 routes.c.goal.then", "found both", "how much latency and cost count"),
    ("[routes.c]\nobjective = { second_is_worth = 0.002 }\ntargets.x.use = \"sim/m\"", "4:33 routes.c.objective.second_is_worth", "expected an amount such as \"$0.002\"", "with a unit"),
    ("[routes.c]\nobjective = { second_is_worth = \"$0\" }\ntargets.x.use = \"sim/m\"", "4:33 routes.c.objective.second_is_worth", "above $0 and at most $1000", "hour"),
    ("[routes.c]\nobjective = { second_is_worth = \"$1\", cost = 2 }\ntargets.x.use = \"sim/m\"", "4:33 routes.c.objective.second_is_worth", "either second_is_worth or cost", ""),
    ("[routes.c]\nobjective = { statistic = \"p98\" }\ntargets.x.use = \"sim/m\"", "4:27 routes.c.objective.statistic", "expected one of \"mean\", \"p50\"", "did you mean"),
    ("[routes.c]\nfallbacks = [\"c\"]\ntargets.x.use = \"sim/m\"", "4:14 routes.c.fallbacks[0]", "found the route itself", ""),
    ("[routes.chat]\nfallbacks = [\"chta\"]\ntargets.x.use = \"sim/m\"", "4:14 routes.chat.fallbacks[0]", "there is no route \"chta\"", "did you mean \"chat\"?"),
    ("[routes.c]\nfallbacks = [\"smi/m\"]\ntargets.x.use = \"sim/m\"", "4:14 routes.c.fallbacks[0]", "there is no provider \"smi\"", ""),
    ("[routes.c]\nrequire = [\"eu\"]\ntargets.x.use = \"sim/m\"", "3:9 routes.c", "leave no target", "tags"),
    ("[routes.c]\nobjective = \"speed\"\ntargets.x.use = \"sim/m\"", "4:13 routes.c.objective", "expected one of \"balanced\"", ""),
    ("[routes.c]\nobjective = { latency = 0, cost = 0, errors = 0 }\ntargets.x.use = \"sim/m\"", "4:1 routes.c.objective", "only zeros", "fixed"),
    ("[routes.c]\nmode = \"on\"\ntargets.x.use = \"sim/m\"", "4:8 routes.c.mode", "expected one of \"off\", \"shadow\", \"auto\"", ""),
];

#[test]
fn a_broken_route_is_told_with_place_key_and_hint() {
    expect_all(ROUTES, |lines| format!("{SIM}{lines}\n"));
}

/// Checks a family at once: what failed is listed whole.
fn expect_all(cases: &[(&str, &str, &str, &str)], text: impl Fn(&str) -> String) {
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|(lines, place, message, hint)| unmet(&text(lines), place, message, hint))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

fn unmet(text: &str, place: &str, message: &str, hint: &str) -> Option<String> {
    let problems = bad(text);
    let found = problems.iter().any(|problem| {
        place == format!("{}:{} {}", problem.line, problem.column, problem.key)
            && problem.message.contains(message)
            && problem.hint.as_deref().unwrap_or_default().contains(hint)
            && problem.file == "a.toml"
    });
    let expected =
        format!("expected `{place}: {message} ({hint})` for\n{text}\nfound {problems:#?}");
    (!found).then_some(expected)
}

#[test]
fn whole_files_that_say_nothing_are_refused() {
    for (text, message) in [
        ("", "expected providers and routes, found nothing"),
        ("mode = \"auto\"", "at least one `[routes.NAME]`"),
        ("[providers]\n[routes]", "at least one `[providers.NAME]`"),
        (
            "[providers.a]\nkind = \"simulated\"\nenabled = false\n[routes]",
            "at least one `[providers.NAME]`",
        ),
        ("providers = 5", "expected a table, found the number 5"),
        (
            "config_version = 2\n",
            "whole number from 1 to 1, found the number 2",
        ),
    ] {
        let problems = bad(text);
        let found = problems
            .iter()
            .any(|problem| problem.message.contains(message));
        assert!(
            found,
            "expected {message:?} of {text:?}, found {problems:#?}"
        );
    }
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_files() {
    let base = format!("{SMALL}[server]\nmax_body = 5\n");
    let over = "[controller]\ntick = \"1ms\"\nspeed = 1\n[routes.chat]\nstrategy = \"best\"\n";
    let problems = compiled(
        &[("base.toml", &base), ("dev.toml", over)],
        &World::default(),
    )
    .expect_err("four things are wrong");
    let places: Vec<String> = problems
        .iter()
        .map(|it| format!("{}:{}", it.file, it.line))
        .collect();
    assert_eq!(
        places,
        ["base.toml:6", "dev.toml:2", "dev.toml:3", "dev.toml:5"]
    );
    let first = problems
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(
        first.starts_with("base.toml:6:12: server.max_body: expected a size"),
        "a line can be pasted into an editor: {first}"
    );
}

#[test]
fn a_file_with_broken_syntax_brings_no_problems_of_what_is_missing_then() {
    let over =
        "[routes.chat.targets]\nonly = { weight = 3 }\nmore = { use = \"sim/n\", weigth = 1 }\n";
    let problems = compiled(
        &[("base.toml", "[providers.sim\n"), ("dev.toml", over)],
        &World::default(),
    )
    .expect_err("two files are broken");
    let told: Vec<String> = problems
        .iter()
        .map(|it| format!("{}:{} {}", it.file, it.line, it.key))
        .collect();
    assert_eq!(
        told,
        ["base.toml:1 ", "dev.toml:3 routes.chat.targets.more.weigth"],
        "{problems:#?}"
    );
}

#[test]
fn a_disabled_provider_is_named_with_the_place_that_disables_it() {
    let over = "\n[providers.sim]\nenabled = false\n[providers.other]\nkind = \"simulated\"\n";
    let problems = compiled(
        &[("base.toml", SMALL), ("dev.toml", over)],
        &World::default(),
    )
    .expect_err("the route's provider is off");
    let hint = problems
        .first()
        .and_then(|problem| problem.hint.clone())
        .unwrap_or_default();
    assert!(hint.contains("dev.toml:3"), "found {problems:#?}");
}

#[test]
fn thousands_of_mistakes_are_counted_and_not_kept() {
    let routes = (0..5_000).map(|index| format!("[routes.r{index}]\nno = 1\n"));
    let text: String = std::iter::once(SMALL.to_owned()).chain(routes).collect();
    let problems = bad(&text);
    assert!(problems.len() < 300, "found {}", problems.len());
    let last = problems.last().map(ToString::to_string).unwrap_or_default();
    assert!(
        last.contains("more problems"),
        "the rest is counted: {last}"
    );
}

/// What is told of a text of one file, a line each: `line:column: message (hint)`.
fn told(text: &str) -> Vec<String> {
    let line = |it: &crate::config::Problem| {
        let hint = it.hint.as_deref().unwrap_or_default();
        format!("{}:{}: {} ({hint})", it.line, it.column, it.message)
    };
    bad(text).iter().map(line).collect()
}

#[test]
fn what_nobody_closed_is_told_where_it_opens_and_once() {
    let routes = "[routes.z]\ntargets.only = { use = \"sim/m\" }\n";
    for (line, expected) in [
        (
            "tags = [\"eu\"",
            "3:8: broken TOML: the bracket `[` that opens here is not closed (close it with ]; the line reads `tags = [\"***\"`)",
        ),
        (
            "base_url = \"http://127.0.0.1:1",
            "3:12: broken TOML: the text that begins here is not closed by \" on its line (close it with \"; the line reads \
             `base_url = \"***.***.***.***`)",
        ),
        (
            "api_key = \"sk-secret",
            "3:11: broken TOML: the text that begins here is not closed by \" on its line (close it with \"; the line reads \
             `api_key = ***`)",
        ),
        (
            "law = { ttft_ms = 5",
            "3:7: broken TOML: the bracket `{` that opens here is not closed (close it with }; the line reads `law = { *** = 5`)",
        ),
        (
            "models = \"\"\"m",
            "3:10: broken TOML: the text that begins here is not closed by \"\"\" (close it with \"\"\"; the line reads \
             `models = \"\"\"***`)",
        ),
    ] {
        assert_eq!(told(&format!("{SIM}{line}\n{routes}")), [expected]);
    }
}

#[test]
fn a_misspelt_key_is_one_problem_and_not_also_a_missing_one() {
    let routes = "[routes.z]\ntargets.only = { use = \"sim/m\" }\n";
    for (text, place) in [
        (
            format!("[providers.sim]\nknid = \"simulated\"\n{routes}"),
            "2:1",
        ),
        (
            format!("{SIM}[routes.z]\ntarget.only = {{ use = \"sim/m\" }}\n"),
            "4:1",
        ),
        (
            format!("{SIM}[routes.z]\ntargets.only = {{ uses = \"sim/m\" }}\n"),
            "4:18",
        ),
        (
            format!(
                "{SIM}[routes.z.targets]\na = {{ use = \"sim/m\", wieght = 1 }}\nb = {{ use = \"sim/n\", weight = 1 }}\n"
            ),
            "4:22",
        ),
        (
            format!("{SIM}{routes}[prices]\n\"sim/m\" = {{ input = \"$1\", ouptut = \"$1\" }}\n"),
            "6:27",
        ),
        (
            format!("[provders.sim]\nkind = \"simulated\"\n{routes}"),
            "1:2",
        ),
        (
            format!("{SIM}[rotues.z]\ntargets.only = {{ use = \"sim/m\" }}\n"),
            "3:2",
        ),
    ] {
        let told = told(&text);
        let [only] = told.as_slice() else {
            panic!("one problem of\n{text}\nfound {told:#?}");
        };
        assert!(
            only.starts_with(&format!("{place}: unknown key (did you mean")),
            "{only}"
        );
    }
}
