"""What the system does not allow is answered before the server listens: one line that says what to
do, and the exit code 1."""

import os
import resource
import socket
import unittest

import server


def as_nobody_with_processes(count):
    """For `preexec_fn`: another user, as the limit does not hold for root."""

    def prepare():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (count, count))

    return prepare


class Refusal(server.Case):
    def assert_cannot(self, arguments, *texts, **options):
        self.assert_refused(server.run("serve", "echo", *arguments, **options), 1, *texts)

    def test_an_address_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            self.assert_cannot(
                ["--port", port], f"cannot listen on 127.0.0.1, port {port}: Address already in use",
                "choose another --port")

    def test_an_address_of_another_machine(self):
        self.assert_cannot(
            ["--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1",
            "give an address of this machine with --host, or 0.0.0.0 for all")

    def test_a_host_that_is_none(self):
        for host in ("256.0.0.1", "not/a/host", "[::1]", "127.0.0.1:80"):
            with self.subTest(host=host):
                self.assert_cannot(
                    ["--host", host, "--port", "0"], f"cannot listen on {host}, port 0: ",
                    "give --host an address such as 127.0.0.1 or ::1")

    def test_os_thread_fifo_without_the_privilege(self):
        self.assert_cannot(
            ["--kind", "os-thread-fifo", "--port", "0"],
            "--kind os-thread-fifo does not work here: the process lacks the privilege",
            "SCHED_FIFO needs root, CAP_SYS_NICE or a real-time limit ('ulimit -r 1')",
            preexec_fn=server.without_realtime)

    @server.needs_no_pipe
    def test_a_limit_of_open_files_that_is_too_low(self):
        self.assert_cannot(
            ["--port", "0", "--workers", "64"], "cannot start with --workers 64: Too many open files",
            "the limit is 16 open files: raise it with 'ulimit -n'", "use fewer workers",
            preexec_fn=server.limit(resource.RLIMIT_NOFILE, 16))

    @unittest.skipIf(server.SANITIZED, "a sanitizer needs the address space for itself")
    def test_a_limit_of_address_space_that_is_too_low(self):
        self.assert_cannot(
            ["--port", "0", "--workers", "1"], "cannot start with --workers 1: ", "'ulimit -v'",
            preexec_fn=server.limit(resource.RLIMIT_AS, 40 << 20))

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
    @unittest.skipIf(server.SANITIZED, "a sanitizer has a thread of its own")
    def test_a_limit_of_threads_that_is_too_low(self):
        if not server.others_may_run():
            self.skipTest("another user cannot run the program where it lies")
        self.assert_cannot(
            ["--port", "0", "--workers", "8"], "the system gives no further thread",
            "the limit is 4 threads ('ulimit -u')", preexec_fn=as_nobody_with_processes(4))

    def test_io_uring_that_is_not_there(self):
        if server.io_uring_permitted():
            self.skipTest("io_uring is there")
        self.assert_cannot(
            ["--reactor", "io_uring", "--port", "0"], "--reactor io_uring does not work here",
            "use epoll")


if __name__ == "__main__":
    unittest.main()
