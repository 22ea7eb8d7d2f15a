"""Chat completions, legacy completions, Responses and embeddings by the official `openai` package, unchanged, from simulated
providers of every language.

Needs WEIGHBRIDGE_DIALECTS_URL (`http://…`, a daemon with tests/clients/config/dialects.toml). Only the address and the
models' names differ from a program that calls OpenAI.
"""

import json
import os

import openai
from openai import OpenAI

from claims import (
    ALL, DESCRIPTION, LANGUAGES, PARAMETERS, PROMPT, ROUTES, SYSTEM, TOOL, Weather, check_call, check_own_words, check_served,
    main, numbered, raises, same,
)

OURS = OpenAI(api_key="none", base_url=os.environ["WEIGHBRIDGE_DIALECTS_URL"] + "/v1", timeout=60)
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]
CHAT_TOOL = {
    "type": "function",
    "function": {"name": TOOL, "description": DESCRIPTION, "parameters": PARAMETERS},
}
RESPONSES_TOOL = {
    "type": "function",
    "name": TOOL,
    "description": DESCRIPTION,
    "parameters": PARAMETERS,
    "strict": True,
}
REQUIRED = {"tools": [CHAT_TOOL], "tool_choice": "required"}

# === chat completions ===


def chat(route, number=1, messages=MESSAGES, **more):
    return OURS.chat.completions.create(model=route, messages=messages, extra_headers=numbered(number), **more)


def check_usage(usage):
    assert usage is not None, "the tokens are counted"
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage
    same("total_tokens", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)


def a_chat_is_answered(route):
    raw = OURS.chat.completions.with_raw_response.create(model=route, messages=MESSAGES, extra_headers=numbered(1))
    check_served(raw.headers, route)
    answer = raw.parse()
    same("object", answer.object, "chat.completion")
    assert answer.id and answer.created > 0 and answer.model, answer
    assert answer._request_id, "the request's id is where the package looks for it"
    same("choices", len(answer.choices), 1)
    choice = answer.choices[0]
    same("finish_reason", choice.finish_reason, "stop")
    same("role", choice.message.role, "assistant")
    assert choice.message.content.strip(), "an answer has words"
    assert not choice.message.tool_calls, choice
    check_usage(answer.usage)


def a_short_answer_says_that_it_was_cut(route):
    answer = chat(route, max_completion_tokens=3)
    same("finish_reason", answer.choices[0].finish_reason, "length")
    same("completion_tokens", answer.usage.completion_tokens, 3)


def collected(chunks):
    """The text, reasons and usages of a stream; its form is checked."""
    text, reasons, usages, ids, roles = "", [], [], set(), []
    for chunk in chunks:
        same("object", chunk.object, "chat.completion.chunk")
        ids.add(chunk.id)
        usages += [chunk.usage] if chunk.usage else []
        for choice in chunk.choices:
            assert not reasons, "nothing comes after the reason to finish"
            roles += [choice.delta.role] if choice.delta.role else []
            text += choice.delta.content or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    same("roles", set(roles), {"assistant"})
    same("ids", len(ids), 1)
    return text, reasons, usages


def a_stream_says_what_the_whole_answer_says(route):
    # The mixed route may ask another provider the second time; words depend on the number alone.
    whole = chat(route, number=7, max_completion_tokens=9)
    text, reasons, usages = collected(
        chat(route, number=7, max_completion_tokens=9, stream=True, stream_options={"include_usage": True})
    )
    same("text", text, whole.choices[0].message.content)
    same("reasons", reasons, [whole.choices[0].finish_reason])
    same("usages", len(usages), 1)
    check_usage(usages[0])
    same("completion_tokens", usages[0].completion_tokens, whole.usage.completion_tokens)


def a_stream_that_asks_for_no_usage_has_none(route):
    text, reasons, usages = collected(chat(route, stream=True))
    assert text.strip()
    same("reasons", reasons, ["stop"])
    same("usages", usages, [])


