"""Where the kit keeps its things. PEERS_HOME, PEERS_RUN and LAB_PREFIX override the defaults."""
import os
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
HOME = Path(os.environ.get("PEERS_HOME") or CACHE / "hotlined-tests")
RUN = Path(os.environ.get("PEERS_RUN") or Path.cwd() / "peers-run")
PYTHON = HOME / "venv" / "bin" / "python"
LAB = {"srv": 1, "ph": 2, "tr": 3, "at": 4, "ph2": 5}


def wav(name):
    """A test tone by its name (see tone.py), or any other file by its path."""
    ours = HOME / "wav" / name
    return str(ours if ours.exists() else Path(name).absolute())


def run(name):
    """A file in the run folder, which is made if need be."""
    RUN.mkdir(parents=True, exist_ok=True)
    return str(RUN / name)


def netns(host):
    """The lab's namespace for a host of LAB; None stays None (this machine's own network)."""
    return host and f"{os.environ.get('LAB_PREFIX', 'hl')}-{host}"


def address(host):
    """IPv4 of a host of LAB, or loopback for None."""
    return f"10.77.0.{LAB[host]}" if host else "127.0.0.1"


def inside(namespace):
    """What to put before a command so that it runs in a namespace."""
    return ["ip", "netns", "exec", namespace] if namespace else []
