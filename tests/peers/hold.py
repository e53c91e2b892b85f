#!/usr/bin/env python3
"""The phone holds and resumes: the caller hears silence meanwhile, the recording goes on, and nobody's time is lost."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import SENDRECV, Line, confirmed, ended  # noqa: E402

line = Line()
phone, caller = line.phone(), line.caller()
line.dial(caller)
line.check("answered", confirmed(caller) and confirmed(phone))
start = time.monotonic()
time.sleep(2)
mark = phone.mark()
phone.do("hold")
held = phone.wait(ev="media", start=mark)
line.check("the phone holds", held and held["dir"] != SENDRECV)
time.sleep(2)
mark = phone.mark()
phone.do("unhold")
line.check("the phone resumes", phone.wait(ev="media", start=mark, dir=SENDRECV))
time.sleep(2)
phone.do("hangup")
talk = time.monotonic() - start
line.check("the caller is hung up", ended(caller))
ticket = line.ticket("answered by desk")
line.check(f"first to hang up: {ticket.get('hung_up_first')}", ticket.get("hung_up_first") == "callee")
# A third of the talk is silence of the phone's side.
line.recording(ticket, talk, sounding=0.5)
line.quit()
line.hears(caller.cfg["rec"].replace("%n", "0"), 440, 3, name="what the caller heard")
line.hears(phone.cfg["rec"].replace("%n", "0"), 1000, 3, name="what the phone heard")
line.exit()
