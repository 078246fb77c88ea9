"""A server that cede is compared with: it echoes every byte, survives, and takes the common options.

    peer_test.py PREPARE CEDE NAME

PREPARE is the program `prepare_peer` of the build, CEDE the program `cede`. Ends with 77, which ctest
shows as skipped, if the peer is not installed or may not run here.
"""

import ctypes
import os
import re
import resource
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import unittest

PREPARE, CEDE, NAME = sys.argv[1:4]
SKIPPED = 77
PATIENCE = 60.0  # seconds until a test that waits for the server gives up
SYS_pidfd_getfd = 438  # x86-64 and aarch64


def command():
    """The command that starts the peer; leaves if there is none."""
    prepared = subprocess.run([PREPARE, NAME], stdout=subprocess.PIPE, text=True, check=False)
    if prepared.returncode != 0:
        sys.exit(prepared.returncode)
    return prepared.stdout.splitlines()


COMMAND = command()


def run(*arguments):
    """Runs the peer to its end."""
    return subprocess.run([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=PATIENCE, check=False)


class Server:
    """The peer, running on one CPU, as it is measured."""

    def __init__(self, *arguments, descriptors=None):
        def prepare():
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            if descriptors is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [*COMMAND, "--host", "127.0.0.1", "--port", "0", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=prepare)
        line = self.process.stdout.readline()
        match = re.match(r"listening on 127\.0\.0\.1:(\d+)\b", line)
        if not match:
            _, errors = self.process.communicate()
            raise AssertionError(f"no listening line, but {line!r} and {errors!r}")
        self.port = int(match[1])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        """Ends it by SIGTERM, at which it must leave with 0 and without a word."""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE)
        if kind is None and (self.process.returncode, errors) != (0, ""):
            raise AssertionError(f"it ended with {self.process.returncode}: {errors}")

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)


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
    """Sends while it receives, so that neither side can be stuck, and checks the answer."""
    sender = threading.Thread(target=connection.sendall, args=(message,))
    sender.start()
    answer = receive(connection, len(message))
    sender.join()
    if answer != message:
        raise AssertionError("the answer differs from what was sent")


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def fill(connection, payload):
    """Sends until the way there and back is full; how much went in."""
    sent = 0
    connection.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_WRITE)
        while sent < len(payload) and selector.select(timeout=0.2):
            sent += connection.send(payload[sent:sent + 65536])
    connection.settimeout(PATIENCE)
    return sent