def a_tool_is_called(route):
    answer = chat(route, **REQUIRED)
    choice = answer.choices[0]
    same("finish_reason", choice.finish_reason, "tool_calls")
    call = choice.message.tool_calls[0]
    same("type", call.type, "function")
    assert call.id, call
    check_call(call.function.name, call.function.arguments)
    check_usage(answer.usage)


def a_tool_is_called_in_a_stream(route):
    whole = chat(route, number=5, **REQUIRED).choices[0].message.tool_calls[0]
    with OURS.chat.completions.stream(
        model=route, messages=MESSAGES, tools=[CHAT_TOOL | {"function": CHAT_TOOL["function"] | {"strict": True}}],
        tool_choice="required", extra_headers=numbered(5),
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion()
    choice = final.choices[0]
    same("finish_reason", choice.finish_reason, "tool_calls")
    call = choice.message.tool_calls[0]
    assert call.id, call
    found = check_call(call.function.name, call.function.arguments)
    same("arguments", found, check_call(TOOL, whole.function.arguments))
    same("events", [check_call(event.name, event.arguments) for event in done], [found])


def a_tools_result_is_answered(route):
    asked = chat(route, **REQUIRED).choices[0].message
    call = asked.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"degrees": 21})}
    messages = MESSAGES + [asked.model_dump(exclude_none=True), result]
    answer = chat(route, messages=messages, tools=[CHAT_TOOL], tool_choice="none")
    same("finish_reason", answer.choices[0].finish_reason, "stop")
    assert answer.choices[0].message.content.strip()


def a_schema_is_kept(route):
    answer = OURS.chat.completions.parse(
        model=route, messages=MESSAGES, response_format=Weather, extra_headers=numbered(1)
    )
    same("finish_reason", answer.choices[0].finish_reason, "stop")
    assert isinstance(answer.choices[0].message.parsed, Weather), answer


def a_schema_is_kept_in_a_stream(route):
    with OURS.chat.completions.stream(
        model=route, messages=MESSAGES, response_format=Weather, extra_headers=numbered(1)
    ) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion().choices[0].message
    assert isinstance(final.parsed, Weather), final
    same("text", text, final.content)


def a_conversation_with_a_picture_is_answered(route):
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{dot}"}},
    ]
    messages = MESSAGES + [{"role": "assistant", "content": "Mild."}, {"role": "user", "content": parts}]
    assert chat(route, messages=messages).choices[0].message.content.strip()


def all_providers_of_a_route_serve(route):
    served = set()
    for number in range(20):
        raw = OURS.chat.completions.with_raw_response.create(
            model=route, messages=MESSAGES, max_tokens=2, extra_headers=numbered(number)
        )
        served.add(check_served(raw.headers, route))
        assert raw.parse().choices[0].message.content.strip()
    same("who served", served, {f"sim-{language}" for language in LANGUAGES})


# === legacy completions ===


def a_completion_is_answered(route):
    answer = OURS.completions.create(model=route, prompt=PROMPT, max_tokens=9, extra_headers=numbered(7))
    same("object", answer.object, "text_completion")
    same("finish_reason", answer.choices[0].finish_reason, "length")
    check_usage(answer.usage)
    chunks = list(
        OURS.completions.create(model=route, prompt=PROMPT, max_tokens=9, stream=True, extra_headers=numbered(7))
    )
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    same("text", text, answer.choices[0].text)
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    same("reasons", reasons, ["length"])
    assert text.strip()


# === Responses ===


def respond(route, number=1, **more):
    more = {"input": PROMPT, "instructions": SYSTEM} | more
    return OURS.responses.create(model=route, store=False, extra_headers=numbered(number), **more)


def check_responses_usage(usage):
    assert usage.input_tokens > 0 and usage.output_tokens > 0, usage
    same("total_tokens", usage.total_tokens, usage.input_tokens + usage.output_tokens)


