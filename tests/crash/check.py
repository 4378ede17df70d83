#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# check.py DIRECTORY LEDGER TERMINAL - holds four witnesses against each other, once a terminal has come to rest: its
# journal (DIRECTORY/test.db), the acquirer's ledger, the papers that came out (paper.log) and what the checkout was
# told (told.log). Prints each thing that must not be, a line each. The journal is read by SQL of its own, not by the
# daemon's code. Each reference of a run has an amount of its own: so the ledger shows which attempt charged what.

import collections, hashlib, os, re, sqlite3, struct, sys

# What has no effect on money.
SERVICES = ('sign-on', 'sign-off', 'echo', 'parameters', 'ca-keys', 'settlement', 'batch-upload', 'chip-upload',
            'batch-upload-end', 'binding-check', 'binding-confirm', 'binding-withdraw')
FREE = SERVICES + ('balance',)
# What is approved here and told to the acquirer until it answers.
ADVICES = ('tip', 'offline-sale')
# What the acquirer gives, and the file that it is kept in.
DOWNLOADS = {'parameters': '65-acquirer-applications.conf', 'ca-keys': '85-acquirer-ca-keys.conf'}
# What takes an original back, all of it.
VOIDS = ('void', 'pre-authorization-void', 'completion-void')
ENDS_REVERSAL = ('00', '12', '25')
COPIES = ('MERCHANT COPY', 'CARDHOLDER COPY')


class Witnesses:
    def __init__(self, directory, ledger_path, terminal):
        journal = sqlite3.connect(f'file:{directory}/test.db?mode=ro', uri=True)
        journal.row_factory = sqlite3.Row
        rows = lambda db, sql, *values: [dict(row) for row in db.execute(sql, values)]
        self.transactions = rows(journal, 'SELECT * FROM transactions ORDER BY id')
        self.reversals = {r['transaction_id']: r for r in rows(journal, 'SELECT * FROM reversals')}
        self.forwards = {r['transaction_id'] for r in rows(journal, 'SELECT transaction_id FROM forwards')}
        self.withdrawals = {r['transaction_id'] for r in rows(journal, 'SELECT transaction_id FROM withdrawals')}
        self.jobs = rows(journal, 'SELECT id, transaction_id, what, duplicate, state FROM print_jobs ORDER BY id')
        self.notices = rows(journal, 'SELECT event, transaction_id FROM notices')
        self.bound = bool(rows(journal, 'SELECT id FROM bindings'))
        self.batches = rows(journal, 'SELECT * FROM batches ORDER BY number')
        self.counters = {r['name']: r['value'] for r in rows(journal, 'SELECT * FROM counters')}
        self.events = rows(journal, 'SELECT * FROM events ORDER BY seq')
        self.checkpoints = {r['seq']: r['hash'] for r in rows(journal, 'SELECT * FROM checkpoints')}
        self.damage = [row[0] for row in journal.execute('PRAGMA quick_check') if row[0] != 'ok']
        self.damage += [f'foreign key of {row[0]}' for row in journal.execute('PRAGMA foreign_key_check')]
        journal.close()

        ledger = sqlite3.connect(f'file:{ledger_path}?mode=ro', uri=True)
        ledger.row_factory = sqlite3.Row
        self.charges = rows(ledger, 'SELECT * FROM transactions WHERE terminal = ? ORDER BY id', terminal)
        self.settled = {b['batch']: b['state'] for b in rows(ledger, 'SELECT * FROM batches WHERE terminal = ?', terminal)}
        self.uploads = rows(ledger, 'SELECT * FROM uploads WHERE terminal = ?', terminal)
        self.changes = rows(ledger, 'SELECT * FROM changes WHERE terminal = ?', terminal)
        self.messages = rows(ledger, 'SELECT * FROM messages WHERE terminal = ? ORDER BY id', terminal)
        ledger.close()

        # What there is to download, and what is there of it: of each a line or a section for each object.
        of = os.path.dirname(ledger_path)
        self.given = {kind: len(read_lines(f'{of}/{kind}')) for kind in DOWNLOADS if os.path.exists(f'{of}/{kind}')}
        self.taken = {kind: sum(line.startswith('[') for line in read_lines(f'{directory}/emv.d/{name}'))
                      for kind, name in DOWNLOADS.items() if os.path.exists(f'{directory}/emv.d/{name}')}
        self.told = [line.split() for line in read_lines(f'{directory}/told.log')]
        self.papers = [read_paper(line) for line in read_lines(f'{directory}/paper.log')]


