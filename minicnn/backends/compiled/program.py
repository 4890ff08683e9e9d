"""A whole network in one call: the program of a forward pass, and who runs it.

Between two stages a step through Python takes some ten microseconds, and waking a thread fifty;
the stages of a small network take less. So for inference the stages become a *program*,
a table of numbers with a row for each, which one kernel follows from the first to the last:

    batches      a thread takes a sample and runs the whole program on it, so that nothing
                 but the image and the scores leaves its second-level cache
    one image    all threads run the program together: each does its share of a stage's
                 channels or rows, and waits for the others before the next

Waiting is a loop on a number in memory (a barrier), since sleeping and waking take longer
than a stage. After a program a helper goes on waiting for the next in the same way for a
fraction of a millisecond, and then lies down (see `minicnn.backends.compiled.team`).

Nothing is summed across threads, so the bits do not depend on their number.
"""

from __future__ import annotations

from minicnn.backends.compiled import atomics
from minicnn.backends.compiled.atomics import LINE
from minicnn.backends.compiled.blocks import average, fill, take
from minicnn.backends.compiled.jit import exact, inlined, kernel
from minicnn.backends.compiled.outer import BLOCKS
from minicnn.backends.compiled.simd import VECTOR_BYTES, load, splat, total
from minicnn.backends.compiled.stage import how_at, pass_through

# What a row of the program does (its column 0), and how many columns a row has.
PLACE, CONVOLVE, AVERAGE, FLATTEN, LINEAR, COPY_OUT = 0, 1, 2, 3, 4, 5
COLUMNS = 40

# The numbers by which threads meet, one to a cache line.
ARRIVED, GENERATION, TEAM, SLOTS = 0, LINE, 2 * LINE, 3 * LINE
ASLEEP, READY, ENGAGED, GO = 0, 1, 2, 3
ALL, TOGETHER, HELP = 0, 1, 2


@kernel
def barrier(state, team):  # type: ignore[no-untyped-def]
    """Wait until all threads of the team are here."""
    if team == 1:
        return
    generation = atomics.get(state, GENERATION)
    if atomics.add(state, ARRIVED, 1) == team - 1:
        atomics.put(state, ARRIVED, 0)
        atomics.put(state, GENERATION, generation + 1)
        return
    spins = 0
    while atomics.get(state, GENERATION) == generation:
        spins = atomics.relax(spins)


