"""Runs the program `cede` for tests: a server on a port that the system chooses, and clients.

Nothing here waits for a time to pass: a server is ready when its line says so, and a test that hangs
is ended by ctest.
"""

import contextlib
import ctypes
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import time
import unittest

PROGRAM = os.environ["CEDE_PROGRAM"]
KINDS = ("cooperative", "preemptive", "os-thread", "os-thread-fifo")
# Sanitizers multiply memory and time; tests that measure memory make no sense there.
SANITIZER = os.environ.get("CEDE_SANITIZE", "")
SANITIZED = SANITIZER != ""
# UBSan looks through a pipe whether an object is there, and calls it broken without free descriptors.
needs_no_pipe = unittest.skipIf("undefined" in SANITIZER, "UBSan needs descriptors of its own")
PATIENCE = 60.0  # seconds until a test that waits for a peer gives up

CAP_SYS_NICE = 23
PR_CAPBSET_DROP = 24


def run(*arguments, **options):
    """Runs the program to its end."""
    return subprocess.run(
        [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False, **options)


def permitted_kinds():
    """The kinds that this user may run."""
    trials = {kind: run("serve", "echo", "--kind", kind, "--host", "192.0.2.1") for kind in KINDS}
    return tuple(kind for kind in KINDS if "cannot listen" in trials[kind].stderr)


def io_uring_permitted():
    """Whether this kernel offers io_uring to us."""
    trial = run("serve", "echo", "--reactor", "io_uring", "--host", "192.0.2.1")
    return "cannot listen" in trial.stderr


def others_may_run():
    """Whether any user may run the program where it lies."""
    path = pathlib.Path(PROGRAM).resolve()
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


def listening_ports(inodes=None):
    """The ports that somebody listens on, with one of these sockets if they are given; proc(5)."""
    rows = [row.split() for name in ("tcp", "tcp6")
            for row in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {int(row[1].rsplit(":", 1)[1], 16) for row in rows
            if row[3] == "0A" and (inodes is None or row[9] in inodes)}


def limit(which, value):
    """For `preexec_fn`: the program starts with this resource limit."""
    return lambda: resource.setrlimit(which, (value, value))


def without_realtime():
    """For `preexec_fn`: neither the capability nor the limit that SCHED_FIFO needs."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))


class Server:
    """A running `cede serve echo`, `under` another program if one is given."""

    def __init__(self, *arguments, under=(), **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        # On a busy machine a fiber keeps its worker for long without having had the CPU.
        if "--watchdog" not in arguments:
            arguments += ("--watchdog", "0ms")
        self.process = subprocess.Popen(
            [*under, PROGRAM, "serve", "echo", "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.line = self.process.stdout.readline()
        match = re.match(r"listening on (.*):(\d+), kind ", self.line)
        if not match:
            self.process.kill()
            raise AssertionError(f"no listening line: {self.line!r} {self.process.communicate()}")
        self.address = (match[1].strip("[]"), int(match[2]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self):
        return socket.create_connection(self.address, timeout=PATIENCE)

    @contextlib.contextmanager
    def connections(self, count):
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.connect()) for _ in range(count)]

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        if SANITIZER == "thread":
            self.repeat_until_heard(number)

    def repeat_until_heard(self, number):
        """ThreadSanitizer keeps a signal for the fiber that it has interrupted until that one calls
        the C library again, which may be never: so it may take another."""
        while not self.wait_until_deaf(10.0):
            self.process.send_signal(number)

    def wait_until_deaf(self, seconds=PATIENCE):
        """Until it does not listen any more, which is how a drain begins; whether that has come."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and self.address[1] in listening_ports():
            if time.monotonic() > end:
                return False
            time.sleep(0.001)
        return True

    def wait(self):
        """The exit code and what was printed on stderr."""
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors

    def stop(self):
        self.signal()
        return self.wait()

    def processor_ticks(self):
        """CPU time used in user mode so far, in clock ticks; proc(5)."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        return int(stat.rsplit(")", 1)[1].split()[11])

    def memory(self):
        """Bytes of memory and of page tables."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB$", status, re.MULTILINE))
        return (int(fields["VmRSS"]) + int(fields["VmPTE"])) * 1024


def receive(connection, size):
    """Exactly `size` bytes."""
    pieces = []
    while size > 0:
        piece = connection.recv(min(size, 1 << 20))
        if not piece:
            raise AssertionError(f"the connection ended {size} bytes early")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def exchange(connection, message):
    """Sends a message that fits the buffers on the way, and checks the answer."""
    connection.sendall(message)
    answer = receive(connection, len(message))
    if answer != message:
        raise AssertionError("the answer differs from what was sent")


class Case(unittest.TestCase):
    """What the tests of the program share."""

    def assert_refused(self, result, code, *texts):
        """The program left with `code` and one line on stderr that contains all `texts`."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\Acede: [^\n]+\n\Z")
        for text in texts:
            self.assertIn(text, result.stderr)

    def assert_stops_having_named_a_hog(self, server):
        """The server leaves with 0 on SIGTERM; all that it had to say is who kept its worker."""
        code, errors = server.stop()
        self.assertEqual(code, 0)
        self.assertRegex(errors, r"\Acede: fiber 'echo' has kept worker 0 for \d+ ms")
        if SANITIZER != "thread":  # which keeps the signal that asks where it is for later
            self.assertRegex(errors, r"cede:   #\d+ .*\bserve\b")
        for line in errors.splitlines():
            self.assertRegex(line, r"\Acede: (fiber 'echo' has kept |  #\d+ )")

    def assert_stops(self, server):
        """The server leaves with 0 on SIGTERM and has had nothing to say."""
        code, errors = server.stop()
        self.assertEqual((code, errors), (0, ""))
