"""A server that meets a limit says so once, keeps what it has, and goes on when it can."""

import contextlib
import os
import resource
import selectors
import unittest

import server

NO_DESCRIPTOR = "accept: Too many open files (the limit is 64: raise it with ulimit -n)"


def as_another_user(processes):
    """For `preexec_fn`: a user of whom there are no other processes, as root has no limit."""
    user = 60_000 + os.getpid() % 5000

    def prepare():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))

    return prepare


class Limits(server.Case):
    def assert_all_served_in_turn(self, running, count, kept, said):
        """More connections than the limit allows: it is said once, each is served when others have
        left, and `kept` of them, which stay, lose nothing."""
        messages = [os.urandom(100) for _ in range(count)]
        with running.connections(count) as connections, selectors.DefaultSelector() as selector:
            for connection, message in zip(connections, messages):
                connection.sendall(message)
                selector.register(connection, selectors.EVENT_READ, message)
            self.assertIn(said, running.process.stderr.readline())
            waiting = count
            while waiting > 0:
                for key, _ in selector.select(server.PATIENCE):
                    self.assertEqual(server.receive(key.fileobj, 100), key.data)
                    selector.unregister(key.fileobj)
                    waiting -= 1
                    if key.fileobj not in connections[:kept]:
                        key.fileobj.close()
                for connection in connections[:kept]:
                    if connection not in selector.get_map():
                        server.exchange(connection, b"still there?")

    @server.needs_no_pipe
    def test_without_free_descriptors_connections_wait_their_turn(self):
        for kind in server.permitted_kinds():
            with self.subTest(kind=kind), server.Server(
                    "--kind", kind, "--workers", "1",
                    preexec_fn=server.limit(resource.RLIMIT_NOFILE, 64)) as running:
                self.assert_all_served_in_turn(running, 150, 10, NO_DESCRIPTOR)
                self.assert_stops(running)

    @server.needs_no_pipe
    def test_a_limit_that_leaves_no_descriptor_for_a_client_is_refused_at_the_start(self):
        # Whatever the limit, who listens serves.
        for most in range(5, 12):
            limit = server.limit(resource.RLIMIT_NOFILE, most)
            with self.subTest(limit=most):
                try:
                    running = server.Server("--workers", "1", preexec_fn=limit)
                except AssertionError:
                    self.assert_refused(
                        server.run("serve", "echo", "--port", "0", "--workers", "1",
                                   preexec_fn=limit),
                        1, "Too many open files", f"the limit is {most} open files",
                        "raise it with 'ulimit -n'")
                    continue
                with running, running.connect() as connection:
                    server.exchange(connection, b"hello")

    @server.needs_no_pipe
    def test_a_stop_is_heard_while_there_are_no_free_descriptors(self):
        with server.Server(
                "--drain", "0s", "--workers", "1",
                preexec_fn=server.limit(resource.RLIMIT_NOFILE, 64)) as running:
            with running.connections(100) as connections:
                server.exchange(connections[0], b"hello")
                self.assertIn(NO_DESCRIPTOR, running.process.stderr.readline())
                self.assert_stops(running)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
    @unittest.skipIf(server.SANITIZED, "a sanitizer has a thread of its own")
    def test_without_free_threads_connections_wait_their_turn(self):
        if not server.others_may_run():
            self.skipTest("another user cannot run the program where it lies")
        with server.Server("--kind", "os-thread", "--workers", "1",
                           preexec_fn=as_another_user(20)) as running:
            self.assert_all_served_in_turn(
                running, 60, 5, "the next must wait: the system gives no further thread; the limit "
                "is 20 threads ('ulimit -u')")
            self.assert_stops(running)

    @unittest.skipIf(server.SANITIZED, "a sanitizer needs the address space for itself")
    def test_without_address_space_connections_wait_and_a_stop_is_heard(self):
        with server.Server("--drain", "0s", "--workers", "2",
                           preexec_fn=server.limit(resource.RLIMIT_AS, 128 << 20)) as running:
            with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
                selector.register(running.process.stderr, selectors.EVENT_READ)
                served = []
                while not selector.select(0):
                    one = stack.enter_context(running.connect())
                    one.sendall(b"hello")
                    selector.register(one, selectors.EVENT_READ)
                    answers = {key.fileobj for key, _ in selector.select(server.PATIENCE)}
                    selector.unregister(one)
                    if one in answers:
                        self.assertEqual(server.receive(one, 5), b"hello")
                        served.append(one)
                self.assertIn("no memory or address space for a fiber's stack",
                              running.process.stderr.readline())
                for one in served:
                    server.exchange(one, b"still there?")
                served[0].close()
                served[1].close()
                self.assert_stops(running)

    @unittest.skipIf(server.SANITIZED, "a sanitizer needs memory of its own")
    def test_an_idle_fiber_costs_one_page_of_stack_and_little_else(self):
        count = 1000
        with server.Server("--workers", "1") as running:
            with running.connections(50) as first:
                for connection in first:
                    server.exchange(connection, b"warm")
                before = running.memory()
                with running.connections(count) as connections:
                    for connection in connections:
                        server.exchange(connection, b"x" * 64)
                    self.assertLess((running.memory() - before) / count, 5 * 1024)
            self.assert_stops(running)


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    unittest.main()
