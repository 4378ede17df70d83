# SPDX-License-Identifier: LGPL-2.1-or-later
"""What became known outside of a terminal in the VM (vm/outside.py), as the checker wants it: told.log and paper.log."""

import collections, itertools, os, sqlite3

import check

JOBS = {'MERCHANT COPY': 'merchant-copy', 'CARDHOLDER COPY': 'cardholder-copy', 'NOT COMPLETED': 'not-completed',
        'SETTLEMENT': 'settlement'}
Call = collections.namedtuple('Call', 'kind reference amount entry original')


class Story:
    def __init__(self, path):
        self.lines = [line.split(' ', 1) for line in check.read_lines(path)]

    def of(self, what, end=None):
        return [words for kind, words in self.lines[:end] if kind == what]

    def calls(self, end=None):
        return [Call(*words.split()) for words in self.of('call', end)]

    def begin(self):
        return 1 + [kind for kind, _ in self.lines].index('begin')

    def late_papers(self, end):
        """Those of the call that was under way: they come out some time before they are seen."""
        rest = itertools.takewhile(lambda line: line[0] != 'call', self.lines[end:])
        return [words for kind, words in rest if kind == 'paper']

    def told(self, end=None):
        return ''.join(f'{words}\n' for words in self.of('told', end))

    # At the time of the cut what was sent last may have been booked, or not yet: both are true of a real one.
    def ledger(self, end, rng):
        known = self.of('ledger', end)[-1]
        behind = [kind for kind, _ in self.lines[:end]][::-1]
        if 'sent' in behind[:behind.index('ledger')]:
            for kind, words in self.lines[end:]:
                if kind == 'sent':
                    break
                if kind == 'ledger':
                    return rng.choice((known, words))
        return known


def write_papers(target, papers, journal, late=()):
    """Puts the papers that were seen into paper.log, each with the number of its print job, which paper does not show.
    Of those that were seen late, after the moment that counts, the ones that the journal knows to be printed."""
    db = sqlite3.connect(f'file:{journal}?mode=ro', uri=True)
    jobs, printed = collections.defaultdict(list), set()
    for number, reference, what, state in db.execute('SELECT j.id, t.reference, j.what, j.state FROM print_jobs j'
                                                     ' JOIN transactions t ON t.id = j.transaction_id ORDER BY j.id'):
        # A settlement's paper shows its batch instead.
        jobs[None if what == 'settlement' else reference, what].append(number)
        if state == 'printed':
            printed.add(number)
    db.close()
    lines = [line + '\n' for line in check.read_lines(target)] if os.path.exists(target) else []
    out = {int(line.split()[0]) for line in lines}
    seen = []
    for i, data in enumerate([*papers, *late]):
        p = check.read_paper(f'0 {data}')
        of = jobs[None if p.what == 'SETTLEMENT' else p.reference, JOBS.get(p.what)]
        number = of.pop(0) if len(of) > 1 else of[0] if of else 0
        if i < len(papers) or (number in printed and number not in out):
            seen.append(f'{number} {data}\n')
    with open(target, 'w') as f:
        f.write(''.join(seen + lines))
