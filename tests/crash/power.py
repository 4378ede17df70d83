# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk that is left when the power goes: what was synced, and of the rest whatever the kernel had got to."""

import os, random, shutil, struct

RECORD = struct.Struct('=IIQQ')  # struct power_record
CREATED, WRITTEN, TRUNCATED, SYNCED, DELETED, RENAMED, DIRECTORY_SYNCED = range(7)
SECTOR = 512
# What the terminal itself writes; the rest of its directory is what the world knows.
OWN = ('test.db', 'emv.d')


def read_records(path):
    with open(path, 'rb') as f:
        log = f.read()
    at = 0
    while at + RECORD.size <= len(log):
        what, name_size, offset, size = RECORD.unpack_from(log, at)
        at += RECORD.size
        end = at + name_size + size
        # Killed in the middle of a note: what it says was not done yet.
        if end > len(log):
            return
        yield what, log[at:at + name_size].decode(), offset, log[at + name_size:end]
        at = end


class File:
    def __init__(self, content=b''):
        self.content = bytearray(content)  # as it is on the disk for certain
        self.pending = []  # in the order of the calls

    def sync(self):
        for change in self.pending:
            self.apply(*change)
        self.pending = []

    def apply(self, what, offset, data):
        if what == TRUNCATED:
            del self.content[offset:]
        self.content.extend(bytes(max(0, offset - len(self.content))))
        if what == WRITTEN:
            self.content[offset:offset + len(data)] = data

    # Each change, or each sector of one, has reached the disk or has not.
    def cut(self, rng):
        share = rng.choice((0, 0.1, 0.5, 0.9, 1))
        for what, offset, data in self.pending:
            if what != WRITTEN or share in (0, 1) or rng.random() < 0.5:
                if rng.random() < share:
                    self.apply(what, offset, data)
                continue
            for start in range(0, len(data), SECTOR):
                if rng.random() < share:
                    self.apply(WRITTEN, offset + start, data[start:start + SECTOR])


class Names:
    """The directories. What was done to them goes to the disk in its order, but nobody knows how far."""

    def __init__(self, files):
        self.there, self.certain, self.pending = dict(files), dict(files), []

    @staticmethod
    def apply(names, what, name, target):
        if what == CREATED:
            names[name] = target
        elif name in names:
            file = names.pop(name)
            if what == RENAMED:
                names[target] = file

    def change(self, what, name, target=None):
        self.apply(self.there, what, name, target)
        self.pending.append((what, name, target))

    def sync(self, upto=None):
        for change in self.pending[:upto]:
            self.apply(self.certain, *change)
        self.pending = [] if upto is None else self.pending[upto:]

    # A file that is written to and was never said to be made was there: SQLite's is_new is a guess.
    def file(self, name):
        if name not in self.there:
            self.change(CREATED, name, File())
        return self.there[name]


def own_files(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.relpath(f'{folder}/{name}', directory)
            if path.startswith(OWN) and not path.endswith('-shm'):
                yield path


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def replay(before, log):
    names = Names({name: File(read(f'{before}/{name}')) for name in own_files(before)})
    for what, name, offset, data in read_records(log):
        if what == DIRECTORY_SYNCED:
            names.sync()
        elif what == CREATED:
            names.change(CREATED, name, File())
        elif what == DELETED:
            names.change(DELETED, name)
        elif what == RENAMED:
            names.change(RENAMED, name, data.decode())
        elif what == SYNCED:
            names.file(name).sync()
        else:
            names.file(name).pending.append((what, offset, data))
    return names


def cut(before, directory, seed):
    """Leaves in the directory what a cut leaves of it; `before` has it as it was at the start of the log."""
    names, rng = replay(before, f'{directory}/power.log'), random.Random(seed)
    names.sync(rng.choice((0, len(names.pending), rng.randint(0, len(names.pending)))))
    for name in os.listdir(directory):
        if name.startswith(OWN):
            (shutil.rmtree if os.path.isdir(f'{directory}/{name}') else os.unlink)(f'{directory}/{name}')
    for name, file in sorted(names.certain.items()):
        file.cut(rng)
        os.makedirs(os.path.dirname(f'{directory}/{name}'), exist_ok=True)
        with open(f'{directory}/{name}', 'wb') as f:
            f.write(file.content)
