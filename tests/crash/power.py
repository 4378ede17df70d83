# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk that is left when the power goes: what was synced, and of the rest whatever the kernel had got to."""

import os, random, struct

RECORD = struct.Struct('=IIQQ')  # struct power_record
CREATED, WRITTEN, TRUNCATED, SYNCED, DELETED, DELETED_FOR_GOOD = range(6)
SECTOR = 512


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
    def __init__(self, content):
        self.content = content  # as it is on the disk for certain; None: it is not there
        self.pending = []  # in the order of the calls

    def sync(self):
        for change in self.pending:
            self.apply(*change)
        self.pending = []
        self.content = self.content if self.content is not None else bytearray()

    def apply(self, what, offset, data):
        if what == DELETED:
            self.content = None
            return
        if self.content is None:
            self.content = bytearray()
        if what == TRUNCATED:
            del self.content[offset:]
        if what in (WRITTEN, TRUNCATED):
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


def cut(before, directory, seed):
    """Leaves in the directory the database as a cut leaves it; `before` has it as it was at the start of the log."""
    files = {}
    for name in os.listdir(before):
        if name.startswith('test.db') and not name.endswith('-shm'):
            with open(f'{before}/{name}', 'rb') as f:
                files[name] = File(bytearray(f.read()))
    for what, name, offset, data in read_records(f'{directory}/power.log'):
        file = files.setdefault(name, File(None))
        if what == SYNCED:
            file.sync()
        elif what == DELETED_FOR_GOOD:
            files[name] = File(None)
        else:
            file.pending.append((what, offset, data))

    rng = random.Random(seed)
    for name in os.listdir(directory):
        if name.startswith('test.db'):
            os.unlink(f'{directory}/{name}')
    for name, file in sorted(files.items()):
        file.cut(rng)
        if file.content is not None:
            with open(f'{directory}/{name}', 'wb') as f:
                f.write(file.content)
