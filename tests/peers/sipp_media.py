#!/usr/bin/env python3
"""SIPp as the trunk, with A-law and a digit out of captures (a new SSRC in mid-stream), and a phone of SIPp's that echoes."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import HOTLINE, Line  # noqa: E402

line = Line()
line.sipp("reg", "-inf", line.users("801"), "-p", "5070", who=line.phone_at)
phone = line.sipp("uas_answer", "-p", "5070", "-mi", line.phone_at, "-rtp_echo", "-d", "500", who=line.phone_at, wait=False, target=False)
line.sipp("uac_media", "-s", HOTLINE, "-mi", line.trunk)
line.check("SIPp's phone saw the whole call", phone.wait(10) == 0)
ticket = line.ticket("answered by desk")
recording = ticket.get("recording") or {}
line.check(f"recorded {recording.get('seconds')} s", 3.5 < (recording.get("seconds") or 0) < 4.6)
for side in ("caller", "operator"):
    heard = (recording.get(side) or {}).get("audible_samples") or 0
    line.check(f"{side} is heard: {heard / 8000:.1f} s", heard > 2 * 8000)
line.exit()
