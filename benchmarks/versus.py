"""Several contenders timed side by side: one round of each in turn, so that a noisy machine is noisy for all.

What this is: the timing and the table of the benchmarks that compare rates. What it is not: a benchmark, nor
pytest-benchmark's own timing, which runs one function after the other; its medians are of nnfast alone here.
"""

import math
import operator
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from nnfast import _core

ROUND = 4e-3  # seconds of one contender in a round: far above the clock's grain and a cold start's cost


def timed(function, repeat):
    start = time.perf_counter()
    for _ in range(repeat):
        function()
    return (time.perf_counter() - start) / repeat


def fma_rate(dtype, threads=1):
    """Floating-point operations a second of so many threads at once: the best short runs of FMAs.

    Not one core's rate times the threads: a virtual machine's processors may be two of one core's.
    """
    together = threading.Barrier(threads)

    def best_of(runs):
        together.wait()
        best = 0.0
        for _ in range(runs):  # an interruption slows some of them
            start = time.perf_counter()
            flops = _core.fma_rounds(dtype, 1 << 13)
            best = max(best, flops / (time.perf_counter() - start))
        return best

    if threads == 1:
        return best_of(8)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(best_of, [64] * threads))


def interleave(functions, dtype="float32", budget=0.3, least=9, threads=1):
    """Median seconds of each function, and the operations the threads' FMAs make in the first one's time.

    The clock moves, so the FMA rate is taken before and after the first function in every round; the median
    is of the products. With several threads each function waits until the others' threads no longer spin for
    more work, as OpenBLAS's do for some 20 ms.
    """
    rest = 0.05 if threads > 1 else 0.0
    repeats = {}
    for name, function in functions.items():
        function()  # warm: compile, allocate, load
        repeats[name] = max(1, int(ROUND / max(timed(function, 1), 1e-7)))
    seconds = {name: [] for name in functions}
    rates, end = [], time.perf_counter() + budget * len(functions)
    while len(rates) < least or time.perf_counter() < end:
        before = fma_rate(dtype, threads)
        for name, function in functions.items():
            time.sleep(rest)
            function()  # its code and data back into the caches: who repeats little would pay for that most
            seconds[name].append(timed(function, repeats[name]))
            if len(rates) < len(seconds[name]):
                rates.append((before + fma_rate(dtype, threads)) / 2)
    possible = map(operator.mul, next(iter(seconds.values())), rates)
    return {name: statistics.median(s) for name, s in seconds.items()}, statistics.median(possible)


class Table:
    """Rows of compared work, by the file of the benchmark; printed when pytest ends."""

    def __init__(self):
        self.rows = []  # (file, title, medians, rate text, share or None)

    def add(self, file, title, medians, rate, share):
        self.rows.append((file, title, medians, rate, share))

    def lines(self):
        for file in dict.fromkeys(row[0] for row in self.rows):
            rows = [row for row in self.rows if row[0] == file]
            peers = list(dict.fromkeys(n for row in rows for n in row[2] if n != "nnfast"))
            width = {peer: max(13, len(peer) + 2) for peer in peers}
            head = "".join(f"{peer:>{width[peer]}}" for peer in peers)
            yield f"{file:44} {'nnfast':>12} {'rate':>21} {'share':>8}{head}   fastest peer"
            logs = []
            for _, title, medians, rate, share in rows:
                ours = medians["nnfast"]
                ratios = {p: medians[p] / ours for p in peers if p in medians}
                cells = "".join((f"{ratios[p]:.2f}x" if p in ratios else "").rjust(width[p]) for p in peers)
                last = ""
                if ratios:
                    fastest = min(ratios, key=ratios.get)
                    logs.append(math.log(ratios[fastest]))
                    last = f"   {ratios[fastest]:.2f}x {fastest}"
                text = f"{100 * share:6.1f} %" if share is not None else ""
                yield f"{title:44} {ours * 1e6:9.2f} us {rate:>21} {text:>8}{cells}{last}"
            if logs:
                below = sum(x < math.log(0.97) for x in logs)
                mean, least = math.exp(sum(logs) / len(logs)), math.exp(min(logs))
                yield (
                    f"against the fastest peer of each row: geometric mean {mean:.2f}x, least {least:.2f}x, "
                    f"{below} of {len(logs)} below 0.97x"
                )
            yield ""
