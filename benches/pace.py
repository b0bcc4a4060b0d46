#!/usr/bin/env python3
"""How close to the limit, and never over it: prints what the sandbox counted.

usage: benches/pace.py [--groups 3000] [--binary target/release/campanile]

Starts a sandbox of its own for each latency and sends one campaign to it. The sandbox counts by its own arrival clock.
"""
import argparse, json, os, pathlib, signal, subprocess, tempfile, urllib.request

LATENCIES = [("30ms", "20ms"), ("500ms", "20ms")]
SETTINGS = """apps:
  main:
    sdk_app_id: 1400000000
    secret_key: {{ env: CAMPANILE_SECRET_KEY }}
    endpoint: {endpoint}
"""
CAMPAIGN = """audience: { group_files: [groups.csv] }
send: { group_message: { text: "Hello {{ group.city }}" } }
"""


def measure(binary, groups, latency, jitter):
    sandbox = subprocess.Popen(
        [binary, "sandbox", "--listen", "127.0.0.1:0", "--latency", latency, "--jitter", jitter],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        endpoint = sandbox.stderr.readline().split()[4].rstrip(";")
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "campanile.yaml").write_text(SETTINGS.format(endpoint=endpoint))
            (place / "news.yaml").write_text(CAMPAIGN)
            rows = "".join(f"g{number},City {number}\n" for number in range(groups))
            (place / "groups.csv").write_text("group,city\n" + rows)
            environment = {**os.environ, "CAMPANILE_SECRET_KEY": "sandbox"}
            run = subprocess.run([binary, "run", "news.yaml", "--yes", "-o", "json"], cwd=place, env=environment,
                                 capture_output=True, text=True)
        seen = json.load(urllib.request.urlopen(endpoint + "/sandbox/statistics"))
        return json.loads(run.stdout), seen
    finally:
        sandbox.send_signal(signal.SIGINT)
        sandbox.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--groups", type=int, default=3000)
    arguments.add_argument("--binary", default="target/release/campanile")
    options = arguments.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    print(f"{options.groups} groups, limit 200 a second")
    print("replies after      accepted/s   most in 1 s   refused   accepted")
    for latency, jitter in LATENCIES:
        run, seen = measure(binary, options.groups, latency, jitter)
        most = seen["most_in_one_second"]["send_group_msg"]
        print(f"{latency:>6} ± {jitter:<8} {seen['accepted_per_s']:>10.2f} {most:>13} {sum(seen['refused'].values()):>9}"
              f" {run['accepted']:>10}")


if __name__ == "__main__":
    main()
