#!/usr/bin/env python3
"""SIPp as the trunk gives up while the phone rings, ten times: 487 each, ten tickets."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import HOTLINE, Line, eventually  # noqa: E402

line = Line(lines=20)
phone = line.phone(answer={"code": 180, "delay": 0.05})
line.sipp("uac_cancel", "-s", HOTLINE, "-d", "500", "-r", "5", calls=10)
line.check("ten abandoned tickets", eventually(lambda: [t["outcome"] for t in line.tickets() if t["ended"]] == ["abandoned"] * 10))
line.check("the phone rang ten times, and rings no more", eventually(
    lambda: len(phone.seen(ev="incoming")) == 10 and len(phone.seen(ev="state", state="DISCONNECTED")) == 10))
line.exit()
