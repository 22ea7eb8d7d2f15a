// Chat completions, Responses and embeddings by the official `openai` package, unchanged, from simulated providers of every
// language.
//
// Needs WEIGHBRIDGE_DIALECTS_URL (`http://…`, a daemon with tests/clients/config/dialects.toml). Only the address and the
// models' names differ from a program that calls OpenAI.

import assert from "node:assert/strict";
import process from "node:process";

import OpenAI from "openai";
import { VERSION } from "openai/version";

import { LANGUAGES, PROMPT, ROUTES, SYSTEM, TOOL, checkServed, errorOf, numbered, run, weather } from "./claims.mjs";

const openai = new OpenAI({
  apiKey: "none",
  baseURL: `${process.env.WEIGHBRIDGE_DIALECTS_URL}/v1`,
  timeout: 60_000,
});
const MESSAGES = [
  { role: "system", content: SYSTEM },
  { role: "user", content: PROMPT },
];
const CHAT_TOOL = { type: "function", function: TOOL };
const RESPONSES_TOOL = { type: "function", strict: true, ...TOOL };
const SCHEMA = { name: "weather", strict: true, schema: TOOL.parameters };

const chat = (route, more = {}, number = 1) =>
  openai.chat.completions.create({ model: route, messages: MESSAGES, ...more }, numbered(number));
const respond = (route, more = {}, number = 1) =>
  openai.responses.create(
    { model: route, input: PROMPT, instructions: SYSTEM, store: false, ...more },
    numbered(number),
  );

function checkChatUsage(usage) {
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

function checkResponsesUsage(usage) {
  assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0);
  assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
}

const functionCall = (response) => response.output.find((item) => item.type === "function_call");

const CHAT = {
  "a chat is answered": [
    ROUTES,
    async (route) => {
      const { data, response } = await chat(route).withResponse();
      checkServed(response.headers, route);
      assert.equal(data.object, "chat.completion");
      assert.ok(data.id && data.created > 0 && data._request_id);
      assert.equal(data.choices.length, 1);
      assert.equal(data.choices[0].finish_reason, "stop");
      assert.ok(data.choices[0].message.content.trim(), "an answer has words");
      checkChatUsage(data.usage);
    },
  ],

  "a stream says what the whole answer says": [
    ROUTES,
    async (route) => {
      const short = { max_completion_tokens: 9 };
      const whole = await chat(route, short, 7);
      const options = { stream: true, stream_options: { include_usage: true } };
      let [words, usage, reasons] = ["", null, []];
      for await (const chunk of await chat(route, { ...short, ...options }, 7)) {
        assert.equal(chunk.object, "chat.completion.chunk");
        words += chunk.choices[0]?.delta?.content ?? "";
        reasons.push(...chunk.choices.map((choice) => choice.finish_reason).filter(Boolean));
        usage = chunk.usage ?? usage;
      }
      assert.equal(words, whole.choices[0].message.content);
      assert.deepEqual(reasons, ["length"]);
      assert.equal(whole.choices[0].finish_reason, "length");
      checkChatUsage(usage);
      assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
    },
  ],

  "a tool is called, and its result is answered": [
    ROUTES,
    async (route) => {
      const tools = [CHAT_TOOL];
      const { choices } = await chat(route, { tools, tool_choice: "required" }, 5);
      assert.equal(choices[0].finish_reason, "tool_calls");
      const message = choices[0].message;
      const [call] = message.tool_calls;
      assert.equal(call.function.name, TOOL.name);
      weather(call.function.arguments);
      const result = { role: "tool", tool_call_id: call.id, content: '{"degrees": 21}' };
      const messages = [...MESSAGES, message, result];
      const answer = await chat(route, { messages, tools, tool_choice: "none" });
      assert.ok(answer.choices[0].message.content.trim());
    },
  ],

  "a tool is called in a stream": [
    ROUTES,
    async (route) => {
      const more = { tools: [CHAT_TOOL], tool_choice: "required" };
      const whole = (await chat(route, more, 5)).choices[0].message.tool_calls[0];
      const stream = openai.chat.completions.stream(
        { model: route, messages: MESSAGES, ...more },
        numbered(5),
      );
      const [choice] = (await stream.finalChatCompletion()).choices;
      assert.equal(choice.finish_reason, "tool_calls");
      const [call] = choice.message.tool_calls;
      assert.ok(call.id);
      assert.equal(call.function.name, TOOL.name);
      assert.deepEqual(weather(call.function.arguments), weather(whole.function.arguments));
    },
  ],

  "a schema is kept": [
    ROUTES,
    async (route) => {
      const format = { type: "json_schema", json_schema: SCHEMA };
      const answer = await chat(route, { response_format: format });
      weather(answer.choices[0].message.content);
    },
  ],
};

