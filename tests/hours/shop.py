# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal at work, and what is known of it: the checkout, the line and the paper of tests/crash/vm, and its faults."""

import json, os, signal, sqlite3, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'crash/vm'))
import outside, witnesses

from gi.repository import Gio, GLib

DIAGNOSTICS, RECEIPTS = 'org.tilld1.Diagnostics', 'org.tilld1.Receipts'
# What a person waits for at most: a busy machine is slow, so it says nothing about the terminal's speed.
PATIENCE = 180
# No line of ours between the two, and time enough for a machine that is emulated and busy.
CONFIG = f'[acquirer]\nhosts=localhost:{outside.ACQUIRER}\nanswer-timeout=15\n'


def set_up():
    """A terminal and an acquirer that know nothing of each other, nor of a part before this one."""
    outside.set_up()
    with open('/etc/tilld/tilld.conf.d/60-hours.conf', 'w') as f:
        f.write(CONFIG)
    outside.run('systemctl', 'stop', 'till-acquirer')
    for end in ('', '-wal', '-shm'):
        if os.path.exists(outside.LEDGER + end):
            os.unlink(outside.LEDGER + end)
    outside.run('systemctl', 'start', 'till-acquirer')


def options(**values):
    letters = {bool: 'b', int: 'u', str: 's'}
    return {name: GLib.Variant(letters[type(value)], value) for name, value in values.items()}


def processes(name):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/comm') as f:
                if f.read().strip() == name:
                    yield int(pid)
        except OSError:
            pass


def send_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def say(self, faults, what):
        self.n += 1
        self.failed += bool(faults)
        print(f'{"not ok" if faults else "ok"} {self.n} - {what}', *faults, sep='\n#   ', flush=True)

    def note(self, text):
        print(f'# {text}', flush=True)

    def end(self):
        print(f'1..{self.n}', flush=True)
        sys.exit(self.failed > 0)


