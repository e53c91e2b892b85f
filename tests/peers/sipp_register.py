#!/usr/bin/env python3
"""200 desk phones register with SIPp, 100 a second, with digest; every one is reachable."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line  # noqa: E402

PHONES = [str(number) for number in range(1001, 1201)]
line = Line(phones=PHONES)
line.sipp("reg", "-inf", line.users(*PHONES), "-r", "100", "-p", "5070", who=line.phone_at, calls=len(PHONES))
reachable = [phone for phone in line.status().get("phones", []) if phone["state"] == "reachable"]
line.check(f"{len(reachable)} phones reachable", len(reachable) == len(PHONES))
line.exit()
