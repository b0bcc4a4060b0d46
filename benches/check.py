#!/usr/bin/env python3
"""What a large repository and a large audience cost: prints seconds and peak memory of `check`, `list` and `preview`.

usage: benches/check.py [--files 10000] [--groups 1000000] [--binary target/release/campanile]

Each campaign file names one group, so that its rows cost nothing; what rows cost is told by themselves, with a file of
them. Nothing is sent.
"""
import argparse, os, pathlib, subprocess, tempfile, time

SETTINGS = "apps: { main: { sdk_app_id: 1400000000, region: singapore } }\n"
CAMPAIGN = """name: news-{at}
description: News of the week, number {at}
owner: team-{team}
labels: {{ season: autumn }}
variables: {{ bonus: {bonus} }}
schedule: {{ cron: "{minute} {hour} * * MON-FRI", from: 2026-11-01, finish_within: 6h }}
audience: {{ {audience} }}
send:
  group_message:
    text: "Hi {{{{ group.id }}}}, {{{{ bonus }}}} coins until {{{{ occurrence.time }}}}"
    priority: low
delivery: {{ rate: 50 }}
"""


def campaign(at, audience):
    return CAMPAIGN.format(at=at, team=at % 50, bonus=10 + at % 90, minute=at % 60, hour=at % 24, audience=audience)


def write_repository(place, files, audience):
    (place / "campanile.yaml").write_text(SETTINGS)
    for at in range(files):
        folder = place / "campaigns" / f"{at % 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"news-{at}.yaml").write_text(campaign(at, audience(at)))


def timed(binary, place, *verb):
    """Seconds to the first byte and to the end, seconds of processor, and peak resident memory in bytes."""
    begun = time.monotonic()
    process = subprocess.Popen([binary, *verb], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdout.read(1)
    first = time.monotonic() - begun
    while process.stdout.read(1 << 16):
        pass
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(verb)} ended with {process.returncode}")
    return first, time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def row(what, measured):
    first, seconds, processor, peak = measured
    print(f"{what:<44} first output {first:5.2f} s   all {seconds:6.2f} s   processor {processor:6.2f} s"
          f"   {peak / 1e6:6.1f} MB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--binary", default="target/release/campanile")
    options = parser.parse_args()
    binary = pathlib.Path(options.binary).resolve()
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        write_repository(place, options.files, lambda at: f'groups: ["@TGS#{at}"]')
        row(f"check of {options.files:,} files", timed(binary, place, "check"))
        row(f"list of {options.files:,} files", timed(binary, place, "list"))
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        write_repository(place, 1, lambda at: "group_files: [groups.csv]")
        with open(place / "groups.csv", "w") as rows:
            rows.write("group,city\n")
            rows.writelines(f"@TGS#2C5SZE{at:08d},City {at % 300}\n" for at in range(options.groups))
        row(f"check of a file of {options.groups:,} groups", timed(binary, place, "check"))
        row(f"preview of {options.groups:,} groups", timed(binary, place, "preview", "news-0"))


if __name__ == "__main__":
    main()
