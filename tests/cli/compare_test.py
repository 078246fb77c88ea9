"""What `cede compare` reports, in tiny runs whose figures are held to nothing that a busy machine
could change."""

import json
import os
import pathlib
import statistics
import tempfile
import time
import unittest

import comparison
import server


class Report(comparison.Compare):
    def test_every_figure_is_there_or_says_why_not(self):
        report = self.report(
            "--kinds", "cooperative,os-thread", "--connections", "20,50", *comparison.TINY)
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

    def test_ratios_are_formed_within_turns_of_servers_that_all_live(self):
        report = self.report("--kinds", "cooperative,os-thread", "--connections", "20",
                             "--seconds", "0.2", "--rounds", "2", "--no-bare")
        fibers, threads = (kind["at"][0] for kind in report["kinds"])
        self.assertGreaterEqual(len(fibers["turns"]), 2 * 2)
        self.assertEqual([turn["round"] for turn in fibers["turns"]],
                         [turn["round"] for turn in threads["turns"]])
        for point in (fibers, threads):
            for ratio, figure in (("cpu_ratio", "server_cpu"),
                                  ("rate_ratio", "messages_per_second")):
                wanted = [one[figure] / other[figure]
                          for one, other in zip(point["turns"], fibers["turns"])
                          if not one["disturbed"] and not other["disturbed"]]
                self.assertAlmostEqual(point[ratio]["median"], statistics.median(wanted))
        self.assertEqual(fibers["cpu_ratio"]["median"], 1)

    def test_owners_of_memory_are_told_apart(self):
        report = self.report(
            "--kinds", "cooperative,os-thread", "--connections", "50", *comparison.TINY)
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
        report = self.report("--kinds", "cooperative", "--connections", "10", *comparison.BRIEF)
        point = report["kinds"][0]["at"][0]
        for name in ("open_time", "messages_per_second", "latency_p50", "server_cpu"):
            self.assertGreater(point[name]["median"], 0, name)
        self.assertLessEqual(point["latency_p50"]["median"], point["latency_p99"]["median"])
        self.assertLessEqual(point["latency_p99"]["median"], point["latency_p999"]["median"])
        self.assertGreater(report["kinds"][0]["churn"]["median"], 0)

    def test_a_hog_starves_fibers_that_share_its_worker(self):
        report = self.report("--kinds", "cooperative", "--connections", "10", *comparison.BRIEF)
        self.assertEqual([beside["hogs"] for beside in report["kinds"][0]["hogs"]], [1, 2, 10])
        for beside in report["kinds"][0]["hogs"]:
            self.assertEqual(beside["others"], 100)
            self.assertGreater(beside["messages_before"]["median"], 0)
            self.assertGreater(beside["starved"]["median"], 0)
            self.assertGreater(beside["hog_share"]["median"], 0)
            self.assertLessEqual(beside["hog_share"]["high"], 100)
        self.assertEqual(report["kinds"][0]["slices"], [])

    @unittest.skipUnless("preemptive" in server.permitted_kinds(), "no preemptive fibers here")
    def test_preemptive_fibers_are_measured_at_each_length_of_a_slice(self):
        report = self.report("--kinds", "preemptive", "--connections", "10", *comparison.TINY)
        slices = report["kinds"][0]["slices"]
        self.assertEqual([at["slice"] for at in slices], [500, 1000, 2000, 5000, 10_000, 50_000])
        for at in slices:
            self.assertGreater(at["work_per_second"]["median"], 0)
            self.assertGreater(at["preemptions_per_second"]["median"], 0)
            self.assertLessEqual(at["latency_p50"]["median"], at["latency_p99"]["median"])

    def test_the_machine_and_the_plan_are_recorded(self):
        report = self.report("--kinds", "cooperative", "--connections", "10", *comparison.TINY)
        self.assertIn("Linux", report["machine"]["kernel"])
        self.assertEqual(report["plan"]["connections"], [10])
        self.assertEqual(report["plan"]["repeats"], 1)
        self.assertIn("--kinds cooperative", report["plan"]["command"])
        self.assertGreater(report["seconds_taken"], 0)

    def test_the_reports_are_written_whole(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "new" / "one"
            report = self.report("--kinds", "cooperative", "--connections", "10", "--out", str(out),
                                 *comparison.TINY)
            self.assertEqual(json.loads((out / "report.json").read_text()), report)
            self.assertEqual(sorted(path.name for path in out.iterdir()),
                             ["report.html", "report.json"])

    def test_without_json_there_is_a_table_of_80_columns(self):
        code, output, errors = self.compare(
            "--kinds", "cooperative,os-thread", "--connections", "10", *comparison.TINY)
        self.assertEqual(code, 0, errors)
        self.assertIn("cooperative", output)
        for line in output.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_progress_is_plain_lines_where_nobody_looks(self):
        _, output, errors = self.compare(
            "--kinds", "cooperative", "--connections", "10", "--json", *comparison.TINY)
        json.loads(output)
        self.assertRegex(errors, r"\A1 of \d+, .*: cooperative, memory of 10 connections\n")
        self.assertNotIn("\r", errors)

    @unittest.skipIf(server.SANITIZED, "a sanitizer's memory is not the server's")
    def test_memory_agrees_with_an_independent_reading(self):
        first, connections = 50, 500  # a tenth, as compare has it
        report = self.report(
            "--kinds", "cooperative,os-thread", "--connections", str(connections), *comparison.TINY)
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


if __name__ == "__main__":
    unittest.main()
