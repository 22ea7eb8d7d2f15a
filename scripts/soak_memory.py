"""Watches the daemon's memory under steady load that nobody scrapes: scripts/soak_memory.py PROGRAM MINUTES

Half of the requests are streams; one of the two targets fails one call in twenty, and its file is written anew twice a minute.
Resident memory is read each second. What counts is the median of a minute: the last one may be at most 2 MiB above the one
at a quarter of the time (minute 10 of 40), by which everything that fills up once has done so. Pages of the program's own file
come and go with the machine's memory, so they are told, and judged is what the program has asked for (`RssAnon`).
Exit status 1 if it is more (where it was watched for 20 minutes), if files stay open, or if a request is lost.
"""

import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

CONFIG = """config_version = 1
[server]
state = "{state}"
[providers.a]
kind = "simulated"
law = {{ ttft_ms = 3, tpot_ms = 0.2, spread = 0.3, error_rate = 0.05 }}
[providers.b]
kind = "simulated"
law = {{ ttft_ms = 3, tpot_ms = 0.2, spread = 0.3, error_rate = 0 }}
[routes.chat.targets]
a = {{ use = "a/m", weight = {weight} }}
b = {{ use = "b/m", weight = 100 }}
"""
CLIENTS = 4
#: Requests a second of each client; 200 in all leave two cores room for whatever else runs.
PACE = 50
#: What may be added between the two minutes, in KiB.
MOST = 2048
#: Minutes below which what is added is only told: histograms and books are still filling up for the first time.
LONG_ENOUGH = 20


class Seen:
    stop = False
    answered = 0
    lost = 0
    lock = threading.Lock()


def ask(address, number):
    """Sends one request after another on a connection that is kept, at a steady pace."""
    connection = http.client.HTTPConnection(address, timeout=30)
    due = time.monotonic()
    count = number
    while not Seen.stop:
        count += 1
        stream = count % 2 == 0
        text = "hello " * (1 + count % 200)
        body = {"model": "chat", "stream": stream, "max_tokens": 20, "messages": [{"role": "user", "content": text}]}
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            good = answer.status == 200 and (not stream or said.rstrip().endswith(b"data: [DONE]"))
        except (OSError, http.client.HTTPException) as error:
            good, said = False, repr(error).encode()
            connection.close()
        with Seen.lock:
            Seen.answered += good
            Seen.lost += not good
        if not good:
            print("lost:", said[:300], flush=True)
        due += 1 / PACE
        time.sleep(max(0, due - time.monotonic()))


def resident(pid):
    """What it has asked for, and with the pages of files; in KiB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return [int(fields[name].split()[0]) for name in ("RssAnon", "VmRSS")]


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def main():
    program, minutes = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "live.toml"
        write = lambda weight: file.write_text(CONFIG.format(state=f"{folder}/state", weight=weight))
        write(100)
        command = [program, "serve", "--env", "live", "--config", folder]
        command += ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            ready = json.loads(daemon.stdout.readline())
            clients = [threading.Thread(target=ask, args=(ready["data"], number)) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            medians, open_files = [], []
            for minute in range(1, minutes + 1):
                samples = []
                for second in range(60):
                    time.sleep(1)
                    samples.append(resident(daemon.pid))
                    if second % 30 == 15:
                        write(100 + (2 * minute + second // 30) % 50)
                asked, all_of_it = (statistics.median(column) for column in zip(*samples))
                medians.append(asked)
                open_files.append(descriptors(daemon.pid))
                print(f"minute {minute}: {asked:.0f} KiB ({all_of_it:.0f} with files), {Seen.answered} answered, {Seen.lost} lost", flush=True)
            Seen.stop = True
            for client in clients:
                client.join()
        finally:
            Seen.stop = True
            daemon.terminate()
            status = daemon.wait(60)
    first = max(1, minutes // 4)
    more = medians[-1] - medians[first - 1]
    slope = more / max(1, minutes - first)
    print(f"tally: {Seen.answered} requests answered")
    print(f"tally: {Seen.lost} requests lost")
    print(
        f"memory: {medians[first - 1]:.0f} KiB at minute {first}, {medians[-1]:.0f} KiB at minute {minutes}: "
        f"{more:+.0f} KiB, {slope:+.1f} KiB a minute; {open_files[first - 1]} and {open_files[-1]} open files"
    )
    sys.exit(Seen.lost > 0 or (more > MOST and minutes >= LONG_ENOUGH) or open_files[-1] > open_files[first - 1] + CLIENTS or status != 0)


if __name__ == "__main__":
    main()
