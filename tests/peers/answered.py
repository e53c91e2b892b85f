#!/usr/bin/env python3
"""A resident calls, the desk answers, both talk, the resident hangs up: one ticket, and a recording with each on a side of its own."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import CALLER, Line, confirmed, ended  # noqa: E402

line = Line()
phone, caller = line.phone(), line.caller()
line.dial(caller)
line.check("the phone rings", phone.wait(ev="incoming"))
line.check("the caller hears ringing", caller.wait(ev="state", state="EARLY"))
line.check("answered", confirmed(caller) and confirmed(phone))
start = time.monotonic()
time.sleep(4)
caller.do("stats")
stats = caller.wait(ev="stats") or {"rx": 0, "loss": 1}
line.check(f"media reaches the caller: {stats['rx']} packets, {stats['loss']} lost", stats["rx"] > 150 and stats["loss"] == 0)
caller.do("hangup")
talk = time.monotonic() - start
line.check("the phone is hung up", ended(phone))
ticket = line.ticket("answered by desk")
line.check(f"answered by {ticket.get('answered_by')}", ticket.get("answered_by") == {"kind": "phone", "name": "801"})
line.check(f"caller {ticket.get('caller')}", ticket.get("caller") == CALLER)
line.check(f"in ring {ticket.get('rings')}, not flagged", ticket.get("rings") == 1 and not ticket.get("flagged"))
line.check(f"first to hang up: {ticket.get('hung_up_first')}", ticket.get("hung_up_first") == "caller")
line.recording(ticket, talk)
line.quit()
line.hears(caller.cfg["rec"].replace("%n", "0"), 440, 2.5, name="what the caller heard")
line.hears(phone.cfg["rec"].replace("%n", "0"), 1000, 2.5, name="what the phone heard")
line.exit()
