#!/usr/bin/env python3
"""The messages of RFC 4475 over UDP and TCP, where the corpus lies beside the project: each gets its right answer, and the daemon lives on.

TORTURE: its folder (default ../shared/torture). Without it there is nothing to do: src/sip/torture has messages of our own.
"""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
from line import PROJECT, RUN, Line  # noqa: E402

corpus = Path(os.environ.get("TORTURE") or PROJECT.parent / "shared" / "torture")
if not (corpus / "run_torture.py").exists():
    print("ok   no corpus beside the project: nothing to send")
    RUN.rmdir()
    sys.exit()
line = Line()
for over in ([], ["--tcp"]):
    stranger = line.host.rsplit(".", 1)[0] + ".9"
    command = [sys.executable, corpus / "run_torture.py", line.host, "5060", "--bind", stranger, "--wait", "0.3", *over]
    sent = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
    print("".join(f"     {row}\n" for row in sent.stdout.splitlines() if not row.startswith("ok ")), end="")
    line.check(f"RFC 4475 over {'TCP' if over else 'UDP'}", sent.returncode == 0)
    line.check("no ticket came of it", line.tickets() == [])
    # The same messages once more are retransmissions, to a daemon that remembers them.
    line.stop()
    line.start()
line.exit()
