#!/usr/bin/env python3
"""Somebody's softphone registers with what `hotlined demo` prints, and nothing else; it dials the desk and the hotline and hears speech."""
import array
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import PROJECT, RUN, confirmed, ended  # noqa: E402
from pjc import PJ  # noqa: E402

failed = 0


def check(what, right):
    global failed
    failed += not right
    print(f"{'ok  ' if right else 'FAIL'} {what}", flush=True)
    return right


def printed(demo, last, timeout=90):
    """What the demo prints up to the line that holds `last`."""
    lines, said, end = queue.Queue(), "", time.monotonic() + timeout
    threading.Thread(target=lambda: [lines.put(line) for line in demo.stdout], daemon=True).start()
    while last not in said and time.monotonic() < end and (demo.poll() is None or not lines.empty()):
        try:
            said += lines.get(timeout=0.2)
        except queue.Empty:
            pass
    return said


def heard(file):
    """Seconds, in tenths, in which the recording is louder than −46 dBFS."""
    with wave.open(str(file)) as wav:
        samples, rate = array.array("h", wav.readframes(wav.getnframes())), wav.getframerate()
    step = rate // 10
    return sum(max(map(abs, samples[at:at + step])) > 160 for at in range(0, len(samples), step)) / 10


program = os.environ.get("HOTLINED") or str(PROJECT / "target" / "debug" / "hotlined")
demo = subprocess.Popen([program, "demo", "--scenario", "abandoned", "--dir", str(RUN / "demo")],
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    said = printed(demo, "Ctrl-C ends it")
    fields = {key: (re.search(rf"^ +{key} +(\S+)", said, re.M) or [None, ""])[1] for key in ("server", "user", "password")}
    numbers = re.search(r"Dial (\d+), or the hotline (\d+)", said)
    if not check(f"the demo says where to register: {fields['user']} at {fields['server']}", all(fields.values()) and numbers):
        print(said)
        sys.exit(1)
    server, user = fields["server"], fields["user"]
    host = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}.9"
    phone = PJ("softphone", None, host=host, port=5070, id=f"sip:{user}@{server}", registrar=f"sip:{server}", user=user,
               password=fields["password"], play="caller1000.wav", rec="softphone_%n.wav")
    check("the softphone registers", phone.wait(ev="reg", code=200, timeout=20))
    calls = {}
    for number in numbers.groups():
        mark = phone.mark()
        phone.do("call", uri=f"sip:{number}@{server}")
        # The hotline rings at the softphone as well, a desk phone that it is.
        call = calls[number] = (phone.wait(ev="calling", start=mark) or {"call": -1})["call"]
        check(f"{number} rings", phone.wait(ev="state", state="EARLY", call=call, start=mark))
        check(f"{number} is answered", confirmed(phone, call=call, start=mark, timeout=15))
        time.sleep(4)
        phone.do("hangup", call=call)
        check(f"{number}: hung up", ended(phone, call=call, start=mark))
    phone.quit()
    for number, call in calls.items():
        seconds = heard(phone.cfg["rec"].replace("%n", str(call)))
        check(f"{number}: somebody speaks for {seconds:.1f} s", seconds >= 1.0)
    demo.send_signal(signal.SIGINT)
    check(f"Ctrl-C ends the demo: {demo.wait(15)}", demo.returncode == 0)
finally:
    if demo.poll() is None:
        demo.kill()
if not failed:
    shutil.rmtree(RUN, ignore_errors=True)
sys.exit(1 if failed else 0)
