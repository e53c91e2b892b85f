#!/usr/bin/env python3
"""The desk is away: the duty mobile rings over the trunk, and only the key 1 connects the caller. A voicemail presses none."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import CALLER, HOTLINE, Line, confirmed, ended, eventually  # noqa: E402

line = Line()
caller, mobile = line.caller(), line.mobile()
line.check("away", line.tell("away") is not None)
line.dial(caller)
incoming = mobile.wait(ev="incoming") or {"msg": ""}
line.check("the mobile rings", incoming["msg"])
headers = incoming["msg"].lower().splitlines()
line.check("P-Asserted-Identity is the caller", any(h.startswith("p-asserted-identity") and CALLER in h for h in headers))
line.check("Diversion is the hotline", any(h.startswith("diversion") and HOTLINE in h for h in headers))
line.check("the caller hears ringing", caller.wait(ev="state", state="EARLY"))
line.check("it says so", mobile.wait(ev="state", state="EARLY"))
mobile.do("answer", code=200)
line.check("the mobile is picked up", confirmed(mobile))
time.sleep(2)
line.check("the caller still hears ringing", not caller.seen(ev="state", state="CONFIRMED"))
mobile.do("dtmf", digits="1")
line.check("answered by the key", confirmed(caller))
start = time.monotonic()
time.sleep(4)
mobile.do("hangup")
talk = time.monotonic() - start
line.check("the caller is hung up", ended(caller))
ticket = line.ticket("answered by mobile")
line.check(f"answered by {ticket.get('answered_by')}", (ticket.get("answered_by") or {}).get("name") == "duty1")
line.recording(ticket, talk)

mark, ring = caller.mark(), mobile.mark()
line.dial(caller)
again = mobile.wait(ev="incoming", start=ring) or {"call": 1}
mobile.wait(ev="state", state="EARLY", start=ring)
mobile.do("answer", call=again["call"], code=200)
line.check("picked up, no key: the mobile is hung up", ended(mobile, start=ring, timeout=15))
line.check("the caller is not connected", ended(caller, start=mark, timeout=20) and not caller.seen(mark, ev="state", state="CONFIRMED"))
line.check("missed", eventually(lambda: line.tickets()[-1]["outcome"] == "missed"))
line.check("back", line.tell("back") is not None)
line.exit()
