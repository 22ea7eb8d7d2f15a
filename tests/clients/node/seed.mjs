// The seed's Node example through Weighbridge, by the official package: only the address and the models' names differ.
//
// Needs WEIGHBRIDGE_URL (`http://…/v2/proxy`), and for the last claim WEIGHBRIDGE_FAILING_URL and WEIGHBRIDGE_FAILING_ADMIN
// (an environment whose only target fails). Prints a line for each claim; ends with 1 if one does not hold.

import assert from "node:assert/strict";
import process from "node:process";

import OpenAI from "openai";
import { VERSION } from "openai/version";

const PROMPT = "Write a creative marketing slogan for an eco-friendly coffee brand";
const LIST = {
  orq: {
    load_balancer: [
      { model: "sim-fast/large", weight: 0.4 },
      { model: "sim-steady/large", weight: 0.8 },
    ],
  },
};
const PROVIDERS = ["sim-fast", "sim-steady"];

const client = (baseURL) =>
  new OpenAI({ apiKey: process.env.WEIGHBRIDGE_API_KEY ?? "none", baseURL, timeout: 60_000 });
const openai = client(process.env.WEIGHBRIDGE_URL);

const ask = (more, at = openai) =>
  at.chat.completions
    .create({
      model: "openai/gpt-4o",
      messages: [{ role: "user", content: PROMPT }],
      ...more,
    })
    .withResponse();

function checkHeaders(headers, providers = PROVIDERS) {
  assert.ok(providers.includes(headers.get("x-weighbridge-provider")), "who served it");
  assert.equal(headers.get("x-weighbridge-model"), "large");
  assert.ok(headers.get("x-weighbridge-target"));
  assert.ok(Number(headers.get("x-weighbridge-attempts")) >= 1);
  assert.ok(Number(headers.get("x-weighbridge-config")) >= 1);
  assert.ok(headers.get("x-request-id").length >= 8);
}

/** The error that `promise` ends in; it must be of `kind`. */
async function errorOf(kind, promise) {
  const error = await promise.then(
    () => assert.fail(`expected a ${kind.name}`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `expected a ${kind.name}, got ${error}`);
  return error;
}

async function counted(admin, name) {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const lines = text.matchAll(new RegExp(`^weighbridge_${name}_total{.*} (\\S+)$`, "gm"));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

const CLAIMS = {
  async "a list is answered"() {
    const { data, response } = await ask(LIST);
    checkHeaders(response.headers);
    assert.equal(data.object, "chat.completion");
    assert.ok(data.choices[0].message.content);
    assert.ok(data.usage.completion_tokens > 0);
  },

  async "a list is answered, streamed"() {
    const { data, response } = await ask({
      ...LIST,
      stream: true,
      stream_options: { include_usage: true },
    });
    checkHeaders(response.headers);
    let [words, usage] = ["", null];
    for await (const chunk of data) {
      words += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.ok(words, "the stream has words");
    assert.ok(usage.completion_tokens > 0);
  },

  async "a route is answered"() {
    const { data, response } = await ask({ model: "chat" });
    checkHeaders(response.headers, [...PROVIDERS, "sim-cheap"]);
    assert.equal(response.headers.get("x-weighbridge-route"), "chat");
    assert.ok(data.choices[0].message.content);
  },

  async "the models are listed"() {
    const names = [];
    for await (const model of openai.models.list()) names.push(model.id);
    for (const name of ["chat", "summary", "sim-fast/large"]) assert.ok(names.includes(name), name);
  },

  async "an unknown model is a 404 with the nearest"() {
    const error = await errorOf(OpenAI.NotFoundError, ask({ model: "caht" }));
    assert.equal(error.code, "model_not_found");
    assert.equal(error.param, "model");
    assert.match(error.message, /chat/);
    assert.ok(error.requestID, "an error has its request's id too");
  },

  async "a bad list is a 400 that names the entry"() {
    const models = [{ model: "sim-fast/large" }, { model: "sim-steady/large", weight: -1 }];
    const error = await errorOf(OpenAI.BadRequestError, ask({ orq: { load_balancer: models } }));
    assert.equal(error.code, "invalid_request_error");
    assert.match(`${error.param} ${error.message}`, /load_balancer.*1.*weight/);
  },

  async "the package does not retry what was retried"() {
    const admin = process.env.WEIGHBRIDGE_FAILING_ADMIN;
    const failing = client(process.env.WEIGHBRIDGE_FAILING_URL);
    assert.equal(failing.maxRetries, 2, "it would retry twice");
    const before = [await counted(admin, "requests"), await counted(admin, "attempts")];
    const error = await errorOf(OpenAI.InternalServerError, ask({ model: "chat" }, failing));
    assert.equal(error.headers.get("x-should-retry"), "false");
    const attempts = Number(error.headers.get("x-weighbridge-attempts"));
    assert.equal((await counted(admin, "requests")) - before[0], 1, "one call is one request");
    assert.equal((await counted(admin, "attempts")) - before[1], attempts);
    console.log(`    one call of the package, one request, ${attempts} attempts at the target`);
  },
};

let failed = 0;
for (const [claim, check] of Object.entries(CLAIMS)) {
  try {
    await check();
    console.log(`  ok      ${claim}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAILED  ${claim}\n${error.stack}`);
  }
}
const all = Object.keys(CLAIMS).length;
console.log(`node (openai ${VERSION}): ${all - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
