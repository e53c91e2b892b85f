#!/usr/bin/env python3
"""A phone that speaks SIP over TCP registers with SHA-256, and is called over its own connection."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, confirmed, ended  # noqa: E402

line = Line(digest="sha-256")
phone, caller = line.phone(over=";transport=tcp", transport="tcp"), line.caller()
line.dial(caller)
line.check("answered", confirmed(caller) and confirmed(phone))
start = time.monotonic()
incoming = phone.wait(ev="incoming") or {"msg": ""}
line.check("the INVITE came over TCP", "SIP/2.0/TCP" in incoming["msg"])
time.sleep(3)
caller.do("hangup")
talk = time.monotonic() - start
line.check("the phone is hung up", ended(phone))
line.recording(line.ticket("answered by desk"), talk)
line.quit()
said = Path(phone.cfg["log"]).read_text(errors="replace")
line.check("with SHA-256", any(row.startswith("Authorization:") and "algorithm=SHA-256" in row for row in said.splitlines()))
line.exit()
