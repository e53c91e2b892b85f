#!/usr/bin/env python3
"""A phone with nothing but G.722 talks to an A-law trunk; two of them are recorded at 16 kHz."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import RUN, Line, confirmed, ended, eventually  # noqa: E402

line = Line(phones=("801", "802"))
phone = line.phone(codecs=["G722/16000"])
caller = line.caller()
line.dial(caller)
line.check("answered", confirmed(caller) and confirmed(phone))
start = time.monotonic()
time.sleep(3)
caller.do("hangup")
talk = time.monotonic() - start
line.check("BYE", ended(phone))
line.recording(line.ticket("answered by desk"), talk)

other = line.peer("802", line.phone_at, "802", port=5074, user="802", password="pw802", codecs=["G722/16000"], play="caller1000.wav",
                  rec="802_%n.wav", id=f"sip:802@{line.host}", registrar=f"sip:{line.host}", proxy=f"sip:{line.host};lr")
line.check("802 registers", other.wait(ev="reg", code=200))
mark = phone.mark()
line.dial(other, "801")
line.check("answered", confirmed(other) and confirmed(phone, start=mark))
start = time.monotonic()
time.sleep(3)
other.do("hangup")
talk = time.monotonic() - start
line.check("BYE", ended(phone, start=mark))
line.check("closed", eventually(lambda: line.tickets()[-1]["ended"] and line.tickets()[-1]["recording"]))
line.recording(line.tickets()[-1], talk, rate=16000)
line.quit()
line.hears(phone.cfg["rec"].replace("%n", "0"), 1000, 2, name="what the phone heard")
line.hears(caller.cfg["rec"].replace("%n", "0"), 440, 2, name="what the trunk heard")
line.exit()
