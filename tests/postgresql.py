"""A PostgreSQL of our own on a free port of this machine, for tests."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.demo.mail_server import free_port

PROGRAMS = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


@contextmanager
def postgresql(password: str = "") -> Iterator[int]:
    """Start a server with a user and database `onpace` in a folder of its own and yield its port; it refuses to run as root, so root lends it a user.

    The folder is not pytest's: another run of pytest closes those to other users.
    """
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        yield from _served(Path(name), password)


def _served(folder: Path, password: str) -> Iterator[int]:
    port, as_user = (
        free_port(),
        {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {},
    )
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    data, secret = folder / "data", folder / "password"
    secret.write_text(password or "unused", encoding="utf-8")
    ctl, said = _program("pg_ctl"), {"capture_output": True, "text": True, "cwd": folder, **as_user}
    how = [
        "-A",
        "scram-sha-256" if password else "trust",
        "-U",
        "onpace",
        "--pwfile",
        str(secret),
        "--no-sync",
    ]
    subprocess.run([_program("initdb"), "-D", str(data), *how], check=True, **said)  # type: ignore[call-overload]
    secret.unlink()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    with (folder / "log").open("w") as log:
        subprocess.run(
            [ctl, "-D", str(data), "-w", "-o", options, "start"],
            check=True,
            cwd=folder,
            stdout=log,
            stderr=log,
            **as_user,
        )  # type: ignore[call-overload]
    try:
        yield port
    finally:
        # On a machine that is busy the last of its processes may need longer than a minute.
        stop = [ctl, "-D", str(data), "-m", "immediate", "-t", "300", "stop"]
        done = subprocess.run(stop, check=False, **said)  # type: ignore[call-overload]
        assert done.returncode == 0 or "is server running" in done.stderr, done.stderr


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([*PROGRAMS, os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"there is no {name} on this machine: apt-get install postgresql")
    return found
