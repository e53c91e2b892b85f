"""Drives PJSUA2 peers from a test: each PJ is one pjpeer.py process.

    agent = PJ("agent1", id="sip:agent1@127.0.0.1", host="127.0.0.1", port=5070, answer={"code": 200}, play="agent440.wav")
    agent.wait(ev="ready")
    agent.do("hold"); mark = agent.mark(); ...; agent.wait(ev="media", start=mark)
"""
import atexit
import json
import subprocess
import threading
import time
from pathlib import Path

import paths

PEER = Path(__file__).resolve().parent / "pjpeer.py"


class PJ:
    def __init__(self, name, netns=None, **cfg):
        """`play` may name a test tone; `rec` without a folder lands in the run folder. Config keys: see pjpeer.py."""
        self.name = name
        cfg.setdefault("log", paths.run(f"{name}.pjlog"))
        if cfg.get("play"):
            cfg["play"] = paths.wav(cfg["play"])
        if cfg.get("rec") and "/" not in cfg["rec"]:
            cfg["rec"] = paths.run(cfg["rec"])
        self.cfg = cfg
        self.events = []
        with open(paths.run(f"{name}.err"), "w") as err:
            self.process = subprocess.Popen([*paths.inside(netns), str(paths.PYTHON), str(PEER), json.dumps(cfg)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()
        atexit.register(self.kill)

    def _read(self):
        for line in self.process.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                pass  # A stray line of the library's own.

    def do(self, cmd, **args):
        """Sends one command: do("call", uri=...), do("dtmf", digits="12#"), ... (pjpeer.py, do_*)."""
        self.process.stdin.write(json.dumps({"cmd": cmd, **args}) + "\n")
        self.process.stdin.flush()

    def mark(self):
        """Now, as a place in the events: pass it to wait(start=...) to see only what comes after."""
        return len(self.events)

    def wait(self, timeout=8, start=0, **want):
        """The first event that has all the wanted values, or None when the time is over."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for event in self.events[start:]:
                if all(event.get(key) == value for key, value in want.items()):
                    return event
            time.sleep(0.02)
        return None

    def seen(self, start=0, **want):
        return [e for e in self.events[start:] if all(e.get(k) == v for k, v in want.items())]

    def alive(self):
        return self.process.poll() is None

    def quit(self):
        """Hangs up and completes the recordings."""
        try:
            self.do("quit")
            self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self):
        if self.alive():
            self.process.kill()
