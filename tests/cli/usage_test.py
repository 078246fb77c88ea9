"""What cannot be meant on the command line is answered with one line and the exit code 2."""

import subprocess
import unittest

import server


class Usage(server.Case):
    def assert_usage(self, arguments, *texts):
        with self.subTest(arguments=arguments):
            self.assert_refused(server.run(*arguments), 2, *texts)

    def assert_bad_values(self, option, values, *texts):
        for value in values:
            shown = f"{option} is '{value}': "
            self.assert_usage(["serve", "echo", option, value], shown, *texts)
            self.assert_usage(["serve", "echo", f"{option}={value}"], shown, *texts)

    def test_a_missing_verb_is_asked_for(self):
        self.assert_usage([], "no verb given: use one of: serve, load", "cede --help")
        self.assert_usage(["serve"], "no verb given for serve: use echo", "cede serve --help")
        self.assert_usage(
            ["load"], "no verb given for load: use one of: echo, idle, churn", "cede load --help")

    def test_an_empty_host_is_no_host(self):
        self.assert_usage(["serve", "echo", "--host", ""], "--host is empty: give an address")

    def test_unknown_verbs_and_options_are_named_with_what_is_near(self):
        self.assert_usage(["sevre"], "no verb 'sevre': did you mean 'serve'?")
        self.assert_usage(["frobnicate"], "no verb 'frobnicate': use one of: serve, load")
        self.assert_usage(["serve", "ehco"], "no verb 'ehco' for serve: did you mean 'echo'?")
        self.assert_usage(["serve", "echo", "--prot", "1"], "no option '--prot'", "'--port'?")
        self.assert_usage(["serve", "echo", "--verbos"], "'--verbos': did you mean '--verbose'?")
        self.assert_usage(["serve", "echo", "--frobnicate"], "no option '--frobnicate'")
        self.assert_usage(["serve", "echo", "-p", "1"], "no option '-p'")
        self.assert_usage(["serve", "echo", "7000"], "'7000' is one word too many")

    def test_options_take_one_value_once(self):
        self.assert_usage(["serve", "echo", "--port"], "--port needs a value")
        self.assert_usage(["serve", "echo", "--port", "1", "--port", "2"], "--port is given more")
        self.assert_usage(["--verbose=3", "serve", "echo"], "--verbose takes no value")

    def test_ports(self):
        self.assert_bad_values(
            "--port", ["65536", "-1", "99999999999999999999", "http", "80x", "0x50", "8.0"],
            "give a port from 1 to 65535, or 0")

    def test_counts(self):
        self.assert_bad_values(
            "--workers", ["0", "1025", "-1", "many", "1.5"], "give a number from 1 to 1024")

    def test_stack_sizes(self):
        self.assert_bad_values(
            "--stack", ["0", "15", "8193", "64k"], "give a number from 16 to 8192")

    def test_durations(self):
        self.assert_bad_values(
            "--drain", ["3", "3 s", "-3s", "1.5s", "3days", "25h", "999999999999h"],
            "give a time with its unit, such as 500ms, 3s or 2min, at most 24h")
        self.assert_bad_values("--hog-for", ["5"], "give a time with its unit")

    def test_slices(self):
        self.assert_bad_values("--slice", ["10", "0ms", "499us", "1001ms", "2s", "x", "-1ms", "1.ms.s"],
                               "give a time from 500us to 1s")

    def test_bytes(self):
        self.assert_bad_values(
            "--hog-byte", ["HH", "0x", "0x1", "0x100", "0xzz"], "give one character, or a byte")

    def test_words(self):
        self.assert_bad_values(
            "--kind", ["fiber"], "use one of: cooperative, preemptive, os-thread, os-thread-fifo")
        self.assert_bad_values("--kind", ["coperative"], "did you mean 'cooperative'?")
        self.assert_bad_values("--reactor", ["kqueue"], "use one of: auto, epoll, io_uring")
        self.assert_bad_values("--reactor", ["io-uring"], "did you mean 'io_uring'?")

    def test_an_option_that_would_do_nothing_is_refused(self):
        self.assert_usage(["serve", "echo", "--hog-for", "5s"], "give --hog-byte too")

    def test_a_value_of_any_length_and_content_gives_one_short_line(self):
        result = server.run("serve", "echo", "--port", "\x1b[2J\n" + "9" * 100_000)
        self.assert_refused(result, 2, "--port is '?[2J?999")
        self.assertLess(len(result.stderr), 250)


class Answers(server.Case):
    def test_help_names_every_option(self):
        result = server.run("serve", "echo", "--help")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for option in ("--host", "--port", "--kind", "--workers", "--reactor", "--stack",
                       "--drain", "--hog-byte", "--hog-for", "--watchdog"):
            self.assertIn(option, result.stdout)

    def test_help_shows_the_whole_command(self):
        for verb in ([], ["serve"], ["serve", "echo"], ["load", "echo"], ["compare"]):
            with self.subTest(verb=verb):
                usage = server.run(*verb, "--help").stdout.splitlines()[1]
                self.assertRegex(usage, "^Usage: " + " ".join(["cede", *verb]) + r" \[OPTIONS\]")

    def test_help_of_the_program_names_the_verbs(self):
        result = server.run("--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("serve", result.stdout)
        self.assertIn("--verbose", result.stdout)

    def test_version_is_the_one_of_the_project(self):
        result = server.run("--version")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"\Acede \d+\.\d+\.\d+\n\Z")

    def test_a_reader_that_has_left_is_no_error(self):
        for arguments in (["--help"], ["--version"]):
            with self.subTest(arguments=arguments):
                process = subprocess.Popen(
                    [server.PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                process.stdout.close()
                errors = process.stderr.read()
                process.stderr.close()
                self.assertEqual((process.wait(server.PATIENCE), errors), (0, b""))

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run(
                [server.PROGRAM, "--version"], stdout=full, stderr=subprocess.PIPE, text=True,
                check=False)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "cede: standard output: No space left on device\n")


if __name__ == "__main__":
    unittest.main()
