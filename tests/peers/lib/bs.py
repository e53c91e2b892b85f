"""Drives baresip 1.0.0 (Debian's baresip-core) from a test, over its ctrl_tcp control socket.

baresip refuses the loopback interface: run it in a namespace of lab.sh, or on a real interface (netif).
"""
import atexit
import ctypes
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import paths

CLONE_NEWNET = 0x40000000
CONFIG = """poll_method epoll
sip_listen {host}:{sip}
call_local_timeout 120
call_max_calls 8
audio_player {player}
audio_source {source}
audio_alert {player}
audio_buffer 20-160
rtp_tos 184
rtp_ports {rtp}
rtcp_mux no
jitter_buffer_delay 5-10
rtp_stats yes
rtp_timeout {rtp_timeout}
net_interface {netif}
module_path /usr/lib/baresip/modules
{modules}
module_tmp account.so
module_app menu.so
module_app debug_cmd.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{ctrl}
snd_path {folder}
{extra}
"""


def account(user, server, transport="udp", port=None, password=None, options=""):
    """A line for baresip's accounts file; options such as ";answermode=auto;mediaenc=srtp;dtmfmode=info"."""
    port = port or (5061 if transport == "tls" else 5060)
    via = "" if transport == "udp" else f";transport={transport}"
    return (f"<sip:{user}@{server}:{port}{via}>;auth_user={user};auth_pass={password or 'pw' + user}"
            f";regint=60;audio_codecs=pcma{options}")


class Baresip:
    """`host`: a host of the lab, or None with `ip` and `netif` for a real interface. `sip` takes two ports: TLS listens on sip + 1."""

    def __init__(self, name, host, account, sip=6100, source="agent440.wav", player=None, codecs=("g711", "g722"),
                 modules=(), ip=None, netif="eth0", rtp="20000-20099", rtp_timeout=0, record=True, extra=""):
        self.name = name
        self.folder = Path(paths.run(name))
        self.folder.mkdir(exist_ok=True)
        for old in self.dumps():
            old.unlink()
        ip = ip or paths.address(host)
        source = f"aufile,{paths.wav(source)}" if source.endswith(".wav") else source
        wanted = [*codecs, "aufile", "aubridge", "ausine", *(["sndfile"] if record else []), *modules]
        (self.folder / "config").write_text(CONFIG.format(
            host=ip, sip=sip, player=player or f"aubridge,{name}", source=source, rtp=rtp,
            rtp_timeout=rtp_timeout, netif=netif, ctrl=sip + 50, folder=self.folder, extra=extra,
            modules="\n".join(f"module {module}.so" for module in wanted)))
        (self.folder / "accounts").write_text(account + "\n")
        (self.folder / "contacts").write_text("\n")
        self.events, self.answers = [], {}
        with open(self.folder / "log", "w") as log:  # stdin must be a pipe: baresip dies on a file.
            self.process = subprocess.Popen([*paths.inside(paths.netns(host)), "baresip", "-f", str(self.folder), "-s"],
                                            stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        atexit.register(self.kill)
        self.control = connect(paths.netns(host), ip, sip + 50)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        """Netstrings: "<length>:<json>,"."""
        text = b""
        while chunk := receive(self.control):
            text += chunk
            while b":" in text:
                length, rest = text.split(b":", 1)
                if len(rest) <= int(length):
                    break
                message, text = json.loads(rest[:int(length)]), rest[int(length) + 1:]
                if message.get("event"):
                    self.events.append(message)
                else:
                    self.answers[message.get("token")] = message

    def do(self, command, params="", timeout=3):
        """One menu command: do("dial", "sip:..."), hold, resume, sndcode "5", transfer "sip:...", hangup, accept, reginfo ..."""
        token = str(time.monotonic_ns())
        message = json.dumps({"command": command, "params": params, "token": token}).encode()
        self.control.sendall(b"%d:%s," % (len(message), message))
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if token in self.answers:
                return self.answers.pop(token)
            time.sleep(0.02)
        return None

    def mark(self):
        return len(self.events)

    def wait(self, kind, timeout=8, start=0):
        """The first event of a type: REGISTER_OK CALL_INCOMING CALL_RINGING CALL_PROGRESS CALL_ESTABLISHED CALL_CLOSED TRANSFER ..."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for event in self.events[start:]:
                if event.get("type") == kind:
                    return event
            time.sleep(0.02)
        return None

    def registered(self, timeout=8):
        """Asks until the account is registered: the first REGISTER_OK comes before the control socket is up."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if "OK" in (self.do("reginfo") or {}).get("data", ""):
                return True
            time.sleep(0.1)
        return False

    def kinds(self):
        return [event.get("type") for event in self.events]

    def dumps(self):
        """What it sent (…-enc.wav) and heard (…-dec.wav), a pair a call."""
        return sorted(self.folder.glob("dump-*"))

    def quit(self):
        try:
            self.do("quit", timeout=1)
            time.sleep(0.3)
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            self.process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()


def receive(sock):
    try:
        return sock.recv(65536)
    except OSError:
        return b""


def connect(namespace, ip, port, tries=50):
    """Connects from inside a namespace: this thread goes in, and comes back."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        if namespace:
            target = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
            if libc.setns(target, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter {namespace} (root?)")
            os.close(target)
        for _ in range(tries):
            try:
                return socket.create_connection((ip, port))
            except OSError:
                time.sleep(0.1)
        raise ConnectionError(f"baresip does not listen on {ip}:{port}; see its log")
    finally:
        if namespace:
            libc.setns(home, CLONE_NEWNET)
        os.close(home)
