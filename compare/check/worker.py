"""A warm process: it has imported torch, and forks a child for each file to judge.

A child may hang, crash, print or start others: it is ended, with all that it started,
when its time is over, and when whoever asked is gone, even by kill -9.
"""

import contextlib
import ctypes
import faulthandler
import json
import os
import secrets
import select
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

GRACE = 3.0
"""So many seconds after its time limit a child is killed that has not ended itself."""
TAIL = 2000
"""So many bytes of what a child last wrote to stderr are kept."""
PR_SET_PDEATHSIG = 1
"""Linux: the option of prctl that sends a signal when the parent dies."""
Request = dict[str, Any]


def serve() -> None:
    """Answer each request, a line of JSON, by lines of JSON; the last says "ended"."""
    from compare.check import judge  # with torch, which children then have

    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with open(0, "rb", buffering=0, closefd=False) as requests:
        for line in requests:
            request = json.loads(line)
            if not hasattr(os, "fork"):  # Windows: one file, in this process
                _judge(judge, request, answers, "")
                return
            _send(answers, {"ended": _in_child(judge, request, answers)})


def _in_child(judge: Any, request: Request, answers: int) -> str:
    """Have a child judge a file, and pass its answers on; returns how it ended."""
    token = secrets.token_hex(8)
    (news, theirs), (errors, stderr), (watched, alive) = (os.pipe() for _ in range(3))
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for fd in (news, errors, alive, answers):
                os.close(fd)
            os.setsid()
            silent = os.open(os.devnull, os.O_RDWR)
            for fd, its in ((0, silent), (1, silent), (2, stderr)):
                os.dup2(its, fd)
            judge.answer_apart()
            _die_with(watched)
            _judge(judge, request, theirs, token)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    for fd in (theirs, stderr, watched):
        os.close(fd)
    child = _Child(pid, news, errors, token)
    try:
        return child.relay(answers, request["seconds"])
    finally:
        child.end()
        for fd in (news, errors, alive):
            os.close(fd)


class _Child:
    """A child, the ends of its pipes, and what it said last on stderr."""

    def __init__(self, pid: int, news: int, errors: int, token: str) -> None:
        self.pid, self.news, self.errors, self.token = pid, news, errors, token.encode()
        self.said, self.partial = b"", b""
        self.status: int | None = None

    def relay(self, answers: int, seconds: float) -> str:
        """Pass on what it answers; it may take `seconds` for each piece of news."""
        began = time.monotonic()
        while time.monotonic() < began + seconds + GRACE:
            ready, _, _ = select.select([self.news, self.errors, 0], [], [], 0.5)
            if 0 in ready:  # the end of input: whoever asked is gone
                raise SystemExit
            if self.errors in ready:
                self._listen()
            if self.news in ready:
                data = os.read(self.news, 65536)
                *lines, self.partial = (self.partial + data).split(b"\n")
                for line in lines:
                    if not line.startswith(self.token):
                        return self._with_stderr("wrote into the pipe for its results")
                    os.write(answers, line.removeprefix(self.token) + b"\n")
                    began = time.monotonic()
                if not data:
                    return self._ending()
            elif self._has_ended():
                return self._ending()
        return f"did not end within {seconds:g} s"

    def end(self) -> int:
        """Kill it and what it started, as far as it still runs; its exit status."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    def _has_ended(self) -> bool:
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, how) is not None

    def _ending(self) -> str:
        for _ in range(20):  # its pipe is closed, but it may still be ending
            if self._has_ended():
                break
            time.sleep(0.05)
        status = self.end()
        name = f" ({signal.Signals(-status).name})" if status < 0 else ""
        return self._with_stderr(f"ended the process with status {status}{name}")

    def _with_stderr(self, words: str) -> str:
        while select.select([self.errors], [], [], 0)[0] and self._listen():
            pass
        lines = self.said.decode(errors="replace").strip().splitlines()
        return "; ".join([words, *lines[-3:]])

    def _listen(self) -> bytes:
        data = os.read(self.errors, 65536)
        self.said = (self.said + data)[-TAIL:]
        return data


def _judge(judge: Any, request: Request, answers: int, token: str) -> None:
    """In the child: judge a file, and write each piece of news with the token."""
    path, seconds, own = Path(request["path"]), request["seconds"], os.getpid()
    sys.argv = [str(path)]

    def limit_again() -> None:  # without Python's help, should nobody else end it
        faulthandler.dump_traceback_later(seconds + 2 * GRACE, exit=True, file=2)

    def write(**news: Any) -> None:
        if os.getpid() != own:  # a process that the file forked
            os._exit(0)
        limit_again()
        _send(answers, news, token)

    limit_again()
    judge.judge(path, request["names"], request["meant"], seconds, write)


def _send(fd: int, news: dict[str, Any], token: str = "") -> None:
    os.write(fd, f"{token}{json.dumps(news)}\n".encode())


def _die_with(watched: int) -> None:
    """End this process and all that it starts when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        os.read(watched, 1)  # returns when the parent's end is closed
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
