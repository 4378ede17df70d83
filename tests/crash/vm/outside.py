# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands around the terminal in the VM: a checkout on the bus, the line to the acquirer, the paper. One thread, so
that all that becomes known has one order; note() writes it down, a line each, as story.py reads it."""

import os, random, socket, sqlite3, subprocess, time

from gi.repository import Gio, GLib

NAME, MANAGER = 'org.tilld1', '/org/tilld1'
STATE, LEDGER = '/var/lib/tilld', '/var/lib/till-acquirer/ledger.db'
LINE, ACQUIRER = 8584, 8583
KEY = bytes([7]) + bytes(31)  # the storage key of terminal.c
CONFIG = f'[terminal]\nmode=test\n[acquirer]\nhosts=localhost:{LINE}\nanswer-timeout=5\n'


def run(*command, **how):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **how).stdout


def set_up():
    """A terminal in test mode on the line below, under a key that others know too. tilld is left stopped."""
    run('systemctl', 'stop', 'tilld')
    os.makedirs('/etc/tilld/tilld.conf.d', exist_ok=True)
    with open('/etc/tilld/tilld.conf.d/50-crash.conf', 'w') as f:
        f.write(CONFIG)
    key = '/etc/credstore.encrypted/tilld.storage-key'
    run('systemd-creds', 'encrypt', '--name=storage-key', '-', f'{key}.new', input=KEY)
    os.replace(f'{key}.new', key)
    for name in os.listdir(STATE):
        if name.endswith(('.db', '-wal', '-shm')):
            os.unlink(f'{STATE}/{name}')


def put_before(library):
    """tilld runs with it before libc."""
    os.makedirs('/run/systemd/system/tilld.service.d')
    with open('/run/systemd/system/tilld.service.d/crash.conf', 'w') as f:
        f.write(f'[Service]\nEnvironment=LD_PRELOAD={library}\n')
    run('systemctl', 'daemon-reload')


def sim(command):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect('/run/till-sim/control')
        s.sendall(f'{command}\n'.encode())
        answer = b''.join(iter(lambda: s.recv(65536), b''))
    return answer[3:] if answer.startswith(b'ok\n') else None


def acquirer(command):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect('/run/till-acquirer/control')
        s.send(command.encode())
        return s.recv(8192)


def copy_ledger(target):
    source = sqlite3.connect(f'file:{LEDGER}?mode=ro', uri=True)
    copy = sqlite3.connect(target)
    source.backup(copy)
    copy.close()
    source.close()


def is_error(error, *names):
    return bool(error) and error.split(':')[0].endswith(names)


class Outside:
    def __init__(self, directory, mark=None, keep_ledgers=False, durable=False):
        self.directory, self.mark, self.keep_ledgers, self.durable = directory, mark, keep_ledgers, durable
        os.makedirs(directory, exist_ok=True)
        self.story = open(f'{directory}/story', 'a+', buffering=1)
        self.noted = self.slips = self.ledgers = 0
        self.views, self.pid, self.on_note = {}, None, None
        self.unfinished = self.read_story()
        self.bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
        self.bus.signal_subscribe(NAME, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', None, None,
                                  Gio.DBusSignalFlags.NONE, self.on_changed)
        Gio.bus_watch_name_on_connection(self.bus, NAME, Gio.BusNameWatcherFlags.NONE, self.on_there, self.on_gone)
        self.ledger = sqlite3.connect(f'file:{LEDGER}?mode=ro', uri=True)
        self.ledger_version = None
        self.lay_line()
        GLib.timeout_add(100, self.look)

    def note(self, what, text=''):
        self.noted += 1
        self.story.write(f'{what} {text}\n')
        if self.durable:
            os.fsync(self.story.fileno())
        if self.mark:
            self.mark(str(self.noted))
        if self.on_note:
            self.on_note()

    def read_story(self):
        """What an earlier boot has left: the calls whose end was never told."""
        self.story.seek(0)
        calls, ended = {}, set()
        for line in self.story:
            what, *words = line.split()
            if what == 'call':
                kind, reference, amount, entry, original = words
                calls[reference] = Sale(kind, reference, int(amount), entry, None if original == '-' else original)
            elif what == 'told' and words[1] == 'done':
                ended.add(words[0])
        self.made = set(calls)
        return [call for reference, call in calls.items() if reference not in ended]

    # ---- Time ----

    def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            GLib.MainContext.default().iteration(True)
        return True

    def look(self):
        self.look_at_ledger()
        self.look_at_paper()
        return True

    # ---- The ledger, the line, the paper ----

    def look_at_ledger(self):
        version = self.ledger.execute('PRAGMA data_version').fetchone()[0]
        if not self.keep_ledgers or version == self.ledger_version:
            return
        self.ledger_version = version
        copy_ledger(f'{self.directory}/ledger-{self.ledgers}.db')
        self.note('ledger', self.ledgers)
        self.ledgers += 1

    def lay_line(self):
        self.listener = socket.create_server(('127.0.0.1', LINE))
        GLib.io_add_watch(self.listener.fileno(), GLib.IO_IN, self.on_caller)

    def on_caller(self, *_):
        near = self.listener.accept()[0]
        try:
            far = socket.create_connection(('127.0.0.1', ACQUIRER))
        except OSError:
            near.close()
            return True
        for a, b in ((near, far), (far, near)):
            GLib.io_add_watch(a.fileno(), GLib.IO_IN | GLib.IO_HUP | GLib.IO_ERR, self.on_bytes, a, b, a is near)
        return True

    # What goes out may be booked from then on; what comes back has been booked.
    def on_bytes(self, fd, condition, a, b, outward):
        try:
            data = a.recv(65536)
            if data and outward:
                self.note('sent', len(data))
            elif data:
                self.look_at_ledger()
            if data:
                b.sendall(data)
                return True
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return False

    def look_at_paper(self):
        while True:
            text = sim(f'text {self.slips}')
            if text is None:
                return
            self.slips += 1
            self.note('paper', text.decode().encode('gbk', 'replace').hex())

    def throw_paper_away(self):
        self.look_at_paper()
        sim('clear')
        self.slips = 0

    # ---- The checkout ----

    def on_there(self, bus, name, owner):
        pid = bus.call_sync('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetConnectionUnixProcessID',
                            GLib.Variant('(s)', (owner,)), None, Gio.DBusCallFlags.NONE, -1, None)
        self.pid = pid.unpack()[0]
        self.call(MANAGER, 'org.tilld1.Manager', 'Subscribe', None, lambda *_: None)

    def on_gone(self, bus, name):
        self.pid = None

    def call(self, path, interface, method, arguments, done):
        def on_reply(bus, result):
            try:
                reply = bus.call_finish(result)
            except GLib.Error as e:
                return done(None, e.message.removeprefix('GDBus.Error:'))
            done(reply.unpack(), None)
        self.bus.call(NAME, path, interface, method, arguments, None, Gio.DBusCallFlags.NO_AUTO_START, 20000, None, on_reply)

    def ask(self, path, interface, method, arguments=None, seconds=25):
        """The reply, or the error: its name, and what it says."""
        answer = []
        self.call(path, interface, method, arguments, lambda *words: answer.append(words))
        self.until(lambda: answer, seconds)
        return answer[0] if answer else (None, 'no answer')

    def on_changed(self, bus, sender, path, interface, signal, parameters):
        name, changed, _ = parameters.unpack()
        if name != 'org.tilld1.Transaction':
            return
        if path not in self.views:
            return self.read(path)
        self.views[path].update(changed)
        self.tell(self.views[path])

    def read(self, path):
        def on_read(reply, error):
            if reply:
                self.views[path] = reply[0]
                self.tell(reply[0])
        self.call(path, 'org.freedesktop.DBus.Properties', 'GetAll', GLib.Variant('(s)', ('org.tilld1.Transaction',)), on_read)

    def tell(self, view):
        self.note('told', f'{view["Reference"]} {view["State"]} {view["Result"] or "none"} {view["Reversal"]}')

    def property(self, name):
        reply, _ = self.ask(MANAGER, 'org.freedesktop.DBus.Properties', 'Get',
                            GLib.Variant('(ss)', ('org.tilld1.Manager', name)))
        return reply and reply[0]

    def find(self, reference):
        reply, error = self.ask(MANAGER, 'org.tilld1.Manager', 'FindTransaction', GLib.Variant('(s)', (reference,)))
        return reply and reply[0]

    def is_at_rest(self):
        return (self.pid and self.property('CurrentTransaction') == '/' and self.property('PendingReversals') == 0
                and self.property('PendingForwards') == 0 and self.property('PendingPrintJobs') == 0)

    def rest(self, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.is_at_rest():
                # What is said last is heard, and what is printed last is seen.
                self.until(lambda: False, 0.5)
                self.look()
                return True
            self.until(lambda: False, 0.3)
        return False

    def start(self, sale):
        """Starts it, or finds it again: the same call each time. Its path; None where tilld is gone or refuses."""
        options = {}
        if sale.original:
            options['original'] = GLib.Variant('o', self.find(sale.original) or '/')
        reply, error = self.ask(MANAGER, 'org.tilld1.Manager', 'StartTransaction',
                                GLib.Variant('(sxssa{sv})', (sale.kind, sale.amount, sale.currency, sale.reference, options)))
        if not reply:
            return None, error
        self.views.pop(reply[0], None)
        self.read(reply[0])
        return reply[0], None

    def present_card(self, sale):
        if sale.entry == 'chip':
            sim('remove')
            sim('insert unionpay')
        elif sale.entry == 'stripe':
            sim('swipe stripe')

    # Until the checkout knows how it ended, whatever happens to tilld meanwhile; what it is refused with ends it too.
    def transact(self, sale, seconds=120):
        if sale.reference not in self.made:
            self.note('call', sale.words())
            self.made.add(sale.reference)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.until(lambda: self.pid, 30):
                continue
            path, error = self.start(sale)
            if error and error.startswith('org.tilld1.Error.') and not is_error(
                    error, 'Busy', 'NotReady', 'UnavailableDevice'):
                return error
            if not path:
                self.until(lambda: False, 0.5)
                continue
            result = self.follow(path, sale, end)
            if result:
                return result
        return None

    def follow(self, path, sale, end):
        pid, shown = self.pid, 0
        state = lambda: self.views.get(path, {}).get('State')
        while time.monotonic() < end and self.pid == pid:
            if state() == 'done':
                sim('remove')
                return self.views[path]['Result']
            if state() == 'waiting-card' and time.monotonic() > shown + 4:
                shown = time.monotonic()
                self.present_card(sale)
            seen = state()
            self.until(lambda: self.pid != pid or state() != seen, 1)
        return None


class Sale:
    """A call: its kind, how the card is read, and what it is about."""

    def __init__(self, kind, reference, amount, entry, original=None):
        self.kind, self.reference, self.amount, self.entry, self.original = kind, reference, amount, entry, original
        self.currency = '' if entry == 'none' else 'CNY'

    def words(self):
        return f'{self.kind} {self.reference} {self.amount} {self.entry} {self.original or "-"}'


# What the acquirer and its line do wrong, for one request.
WRONGS = ['', '', '', '', 'drop-answer', 'close-answer', 'bad-mac', 'decline 51', 'delay 1', 'close', 'drop']


def workload(seed):
    """Without end: each call and what goes wrong with it. The same for each seed."""
    rng, n = random.Random(seed), 1
    sold = {'stripe': [], 'chip': []}
    held = {'stripe': [], 'chip': []}
    while True:
        entry = rng.choice(('stripe', 'stripe', 'chip'))
        kind = rng.choice(('sale', 'sale', 'sale', 'void', 'refund', 'pre-authorization', 'completion',
                           'pre-authorization-void', 'echo', 'settlement'))
        reference, amount, original = f'R{n}', 1000 + n, None
        wrong = rng.choice(WRONGS)
        pool = sold if kind in ('void', 'refund') else held
        if kind in ('void', 'refund', 'completion', 'pre-authorization-void'):
            if not pool[entry]:
                kind = 'sale' if pool is sold else 'pre-authorization'
            else:
                original, amount = pool[entry].pop(rng.randrange(len(pool[entry])))
        # There is nothing yet that could be settled.
        if kind == 'settlement' and not sold['stripe'] + sold['chip']:
            kind = 'echo'
        if kind in ('echo', 'settlement'):
            entry, amount, wrong = 'none', 0, ''
        if kind == 'settlement':
            sold = {'stripe': [], 'chip': []}
        if kind in ('sale', 'pre-authorization') and wrong in ('', 'delay 1'):
            (sold if kind == 'sale' else held)[entry].append((reference, amount))
        n += 1
        yield Sale(kind, reference, amount, entry, original), wrong
