"""What `cede compare` says about what cannot be meant, and what this machine cannot do."""

import os
import tempfile
import unittest

import comparison
import server


class Limits(comparison.Compare):
    def test_a_kind_that_is_not_permitted_is_shown_with_the_reason(self):
        if "os-thread-fifo" not in server.permitted_kinds():
            self.skipTest("SCHED_FIFO is not permitted to us either")
        report = self.report(
            "--kinds", "cooperative,os-thread-fifo", "--connections", "10", *comparison.TINY,
            preexec_fn=server.without_realtime)
        fibers, fifo = report["kinds"]
        self.assertNotIn("missing_because", fibers)
        self.assertIn("SCHED_FIFO needs", fifo["missing_because"])

    def test_nothing_but_what_is_not_permitted_is_an_error(self):
        if "os-thread-fifo" not in server.permitted_kinds():
            self.skipTest("SCHED_FIFO is not permitted to us either")
        code, output, errors = self.compare(
            "--kinds", "os-thread-fifo", "--connections", "10", *comparison.TINY,
            preexec_fn=server.without_realtime)
        self.assertEqual((code, output), (1, ""))
        self.assertIn("none of them can run here", errors)

    def test_one_cpu_is_shared_and_that_is_said(self):
        one = {min(os.sched_getaffinity(0))}
        report = self.report("--kinds", "cooperative", "--connections", "10", *comparison.TINY,
                             preexec_fn=lambda: os.sched_setaffinity(0, one))
        texts = [warning["text"] for warning in report["warnings"]]
        self.assertTrue(any("one CPU only" in text for text in texts), texts)
        self.assertEqual(report["plan"]["server_cpus"], report["plan"]["client_cpus"])


class Refusals(comparison.Compare):
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
