"""Plants violations in small trees and sees whether tools/check_layers names each of them."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers"


def check(files, *arguments):
    """Runs the tool over a tree of these files; returns its exit code and its lines."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        result = subprocess.run(
            [sys.executable, str(TOOL), "--root", root, *arguments],
            capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


class CheckLayers(unittest.TestCase):
    def assert_clean(self, files, *arguments):
        code, output = check(files, *(arguments or ("--no-compile",)))
        self.assertEqual(code, 0, output)

    def assert_violation(self, files, expected, *arguments):
        code, output = check(files, *(arguments or ("--no-compile",)))
        self.assertEqual(code, 1, output)
        self.assertIn(expected, output)

    def test_an_include_of_a_lower_rank_is_allowed(self):
        self.assert_clean({"src/sched/a.cpp": '#include "context/b.hpp"\n#include <cede/clock.hpp>\n'})

    def test_an_include_of_a_higher_rank_is_named_with_its_line(self):
        self.assert_violation(
            {"src/sched/a.cpp": '\n#include "io/reactor.hpp"\n'},
            "src/sched/a.cpp:2: sched (rank 2) must not include io/reactor.hpp of io (rank 5)")

    def test_folders_of_equal_rank_do_not_include_each_other(self):
        self.assert_violation({"src/measure/a.cpp": '#include "shim/b.hpp"\n'}, "shim (rank 8)")

    def test_a_file_outside_the_layers_is_a_violation(self):
        self.assert_violation({"src/utils/a.cpp": ""}, "src/utils/a.cpp:1: lies in no layer")

    def test_a_layer_does_not_include_a_public_header_of_a_higher_rank(self):
        self.assert_violation(
            {"src/base/a.cpp": "#include <cede/cede.hpp>\n"}, "cede/cede.hpp of runtime")

    def test_a_public_header_without_a_layer_is_a_violation(self):
        self.assert_violation({"include/cede/novel.hpp": ""}, "novel.hpp:1: has no layer")

    def test_a_public_header_does_not_include_a_higher_rank(self):
        self.assert_violation(
            {"include/cede/clock.hpp": "#include <cede/cede.hpp>\n", "include/cede/cede.hpp": ""},
            "include/cede/clock.hpp:1: a header of base (rank 0) must not include cede/cede.hpp")

    def test_a_public_header_does_not_include_a_private_one(self):
        self.assert_violation(
            {"include/cede/clock.hpp": '#include "base/futex.hpp"\n'}, "it is not installed")

    def test_an_example_does_not_include_a_private_header(self):
        self.assert_violation(
            {"examples/a.cpp": '#include "base/futex.hpp"\n'}, "an example must not include")

    def test_architecture_code_outside_its_folder_is_a_violation(self):
        for line in ('asm volatile("nop");', "#if defined(__x86_64__)", "#ifdef __aarch64__",
                     "_mm_pause();", "#include <immintrin.h>", "__builtin_ia32_pause();"):
            with self.subTest(line):
                self.assert_violation({"src/sched/a.cpp": line + "\n"}, "is architecture code")

    def test_architecture_code_in_its_folder_is_allowed(self):
        self.assert_clean({"src/context/x86_64/a.hpp": 'inline void f() { asm("nop"); }\n'})

    def test_an_empty_assembly_statement_is_only_a_barrier(self):
        self.assert_clean({"src/sched/a.cpp": 'void f() { asm volatile("" : : : "memory"); }\n'})
        self.assert_violation(
            {"src/sched/a.cpp": 'void f() { asm volatile("" "nop"); }\n'}, "is architecture code")

    def test_kernel_events_outside_io_are_a_violation(self):
        for line in ("#include <sys/epoll.h>", "#include <linux/io_uring.h>", "#include <liburing.h>",
                     "epoll_wait(fd, events, 1, 0);", "int f = EPOLLIN;", "syscall(SYS_io_uring_enter);",
                     "io_uring_sqe* e;", "int op = IORING_OP_NOP;"):
            with self.subTest(line):
                self.assert_violation({"src/runtime/a.cpp": line + "\n"}, "belongs in src/io/")

    def test_kernel_events_in_io_are_allowed(self):
        self.assert_clean({"src/io/a.cpp": "#include <sys/epoll.h>\nint f = EPOLLIN;\n"})

    def test_comments_and_strings_are_not_code(self):
        self.assert_clean({"src/sched/a.cpp": (
            '// asm, __x86_64__, epoll_wait\n/* EPOLLIN\n#include "io/reactor.hpp"\n*/\n'
            'auto a = "asm epoll_wait";\nauto b = R"(__x86_64__\nEPOLLIN)";\nint c = 1\'000\'000;\n')})

    def test_a_header_that_compiles_alone_passes(self):
        self.assert_clean(
            {"src/base/a.hpp": "#pragma once\nstruct a {};\n"}, "--compiler", "g++")

    def test_a_header_that_needs_another_first_is_a_violation(self):
        self.assert_violation(
            {"src/base/a.hpp": "#pragma once\ninline std::size_t f() { return 0; }\n"},
            "src/base/a.hpp:1: does not compile alone", "--compiler", "g++")

    def test_a_header_without_an_include_guard_is_a_violation(self):
        self.assert_violation(
            {"src/base/a.hpp": "struct a {};\n"}, "redefinition", "--compiler", "g++")

    def test_a_tree_without_sources_is_an_error(self):
        code, output = check({"README.md": ""})
        self.assertEqual(code, 1)
        self.assertIn("holds no include/, src/ or examples/", output)


if __name__ == "__main__":
    unittest.main()
