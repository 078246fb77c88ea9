"""The script ./dev answers bad input with one line that names it."""

import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def dev(*arguments, **environment):
    return subprocess.run(
        [str(ROOT / "dev"), *arguments], capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, **environment})


class Dev(unittest.TestCase):
    def assert_refused(self, result, text):
        self.assertEqual(result.returncode, 1)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_help_lists_every_command(self):
        result = dev("help")
        self.assertEqual(result.returncode, 0)
        for command in ("setup", "build", "test", "run", "bench", "lint", "fmt"):
            self.assertRegex(result.stdout, rf"(?m)^  {command}\b")

    def test_without_a_command_it_prints_help(self):
        self.assertEqual(dev().stdout, dev("help").stdout)

    def test_an_unknown_command_is_named(self):
        self.assert_refused(dev("tset"), "no command 'tset'")

    def test_an_unknown_preset_is_named_with_the_known_ones(self):
        self.assert_refused(
            dev("build", "relaese"),
            "no preset 'relaese': choose one of dev release asan tsan clang aarch64")

    def test_a_second_preset_is_named_before_anything_is_built(self):
        self.assert_refused(dev("build", "dev", "asan"), "'asan' is one word too many for build")

    def test_an_unknown_option_of_test_is_named(self):
        self.assert_refused(dev("test", "--fast"), "no option '--fast'")

    def test_a_bad_number_of_jobs_is_named(self):
        self.assert_refused(dev("build", CEDE_JOBS="many"), "CEDE_JOBS is 'many'")

    def test_it_works_from_any_folder(self):
        result = subprocess.run(
            [str(ROOT / "dev"), "help"], capture_output=True, text=True, check=False, cwd="/")
        self.assertEqual(result.returncode, 0)


if __name__ == "__main__":
    unittest.main()
