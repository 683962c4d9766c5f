"""`--jobs`: several lessons at a time, each in a process."""

import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from typing import Any

import typer

from compare.cli._console import progress, refusal
from compare.run_config import Interrupted, sigterm_interrupts


def train_in_processes(
    work: Callable[[str], Any], sources: Iterable[str], jobs: int, results: list[Any]
) -> None:
    """Call `work` with each source, in `jobs` processes; add what it returns, in order.

    Results are added even if a lesson fails, which ends all others.

    Raises:
        typer.Exit: a lesson failed and has said so, or all were interrupted.
    """
    context, ignored = get_context("spawn"), (signal.SIGINT, signal.SIG_IGN)
    pool = ProcessPoolExecutor(jobs, context, signal.signal, ignored)
    futures = [pool.submit(_in_worker, work, source) for source in sources]
    try:
        with sigterm_interrupts():
            for done in progress(as_completed(futures), "lessons", len(futures)):
                done.result()
    except BrokenProcessPool as error:
        raise refusal(str(error)) from None
    except KeyboardInterrupt as stop:
        raise typer.Exit(143 if isinstance(stop, Interrupted) else 130) from None
    finally:
        if not all(future.done() for future in futures):
            for worker in active_children():
                worker.terminate()  # by SIGTERM: its run is closed and can be resumed
        pool.shutdown(cancel_futures=True)
        results += [future.result() for future in futures if _has_result(future)]


def _in_worker(work: Callable[[str], Any], source: str) -> Any:
    """What `work` returns; if SIGTERM ends that, the process takes no other lesson."""
    try:
        return work(source)
    except typer.Exit as end:
        if end.exit_code == 143:
            signal.raise_signal(signal.SIGTERM)
        raise


def _has_result(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
