#!/usr/bin/env python3
"""What a daemon costs that has nothing to do: prints how long it takes to load, and what it uses while it waits.

usage: benches/idle.py [--campaigns 10000] [--minutes 10] [--binary target/release/campanile]

The campaigns have schedules of which none is due in that time.
"""
import argparse, pathlib, signal, subprocess, tempfile, time

CAMPAIGN = """name: campaign-{number}
description: Number {number}
owner: growth-team
schedule: {{ cron: "{minute} {hour} * * *", from: 2099-01-01 }}
audience: {{ groups: ["@TGS#{number}", "@TGS#A{number}"] }}
send:
  group_message:
    text: |
      Good morning, this is number {number}, {{{{ occurrence.date }}}}.
"""


def used(pid):
    """Seconds of processor time, and resident megabytes, now and at the most."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    megabytes = [int(status[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM")]
    # The process's own clock is exact, where the ticks of /proc are a hundredth of a second each.
    return time.clock_gettime((~pid << 3) | 2), *megabytes


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--campaigns", type=int, default=10_000)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--binary", default="target/release/campanile")
    options = arguments.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "campanile.yaml").write_text(
            'apps: { main: { sdk_app_id: 1400000000, region: singapore } }\nserve: { listen: "127.0.0.1:0" }\n')
        for number in range(options.campaigns):
            place = path / f"campaigns/{number // 100:03}"
            place.mkdir(parents=True, exist_ok=True)
            text = CAMPAIGN.format(number=number, minute=number % 60, hour=number // 60 % 24)
            (place / f"{number}.yaml").write_text(text)
        # What was written just now is read twice; campaigns have lain there for long.
        time.sleep(10)
        began = time.monotonic()
        daemon = subprocess.Popen([binary, "serve", "--sandbox"], cwd=path, stderr=subprocess.PIPE, text=True)
        while "started:" not in (line := daemon.stderr.readline()):
            assert line, "it ended"
        print(f"{line.strip()[21:90]}..")
        print(f"loaded after {time.monotonic() - began:.2f} s, {used(daemon.pid)[0]:.2f} s of processor time")
        time.sleep(5)
        before, since = used(daemon.pid)[0], time.monotonic()
        time.sleep(options.minutes * 60)
        after, resident, most = used(daemon.pid)
        share = (after - before) / (time.monotonic() - since) * 100
        print(f"idle for {options.minutes:g} min: {share:.3f} % of a core, {resident:.0f} MB resident, {most:.0f} MB at the most")
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


if __name__ == "__main__":
    main()
