"""Messages by the official `anthropic` package, unchanged, from simulated providers of every language.

Needs WEIGHBRIDGE_DIALECTS_URL (`http://…`, a daemon with tests/clients/config/dialects.toml). Only the address and the
models' names differ from a program that calls Anthropic.
"""

import json
import os

import anthropic
from anthropic import Anthropic

from claims import (
    ALL, DESCRIPTION, LANGUAGES, PARAMETERS, PROMPT, ROUTES, SYSTEM, TOOL, Weather, check_call, check_own_words, check_served,
    main, numbered, raises, same,
)

OURS = Anthropic(api_key="none", base_url=os.environ["WEIGHBRIDGE_DIALECTS_URL"], timeout=60)
MESSAGES = [{"role": "user", "content": PROMPT}]
TOOLS = [{"name": TOOL, "description": DESCRIPTION, "input_schema": PARAMETERS}]
REQUIRED = {"tools": TOOLS, "tool_choice": {"type": "any"}}


def asked(route, number=1, **more):
    """The arguments of a request."""
    return {
        "model": route,
        "max_tokens": 9,
        "system": SYSTEM,
        "messages": MESSAGES,
        "extra_headers": numbered(number),
    } | more


def ask(route, number=1, **more):
    return OURS.messages.create(**asked(route, number, **more))


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def call_of(message):
    return next(block for block in message.content if block.type == "tool_use")


def check_usage(usage):
    assert usage.input_tokens > 0 and usage.output_tokens > 0, usage


def a_message_is_answered(route):
    raw = OURS.messages.with_raw_response.create(**asked(route))
    check_served(raw.headers, route)
    answer = raw.parse()
    same("type", answer.type, "message")
    same("role", answer.role, "assistant")
    assert answer.id and answer.model, answer
    assert answer._request_id, "the request's id is where the package looks for it"
    same("blocks", [block.type for block in answer.content], ["text"])
    assert text_of(answer).strip(), "an answer has words"
    same("stop_reason", answer.stop_reason, "max_tokens")
    same("output_tokens", answer.usage.output_tokens, 9)
    check_usage(answer.usage)


def a_stream_says_what_the_whole_answer_says(route):
    whole = ask(route, number=7)
    with OURS.messages.stream(**asked(route, number=7)) as stream:
        kinds, text = [], ""
        for event in stream:
            kinds.append(event.type)
            text += event.text if event.type == "text" else ""
        final = stream.get_final_message()
    same("events", [kinds[0], kinds[-2], kinds[-1]], ["message_start", "message_delta", "message_stop"])
    assert final.id and final.model, final
    same("final text", text_of(final), text)
    same("text", text, text_of(whole))
    same("stop_reason", final.stop_reason, whole.stop_reason)
    same("output_tokens", final.usage.output_tokens, whole.usage.output_tokens)
    check_usage(final.usage)


