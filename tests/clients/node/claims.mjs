// What the scripts of this folder share: the routes, the tool and the schema they ask with, and the running of claims.
//
// A claim is a function of a route's name that throws where it does not hold. Every claim runs on every route that it is
// for, and one that does not hold hides no other.

import assert from "node:assert/strict";

// Each leads to a simulated provider that speaks this language; `mixed` to one of them after the other.
export const LANGUAGES = ["openai", "anthropic", "gemini", "bedrock", "cohere"];
export const ROUTES = [...LANGUAGES.map((language) => `to-${language}`), "mixed"];

export const PROMPT = "How warm is it in Utrecht? Answer in one sentence.";
export const SYSTEM = "You are a weather station.";
export const TOOL = {
  name: "weather",
  description: "The temperature in a city",
  parameters: {
    type: "object",
    properties: {
      city: { type: "string", description: "A city's name" },
      unit: { type: "string", enum: ["celsius", "fahrenheit"] },
    },
    required: ["city", "unit"],
    additionalProperties: false,
  },
};

/** Two requests of one number are answered by a simulated provider in the same words, streamed or not. */
export const numbered = (number) => ({ headers: { "x-mock-request": String(number) } });

/** The text of an object that keeps the tool's schema, read. */
export function weather(text) {
  const found = JSON.parse(text);
  assert.deepEqual(Object.keys(found).sort(), ["city", "unit"], text);
  assert.equal(typeof found.city, "string", text);
  assert.ok(["celsius", "fahrenheit"].includes(found.unit), text);
  return found;
}

/** By a provider of the language that the route leads to. */
export function checkServed(headers, route) {
  const served = headers.get("x-weighbridge-provider");
  assert.equal(headers.get("x-weighbridge-route"), route);
  const may = route === "mixed" ? LANGUAGES : [route.replace("to-", "")];
  assert.ok(may.includes(served.replace("sim-", "")), served);
}

/** The error that `promise` ends in; it must be of exactly `kind`: its parents say less. */
export async function errorOf(kind, promise) {
  const error = await promise.then(
    () => assert.fail(`expected a ${kind.name}, found an answer`),
    (error) => error,
  );
  assert.equal(error.constructor, kind, `expected a ${kind.name}, found ${error}`);
  return error;
}

/** Runs `claims`: names with a claim and its routes. Sets the exit status. */
export async function run(title, claims) {
  const broken = [];
  let passed = 0;
  for (const [name, [routes, claim]] of Object.entries(claims)) {
    const row = [];
    for (const route of routes) {
      try {
        await claim(route);
        passed += 1;
        row.push(route);
      } catch (error) {
        broken.push(`--- ${name}, on ${route}\n${error.stack}`);
        row.push(`${route} FAILED`);
      }
    }
    const word = row.some((cell) => cell.endsWith("FAILED")) ? "FAILED " : "ok     ";
    console.log(`  ${word} ${name}: ${row.join(", ")}`);
  }
  for (const trace of broken) console.log(trace);
  console.log(`node (${title}): ${passed} passed, ${broken.length} failed`);
  process.exitCode = broken.length ? 1 : 0;
}
