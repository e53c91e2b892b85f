#!/usr/bin/env python3
"""baresip by TLS and with SRTP, which it demands, against a trunk in the clear."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, confirmed, ended  # noqa: E402
from bs import Baresip, account  # noqa: E402

line = Line(lab=True, tls=True, srtp="required")
options = ";answermode=auto;mediaenc=srtp-mand"
phone = Baresip("801", "ph", account("801", line.host, "tls", password="pw801", options=options), modules=("srtp",))
line.peers.append(phone)
line.check("baresip registers by TLS", phone.registered())
caller = line.caller()
line.dial(caller)
line.check("answered", confirmed(caller) and phone.wait("CALL_ESTABLISHED"))
start = time.monotonic()
time.sleep(3)
phone.do("hold")
time.sleep(1)
phone.do("resume")
time.sleep(2)
phone.do("hangup")
talk = time.monotonic() - start
line.check("the caller is hung up by the phone", ended(caller))
line.recording(line.ticket("answered by desk"), talk, sounding=0.5)
line.quit()
line.hears(caller.cfg["rec"].replace("%n", "0"), 440, 3, name="what the caller heard")
for dump in phone.dumps():
    if "-dec" in dump.name:
        line.hears(dump, 1000, 2, name="what baresip heard")
line.exit()