class Shop(outside.Outside):
    def __init__(self, directory, tap):
        super().__init__(directory)
        self.tap, self.told_faults, self.numbers = tap, [], 0
        self.bus.signal_subscribe(outside.NAME, DIAGNOSTICS, None, None, None, Gio.DBusSignalFlags.NONE, self.on_fault)

    # The ledger is looked at when all is at rest, and nobody goes through the line.
    def lay_line(self):
        pass

    def look_at_ledger(self):
        pass

    def on_fault(self, bus, sender, path, interface, signal_name, parameters):
        if signal_name in ('FaultOpened', 'FaultEnded'):
            id, code, subject = parameters.unpack()
            self.told_faults.append((signal_name, code, subject))
            self.tap.note(f'{time.monotonic():.1f} {signal_name} {code} {subject}')

    def note(self, what, text=''):
        # What is no transaction's has no place among the witnesses.
        if what != 'paper' or self.is_transactions(bytes.fromhex(text).decode('gbk', 'replace')):
            super().note(what, text)

    def is_transactions(self, paper):
        return 'MERCHANT REF.' in paper or 'SETTLEMENT' in paper

    # ---- Time ----

    def wait(self, seconds):
        self.until(lambda: False, seconds)

    def wait_for(self, condition, seconds=PATIENCE):
        """As until(), for what has to be asked on the bus."""
        end = time.monotonic() + seconds
        while True:
            if condition():
                return True
            if time.monotonic() > end:
                return False
            self.wait(0.5)

    # ---- What is asked ----

    def manage(self, interface, method, arguments=None, signature=None):
        reply, error = self.ask(outside.MANAGER, interface, method, arguments and GLib.Variant(signature, arguments))
        return (reply[0] if reply else None), error

    def list_faults(self, **how):
        text, _ = self.manage(DIAGNOSTICS, 'ListFaults', (options(limit=500, **how),), '(a{sv})')
        return None if text is None else json.loads(text)['Faults']

    def list_recoveries(self):
        text, _ = self.manage(DIAGNOSTICS, 'ListRecoveries')
        return None if text is None else json.loads(text)['Recoveries']

    def open_codes(self):
        faults = self.list_faults(open=True)
        return None if faults is None else sorted(f'{f["Code"]} {f["Subject"]}'.strip() for f in faults)

    def devices(self):
        reply, _ = self.ask(outside.MANAGER, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
        objects = reply[0] if reply else {}
        return [o['org.tilld1.Device'] for o in objects.values() if o.get('org.tilld1.Device', {}).get('Connected')]

    def has_devices(self):
        return self.pid and len(self.devices()) == 3

    # ---- What is done ----

    def new_sale(self, kind='sale', entry='stripe', original=None, amount=None):
        self.numbers += 1
        if entry == 'none':
            amount = 0
        elif amount is None:
            amount = 30000 + self.numbers
        return outside.Sale(kind, f'H{self.numbers}', amount, entry, original)

    def begin(self, sale):
        """Up to its wait for a card: its path."""
        self.note('call', sale.words())
        self.made.add(sale.reference)
        path, error = self.start(sale)
        if path and self.until(lambda: self.state(path) in ('waiting-card', 'done'), 60):
            return path
        self.tap.note(f'{sale.words()} does not wait for a card: {error}')
        return None

    def state(self, path):
        return self.views.get(path, {}).get('State')

    def end(self, path, seconds=PATIENCE):
        """How it ends; the card goes home."""
        ended = self.until(lambda: self.state(path) == 'done', seconds)
        outside.sim('remove')
        return self.views[path]['Result'] if ended else None

    def clear_jam(self):
        """Who frees the cutter takes out what hangs in it: the next paper is not on the same sheet."""
        if b'error=cutter' in (outside.sim('status') or b''):
            outside.sim('tear')

    def resolve(self):
        """Whose end is not known is asked for at the acquirer, and told by a supervisor."""
        for fault in self.list_faults(open=True) or ():
            if fault['Code'] != 'result-unconfirmed':
                continue
            path = f'{outside.MANAGER}/transaction/{fault["Subject"]}'
            reply, error = self.ask(path, 'org.freedesktop.DBus.Properties', 'GetAll',
                                    GLib.Variant('(s)', ('org.tilld1.Transaction',)))
            if reply:
                booked = self.ledger.execute("SELECT id FROM transactions WHERE batch = ? AND stan = ?"
                                             " AND effect = 'approved'", (reply[0]['Batch'], reply[0]['Stan'])).fetchone()
                words = ('approved' if booked else 'declined', 'by batch and STAN')
                error = self.ask(path, 'org.tilld1.Transaction', 'Resolve', GLib.Variant('(ss)', words))[1]
                self.tap.note(f'{reply[0]["Reference"]} is {words[0]}, by the acquirer')
            if error:
                self.tap.note(f'{path} is not resolved: {error}')

    def look_at_books(self):
        """What is wrong with them; a test page is no transaction's, and not kept."""
        directory = f'{self.directory}/witnesses'
        said = witnesses.look(self, directory)
        pages = {f'job {id} is said to be printed, and never came out'
                 for id, in rows(directory, "SELECT id FROM print_jobs WHERE what = 'test-page'")}
        return [line for line in said if line not in pages]


def command(*words, seconds=120):
    """Whether it succeeds, and what it said."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, text=True, errors='replace', check=False)
    except subprocess.TimeoutExpired:
        return False, f'{words[0]} has not ended in {seconds} s'
    return done.returncode == 0, done.stdout


def warnings(since, reasons):
    """What our services have said since, of warning and worse, but for what has a reason."""
    lines = command('journalctl', '-q', '-b', '--no-pager', '-o', 'short-monotonic', '-p', 'warning', f'--since=@{since}',
                    '-u', 'tilld', '-u', 'till-*')[1].splitlines()
    return [line for line in lines if not any(reason in line for reason in reasons)]


def rows(directory, sql, *values):
    db = sqlite3.connect(f'file:{directory}/test.db?mode=ro', uri=True)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()
