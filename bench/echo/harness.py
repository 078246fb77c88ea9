"""Runs echo servers and `cede load` as processes, on cores of their own.

Used by `bench/echo/compare.py`. A server is named by what runs its connections; SERVERS says how
each is started. Everything that goes wrong is a `Failure` with one line for the user.
"""

import contextlib
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 10
STOP_SECONDS = 20

_CEDE = ["{build}/cede", "serve", "echo", "--host", HOST, "--port", "{port}", "--workers", "1"]
_BASELINE = ["--host", HOST, "--port", "{port}"]

SERVERS = {
    "fibers": [*_CEDE, "--kind", "cooperative"],
    "os-threads": [*_CEDE, "--kind", "os-thread", "--stack", "64"],
    "fifo-threads": [*_CEDE, "--kind", "os-thread-fifo", "--stack", "64"],
    "raw-epoll": ["{build}/bench/echo_baseline_epoll", *_BASELINE],
    "raw-uring": ["{build}/bench/echo_baseline_uring", *_BASELINE],
    "raw-threads": ["{build}/bench/echo_baseline_threads", *_BASELINE, "--stack", "64"],
    "raw-fifo-threads": [
        "{build}/bench/echo_baseline_threads", *_BASELINE, "--stack", "64", "--policy", "fifo",
    ],
}  # fmt: skip
# Built when first asked for; their commands end like those of the hand-written servers.
PEERS = ("go", "tokio", "asio")
SERVERS.update({name: _BASELINE for name in PEERS})


class Failure(Exception):
    """What went wrong, in one line."""


def cores():
    """The server's core and the client's; the same one where there is no other."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def fifo_permitted():
    """Whether this user may run threads under SCHED_FIFO."""
    before, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, before, parameters)
    return True


def _prepare_child(core):
    os.sched_setaffinity(0, {core})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"


def command_of(name, build, port):
    """The words that start a server; builds a peer first, if that has not been done."""
    command = [*(_prepared(name, build) if name in PEERS else []), *SERVERS[name]]
    return [word.format(build=build, port=port) for word in command]


def _prepared(name, build):
    try:
        result = subprocess.run(
            [f"{build}/bench/prepare_peer", name], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise Failure(f"{error.filename} is missing: run ./dev build") from None
    if result.returncode != 0:
        raise Failure(_last_line(result.stderr))
    return result.stdout.splitlines()


def _spawn(command, core, output, turns=False):
    """With `turns` it is spoken to through pipes, and only its errors go to `output`."""
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if turns else subprocess.DEVNULL,
            stdout=subprocess.PIPE if turns else output,
            stderr=output if turns else subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: _prepare_child(core),
        )
    except FileNotFoundError:
        raise Failure(f"{command[0]} is missing: run ./dev build") from None


class Server:
    """A running server; a context manager that ends it by SIGTERM and wants exit code 0."""

    def __init__(self, name, build, core):
        self.name = name
        self.port = _free_port()
        self._output = tempfile.TemporaryFile(mode="w+")
        self._process = _spawn(command_of(name, build, self.port), core, self._output)
        self.pid = self._process.pid
        try:
            self._wait_until_listening()
        except BaseException:
            self._kill()
            raise

    def _text(self):
        self._output.seek(0)
        return self._output.read()

    def _wait_until_listening(self):
        give_up = time.monotonic() + START_SECONDS
        while not any(line.startswith("listening") for line in self._text().splitlines()):
            if self._process.poll() is not None:
                raise Failure(f"the server '{self.name}' did not start: {_last_line(self._text())}")
            if time.monotonic() > give_up:
                raise Failure(
                    f"the server '{self.name}' printed no 'listening' line in {START_SECONDS} s"
                )
            time.sleep(0.005)

    def _kill(self):
        self._process.kill()
        self._process.wait()
        self._output.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        # While another error is on its way the server's end must not hide it.
        try:
            self._stop()
        except Failure:
            if kind is None:
                raise
        finally:
            self._kill()

    def _stop(self):
        if self._process.poll() is not None:
            raise Failure(
                f"the server '{self.name}' ended by itself with code {self._process.returncode}: "
                f"{_last_line(self._text())}"
            )
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(
                f"the server '{self.name}' did not end within {STOP_SECONDS} s of SIGTERM"
            ) from None
        if code != 0:
            raise Failure(
                f"the server '{self.name}' ended with code {code}: {_last_line(self._text())}"
            )


class Client:
    """`cede load echo --turns` with all its connections open; a context manager that ends it."""

    def __init__(self, server, build, core, connections):
        self._said = f"'{server.name}' at {connections} connections"
        command = [
            f"{build}/cede", "load", "echo", "--json", "--quiet", "--turns", "--settle", "0ms",
            "--host", HOST, "--port", str(server.port), "--server-pid", str(server.pid),
            "--connections", str(connections),
        ]  # fmt: skip
        self._errors = tempfile.TemporaryFile(mode="w+")
        self._process = _spawn(command, core, self._errors, turns=True)

    def turn(self, warm_up, duration):
        """Measures once; seconds in, the client's measurements out."""
        words = f"--warm-up {milliseconds(warm_up)} --duration {milliseconds(duration)}\n"
        try:
            self._process.stdin.write(words)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what it has said tells why
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise Failure(f"{self._said}: {_last_line(self._errors.read())}")
        sample = json.loads(line)
        # Something kept both from running: a cost a message of 0 would be no sample.
        if sample["messages"] == 0:
            raise Failure(f"{self._said}: not a message in {duration} s")
        return sample

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self._process.stdin.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def milliseconds(seconds):
    return f"{round(seconds * 1000)}ms"


@contextlib.contextmanager
def running_pair(name, build, connections):
    """A fresh server and a client that is connected to it, which waits for its turns."""
    server_core, client_core = cores()
    with Server(name, build, server_core) as server:
        with Client(server, build, client_core, connections) as client:
            yield client


def machine_line():
    """The processor, the kernel and the cores that are used."""
    server_core, client_core = cores()
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    where = f"server on core {server_core}, client on core {client_core}"
    if server_core == client_core:
        where = f"server and client share core {server_core}: the only one"
    return f"{model}, Linux {os.uname().release}; {where}"