def the_events_are_those_of_anthropic(route):
    events = list(ask(route, stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    same("kinds", set(kinds[2:-3]), {"content_block_delta"})
    frame = ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
    same("frame", kinds[:2] + kinds[-3:], frame)
    same("delta", [e.delta.stop_reason for e in events if e.type == "message_delta"], ["max_tokens"])


def a_tool_is_called(route):
    answer = ask(route, max_tokens=200, **REQUIRED)
    same("stop_reason", answer.stop_reason, "tool_use")
    call = call_of(answer)
    assert call.id, call
    check_call(call.name, call.input)
    check_usage(answer.usage)


def a_tool_is_called_in_a_stream(route):
    whole = call_of(ask(route, number=5, max_tokens=200, **REQUIRED))
    with OURS.messages.stream(**asked(route, number=5, max_tokens=200, **REQUIRED)) as stream:
        pieces = "".join(event.partial_json for event in stream if event.type == "input_json")
        final = stream.get_final_message()
    same("stop_reason", final.stop_reason, "tool_use")
    call = call_of(final)
    assert call.id, call
    found = check_call(call.name, call.input)
    same("pieces", check_call(TOOL, pieces), found)
    same("arguments", found, check_call(whole.name, whole.input))


def a_tools_result_is_answered(route):
    first = ask(route, max_tokens=200, **REQUIRED)
    result = {"type": "tool_result", "tool_use_id": call_of(first).id, "content": json.dumps({"degrees": 21})}
    messages = MESSAGES + [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    answer = ask(route, messages=messages, tools=TOOLS, tool_choice={"type": "none"})
    same("stop_reason", answer.stop_reason, "max_tokens")
    assert text_of(answer).strip()


def a_schema_is_kept(route):
    answer = OURS.messages.parse(**asked(route, max_tokens=200), output_format=Weather)
    assert isinstance(answer.parsed_output, Weather), answer


def tokens_are_counted(route):
    ask_count = {"model": route, "system": SYSTEM, "messages": MESSAGES}
    short = OURS.messages.count_tokens(**ask_count).input_tokens
    assert short > 0
    longer = OURS.messages.count_tokens(**ask_count | {"messages": [{"role": "user", "content": PROMPT * 20}]})
    assert longer.input_tokens > 5 * short, f"twenty times the words: {short}, then {longer.input_tokens}"
    with_tools = OURS.messages.count_tokens(**ask_count, tools=TOOLS).input_tokens
    assert with_tools > short, "tools are tokens too"


def a_conversation_with_a_picture_is_answered(route):
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": dot}}
    messages = MESSAGES + [
        {"role": "assistant", "content": "Mild."},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, picture]},
    ]
    assert text_of(ask(route, messages=messages)).strip()


def all_providers_of_a_route_serve(route):
    served = set()
    for number in range(20):
        raw = OURS.messages.with_raw_response.create(**asked(route, number))
        served.add(check_served(raw.headers, route))
        assert text_of(raw.parse()).strip()
    same("who served", served, {f"sim-{language}" for language in LANGUAGES})


# === errors ===


def check_error(error, kind):
    same("body", error.body["type"], "error")
    same("type", error.body["error"]["type"], kind)
    assert error.body["error"]["message"], error.body
    assert error.request_id, "an error has its request's id where the package looks for it"


def a_limit_is_a_rate_limit_error(language):
    once = OURS.with_options(max_retries=0)
    error = raises(anthropic.RateLimitError, once.messages.create, **asked(f"limited-{language}/large"))
    check_error(error, "rate_limit_error")


def a_broken_provider_is_an_internal_server_error(language):
    error = raises(anthropic.InternalServerError, ask, f"broken-{language}/large")
    check_error(error, "api_error")
    same("x-should-retry", error.response.headers["x-should-retry"], "false")


def a_mistake_of_the_client_is_a_bad_request_error(language):
    error = raises(anthropic.BadRequestError, ask, f"refusing-{language}/large")
    check_error(error, "invalid_request_error")
    check_own_words(error)


def a_stream_that_breaks_off_raises(language):
    begun = ""
    try:
        with OURS.messages.stream(**asked(f"cut-{language}/large")) as stream:
            for text in stream.text_stream:
                begun += text
    except anthropic.APIStatusError as error:
        assert begun, f"some of it came before: {error}"
        same("type", error.body["error"]["type"], "api_error")
        return
    raise AssertionError(f"half an answer passed as whole: {begun!r}")


def an_unknown_model_is_a_not_found_error(_):
    error = raises(anthropic.NotFoundError, ask, "to-opnai")
    check_error(error, "not_found_error")
    assert "to-openai" in error.message, f"the nearest name: {error.message}"


def a_wrong_value_is_a_bad_request_error(route):
    error = raises(anthropic.BadRequestError, ask, route, messages=[{"role": "nobody", "content": PROMPT}])
    check_error(error, "invalid_request_error")
    assert "messages" in error.message, error.body


# What passes as it came is for the provider to judge.
TRANSLATED = [route for route in ROUTES if route != "to-anthropic"]
CLAIMS = [
    (a_message_is_answered, ALL),
    (a_stream_says_what_the_whole_answer_says, ALL),
    (the_events_are_those_of_anthropic, ALL),
    (a_tool_is_called, ALL),
    (a_tool_is_called_in_a_stream, ALL),
    (a_tools_result_is_answered, ALL),
    (a_schema_is_kept, ALL),
    (tokens_are_counted, ALL),
    (a_conversation_with_a_picture_is_answered, ALL),
    (all_providers_of_a_route_serve, ["mixed"]),
    (a_limit_is_a_rate_limit_error, LANGUAGES),
    (a_broken_provider_is_an_internal_server_error, LANGUAGES),
    (a_mistake_of_the_client_is_a_bad_request_error, LANGUAGES),
    (a_stream_that_breaks_off_raises, LANGUAGES),
    (an_unknown_model_is_a_not_found_error, ["to-openai"]),
    (a_wrong_value_is_a_bad_request_error, TRANSLATED),
]

if __name__ == "__main__":
    main(f"anthropic {anthropic.__version__}, every language", CLAIMS)