def read_lines(path):
    with open(path) as f:
        return f.read().splitlines()


Paper = collections.namedtuple('Paper', 'job reference what duplicate')


def read_paper(line):
    job, data = line.split()
    text = bytes.fromhex(data).decode('gbk', 'replace')
    reference = re.search(r'MERCHANT REF\.\s+(\S+)', text)
    what = re.search(r'MERCHANT COPY|CARDHOLDER COPY|NOT COMPLETED|SETTLEMENT', text)
    if what and what[0] == 'SETTLEMENT':
        reference = re.search(r'BATCH NO\.\s+(\d+)', text)
    return Paper(int(job), reference and reference[1], what and what[0], 'DUPLICATED' in text)


def check(w):
    faults = []
    for rule in (check_journal, check_told, check_held, check_money, check_originals, check_batches, check_numbers,
                 check_reversals, check_papers, check_downloads, check_changes, check_notices, check_events):
        faults += rule(w)
    return faults


# --- The journal for itself: all is at rest.

def check_journal(w):
    for damage in w.damage:
        yield f'the journal is damaged: {damage}'
    for t in w.transactions:
        name = f'{t["kind"]} {t["reference"]}'
        if t['state'] != 'done' or t['result'] == 'none':
            yield f'{name} is never ended: {t["state"]}'
        if t['reversal'] == 'pending':
            yield f'{name} is never reversed'
        if t['forwarding'] == 'pending':
            yield f'{name} is never forwarded'
        # Whoever finds it must be told what to do now.
        if t['result'] in ('failed', 'unconfirmed') and not t['message']:
            yield f'{name} is {t["result"]}, and does not say what comes next'
        if t['reversal'] in ('done', 'rejected') and t['result'] == 'approved':
            yield f'{name} is approved and reversed'
        if (t['id'] in w.reversals) != (t['reversal'] in ('pending', 'rejected')):
            yield f'{name} says reversal {t["reversal"]}, and its request is {"" if t["id"] in w.reversals else "not "}there'
        if (t['id'] in w.forwards) != (t['forwarding'] == 'pending'):
            yield f'{name} says forwarding {t["forwarding"]}, and its request is {"" if t["id"] in w.forwards else "not "}there'


# --- What was told is true, and stays so.

def check_told(w):
    journal = {t['reference']: t for t in w.transactions}
    results, ended, reversed_ = {}, set(), {}
    resolved = {e['transaction_id'] for e in w.events if e['kind'] == 'resolved'}
    for reference, state, result, reversal in w.told:
        if state == 'refused':
            continue
        if reference in ended and state != 'done':
            yield f'{reference} was told as done, then as {state}'
        if reference in results and result != results[reference] and not (
                results[reference] == 'unconfirmed' and result in ('approved', 'declined')):
            yield f'{reference} was told as {results[reference]}, then as {result}'
        if reference in reversed_ and reversal != reversed_[reference]:
            yield f'{reference} was told as reversed ({reversed_[reference]}), then as {reversal}'
        if state == 'done':
            ended.add(reference)
            results[reference] = result
        if reversal in ('done', 'resolved'):
            reversed_[reference] = reversal
    for reference, result in results.items():
        if reference not in journal:
            yield f'{reference} was told as {result}, and the journal does not know it'
        elif journal[reference]['result'] != result and not (
                result == 'unconfirmed' and journal[reference]['id'] in resolved):
            yield f'{reference} was told as {result}, and the journal has {journal[reference]["result"]}'
    for reference, reversal in reversed_.items():
        if reference in journal and journal[reference]['reversal'] != reversal:
            yield f'{reference} was told as {reversal}, and the journal has {journal[reference]["reversal"]}'


