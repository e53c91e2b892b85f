#!/usr/bin/env python3
"""The mobile's key by each of the three ways: RFC 4733, SIP INFO, and tones in the audio of a line without telephone-event."""
import math
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import RUN, Line, confirmed, ended, eventually  # noqa: E402


def alaw(sample):
    """G.711 A-law of a 16-bit sample."""
    sign, value = (0x55, min(-sample - 1, 32635)) if sample < 0 else (0xd5, min(sample, 32635))
    exponent = max(0, value.bit_length() - 8)
    mantissa = (value >> (exponent + 3 if exponent else 4)) & 0x0f
    return (exponent << 4 | mantissa) ^ sign


def tones(*hz, ms):
    return bytes(alaw(int(sum(6000 * math.sin(2 * math.pi * f * n / 8000) for f in hz))) for n in range(8 * ms))


line = Line()
caller, mobile = line.caller(), line.mobile()
line.check("away", line.tell("away") is not None)
for method in ("rfc2833", "info"):
    mark, ring = caller.mark(), mobile.mark()
    line.dial(caller)
    call = (mobile.wait(ev="incoming", start=ring) or {"call": 0})["call"]
    mobile.wait(ev="state", state="EARLY", start=ring)
    mobile.do("answer", call=call, code=200)
    line.check(f"{method}: picked up", confirmed(mobile, start=ring))
    time.sleep(1)
    line.check("the caller hears ringing on", not caller.seen(mark, ev="state", state="CONFIRMED"))
    mobile.do("dtmf", call=call, digits="1", method=method)
    line.check(f"{method}: answered by the key", confirmed(caller, start=mark))
    time.sleep(0.5)
    mobile.do("hangup", call=call)
    line.check("the caller is hung up", ended(caller, start=mark))
mobile.quit()

(RUN / "key.alaw").write_bytes(tones(ms=2000) + tones(697, 1209, ms=120) + tones(ms=3000))
mark = caller.mark()
sipp = line.sipp("uas_tone_key", "-p", 5060, "-mi", line.trunk, "-d", 500, target=False, wait=False)
line.dial(caller)
line.check("in the audio: answered by the key", confirmed(caller, start=mark, timeout=15))
time.sleep(0.5)
caller.do("hangup", call=2)
line.check("SIPp is content", sipp.wait(20) == 0)
line.check("three tickets answered by the mobile",
           eventually(lambda: [t["outcome"] for t in line.tickets()] == ["answered by mobile"] * 3))
line.exit()
