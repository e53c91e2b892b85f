#!/usr/bin/env python3
"""A trunk that wants us to log in: SIPp challenges, checks our digest, and is believed to be up; then it calls."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import HOTLINE, Line, confirmed, ended, eventually  # noqa: E402

line = Line(login=True)
carrier = line.sipp("uas_registrar", "-p", "5060", wait=False, target=False)
line.check("SIPp has checked our digest", carrier.wait(20) == 0)
line.check("the trunk is up", eventually(lambda: [t["state"] for t in line.status()["trunks"]] == ["up"]))
phone, caller = line.phone(), line.caller()
line.dial(caller)
line.check("answered", confirmed(caller))
caller.do("hangup")
line.check("the phone is hung up", ended(phone))
ticket = line.ticket("answered by desk")
line.check(f"over {ticket.get('trunk')}", ticket.get("trunk") == "carrier")
line.exit()
