# SPDX-License-Identifier: LGPL-2.1-or-later
"""A log of dm-log-writes, and the disks that a power cut leaves. A write stands in the log only when a flush has begun
after it was done, so in front of that flush; a mark stands there at once. So at any point of the log what lies before
the flush before it is on the disk, what was written with FUA too, and of the writes behind it each sector is or is not."""

import bisect, random, struct

SUPER, ENTRY = struct.Struct('<3QI'), struct.Struct('<4Q')
MAGIC, SECTOR = 0x6a736677736872, 512
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8


class Log:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = f.read()
        magic, version, count, sector = SUPER.unpack_from(self.data)
        if magic != MAGIC or version != 1 or sector != SECTOR:
            raise RuntimeError(f'{path} is no log of dm-log-writes')
        self.entries = []  # (sector, size, flags, where its bytes are)
        at = SECTOR
        for _ in range(count):
            sector, sectors, flags, size = ENTRY.unpack_from(self.data, at)
            start = at + ENTRY.size if flags & MARK else at + SECTOR
            size = size if flags & MARK else sectors * SECTOR
            self.entries.append((sector * SECTOR, size, flags, start))
            at += SECTOR + (0 if flags & (MARK | DISCARD) else size)
        self.marks, self.marked = [], []
        for i, (_, size, flags, start) in enumerate(self.entries):
            text = self.data[start:start + size]
            if flags & MARK and text.isdigit():
                self.marks.append(i)
                self.marked.append(int(text))

    def writes(self):
        return sum(not flags & MARK and size > 0 for _, size, flags, _ in self.entries)

    def last_mark(self, point):
        """The last mark that was made before the cut."""
        at = bisect.bisect_left(self.marks, point)
        return self.marked[at - 1] if at else 0

    def position(self, mark):
        return self.marks[bisect.bisect_left(self.marked, mark)]


def put(disk, log, entry, start=0, size=None):
    offset, length, flags, at = entry
    size = length if size is None else size
    disk[offset + start:offset + start + size] = bytes(size) if flags & DISCARD else log.data[at + start:at + start + size]


class Disk:
    """What is on it for certain, brought forward from cut to cut."""

    def __init__(self, log, image):
        self.log, self.done = log, 0
        with open(image, 'rb') as f:
            self.disk = bytearray(f.read())

    # Up to the last flush before the point.
    def advance(self, point):
        flushes = [i for i in range(self.done, point) if self.log.entries[i][2] & FLUSH]
        if not flushes:
            return
        for entry in self.log.entries[self.done:flushes[-1] + 1]:
            if not entry[2] & MARK:
                put(self.disk, self.log, entry)
        self.done = flushes[-1] + 1

    # All writes that may be on their way at the point. They stand behind the marks of their time, so the first of them
    # in front of the point says that all had been begun.
    def under_way(self, point):
        begun, found = False, []
        for i, entry in enumerate(self.log.entries[self.done:], self.done):
            if entry[2] & FLUSH:
                break
            if not entry[2] & MARK:
                begun = begun or i < point
                found.append((entry, entry[2] & FUA and i < point))
        return found if begun else []

    def cut(self, point, seed):
        """The disk, how many writes were on their way, and how many of these are lost or torn."""
        self.advance(point)
        rng, disk, lost = random.Random(seed), bytearray(self.disk), 0
        share = rng.choice((0, 0.1, 0.5, 0.9, 1))
        writes = self.under_way(point)
        for entry, is_certain in writes:
            # The file system's own head is not torn: that ext4 does not survive either.
            size = entry[1] if entry[0] == 0 or share in (0, 1) or rng.random() < 0.5 else SECTOR
            for start in range(0, entry[1], size):
                if is_certain or rng.random() < share:
                    put(disk, self.log, entry, start, size)
                else:
                    lost += size == entry[1] or 1 / (entry[1] // size)
        return disk, len(writes), round(lost)