def a_response_is_made(route):
    answer = respond(route)
    same("object", answer.object, "response")
    same("status", answer.status, "completed")
    assert answer.id and answer.created_at > 0 and answer.model, answer
    assert answer.output_text.strip(), answer
    same("output", [item.type for item in answer.output], ["message"])
    check_responses_usage(answer.usage)


def a_short_response_is_incomplete(route):
    answer = respond(route, max_output_tokens=16)
    same("status", answer.status, "incomplete")
    same("reason", answer.incomplete_details.reason, "max_output_tokens")
    assert answer.output_text.strip(), answer


def a_responses_stream_says_what_the_whole_says(route):
    whole = respond(route, number=7)
    text, last, numbers, kinds = "", None, [], []
    for event in respond(route, number=7, stream=True):
        kinds.append(event.type)
        numbers.append(event.sequence_number)
        text += event.delta if event.type == "response.output_text.delta" else ""
        last = event
    same("first events", kinds[:2], ["response.created", "response.in_progress"])
    same("numbers", numbers, list(range(len(numbers))))
    same("last event", last.type, "response.completed")
    same("final text", last.response.output_text, text)
    same("text", text, whole.output_text)
    check_responses_usage(last.response.usage)


def a_response_calls_a_tool(route):
    answer = respond(route, number=5, tools=[RESPONSES_TOOL], tool_choice="required")
    same("status", answer.status, "completed")
    call = next(item for item in answer.output if item.type == "function_call")
    whole = check_call(call.name, call.arguments)
    with OURS.responses.stream(
        model=route, input=PROMPT, tools=[RESPONSES_TOOL], tool_choice="required", store=False, extra_headers=numbered(5)
    ) as stream:
        done = [event for event in stream if event.type == "response.function_call_arguments.done"]
        final = stream.get_final_response()
    streamed = next(item for item in final.output if item.type == "function_call")
    same("arguments", check_call(streamed.name, streamed.arguments), whole)
    same("events", [check_call(TOOL, event.arguments) for event in done], [whole])
    assert call.call_id and streamed.call_id
    answer = respond(
        route,
        input=[
            {"role": "user", "content": PROMPT},
            {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments},
            {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"degrees": 21})},
        ],
        tools=[RESPONSES_TOOL],
        tool_choice="none",
    )
    assert answer.output_text.strip(), "the tool's result is answered"


def a_response_keeps_a_schema(route):
    answer = OURS.responses.parse(
        model=route, input=PROMPT, text_format=Weather, store=False, extra_headers=numbered(1)
    )
    assert isinstance(answer.output_parsed, Weather), answer


# === embeddings ===


def texts_are_embedded(route):
    answer = OURS.embeddings.create(model=route, input=["one", "two"])
    same("object", answer.object, "list")
    same("indices", [item.index for item in answer.data], [0, 1])
    sizes = {len(item.embedding) for item in answer.data}
    assert len(sizes) == 1 and sizes.pop() > 0, "vectors of one size"
    assert all(isinstance(x, float) for item in answer.data for x in item.embedding)
    assert answer.data[0].embedding != answer.data[1].embedding, "two texts, two vectors"
    # Gemini counts no tokens of vectors.
    assert answer.usage.prompt_tokens > 0 or route == "to-gemini", answer.usage
    plain = OURS.embeddings.create(model=route, input="one", encoding_format="float").data[0].embedding
    # By default the package asks for base64 and decodes it: the same numbers to single precision.
    assert all(abs(a - b) < 1e-5 for a, b in zip(plain, answer.data[0].embedding, strict=True)), "one text, one vector"


# === errors ===


def a_limit_is_a_rate_limit_error(language):
    error = raises(openai.RateLimitError, OURS.with_options(max_retries=0).chat.completions.create,
                   model=f"limited-{language}/large", messages=MESSAGES)
    same("code", error.code, "rate_limit_exceeded")
    assert error.request_id