@kernel
def _convolve(strip, memory, row, weights, tables, slopes, me, team):  # type: ignore[no-untyped-def]
    """Run a convolution stage: this thread's share of its channels, or else of its rows."""
    how, blocks = how_at(row, 16), row[29]
    pairs = (blocks + BLOCKS - 1) // BLOCKS
    first, end, row0, row1 = 0, blocks, 0, how[2]
    if pairs % team == 0:
        first = BLOCKS * (pairs * me // team)
        end = min(blocks, BLOCKS * (pairs * (me + 1) // team))
    else:
        row0, row1 = how[2] * me // team, how[2] * (me + 1) // team
    pass_through(
        strip, memory, (row[1], row[2], row[3]), memory[:0], 0, memory, (row[4], row[5], row[6]),
        memory, (row[7], row[8], row[9], row[10]), (row[11], row[12]), weights,
        (row[13], row[14]), weights, row[15], tables, row[30], row[31],
        first, end, row0, row1, how, slopes[row[32]],
    )  # fmt: skip


@exact
def _linear(memory, row, me, team):  # type: ignore[no-untyped-def]
    """Multiply: row = (-, to, from, address of w, of b or 0, outputs, inputs, rectified).

    The weights are read where the layer has them: there is nothing to be gained by a copy.
    """
    full = VECTOR_BYTES // memory.itemsize
    outputs, inputs = row[5], row[6]
    w = atomics.array_at(row[3], outputs * inputs, memory)
    b = atomics.array_at(row[4], outputs, memory)
    fours, whole = inputs - inputs % (4 * full), inputs - inputs % full
    for o in range(outputs * me // team, outputs * (me + 1) // team):
        at = o * inputs
        sum0, sum1 = splat(memory, 0.0), splat(memory, 0.0)
        sum2, sum3 = splat(memory, 0.0), splat(memory, 0.0)
        for i in range(0, fours, 4 * full):
            x = row[2] + i
            sum0 = sum0 + load(w, at + i) * load(memory, x)
            sum1 = sum1 + load(w, at + i + full) * load(memory, x + full)
            sum2 = sum2 + load(w, at + i + 2 * full) * load(memory, x + 2 * full)
            sum3 = sum3 + load(w, at + i + 3 * full) * load(memory, x + 3 * full)
        for i in range(fours, whole, full):
            sum0 = sum0 + load(w, at + i) * load(memory, row[2] + i)
        sum_ = total((sum0 + sum1) + (sum2 + sum3))
        for i in range(whole, inputs):
            sum_ += w[at + i] * memory[row[2] + i]
        if row[4] != 0:
            sum_ += b[o]
        memory[row[1] + o] = 0 if row[7] and sum_ <= 0 else sum_


@inlined
def _image(row):  # type: ignore[no-untyped-def]
    """Read from row = (-, -, origin, block, row, pixel, C, H, W) where an image lies; its shape."""
    return (row[2], 0, row[3], row[4], row[5]), (1, row[6], row[7], row[8])


@kernel
def _follow(  # type: ignore[no-untyped-def]
    strip, memory, program, x, y, weights, tables, slopes, state, me, team
):
    """Run the program on one sample x, (numbers of an image), into y."""
    for k in range(0, program.size, COLUMNS):
        row = program[k : k + COLUMNS]
        if row[0] == CONVOLVE:
            _convolve(strip, memory, row, weights, tables, slopes, me, team)
        elif row[0] == LINEAR:
            _linear(memory, row, me, team)
        elif row[0] == COPY_OUT:
            if me == 0:
                for i in range(row[2]):
                    y[i] = memory[row[1] + i]
        else:
            geometry, shape = _image(row)
            pieces = shape[1] * shape[2]  # rows of planes
            if row[0] == AVERAGE:
                pieces = (shape[1] + geometry[4] - 1) // geometry[4]  # blocks
            first, last = pieces * me // team, pieces * (me + 1) // team
            if row[0] == PLACE:
                fill(first, last, memory, geometry, x, shape)
            elif row[0] == FLATTEN:
                take(first, last, memory[row[1] :], shape, memory, geometry)
            else:
                average(first, last, memory[row[1] :], shape, memory, geometry)
        barrier(state, team)


@kernel
def unchanged(addresses, sizes, copies):  # type: ignore[no-untyped-def]
    """Return whether the arrays at some addresses still hold what ``copies`` holds in a row."""
    begin = 0
    for k in range(addresses.size):
        live = atomics.array_at(addresses[k], sizes[k], copies)
        copy = copies[begin : begin + sizes[k]]
        changes = 0
        for i in range(copy.size):
            changes += live[i] != copy[i]
        if changes > 0:
            return False
        begin += sizes[k]
    return True


@kernel
def _run(  # type: ignore[no-untyped-def]
    task, first, last, strip, memory, program, x, y, weights, tables, slopes, state
):
    """Do one of three tasks, which are one function so that the program is compiled once.

    ALL: samples first..last of x, (N, numbers). TOGETHER: one sample with at most ``last``
    helpers who are awake. HELP: be helper ``first`` until nobody has called for ``last`` turns.
    """
    engaged, me, team = 0, 0, 1
    slot = SLOTS + first * LINE
    if task == TOGETHER:
        for k in range(last):
            if atomics.swap(state, SLOTS + k * LINE, READY, ENGAGED):
                engaged += 1
                atomics.put(state, SLOTS + k * LINE + 1, engaged)
        team = engaged + 1
        atomics.put(state, TEAM, team)
        for k in range(last):
            if atomics.get(state, SLOTS + k * LINE) == ENGAGED:
                atomics.put(state, SLOTS + k * LINE, GO)
    elif task == HELP:
        atomics.put(state, slot, READY)
    n, turns = first if task == ALL else 0, 0
    while True:
        go = task != HELP or atomics.get(state, slot) == GO
        if task == HELP and go:
            team = atomics.get(state, TEAM)
            me = atomics.get(state, slot + 1)
            atomics.put(state, slot, ENGAGED + GO)  # at work
        if go and not (task == ALL and n >= last):
            _follow(
                strip, memory, program, x[n], y[n], weights, tables, slopes, state, me, team
            )  # fmt: skip
            turns = 0
        n += task == ALL
        if task == TOGETHER or (task == ALL and n >= last):
            return engaged
        if task == HELP:
            if go:
                atomics.put(state, slot, READY)
            turns = atomics.relax(turns)
            if turns > last and atomics.swap(state, slot, READY, ASLEEP):
                return 0


def run_samples(first, last, memory, strip_at, *rest):  # type: ignore[no-untyped-def]
    """Run the program on samples first..last of x, (N, ...), into y, (N, ...)."""
    _run(ALL, first, last, memory[strip_at:], memory, *rest)


def run_together(helpers, memory, strip_at, strip_size, *rest):  # type: ignore[no-untyped-def]
    """Run the program on one sample with all helpers that are awake; return how many were."""
    return _run(TOGETHER, 0, helpers, memory[strip_at:], memory, *rest)


def help_out(number, spins, memory, strip_at, strip_size, *rest):  # type: ignore[no-untyped-def]
    """Be helper ``number`` of `run_together` until nobody has called for ``spins`` turns."""
    strip = memory[strip_at + (number + 1) * strip_size :]
    _run(HELP, number, spins, strip, memory, *rest)
