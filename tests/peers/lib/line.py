"""What the tests share: the daemon under test, who plays which part around it, and what was seen.

Each test has addresses of its own in 127.0.0.0/8 (or the lab's), so that tests run side by side on fixed ports and the daemon can
tell a trunk from a phone by its address, as on a real network.
"""
import atexit
import json
import os
import pathlib
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import time
import wave

HERE = pathlib.Path(__file__).resolve().parent.parent
PROJECT = HERE.parent.parent
RUN = pathlib.Path(tempfile.mkdtemp(prefix="hotlined-peers-"))
os.environ["PEERS_RUN"] = str(RUN)

import paths  # noqa: E402
import tone  # noqa: E402
from pjc import PJ  # noqa: E402

HOTLINE = "4001234567"
CALLER = "13912345678"
MOBILE = "13800000000"
# PJMEDIA_DIR_ENCODING_DECODING: sound goes both ways.
SENDRECV = 3
PHONE_TONE, CALLER_TONE = 440, 1000
CERTIFICATES = PROJECT / "tests" / "fixtures" / "tls"
TLS = {"transport": "tls", "tls_cert": str(CERTIFICATES / "hotline.pem"), "tls_key": str(CERTIFICATES / "hotline.key")}


class Line:
    """A daemon of its own for one test. `lab`: in the namespaces of lab.sh instead of on loopback."""

    def __init__(self, lab=False, login=False, phones=("801",), lines=1, t1=0.5, digest="md5", notice="off", voicemail="false", tls=False,
                 trunk_tls=False, srtp="off", trunk_srtp="off", mobiles=1, order="in_order", key_patience=4):
        self.lab, self.peers, self.failed = lab, [], 0
        if lab:
            os.environ["LAB_PREFIX"] = f"h{os.getpid()}"
            atexit.register(subprocess.run, [HERE / "lab.sh", "down"], stdin=subprocess.DEVNULL)
            subprocess.run([HERE / "lab.sh", "up"], check=True, stdin=subprocess.DEVNULL)
            self.host, self.trunk, self.phone_at = (paths.address(h) for h in ("srv", "tr", "ph"))
        else:
            net = f"127.{1 + os.getpid() // 250 % 250}.{1 + os.getpid() % 250}"
            self.host, self.trunk, self.phone_at = f"{net}.1", f"{net}.2", f"{net}.3"
        registering = 'kind = "register"\nuser = "line1"\npassword = "pwline1"\nretry_min_seconds = 0.5'
        desk = "\n".join(f'[[phones]]\nname = "{name}"\npassword = "pw{name}"\nlines = {lines}\nsrtp = "{srtp}"' for name in phones)
        carried = "\n".join(f'[[mobiles]]\nname = "duty{n + 1}"\nnumber = "{int(MOBILE) + n}"' for n in range(mobiles))
        values = {"host": self.host, "trunk": self.trunk, "run": RUN, "prompts": PROJECT / "prompts", "t1": t1, "digest": digest, "phones": desk, "notice": notice, "voicemail": voicemail,
                  "order": order, "key_patience": key_patience, "mobiles": carried,
                  "trunk_login": registering if login else 'kind = "static"\nqualify_seconds = 0'}
        listener = f'[[sip.listeners]]\ntransport = "tls"\nbind = "{self.host}:5061"\n'
        files = f'[sip.tls]\ncertificate = "{CERTIFICATES / "hotline.pem"}"\nkey = "{CERTIFICATES / "hotline.key"}"\n'
        values["tls"] = listener + files if tls else ""
        secure = f'transport = "tls"\ndomain = "hotline.example"\ntls_ca_file = "{CERTIFICATES / "ca.pem"}"\n' if trunk_tls else ""
        values["trunk_wire"] = f'{secure}srtp = "{trunk_srtp}"\nservers = ["{self.trunk}:{5061 if trunk_tls else 5060}"]'
        for name in ("hotlined.toml", "house.toml"):
            template = string.Template((HERE / "config" / name).read_text())
            (RUN / name).write_text(template.substitute(values))
        self.files = ["--config", str(RUN / "hotlined.toml"), "--house", str(RUN / "house.toml")]
        self.program = os.environ.get("HOTLINED") or str(PROJECT / "target" / "debug" / "hotlined")
        self.daemon = None
        # A test that breaks off leaves nothing running.
        atexit.register(self.stop)
        self.start()

    def start(self):
        with open(RUN / "daemon.log", "a") as log:
            self.daemon = subprocess.Popen([*paths.inside(paths.netns("srv") if self.lab else None),
                                            self.program, "serve", *self.files], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if not eventually(lambda: self.tell("status", quiet=True) is not None, 15):
            self.check("the daemon starts", False)
            self.exit()

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(10)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.check("the daemon ends when told to", False)

    def tell(self, *words, quiet=False):
        """One command of the command line; what it printed, or None if it failed."""
        done = subprocess.run([self.program, words[0], *self.files, *words[1:]], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=20)
        if done.returncode and not quiet:
            print(f"hotlined {' '.join(words)}: {done.stderr.strip()}")
        return None if done.returncode else done.stdout

    def status(self):
        """What the daemon says of itself: trunks, phones, calls."""
        return json.loads(self.tell("status", "--json") or "{}").get("status", {})

    def tickets(self):
        """All tickets, oldest first."""
        return sorted(json.loads(self.tell("tickets", "--json", "--limit", "1000") or "[]"), key=lambda t: t["id"])

    def ticket(self, outcome=None, timeout=8):
        """The only ticket, as soon as its call has ended and its recording, if any, has a verdict."""
        self.check(f"one ticket, closed{' as ' + outcome if outcome else ''}", eventually(
            lambda: len(t := self.tickets()) == 1 and t[0]["ended"] and t[0]["recording"] and outcome in (None, t[0]["outcome"]), timeout))
        return (self.tickets() or [{}])[0]

    def peer(self, name, host, number, port=5060, at=None, **cfg):
        """Starts a PJSUA2 peer and waits until it is ready. `at`: its host in the lab."""
        peer = PJ(name, paths.netns(at) if self.lab else None, host=host, port=port, **{"id": f"sip:{number}@{host}", **cfg})
        self.peers.append(peer)
        if not peer.wait(ev="ready", timeout=20):
            print(pathlib.Path(paths.run(name + ".err")).read_text()[-800:])
            self.check(f"{name} starts", False)
            self.exit()
        return peer

    def phone(self, name="801", over="", **cfg):
        """A desk phone that registers, plays 440 Hz and answers after half a second unless told otherwise."""
        cfg = {"answer": {"code": 200, "delay": 0.5, "early": 180}, "play": "agent440.wav", "rec": f"{name}_%n.wav", **cfg}
        phone = self.peer(name, self.phone_at, name, port=5070, at="ph", user=name, password=f"pw{name}",
                          **{"id": f"sip:{name}@{self.host}", "registrar": f"sip:{self.host}{over}",
                             "proxy": f"sip:{self.host}{over};lr", **cfg})
        self.check(f"{name} registers", phone.wait(ev="reg", code=200))
        return phone

    def caller(self, **cfg):
        """The trunk's side of a call that comes in: plays 1000 Hz."""
        return self.peer("caller", self.trunk, CALLER, port=5080, at="tr", **{"play": "caller1000.wav", "rec": "caller_%n.wav", **cfg})

    def mobile(self, **cfg):
        """The trunk's side of a call that goes out: rings until told to answer, plays 440 Hz."""
        return self.peer("mobile", self.trunk, MOBILE, at="tr",
                         **{"answer": {"code": 180, "delay": 0.05}, "play": "agent440.wav", "rec": "mobile_%n.wav", **cfg})

    def dial(self, caller, number=HOTLINE, over=""):
        caller.do("call", uri=f"sip:{number}@{self.host}{over}")

    def sipp(self, scenario, *arguments, who=None, wait=True, target=True, calls=1, timeout=60):
        """Runs SIPp in the run folder; with wait=False, answers with the process."""
        who = who or self.trunk
        name = f"sipp-{scenario}-{time.monotonic_ns()}"
        command = ["sipp", *([f"{self.host}:5060"] if target else []), "-sf", str(HERE / "sipp" / f"{scenario}.xml"), "-i", who,
                   "-m", str(calls), "-timeout", str(timeout), "-timeout_error", "-nostdin", "-trace_err", "-error_file",
                   str(RUN / f"{name}.errors"), *map(str, arguments)]
        with open(RUN / f"{name}.out", "w") as out:
            process = subprocess.Popen(command, cwd=RUN, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.peers.append(process)
        if not wait:
            return process
        return self.check(f"SIPp: {scenario}, {calls} calls", process.wait(timeout + 10) == 0)

    def users(self, *names):
        """A user list for SIPp's -inf: field0 = user, field1 = [authentication ...]."""
        file = RUN / "users.csv"
        file.write_text("SEQUENTIAL\n" + "".join(f"{n};[authentication username={n} password=pw{n}]\n" for n in names))
        return file

    def check(self, what, right):
        self.failed += not right
        print(f"{'ok  ' if right else 'FAIL'} {what}", flush=True)
        return bool(right)

    def hears(self, file, hz, least=1.0, channel=0, name=None):
        """A recording must hold so many seconds of a tone."""
        name = name or pathlib.Path(file).name
        try:
            seconds, total = tone.heard(file, hz, channel)
        except (OSError, EOFError, wave.Error, ValueError) as error:
            return self.check(f"{name}: {error}", False)
        return self.check(f"{name}: {hz} Hz in {seconds:.1f} s of {total:.1f} s, at least {least:.1f}", seconds >= least)

    def recording(self, ticket, seconds, slack=0.5, sounding=0.7, rate=8000):
        """The call's WAV is as long as the talk was, and each side is alone on its channel: the caller is left. `sounding`: the share
        of the talk in which each side must be heard."""
        found = ticket.get("recording") or {}
        if not self.check(f"recorded: {found.get('verdict')} {found.get('verdict_words') or ''}", found.get("path")):
            return
        file = RUN / "recordings" / found["path"]
        try:
            with wave.open(str(file)) as wav:
                shape, length = wav.getparams()[:3], wav.getnframes() / wav.getframerate()
        except (OSError, EOFError, wave.Error) as error:
            self.check(f"{file.name}: {error}", False)
            return
        self.check(f"stereo, 16 bit, {rate} Hz: {shape}", shape == (2, 2, rate))
        self.check(f"{length:.2f} s of sound for {seconds:.2f} s of talk", abs(length - seconds) <= slack)
        for channel, side, own, other in ((0, "left", CALLER_TONE, PHONE_TONE), (1, "right", PHONE_TONE, CALLER_TONE)):
            self.hears(file, own, sounding * seconds, channel, f"{side} channel")
            foreign, _ = tone.heard(file, other, channel)
            self.check(f"{side} channel: nothing of {other} Hz ({foreign:.2f} s)", foreign == 0)

    def quit(self):
        """Ends every peer, which completes its recordings."""
        for peer in self.peers:
            if isinstance(peer, PJ):
                peer.quit()
                for event in peer.seen(ev="err"):
                    self.check(f"{peer.name}: {event}", False)
            elif isinstance(peer, subprocess.Popen):
                if peer.poll() is None:
                    peer.kill()
            else:
                peer.quit()
        self.peers = []

    def exit(self):
        """Ends everything; what a failed test leaves behind stays, for whoever looks for the cause."""
        self.quit()
        self.stop()
        said = (RUN / "daemon.log").read_text(errors="replace")
        self.check("the daemon did not panic", "panicked" not in said)
        if self.failed:
            print(f"--- the end of the daemon's log (all of it: {RUN})")
            print("\n".join(said.splitlines()[-60:]))
        else:
            shutil.rmtree(RUN, ignore_errors=True)
        sys.exit(1 if self.failed else 0)


def eventually(true, timeout=8):
    """Asks until it is true, or the time is over."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


def confirmed(peer, **more):
    return peer.wait(ev="state", state="CONFIRMED", **more)


def ended(peer, **more):
    return peer.wait(ev="state", state="DISCONNECTED", **more)
