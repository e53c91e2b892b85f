#!/usr/bin/env python3
"""The caller gives up while it rings: 487 to the caller, the phone is silent at once, and the ticket says in which ring."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, ended  # noqa: E402

line = Line()
phone, caller = line.phone(answer={"code": 180, "delay": 0.05}), line.caller()
line.dial(caller)
line.check("the phone rings", phone.wait(ev="incoming") and caller.wait(ev="state", state="EARLY"))
time.sleep(1.4)
caller.do("hangup")
end = ended(caller)
line.check(f"the caller sees {end and end['code']}", end and end["code"] == 487)
line.check("the phone stops ringing", ended(phone, timeout=2))
ticket = line.ticket("abandoned")
line.check(f"in ring {ticket.get('rings')}", ticket.get("rings") == 2)
line.check(f"first to hang up: {ticket.get('hung_up_first')}", ticket.get("hung_up_first") == "caller")
line.check("nobody answered, nothing is recorded", not ticket.get("answered") and not (ticket.get("recording") or {}).get("path"))
line.exit()
