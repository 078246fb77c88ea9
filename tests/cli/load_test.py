"""`cede load` against servers that behave, and against servers that do not."""

import ctypes
import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import server

CAP_SYS_RESOURCE = 24
SHORT = ("--warm-up", "50ms", "--duration", "200ms")


class Peer:
    """A server for one thread a connection, whose `handle(socket)` misbehaves as a test wants."""

    def __init__(self, handle):
        self.handle = handle
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                self.handle(connection)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def echo(connection, size=65536):
    while data := connection.recv(size):
        connection.sendall(data)


class Case(server.Case):
    def load(self, port, verb, *arguments, **options):
        return server.run("load", verb, "--port", str(port), *arguments, **options)

    def report(self, port, verb, *arguments, **options):
        result = self.load(port, verb, "--json", *arguments, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return json.loads(result.stdout)


class Honest(Case):
    def test_a_closed_loop_serves_every_connection(self):
        with server.Server("--workers", "2") as running:
            report = self.report(running.address[1], "echo", "--connections", "20", *SHORT,
                                 "--server-pid", str(running.process.pid))
            self.assertEqual((report["loop"], report["partial"]), ("closed", False))
            self.assertEqual(report["latency_us"]["count"], report["messages"])
            self.assertEqual(sum(count for _, count in report["latency_us_buckets"]),
                             report["messages"])
            replies = report["replies_per_connection"]
            self.assertEqual((replies["connections"], replies["served"]), (20, 20))
            self.assertLessEqual(replies["min"], replies["median"])
            self.assertLessEqual(replies["median"], replies["max"])
            self.assertLessEqual(report["latency_us"]["p50"], report["latency_us"]["p90"])
            self.assertLessEqual(report["latency_us"]["p999"], report["latency_us"]["max"])
            self.assertIn("server_cpu_us_per_message", report)
            self.assert_stops(running)

    def test_an_open_loop_counts_every_message_that_was_due(self):
        with server.Server() as running:
            report = self.report(running.address[1], "echo", "--connections", "7", "--rate",
                                 "1000/s", "--warm-up", "50ms", "--duration", "500ms")
            self.assertEqual(report["loop"], "open")
            self.assertAlmostEqual(report["latency_us"]["count"], 500, delta=1)
            self.assertEqual(report["unanswered"], 0)

    def test_messages_of_all_sizes_and_both_families(self):
        for host in ("127.0.0.1", "::1", "localhost"):
            with server.Server("--host", host) as running:
                for size in ("1", "4096", "300000"):
                    with self.subTest(host=host, size=size):
                        report = self.report(running.address[1], "echo", "--host", host, "--size",
                                             size, "--connections", "3", *SHORT)
                        self.assertEqual(report["connections_served"], 3)

    def test_processes_share_the_connections_and_add_up(self):
        with server.Server() as running:
            report = self.report(running.address[1], "echo", "--connections", "10", "--processes",
                                 "3", *SHORT)
            self.assertEqual((report["connections"], report["processes"]), (10, 3))
            self.assertEqual(report["replies_per_connection"]["connections"], 10)
            self.assertEqual(report["latency_us"]["count"], report["messages"])
            self.assertEqual(sum(count for _, count in report["latency_us_buckets"]),
                             report["messages"])
            self.assert_stops(running)

    @server.needs_no_pipe
    def test_more_connections_than_descriptors_take_more_processes(self):
        with server.Server() as running:
            report = self.report(running.address[1], "idle", "--connections", "250",
                                 preexec_fn=limit_files(132))
            self.assertEqual((report["connections"], report["processes"]), (250, 3))
            report = self.report(running.address[1], "churn", "--connections", "250", "--rounds",
                                 "2", "--settle", "0ms", preexec_fn=limit_files(132))
            self.assertEqual((report["connections"], report["processes"]), (500, 3))
            self.assert_stops(running)

    def test_churn_closes_and_resets(self):
        with server.Server() as running:
            for how in ("graceful", "reset"):
                report = self.report(running.address[1], "churn", "--connections", "20", "--rounds",
                                     "3", "--settle", "0ms", "--close", how)
                self.assertEqual((report["rounds"], report["connections"]), (3, 60))
            self.assert_stops(running)

    def test_hogs_are_measured_before_while_and_after(self):
        with server.Server("--workers", "1", "--hog-byte", "H", "--hog-for", "300ms") as running:
            for arguments in ([], ["--rate", "500/s"]):
                report = self.report(running.address[1], "echo", "--connections", "10", "--hogs",
                                     "1", "--hog-byte", "H", *SHORT, *arguments)
                self.assertEqual(report["hogs"], 1)
                # Cooperative, one worker: every connection waits for the hog.
                self.assertGreaterEqual(report["during"]["seconds"], 0.9 * 0.3)
                self.assertEqual(report["during"]["replies_per_connection"]["connections"], 10)
                self.assertGreaterEqual(report["during"]["latency_us"]["max"], 250_000)
                self.assertGreater(report["after"]["messages"], 0)
                self.assertAlmostEqual(
                    report["hogs_seconds"], report["during"]["seconds"] / 0.9, places=3)
            report = self.report(running.address[1], "echo", "--connections", "10", "--hogs", "1",
                                 "--hog-byte", "H", *SHORT, "--recovery", "0ms", "--hog-settle", "150ms")
            self.assertAlmostEqual(report["during"]["seconds"],
                                   0.95 * report["hogs_seconds"] - 0.15, places=3)
            self.assertEqual(report["after"]["seconds"], 0)
            self.assertGreater(report["messages_in_all"], 0)
            self.assert_stops(running)

    def test_a_connection_is_no_hog_by_accident(self):
        # 1,000 first bytes by chance: some would be the hogs'.
        with server.Server("--hog-byte", "H", "--hog-for", "24h", "--drain", "0s") as running:
            report = self.report(running.address[1], "echo", "--connections", "1000",
                                 "--hog-byte", "H", *SHORT)
            self.assertEqual(report["connections"], 1000)


def limit_files(count):
    """Both limits: without the privilege to raise the hard one again it holds."""
    def set_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
        ctypes.CDLL(None).prctl(server.PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
    return set_limit


class Faulty(Case):
    def assert_fails(self, handle, *texts, arguments=()):
        with Peer(handle) as peer:
            for processes in ("1", "2"):
                with self.subTest(processes=processes):
                    result = self.load(peer.port, "echo", "--connections", "4", "--processes",
                                       processes, *SHORT, *arguments)
                    self.assert_refused(result, 1, *texts)

    def test_a_wrong_byte(self):
        def handle(connection):
            seen = 0
            while data := connection.recv(65536):
                seen += len(data)
                wrong = bytearray(data)
                if seen > 64 * 20:
                    wrong[-1] ^= 1
                connection.sendall(wrong)

        self.assert_fails(handle, "wrong reply: byte 63 differs")

    def test_a_byte_too_many(self):
        def handle(connection):
            while data := connection.recv(65536):
                connection.sendall(data + b"x")

        self.assert_fails(handle, "wrong reply: 1 bytes more than were sent")

    def test_an_early_end(self):
        def handle(connection):
            for _ in range(10):
                connection.sendall(connection.recv(65536))

        # A reset where bytes of ours were still under way.
        self.assert_fails(handle, "reply seen: ", "connection ")

    def test_an_end_at_once(self):
        self.assert_fails(lambda connection: None, "connection ")

    def test_a_reply_that_never_comes(self):
        def handle(connection):
            connection.sendall(connection.recv(65536))
            while connection.recv(65536):
                pass

        self.assert_fails(handle, "no reply", "for 0.3 s", arguments=("--timeout", "300ms"))

    def test_a_greeting_that_never_comes(self):
        def handle(connection):
            while connection.recv(65536):
                pass

        self.assert_fails(handle, "stuck", "was silent for 0.3 s",
                          arguments=("--timeout", "300ms"))

    def test_one_forgotten_connection_among_others_that_are_served(self):
        numbers = iter(range(100))
        lock = threading.Lock()

        def handle(connection):
            with lock:
                number = next(numbers)
            echo_until = 3 if number % 4 == 2 else 1 << 30
            while echo_until > 0 and (data := connection.recv(64)):
                connection.sendall(data)
                echo_until -= 1
            while connection.recv(65536):
                pass

        self.assert_fails(handle, "cede: 1 of ", "got no reply for 0.3 s",
                          arguments=("--timeout", "300ms"))

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        for verb in ("echo", "idle", "churn"):
            self.assert_refused(self.load(port, verb), 1, f"cannot connect to 127.0.0.1:{port}",
                                "Connection refused", "start the server first")

    def test_a_host_that_is_none(self):
        self.assert_refused(self.load(7, "idle", "--host", "127.0.0.999"), 1, "--host 127.0.0.999",
                            "use an address such as")

    def test_a_host_of_any_content_gives_one_line(self):
        self.assert_refused(self.load(7, "idle", "--host", "a\nb\x1b[2J"), 1, "--host a?b?[2J: ")

    def test_a_process_that_is_none(self):
        with server.Server() as running:
            result = self.load(running.address[1], "idle", "--server-pid", "4194303")
            self.assert_refused(result, 1, "--server-pid 4194303", "give the pid of")

    @server.needs_no_pipe
    def test_too_few_descriptors(self):
        with server.Server() as running:
            port = running.address[1]
            self.assert_refused(
                self.load(port, "idle", "--connections", "250", "--processes", "2",
                          preexec_fn=limit_files(132)), 1, "use --processes 3 or auto")
            self.assert_refused(
                self.load(port, "idle", preexec_fn=limit_files(20)), 1, "RLIMIT_NOFILE allows 20")

    def test_too_few_ports(self):
        script = """
            ip link set lo up && echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range || exit 77
            "$0" serve echo --port 7 > "$1" &
            until grep -q listening "$1"; do kill -0 $! || exit 77; done
            "$0" load idle --port 7 --connections 100; code=$?
            kill $!; exit $code"""
        with tempfile.NamedTemporaryFile() as line:
            try:
                result = subprocess.run(
                    ["unshare", "--net", "sh", "-c", script, server.PROGRAM, line.name],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            except FileNotFoundError:
                self.skipTest("unshare is not installed")
        if result.returncode == 77 or "unshare" in result.stderr:
            self.skipTest(f"no network of our own: {result.stderr}")
        self.assert_refused(result, 1, "no local port is left", "net.ipv4.ip_local_port_range")

    def test_a_slow_reader_is_no_fault(self):
        with Peer(lambda connection: echo(connection, 7)) as peer:
            report = self.report(peer.port, "echo", "--connections", "3", "--size", "1000", *SHORT)
            self.assertEqual(report["connections_served"], 3)


class Streams(Case):
    """Standard streams that are closed: no socket may take their place and get what we say."""

    def closed(self, port, *descriptors):
        return server.run("load", "echo", "--port", str(port), "--connections", "2", *SHORT,
                          preexec_fn=lambda: [os.close(one) for one in descriptors])

    def test_a_closed_stdout_is_an_error(self):
        with server.Server() as running:
            self.assertEqual(self.closed(running.address[1], 1).stderr.splitlines()[-1],
                             "cede: standard output: Bad file descriptor")


class Stall(Case):
    """A server that stops for a second, once: what counts is how many messages show it."""

    STALL = 1.0
    RATE = 1000
    DURATION = 2.0

    def stalling(self):
        began = time.monotonic()
        stalled = threading.Event()

        def handle(connection):
            while data := connection.recv(65536):
                if time.monotonic() - began > 0.5 and not stalled.is_set():
                    with lock:
                        if not stalled.is_set():
                            time.sleep(self.STALL)  # the fault itself; nothing is timed by it
                            stalled.set()
                with lock:
                    pass
                connection.sendall(data)

        lock = threading.Lock()
        return handle

    @staticmethod
    def slower_than(report, seconds):
        return sum(count for edge, count in report["latency_us_buckets"] if edge > seconds * 1e6)

    def test_an_open_loop_shows_every_message_that_was_due_during_the_stall(self):
        with Peer(self.stalling()) as peer:
            report = self.report(peer.port, "echo", "--connections", "10", "--warm-up", "0ms",
                                 "--rate", f"{self.RATE}/s", "--duration", "2s")
        # Due in the first half of the stall: waited for the other half at the least.
        self.assertGreaterEqual(self.slower_than(report, self.STALL / 2),
                                0.9 * self.RATE * self.STALL / 2)
        self.assertGreaterEqual(report["latency_us"]["p99"], self.STALL / 2 * 1e6)
        self.assertAlmostEqual(report["latency_us"]["count"], self.RATE * self.DURATION, delta=1)

    def test_time_without_a_message_is_no_silence_of_the_server(self):
        def handle(connection):
            while data := connection.recv(64):
                time.sleep(0.3)  # less than the timeout
                connection.sendall(data)

        with Peer(handle) as peer:
            report = self.report(peer.port, "echo", "--connections", "1", "--rate", "1/s",
                                 "--warm-up", "0ms", "--duration", "2s", "--timeout", "500ms")
        self.assertEqual((report["latency_us"]["count"], report["unanswered"]), (2, 0))

    def test_a_server_that_cannot_keep_up_is_told_as_such(self):
        def handle(connection):
            while data := connection.recv(64):
                time.sleep(0.05)  # at most 20 messages a second on each connection
                connection.sendall(data)

        with Peer(handle) as peer:
            report = self.report(peer.port, "echo", "--connections", "2", "--rate", "1000/s",
                                 "--warm-up", "0ms", "--duration", "1s", "--timeout", "500ms")
        self.assertAlmostEqual(report["latency_us"]["count"], 1000, delta=1)
        self.assertGreaterEqual(report["unanswered"], 800)

    def test_messages_far_beyond_what_a_server_can_are_all_accounted_for(self):
        with server.Server() as running:
            report = self.report(running.address[1], "echo", "--connections", "7",
                                 "--rate", "100000000/s", "--warm-up", "0ms", "--duration", "200ms",
                                 "--timeout", "100ms")
        self.assertAlmostEqual(report["latency_us"]["count"], 20_000_000, delta=1)
        self.assertGreaterEqual(report["latency_us"]["max"], 100_000)


class Stopped(Case):
    def stop(self, process, number):
        process.send_signal(number)
        output, errors = process.communicate(timeout=server.PATIENCE)
        return process.returncode, output, errors

    def test_a_signal_ends_a_run_with_what_was_measured(self):
        for number, processes in ((signal.SIGINT, "1"), (signal.SIGTERM, "2")):
            with self.subTest(signal=number), server.Server("--stats", stdin=subprocess.PIPE) as running:
                process = subprocess.Popen(
                    [server.PROGRAM, "load", "echo", "--json", "--port", str(running.address[1]),
                     "--connections", "4", "--warm-up", "0ms", "--duration", "1h", "--processes",
                     processes],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    text=True)
                before = running.processor_ticks()
                while running.processor_ticks() < before + 5:
                    pass  # until it is under load
                code, output, errors = self.stop(process, number)
                self.assertEqual(code, 128 + number, errors)
                self.assertEqual(errors, f"cede: stopped by {number.name}: the figures are those up to then\n")
                report = json.loads(output)
                self.assertTrue(report["partial"])
                self.assertGreater(report["messages"], 0)
                self.assertLess(report["seconds"], 3600)

    def test_a_killed_process_fails_the_run(self):
        with server.Server() as running:
            process = subprocess.Popen(
                [server.PROGRAM, "load", "idle", "--port", str(running.address[1]), "--connections",
                 "4", "--processes", "2", "--hold", "1h"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            children = []
            while len(children) < 2:
                with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
                    children = file.read().split()
            os.kill(int(children[0]), signal.SIGKILL)
            output, errors = process.communicate(timeout=server.PATIENCE)
            self.assertEqual((process.returncode, output), (1, ""))
            self.assertRegex(errors, r"\Acede: process \d+ of the load was ended by signal 9 [^\n]*\n\Z")

    def test_on_a_terminal_there_is_a_bar(self):
        leader, follower = os.openpty()
        with server.Server() as running:
            process = subprocess.Popen(
                [server.PROGRAM, "load", "echo", "--port", str(running.address[1]), "--connections",
                 "2", "--warm-up", "0ms", "--duration", "2s"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=follower)
            os.close(follower)
            shown = b""
            try:
                while piece := os.read(leader, 65536):
                    shown += piece
            except OSError:
                pass  # the terminal has ended
            os.close(leader)
            self.assertEqual(process.wait(server.PATIENCE), 0)
        self.assertRegex(shown.decode(), r"\r\[#*-+\] measuring +\d+ %, \d+ s left\x1b\[K")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-80:])


class Usage(Case):
    def assert_usage(self, arguments, *texts):
        with self.subTest(arguments=arguments):
            self.assert_refused(server.run("load", *arguments), 2, *texts)

    def test_bad_values_are_named_with_what_is_right(self):
        for option, values, text in (
                ("--port", ("0", "65536", "-1", "http"), "give a number from 1 to 65535"),
                ("--connections", ("0", "1000001", "many"), "give a number from 1 to 1000000"),
                ("--size", ("0", "16777217"), "give a number from 1 to 16777216"),
                ("--rate", ("0", "-1", "1.5", "100/min", "100000001"), "give a rate from 1/s"),
                ("--duration", ("3", "-1s"), "give a time with its unit"),
                ("--recovery", ("3", "-1s"), "give a time with its unit"),
                ("--processes", ("0", "1025", "some"), "give a number from 1 to 1024"),
                ("--hogs", ("0", "10001"), "give a number from 1 to 10000"),
                ("--hog-byte", ("HH", "0x100"), "give one character, or a byte"),
                ("--connect-limit", ("0",), "give a number from 1 to 100000"),
                ("--server-pid", ("0",), "give a number from 1 to")):
            for value in values:
                self.assert_usage(["echo", f"{option}={value}"], f"{option} is '{value}'", text)

    def test_what_is_missing_is_asked_for(self):
        for verb in ("echo", "idle", "churn"):
            self.assert_usage([verb], "--port is missing", f"cede load {verb} --help")
        self.assert_usage(["echo", "--port", "1", "--hogs", "2"], "give --hog-byte too")
        self.assert_usage(["echo", "--port", "1", "--duration", "0s"], "--duration is 0")
        self.assert_usage(["echo", "--port", "1", "--hog-limit", "0s"], "--hog-limit is 0")
        for verb in ("echo", "idle", "churn"):
            self.assert_usage([verb, "--port", "1", "--timeout", "0ms"], "--timeout is 0")
            self.assert_usage([verb, "--port", "1", "--host", ""], "--host is empty")

    def test_what_contradicts_itself_is_refused(self):
        for words in (("--no-echo", "--late-echo"), ("--late-echo", "--no-echo")):
            self.assert_usage(["idle", "--port", "1", *words], "leave out one of them")
        self.assert_usage(["echo", "--port", "1", "--turns", "--hogs", "1", "--hog-byte", "H"],
                          "leave out one of --turns and --hogs")

    def test_help_names_every_option_and_no_inner_verb(self):
        help_text = server.run("load", "--help")
        self.assertNotIn("part", re.findall(r"^ +(\w+) ", help_text.stdout, re.MULTILINE))
        for verb, options in (("echo", ("--rate", "--hogs", "--hog-byte", "--hog-limit", "--hog-settle",
                                        "--recovery",                                        "--size", "--warm-up", "--duration", "--processes", "--turns",
                                        "--json")),
                              ("idle", ("--hold", "--no-echo", "--late-echo", "--first")),
                              ("churn", ("--rounds", "--close", "--max-growth"))):
            text = server.run("load", verb, "--help").stdout
            for option in ("--host", "--port", "--connections", *options):
                self.assertIn(option, text)

    def test_the_inner_verb_is_not_for_users(self):
        self.assert_refused(server.run("load", "part"), 1, "is for 'cede load' alone")


if __name__ == "__main__":
    unittest.main()