def a_broken_provider_is_an_internal_server_error(language):
    error = raises(openai.InternalServerError, chat, f"broken-{language}/large")
    same("x-should-retry", error.response.headers["x-should-retry"], "false")
    assert f"broken-{language}" in error.message, error.message


def a_mistake_of_the_client_is_a_bad_request_error(language):
    error = raises(openai.BadRequestError, chat, f"refusing-{language}/large")
    check_own_words(error)


def a_stream_that_breaks_off_raises(language):
    begun = ""
    try:
        for chunk in chat(f"cut-{language}/large", stream=True):
            begun += "".join(choice.delta.content or "" for choice in chunk.choices)
    except openai.APIError as error:
        assert begun, f"some of it came before: {error}"
        return
    raise AssertionError(f"half an answer passed as whole: {begun!r}")


def a_responses_stream_that_breaks_off_does_not_complete(language):
    kinds, raised = [], False
    try:
        for event in respond(f"cut-{language}/large", stream=True):
            kinds.append(event.type)
    except openai.APIError:
        raised = True
    assert "response.output_text.delta" in kinds, f"some of it came before: {kinds}"
    assert raised or kinds[-1] in ("error", "response.failed"), kinds


def an_unknown_model_is_a_not_found_error(_):
    error = raises(openai.NotFoundError, chat, "to-opnai")
    same("code", error.code, "model_not_found")
    assert "to-openai" in error.message, f"the nearest name: {error.message}"


def a_wrong_value_is_a_bad_request_error(route):
    error = raises(openai.BadRequestError, chat, route, messages=[{"role": "nobody", "content": PROMPT}])
    assert "messages" in f"{error.param} {error.message}", error.body


def what_no_provider_of_a_route_can_do_is_named(_):
    error = raises(openai.InternalServerError, chat, "to-anthropic", n=2)
    same("code", error.code, "no_eligible_target")
    assert "n above 1" in error.message, error.message
    same("x-should-retry", error.response.headers["x-should-retry"], "false")


CLAIMS = [
    (a_chat_is_answered, ALL),
    (a_short_answer_says_that_it_was_cut, ALL),
    (a_stream_says_what_the_whole_answer_says, ALL),
    (a_stream_that_asks_for_no_usage_has_none, ALL),
    (a_tool_is_called, ALL),
    (a_tool_is_called_in_a_stream, ALL),
    (a_tools_result_is_answered, ALL),
    (a_schema_is_kept, ALL),
    (a_schema_is_kept_in_a_stream, ALL),
    (a_conversation_with_a_picture_is_answered, ALL),
    (all_providers_of_a_route_serve, ["mixed"]),
    (a_completion_is_answered, ALL),
    (a_response_is_made, ALL),
    (a_short_response_is_incomplete, ALL),
    (a_responses_stream_says_what_the_whole_says, ALL),
    (a_response_calls_a_tool, ALL),
    (a_response_keeps_a_schema, ALL),
    (texts_are_embedded, ["to-openai", "to-gemini", "to-cohere"]),
    (a_limit_is_a_rate_limit_error, LANGUAGES),
    (a_broken_provider_is_an_internal_server_error, LANGUAGES),
    (a_mistake_of_the_client_is_a_bad_request_error, LANGUAGES),
    (a_stream_that_breaks_off_raises, LANGUAGES),
    (a_responses_stream_that_breaks_off_does_not_complete, LANGUAGES),
    (an_unknown_model_is_a_not_found_error, ["to-openai"]),
    # What passes as it came is for the provider to judge.
    (a_wrong_value_is_a_bad_request_error, ROUTES[1:]),
    (what_no_provider_of_a_route_can_do_is_named, ["to-anthropic"]),
]

if __name__ == "__main__":
    main(f"openai {openai.__version__}, every language", CLAIMS)
