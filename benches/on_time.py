#!/usr/bin/env python3
"""How soon after its slot the first call of a big campaign arrives: prints the spread over so many slots.

usage: benches/on_time.py [--slots 20] [--groups 100000] [--apart 15] [--lead 240] [--binary target/release/campanile]

One daemon has as many campaigns as there are slots, each with all the groups and one slot of its own, so many seconds after
the one before; `--lead` is what the daemon has to plan them all. What is left of a run is skipped after three seconds, so
that the next one finds the lane free. A call is taken to have left when the sandbox's kernel stamped its arrival.
"""
import argparse, datetime, json, os, pathlib, signal, subprocess, tempfile, time

SETTINGS = """apps:
  main:
    sdk_app_id: 1400000000
    secret_key: {{ env: CAMPANILE_SECRET_KEY }}
    endpoint: {endpoint}
serve: {{ listen: "127.0.0.1:0" }}
"""
CAMPAIGN = """name: slot-{number}
schedule: {{ at: [{at}], start_within: 3s, finish_within: 3s }}
audience: {{ group_files: [groups.csv] }}
send: {{ group_message: {{ text: "slot {number} for {{{{ group.city }}}}" }} }}
"""


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--slots", type=int, default=20)
    arguments.add_argument("--groups", type=int, default=100_000)
    arguments.add_argument("--apart", type=int, default=15)
    arguments.add_argument("--lead", type=int, default=240)
    arguments.add_argument("--binary", default="target/release/campanile")
    options = arguments.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        ledger = path / "ledger.jsonl"
        sandbox = subprocess.Popen([binary, "sandbox", "--listen", "127.0.0.1:0", "--latency", "5ms", "--ledger", str(ledger)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        endpoint = sandbox.stderr.readline().split()[4].rstrip(";")
        (path / "campanile.yaml").write_text(SETTINGS.format(endpoint=endpoint))
        (path / "groups.csv").write_text("group,city\n" + "".join(f"g{n},City {n}\n" for n in range(options.groups)))
        (path / "campaigns").mkdir()
        first = int(time.time()) + options.lead
        slots = [first + number * options.apart for number in range(options.slots)]
        for number, slot in enumerate(slots):
            at = datetime.datetime.fromtimestamp(slot, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
            (path / f"campaigns/slot-{number}.yaml").write_text(CAMPAIGN.format(number=number, at=at))
        environment = {**os.environ, "CAMPANILE_SECRET_KEY": "sandbox"}
        log = open(path / "log", "w")
        daemon = subprocess.Popen([binary, "serve", "--log", "json"], cwd=path, env=environment, stderr=log)
        time.sleep(max(0, slots[-1] + 5 - time.time()))
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()
        sandbox.send_signal(signal.SIGINT)
        sandbox.wait()
        events = [json.loads(line) for line in (path / "log").read_text().splitlines()]
        prepared = {event["campaign"] for event in events if event["event"] == "prepared"}
        arrived = {}
        for line in ledger.read_text().splitlines():
            call = json.loads(line)
            number = int(call["text"].split()[1])
            arrived[number] = min(arrived.get(number, call["arrived_ms"]), call["arrived_ms"])
        late = sorted(arrived[number] - slot * 1000 for number, slot in enumerate(slots) if number in arrived)
        print(f"{len(late)} of {options.slots} slots sent, {len(prepared)} prepared, {options.groups} groups each")
        print(f"first call after its slot: least {late[0]} ms, median {quantile(late, 0.5)} ms, most {late[-1]} ms")
        print("all:", " ".join(f"{each}" for each in late), "ms")


if __name__ == "__main__":
    main()
