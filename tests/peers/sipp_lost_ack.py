#!/usr/bin/env python3
"""SIPp never acknowledges the 200: it is repeated, and after 64 T1 the call is ended with BYE (RFC 3261 §13.3.1.4)."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import HOTLINE, Line, ended  # noqa: E402

T1 = 0.05
line = Line(t1=T1)
phone = line.phone()
start = time.monotonic()
line.sipp("uac_lost_ack", "-s", HOTLINE, "-recv_timeout", "15000")
took = time.monotonic() - start
line.check(f"BYE after 64 T1 = {64 * T1:.1f} s: {took:.1f} s", 64 * T1 < took < 64 * T1 + 3)
line.check("the phone is hung up", ended(phone))
ticket = line.ticket()
line.check(f"outcome {ticket.get('outcome')}", ticket.get("outcome") is not None)
line.exit()
