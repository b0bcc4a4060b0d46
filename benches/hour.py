#!/usr/bin/env python3
"""Serves a repository for an hour with faults, then compares the journal with the schedules and with the ledger.

usage: benches/hour.py [--minutes 60] [--seed 1] [--campaigns 50] [--every 9]
                        [--binary target/release/campanile] [--folder FOLDER]

A daemon (`serve --git`) follows a bare repository on this disk and sends to a sandbox whose ledger outlives it. Every few
seconds the script draws a fault from the seed and undoes it later, so that faults overlap:

  git       the remote is away, a stale lock, a rewritten branch, invalid campaigns or settings, a campaign deleted and
            restored, most campaigns deleted, edits by hand in the checkout, pushes half a second before a slot
  clock     the wall clock of the daemon and of every command steps by up to 50 s, and back
  disk      writes below the checkout fail with ENOSPC, or syncs with EIO, for three seconds
  log       the script stops reading the daemon's stderr for a minute; the pipe holds one page
  vendor    lost replies, errors, stalls, throttling, refused connections; the sandbox is killed and started again
  process   the daemon is killed or drained, and started again (in the first and the third quarter only, so that the
            memory of the second and the fourth can be compared)
  operator  pause, resume, cancel and release of campaigns and runs

An operator resumes each minute what has stopped and releases or skips what is held. At the end the faults stop, the
schedules are paused, and what is open is sent to its end. The script prints and checks:

  slots      every slot of every schedule has exactly one state, as long as the campaign was in the repository; none has
             two, and none of another time has any. "late" are slots without a state `start_within` and a minute after
             their time; slack is added for a clock that is wrong
  ledger     an accepted delivery is once in the ledger, a refused, failed or skipped one never, an unknown one at most
             once; nothing else is in the ledger, and nothing arrived before its slot by the daemon's clock
  process    the daemon ended only where the script ended it; it answered /livez; no thread panicked
  memory     the resident memory of the last quarter against that of the second

If one of them fails, the exit code is 1 and the folder stays: `journal.db`, `ledger.jsonl`, `daemon.log` (all that the
daemon logged), `faults.log`, `samples.csv`. The same seed draws the same campaigns, and the same faults as far as
they do not depend on which faults and runs are open at that moment.
"""
import argparse, bisect, collections, datetime, fcntl, heapq, http.client, itertools, json, os, pathlib, random, shutil
import signal, socket, statistics, struct, subprocess, sys, tempfile, threading, time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
SHIMS = {"disk": "tests/program/disk.c", "clock": "tests/program/wall_clock.c"}
# `until` of what is still undone.
OPEN = float("inf")
# The farthest that the clock is stepped: with a minute or more a lookup in a history cannot be believed.
STEP_MAX_S = 50
# From a commit that is checked out to a campaign whose slots are expected, by a clock that may be wrong.
TAKEN_IN_S = 15 + STEP_MAX_S
# A state is there `start_within` and a minute after the slot; this is for a clock that is wrong.
STATE_WITHIN_S = 60 + STEP_MAX_S + 20
PIPE_BYTES = 4096
DRAIN_WITHIN_S = 36
COMMAND_WITHIN_S = 60
# How long what is open may take at the end.
SETTLE_S = 240
# A growth beyond both is reported.
GROWTH_SHARE, GROWTH_MB = 1.2, 6
ZONES = {"UTC": 0, "Asia/Shanghai": 480, "Asia/Kolkata": 330}
MINUTES = ["*", "*", "*", "*/2", "1-59/2", "*/3", "2-59/5", "*/5", "7,17,27,37,47,57", "*/10"]
VENDOR_FAULTS = ["lost_reply=30%", "lost_before=30%", "http_500=40%", "html_502=30%,timeout=10%", "stall=5%", "slow=20%",
                 "throttle=40%", "group_throttle=20%", "internal=20%,internal_before=20%", "drop=20%", "expired=20%",
                 "stall_path=5s", "refuse=8s", "delay=0ms-300ms", "lost_reply=10%,throttle=10%,http_500=10%,drop=5%",
                 "stall_path=2s/10s,lost_reply=5%", "refuse=2s/8s,lost_reply=5%"]
STATES = ["accepted", "refused", "failed", "skipped", "unknown", "pending", "in_flight"]

SETTINGS = """apps:
  main:
    sdk_app_id: 1400000000
    secret_key: {{ env: CAMPANILE_SECRET_KEY }}
    endpoint: http://{vendor}
timezone: UTC
on_invalid: {on_invalid}
"""