# --- While nobody knows what became of a reversal, no more money moves, unless somebody has resolved it.

def check_held(w):
    journal = {(t['batch'], t['stan']): t for t in w.transactions if t['stan']}
    when = {(e['transaction_id'], e['kind']): e['seq'] for e in w.events}
    held = {}
    for m in w.messages:
        number = (m['batch'], m['stan'])
        if m['kind'] == 'reversal':
            held[number] = m['code'] not in ENDS_REVERSAL
        t = journal.get(number)
        # What was approved here before is told on; what is about the terminal alone moves nothing.
        if not t or m['kind'] in ADVICES or (m['kind'] in SERVICES and m['kind'] != 'settlement'):
            continue
        for other in (journal[n] for n, is_held in held.items() if is_held and n != number and n in journal):
            resolved, sent = when.get((other['id'], 'resolved'), sys.maxsize), when.get((t['id'], 'sent'))
            if sent and sent < resolved:
                yield f'{t["reference"]} was sent, and the reversal of {other["reference"]} was not taken'


# --- Journal and ledger agree on every booking.

def check_money(w):
    journal = {(t['batch'], t['stan']): t for t in w.transactions if t['stan']}
    # Of what was purged there is no number any more.
    purged = {(t['kind'], t['amount']): t for t in w.transactions if t['purged']}
    booked = {(c['batch'], c['stan']): c for c in w.charges}
    charged = collections.Counter((c['kind'], c['amount']) for c in w.charges if c['effect'] == 'approved')
    for (kind, amount), times in charged.items():
        if times > 1 and kind not in FREE:
            yield f'a {kind} over {amount} is booked {times} times'
    for number, c in booked.items():
        t = journal.get(number) or purged.get((c['kind'], c['amount']))
        if not t:
            yield f'{c["kind"]} {number} over {c["amount"]} is in the ledger ({c["effect"]}), not in the journal'
            continue
        name = f'{t["kind"]} {t["reference"]}'
        if t['amount'] != c['amount']:
            yield f'{name} over {t["amount"]} is in the ledger over {c["amount"]}'
        if c['effect'] == 'approved' and t['result'] not in ('approved', 'unconfirmed') and \
                t['reversal'] not in ('rejected', 'resolved') and t['kind'] not in FREE:
            yield f'{name} is charged, and the journal has {t["result"]}, reversal {t["reversal"]}'
        if c['effect'] != 'approved' and t['result'] == 'approved' and t['forwarding'] not in ('rejected', 'resolved'):
            yield f'{name} is approved, and the ledger has {c["effect"]}'
        if t['forwarding'] == 'rejected' and c['effect'] == 'approved':
            yield f'{name} is said to be refused, and the ledger has it'
    for number, t in journal.items():
        if t['result'] == 'approved' and number not in booked and t['kind'] not in SERVICES:
            yield f'{t["kind"]} {t["reference"]} is approved, and the ledger does not know it'


# --- What was charged is taken back once, and never more of it than there was.

def check_originals(w):
    for c in w.charges:
        about = [o for o in w.charges if o['original'] == c['id'] and o['effect'] == 'approved']
        back = [o for o in about if o['kind'] in VOIDS]
        refunded = sum(o['amount'] for o in about if o['kind'] == 'refund')
        if about and c['effect'] != 'approved':
            yield f'{c["kind"]} over {c["amount"]} is {c["effect"]}, and has a {about[0]["kind"]}'
        if len(back) > 1 or (back and refunded):
            yield f'{c["kind"]} over {c["amount"]} is taken back {len(back)} times, and {refunded} refunded'
        if refunded > c['amount']:
            yield f'{c["kind"]} over {c["amount"]}: {refunded} are refunded'
        if sum(o['kind'] == 'tip' for o in about) > 1:
            yield f'{c["kind"]} over {c["amount"]} has two tips'
        if sum(o['kind'] == 'completion' for o in about) - sum(o['kind'] == 'completion-void' for a in about
                                                                for o in w.charges if o['original'] == a['id']) > 1:
            yield f'{c["kind"]} over {c["amount"]} is completed twice'


