"""A server of ``broadsheet serve`` in processes of its own, for tests and scripts."""

from __future__ import annotations

import io
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path

import httpx2

ROOT = Path(__file__).parent.parent
PATIENCE = 60  # seconds


class Served:
    """A running server: its address, a client, its process."""

    def __init__(self, folder, *options, env=None, command=("serve",)):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        asked = [sys.executable, "-m", "search", *command, "--index", str(folder), "--port", "0", *options]
        self.process = subprocess.Popen(
            asked, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )
        self.lines = []
        self._queue = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.address = self._started()
            self.client = httpx2.Client(base_url=self.address, timeout=PATIENCE)
            self.wait_ready()
        except BaseException:
            self.close()
            raise

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            self._queue.put(line)
        self._queue.put(None)

    def _started(self):
        while (line := self._queue.get(timeout=PATIENCE)) is not None:
            if found := re.search(r" at (http://[^/\s]+)", line):
                return found[1]
        raise AssertionError("".join(self.lines))

    def wait_ready(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if self.client.get("/readyz").status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("".join(self.lines))

    def workers(self):
        """How many processes answer for it."""
        asked = ["pgrep", "-P", str(self.process.pid), "-f", "spawn_main"]
        return len(subprocess.run(asked, capture_output=True, check=False).stdout.split())

    def close(self):
        """End it, however it is."""
        with suppress(ProcessLookupError):  # workers outlive their supervisor's sudden death
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()

    def stop(self, sent=signal.SIGTERM):
        """Its exit code once it has stopped."""
        self.process.send_signal(sent)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


@contextmanager
def served(folder, *options, env=None, command=("serve",)):
    server = Served(folder, *options, env=env, command=command)
    try:
        yield server
    finally:
        server.client.close()
        server.close()


def beside(scenario, command, *options):
    """Run a server here, and beside it the scenario, which gets a client; what the scenario returns, and stderr.

    The server ends as it does for everybody, by SIGTERM.
    """
    from search.cli.main import cli

    told = io.StringIO()
    answers, failures = [], []

    def run():
        try:
            deadline = time.monotonic() + PATIENCE
            while (found := re.search(r" at (http://\S+?)(/mcp)?\n", told.getvalue())) is None:
                assert time.monotonic() < deadline, told.getvalue()
                time.sleep(0.005)
            with httpx2.Client(base_url=found[1].replace("0.0.0.0", "127.0.0.1"), timeout=PATIENCE) as client:
                while client.get("/healthz").status_code != 200:
                    time.sleep(0.005)
                answers.append(scenario(client))
        except BaseException as error:
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        with redirect_stderr(told):
            port = () if "--port" in options else ("--port", "0")
            cli.main([*command, *map(str, (*port, *options))], standalone_mode=False)
    finally:
        thread.join()
        signal.signal(signal.SIGTERM, before)
    for failure in failures:
        raise failure
    return answers[0], told.getvalue()