class Campaign:
    """A campaign as it is drawn, its file, and the slots that its schedule names."""

    def __init__(self, chance, number):
        self.name = f"c{number:02}"
        kind = number % 12
        self.channel = "broadcast" if kind == 11 else "notification" if kind in (5, 9) else "group_message"
        self.zone = chance.choice(list(ZONES))
        self.overlap = chance.choice(["skip", "queue"])
        self.start_within_s = chance.choice([30, 60, 120, 300, 900])
        # A file in which an occurrence may start after its end is invalid.
        self.finish_within = chance.choice([None, None, None, "90s", "5m"]) if self.start_within_s <= 60 else None
        self.on_unknown = chance.choice(["hold", "resend"]) if self.channel == "group_message" else "hold"
        self.minutes, self.at = None, []
        self.groups = chance.choice([2, 3, 5, 10, 20, 40, 80])
        self.rate = None
        if number % 5 == 4:
            self.groups = chance.choice([150, 300])
        if number % 7 == 3:
            self.groups, self.rate = 60, 0.8
        self.missing = chance.choice([0, 0, 0, 1, 2]) if self.channel != "broadcast" else 0
        if number % 6 == 2:
            self.has_list = True
        else:
            self.has_list = False
            self.minutes = chance.choice(MINUTES[3:] if self.channel == "broadcast" else MINUTES)
        self.revision = 0
        self.fault = None
        self.enabled = True
        # True times in which it was not in the repository, or not in use by the daemon.
        self.absent = []
        self.restored_by = None

    def draw_list(self, chance, begin, seconds):
        times = sorted({int(begin) + chance.randrange(60, int(seconds)) for _ in range(max(3, int(seconds) // 150))})
        self.at = times

    def local(self, at):
        shifted = datetime.datetime.fromtimestamp(at + 60 * ZONES[self.zone], datetime.UTC)
        return shifted.strftime("%Y-%m-%dT%H:%M" if shifted.second == 0 else "%Y-%m-%dT%H:%M:%S")

    def instant(self, run):
        """The slot of a run, by its name."""
        civil = datetime.datetime.fromisoformat(run.split("@")[1].split("#")[0]).replace(tzinfo=datetime.UTC)
        return civil.timestamp() - 60 * ZONES[self.zone]

    def slots(self, begin, end):
        """The instants that its schedule names, in seconds, by the names of their runs."""
        if self.has_list:
            times = [at for at in self.at if begin < at <= end]
        else:
            meant = minutes_of(self.minutes)
            first = int(begin) // 60 * 60
            every = range(first, int(end) + 60, 60)
            times = [at for at in every if begin < at <= end and (at // 60 + ZONES[self.zone]) % 60 in meant]
        return {f"{self.name}@{self.local(at)}": at for at in times}

    def is_expected(self, at):
        return not any(since <= at <= until for since, until in self.absent)

    def text(self):
        when = f'cron: "{self.minutes} * * * *"'
        if self.has_list:
            when = "at: [" + ", ".join(self.local(at) for at in self.at) + "]"
        finish = f", finish_within: {self.finish_within}" if self.finish_within else ""
        within = f"{self.start_within_s}s"
        lines = [f"name: {self.name}", f"timezone: {self.zone}", f"enabled: {str(self.enabled).lower()}",
                 f"schedule: {{ {when}, overlap: {self.overlap}, start_within: {within}{finish} }}"]
        if self.channel != "broadcast":
            lines.append(f"audience: {{ group_files: [audiences/{self.name}.csv] }}")
        words = f"{{{{ delivery.key }}}} {{{{ occurrence.at }}}} revision {self.revision}"
        if self.fault == "template":
            words += " {{ group.nowhere }}" if self.channel != "broadcast" else " {{ nowhere }}"
        lines.append(f'send: {{ {self.channel}: {{ text: "{words}" }} }}')
        rate = f", rate: {self.rate}" if self.rate else ""
        lines.append(f"delivery: {{ on_unknown: {self.on_unknown}{rate} }}")
        if self.fault == "key":
            lines.append("no_such_key: 1")
        if self.fault == "yaml":
            lines.append("delivery: [")
        return "\n".join(lines) + "\n"

    def rows(self):
        rows = [f"g{number}" for number in range(self.groups)]
        for number in range(self.missing):
            rows.insert(len(rows) // 2, f"MISSING{number}")
        return "group,city\n" + "".join(f"{row},City of {row}\n" for row in rows)


def minutes_of(field):
    """The minutes that the first field of a cron expression means."""
    found = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = ("0-59" if span == "*" else span).partition("-")
        found.update(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


def free_port():
    """A port below those that the system gives to clients, so that it stays free while its server is down."""
    for port in range(20_000 + os.getpid() % 5_000, 32_000):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("no port is free")


class World:
    """The remote, its author, the sandbox, the daemon and its clock and disk."""

    def __init__(self, options, path):
        self.options, self.path = options, path
        self.binary = str(pathlib.Path(options.binary).resolve())
        self.chance = random.Random(f"hour/{options.seed}")
        self.campaigns = [Campaign(self.chance, number) for number in range(options.campaigns)]
        self.by_name = {campaign.name: campaign for campaign in self.campaigns}
        self.vendor, self.listen = f"127.0.0.1:{free_port()}", None
        self.on_invalid, self.commits, self.is_taken_in = "hold", [], -1
        self.remote, self.author, self.checkout = path / "remote.git", path / "author", path / "daemon/checkout"
        self.daemon = self.sandbox = None
        self.daemon_since, self.stop_expected, self.starts = 0.0, False, 0
        self.restart_at = None
        self.reading = threading.Event()
        self.reading.set()
        self.events, self.lock = collections.Counter(), threading.Lock()
        self.daemon_log = open(path / "daemon.log", "a", buffering=1)
        self.sandbox_log = open(path / "sandbox.log", "a", buffering=1)
        self.faults_log = open(path / "faults.log", "a", buffering=1)
        self.commands, self.wrong = [], []
        self.offsets = [(0.0, 0.0)]
        self.disk_until = 0.0
        self.said = collections.deque(maxlen=50)
        self.readers = []

    # What the script says.

    def say(self, text):
        line = f"{datetime.datetime.now(datetime.UTC):%H:%M:%S.%f}"[:-3] + f" {text}"
        self.faults_log.write(line + "\n")

    def complain(self, kind, text):
        self.say(f"WRONG {kind}: {text}")
        print(f"  WRONG {kind}: {text}", flush=True)
        self.wrong.append((kind, text))

    # Files and git.

    def build_shims(self):
        for name, source in SHIMS.items():
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", SOURCE / source, "-o", self.path / f"{name}.so"], check=True)
        (self.path / "clock").write_bytes(struct.pack("=q", 0))

    def git(self, *arguments, where=None, check=True):
        who = ["-c", "user.name=Author", "-c", "user.email=author@host", "-c", "gc.auto=0"]
        done = subprocess.run(["git", *who, *arguments], cwd=where or self.author, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError(f"git {arguments}: {done.stdout}")
        return done.stdout.strip()

    def write(self, campaign):
        (self.author / "campaigns").mkdir(exist_ok=True)
        (self.author / f"campaigns/{campaign.name}.yaml").write_text(campaign.text())

    def write_settings(self, text=None):
        settings = SETTINGS.format(vendor=self.vendor, on_invalid=self.on_invalid)
        (self.author / "campanile.yaml").write_text(text or settings)

    def remote_now(self):
        away = self.remote.with_suffix(".away")
        return away if away.exists() else self.remote

    def push(self, message):
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.send()

    def send(self):
        self.git("push", "-q", "--force", str(self.remote_now()), "HEAD:main")
        self.commits.append(self.git("rev-parse", "HEAD"))
        return len(self.commits) - 1

    def found(self):
        self.path.joinpath("daemon").mkdir()
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.remote], check=True)
        subprocess.run(["git", "init", "-q", "-b", "main", self.author], check=True)
        (self.author / "audiences").mkdir()
        for campaign in self.campaigns:
            self.write(campaign)
            (self.author / f"audiences/{campaign.name}.csv").write_text(campaign.rows())
        self.write_settings()
        self.push("begin")

    # Processes.

    def environment(self, is_daemon):
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        shims = [self.path / "clock.so"] + ([self.path / "disk.so"] if is_daemon else [])
        return {**kept, "CAMPANILE_SECRET_KEY": "sandbox", "LD_PRELOAD": ":".join(map(str, shims)),
                "WALL_CLOCK": str(self.path / "clock"), "DISK_OF": str(self.checkout),
                "DISK_FAILS": str(self.path / "disk-fails"), "CAMPANILE_SERVE__LISTEN": f"127.0.0.1:{self.listen}"}

    def start_sandbox(self):
        seed = str(self.options.seed + self.starts)
        self.sandbox = subprocess.Popen(
            [self.binary, "sandbox", "--listen", self.vendor, "--ledger", self.path / "ledger.jsonl", "--latency", "20ms",
             "--jitter", "15ms", "--seed", seed], stdin=subprocess.DEVNULL, stdout=self.sandbox_log, stderr=self.sandbox_log)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                socket.create_connection(self.vendor.split(":"), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the sandbox does not listen")

    def vendor_faults(self, text):
        for _ in range(100):
            try:
                connection = http.client.HTTPConnection(self.vendor, timeout=5)
                connection.request("POST", "/sandbox/faults", text)
                answer = connection.getresponse()
                if answer.status != 200:
                    self.complain("script", f"faults {text}: {answer.read()}")
                return
            except (OSError, http.client.HTTPException):
                # Connections are refused on purpose now and then.
                time.sleep(0.1)
        self.complain("script", f"the sandbox does not take {text}")

    def start_daemon(self):
        self.starts += 1
        self.daemon = subprocess.Popen(
            [self.binary, "serve", "-C", self.checkout, "--git", self.remote, "--interval", "2s", "--log", "json"],
            cwd=self.path, env=self.environment(True), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self.daemon_since, self.stop_expected, self.restart_at = time.monotonic(), False, None
        fcntl.fcntl(self.daemon.stderr, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        reader = threading.Thread(target=self.read, args=(self.daemon,), daemon=True)
        reader.start()
        self.readers.append(reader)
        self.say(f"daemon {self.daemon.pid} starts")

    def read(self, daemon):
        rest = b""
        descriptor = daemon.stderr.fileno()
        while True:
            self.reading.wait()
            some = os.read(descriptor, PIPE_BYTES)
            if not some:
                break
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                self.heard(daemon.pid, line.decode(errors="replace"))
        daemon.stderr.close()

    def heard(self, pid, line):
        at = f"{datetime.datetime.now(datetime.UTC):%H:%M:%S.%f}"[:-3]
        try:
            fields = json.loads(line)
            event = fields.get("event", "?")
            if event == "started" and fields["invalid"] and self.starts == 1:
                self.complain("script", line)
        except (ValueError, AttributeError):
            event = "not_json"
        with self.lock:
            self.daemon_log.write(f"{at} {pid} {line}\n")
            self.events[event] += 1
            self.said.append(f"{pid} {line}")

    def command(self, *arguments, why=""):
        """Starts a command of the operator; it is waited for in `reap`."""
        out = tempfile.TemporaryFile()
        process = subprocess.Popen([self.binary, "-C", self.checkout, *arguments], cwd=self.path, stdin=subprocess.DEVNULL,
                                   env=self.environment(False), stdout=out, stderr=out)
        self.commands.append((process, out, arguments, time.monotonic()))
        self.say(f"operator: {' '.join(arguments)} {why}")

    def reap(self):
        for each in list(self.commands):
            process, out, arguments, since = each
            code, age = process.poll(), time.monotonic() - since
            if code is None and age > COMMAND_WITHIN_S + 20:
                process.kill()
                process.wait()
                self.complain("command", f"{' '.join(arguments)} does not end {age:.0f} s after it began, nor on SIGINT")
                code = process.returncode
            elif code is None and age > COMMAND_WITHIN_S:
                process.send_signal(signal.SIGINT)
                continue
            elif code is None:
                continue
            self.commands.remove(each)
            out.seek(0)
            text = out.read().decode(errors="replace").strip()
            out.close()
            self.say(f"operator: {' '.join(arguments)} ended with {code} after {age:.1f} s: {text[-300:]!r}")
            if code < 0 and age < COMMAND_WITHIN_S or code == 101:
                self.complain("command", f"{' '.join(arguments)} ended with {code}: {text[-500:]}")

    def ask(self, *arguments):
        """The JSON that a command prints, or `None` while the journal cannot be read."""
        try:
            done = subprocess.run([self.binary, "-C", self.checkout, *arguments], cwd=self.path, stdin=subprocess.DEVNULL,
                                  env=self.environment(False), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        except subprocess.TimeoutExpired:
            self.say(f"`{' '.join(arguments)}` takes more than 60 s")
            return None
        if done.returncode:
            self.say(f"`{' '.join(arguments)}` ended with {done.returncode}: {done.stderr.decode()[-300:]!r}")
            return None
        return json.loads(done.stdout)

    def status(self, limit=5):
        return self.ask("status", "-n", str(limit), "-o", "json")

    def set_clock(self, seconds):
        with open(self.path / "clock", "r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1e9)))
        self.offsets.append((time.time(), seconds))

    def offset_at(self, at, slack_s=3):
        """The farthest that the clock was ahead about this time."""
        times = [since for since, _ in self.offsets]
        low = max(bisect.bisect_right(times, at - slack_s) - 1, 0)
        high = bisect.bisect_right(times, at + slack_s)
        return max(offset for _, offset in self.offsets[low:high])

    def probe(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.listen, timeout=5)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return 0, str(error)

    def watch(self):
        """Starts the daemon again if it is to be, and notices if it ended by itself."""
        if self.daemon.poll() is not None and self.restart_at is None:
            code, age = self.daemon.returncode, time.monotonic() - self.daemon_since
            self.say(f"daemon {self.daemon.pid} ended with {code} after {age:.0f} s")
            if not self.stop_expected:
                excused = age < 20 and time.monotonic() < self.disk_until + 20
                kind = "start" if excused else "daemon"
                said = "\n      ".join(list(self.said)[-4:])
                text = f"{self.daemon.pid} ended by itself with {code} after {age:.0f} s; its last lines:\n      {said}"
                self.say(text) if excused else self.complain(kind, text)
                self.restart_at = time.monotonic() + 1
        if self.restart_at is not None and time.monotonic() >= self.restart_at:
            self.start_daemon()

    def end(self):
        self.reading.set()
        for process in [self.daemon, self.sandbox, *(each[0] for each in self.commands)]:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for reader in self.readers:
            reader.join(5)


class Faults:
    """Faults that are drawn. Each method begins one and returns what undoes it and after how long, or `None`."""

    def __init__(self, world):
        self.world, self.chance = world, random.Random(f"faults/{world.options.seed}")
        self.active, self.done, self.timers, self.count = {}, collections.Counter(), [], itertools.count()
        self.weights = {
            self.remote_away: 4, self.stale_lock: 4, self.force_push: 4, self.invalid_campaigns: 7, self.invalid_settings: 3,
            self.delete_campaign: 6, self.disable_campaign: 3, self.most_gone: 2, self.edit_by_hand: 4,
            self.push_before_slot: 8, self.change_on_invalid: 2, self.step_clock: 8, self.fail_disk: 6, self.stop_reading: 3,
            self.vendor_errs: 14, self.kill_sandbox: 4, self.kill_daemon: 6, self.drain_daemon: 4, self.pause_campaign: 6,
            self.pause_run: 4, self.cancel_run: 4, self.pause_all: 2}
        self.quiet_processes = False

    def later(self, seconds, action):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.count), action))

    def run_timers(self):
        while self.timers and self.timers[0][0] <= time.monotonic():
            heapq.heappop(self.timers)[2]()

    def draw(self):
        kinds = [kind for kind in self.weights if kind.__name__ not in self.active]
        kind = self.chance.choices(kinds, [self.weights[each] for each in kinds])[0]
        name = kind.__name__
        if self.quiet_processes and name in ("kill_daemon", "drain_daemon"):
            name, kind = "vendor_errs", self.vendor_errs
            if name in self.active:
                return
        began = kind()
        if began is None:
            return
        what, seconds, undo = began
        self.done[name] += 1
        self.world.say(f"fault {name}: {what}, for {seconds:.1f} s")
        self.active[name] = undo

        def over():
            if self.active.pop(name, None):
                undo()
                self.world.say(f"undone {name}")
        self.later(seconds, over)

    def undo_all(self):
        for name in list(self.active):
            undo = self.active.pop(name)
            undo()
            self.world.say(f"undone {name}")

    def some(self, most=1, is_wanted=lambda campaign: True):
        """Campaigns that no other fault has changed."""
        free = [each for each in self.world.campaigns
                if each.fault is None and each.enabled and (self.world.author / f"campaigns/{each.name}.yaml").exists()
                and is_wanted(each)]
        return self.chance.sample(free, min(most, len(free)))

    # The repository.

    def remote_away(self):
        remote, away = self.world.remote, self.world.remote.with_suffix(".away")
        remote.rename(away)
        return "the remote is moved away", 30, lambda: away.rename(remote)

    def stale_lock(self):
        lock = self.world.checkout / ".git" / self.chance.choice(["index.lock", "HEAD.lock", "shallow.lock"])
        lock.touch()
        self.revise(2, "change beside a stale lock")
        return f"{lock.name} is left in the checkout", 30, lambda: lock.unlink(missing_ok=True)

    def revise(self, most, message):
        chosen = self.some(most)
        for campaign in chosen:
            campaign.revision += 1
            self.world.write(campaign)
        self.world.push(message)
        return [campaign.name for campaign in chosen]

    def force_push(self):
        if len(self.world.commits) < 2:
            return None
        self.world.git("reset", "-q", "--soft", "HEAD~1")
        names = self.revise(2, f"rewritten {self.world.starts} {self.chance.random()}")
        return f"the newest commit is replaced, with {names} changed", 1, lambda: None

    def invalid_campaigns(self):
        chosen = self.some(self.chance.randrange(1, 5))
        for campaign in chosen:
            campaign.fault = self.chance.choice(["yaml", "key", "template"])
            self.world.write(campaign)
        self.world.push("invalid campaigns")

        def undo():
            for campaign in chosen:
                campaign.fault = None
                self.world.write(campaign)
            self.world.push("valid again")
        what = ", ".join(f"{campaign.name} ({campaign.fault})" for campaign in chosen)
        return f"invalid: {what}", self.chance.uniform(15, 150), undo

    def invalid_settings(self):
        text = self.chance.choice(["apps: [\n", "nonsense: 1\n", "apps: {}\n", SETTINGS.format(vendor="x y", on_invalid="perhaps")])
        self.world.write_settings(text)
        self.world.push("invalid settings")

        def undo():
            self.world.write_settings()
            self.world.push("valid settings")
        return f"settings {text!r}", self.chance.uniform(10, 50), undo

    def change_on_invalid(self):
        world = self.world
        world.on_invalid = "last_good"
        if "invalid_settings" in self.active:
            return None
        world.write_settings()
        world.push("on_invalid: last_good")

        def undo():
            world.on_invalid = "hold"
            if "invalid_settings" not in self.active:
                world.write_settings()
            world.push("on_invalid: hold")
        return "on_invalid: last_good", self.chance.uniform(60, 300), undo

    def leave(self, campaign):
        campaign.absent.append([time.time() - STEP_MAX_S - 20, OPEN])

    def come_back(self, campaign, index):
        campaign.restored_by = index

    def delete_campaign(self):
        chosen = self.some(1)
        if not chosen or "most_gone" in self.active:
            return None
        (campaign,) = chosen
        path = self.world.author / f"campaigns/{campaign.name}.yaml"
        self.leave(campaign)
        path.unlink()
        self.world.push(f"delete {campaign.name}")

        def undo():
            self.world.write(campaign)
            self.come_back(campaign, self.world.push(f"restore {campaign.name}"))
        return f"{campaign.name} is deleted", self.chance.uniform(10, 120), undo

    def disable_campaign(self):
        chosen = self.some(1)
        if not chosen or "most_gone" in self.active:
            return None
        (campaign,) = chosen
        self.leave(campaign)
        campaign.enabled = False
        self.world.write(campaign)
        self.world.push(f"disable {campaign.name}")

        def undo():
            campaign.enabled = True
            self.world.write(campaign)
            self.come_back(campaign, self.world.push(f"enable {campaign.name}"))
        return f"{campaign.name} is disabled", self.chance.uniform(10, 120), undo

    def most_gone(self):
        if self.active.keys() & {"delete_campaign", "disable_campaign", "invalid_campaigns"}:
            return None
        chosen = self.some(len(self.world.campaigns) * 4 // 5)
        for campaign in chosen:
            (self.world.author / f"campaigns/{campaign.name}.yaml").unlink()
        self.world.push("delete most campaigns")

        def undo():
            for campaign in chosen:
                self.world.write(campaign)
            self.world.push("restore most campaigns")
        return f"{len(chosen)} campaigns are deleted, which is not believed", self.chance.uniform(8, 40), undo

    def edit_by_hand(self):
        folder = self.world.checkout / "campaigns"
        how = self.chance.choice(["edit", "delete", "add", "truncate"])
        chosen = self.some(3)
        added = folder / "by-hand.yaml"
        for campaign in chosen:
            path = folder / f"{campaign.name}.yaml"
            if how == "edit":
                path.write_text(campaign.text().replace("revision", "BY HAND"))
            elif how == "delete":
                path.unlink(missing_ok=True)
            elif how == "truncate":
                path.write_text(campaign.text()[:40])
        if how == "add" and chosen:
            added.write_text(chosen[0].text().replace(chosen[0].name, "by-hand", 1).replace("revision", "BY HAND"))
        return f"{how} by hand in the checkout: {[each.name for each in chosen]}", self.chance.uniform(20, 90), \
            lambda: added.unlink(missing_ok=True)

    def push_before_slot(self):
        wait = (59.5 - time.time()) % 60

        def push():
            names = self.revise(self.chance.randrange(1, 9), "change before a slot")
            self.world.say(f"pushed before a slot: {names}")
        self.later(wait, push)
        return f"a push half a second before the slot, in {wait:.1f} s", wait + 1, lambda: None

    # The machine.

    def step_clock(self):
        by = self.chance.choice([-1, 1]) * self.chance.choice([2, 5, 10, 30, STEP_MAX_S])
        self.world.set_clock(by)
        return f"the clock is stepped by {by} s", self.chance.uniform(15, 90), lambda: self.world.set_clock(0)

    def fail_disk(self):
        how = self.chance.choice(["full", "sync"])
        fails, ready = self.world.path / "disk-fails", self.world.path / "disk-fails.ready"
        ready.write_text(how)
        ready.rename(fails)
        self.world.disk_until = time.monotonic() + 4

        def undo():
            fails.unlink(missing_ok=True)
            self.world.disk_until = time.monotonic()
        return f"the disk fails: {how}", 3, undo

    def stop_reading(self):
        self.world.reading.clear()
        return "the log is not read", 60, self.world.reading.set

    # The vendor.

    def vendor_errs(self):
        if "kill_sandbox" in self.active:
            return None
        text = self.chance.choice(VENDOR_FAULTS)
        self.world.vendor_faults(text)

        def undo():
            if "kill_sandbox" not in self.active:
                self.world.vendor_faults("none")
        return f"the vendor: {text}", self.chance.uniform(5, 45), undo

    def kill_sandbox(self):
        self.world.sandbox.kill()
        self.world.sandbox.wait()
        return "the sandbox is killed", self.chance.uniform(0, 12), self.world.start_sandbox

    # The daemon.

    def stop_daemon(self, how):
        world = self.world
        if world.daemon.poll() is not None or world.restart_at is not None:
            return None
        daemon, begun = world.daemon, time.monotonic()
        world.stop_expected = True
        daemon.send_signal(how)
        if how == signal.SIGTERM:
            is_read, paused = world.reading.is_set(), "the log is not read" if not world.reading.is_set() else ""
            try:
                daemon.wait(DRAIN_WITHIN_S)
            except subprocess.TimeoutExpired:
                world.complain("drain", f"{daemon.pid} has not ended {DRAIN_WITHIN_S} s after SIGTERM {paused}")
                daemon.kill()
            daemon.wait()
            took = time.monotonic() - begun
            if daemon.returncode != 143:
                said = "\n      ".join(list(world.said)[-4:])
                is_early = begun - world.daemon_since < 3 and daemon.returncode == -signal.SIGTERM
                if not is_early:
                    world.complain("drain", f"{daemon.pid} ended with {daemon.returncode} on SIGTERM ({is_read=}):\n      {said}")
            world.say(f"daemon {daemon.pid} drained in {took:.1f} s with {daemon.returncode}")
        else:
            daemon.wait()
        world.restart_at = time.monotonic() + self.chance.choice([0, 0, 0.5, 2])
        return f"daemon {daemon.pid} gets signal {how.name}", 5, lambda: None

    def kill_daemon(self):
        return self.stop_daemon(signal.SIGKILL)

    def drain_daemon(self):
        return self.stop_daemon(signal.SIGTERM)

    # The operator.

    def pause_campaign(self):
        chosen = self.some(1)
        if not chosen:
            return None
        (campaign,) = chosen
        self.world.command("pause", campaign.name)
        return f"{campaign.name} is paused", self.chance.uniform(10, 100), \
            lambda: self.world.command("resume", campaign.name)

    def an_open_run(self):
        status = self.world.status() or {}
        runs = [each["run"] for part in ("open", "needs_attention") for each in status.get(part, [])]
        return self.chance.choice(runs) if runs else None

    def pause_run(self):
        run = self.an_open_run()
        if not run:
            return None
        self.world.command("pause", run)
        return f"{run} is paused", self.chance.uniform(5, 40), lambda: self.world.command("resume", run)

    def cancel_run(self):
        run = self.an_open_run()
        if not run:
            return None
        self.world.command("cancel", run, "--yes")
        return f"{run} is cancelled", 1, lambda: None

    def pause_all(self):
        self.world.command("pause", "--all")
        return "everything is paused", self.chance.uniform(5, 40), lambda: self.world.command("resume", "--schedules")

    def see_to(self, status):
        """Does what an operator does about what waits for one."""
        for each in status["needs_attention"]:
            if not self.is_asked(each["run"]):
                self.world.command("resume", each["run"], why=f"({each['state']}: {each['reason_code']}, {each['note']})")
        held = {each["run"]: each for each in status["waiting"] if each["state"] == "held"}
        for run, each in held.items():
            campaign = self.world.by_name.get(run.split("@")[0])
            if campaign and campaign.fault is None:
                skip = ["--skip"] if self.chance.random() < 0.4 else []
                self.world.command("release", run, *skip, why=f"({each['reason_code']})")
        if not self.active.keys() & {"pause_all", "pause_campaign"}:
            for each in status["paused_campaigns"]:
                self.world.command("resume", each["campaign"], why="(still paused)")

    def is_asked(self, run):
        return any(run in arguments for _, _, arguments, _ in self.world.commands)


class Samples:
    """What the daemon uses, every ten seconds."""

    def __init__(self, world):
        self.world, self.taken = world, []
        self.file = open(world.path / "samples.csv", "w", buffering=1)
        self.file.write("seconds,pid,age_s,rss_kb,threads,descriptors\n")

    def take(self, elapsed):
        pid = self.world.daemon.pid
        try:
            status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))
            row = (elapsed, pid, time.monotonic() - self.world.daemon_since, int(status["VmRSS"].split()[0]),
                   int(status["Threads"]), descriptors)
        except (OSError, KeyError, ValueError):
            return None
        self.taken.append(row)
        self.file.write(",".join(f"{cell:.0f}" for cell in row) + "\n")
        return row

    def between(self, begin, end):
        return [row for row in self.taken if begin <= row[0] < end and row[2] > 30]


class Late:
    """Slots that have no state though it is time, looked for while the daemon runs."""

    def __init__(self, world, begin):
        self.world, self.begin, self.found = world, begin, {}

    def look(self, known):
        now = time.time()
        for campaign in self.world.campaigns:
            due = now - campaign.start_within_s - STATE_WITHIN_S
            for run, at in campaign.slots(self.begin, due).items():
                if run not in known and run not in self.found and campaign.is_expected(at):
                    self.found[run] = now - at
                    self.world.complain("late", f"{run} has no state {now - at:.0f} s after its time, start_within "
                                                f"{campaign.start_within_s} s")


def states_of(status):
    """Every run and occurrence of the status: its states by its name."""
    states = collections.defaultdict(list)
    for part in ("needs_attention", "open", "finished", "waiting", "passed"):
        for each in status[part]:
            states[each["run"]].append((part, each["state"], each.get("reason_code"), each))
    return states


def note_commit(world, status):
    """Notes which commit is checked out, and which campaigns are back by it."""
    commit = (status.get("commit") or "").split()[0:1]
    if not commit:
        return
    shown = commit[0].rstrip(".").rstrip("…")
    for index in range(len(world.commits) - 1, world.is_taken_in, -1):
        if world.commits[index].startswith(shown):
            world.is_taken_in = index
            break
    for campaign in world.campaigns:
        if campaign.restored_by is not None and world.is_taken_in >= campaign.restored_by:
            campaign.absent[-1][1] = time.time() + TAKEN_IN_S
            campaign.restored_by = None


def check_slots(world, states, begin, end):
    """Holds the states against the schedules. Returns how many slots have which."""
    table, odd = collections.Counter(), []
    valid = {}
    for campaign in world.campaigns:
        valid.update(campaign.slots(begin - 3600, end + 3600))
        for run, at in campaign.slots(begin, end).items():
            found = states.get(run, [])
            if len(found) > 1:
                odd.append(("twice", run, [each[:3] for each in found]))
            if found:
                part, state, reason, _ = found[0]
                table[f"{'run ' if part in ('open', 'finished', 'needs_attention') else ''}{state}"
                      + (f" ({reason})" if part in ("passed", "waiting") else "")] += 1
                if part not in ("finished", "passed"):
                    odd.append(("not ended", run, found[0][:3]))
                if part in ("passed", "waiting") and not reason:
                    odd.append(("no reason", run, found[0][:3]))
            elif campaign.is_expected(at):
                odd.append(("no state", run, f"at {datetime.datetime.fromtimestamp(at, datetime.UTC):%H:%M:%S}"))
            else:
                table["not expected"] += 1
    for run in states:
        if run not in valid:
            odd.append(("no slot", run, [each[:3] for each in states[run]]))
    return table, odd


def check_ledger(world, states):
    """Holds the logs of all runs against the ledger. Returns how many deliveries stand how, and how many runs there are."""
    ledger = collections.defaultdict(list)
    odd, table = [], collections.Counter()
    for number, line in enumerate(open(world.path / "ledger.jsonl")):
        record = json.loads(line)
        text = record.get("text") or ""
        ledger[text.split(" ")[0]].append((number, record))
        if "BY HAND" in text:
            odd.append(("by hand", text, record))
    runs = [run for run, found in states.items() if any(part in ("open", "finished", "needs_attention") for part, *_ in found)]
    for run in sorted(runs):
        done = subprocess.run([world.binary, "-C", world.checkout, "log", run, "-o", "jsonl"], cwd=world.path,
                              env=world.environment(False), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            odd.append(("no log", run, done.stderr[-300:]))
            continue
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        counts, first_s = collections.Counter(line["state"] for line in lines), OPEN
        standing = next(each for part, _, _, each in states[run] if part in ("open", "finished", "needs_attention"))
        for state in ("accepted", "refused", "failed", "skipped", "unknown"):
            if counts[state] != standing[state]:
                odd.append(("counts", run, f"status says {standing[state]} {state}, log {counts[state]}"))
        if standing["planned"] != len(lines):
            odd.append(("counts", run, f"{standing['planned']} are planned, the log has {len(lines)}"))
        for line in lines:
            key, state, channel = line["delivery"], line["state"], line["channel"]
            found = ledger.pop(key, [])
            table[channel, state] += 1
            table[channel, "stored"] += len(found)
            wrong = None
            if len(found) > 1:
                wrong = "doubled"
            elif state == "accepted" and not found:
                wrong = "lost"
            elif state in ("refused", "failed", "skipped") and found:
                wrong = "untrue"
            elif state not in ("accepted", "unknown", "refused", "failed", "skipped"):
                wrong = "open"
            elif state == "unknown" and not (line["reason"] or line["error_info"]):
                wrong = "no reason"
            elif found and (line["group"] or None) != (found[0][1].get("group") or None):
                wrong = "other group"
            elif found and state == "accepted" and line["random"] and found[0][1].get("random") != line["random"]:
                wrong = "other random"
            first_s = min([first_s, *(each["arrived_ms"] / 1000 for _, each in found)])
            if wrong:
                table[channel, "wrong"] += 1
                odd.append((wrong, f"{run} {line['group']}", {"log": line, "ledger": found}))
        # A run that is open is sent on when the clock is set back, so only its first message tells.
        early_s = world.by_name[run.split("@")[0]].instant(run) - first_s
        if early_s > max(world.offset_at(first_s), 0) + 0.05:
            odd.append(("early", run, f"its first message arrived {early_s:.1f} s before its slot"))
    for key, found in ledger.items():
        odd.append(("not in the journal", key, found))
    return table, odd, len(runs)


def check_memory(samples, seconds):
    """Compares the last quarter with the second."""
    quarter = seconds / 4
    figures = []
    for number in range(4):
        rows = samples.between(number * quarter, (number + 1) * quarter)
        if rows:
            rss = [row[3] / 1024 for row in rows]
            figures.append((number + 1, statistics.median(rss), max(rss), statistics.median(row[4] for row in rows),
                            max(row[4] for row in rows), statistics.median(row[5] for row in rows), max(row[5] for row in rows)))
    for number, median, most, threads, threads_max, descriptors, descriptors_max in figures:
        print(f"  quarter {number}: {median:.1f} MB resident, {most:.1f} at the most; {threads:.0f} threads, {threads_max} at the "
              f"most; {descriptors:.0f} descriptors, {descriptors_max} at the most")
    lives = collections.defaultdict(list)
    for row in samples.taken:
        lives[row[1]].append(row)
    for pid, rows in lives.items():
        if rows[-1][2] > 240:
            third = max(len(rows) // 3, 1)
            first, last = (statistics.median(row[3] / 1024 for row in part) for part in (rows[:third], rows[-third:]))
            print(f"  daemon {pid} lived for {rows[-1][2] / 60:.1f} min: {first:.1f} MB in its first third, {last:.1f} in its last")
    by_number = {figure[0]: figure for figure in figures}
    if 2 in by_number and 4 in by_number:
        before, after = by_number[2][1], by_number[4][1]
        if after > before * GROWTH_SHARE and after > before + GROWTH_MB:
            return [("memory", "resident memory grows", f"{before:.1f} MB in the second quarter, {after:.1f} MB in the last")]
        if by_number[4][5] > by_number[2][5] + 20:
            return [("descriptors", "open descriptors grow", f"{by_number[2][5]:.0f}, then {by_number[4][5]:.0f}")]
    return []


def disturb(world, faults, samples, late, seconds):
    """Draws faults until the time is over, and looks on."""
    began = time.monotonic()
    # A minute without faults at the beginning and at the end.
    calm = min(60, seconds / 6)
    next_fault, next_sample, next_minute, next_visit, next_status = began + calm, began + 10, began + 60, began + 45, began + 5
    failing_since = None
    while (elapsed := time.monotonic() - began) < seconds:
        now = time.monotonic()
        faults.run_timers()
        world.watch()
        world.reap()
        faults.quiet_processes = int(elapsed / (seconds / 4)) in (1, 3)
        if now >= next_fault and elapsed < seconds - calm:
            faults.draw()
            next_fault = now + faults.chance.uniform(0.3, 1.7) * world.options.every
        if now >= next_status:
            next_status = now + 5
            status = world.status()
            if status:
                note_commit(world, status)
                if now >= next_visit:
                    next_visit = now + 45
                    faults.see_to(status)
        if now >= next_sample:
            next_sample += 10
            samples.take(elapsed)
            code, text = world.probe("/livez")
            if code != 200 and now - world.daemon_since > 20 and world.daemon.poll() is None:
                failing_since = failing_since or now
                world.say(f"livez: {code} {text!r}")
                if now - failing_since > 25:
                    world.complain("livez", f"{code} {text!r} for {now - failing_since:.0f} s, active: {list(faults.active)}")
            else:
                failing_since = None
        if now >= next_minute:
            next_minute += 60
            report(world, faults, samples, late, elapsed)
        time.sleep(0.05)


def report(world, faults, samples, late, elapsed):
    status = world.status(1_000_000)
    row = samples.take(elapsed) or (0,) * 6
    line = f"{elapsed / 60:5.1f} min  {row[3] / 1024:6.1f} MB {row[4]:>3} threads {row[5]:>3} descriptors"
    if status:
        late.look(states_of(status))
        parts = {part: len(status[part]) for part in ("finished", "open", "needs_attention", "waiting", "passed")}
        line += "  " + ", ".join(f"{count} {part}" for part, count in parts.items())
    with world.lock:
        errors = {event: world.events[event] for event in ("panicked", "lane_failed", "journal", "log_dropped") if world.events[event]}
    print(f"{line}  faults {sum(faults.done.values())}, active {sorted(faults.active)} {errors or ''}", flush=True)


def settle(world, faults):
    """Stops faults, pauses the schedules and has what is open sent to its end. Returns until when slots count."""
    faults.undo_all()
    faults.run_timers()
    faults.timers.clear()
    world.set_clock(0)
    for campaign in world.campaigns:
        world.write(campaign)
    world.write_settings()
    last = world.push("end")
    until = time.monotonic() + 40
    while time.monotonic() < until:
        world.watch()
        world.reap()
        status = world.status()
        if status:
            note_commit(world, status)
            if world.is_taken_in >= last and time.monotonic() > until - 25:
                break
        time.sleep(1)
    if world.is_taken_in < last:
        world.complain("git", f"the last commit {world.commits[last]} is not checked out: {(status or {}).get('commit')}")
    end = time.time()
    world.command("pause", "--all")
    begun, asked = time.monotonic(), {}
    while time.monotonic() < begun + SETTLE_S:
        world.watch()
        world.reap()
        time.sleep(1)
        status = world.status()
        if not status or any("--all" in each[2] for each in world.commands):
            continue
        waits = [each for part in ("open", "needs_attention", "waiting") for each in status[part]]
        if not waits and not world.commands:
            break
        for each in status["needs_attention"]:
            run = each["run"]
            if time.monotonic() - asked.get(run, 0) > 20 and not faults.is_asked(run) and len(world.commands) < 8:
                asked[run] = time.monotonic()
                world.command("resume", run, why=f"({each['state']}: {each['reason_code']}, {each['note']})")
        for each in status["waiting"]:
            run = each["run"]
            if each["state"] == "held" and time.monotonic() - asked.get(run, 0) > 20:
                asked[run] = time.monotonic()
                world.command("release", run, "--skip", why=f"({each['reason_code']})")
    else:
        world.complain("settle", f"open after {SETTLE_S} s: {[(each['run'], each['state']) for each in waits]}")
    return end


def drain(world):
    world.stop_expected = True
    begun = time.monotonic()
    world.daemon.send_signal(signal.SIGTERM)
    try:
        world.daemon.wait(DRAIN_WITHIN_S)
    except subprocess.TimeoutExpired:
        world.complain("drain", f"{world.daemon.pid} has not ended {DRAIN_WITHIN_S} s after SIGTERM")
        world.daemon.kill()
    code = world.daemon.wait()
    print(f"the daemon ended with {code}, {time.monotonic() - begun:.1f} s after SIGTERM", flush=True)
    if code != 143:
        world.complain("drain", f"ended with {code}")


def show(title, odd):
    if odd:
        kinds = collections.Counter(each[0] for each in odd)
        print(f"WRONG {title}: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items()))
    shown = collections.Counter()
    for kind, *rest in odd:
        shown[kind] += 1
        if shown[kind] <= 8:
            print("  ", kind, *rest)


def play(world, options):
    seconds = options.minutes * 60
    world.build_shims()
    world.listen = free_port() + 1
    began_at = time.time()
    for campaign in world.campaigns:
        if campaign.has_list:
            campaign.draw_list(world.chance, began_at, seconds)
    world.found()
    world.start_sandbox()
    world.start_daemon()
    until = time.monotonic() + 60
    while not world.events["started"]:
        world.watch()
        if time.monotonic() > until:
            raise RuntimeError("the daemon does not start: " + "\n".join(world.said))
        time.sleep(0.1)
    begin = time.time() + 5
    faults, samples, late = Faults(world), Samples(world), Late(world, begin)
    print(f"seed {options.seed}, {len(world.campaigns)} campaigns, {options.minutes:g} min, in {world.path}", flush=True)
    disturb(world, faults, samples, late, seconds)
    end = settle(world, faults)
    drain(world)
    status = world.status(1_000_000)
    (world.path / "status.json").write_text(json.dumps(status, indent=1))
    backup = subprocess.run([world.binary, "-C", world.checkout, "journal", "backup", world.path / "journal.db"],
                            env=world.environment(False), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if backup.returncode:
        world.complain("backup", backup.stderr)
    states = states_of(status)
    slots, odd_slots = check_slots(world, states, begin, end)
    deliveries, odd_deliveries, runs = check_ledger(world, states)
    print("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(faults.done.items())))
    print("events: " + ", ".join(f"{name} {count}" for name, count in world.events.most_common()))
    print(f"{sum(slots.values())} slots: " + ", ".join(f"{count} {name}" for name, count in slots.most_common()))
    print(f"{runs} runs, {sum(count for (_, state), count in deliveries.items() if state in STATES)} deliveries")
    for channel in sorted({channel for channel, _ in deliveries}):
        parts = {state: count for (of, state), count in deliveries.items() if of == channel}
        print(f"  {channel}: " + ", ".join(f"{count} {state}" for state, count in sorted(parts.items())))
    print("memory:")
    odd_memory = check_memory(samples, seconds)
    for title, odd in ("slots", odd_slots), ("ledger", odd_deliveries), ("memory", odd_memory):
        show(title, odd)
    (world.path / "odd.jsonl").write_text("".join(
        json.dumps(each, default=str) + "\n" for each in [*odd_slots, *odd_deliveries, *odd_memory, *world.wrong]))
    if world.events["panicked"]:
        world.complain("panicked", f"{world.events['panicked']} times; see daemon.log")
    show("meanwhile", world.wrong)
    return bool(odd_slots or odd_deliveries or odd_memory or world.wrong)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--campaigns", type=int, default=50)
    arguments.add_argument("--binary", default="target/release/campanile")
    arguments.add_argument("--every", type=float, default=9, help="seconds between two faults, on average")
    arguments.add_argument("--folder", help="where everything is kept; by default a temporary folder, removed if all is well")
    options = arguments.parse_args()
    path = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="campanile-hour-")).resolve()
    path.mkdir(parents=True, exist_ok=True)
    world, is_wrong = World(options, path), True
    try:
        is_wrong = play(world, options)
    finally:
        world.end()
        if is_wrong:
            print(f"what happened is in {path}; repeat it: benches/hour.py --minutes {options.minutes:g} --seed {options.seed} "
                  f"--campaigns {options.campaigns}", flush=True)
        elif not options.folder:
            shutil.rmtree(path)
    print("wrong" if is_wrong else "all is well", flush=True)
    sys.exit(is_wrong)


if __name__ == "__main__":
    main()
