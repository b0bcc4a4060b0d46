"""Random fixed expressions, zones and instants around clock changes, and when cronsim says that they fire.

usage: cases.py SEED COUNT

cronsim follows Debian's cron, as Campanile does with `dst: run_once`. What the two spell or mean differently on purpose
is left out here:
- intervals (a minute or hour that begins with `*`): near a clock change cronsim computes with times that do not exist;
- `W`, `?`, `FRI#L` and macros, which cronsim does not read;
- steps that leave a single value, which Campanile refuses;
- years before 1990, when clocks of some zones changed by odd seconds: cronsim looks for the end of a gap by the minute.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

ZONES = [
    "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/New_York", "America/Santiago",
    "America/Sao_Paulo", "America/St_Johns", "Asia/Beirut", "Asia/Gaza", "Asia/Kathmandu", "Asia/Shanghai", "Asia/Tehran",
    "Atlantic/Azores", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/London",
    "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "UTC",
]
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
FIRST_YEAR, LAST_YEAR = 1990, 2085
OCCURRENCES = 4


class Cases:
    def __init__(self, seed):
        self.random = Random(seed)
        self.changes = {zone: changes(ZoneInfo(zone)) for zone in ZONES}

    def one(self):
        zone = self.random.choice(ZONES)
        start = self.start(zone)
        expression = " ".join([self.minute(), self.hour(), self.day(), self.month(), self.weekday()])
        return {"expression": expression, "zone": zone, "from": start, "expected": expected(expression, zone, start)}

    def start(self, zone):
        """Mostly within two days of a clock change, sometimes to the second."""
        known = self.changes[zone]
        if not known or self.random.random() < 0.1:
            return self.random.randrange(epoch(FIRST_YEAR), epoch(LAST_YEAR))
        change = self.random.choice(known)
        if self.random.random() < 0.3:
            return change + self.random.choice([-3600, -1800, -60, -1, 0, 1, 60, 1800, 3600])
        return change + self.random.randrange(-2 * 86400, 86400)

    def minute(self):
        return self.list(lambda: self.plain(0, 59, lambda: self.random.choice([0, 15, 30, 45, self.random.randint(0, 59)])))

    def hour(self):
        """Mostly in the night, when clocks change."""
        return self.list(lambda: self.plain(0, 23, lambda: self.random.choice([0, 1, 2, 2, 3, 23, self.random.randint(0, 23)])))

    def day(self):
        kind = self.random.random()
        if kind < 0.65:
            return "*"
        if kind < 0.75:
            return f"*/{self.random.randint(2, 10)}"
        special = lambda: self.random.choice(["L", "LW"])
        plain = lambda: self.plain(1, 31, lambda: self.random.randint(1, 31))
        return self.list(lambda: special() if self.random.random() < 0.15 else plain())

    def month(self):
        kind = self.random.random()
        if kind < 0.75:
            return "*"
        if kind < 0.8:
            return f"*/{self.random.randint(2, 5)}"
        if kind < 0.9:
            return self.list(lambda: self.cased(self.random.choice(MONTHS)))
        return self.list(lambda: self.plain(1, 12, lambda: self.random.randint(1, 12)))

    def weekday(self):
        kind = self.random.random()
        if kind < 0.65:
            return "*"
        if kind < 0.7:
            return f"*/{self.random.randint(2, 7)}"
        return self.list(self.one_weekday)

    def one_weekday(self):
        kind = self.random.random()
        if kind < 0.15:
            return f"{self.random.randint(0, 7)}L"
        if kind < 0.3:
            return f"{self.cased(self.random.choice(WEEKDAYS))}#{self.random.randint(1, 5)}"
        if kind < 0.5:
            return self.cased(self.random.choice(WEEKDAYS))
        if kind < 0.6:
            first, last = sorted(self.random.sample(range(7), 2))
            return f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"
        return self.plain(0, 7, lambda: self.random.randint(0, 7))

    def cased(self, word):
        return self.random.choice([word, word.lower(), word.title()])

    def list(self, entry):
        return ",".join(entry() for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def plain(self, least, most, value):
        """`5`, `1-5`, `1-5/2` or `5/15`."""
        kind = self.random.random()
        first = value()
        last = self.random.randint(first, most)
        if kind < 0.65:
            return str(first)
        if kind < 0.8:
            return f"{first}-{last}"
        if kind < 0.9 and last > first:
            return f"{first}-{last}/{self.random.randint(1, last - first)}"
        if first < most:
            return f"{first}/{self.random.randint(1, most - first)}"
        return str(first)


def expected(expression, zone, start):
    """The next instants. Shorter where cronsim finds no more."""
    begin = datetime.fromtimestamp(start, ZoneInfo(zone))
    found = []
    try:
        for at in CronSim(expression, begin):
            # It forgets which pass of a repeated hour it began in, and may go back to the first.
            instant = int(at.timestamp())
            if instant > start:
                found.append(instant)
            if len(found) == OCCURRENCES:
                break
    except CronSimError as error:
        # Of all that can be wrong, only this can come from expressions made here.
        if str(error) != "Bad day-of-month":
            raise
    return found


def changes(zone):
    """The instants at which the clock of a zone changes."""
    found = []
    offset = None
    for instant in range(epoch(FIRST_YEAR), epoch(LAST_YEAR), 86400):
        now = datetime.fromtimestamp(instant, zone).utcoffset()
        if offset is not None and now != offset:
            found.append(exactly(zone, instant - 86400, instant))
        offset = now
    return found


def exactly(zone, before, behind):
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    while behind - before > 1:
        middle = (before + behind) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            behind = middle
    return behind


def epoch(year):
    return int((datetime(year, 1, 1, tzinfo=timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(seconds=1))


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    cases = Cases(seed)
    json.dump([cases.one() for _ in range(count)], sys.stdout)


main()
