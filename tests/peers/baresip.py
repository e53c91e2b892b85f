#!/usr/bin/env python3
"""baresip as the desk phone, on a network of its own: registers, answers, holds and resumes, hangs up; the call is recorded."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import SENDRECV, Line, confirmed, ended  # noqa: E402
from bs import Baresip, account  # noqa: E402

line = Line(lab=True)
phone = Baresip("801", "ph", account("801", line.host, password="pw801", options=";answermode=auto"))
line.peers.append(phone)
line.check("baresip registers", phone.registered())
caller = line.caller()
line.dial(caller)
line.check("answered", confirmed(caller) and phone.wait("CALL_ESTABLISHED"))
start = time.monotonic()
time.sleep(3)
mark = caller.mark()
phone.do("hold")
time.sleep(1)
phone.do("resume")
time.sleep(2)
phone.do("hangup")
talk = time.monotonic() - start
line.check("the caller is hung up by the phone", ended(caller))
ticket = line.ticket("answered by desk")
line.check(f"first to hang up: {ticket.get('hung_up_first')}", ticket.get("hung_up_first") == "callee")
line.recording(ticket, talk, sounding=0.5)
line.quit()
line.hears(caller.cfg["rec"].replace("%n", "0"), 440, 3, name="what the caller heard")
for dump in phone.dumps():
    if "-dec" in dump.name:
        line.hears(dump, 1000, 2, name="what baresip heard")
line.exit()
