"""Who prints: this process for a few documents, a worker for each core for many.

Put processes and their limits here. A worker that dies takes no other document with it: those it
had in hand are tried again, each in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing.util import Finalize

from reports.rendering import pdf as render
from reports.rendering.pdf import RenderJob, UnprintableDocument

MOST_WORKERS = 8
# A worker's start costs about two seconds of CPU: as much as ten personal pages.
FEW_DOCUMENTS = 30
# So many documents wait for each worker: enough to keep it busy, too few to fill the memory.
WAITING = 3
MOST_MEMORY = 4 << 30  # of addresses, in bytes: a document takes a tenth


@dataclass(frozen=True)
class Printed:
    """A document, and the picture of its first page where one was asked for."""

    pdf: bytes
    picture: bytes = b""


@dataclass(frozen=True)
class Unprinted:
    """Why a document could not be printed."""

    reason: str


Job = tuple[str, RenderJob, bool]
Result = tuple[str, Printed | Unprinted]


def printed(jobs: Iterable[Job]) -> Iterator[Result]:
    """Yield each document as it is done; jobs are its name, the proof, and whether a picture is wanted."""
    jobs = iter(jobs)
    first = list(islice(jobs, FEW_DOCUMENTS))
    # Only a main thread can be stopped when a document takes too long.
    if len(first) < FEW_DOCUMENTS and threading.current_thread() is threading.main_thread():
        for name, job, is_pictured in first:
            yield name, print_one(job, is_pictured=is_pictured)
    elif first:
        yield from _by_workers(chain(first, jobs))


def _by_workers(jobs: Iterator[Job]) -> Iterator[Result]:
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    again: list[Job] = []
    while True:
        try:
            with _pool(workers) as pool:
                yield from _from_pool(pool, jobs, workers * WAITING, again)
        except BrokenProcessPool:
            for job in again:
                yield _alone(job)
            again.clear()
        else:
            return


def _from_pool(
    pool: ProcessPoolExecutor, jobs: Iterator[Job], most: int, in_hand: list[Job]
) -> Iterator[Result]:
    """Yield what a pool prints; `in_hand` holds what is not done when the pool breaks."""
    running: dict[Future[Printed | Unprinted], Job] = {}
    while True:
        for job in islice(jobs, most - len(running)):
            in_hand.append(job)
            running[pool.submit(print_one, job[1], is_pictured=job[2])] = job
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            done = future.result()
            job = running.pop(future)
            in_hand.remove(job)
            yield job[0], done


def _alone(job: Job) -> Result:
    """Print one document in a process of its own, which may die of it."""
    name, render_job, is_pictured = job
    try:
        with _pool(1) as pool:
            return name, pool.submit(print_one, render_job, is_pictured=is_pictured).result()
    except BrokenProcessPool:
        return name, Unprinted("printing it ended the process, most likely for want of memory")


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=begin
    )


def print_one(job: RenderJob, *, is_pictured: bool) -> Printed | Unprinted:
    """Return a document, or why it could not be printed."""
    try:
        with render.no_garbage_collection():
            pdf = render.pdf_of(job)
        return Printed(pdf, render.png_of(pdf) if is_pictured else b"")
    except UnprintableDocument as unprintable:
        return Unprinted(str(unprintable))


def begin() -> None:
    """Begin a worker: it has a limit of memory, and ends when its parent is killed, for nobody else would end it."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    parent = multiprocessing.parent_process()
    Finalize(None, render.forget_fonts, exitpriority=10)

    def wait_for_end() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait_for_end, daemon=True).start()