# --- A batch goes on once the acquirer has closed the one before, with all that was in it.

def check_batches(w):
    current = w.counters.get('batch', 1)
    rows = {b['number']: b for b in w.batches}
    resolved = {e['transaction_id'] for e in w.events if e['kind'] == 'resolved'}
    for number in {t['batch'] for t in w.transactions if t['batch']} | set(rows):
        is_settled = number in rows and rows[number]['state'] == 'settled'
        # One without money is left behind when the acquirer has another number.
        money = [t for t in w.transactions if t['batch'] == number and t['kind'] not in FREE]
        if number != current and not is_settled and money:
            yield f'batch {number} is left behind, and was not settled'
        # What the acquirer refuses ends by a supervisor's word alone.
        by_agreement = is_settled and rows[number]['reconciliation'] == 'by-agreement'
        if by_agreement and rows[number]['settlement'] not in resolved:
            yield f'batch {number} is ended by agreement, and nobody has said so'
        if is_settled and not by_agreement and w.settled.get(number) != 'settled':
            yield f'batch {number} is settled, and the acquirer says {w.settled.get(number, "open")}'
        if number == current and is_settled:
            yield f'batch {number} is settled, and goes on'
    for b in w.batches:
        if b['state'] != 'settled' or b['reconciliation'] != 'unequal':
            continue
        # Of a card whose number is not known there is no detail.
        unknown = {t['stan'] for t in w.transactions if t['batch'] == b['number'] and not t['pan_sealed']}
        wanted = {(c['stan'], c['amount']) for c in w.charges
                  if c['batch'] == b['number'] and c['effect'] == 'approved' and c['sign'] and c['stan'] not in unknown}
        came = {(u['stan'], u['amount']) for u in w.uploads if u['batch'] == b['number']}
        if wanted != came:
            yield f'of batch {b["number"]} {sorted(came)} were uploaded, not {sorted(wanted)}'


# --- A number is used once, for one thing, and again only to take that thing back.

def check_numbers(w):
    seen = {}
    for m in w.messages:
        number = (m['batch'], m['stan'])
        if m['kind'] == 'reversal':
            continue
        if number in seen and not (m['kind'] in ADVICES and seen[number] == m['kind']):
            yield f'batch and number {number} stand for a {seen[number]} and again for a {m["kind"]}'
        seen[number] = m['kind']


# --- What was taken back was to be taken back, and said so to the end.

def check_reversals(w):
    journal = {(t['batch'], t['stan']): t for t in w.transactions if t['stan']}
    booked = {(c['batch'], c['stan']): c for c in w.charges}
    if any(t['purged'] for t in w.transactions):
        return
    for m in w.messages:
        if m['kind'] != 'reversal':
            continue
        t = journal.get((m['batch'], m['stan']))
        if not t:
            yield f'a reversal of {(m["batch"], m["stan"])} came, of which the journal knows nothing'
        elif t['result'] == 'approved':
            yield f'a reversal of {t["reference"]} came, which is approved'
    for number, t in journal.items():
        if t['reversal'] == 'done' and not (number in booked and booked[number]['reversals'] > 0):
            yield f'{t["reference"]} is said to be reversed, and the ledger knows of no reversal'


# --- Papers: each once without a mark, none missing, none that says what is not so.

