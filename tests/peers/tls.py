#!/usr/bin/env python3
"""SIP over TLS on both sides: the desk phone registers and is called by TLS, and so is the trunk, whose certificate is checked."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import TLS, Line, confirmed, ended  # noqa: E402

line = Line(tls=True, trunk_tls=True)
phone = line.phone(over=":5061;transport=tls", **TLS)
caller = line.caller(**TLS)
line.dial(caller, over=":5061;transport=tls")
line.check("answered", confirmed(caller) and confirmed(phone))
start = time.monotonic()
time.sleep(3)
caller.do("hangup")
talk = time.monotonic() - start
line.check("BYE", ended(phone))
line.recording(line.ticket("answered by desk"), talk)

mobile = line.mobile(port=5061, **TLS)
mark = caller.mark()
line.check("away", line.tell("away") is not None)
line.dial(caller, over=":5061;transport=tls")
incoming = mobile.wait(ev="incoming") or {"msg": ""}
line.check("the mobile is called by TLS", "SIP/2.0/TLS" in incoming["msg"] and "transport=tls" in incoming["msg"])
mobile.wait(ev="state", state="EARLY")
mobile.do("answer", code=200)
line.check("picked up", confirmed(mobile))
time.sleep(1)
mobile.do("dtmf", digits="1")
line.check("answered by the key", confirmed(caller, start=mark))
time.sleep(1)
mobile.do("hangup")
line.check("the caller is hung up", ended(caller, start=mark))
line.exit()
