#!/usr/bin/env python3
"""Kills the sender over and over, then counts at the sandbox's ledger: prints what was lost and what was doubled.

usage: benches/kills.py [--kills 1000] [--seed 1] [--at-once 8] [--binary target/release/campanile] [--only ROUND]

A round is a sandbox that outlives the sender, one campaign, and one sender after the other. Each is killed with SIGKILL
(one in eight drained with SIGTERM instead) at an instant that is drawn after its own first call has arrived, until so
many are killed; the last one is left to finish. Rounds take turns in what the vendor's pages leave open (--dedup-*), in
the channel, in how long a `Random` is remembered (1s: nothing can be repeated, all that is open is looked up in the
group's history), in `on_unknown`, in the pace and in what goes wrong. Where it is remembered for seconds, one sender in
six is stopped (SIGSTOP) for longer than that before it is killed, and goes on in the middle of what it was doing. The
same seed draws the same rounds; `--only` repeats one of them.

  lost      said to be accepted and not in the ledger
  doubled   more than once in the ledger
  untrue    said to be undelivered and in the ledger, with another `Random` or number than the ledger's, or never planned
  open      without an end, or unknown without a reason
"""
import argparse, collections, concurrent.futures, http.client, json, os, pathlib, random, signal, subprocess, sys
import tempfile, threading, time

READINGS = [[], ["--dedup-scope", "group"], ["--dedup-key", "sender"], ["--dedup-key", "content"],
            ["--dedup-answer", "new_seq"], ["--dedup-answer", "error"], ["--dedup-registers", "dropped"],
            ["--dedup-registers", "refused"]]
SPANS = ["1s", "300s", "15s"]
MANY = "lost_reply=6%,lost_before=2%,internal=1%,html_502=1%,timeout=1%,drop=2%,group_throttle=1%,expired=0.5%"
# Look-ups meet them as well, and each that fails is left alone for seconds.
FEW = "lost_reply=2%,lost_before=0.7%,html_502=0.3%,drop=0.7%,group_throttle=0.3%,code_10017=0.5%"
PATHS = ["", ",delay=0ms-80ms", ",stall_path=200ms/2s", ",refuse=150ms/15s"]
# How soon after its first arrival a sender is killed, at the latest.
SPREADS_S = [0.02, 0.2, 0.6]
KILLS_OF_A_ROUND = 7
# No sender takes longer to its end, or to its first call.
PATIENCE_S = 150
FINISHED, UNTOLERATED, STOPPED, SAFETY = 0, 5, 6, 4

SETTINGS = """apps:
  main:
    sdk_app_id: 1400000000
    secret_key: {{ env: CAMPANILE_SECRET_KEY }}
    endpoint: {endpoint}
    limits: {{ {channel}: {limit}, deduplication: {span} }}
"""
CAMPAIGN = """audience: {{ group_files: [groups.csv] }}
send: {{ {channel}: {{ text: "Hello {{{{ group.city }}}}" }} }}
delivery: {{ on_unknown: {on_unknown} }}
"""


class Round:
    """What is drawn for one round, from the seed and its number alone."""

    def __init__(self, seed, number):
        self.number = number
        self.chance = random.Random(f"{seed}/{number}")
        self.reading = READINGS[number % len(READINGS)]
        self.channel = "notification" if number % 5 == 4 else "group_message"
        self.span = SPANS[number % len(SPANS)]
        self.on_unknown = "resend" if number % 4 == 2 and self.channel == "group_message" else "hold"
        # A vendor who registers what was not stored loses what is repeated; so here nothing can be.
        if "--dedup-registers" in self.reading:
            self.span = "1s"
        # With the vendor's own span two minutes pass until a history may prove an absence.
        if "error" in self.reading and self.span == "300s":
            self.span = "15s"
        # What was written down ahead of a kill is looked up: the slower, the less is ahead.
        self.limit = self.chance.choice([200, 800] if self.span == "300s" else [30, 60])
        self.groups = 150 + self.limit // 2
        self.faults = (MANY if self.span == "300s" else FEW) + self.chance.choice(PATHS)

    def nap_s(self):
        """How long the next sender is stopped, if it is: longer than a `Random` is remembered."""
        is_stopped = self.span != "300s" and self.chance.randrange(6) == 0
        return float(self.span.removesuffix("s")) * 1.1 + 1 if is_stopped else None

    def options(self):
        return ["--fault", self.faults, "--deduplication", self.span, "--limit", str(self.limit), "--latency", "20ms",
                "--jitter", "15ms", "--seed", str(self.number + 1), *self.reading]

    def title(self):
        reading = " ".join(self.reading).removeprefix("--dedup-") or "as the pages say"
        return f"{self.number:>4}  {self.channel:<14}{reading:<20}{self.span:>5}  {self.on_unknown:<7}{self.limit:>5}"