def check_papers(w):
    journal = {t['reference']: t for t in w.transactions}
    settled = {b['number'] for b in w.batches if b['state'] == 'settled'}
    out = collections.defaultdict(list)
    for p in w.papers:
        out[p.reference, p.what].append(p)
        if not p.reference or not p.what:
            yield f'paper {p.job} cannot be read'
    for (reference, what), papers in out.items():
        for p in papers[1:]:
            if not p.duplicate:
                yield f'{what} of {reference} came out again, without a mark'
        if what == 'SETTLEMENT':
            if int(reference) not in settled:
                yield f'{what} of {reference} came out, which is not settled'
            continue
        t = journal.get(reference)
        if not t:
            yield f'{what} of {reference} came out, which the journal does not know'
        elif what in COPIES and t['result'] != 'approved':
            yield f'{what} of {reference} came out, which is {t["result"]}'
    for t in w.transactions:
        wanted = ()
        if t['result'] == 'approved' and t['kind'] not in FREE:
            wanted = COPIES
        if t['reversal'] != 'none' or t['result'] == 'unconfirmed':
            wanted = ('NOT COMPLETED',)
        for what in wanted:
            if (t['reference'], what) not in out:
                yield f'{t["reference"]} is {t["result"]}, and has no paper {what}'
    for number in settled:
        if (f'{number:06}', 'SETTLEMENT') not in out:
            yield f'batch {number} is settled, and has no paper'
    jobs = {p.job for p in w.papers}
    for j in w.jobs:
        if j['state'] == 'printed' and j['id'] not in jobs:
            yield f'job {j["id"]} is said to be printed, and never came out'
        if j['state'] != 'printed':
            yield f'job {j["id"]} is left {j["state"]}'


# --- What was downloaded is there whole, or not at all.

def check_downloads(w):
    for kind, taken in w.taken.items():
        if taken != w.given.get(kind):
            yield f'of {w.given.get(kind)} {kind} {taken} are there'
    for t in w.transactions:
        if t['kind'] in DOWNLOADS and t['result'] == 'approved' and w.given.get(t['kind']) and t['kind'] not in w.taken:
            yield f'{t["kind"]} {t["reference"]} is approved, and nothing is there of it'


# --- The phone that the acquirer has is the one that the terminal has.

def check_changes(w):
    withdrawn = {e['transaction_id'] for e in w.events if e['kind'] == 'withdrawn'}
    stands = [t for t in w.transactions if t['kind'] == 'binding-confirm' and t['result'] == 'approved'
              and t['id'] not in withdrawn]
    bound = [c for c in w.changes if c['state'] == 'confirmed']
    if len(bound) != len(stands):
        yield f'{len(stands)} changes of the phone stand, and the acquirer has {len(bound)}'
    for t in w.transactions:
        if t['id'] in w.withdrawals:
            yield f'{t["kind"]} {t["reference"]} is never withdrawn'
    for id in withdrawn:
        if not any(c['state'] == 'withdrawn' for c in w.changes):
            yield f'transaction {id} is said to be withdrawn, and the acquirer does not know it'


# --- Of money that has moved somebody is told once, of any other never; nobody is while no phone is bound.

def check_notices(w):
    told = collections.Counter((n['event'], n['transaction_id']) for n in w.notices)
    settled = {b['settlement'] for b in w.batches if b['state'] == 'settled'}
    for t in w.transactions:
        moved = t['result'] == 'approved' and t['kind'] not in FREE
        for event, due in (('transaction', moved), ('settlement', t['id'] in settled)):
            if told[event, t['id']] != int(due and w.bound) and not t['purged']:
                yield f'{t["kind"]} {t["reference"]} is {t["result"]}, and has {told[event, t["id"]]} notices ({event})'


# --- The event log's chain, computed anew, from the checkpoint on that a purge has left.

def check_events(w):
    first = w.events[0]['seq'] if w.events else 1
    previous = bytes(32) if first == 1 else w.checkpoints.get(first - 1, b'')
    for n, e in enumerate(w.events, first):
        parts = previous + struct.pack('>QQQ', e['seq'], e['time_usec'], e['transaction_id'])
        for text in (e['kind'], e['text']):
            parts += struct.pack('>Q', len(text.encode())) + text.encode()
        previous = hashlib.sha256(parts).digest()
        if e['seq'] != n or previous != e['hash']:
            yield f'the event log breaks at {n}'
            return


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit('usage: check.py DIRECTORY LEDGER TERMINAL')
    found = check(Witnesses(*sys.argv[1:]))
    for fault in found:
        print(fault)
    sys.exit(bool(found))
