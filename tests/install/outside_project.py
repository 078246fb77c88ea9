"""Installs a built cede into an empty prefix and builds an echo server against it as a project of
its own would: by find_package (static, shared and the default) and by pkg-config. Each server must
echo to a real client and leave with 0 on SIGTERM.
"""

import argparse
import errno
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ADDRESS = ("127.0.0.1", 7000)  # what echo.cpp binds
PATIENCE = 60.0


def call(*command, **options):
    """Runs a command; a failure ends the test and shows what it printed."""
    command = [str(word) for word in command]
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}\n{result.stdout}")
    return result.stdout


def wait_until_port_is_free():
    """The program's port is fixed, so another program on this machine may hold it for a while."""
    end = time.monotonic() + PATIENCE
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(ADDRESS)
                return
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                    sys.exit(f"cannot use {ADDRESS[0]}:{ADDRESS[1]}: {error.strerror}")
        time.sleep(0.1)


def connect(server):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(ADDRESS, timeout=PATIENCE)
        except ConnectionRefusedError:
            if server.poll() is not None:
                sys.exit(f"the server left with {server.returncode} before it listened")
            if time.monotonic() > end:
                sys.exit("the server does not listen")
        time.sleep(0.01)


def exchange(connection, message):
    connection.sendall(message)
    answer = b""
    while len(answer) < len(message):
        piece = connection.recv(65536)
        if not piece:
            sys.exit(f"the connection ended after {len(answer)} of {len(message)} bytes")
        answer += piece
    if answer != message:
        sys.exit("the answer differs from what was sent")


def serve_and_stop(program, environment):
    wait_until_port_is_free()
    server = subprocess.Popen([str(program)], env={**os.environ, **environment})
    try:
        with connect(server) as connection:
            exchange(connection, b"So, how was your day?\n")
            exchange(connection, os.urandom(100_000))
        server.send_signal(signal.SIGTERM)
        code = server.wait(timeout=PATIENCE)
        if code != 0:
            sys.exit(f"the server left with {code} on SIGTERM")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()


def build_with_cmake(options, prefix, kind):
    build = prefix.parent / f"build-{kind}"
    call(options.cmake, "-S", HERE, "-B", build, "-G", "Ninja",
         f"-DCMAKE_CXX_COMPILER={options.compiler}", f"-DCMAKE_PREFIX_PATH={prefix}",
         "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror",
         f"-DCEDE_KIND={kind}")
    call(options.cmake, "--build", build)
    return build / "echo"


def pkg_config(prefix, *arguments):
    folder = next(prefix.rglob("cede.pc")).parent
    return call("pkg-config", *arguments, "cede",
                env={**os.environ, "PKG_CONFIG_PATH": str(folder)}).split()


def build_with_pkg_config(options, prefix, *arguments):
    program = prefix.parent / f"echo-pkg-config{''.join(arguments)}"
    call(options.compiler, "-std=c++23", "-O2", *pkg_config(prefix, "--cflags"), HERE / "echo.cpp",
         "-o", program, *pkg_config(prefix, "--libs", *arguments))
    return program


def needs_shared_library(program):
    return "libcede.so" in call("readelf", "-d", program)


def expect(condition, text):
    if not condition:
        sys.exit(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="cede's build folder")
    parser.add_argument("--cmake", default="cmake")
    parser.add_argument("--compiler", default="g++")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        prefix = pathlib.Path(scratch) / "prefix"
        call(options.cmake, "--install", options.build, "--prefix", prefix)
        libraries = next(prefix.rglob("libcede.so")).parent
        path = {"LD_LIBRARY_PATH": str(libraries)}

        for kind, shared in (("default", False), ("static", False), ("shared", True)):
            program = build_with_cmake(options, prefix, kind)
            expect(needs_shared_library(program) == shared, f"{kind}: linked the wrong library")
            serve_and_stop(program, {})
            print(f"find_package, {kind}: echoes, and leaves with 0 on SIGTERM", flush=True)

        program = build_with_pkg_config(options, prefix)
        expect(needs_shared_library(program), "pkg-config: did not link the shared library")
        serve_and_stop(program, path)
        print("pkg-config, shared: echoes, and leaves with 0 on SIGTERM", flush=True)

        for library in libraries.glob("libcede.so*"):
            library.unlink()
        program = build_with_pkg_config(options, prefix, "--static")
        serve_and_stop(program, {})
        print("pkg-config, static: echoes, and leaves with 0 on SIGTERM", flush=True)


if __name__ == "__main__":
    main()
