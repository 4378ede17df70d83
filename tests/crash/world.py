# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a terminal lives in: an acquirer of its own, a directory for its state, and many terminals one after another."""

import contextlib, ctypes, hashlib, os, pathlib, shutil, signal, socket, sqlite3, subprocess, tempfile, time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = pathlib.Path(os.environ.get('O', TOP / 'build')).resolve()
IS_MUTANT = 'TILL_CRASH_TERMINAL' in os.environ
TERMINAL = os.environ.get('TILL_CRASH_TERMINAL', str(OUT / 'crash/terminal'))
TRACER = str(OUT / 'crash/tracer')
ACQUIRER = str(OUT / 'till-acquirer')
# Journals are made to be durable, and nobody needs these to be: in memory a sync costs nothing.
SCRATCH = '/dev/shm' if os.access('/dev/shm', os.W_OK) else tempfile.gettempdir()
STEP_SECONDS = 60


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def make_scratch():
    """A directory that goes with this process; what a killed one left behind goes too."""
    for old in pathlib.Path(SCRATCH).glob('till-crash-*'):
        pid = old.name.split('-')[2]
        if pid.isdigit() and not os.path.exists(f'/proc/{pid}'):
            shutil.rmtree(old, ignore_errors=True)
    return pathlib.Path(tempfile.mkdtemp(prefix=f'till-crash-{os.getpid()}-', dir=SCRATCH))


def make_keys(directory):
    subprocess.run(['packaging/till-acquirer-setup', directory], cwd=TOP, check=True, stdout=subprocess.DEVNULL)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def copy_files(source, target):
    os.makedirs(target, exist_ok=True)
    for entry in os.scandir(source):
        if entry.is_dir():
            copy_files(entry.path, f'{target}/{entry.name}')
        elif entry.is_file():
            with open(entry.path, 'rb') as a, open(f'{target}/{entry.name}', 'wb') as b:
                b.write(a.read())


def tlv(*fields):
    return ''.join(f'{tag}{len(value) // 2:02X}{value}' if len(value) < 256 else f'{tag}81{len(value) // 2:02X}{value}'
                   for tag, value in fields)


def downloads():
    """What an acquirer has to give: two applications and two keys that no card has, a line each."""
    applications = [tlv(('9F06', f'A0000003330101{n}'), ('DF01', '01'), ('9F08', '0030'), ('DF11', 'D84000A800'),
                        ('DF12', 'D84004F800'), ('DF13', '0010000000'), ('9F1B', '00000000'), ('DF15', '00000000'),
                        ('DF16', '00'), ('DF17', '00'), ('DF14', '9F3704')) for n in ('01', '77')]
    keys = []
    for index in ('71', '72'):
        modulus = 'B1' + index * 126 + '01'
        sha1 = hashlib.sha1(bytes.fromhex(f'A000000333{index}{modulus}03')).hexdigest().upper()
        keys.append(tlv(('9F06', 'A000000333'), ('9F22', index), ('DF02', modulus), ('DF04', '03'), ('DF03', sha1)))
    return {'parameters': applications, 'ca-keys': keys}


class Acquirer:
    """A till-acquirer. Terminals are told apart by their number, so that one serves many."""

    # A ledger grows with each: from here on a new one is quicker.
    TERMINALS_MAX = 400

    def __init__(self, directory, keys):
        self.directory = pathlib.Path(directory)
        copy_files(keys, self.directory)
        for name, objects in downloads().items():
            (self.directory / name).write_text('\n'.join(objects) + '\n')
        self.terminals = 0
        self.ledger_path = str(self.directory / 'ledger.db')
        self.control = str(self.directory / 'control')
        self.start()

    def start(self):
        self.port = free_port()
        (self.directory / 'acquirer.conf').write_text(
            f'[acquirer]\nlisten=127.0.0.1:{self.port}\nstate={self.directory}\ncontrol={self.control}\n'
            f'issuer=tests/sim/issuer/issuer.conf\n')
        log = open(self.directory / 'log', 'ab')
        self.process = subprocess.Popen([ACQUIRER, '-c', self.directory / 'acquirer.conf', 'run'], cwd=TOP,
                                        stdout=log, stderr=log, preexec_fn=die_with_parent)
        log.close()
        for _ in range(500):
            if os.path.exists(self.control):
                break
            time.sleep(0.01)
        else:
            raise RuntimeError(f'till-acquirer does not start: {(self.directory / "log").read_text()}')
        self.ledger = sqlite3.connect(self.ledger_path, isolation_level=None, timeout=10)
        self.ledger.execute('CREATE INDEX IF NOT EXISTS messages_terminal ON messages (terminal)')

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.ledger.close()

    def ask(self, command):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(self.control)
            s.send(command.encode())
            answer = s.recv(8192).decode()
        if not answer.startswith('ok'):
            raise RuntimeError(f'{command}: {answer}')

    def new_terminal(self):
        self.terminals += 1
        return f'T{self.terminals:07d}'

    def clone(self, terminal, to):
        """`to` has done with the acquirer what `terminal` has."""
        ids = {0: 0}
        for table in ('terminals', 'transactions', 'messages', 'batches', 'uploads'):
            cursor = self.ledger.execute(f'SELECT * FROM {table} WHERE terminal = ? ORDER BY rowid', (terminal,))
            names = [column[0] for column in cursor.description]
            for values in cursor.fetchall():
                row = dict(zip(names, values), terminal=to)
                old = row.pop('id', None)
                if 'original' in row:
                    row['original'] = ids.get(row['original'])
                marks = ', '.join('?' * len(row))
                new = self.ledger.execute(f'INSERT INTO {table} ({", ".join(row)}) VALUES ({marks})', [*row.values()])
                if table == 'transactions':
                    ids[old] = new.lastrowid


class Terminal:
    """One terminal: its number, its state and what it has told the world."""

    def __init__(self, acquirer, directory, keys, number):
        self.acquirer, self.directory, self.keys, self.number = acquirer, str(directory), str(keys), number
        os.makedirs(self.directory, exist_ok=True)

    def command(self, steps, answer_seconds=60, port=None, record_power=False, memory=()):
        return [TERMINAL, '-d', self.directory, '-k', self.keys, '-p', str(port or self.acquirer.port),
                '-t', self.number, '-a', str(answer_seconds), *(['-w'] if record_power else []), *memory, *steps]

    def run(self, steps, **how):
        """Returns the exit status; the log of the last run is in the file log."""
        return self._run(self.command(steps, **how)).returncode

    def trace(self, tracing, steps, **how):
        """Under the tracer; returns what it said."""
        return self._run([TRACER, '-t', str(STEP_SECONDS), *tracing, *self.command(steps, **how)]).stdout.decode().strip()

    def _run(self, command):
        with open(f'{self.directory}/log', 'ab') as log:
            return subprocess.run(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                  timeout=2 * STEP_SECONDS)

    # So that its state may become another's, who then takes his own number.
    def forget_number(self):
        with contextlib.closing(sqlite3.connect(f'{self.directory}/test.db', isolation_level=None)) as journal:
            journal.execute("DELETE FROM wrapped_keys WHERE name = 'identity'")

    def forget(self):
        shutil.rmtree(self.directory, ignore_errors=True)
