#!/usr/bin/env python3
"""What must be encrypted and cannot be: a phone without keys gets 488, and keys are told to nobody over UDP."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, ended, eventually  # noqa: E402

line = Line(srtp="required", phones=("801", "802"))
phone = line.phone()
line.dial(phone, "802")
end = ended(phone)
line.check(f"a call of a phone without keys: {end and end['code']}", end and end["code"] == 488)
caller = line.caller()
mark = phone.mark()
line.dial(caller)
line.check("a call for it is flagged", eventually(lambda: line.tickets()[-1]["flagged"], 10))
line.check("and no keys went out over UDP", not phone.seen(mark, ev="incoming"))
caller.do("hangup")
line.check("the caller gives up", ended(caller))
line.exit()
