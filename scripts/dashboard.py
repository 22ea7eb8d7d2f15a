"""Reads deploy/grafana/weighbridge.json as Grafana's own types have it, and says what they do not know of it."""

import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(written, read, path="dashboard"):
    """What of `written` is not, or is otherwise, in `read`."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            yield from lost(value, read.get(key), f"{path}.{key}")
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for at, (mine, its) in enumerate(zip(written, read)):
            yield from lost(mine, its, f"{path}[{at}]")
    elif written != read:
        yield f"{path}: {written!r} is read as {read!r}"


with open("deploy/grafana/weighbridge.json", encoding="utf-8") as file:
    dashboard = json.load(file)
read = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
problems = list(lost(dashboard, read))
print("\n".join(problems) or f"Grafana's types know all of its {len(dashboard['panels'])} panels")
sys.exit(bool(problems))
