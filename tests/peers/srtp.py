#!/usr/bin/env python3
"""SRTP with SDES keys over TLS: a phone that must have it, against a plain trunk, and against a trunk that offers it."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import RUN, TLS, Line, confirmed, ended  # noqa: E402

REQUIRED, OPTIONAL = 2, 1
line = Line(tls=True, trunk_tls=True, srtp="required", trunk_srtp="optional")
phone = line.phone(over=":5061;transport=tls", srtp=REQUIRED, **TLS)
for number, (what, srtp, offers) in enumerate((("plain", 0, False), ("as it likes", OPTIONAL, True), ("encrypted", REQUIRED, True))):
    caller = line.peer(f"caller{number}", line.trunk, "13912345678", port=5080 + 2 * number, srtp=srtp, play="caller1000.wav",
                       rec=f"caller{number}.wav", **TLS)
    mark = phone.mark()
    line.dial(caller, over=":5061;transport=tls")
    incoming = phone.wait(ev="incoming", start=mark) or {"msg": ""}
    line.check(f"trunk {what}: the phone is offered RTP/SAVP and keys", "RTP/SAVP" in incoming["msg"] and "a=crypto:1" in incoming["msg"])
    line.check("answered", confirmed(caller) and confirmed(phone, start=mark))
    start = time.monotonic()
    time.sleep(3)
    caller.do("hangup")
    talk = time.monotonic() - start
    line.check("BYE", ended(phone, start=mark))
    ticket = line.tickets()[-1]
    for _ in range(40):
        ticket = line.tickets()[-1]
        if ticket["ended"] and ticket["recording"]:
            break
        time.sleep(0.2)
    line.recording(ticket, talk)
    log = Path(caller.cfg["log"]).read_text(errors="replace")
    line.check(f"keys in our answer to the trunk: {offers}", ("a=crypto" in log.split("SIP/2.0 200 OK", 1)[-1]) == offers)
kept = "".join(f.read_text(errors="replace") for f in RUN.rglob("*")
               if f.is_file() and ("traces" in str(f) or f.name == "daemon.log"))
line.check("no key is kept or logged", "inline:" not in kept.replace("inline:*", ""))
line.exit()
