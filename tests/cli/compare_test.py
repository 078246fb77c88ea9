"""`cede compare`: tiny runs, whose figures are held to nothing that a busy machine could change."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

import server

TINY = ("--seconds", "0.05", "--rounds", "1", "--no-bare")
FAKE_SERVER = """#!/usr/bin/env python3
import signal, socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
def serve(peer):
    while data := peer.recv(65536):
        {reply}
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


class Compare(server.Case):
    def setUp(self):
        self.mark = f"CEDE_TEST_MARK={uuid.uuid4()}"

    def environment(self):
        name, value = self.mark.split("=")
        return {**os.environ, name: value}

    def start(self, *arguments, program=server.PROGRAM, **options):
        return subprocess.Popen(
            [program, "compare", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment(), **options)

    def compare(self, *arguments, **options):
        """Runs one to its end: exit code, stdout, stderr."""
        running = self.start(*arguments, **options)
        output, errors = running.communicate(timeout=server.PATIENCE)
        self.assertEqual(self.leftovers(), [])
        return running.returncode, output, errors

    def report(self, *arguments, **options):
        code, output, errors = self.compare("--json", *arguments, **options)
        self.assertEqual(code, 0, errors)
        return json.loads(output)

    def leftovers(self):
        """Processes that our comparison has started, or that those have."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                pass  # it has just ended
        return found

    def wait_until_nobody_is_left(self):
        end = time.monotonic() + server.PATIENCE
        while self.leftovers():
            self.assertLess(time.monotonic(), end, "processes are left over")
            time.sleep(0.01)

    def figures(self, value):
        """Every figure in a report: what has a unit, samples or a reason for having none."""
        if isinstance(value, dict):
            if "median" in value or "missing_because" in value and "name" not in value:
                yield value
            for inner in value.values():
                yield from self.figures(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self.figures(inner)


class Report(Compare):
    def test_every_figure_is_there_or_says_why_not(self):
        report = self.report("--kinds", "cooperative,os-thread", "--connections", "20,50", *TINY)
        self.assertEqual([kind["name"] for kind in report["kinds"]], ["cooperative", "os-thread"])
        for kind in report["kinds"]:
            self.assertEqual([point["connections"] for point in kind["at"]], [20, 50])
        figures = list(self.figures(report["kinds"]))
        self.assertGreater(len(figures), 80)
        for figure in figures:
            if "missing_because" in figure:
                self.assertTrue(figure["missing_because"])
                self.assertNotEqual(figure["missing_because"], "not measured")
            else:
                self.assertLessEqual(figure["low"], figure["median"])
                self.assertLessEqual(figure["median"], figure["high"])
                self.assertEqual(len(figure["samples"]), report["plan"]["repeats"])

    def test_owners_of_memory_are_told_apart(self):
        report = self.report("--kinds", "cooperative,os-thread", "--connections", "50", *TINY)
        fibers, threads = (kind["at"][0] for kind in report["kinds"])
        for when in ("idle", "after_messages"):
            self.assertEqual(fibers[when]["kernel_stack"]["median"], 0)
            self.assertGreaterEqual(threads[when]["kernel_stack"]["median"], 8192)
            self.assertGreater(fibers[when]["user"]["median"], 0)
            for point in (fibers, threads):
                owners = ("user", "page_tables", "kernel_stack", "slab", "socket")
                total = sum(point[when][owner]["median"] for owner in owners)
                self.assertAlmostEqual(point[when]["total"]["median"], total, delta=1)

    def test_messages_were_exchanged_and_paid_for(self):
        report = self.report("--kinds", "cooperative", "--connections", "10", *TINY)
        point = report["kinds"][0]["at"][0]
        for name in ("open_time", "messages_per_second", "latency_p50", "server_cpu"):
            self.assertGreater(point[name]["median"], 0, name)
        self.assertLessEqual(point["latency_p50"]["median"], point["latency_p99"]["median"])
        self.assertLessEqual(point["latency_p99"]["median"], point["latency_p999"]["median"])
        self.assertGreater(report["kinds"][0]["churn"]["median"], 0)

    def test_a_hog_starves_fibers_that_share_its_worker(self):
        report = self.report("--kinds", "cooperative", "--connections", "10", *TINY)
        hogs = report["kinds"][0]["hogs"][0]
        self.assertEqual((hogs["hogs"], hogs["others"]), (1, 100))
        self.assertGreater(hogs["messages_before"]["median"], 0)
        self.assertGreater(hogs["starved"]["median"], 0)

    def test_the_machine_and_the_plan_are_recorded(self):
        report = self.report("--kinds", "cooperative", "--connections", "10", *TINY)
        self.assertIn("Linux", report["machine"]["kernel"])
        self.assertEqual(report["plan"]["connections"], [10])
        self.assertEqual(report["plan"]["repeats"], 1)
        self.assertIn("--kinds cooperative", report["plan"]["command"])
        self.assertGreater(report["seconds_taken"], 0)

    def test_the_reports_are_written_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "new" / "one"
            report = self.report("--kinds", "cooperative", "--connections", "10", "--out", str(out),
                                 *TINY)
            self.assertEqual(json.loads((out / "report.json").read_text()), report)
            self.assertEqual(sorted(path.name for path in out.iterdir()),
                             ["report.html", "report.json"])

    def test_without_json_there_is_a_table_of_80_columns(self):
        code, output, errors = self.compare(
            "--kinds", "cooperative,os-thread", "--connections", "10", *TINY)
        self.assertEqual(code, 0, errors)
        self.assertIn("cooperative", output)
        for line in output.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_progress_is_plain_lines_where_nobody_looks(self):
        _, output, errors = self.compare(
            "--kinds", "cooperative", "--connections", "10", "--json", *TINY)
        json.loads(output)
        self.assertRegex(errors, r"\A1 of \d+, .*: cooperative, memory of 10 connections\n")
        self.assertNotIn("\r", errors)

    @unittest.skipIf(server.SANITIZED, "a sanitizer's memory is not the server's")
    def test_memory_agrees_with_an_independent_reading(self):
        first, connections = 50, 500  # a tenth, as compare has it
        report = self.report(
            "--kinds", "cooperative,os-thread", "--connections", str(connections), *TINY)
        for kind in report["kinds"]:
            with self.subTest(kind=kind["name"]):
                ours = kind["at"][0]["idle"]["user"]["median"]
                theirs = self.pss_per_connection(kind["name"], first, connections)
                self.assertAlmostEqual(ours, theirs, delta=0.03 * theirs)

    def pss_per_connection(self, kind, first, connections):
        with server.Server("--kind", kind, "--workers", "1") as running:
            before = self.processes_descriptors(running)
            with running.connections(first):
                few = self.pss_at_rest(running, before + first)
                with running.connections(connections - first):
                    many = self.pss_at_rest(running, before + connections)
        return (many - few) / (connections - first)

    def processes_descriptors(self, running):
        return len(os.listdir(f"/proc/{running.process.pid}/fd"))

    def pss_at_rest(self, running, descriptors):
        """Bytes, once all have been accepted and two readings are alike."""
        while self.processes_descriptors(running) < descriptors:
            time.sleep(0.01)
        last, now = -1, self.pss(running)
        while last != now:
            time.sleep(0.05)
            last, now = now, self.pss(running)
        return now

    def pss(self, running):
        smaps = pathlib.Path(f"/proc/{running.process.pid}/smaps").read_text()
        return 1024 * sum(int(line.split()[1]) for line in smaps.splitlines()
                          if line.startswith("Pss:"))


class Endings(Compare):
    def interrupted(self, number, folder):
        running = self.start("--kinds", "cooperative,os-thread", "--connections", "50",
                             "--seconds", "60", "--out", folder)
        line = running.stderr.readline()
        while "load on" not in line:
            line = running.stderr.readline()
            self.assertTrue(line, "it ended by itself")
        running.send_signal(number)
        output, errors = running.communicate(timeout=server.PATIENCE)
        return running.returncode, output, errors

    def test_signals_end_it_with_all_its_children_and_without_a_report(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as folder:
                code, output, errors = self.interrupted(number, folder)
                self.assertEqual((code, output, errors), (130, "", "cede: interrupted\n"))
                self.assertEqual(self.leftovers(), [])
                self.assertEqual(os.listdir(folder), [])

    def test_children_do_not_outlive_one_that_is_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, _ = self.interrupted(signal.SIGKILL, folder)
            self.assertEqual(code, -signal.SIGKILL)
            self.wait_until_nobody_is_left()

    def with_fake_server(self, reply):
        """A comparison with a peer that replies by this statement."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        program = folder / "cede"
        shutil.copy(server.PROGRAM, program)
        (folder / "share/cede/peers").mkdir(parents=True)
        (folder / "bench").mkdir()
        fake = folder / "bench/echo_baseline_epoll"
        fake.write_text(FAKE_SERVER.format(reply=reply))
        fake.chmod(0o755)
        return self.compare("--peers", "raw-epoll", "--kinds", "cooperative", "--connections", "10",
                            *TINY, program=str(program))

    def assert_failed(self, result, *texts):
        code, output, errors = result
        self.assertEqual((code, output), (1, ""), errors)
        last = errors.splitlines()[-1]
        self.assertTrue(last.startswith("cede: raw-epoll, "), last)
        for text in texts:
            self.assertIn(text, last)

    def test_a_server_that_answers_right_passes(self):
        code, output, errors = self.with_fake_server("peer.sendall(data)")
        self.assertEqual(code, 0, errors)
        self.assertIn("raw-epoll", output)

    def test_a_wrong_byte_fails_the_run(self):
        self.assert_failed(self.with_fake_server("peer.sendall(data[:-1] + b'x')"), "the client")

    def test_a_byte_that_is_missing_fails_the_run(self):
        self.assert_failed(
            self.with_fake_server("peer.sendall(data[:-1]); peer.close(); return"), "the client")

    def test_a_lost_connection_fails_the_run(self):
        self.assert_failed(self.with_fake_server("peer.close(); return"), "the client")

    def test_a_server_that_ends_fails_the_run(self):
        self.assert_failed(self.with_fake_server("import os; os._exit(7)"))


class Limits(Compare):
    def test_a_kind_that_is_not_permitted_is_shown_with_the_reason(self):
        if "os-thread-fifo" not in server.permitted_kinds():
            self.skipTest("SCHED_FIFO is not permitted to us either")
        report = self.report(
            "--kinds", "cooperative,os-thread-fifo", "--connections", "10", *TINY,
            preexec_fn=server.without_realtime)
        fibers, fifo = report["kinds"]
        self.assertNotIn("missing_because", fibers)
        self.assertIn("SCHED_FIFO needs", fifo["missing_because"])

    def test_nothing_but_what_is_not_permitted_is_an_error(self):
        if "os-thread-fifo" not in server.permitted_kinds():
            self.skipTest("SCHED_FIFO is not permitted to us either")
        code, output, errors = self.compare(
            "--kinds", "os-thread-fifo", "--connections", "10", *TINY,
            preexec_fn=server.without_realtime)
        self.assertEqual((code, output), (1, ""))
        self.assertIn("none of them can run here", errors)

    def test_one_cpu_is_shared_and_that_is_said(self):
        one = {min(os.sched_getaffinity(0))}
        report = self.report("--kinds", "cooperative", "--connections", "10", *TINY,
                             preexec_fn=lambda: os.sched_setaffinity(0, one))
        texts = [warning["text"] for warning in report["warnings"]]
        self.assertTrue(any("one CPU only" in text for text in texts), texts)
        self.assertEqual(report["plan"]["server_cpus"], report["plan"]["client_cpus"])


class Refusals(Compare):
    def assert_usage(self, *arguments, text, **options):
        with self.subTest(arguments=arguments):
            code, output, errors = self.compare(*arguments, **options)
            self.assertEqual((code, output), (2, ""), errors)
            self.assertRegex(errors, r"\Acede: [^\n]+ \(see 'cede compare --help'\)\n\Z")
            self.assertIn(text, errors)

    def test_unknown_kinds_and_peers_are_named_with_what_is_near(self):
        self.assert_usage("--kinds", "os-thred", text="did you mean 'os-thread'?")
        self.assert_usage("--kinds", "", text="--kinds has an empty name")
        self.assert_usage("--kinds", "os-thread,os-thread", text="names 'os-thread' twice")
        self.assert_usage("--peers", "goo", text="did you mean 'go'?")
        self.assert_usage("--peers", "go,go", text="names 'go' twice")

    def test_numbers_have_a_range(self):
        for value in ("0", "-1", "1000001", "many", "1e3"):
            self.assert_usage("--connections", value, text="give a number from 1 to 1000000")
        self.assert_usage("--connections", "10,10", text="names '10' twice")
        self.assert_usage("--connections", "10,,20", text="empty name")
        for value in ("0", "-1", "601", "fast", "nan"):
            self.assert_usage("--seconds", value, text="give a number from 0.05 to 600")
        self.assert_usage("--rounds", "0", text="give a number from 1 to 100")

    def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assert_usage("--out", file.name, text="choose another folder")
            self.assert_usage("--out", file.name + "/below", text="choose another folder")
        self.assert_usage("--out", "", text="give the name of a folder")

    def test_more_connections_than_descriptors_are_refused_before_anything_is_measured(self):
        self.assert_usage("--connections", "1000", text="the limit of a process is 200",
                          preexec_fn=server.limit(server.resource.RLIMIT_NOFILE, 200))


if __name__ == "__main__":
    unittest.main()
