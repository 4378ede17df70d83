# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong around a terminal: each thing with the faults that it may cause, and how it is put right again."""

import signal

from gi.repository import GLib

import shop
from shop import outside

READERS = {'msr': {'msr-missing', 'device-unstable', 'device-errors'},
           'emv': {'emv-missing', 'device-unstable', 'device-errors', 'emv-fault'},
           'printer': {'printer-missing', 'device-unstable', 'device-errors', 'printer-silent', 'printer-offline'}}
CHIP = {'card-chip-mute', 'emv-dirty', 'emv-fault', 'card-malformed', 'device-errors'}
PAPER = {'printer-silent', 'device-errors'}
# A refund whose answer is lost has no reversal: a person asks the acquirer. A settlement that was cut off is begun again.
LOST = {'result-unconfirmed', 'batch-frozen'}
LINE = {'acquirer-silent', 'acquirer-unreachable', 'acquirer-garbled'} | LOST


class Havoc:
    """One thing that goes wrong at its time. Words say what; a stop ends by itself, or when all is put right."""

    def __init__(self, words, causes, begin, end=None):
        self.words, self.causes, self.begin, self.end = words, set(causes), begin, end


def of_process(rng, name, causes):
    """The next process of that name is killed, or stands still for a time."""
    stop = rng.random() < 0.4
    seconds = rng.choice((1, 5, 20, 50))
    left = [1]

    def look(world):
        for pid in shop.processes(name):
            left[0] = 0
            shop.send_signal(pid, signal.SIGSTOP if stop else signal.SIGKILL)
            if stop:
                GLib.timeout_add(1000 * seconds, lambda: shop.send_signal(pid, signal.SIGCONT) and False)
            world.tap.note(f'{name} {pid} {"stands still" if stop else "is killed"}')
            break
        return left[0] > 0

    def begin(world):
        if look(world):
            GLib.timeout_add(100, look, world)

    def end(world):
        left[0] = 0
        for pid in shop.processes(name):
            shop.send_signal(pid, signal.SIGCONT)
    return Havoc(f'{"stop" if stop else "kill"} {name}{f" {seconds} s" if stop else ""}', causes, begin, end)


def of_device(rng):
    kind, seconds = rng.choice(list(READERS)), rng.choice((0, 1, 5, 20))
    plug = lambda: outside.sim(f'plug {kind}') and False

    def begin(world):
        outside.sim(f'unplug {kind}')
        GLib.timeout_add(1 + 1000 * seconds, plug)
    return Havoc(f'unplug {kind} {seconds} s', READERS[kind], begin)


def of_wire(rng):
    """A device that is there and does not do what it should."""
    words, causes = rng.choice((
        *((f'emv {word}', CHIP) for word in
          ('mute', 'no-answer', 'dead', 'hardware-error', 'time-extension 8', 'endless-chain', 'stall in', 'stall out',
           'stall interrupt', 'bad-seq', 'bad-slot', 'bad-type', 'error FE', 'short 5', 'empty 2', 'stale 2', 'twice',
           'late 900', 'bus-error', 'fail in EPROTO')),
        *((f'msr {word}', {'card-unreadable', 'msr-dirty', 'device-errors', 'card-wrong-way', 'card-not-payment'})
          for word in ('bad-read', 'short-report', 'first-report')),
        *((f'printer {word}', PAPER) for word in
          ('stall', 'no-answer', 'empty', 'chatter', 'hold', 'fail out EPROTO', 'fail in EPROTO')),
        ('printer hot', {'printer-hot', 'printer-offline', *PAPER}),
        ('printer broken', {'printer-broken', 'printer-offline', *PAPER}),
        ('printer cutter-jam', {'printer-cutter', 'printer-offline', *PAPER})))
    return Havoc(f'misbehave {words}', causes, lambda world: outside.sim(f'misbehave {words}'))


def of_paper(rng):
    words, causes = rng.choice((('paper out', {'printer-paper-end'}), ('cover open', {'printer-cover-open'}),
                                ('paper near-end', {'printer-paper-low'}),
                                ('power-cycle', {*PAPER, 'printer-missing', 'printer-offline'})))

    def begin(world):
        if words == 'power-cycle':
            world.clear_jam()
        outside.sim(words)
    return Havoc(words, causes | {'printer-silent'}, begin)


def of_program(name, seconds, causes):
    """It is killed, or stands still for so many seconds."""
    def begin(world):
        for pid in shop.processes(name):
            shop.send_signal(pid, signal.SIGSTOP if seconds else signal.SIGKILL)
            if seconds:
                GLib.timeout_add(1000 * seconds, lambda pid=pid: shop.send_signal(pid, signal.SIGCONT) and False)

    def end(world):
        for pid in shop.processes(name):
            shop.send_signal(pid, signal.SIGCONT)
    return Havoc(f'stop {name} {seconds} s' if seconds else f'kill {name}', causes, begin, end)


def of_tilld(rng):
    return of_program('tilld', rng.choice((0, 0, 1, 10, 45)), {'service-crashed'} | LOST)


def of_acquirer(rng):
    return of_program('till-acquirer', rng.choice((0, 0, 3, 15)), LINE)


def of_answer(rng):
    words = rng.choice(('drop', 'drop-answer', 'close', 'close-answer', 'garble', 'bad-mac', 'no-mac', 'wrong-stan',
                        'delay 4', 'delay 8', 'twice', 'decline 51'))
    # Where the acquirer stands still nobody would take the words.
    command = ('till-acquirer', 'script', *words.split())
    return Havoc(f'acquirer {words}', LINE, lambda world: shop.command('timeout', '2', *command))


def of_recovery(rng):
    """By hand, and till-recover may not live through it."""
    kind = rng.choice(list(READERS))
    inner = of_process(rng, 'till-recover', ()) if rng.random() < 0.7 else None

    tries = [100]

    def ask(world, device):
        # No step is taken in a sale, and here one follows the other.
        def on_answer(reply, error):
            if outside.is_error(error, 'Busy'):
                GLib.timeout_add(100, ask, world, device)
            else:
                world.tap.note(f'Recover {device}: {error or "begins"}')
        tries[0] -= 1
        if tries[0] > 0:
            world.call(outside.MANAGER, shop.DIAGNOSTICS, 'Recover', GLib.Variant('(s)', (device,)), on_answer)
        return False

    def begin(world):
        if inner:
            inner.begin(world)
        for device in world.devices():
            if device['Kind'] == kind:
                ask(world, device['Id'])

    def end(world):
        tries[0] = 0
        if inner:
            inner.end(world)
    return Havoc(f'recover {kind}{f", {inner.words}" if inner else ""}', READERS[kind], begin, end)


SORTS = ((3, of_device), (4, of_wire), (2, of_paper), (2, of_tilld), (2, of_acquirer), (3, of_answer), (1, of_recovery),
         (2, lambda rng: of_process(rng, 'card-worker', {'worker-failed', 'emv-fault', 'card-chip-mute'})),
         (1, lambda rng: of_process(rng, 'till-render', {'render-failed'})))


def draw(rng):
    return rng.choices([sort for _, sort in SORTS], [weight for weight, _ in SORTS])[0](rng)
