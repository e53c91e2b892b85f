#!/usr/bin/env python3
"""A desk phone calls out over the trunk, where it may; where it may not, no trunk hears of it."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, confirmed, ended  # noqa: E402

line = Line()
phone = line.phone()
outside = line.mobile(answer={"code": 200, "delay": 0.5, "early": 180}, play="caller1000.wav")
line.dial(phone, "13700000000")
line.check("answered", confirmed(phone) and confirmed(outside))
time.sleep(3)
phone.do("hangup")
line.check("the other side is hung up", ended(outside))
ticket = line.ticket()
line.check(f"dialled {ticket.get('dialled')}, {ticket.get('direction')}", ticket.get("dialled") == "13700000000" and ticket.get("direction") == "out")
line.check("recorded", (ticket.get("recording") or {}).get("path"))
mark, heard = phone.mark(), outside.mark()
line.dial(phone, "00900123456")
end = ended(phone, start=mark)
line.check(f"a number that is not allowed: {end and end['code']}", end and end["code"] == 403)
line.check("the trunk heard nothing of it", not outside.seen(heard, ev="incoming"))
line.quit()
line.hears(phone.cfg["rec"].replace("%n", "0"), 1000, 2, name="what the phone heard")
line.hears(outside.cfg["rec"].replace("%n", "0"), 440, 2, name="what the other side heard")
line.exit()