def sockets_of(pid):
    """Copies of the TCP sockets that a process holds; pidfd_getfd(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        for number in map(int, os.listdir(f"/proc/{pid}/fd")):
            if os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
                copy = libc.syscall(SYS_pidfd_getfd, process, number, 0)
                if copy < 0:
                    raise OSError(ctypes.get_errno(), "pidfd_getfd")
                with socket.socket(fileno=copy) as found:
                    if found.family in (socket.AF_INET, socket.AF_INET6):
                        yield found
    finally:
        os.close(process)


class Echo(unittest.TestCase):
    def test_every_byte_is_right_under_load(self):
        for connections, size in ((300, 64), (20, 20_000)):
            with self.subTest(connections=connections, size=size), Server() as server:
                loaded = subprocess.run(
                    [CEDE, "load", "echo", "--host", "127.0.0.1", "--port", str(server.port),
                     "--connections", str(connections), "--size", str(size),
                     "--warm-up", "0s", "--duration", "500ms"],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                    timeout=PATIENCE, check=False)
                self.assertEqual(loaded.returncode, 0, loaded.stdout)

    def test_messages_of_all_sizes_come_back(self):
        with Server() as server, server.connect() as connection:
            for size in (1, 2, 64, 4095, 4096, 4097, 10_000, 1_000_000):
                exchange(connection, os.urandom(size))

    def test_messages_that_follow_each_other_keep_their_order(self):
        payload = b"".join(b"%07d\n" % number for number in range(20_000))
        with Server() as server, server.connect() as connection:
            exchange(connection, payload)

    def test_a_client_that_has_said_all_still_gets_its_answer(self):
        payload = os.urandom(300_000)
        with Server() as server, server.connect() as connection:
            sender = threading.Thread(target=lambda: (
                connection.sendall(payload), connection.shutdown(socket.SHUT_WR)))
            sender.start()
            self.assertEqual(receive(connection, len(payload)), payload)
            self.assertEqual(connection.recv(1), b"")
            sender.join()

    def test_a_slow_reader_gets_every_byte_and_holds_up_nobody(self):
        payload = os.urandom(32 << 20)  # more than all buffers on the way together
        with Server() as server, server.connect() as slow, server.connect() as other:
            sent = fill(slow, memoryview(payload))
            self.assertLess(sent, len(payload), "the server has put it somewhere")
            for _ in range(20):
                exchange(other, os.urandom(1000))
            sender = threading.Thread(target=slow.sendall, args=(memoryview(payload)[sent:],))
            sender.start()
            answer = receive(slow, len(payload))
            sender.join()
            self.assertTrue(answer == payload, "the answer differs from what was sent")

    def test_slow_readers_that_leave_take_nothing_with_them(self):
        payload = memoryview(os.urandom(32 << 20))
        with Server() as server, server.connect() as faithful:
            for end in (reset, socket.socket.close):
                slow = [server.connect() for _ in range(10)]
                for connection in slow:
                    fill(connection, payload[:2 << 20])
                for connection in slow:
                    end(connection)
                exchange(faithful, os.urandom(100_000))

    def test_clients_that_reset_or_leave_harm_nobody(self):
        with Server() as server, server.connect() as faithful:
            for turn in range(50):
                reset(server.connect())
                leaver = server.connect()
                leaver.sendall(b"x" * 100_000)
                reset(leaver)
                server.connect().close()
                exchange(faithful, b"turn %d" % turn)

    def test_closed_connections_are_let_go(self):
        with Server() as server:
            for _ in range(3):
                connections = [server.connect() for _ in range(200)]
                for connection in connections:
                    exchange(connection, b"here")
                for connection in connections:
                    connection.shutdown(socket.SHUT_WR)
                    self.assertEqual(connection.recv(1), b"", "the server closes its end too")
                    connection.close()

    def test_want_of_descriptors_makes_others_wait_and_nobody_suffer(self):
        with Server(descriptors=64) as server, server.connect() as faithful:
            exchange(faithful, b"first")
            waiting = {server.connect() for _ in range(150)}
            for connection in waiting:
                connection.sendall(b"is there room?")
            with selectors.DefaultSelector() as selector:
                for connection in waiting:
                    selector.register(connection, selectors.EVENT_READ)
                while waiting:
                    exchange(faithful, b"still here")
                    answered = [key.fileobj for key, _ in selector.select(PATIENCE)]
                    self.assertTrue(answered, f"{len(waiting)} are never served")
                    for connection in answered:
                        self.assertEqual(receive(connection, 14), b"is there room?")
                        selector.unregister(connection)
                        waiting.remove(connection)
                        connection.close()

    def test_small_packets_are_sent_at_once(self):
        # The io_uring server's connections are no descriptors: they inherit it from the listener.
        with Server() as server, server.connect() as connection:
            exchange(connection, b"accepted")
            found = list()
            for one in sockets_of(server.process.pid):
                connected = not one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if connected != (NAME == "raw-uring"):
                    found.append(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            self.assertEqual(found, [1])

    def test_a_connection_inherits_that_from_its_listener(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
                self.assertEqual(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), 1)


class Hog(unittest.TestCase):
    def test_the_byte_counts_at_the_beginning_only(self):
        # With an hour to spin, an answer means that nobody has spun.
        with Server("--hog-byte", "H", "--hog-for", "1h") as server:
            with server.connect() as connection:
                exchange(connection, b"xH")
                exchange(connection, b"H")

    def test_a_hog_spins_and_answers_in_the_end(self):
        with Server("--hog-byte", "0x48", "--hog-for", "300ms") as server:
            with server.connect() as connection:
                before = self.processor_ticks(server)
                exchange(connection, b"Hello")
                self.assertGreaterEqual(self.processor_ticks(server) - before, 1)

    @staticmethod
    def processor_ticks(server):
        """CPU time in user mode and in the kernel so far, in clock ticks; proc(5)."""
        with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


class Options(unittest.TestCase):
    def assert_refused(self, result, text):
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\A[^\n]+\n\Z")
        self.assertIn(text, result.stderr)

    def test_bad_ones_are_refused_in_one_line(self):
        for option, value in (("--port", "70000"), ("--port", "x"), ("--host", "nowhere"),
                              ("--hog-byte", "ab"), ("--hog-byte", "0xzz"), ("--hog-for", "5"),
                              ("--hog-for", "25h"), ("--hog-for", "s"), ("--colour", "red")):
            with self.subTest(option=option, value=value):
                text = option.lstrip("-") if option == "--colour" else value
                self.assert_refused(run(option, value), text)

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            self.assert_refused(run("--host", "127.0.0.1", "--port", port), port)

    def test_interrupting_it_ends_it_too(self):
        server = Server()
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=PATIENCE)
        self.assertEqual((server.process.returncode, errors), (0, ""))


def may_run():
    """Whether the peer can be started at all; a line says so if this system forbids it."""
    try:
        with Server():
            return True
    except AssertionError as error:
        if "not available here" not in str(error):
            raise
        print(f"{NAME}: {error}")
        return False


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not may_run():
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
