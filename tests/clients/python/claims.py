"""What the scripts of this folder share: the routes, the tool and the schema they ask with, and the running of claims.

A claim is a function of a route's name that raises where it does not hold. Every claim runs on every route that it is for,
and one that does not hold hides no other.
"""

import json
import sys
import traceback
from typing import Literal

from pydantic import BaseModel

# Each leads to a simulated provider that speaks this language; `mixed` to one of them after the other.
ROUTES = ["to-openai", "to-anthropic", "to-gemini", "to-bedrock", "to-cohere"]
LANGUAGES = ["openai", "anthropic", "gemini", "bedrock", "cohere"]
ALL = ROUTES + ["mixed"]

PROMPT = "How warm is it in Utrecht? Answer in one sentence."
SYSTEM = "You are a weather station."


class Weather(BaseModel):
    """The arguments of the tool, and the answer to a schema."""

    model_config = {"extra": "forbid"}

    city: str
    unit: Literal["celsius", "fahrenheit"]


PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "A city's name"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city", "unit"],
    "additionalProperties": False,
}
TOOL = "weather"
DESCRIPTION = "The temperature in a city"


def numbered(number):
    """Two requests of one number are answered by a simulated provider in the same words, streamed or not."""
    return {"x-mock-request": str(number)}


def same(name, one, other):
    assert one == other, f"{name}: {one!r} is not {other!r}"


def check_call(name, arguments):
    """A call of the tool, its arguments a text or an object: they must be what the schema asks for."""
    same("the tool", name, TOOL)
    if isinstance(arguments, str):
        arguments = json.loads(arguments)
    return Weather.model_validate(arguments)


def check_served(headers, route):
    """By a provider of the language that the route leads to."""
    served = headers["x-weighbridge-provider"]
    same("the route", headers["x-weighbridge-route"], route)
    if route == "mixed":
        assert served.removeprefix("sim-") in LANGUAGES, served
    else:
        same("who served it", served, route.replace("to-", "sim-"))
    return served


def check_own_words(error):
    """What the provider says of the client's mistake, in whatever language, reaches the client."""
    assert "not acceptable" in error.message or "invalid argument" in error.message, error.message


def raises(kind, act, *arguments, **named):
    """The error that `act` ends in; it must be of exactly `kind`: its parents say less."""
    try:
        found = act(*arguments, **named)
    except Exception as error:
        assert type(error) is kind, f"expected {kind.__name__}, found {type(error).__name__}: {error}"
        return error
    raise AssertionError(f"expected {kind.__name__}, found an answer: {found!r}")


def run(title, claims):
    """Runs `claims`: pairs of a claim and its routes. Returns the exit status."""
    passed, broken = 0, []
    for claim, routes in claims:
        row = []
        for route in routes:
            try:
                claim(route)
                passed += 1
                row.append(route)
            except Exception:  # a claim that does not hold must not hide the next
                broken.append((claim.__name__, route, traceback.format_exc()))
                row.append(f"{route} FAILED")
        word = "FAILED " if any(cell.endswith("FAILED") for cell in row) else "ok     "
        print(f"  {word} {claim.__name__}: {', '.join(row)}", flush=True)
    for name, route, trace in broken:
        print(f"--- {name} on {route}\n{trace}")
    print(f"python ({title}): {passed} passed, {len(broken)} failed")
    return 1 if broken else 0


def main(title, claims):
    sys.exit(run(title, claims))
