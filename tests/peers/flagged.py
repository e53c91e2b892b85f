#!/usr/bin/env python3
"""Nobody answers within three rings: the ticket is flagged at that moment, and stays so when the desk answers late."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, confirmed, ended, eventually  # noqa: E402

line = Line()
phone, caller = line.phone(answer={"code": 180, "delay": 0.05}), line.caller()
line.dial(caller)
line.check("the phone rings", phone.wait(ev="incoming") and caller.wait(ev="state", state="EARLY"))
start = time.monotonic()
time.sleep(2.3)
line.check("not flagged in ring 3", line.tickets()[0]["flagged"] is None)
line.check("flagged while it rings", eventually(lambda: line.tickets()[0]["flagged"], 3))
took = time.monotonic() - start
line.check(f"after three rings of 1 s: {took:.1f} s", 2.8 < took < 4)
phone.do("answer", code=200)
line.check("answered late", confirmed(caller))
time.sleep(2)
caller.do("hangup")
line.check("the phone is hung up", ended(phone))
ticket = line.ticket("answered by desk")
line.check(f"flagged {ticket.get('flagged')}, in ring {ticket.get('rings')}", ticket.get("flagged") and ticket.get("rings") >= 4)
line.check("listed as flagged", ticket.get("id", "no ticket") in (line.tell("tickets", "--flagged") or ""))
line.exit()
