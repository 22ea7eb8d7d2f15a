"""The seed's Python example through Weighbridge, by the official package: only the address and the models' names differ.

Needs WEIGHBRIDGE_URL (`http://…/v2/proxy`), and for the last claim WEIGHBRIDGE_FAILING_URL and WEIGHBRIDGE_FAILING_ADMIN
(an environment whose only target fails). Prints a line for each claim; ends with 1 if one does not hold.
"""

import os
import re
import sys
import traceback
import urllib.request

import openai
from openai import OpenAI

PROMPT = "Write a creative marketing slogan for an eco-friendly coffee brand"
LIST = {
    "orq": {
        "load_balancer": [
            {"model": "sim-fast/large", "weight": 0.4},
            {"model": "sim-steady/large", "weight": 0.8},
        ]
    }
}
PROVIDERS = ("sim-fast", "sim-steady")


def client(base_url):
    return OpenAI(
        api_key=os.environ.get("WEIGHBRIDGE_API_KEY", "none"), base_url=base_url, timeout=60
    )


OURS = client(os.environ["WEIGHBRIDGE_URL"])


def ask(client=OURS, model="openai/gpt-4o", extra_body=LIST, **more):
    return client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": "user", "content": PROMPT}],
        extra_body=extra_body,
        **more,
    )


def check_headers(headers, providers=PROVIDERS):
    assert headers["x-weighbridge-provider"] in providers, headers
    assert headers["x-weighbridge-model"] == "large", headers
    assert headers["x-weighbridge-target"], headers
    assert int(headers["x-weighbridge-attempts"]) >= 1, headers
    assert int(headers["x-weighbridge-config"]) >= 1, headers
    assert len(headers["x-request-id"]) >= 8, headers


def a_list_is_answered():
    raw = ask()
    check_headers(raw.headers)
    answer = raw.parse()
    assert answer.object == "chat.completion", answer
    assert answer.choices[0].message.content, answer
    assert answer.usage.completion_tokens > 0, answer


def a_list_is_answered_streamed():
    raw = ask(stream=True, stream_options={"include_usage": True})
    check_headers(raw.headers)
    words, usage = [], None
    for chunk in raw.parse():
        words += [choice.delta.content or "" for choice in chunk.choices]
        usage = chunk.usage or usage
    assert "".join(words), "the stream has words"
    assert usage is not None and usage.completion_tokens > 0, usage


def a_route_is_answered():
    raw = ask(model="chat", extra_body=None)
    check_headers(raw.headers, PROVIDERS + ("sim-cheap",))
    assert raw.headers["x-weighbridge-route"] == "chat", raw.headers
    assert raw.parse().choices[0].message.content


def the_models_are_listed():
    names = {model.id for model in OURS.models.list()}
    assert {"chat", "summary", "sim-fast/large"} <= names, names


def an_unknown_model_is_a_404_with_the_nearest():
    try:
        ask(model="caht", extra_body=None)
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error.body
        assert error.param == "model", error.body
        assert "chat" in error.message, error.message
        assert error.request_id, "an error has its request's id too"
    else:
        raise AssertionError("expected a NotFoundError")


def a_bad_list_is_a_400_that_names_the_entry():
    bad = {"orq": {"load_balancer": [{"model": "sim-fast/large"}, {"model": "sim-steady/large", "weight": -1}]}}
    try:
        ask(extra_body=bad)
    except openai.BadRequestError as error:
        assert error.code == "invalid_request_error", error.body
        assert re.search(r"load_balancer.*1.*weight", f"{error.param} {error.message}"), error.body
    else:
        raise AssertionError("expected a BadRequestError")


def the_sdk_does_not_retry_what_was_retried():
    url, admin = os.environ["WEIGHBRIDGE_FAILING_URL"], os.environ["WEIGHBRIDGE_FAILING_ADMIN"]
    failing = client(url)
    assert failing.max_retries == 2, "the package would retry twice"
    before = counted(admin, "requests"), counted(admin, "attempts")
    try:
        ask(failing, model="chat", extra_body=None)
    except openai.InternalServerError as error:
        headers = error.response.headers
        assert headers["x-should-retry"] == "false", headers
        attempts = int(headers["x-weighbridge-attempts"])
    else:
        raise AssertionError("expected an InternalServerError")
    assert counted(admin, "requests") - before[0] == 1, "one call is one request"
    assert counted(admin, "attempts") - before[1] == attempts, f"and {attempts} attempts"
    print(f"    one call of the package, one request, {attempts} attempts at the target")


def counted(admin, name):
    with urllib.request.urlopen(f"{admin}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^weighbridge_{name}_total{{.*}} (\S+)$", text, re.M))


CLAIMS = [
    a_list_is_answered,
    a_list_is_answered_streamed,
    a_route_is_answered,
    the_models_are_listed,
    an_unknown_model_is_a_404_with_the_nearest,
    a_bad_list_is_a_400_that_names_the_entry,
    the_sdk_does_not_retry_what_was_retried,
]


def main():
    failed = 0
    for claim in CLAIMS:
        try:
            claim()
            print(f"  ok      {claim.__name__}")
        except Exception:  # a claim that does not hold must not hide the next
            failed += 1
            print(f"  FAILED  {claim.__name__}")
            traceback.print_exc(file=sys.stdout)
    print(f"python (openai {openai.__version__}): {len(CLAIMS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
