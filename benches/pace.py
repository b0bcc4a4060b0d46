#!/usr/bin/env python3
"""How close to the limit, and never over it: prints what the sandbox counted, by its own arrival clock.

usage: benches/pace.py [--seconds 60] [--only CONDITION ..] [--binary target/release/campanile]

Each condition starts a sandbox of its own with the vendor's limit of 200 a second and sends it one campaign:

  quiet       replies after 30 ms +- 20 ms
  far         replies after 500 ms
  stalled     as quiet, and once for one second nothing gets through in either direction
  burned      as quiet, with as many busy loops beside it as there are cores
  varying     as quiet, and each request arrives up to 20 ms late; runs twice as long, for it is judged after a minute
  broadcasts  six broadcasts from six processes at once; the limit is one a second
  shared      a campaign of 50 groups that begins a few seconds after one of 100,000; prints how long it takes
  planned     sent by a daemon that plans nothing, then by one that makes four long plans all the while

"over" are arrivals that the sandbox refused because 200 others lay within the second before. "machine" says how often
the machine itself woke a sleeper more than the guard of 3 ms too late meanwhile, and by how much at the most: time in
which the sender slept too long is lost, for who made up for it would pass the limit. "cpu" is the processor time of the
sender, user and system, for each call.
"""
import argparse, contextlib, datetime, json, multiprocessing, os, pathlib, resource, signal, subprocess, tempfile, threading, time
import urllib.request

QUIET = ["--latency", "30ms", "--jitter", "20ms"]
SETTINGS = """apps:
  main:
    sdk_app_id: 1400000000
    secret_key: {{ env: CAMPANILE_SECRET_KEY }}
    endpoint: {endpoint}
"""
CAMPAIGN = """audience: {{ group_files: [{file}] }}
send: {{ group_message: {{ text: "Hello {{{{ group.city }}}}" }} }}
"""
BROADCAST = """send: {{ broadcast: {{ text: "Number {number}" }} }}
"""


# As much work as a message may take, for many groups.
SLOW = """name: slow-{number}
timezone: UTC
schedule: {{ at: ["{at}"] }}
audience: {{ group_files: [slow.csv] }}
send: {{ group_message: {{ text: "{{% for a in range(100) %}}{{% for b in range(10) %}}{{% if a * b < 0 %}}x{{% endif %}}{{% endfor %}}{{% endfor %}}Hello {{{{ group.city }}}}" }} }}
"""


