"""SIGTERM and SIGINT end the server in good order, whatever its connections do."""

import os
import pathlib
import selectors
import signal
import subprocess
import unittest

import server

KINDS = server.permitted_kinds()


def catches(process, number):
    """Whether it has a handler for the signal; proc(5)."""
    try:
        lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    except ProcessLookupError:
        return False
    caught = [int(line.split()[1], 16) for line in lines if line.startswith("SigCgt")]
    return bool(caught) and bool(caught[0] >> (number - 1) & 1)


class Stop(server.Case):
    def each_kind(self, check, *arguments):
        for kind in KINDS:
            with self.subTest(kind=kind), server.Server(
                    "--kind", kind, "--workers", "2", *arguments) as running:
                check(running)

    def assert_ended(self, connection):
        """The server has closed it, orderly or by a reset."""
        try:
            self.assertEqual(connection.recv(1), b"")
        except ConnectionResetError:
            pass

    def test_without_connections_both_signals_end_it_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number), server.Server("--drain", "24h") as running:
                running.signal(number)
                self.assertEqual(running.wait(), (0, ""))

    def test_a_signal_while_it_starts_is_no_failure(self):
        for turn in range(12 * len(KINDS)):
            program = subprocess.Popen(
                [server.PROGRAM, "serve", "echo", "--port", "0", "--kind", KINDS[turn % len(KINDS)]],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            # From here on the signal does not end it by itself; it may not listen yet.
            while not catches(program.pid, signal.SIGTERM) and program.poll() is None:
                pass
            program.send_signal(signal.SIGTERM)
            _, errors = program.communicate(timeout=server.PATIENCE)
            self.assertEqual((program.returncode, errors), (0, b""))

    def test_a_drain_refuses_new_connections_and_serves_those_that_are_there(self):
        def check(running):
            with running.connect() as connection:
                server.exchange(connection, b"before")
                running.signal()
                self.assertTrue(running.wait_until_deaf())
                self.assertRaises(ConnectionRefusedError, running.connect)
                for size in (1, 3000, 100):
                    server.exchange(connection, os.urandom(size))
            self.assertEqual(running.wait(), (0, ""))

        self.each_kind(check, "--drain", "24h")

    def test_idle_connections_end_with_the_drain(self):
        def check(running):
            with running.connections(50) as connections:
                for connection in connections:
                    server.exchange(connection, b"hello")
                running.signal()
                self.assertEqual(running.wait(), (0, ""))
                for connection in connections:
                    self.assert_ended(connection)

        for drain in ("0s", "100ms"):
            self.each_kind(check, "--drain", drain)

    def test_a_second_signal_ends_the_drain_at_once(self):
        def check(running):
            with running.connections(50) as connections:
                for connection in connections:
                    server.exchange(connection, b"hello")
                running.signal(signal.SIGTERM)
                self.assertTrue(running.wait_until_deaf())
                running.signal(signal.SIGINT)
                self.assertEqual(running.wait(), (0, ""))

        self.each_kind(check, "--drain", "24h")

    def test_a_connection_that_does_not_read_ends_with_the_drain(self):
        def check(running):
            with running.connect() as connection:
                connection.setblocking(False)
                with selectors.DefaultSelector() as selector:
                    selector.register(connection, selectors.EVENT_WRITE)
                    while selector.select(timeout=0.2):
                        connection.send(b"x" * 65536)
                running.signal()
                self.assertEqual(running.wait(), (0, ""))

        self.each_kind(check, "--drain", "100ms")

    def test_a_hog_is_ended_by_the_second_signal(self):
        def check(running):
            with running.connect() as connection:
                idle = running.processor_ticks()
                connection.sendall(b"H")
                while running.processor_ticks() < idle + 2:
                    pass  # until it spins
                running.signal(signal.SIGTERM)
                running.signal(signal.SIGINT)
                self.assertEqual(running.wait(), (0, ""))

        self.each_kind(check, "--drain", "24h", "--hog-byte", "H", "--hog-for", "24h")

    def test_verbose_closes_with_one_line_of_totals(self):
        for arguments in (["--verbose"], []):
            with self.subTest(arguments=arguments):
                with server.Server("--drain", "0s", *arguments) as running:
                    with running.connections(3) as connections:
                        for connection in connections:
                            server.exchange(connection, b"12345")
                        connections[0].shutdown(2)
                        self.assertEqual(connections[0].recv(1), b"")
                        _, errors = running.stop()
                total = "cede: served 3 connections and 15 bytes; 2 were cut off at the end\n"
                self.assertEqual(errors.endswith(total), bool(arguments), errors)


if __name__ == "__main__":
    unittest.main()
