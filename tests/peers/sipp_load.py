#!/usr/bin/env python3
"""50 calls, 10 a second, from SIPp's trunk to SIPp's phone: each is answered, ends, and has its ticket."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import HOTLINE, Line, eventually  # noqa: E402

CALLS = 50
line = Line(lines=CALLS)
line.sipp("reg", "-inf", line.users("801"), "-p", "5070", who=line.phone_at)
phone = line.sipp("uas_answer", "-p", "5070", "-d", "200", who=line.phone_at, wait=False, target=False, calls=CALLS)
line.sipp("uac_call", "-s", HOTLINE, "-d", "1500", "-r", "10", calls=CALLS)
line.check("SIPp's phone saw every call to its end", phone.wait(20) == 0)
line.check(f"{CALLS} tickets, answered by the desk", eventually(
    lambda: [t["outcome"] for t in line.tickets() if t["ended"]] == ["answered by desk"] * CALLS))
ids = [t["id"] for t in line.tickets()]
line.check("numbered without repetition", len(set(ids)) == CALLS)
line.exit()