class Place:
    """A sandbox, and a repository whose app it is."""

    def __init__(self, binary, options):
        self.binary = binary
        self.sandbox = subprocess.Popen([binary, "sandbox", "--listen", "127.0.0.1:0", *options],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.endpoint = self.sandbox.stderr.readline().split()[4].rstrip(";")
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        (self.path / "campanile.yaml").write_text(SETTINGS.format(endpoint=self.endpoint))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sandbox.send_signal(signal.SIGINT)
        self.sandbox.wait()
        self.folder.cleanup()

    def campaign(self, name, groups):
        rows = "".join(f"{name}{number},City {number}\n" for number in range(groups))
        (self.path / f"{name}.csv").write_text("group,city\n" + rows)
        (self.path / f"{name}.yaml").write_text(CAMPAIGN.format(file=f"{name}.csv"))

    def start(self, name, *options):
        environment = {**os.environ, "CAMPANILE_SECRET_KEY": "sandbox"}
        return subprocess.Popen([self.binary, "run", f"{name}.yaml", "--yes", "-o", "json", *options], cwd=self.path,
                                env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def run(self, name):
        return json.loads(self.start(name).communicate()[0])

    def statistics(self):
        return json.load(urllib.request.urlopen(self.endpoint + "/sandbox/statistics"))

    def faults(self, text):
        urllib.request.urlopen(urllib.request.Request(self.endpoint + "/sandbox/faults", text.encode(), method="POST"))


def burn():
    while True:
        pass


class Hiccups:
    """Sleeps two milliseconds over and over on its own, and notes when that took long."""

    GUARD_MS = 3

    def __init__(self):
        self.late = multiprocessing.Array("d", 2)
        self.watch = multiprocessing.Process(target=self.look, daemon=True)

    def look(self):
        while True:
            began = time.monotonic()
            time.sleep(0.002)
            late_ms = (time.monotonic() - began) * 1000 - 2
            if late_ms > self.GUARD_MS:
                self.late[0] += 1
                self.late[1] = max(self.late[1], late_ms)

    def __enter__(self):
        self.watch.start()
        return self

    def __exit__(self, *_):
        self.watch.terminate()

    def __str__(self):
        return f"machine {self.late[0]:.0f} times late, by {self.late[1]:.0f} ms"


@contextlib.contextmanager
def busy():
    loops = [multiprocessing.Process(target=burn, daemon=True) for _ in range(os.cpu_count())]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.terminate()


def cpu_s():
    """The processor time of the processes that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def paced(binary, name, seconds, options):
    with Place(binary, options) as place:
        place.campaign("news", 200 * seconds)
        if name == "stalled":
            threading.Timer(seconds / 3, place.faults, ["stall_path=1s"]).start()
        with Hiccups() as hiccups, busy() if name == "burned" else contextlib.nullcontext():
            before = cpu_s()
            run = place.run("news")
            spent_s = cpu_s() - before
        seen = place.statistics()
    rate, over = seen["accepted_per_s"], seen["over_limit"]
    lost = run["planned"] - seen["accepted"]
    print(f"{name:<11}{rate:>8.2f}/s {rate / 2:>7.2f} % of the limit   most in 1 s "
          f"{seen['most_in_one_second']['send_group_msg']:>4}   over {over:>3} of {seen['arrivals']}, after a minute "
          f"{seen['over_limit_after_first_minute']}   lost {lost}, twice {seen['doubled']}   "
          f"cpu {1e6 * spent_s / run['planned']:.0f} us a call   {hiccups}", flush=True)


def broadcasts(binary):
    with Place(binary, QUIET) as place:
        names = [f"all{number}" for number in range(6)]
        for number, name in enumerate(names):
            (place.path / f"{name}.yaml").write_text(BROADCAST.format(number=number))
        runs = [place.start(name, "--force") for name in names]
        accepted = sum(json.loads(run.communicate()[0])["accepted"] for run in runs)
        seen = place.statistics()
    print(f"broadcasts {accepted} of {len(names)} accepted, most in 1 s "
          f"{seen['most_in_one_second']['send_broadcast_msg']}, over {seen['over_limit']}", flush=True)


def shared(binary):
    with Place(binary, QUIET) as place:
        place.campaign("big", 100_000)
        place.campaign("small", 50)
        big = place.start("big")
        while place.statistics()["arrivals"] < 600:
            time.sleep(0.1)
        began = time.monotonic()
        small = json.loads(place.start("small").communicate()[0])
        took = time.monotonic() - began
        seen = place.statistics()
        big.send_signal(signal.SIGINT)
        big.communicate()
    print(f"shared     50 groups beside 100,000: {small['accepted']} accepted {took:.1f} s after the command was typed; "
          f"the lane at {seen['accepted_per_s']:.2f}/s, over {seen['over_limit']}", flush=True)


def plans_under_way(process):
    tasks = pathlib.Path(f"/proc/{process.pid}/task").glob("*/comm")
    return sum(task.read_text().strip() == "plan" for task in tasks)


def planned(binary, seconds):
    rates = []
    for plans in 0, 4:
        with Place(binary, QUIET) as place:
            place.campaign("news", 200 * seconds)
            place.campaign("slow", 10_000 * seconds)
            (place.path / "campaigns").mkdir()
            slot = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=9)
            for number in range(plans):
                (place.path / f"campaigns/slow-{number}.yaml").write_text(SLOW.format(number=number, at=f"{slot:%FT%TZ}"))
            environment = {**os.environ, "CAMPANILE_SECRET_KEY": "sandbox", "CAMPANILE_SERVE__LISTEN": "127.0.0.1:0"}
            daemon = subprocess.Popen([binary, "serve"], cwd=place.path, env=environment, stderr=subprocess.PIPE, text=True)
            while "started:" not in daemon.stderr.readline():
                pass
            threading.Thread(target=daemon.stderr.read, daemon=True).start()
            while plans_under_way(daemon) < plans:
                time.sleep(0.1)
            place.run("news")
            left = plans_under_way(daemon)
            seen = place.statistics()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
        rates.append(seen["accepted_per_s"])
        print(f"planned    beside {plans} plans ({left} under way at the end): {seen['accepted_per_s']:.2f}/s, "
              f"over {seen['over_limit']}, twice {seen['doubled']}", flush=True)
    print(f"planned    {100 * rates[1] / rates[0]:.2f} % of the rate without plans", flush=True)


def main():
    paces = {"quiet": (1, QUIET), "far": (1, ["--latency", "500ms"]), "stalled": (1, QUIET), "burned": (1, QUIET),
             "varying": (2, [*QUIET, "--fault", "delay=0ms-20ms"])}
    others = {"broadcasts": broadcasts, "shared": shared, "planned": lambda binary: planned(binary, options.seconds)}
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=60)
    arguments.add_argument("--only", nargs="*", choices=[*paces, *others])
    arguments.add_argument("--binary", default="target/release/campanile")
    options = arguments.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    for name in options.only or [*paces, *others]:
        if name in others:
            others[name](binary)
        else:
            times, flags = paces[name]
            paced(binary, name, options.seconds * times, flags)


if __name__ == "__main__":
    main()
