#!/usr/bin/env python3
"""What a large audience costs: prints peak memory and time of planning, and the bytes for each further group.

usage: benches/memory.py [--groups 1000000] [--binary target/release/campanile]

Nothing is sent: `check` reads and renders, and `run` without a terminal also stages the plan and then asks in vain.
"""
import argparse, os, pathlib, subprocess, tempfile, time

SETTINGS = "apps: { main: { sdk_app_id: 1400000000, region: singapore } }\n"
CAMPAIGN = """audience: { group_files: [groups.csv] }
send: { group_message: { text: "Hello {{ group.city }}, {{ group.members }} of you in {{ group.id }}" } }
"""
VERBS = {"check": ["check", "news.yaml"], "run": ["run", "news.yaml", "--sandbox"]}


def peak(binary, verb, groups):
    """Peak resident memory in bytes, and seconds."""
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "campanile.yaml").write_text(SETTINGS)
        (place / "news.yaml").write_text(CAMPAIGN)
        with open(place / "groups.csv", "w") as rows:
            rows.write("group,city,members\n")
            rows.writelines(f"@TGS#2C5SZE{at:08d},City {at % 300},{at % 500}\n" for at in range(groups))
        begun = time.monotonic()
        process = subprocess.Popen([binary, *VERBS[verb]], cwd=place, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        return used.ru_maxrss * 1024, time.monotonic() - begun


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=1_000_000)
    parser.add_argument("--binary", default="target/release/campanile")
    options = parser.parse_args()
    binary = pathlib.Path(options.binary).resolve()
    for verb in VERBS:
        small, _ = peak(binary, verb, 1_000)
        large, seconds = peak(binary, verb, options.groups)
        each = (large - small) / (options.groups - 1_000)
        print(f"{verb:<6} 1,000 groups {small / 1e6:6.1f} MB   {options.groups:,} groups {large / 1e6:6.1f} MB"
              f"   {each:5.1f} bytes a group   {seconds:5.1f} s")


if __name__ == "__main__":
    main()
