"""Ctrl-C in the middle of a long step: an answer at once, and a state between two steps."""

import copy
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

import nnfast as nf
from nnfast import _prefetch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no os.kill with SIGINT")
RNG = np.random.default_rng(0)
X = RNG.random((256, 3, 16, 16)).astype(np.float32)
Y = RNG.integers(0, 4, 256)
PROMISE = 0.2 + 0.8  # and what a busy machine may add


def network():
    """One whose steps on all of X take some tenths of a second; one is done, which makes its plan."""
    layers = [nf.Conv2d(3, 32, 3, padding=1), nf.BatchNorm2d(32), nf.ReLU()]
    for _ in range(3):
        layers += [nf.Conv2d(32, 32, 3, padding=1), nf.BatchNorm2d(32), nf.ReLU()]
    model = nf.Sequential(*layers, nf.Flatten(), nf.Linear(None, 4), input_shape=(3, 16, 16), seed=0)
    model.compile("adam", "cross_entropy")
    model.train_batch(X, Y)
    return model


@pytest.fixture
def press():
    """Presses Ctrl-C after some time; gives the moment."""
    timers = []

    def later(seconds):
        pressed = []

        def kill():
            pressed.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timers.append(threading.Timer(seconds, kill))
        timers[-1].start()
        return pressed

    yield later
    for timer in timers:
        timer.join()


def same(state, other):
    for key, array in state.items():
        np.testing.assert_array_equal(array, other[key], err_msg=key)


@pytest.mark.parametrize("source", ["arrays", "stream"])
def test_fit_ends_within_a_step_that_is_not_applied(source, press):
    model = network()
    pressed = press(0.1)
    given = (X, Y) if source == "arrays" else (iter([(X, Y)] * 500),)
    history = model.fit(*given, batch_size=256, epochs=500 if source == "arrays" else 1, verbose=0)
    took = time.monotonic() - pressed[0]
    assert history.interrupted and took < PROMISE
    # The steps that were carried out, and running statistics that know of no other.
    twin = network()
    core = model._ensure_model("test")
    if source == "arrays":
        for epoch in range(core.step_count - 1):
            order = np.random.default_rng([0, 1, epoch]).permutation(256)
            twin.train_batch(X[order], Y[order])
    else:
        for _ in range(core.step_count - 1):
            twin.train_batch(X, Y)
    same(model.state_dict(), twin.state_dict())
    # Of an epoch's one step: not done, or just done when the key was heard.
    assert model._position.step in ((0, 1) if source == "arrays" else (core.step_count - 1,))
    model.fit(X[:16], Y[:16], verbose=0)


def test_nobody_waits_for_an_iterable_that_is_slow(press):
    """It is asked for a later batch while the engine computes, and its thread ends when it has answered."""
    answered = threading.Event()

    def source():
        yield X, Y
        yield X, Y
        answered.wait(60)
        yield X, Y

    model = network()
    pressed = press(0.1)
    history = model.fit(source(), verbose=0)
    took = time.monotonic() - pressed[0]
    working = [t for t in threading.enumerate() if t.name == _prefetch.NAME]
    answered.set()
    for thread in working:
        thread.join()
    assert history.interrupted and took < PROMISE and len(working) == 1


@pytest.mark.parametrize("where", ["a callback", "a call of evaluate"])
def test_nor_when_something_else_is_broken_off(where):
    asked, answered, model = threading.Event(), threading.Event(), network()

    def source():
        yield X, Y
        yield X, Y
        asked.set()
        answered.wait(60)
        yield X, Y

    def broken(*given):
        assert asked.wait(60)
        raise KeyboardInterrupt

    class Break(nf.callbacks.Callback):
        on_batch_end = broken

    class Core:
        evaluate = broken

        def __getattr__(self, name):
            return getattr(core, name)

    if where == "a callback":
        assert model.fit(source(), verbose=0, callbacks=Break()).interrupted
    else:
        core, model._core = model._ensure_model("test"), Core()
        with pytest.raises(KeyboardInterrupt):
            model.evaluate(source())
    working = [t for t in threading.enumerate() if t.name == _prefetch.NAME]
    assert len(working) == 1  # it was not waited for
    answered.set()
    working[0].join()


def test_validation_too(press):
    model = network()
    pressed = press(0.2)
    many = np.broadcast_to(X[:1], (10**6, *X.shape[1:])), np.zeros(10**6, int)
    history = model.fit(X[:8], Y[:8], validation_data=many, verbose=0)
    assert time.monotonic() - pressed[0] < PROMISE and history.interrupted and len(history) == 0


@pytest.mark.parametrize("method", ["train_batch", "evaluate", "predict"])
def test_single_calls_raise(method, press):
    model = network()
    given = (X,) if method == "predict" else (X, Y)
    getattr(model, method)(*given)
    pressed = press(0.05)
    with pytest.raises(KeyboardInterrupt):
        while True:
            twin = copy.deepcopy(model)
            getattr(model, method)(*given)
    assert time.monotonic() - pressed[0] < PROMISE
    if model._core.step_count > twin._core.step_count:  # pressed within the last moments of a step
        twin.train_batch(X, Y)
    assert model._core.step_count == twin._core.step_count
    same(model.state_dict(), twin.state_dict())
    assert model.predict(X[:8]).shape == (8, 4)  # it is free, and works


def test_the_answer_comes_within_a_step():
    """Without a look at the clock: the step during which the handler raises is not applied."""

    class Mine(Exception):
        pass

    def handler(number, frame):
        raise Mine

    model = network()
    core, before = model._ensure_model("test"), signal.signal(signal.SIGALRM, handler)
    state = model.state_dict()
    try:
        for share in (0.5, 0.2, 0.1, 0.05):  # of a step's time, until one is met
            steps, began = core.step_count, time.monotonic()
            model.train_batch(X, Y)
            state = model.state_dict()
            signal.setitimer(signal.ITIMER_REAL, share * (time.monotonic() - began))
            with pytest.raises(Mine):
                model.train_batch(X, Y)
                time.sleep(60)
            if core.step_count == steps + 1:
                break
        else:
            pytest.fail("the handler always ran after the step")
    finally:
        signal.signal(signal.SIGALRM, before)
    same(model.state_dict(), state)


def test_other_handlers_run_and_need_not_end_anything():
    model, seen = network(), []

    def handler(number, frame):
        seen.append(time.monotonic())

    before = signal.signal(signal.SIGALRM, handler)
    try:
        steps = 0
        while not seen:
            signal.setitimer(signal.ITIMER_REAL, 0.03)
            model.train_batch(X, Y)
            steps += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    twin = network()
    for _ in range(steps):
        twin.train_batch(X, Y)
    same(model.state_dict(), twin.state_dict())


def test_what_a_handler_raises_comes_out(press):
    class Mine(Exception):
        pass

    def handler(number, frame):
        raise Mine

    model = network()
    old = signal.signal(signal.SIGINT, handler)
    try:
        pressed = press(0.05)
        with pytest.raises(Mine):
            for _ in range(100):
                model.train_batch(X, Y)
        assert time.monotonic() - pressed[0] < PROMISE
    finally:
        signal.signal(signal.SIGINT, old)


def test_in_another_thread_nothing_is_asked():
    """Signals are the main thread's; training elsewhere goes on."""
    model, losses = network(), []
    thread = threading.Thread(target=lambda: losses.append(model.train_batch(X[:64], Y[:64])["loss"]))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    thread.join()
    assert np.isfinite(losses).all() and len(losses) == 1
