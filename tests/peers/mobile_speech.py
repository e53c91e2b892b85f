#!/usr/bin/env python3
"""Mobiles answer and speak for half a minute, in five voices, as voicemails do. None of it is a key: nobody has answered, and the
trunk never sees a 200 for its caller."""
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import Line, ended, eventually  # noqa: E402
from paths import RUN  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
SPEECH = 30
# PJSUA2 takes four calls at once.
TOGETHER = 4
VOICES = [PROJECT / "tests/fixtures/dialogues" / f"{name}.wav" for name in
          ("leak_caller", "leak_operator", "complaint_caller", "complaint_operator")]
FIFTH = [PROJECT / "prompts/voicemail.wav"]

line = Line(mobiles=TOGETHER, order="together", key_patience=SPEECH + 3)
caller = line.caller()
mobile = line.mobile(answer={"code": 200, "delay": 0.3, "early": 180}, play=str(RUN / "voice_%n.wav"))
line.check("away", line.tell("away") is not None)
for attempt, voices in enumerate((VOICES, FIFTH)):
    # A voice is repeated until the mobile is hung up.
    for number in range(2 * TOGETHER):
        shutil.copy(voices[number % len(voices)], RUN / f"voice_{number}.wav")
    mark, picked = caller.mark(), mobile.mark()
    line.dial(caller)
    line.check("the caller hears ringing", caller.wait(ev="state", state="EARLY", start=mark))
    line.check("the mobiles pick up and speak",
               eventually(lambda: len(mobile.seen(picked, ev="state", state="CONFIRMED")) == TOGETHER, 15))
    line.check("they are hung up", eventually(lambda: len(mobile.seen(picked, ev="state", state="DISCONNECTED")) == TOGETHER, SPEECH + 15))
    line.check("the caller is refused in the end", ended(caller, start=mark, timeout=20))
    line.check("and was never connected", not caller.seen(mark, ev="state", state="CONFIRMED"))
    line.check("missed", eventually(lambda: [t["outcome"] for t in line.tickets()] == ["missed"] * (attempt + 1)))
    legs = [leg for leg in line.tickets()[-1]["legs"] if leg["party"]["kind"] == "mobile"]
    reasons = [leg["unanswered"] for leg in legs]
    line.check(f"no key was pressed: {reasons}", reasons == ["not confirmed"] * TOGETHER)
counts = line.tell("mobiles") or ""
line.check("each is counted as swallowed twice", len(re.findall(r"(?m)^duty\d +2 +0 +0 +2 ", counts)) == TOGETHER)
line.quit()
# What the trunk's side saw on the wire: the answers to its INVITEs.
said = (RUN / "caller.pjlog").read_text(errors="replace")
answers = re.findall(r"SIP/2\.0 (\d{3})[^\n]*\n(?:[^\n]+\n)*?CSeq: \d+ INVITE", said)
line.check(f"answers to the caller's INVITEs: {sorted(set(answers))}", answers and not [code for code in answers if code.startswith("2")])
line.exit()
