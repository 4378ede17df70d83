# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work side by side: each lane is a process with a directory and an acquirer of its own."""

import contextlib, multiprocessing, shutil, signal, sys, traceback

import world


class Unsound(Exception):
    """Something is wrong before anybody has been killed."""


@contextlib.contextmanager
def scratch():
    """A directory with keys; also who is told to end leaves nothing behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory = world.make_scratch()
    try:
        world.make_keys(directory / 'keys')
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Lanes:
    """make(directory, keys) is called in each of n processes, what it makes does the tasks: do(task)."""

    def __init__(self, directory, n, make):
        self.tasks, self.results = multiprocessing.Queue(), multiprocessing.Queue()
        self.processes = [multiprocessing.Process(target=self.work, args=(directory, i, make)) for i in range(n)]
        for process in self.processes:
            process.start()

    def work(self, directory, number, make):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        world.die_with_parent()
        lane = make(directory / f'lane{number}', directory / 'keys')
        while True:
            task = self.tasks.get()
            try:
                result = lane.do(task)
            except Unsound as e:
                result = e
            except Exception:
                result = Unsound(traceback.format_exc())
            self.results.put((task, result))

    def do(self, tasks):
        """Yields (task, result) as they come; a result may be an Unsound."""
        for task in tasks:
            self.tasks.put(task)
        for _ in tasks:
            yield self.results.get()

    def close(self):
        # What is still in it nobody takes any more.
        self.tasks.cancel_join_thread()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join()
