"""One progress display for everything slow: a bar, a callback, or nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

# True: a bar on stderr (in a notebook, a widget). A callable is told (done, total or None).
Progress = bool | Callable[[int, int | None], None]


@contextlib.contextmanager
def reporting(
    progress: Progress, total: int | None, what: str, unit: str, start: int = 0
) -> Iterator[Callable[[int], None]]:
    """Yield a function ``advance(n)`` that says n more are done.

    Parameters
    ----------
    progress
        True, False, or a callable ``progress(done, total)``.
    total
        How many there are in all, or None where nobody knows.
    what, unit
        The words on the bar.
    start
        How many were done before.
    """
    if callable(progress):
        done = start

        def tell(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        yield tell
    elif progress:
        from tqdm.auto import tqdm

        with tqdm(
            total=total,
            initial=start,
            desc=what,
            unit=unit,
            unit_scale=unit == "B",
            unit_divisor=1024 if unit == "B" else 1000,
            dynamic_ncols=True,
        ) as bar:

            def move(count: int) -> None:
                if count >= 0:
                    bar.update(count)
                    return
                # It begins again below where it started, so its speed would come out negative.
                left = max(bar.n + count, 0)
                bar.initial = 0
                bar.reset(total)
                bar.initial = bar.n = bar.last_print_n = left
                bar.refresh()

            yield move
    else:
        yield lambda count: None