class World:
    """A sandbox, and a repository whose app it is."""

    def __init__(self, binary, drawn):
        self.binary, self.drawn, self.runs_out = binary, drawn, 0
        self.sandbox = subprocess.Popen([binary, "sandbox", "--listen", "127.0.0.1:0", *drawn.options()],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.address = self.sandbox.stderr.readline().split("http://")[1].split(";")[0]
        # Nobody reads the rest of its greeting.
        threading.Thread(target=self.sandbox.stderr.read, daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.write("campanile.yaml", SETTINGS.format(endpoint="http://" + self.address, **vars(drawn)))
        self.write("campaigns/news.yaml", CAMPAIGN.format(**vars(drawn)))
        rows = "".join(f"g{number},City {number}\n" for number in range(drawn.groups))
        self.write("groups.csv", "group,city\n" + rows)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sandbox.kill()
        self.sandbox.communicate()
        self.folder.cleanup()

    def write(self, path, text):
        (self.path / path).parent.mkdir(exist_ok=True)
        (self.path / path).write_text(text)

    def start(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "CAMPANILE_SECRET_KEY": "sandbox"}
        return subprocess.Popen([self.binary, *arguments], cwd=self.path, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def get(self, path):
        # It refuses connections now and then, on purpose.
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = http.client.HTTPConnection(self.address, timeout=10)
                connection.request("GET", path)
                return connection.getresponse().read().decode()
            except (OSError, http.client.HTTPException):
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)

    def statistics(self):
        return json.loads(self.get("/sandbox/statistics"))

    def arrivals(self):
        return sum(call["arrivals"] for call in self.statistics()["calls"].values())

    def log(self):
        out = self.start("log", "news", "-o", "jsonl").communicate()[0]
        return [json.loads(line) for line in out.splitlines()]


class Failed(Exception):
    pass


def ended(sender):
    """Its exit code, and what it said."""
    try:
        out, err = sender.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        sender.kill()
        raise Failed("hangs:\n" + sender.communicate()[1])
    return sender.returncode, out + err


def disturb(world, sender, before, number):
    """Waits for the sender's first call, and a while longer; ends it. Returns how, `None`: it had come to its
    end; and whether it was stopped for a while before."""
    chance = world.drawn.chance
    wait, is_drained = chance.uniform(0, chance.choice(SPREADS_S)), chance.randrange(8) == 0 and number > 0
    nap, goes_on = world.drawn.nap_s(), chance.uniform(0, 0.3)
    until = time.monotonic() + PATIENCE_S
    while world.arrivals() <= before:
        if sender.poll() is not None:
            return None, False
        if time.monotonic() > until:
            sender.kill()
            raise Failed("makes no call:\n" + sender.communicate()[1])
        time.sleep(0.002)
    time.sleep(wait)
    if nap and sender.poll() is None:
        sender.send_signal(signal.SIGSTOP)
        time.sleep(nap)
        sender.send_signal(signal.SIGCONT)
        time.sleep(goes_on)
    if sender.poll() is not None:
        return None, bool(nap)
    sender.send_signal(signal.SIGTERM if is_drained else signal.SIGKILL)
    ended(sender)
    return ("drained" if is_drained else "killed"), bool(nap)


def send(world):
    """Starts one sender after the other until the run is finished. Returns how many were killed, and drained."""
    how = collections.Counter()
    verb = ["run", "news", "--yes"]
    for life in range(1_000):
        before = world.arrivals()
        sender = world.start(*verb)
        was, has_slept = None, False
        if how["killed"] < KILLS_OF_A_ROUND:
            was, has_slept = disturb(world, sender, before, life)
        how[was] += 1
        how["stopped"] += has_slept
        if was:
            # Only `resume` goes on with what was drained.
            again = was == "drained" or world.drawn.chance.randrange(2)
            verb = ["resume", "news"] if again else ["run", "news", "--yes"]
            continue
        code, said = ended(sender)
        if code in (FINISHED, UNTOLERATED):
            return how
        # Killed after its last entry, or stopped by answers that were alike.
        if code not in (STOPPED, SAFETY):
            raise Failed(f"exit code {code}:\n{said}")
        verb = ["resume", "news"]
    raise Failed("does not come to an end")


def count(world):
    """Holds the log against the ledger."""
    stored = collections.defaultdict(list)
    for line in world.get("/sandbox/ledger").splitlines():
        record = json.loads(line)
        stored[record["group"]].append(record)
    found, odd = collections.Counter(), []
    lines = world.log()
    for line in lines:
        state, records = line["state"], stored.pop(line["group"], [])
        found[state] += 1
        found["stored"] += len(records)
        if len(records) > 1:
            wrong = "doubled"
        elif state == "accepted":
            wrong = "lost" if not records else "untrue" if not agrees(line, records[0]) else None
        elif state == "unknown":
            wrong = None if line["reason"] else "open"
        elif state in ("refused", "failed"):
            wrong = "untrue" if records else None
        else:
            wrong = "open"
        if wrong:
            found[wrong] += 1
            odd.append((wrong, line, records))
    found["untrue"] += len(stored)
    found["open"] += world.drawn.groups - len({line["group"] for line in lines})
    seen = world.statistics()
    found["doubled"] = max(found["doubled"], seen["doubled"])
    found["repeated"], found["lookups"] = seen["duplicates"], seen["lookups"]
    found["over"] = seen["over_limit"]
    found["untrue"] += seen["collisions"]
    return found, odd


def agrees(line, record):
    seq = record.get("msg_seq")
    # A notification has none; `new_seq` tells a repetition a number of its own.
    is_it = line["msg_seq"] in (None, 0) or seq <= line["msg_seq"]
    return line["random"] == record.get("random") and is_it


COLUMNS = ["killed", "drained", "stopped", "accepted", "refused", "failed", "unknown", "stored", "repeated", "lookups",
           "over", "lost", "doubled", "untrue", "open"]
WRONG = ["lost", "doubled", "untrue", "open"]


def row(found):
    return "".join(f"{found[column]:>9}" for column in COLUMNS)


def play(binary, seed, number):
    drawn, began = Round(seed, number), time.monotonic()
    with World(binary, drawn) as world:
        try:
            how = send(world)
            found, odd = count(world)
            found += how
        except Failed as failed:
            found, odd = collections.Counter(open=drawn.groups), [("open", str(failed), [])]
    print(f"{drawn.title()}{row(found)}   in {time.monotonic() - began:.0f} s", flush=True)
    for wrong in odd[:5]:
        print("     ", *wrong, flush=True)
    if odd or any(found[wrong] for wrong in WRONG):
        print(f"      repeat it: benches/kills.py --seed {seed} --only {number} --binary {binary}\n"
              f"      its sandbox: {' '.join(drawn.options())}", flush=True)
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--at-once", type=int, default=8)
    arguments.add_argument("--binary", default="target/release/campanile")
    arguments.add_argument("--only", type=int)
    options = arguments.parse_args()
    binary = str(pathlib.Path(options.binary).resolve())
    print(f"seed {options.seed}\n" + " " * 57 + "".join(f"{column:>9}" for column in COLUMNS), flush=True)
    total, lock, numbers = collections.Counter(), threading.Lock(), iter(range(10**6))
    began = time.monotonic()

    def work():
        while True:
            with lock:
                if total["killed"] >= options.kills:
                    return
                number = next(numbers)
            found = play(binary, options.seed, number)
            with lock:
                total.update(found)

    if options.only is not None:
        total.update(play(binary, options.seed, options.only))
    else:
        with concurrent.futures.ThreadPoolExecutor(options.at_once) as pool:
            for done in [pool.submit(work) for _ in range(options.at_once)]:
                done.result()
    print(f"{'all':<57}{row(total)}   in {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(any(total[wrong] for wrong in WRONG))


if __name__ == "__main__":
    main()
