"""The echo server with real connections, as each kind: every byte comes back."""

import os
import pathlib
import resource
import selectors
import signal
import socket
import struct
import subprocess
import threading
import unittest

import server

KINDS = server.permitted_kinds()
# What a server and a client in this process may open, with some to spare.
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def reset(connection):
    """Ends a connection by a reset instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def listening_port(pid):
    """The port that a process listens on."""
    folder = f"/proc/{pid}/fd"
    targets = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
    inodes = {target[len("socket:["):-1] for target in targets if target.startswith("socket:[")}
    return server.listening_ports(inodes).pop()


def send_and_receive(connection, payload, size):
    """Sends while it receives `size` bytes, so that neither side can be stuck."""
    sender = threading.Thread(target=connection.sendall, args=(payload,))
    sender.start()
    answer = server.receive(connection, size)
    sender.join()
    return answer


class Echo(server.Case):
    def each_kind(self, check, *arguments, **options):
        """Checks a server of each kind, and that it stops in good order."""
        for kind in KINDS:
            with self.subTest(kind=kind), server.Server(
                    "--kind", kind, "--workers", "2", *arguments, **options) as running:
                check(running)
                self.assert_stops(running)

    def test_messages_of_all_sizes_come_back(self):
        def check(running):
            with running.connect() as connection:
                for size in (1, 2, 64, 2047, 2048, 2049, 4096, 10_000):
                    server.exchange(connection, os.urandom(size))

        self.each_kind(check)

    def test_the_listening_line_tells_how_it_serves(self):
        def check(running):
            self.assertRegex(
                running.line, r"\Alistening on 127\.0\.0\.1:\d+, kind \S+, workers 2, reactor auto\n")

        self.each_kind(check)

    def test_ipv6_and_names_are_served(self):
        for host in ("::1", "localhost"):
            with self.subTest(host=host), server.Server("--host", host) as running:
                with running.connect() as connection:
                    server.exchange(connection, b"So, how was your day?")
                self.assert_stops(running)

    def test_a_thousand_connections_at_once(self):
        count = 1000 if FILES > 1100 else FILES // 2
        messages = [os.urandom(64) for _ in range(count)]

        def check(running):
            with running.connections(count) as connections:
                for _ in range(2):
                    for connection, message in zip(connections, messages):
                        connection.sendall(message)
                    for connection, message in zip(connections, messages):
                        self.assertEqual(server.receive(connection, len(message)), message)

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.each_kind(check, "--stack", "256" if server.SANITIZED else "64")

    def test_garbage_is_only_bytes(self):
        pieces = (b"\0" * 5000, b"\xff" * 5000, b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 9)

        def check(running):
            for piece in pieces:
                with running.connect() as connection:
                    self.assertEqual(send_and_receive(connection, piece, len(piece)), piece)

        self.each_kind(check)

    def test_a_client_that_has_said_all_still_gets_its_answer(self):
        payload = os.urandom(300_000)

        def check(running):
            with running.connect() as connection:
                sender = threading.Thread(
                    target=lambda: (connection.sendall(payload),
                                    connection.shutdown(socket.SHUT_WR)))
                sender.start()
                self.assertEqual(server.receive(connection, len(payload)), payload)
                self.assertEqual(connection.recv(1), b"")
                sender.join()

        self.each_kind(check)

    def test_clients_that_reset_or_leave_harm_nobody(self):
        def check(running):
            with running.connect() as faithful:
                for turn in range(50):
                    reset(running.connect())
                    leaver = running.connect()
                    leaver.sendall(b"x" * 100_000)
                    reset(leaver)
                    running.connect().close()
                    server.exchange(faithful, b"turn %d" % turn)

        self.each_kind(check)

    def test_a_slow_reader_gets_every_byte_and_holds_up_nobody(self):
        payload = os.urandom(32 << 20)  # more than all buffers on the way together

        def check(running):
            with running.connect() as slow, running.connect() as other:
                sent = self.fill(slow, memoryview(payload))
                self.assertLess(sent, len(payload), "the server has put it somewhere")
                # Its handler waits to write, and only that one.
                for _ in range(20):
                    server.exchange(other, os.urandom(1000))
                answer = send_and_receive(slow, memoryview(payload)[sent:], len(payload))
                self.assertTrue(answer == payload, "the answer differs from what was sent")

        self.each_kind(check)

    @staticmethod
    def fill(connection, payload):
        """Sends until the way there and back is full; how much went in."""
        sent = 0
        connection.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_WRITE)
            # Should the server only be slow, then less is sent here and the test is as good.
            while sent < len(payload) and selector.select(timeout=0.2):
                sent += connection.send(payload[sent:sent + 65536])
        connection.settimeout(server.PATIENCE)
        return sent

    def test_io_uring_serves_as_epoll_does(self):
        if not server.io_uring_permitted():
            self.skipTest("io_uring is not permitted here")
        for reactor in ("epoll", "io_uring"):
            for kind in KINDS:
                with self.subTest(reactor=reactor, kind=kind), server.Server(
                        "--kind", kind, "--workers", "2", "--reactor", reactor) as running:
                    self.assertIn(f"reactor {reactor}", running.line)
                    with running.connections(50) as connections:
                        for connection in connections * 3:
                            server.exchange(connection, os.urandom(3000))
                    self.assert_stops(running)

    def test_a_reader_of_the_listening_line_that_has_left_is_no_error(self):
        def check(running):
            running.process.stdout.close()
            with running.connect() as connection:
                server.exchange(connection, b"still there?")

        self.each_kind(check)

    def test_output_that_cannot_be_written_does_not_end_the_server(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            process = subprocess.Popen(
                [server.PROGRAM, "serve", "echo", "--port", "0"], stdout=full,
                stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(
            process.stderr.readline(),
            "cede: standard output: No space left on device; serving all the same\n")
        address = ("127.0.0.1", listening_port(process.pid))
        with socket.create_connection(address, server.PATIENCE) as connection:
            server.exchange(connection, b"still there?")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(server.PATIENCE), 0)

    def test_closed_standard_streams_are_not_given_to_connections(self):
        """Else what is said to the user goes to a client, or into a reactor."""
        def without(*closed):
            return lambda: [os.close(fd) for fd in closed]

        process = subprocess.Popen(
            [server.PROGRAM, "serve", "echo", "--port", "0"], stderr=subprocess.PIPE, text=True,
            preexec_fn=without(0, 1))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.assertEqual(
            process.stderr.readline(),
            "cede: standard output: Bad file descriptor; serving all the same\n")
        fds = pathlib.Path(f"/proc/{process.pid}/fd")
        self.assertEqual([os.readlink(fds / name) for name in "01"], ["/dev/null"] * 2)
        address = ("127.0.0.1", listening_port(process.pid))
        with socket.create_connection(address, server.PATIENCE) as connection:
            server.exchange(connection, b"still there?")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(server.PATIENCE), 0)


class Hog(server.Case):
    def hogging(self, kind, *arguments):
        return server.Server("--kind", kind, "--workers", "1", "--hog-byte", "H", *arguments)

    def test_the_byte_counts_at_the_beginning_only(self):
        # With an hour to spin, an answer means that nobody has spun.
        for kind in KINDS:
            with self.subTest(kind=kind), self.hogging(kind, "--hog-for", "1h") as running:
                with running.connect() as connection:
                    server.exchange(connection, b"xH")
                    server.exchange(connection, b"H")
                self.assert_stops(running)

    def test_a_hog_answers_in_the_end(self):
        for kind in KINDS:
            with self.subTest(kind=kind), self.hogging(kind, "--hog-for", "100ms") as running:
                with running.connect() as connection:
                    server.exchange(connection, b"Hello")
                self.assert_stops(running)

    def test_a_cooperative_hog_starves_the_others_on_its_worker(self):
        with self.hogging("cooperative", "--hog-for", "500ms",
                          "--watchdog", "100ms") as running:
            with running.connect() as hog, running.connect() as other:
                server.exchange(other, b"before")
                idle = running.processor_ticks()
                hog.sendall(b"H")
                while running.processor_ticks() < idle + 2:
                    pass  # until it spins
                other.sendall(b"during")
                with selectors.DefaultSelector() as selector:
                    selector.register(hog, selectors.EVENT_READ, "hog")
                    selector.register(other, selectors.EVENT_READ, "other")
                    answered = [key.data for key, _ in selector.select(server.PATIENCE)]
                self.assertIn("hog", answered)
                self.assertEqual(server.receive(hog, 1), b"H")
                self.assertEqual(server.receive(other, 6), b"during")
            self.assert_stops_having_named_a_hog(running)

    @unittest.skipUnless("preemptive" in server.permitted_kinds(), "no preemptive fibers here")
    def test_a_preemptive_fiber_that_hogs_starves_nobody(self):
        self.starves_nobody("preemptive", "--slice", "1ms")

    def test_an_os_thread_that_hogs_starves_nobody(self):
        self.starves_nobody("os-thread")

    def starves_nobody(self, kind, *options):
        with self.hogging(kind, "--hog-for", "1h", *options) as running:
            with running.connect() as hog, running.connect() as other:
                hog.sendall(b"H")
                for turn in range(20):
                    server.exchange(other, b"turn %d" % turn)
            running.signal(signal.SIGTERM)
            running.signal(signal.SIGINT)
            self.assertEqual(running.wait(), (0, ""))


if __name__ == "__main__":
    unittest.main()