const RESPONSES = {
  "a response is made": [
    ROUTES,
    async (route) => {
      const answer = await respond(route);
      assert.equal(answer.object, "response");
      assert.equal(answer.status, "completed");
      assert.ok(answer.id && answer.created_at > 0);
      assert.ok(answer.output_text.trim(), "an answer has words");
      checkResponsesUsage(answer.usage);
    },
  ],

  "a stream of a response says what the whole says": [
    ROUTES,
    async (route) => {
      const whole = await respond(route, {}, 7);
      let [words, last, count] = ["", null, 0];
      for await (const event of await respond(route, { stream: true }, 7)) {
        assert.equal(event.sequence_number, count);
        count += 1;
        if (event.type === "response.output_text.delta") words += event.delta;
        last = event;
      }
      assert.equal(last.type, "response.completed");
      assert.equal(words, whole.output_text);
      const [message] = last.response.output.filter((item) => item.type === "message");
      assert.equal(message.content[0].text, words);
      checkResponsesUsage(last.response.usage);
    },
  ],

  "a response calls a tool, streamed and not": [
    ROUTES,
    async (route) => {
      const more = { tools: [RESPONSES_TOOL], tool_choice: "required" };
      const whole = functionCall(await respond(route, more, 5));
      assert.equal(whole.name, TOOL.name);
      const stream = openai.responses.stream(
        { model: route, input: PROMPT, store: false, ...more },
        numbered(5),
      );
      const streamed = functionCall(await stream.finalResponse());
      assert.equal(streamed.name, TOOL.name);
      assert.ok(whole.call_id && streamed.call_id);
      assert.deepEqual(weather(streamed.arguments), weather(whole.arguments));
    },
  ],

  "a response keeps a schema": [
    ROUTES,
    async (route) => {
      const answer = await respond(route, { text: { format: { type: "json_schema", ...SCHEMA } } });
      weather(answer.output_text);
    },
  ],
};

const REST = {
  "texts are embedded": [
    ["to-openai", "to-gemini", "to-cohere"],
    async (route) => {
      const { data, usage } = await openai.embeddings.create({ model: route, input: ["one", "two"] });
      assert.deepEqual(data.map((item) => item.index), [0, 1]);
      const [one, two] = data.map((item) => item.embedding);
      assert.ok(one.length > 0 && one.length === two.length, "vectors of one size");
      assert.ok(one.every((x) => Number.isFinite(x)), "of numbers");
      assert.notDeepEqual(one, two);
      // Gemini counts no tokens of vectors.
      assert.ok(usage.prompt_tokens > 0 || route === "to-gemini");
    },
  ],

  "a limit is a rate limit error": [
    LANGUAGES,
    async (language) => {
      const once = openai.withOptions({ maxRetries: 0 });
      const body = { model: `limited-${language}/large`, messages: MESSAGES };
      const error = await errorOf(OpenAI.RateLimitError, once.chat.completions.create(body));
      assert.equal(error.code, "rate_limit_exceeded");
    },
  ],

  "a mistake of the client is a bad request error": [
    LANGUAGES,
    async (language) => {
      const error = await errorOf(OpenAI.BadRequestError, chat(`refusing-${language}/large`));
      assert.match(error.message, /not acceptable|invalid argument/, "the provider's own words");
    },
  ],

  "a stream that breaks off throws": [
    LANGUAGES,
    async (language) => {
      let words = "";
      const stream = await chat(`cut-${language}/large`, { stream: true });
      const read = async () => {
        for await (const chunk of stream) words += chunk.choices[0]?.delta?.content ?? "";
      };
      await errorOf(OpenAI.APIError, read());
      assert.ok(words, "some of it came before");
    },
  ],
};

await run(`openai ${VERSION}, every language`, { ...CHAT, ...RESPONSES, ...REST });
