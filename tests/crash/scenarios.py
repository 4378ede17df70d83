# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a terminal does while it is killed: a kind of transaction, how the card is read, and how it comes out."""

import dataclasses

STRIPE = ';6200000000000054=49121011234567890?'
# What the answer time-out comes to while time runs fifty times faster: a quick one is 0.1 s.
QUICK, PATIENT = 5, 250
# Steps that are done before the terminal starts.
THERE = ('plug ', 'set ')


@dataclasses.dataclass
class Scenario:
    name: str
    steps: list
    # What the checkout is told in the end when nobody kills: otherwise a scenario could prove nothing at all.
    result: str
    # What the acquirer does wrong.
    script: list = dataclasses.field(default_factory=list)
    answer_seconds: int = PATIENT
    # What was done before; a terminal that has signed on and sold. None: one that is new.
    before: list = None
    # And after that, with what the acquirer did wrong then.
    left: list = dataclasses.field(default_factory=list)
    spoiled: list = dataclasses.field(default_factory=list)
    # And what was going on, its answer lost, when the terminal was killed already: then it is killed in coming back.
    crashed: list = dataclasses.field(default_factory=list)
    unreachable: bool = False
    reference: str = 'REF-1'
    # Whether a transaction is as it says, by its row: for what no result shows.
    proof: object = None
    # What the terminal does once all is at rest again.
    after: list = dataclasses.field(default_factory=list)

    @property
    def kind(self):
        return self.name.split('/')[0]

    # What a checkout does that finds no answer after a crash: the same call again.
    @property
    def again(self):
        return self.steps + [step for step in self.after if not step.startswith(THERE)]

    @property
    def devices(self):
        return sorted({step for step in self.steps + self.after if step.startswith(THERE)}, reverse=True)


def chip(start, card='unionpay'):
    return ['plug printer', 'plug emv', f'card {card}', f'start {start}', 'until done', 'until quiet']


def swipe(start):
    return ['plug printer', 'plug msr', f'start {start}', f'swipe {STRIPE}', 'until done', 'until quiet']


def swipe_encrypted(start):
    return [step.replace('swipe ;', 'swipe-encrypted ;') for step in swipe(start)]


def second_host(start):
    return ['set second-host', *swipe(start)]


SOLD = swipe('sale REF-0 900')

# What an acquirer and its line can do to an answer: the outcome's name, its script, the result, the time-out.
ANSWERS = [
    ('approved', [], 'approved', PATIENT),
    ('declined', ['decline 51'], 'declined', PATIENT),
    ('in-progress', ['decline 09'], 'failed', PATIENT),
    ('request-lost', ['drop'], 'failed', QUICK),
    ('no-answer', ['drop-answer'], 'failed', QUICK),
    ('late-answer', ['delay 0.3'], 'failed', QUICK),
    ('cut-before', ['close'], 'failed', PATIENT),
    ('cut-after', ['close-answer'], 'failed', PATIENT),
    ('bad-mac', ['bad-mac'], 'failed', PATIENT),
    ('no-mac', ['no-mac'], 'failed', PATIENT),
    ('garbled', ['garble'], 'failed', PATIENT),
    ('wrong-number', ['wrong-stan'], 'failed', QUICK),
    ('wrong-amount', ['wrong-amount'], 'failed', QUICK),
    ('twice', ['twice'], 'approved', PATIENT),
    ('reversal-unanswered', ['drop-answer', 'drop-answer kind=reversal'], 'failed', QUICK),
    ('reversal-lost', ['drop-answer', 'drop kind=reversal'], 'failed', QUICK),
    ('reversal-cut', ['bad-mac', 'close kind=reversal'], 'failed', PATIENT),
    ('reversal-refused', ['bad-mac', 'decline 05 kind=reversal'], 'failed', PATIENT),
]


# Without a reversal the end may stay open.
UNCONFIRMED = [(name, [w for w in script if 'reversal' not in w], 'unconfirmed' if result == 'failed' else result, seconds)
               for name, script, result, seconds in ANSWERS if not name.startswith('reversal')]
# Nothing is booked that would have to be taken back.
PLAIN = [(name, script, 'failed' if result == 'unconfirmed' else result, seconds)
         for name, script, result, seconds in UNCONFIRMED if name != 'wrong-amount']
WAYS = (('chip', chip), ('stripe', swipe))
# Of a card that a reader has encrypted nothing is left that a chip could be compared with.
ENCRYPTED = ('sale', 'void', 'refund')


def sales():
    for entry, way in (*WAYS, ('encrypted', swipe_encrypted), ('second-host', second_host)):
        for outcome, script, result, seconds in ANSWERS:
            yield Scenario(f'sale/{entry}/{outcome}', way('sale REF-1 1000'), result, script, seconds, SOLD)
        yield Scenario(f'sale/{entry}/first', way('sale REF-1 1000'), 'approved')
        yield Scenario(f'sale/{entry}/unreachable', way('sale REF-1 1000'), 'failed', before=SOLD, unreachable=True)
    yield Scenario('sale/chip/card-removed', chip('sale REF-1 1000', 'unionpay 13'), 'failed', before=SOLD)
    yield Scenario('sale/chip/issuer-wrong', chip('sale REF-1 1000'), 'failed', ['wrong-arpc'], before=SOLD)
    yield Scenario('sale/chip/chosen', chip('sale REF-1 1000 choose', 'two-applications')[:4]
                   + ['until prompt=choose-application', 'choose REF-1 1', 'until done', 'until quiet'], 'approved',
                   before=SOLD)
    yield Scenario('sale/chip/cancelled', chip('sale REF-1 1000 choose', 'two-applications')[:4]
                   + ['until prompt=choose-application', 'cancel REF-1', 'until done', 'until quiet'], 'cancelled',
                   before=SOLD)
    yield Scenario('sale/stripe/cancelled', swipe('sale REF-1 1000')[:3] + ['cancel REF-1', 'until quiet'],
                   'cancelled', before=SOLD)
    yield Scenario('sale/stripe/timed-out', swipe('sale REF-1 1000')[:3] + ['until done', 'until quiet'],
                   'cancelled', before=SOLD)
    yield Scenario('sale/stripe/reprinted', swipe('sale REF-1 1000') + ['reprint REF-1', 'until quiet'], 'approved',
                   before=SOLD)
    yield Scenario('sale/stripe/printer-unplugged', swipe('sale REF-1 1000')[:-1]
                   + ['unplug printer', 'plug printer', 'until quiet'], 'approved', before=SOLD)
    yield Scenario('sale/stripe/key-changed', swipe('sale REF-1 1000'), 'declined', ['decline A0'], before=SOLD)


# What is about something that was done before: that, the call, and what an acquirer can do to its answer.
ABOUT = [
    ('void', ['sale REF-0 1000'], 'void REF-1 1000 original=REF-0 supervised', ANSWERS),
    ('refund', ['sale REF-0 2000'], 'refund REF-1 1000 original=REF-0 supervised', UNCONFIRMED),
    ('pre-authorization', ['sale REF-0 900'], 'pre-authorization REF-1 1000', ANSWERS),
    ('pre-authorization-void', ['pre-authorization REF-0 1000'],
     'pre-authorization-void REF-1 1000 original=REF-0 supervised', ANSWERS),
    ('completion', ['pre-authorization REF-0 1000'], 'completion REF-1 1100 original=REF-0', ANSWERS),
    ('completion-void', ['pre-authorization REF-0 1100', 'completion REF-A 1000 original=REF-0'],
     'completion-void REF-1 1000 original=REF-A supervised', ANSWERS),
    ('balance', ['sale REF-0 900'], 'balance REF-1 0', PLAIN),
]


def others():
    for kind, before, call, answers in ABOUT:
        for entry, way in (*WAYS, ('encrypted', swipe_encrypted)) if kind in ENCRYPTED else WAYS:
            done = [step for start in before for step in way(start)]
            for outcome, script, result, seconds in answers:
                yield Scenario(f'{kind}/{entry}/{outcome}', way(call), result, script, seconds, done)
            yield Scenario(f'{kind}/{entry}/unreachable', way(call), 'failed', before=done, unreachable=True)
    waiting = swipe('void REF-1 1000 original=REF-0')
    for outcome, meanwhile, result in (('approved-later', 'approve REF-1', 'approved'),
                                       ('not-approved', 'cancel REF-1', 'cancelled')):
        yield Scenario(f'void/stripe/{outcome}', waiting[:3] + ['until state=waiting-approval', meanwhile] + waiting[3:],
                       result, before=swipe('sale REF-0 1000'))


# Only a sign-on makes more of a refusal than that; what bears no MAC has none that could be wrong.
SERVICES = [('sign-on', 'failed'), ('sign-off', 'declined'), ('echo', 'declined'), ('parameters', 'declined'),
            ('ca-keys', 'declined')]


def services():
    for kind, refused in SERVICES:
        for outcome, script, result, seconds in PLAIN:
            if outcome in ('bad-mac', 'no-mac'):
                continue
            result = refused if outcome in ('declined', 'in-progress') else result
            words = [f'{w} kind={kind}' for w in script]
            yield Scenario(f'{kind}/none/{outcome}', service(f'{kind} REF-1'), result, words, seconds, SOLD)
    # What was downloaded is what the next card is read with; a second download takes its place.
    for kind in ('parameters', 'ca-keys'):
        yield Scenario(f'{kind}/none/cut-in-the-middle', service(f'{kind} REF-1'), 'failed',
                       [f'approve kind={kind}', f'close kind={kind}'], before=SOLD)
        yield Scenario(f'{kind}/none/again', service(f'{kind} REF-1'), 'approved',
                       before=SOLD + service(f'{kind} REF-A'), after=chip('sale REF-3 1500'))


def service(start):
    return ['plug printer', f'start {start} 0 currency=', 'until done', 'until quiet']


# What can become of the totals and of an upload: its name, the script, the result, the time-out.
SETTLEMENTS = [
    ('balanced', [], 'approved', PATIENT),
    ('no-answer', ['drop-answer kind=settlement'], 'failed', QUICK),
    ('request-lost', ['drop kind=settlement'], 'failed', QUICK),
    ('cut-after', ['close-answer kind=settlement'], 'failed', PATIENT),
    ('garbled', ['garble kind=settlement'], 'failed', PATIENT),
    ('refused', ['decline 12 kind=settlement'], 'declined', PATIENT),
    ('uploaded', ['wrong-amount kind=settlement'], 'approved', PATIENT),
    ('upload-unanswered', ['wrong-amount kind=settlement', 'drop-answer kind=batch-upload'], 'failed', QUICK),
    ('upload-lost', ['wrong-amount kind=settlement', 'drop kind=batch-upload'], 'failed', QUICK),
    ('upload-cut', ['wrong-amount kind=settlement', 'close-answer kind=batch-upload'], 'failed', PATIENT),
    ('end-unanswered', ['wrong-amount kind=settlement', 'drop-answer kind=batch-upload-end'], 'failed', QUICK),
    ('end-lost', ['wrong-amount kind=settlement', 'drop kind=batch-upload-end'], 'failed', QUICK),
    ('end-refused', ['wrong-amount kind=settlement', 'decline 95 kind=batch-upload-end'], 'declined', PATIENT),
]


def settlements():
    before = SOLD + swipe('refund REF-A 100 original=REF-0 supervised') + swipe('sale REF-B 800') \
        + swipe('void REF-C 800 original=REF-B supervised')
    # Whoever finds it unfinished settles again, and the next batch has its first sale.
    after = service('settlement REF-2') + swipe('sale REF-3 1500')
    for outcome, script, result, seconds in SETTLEMENTS:
        yield Scenario(f'settlement/none/{outcome}', service('settlement REF-1'), result, script, seconds, before,
                       after=after)
    # What the acquirer refuses is asked again, or ended by agreement.
    for outcome, words in (('refused', 'decline 12 kind=settlement'), ('end-refused', 'decline 95 kind=batch-upload-end')):
        left = {'before': before, 'left': service('settlement REF-1'), 'spoiled': ['wrong-amount kind=settlement', words]
                if outcome == 'end-refused' else [words]}
        yield Scenario(f'settlement/again/{outcome}', service('settlement REF-2')[:-1] + after[4:], 'approved',
                       reference='REF-3', **left)
        for entry, step in (('resolve', 'resolve REF-1 settled'), ('code', 'resolve-with-code REF-1 settled 02 1234')):
            yield Scenario(f'settlement/{entry}/{outcome}', ['plug printer', step, 'until quiet'], 'declined',
                           **{**left, 'before': before + ['enrol 02 1234']}, after=after[4:])
    yield Scenario('settlement/none/unreachable', service('settlement REF-1'), 'failed', before=before, after=after,
                   unreachable=True)
    # The acquirer refuses it, and what is booked is agreed on with it.
    for outcome, script in (('agreed', ['decline 12 kind=settlement']),
                            ('upload-agreed', ['wrong-amount kind=settlement', 'decline 12 kind=batch-upload'])):
        yield Scenario(f'settlement/none/{outcome}', service('settlement REF-1') + ['resolve REF-1 settled', 'until quiet'],
                       'declined', script, PATIENT, before)
    # The reversal goes first; a settlement does not wait until it goes through.
    reversed_ = swipe('sale REF-4 1200')[:-1] + service('settlement REF-1')[1:]
    for outcome, script, result in (('after-reversal', ['bad-mac'], 'approved'),
                                    ('before-reversal', ['bad-mac', 'close kind=reversal'], 'failed')):
        yield Scenario(f'settlement/none/{outcome}', reversed_, result, script, before=before, after=after)


# Approved here, and told to the acquirer afterwards.
FORWARDS = [
    ('forwarded', []),
    ('declined-later', ['decline 51']),
    ('request-lost', ['drop']),
    ('no-answer', ['drop-answer']),
    ('cut-before', ['close']),
    ('cut-after', ['close-answer']),
    ('bad-mac', ['bad-mac']),
    ('garbled', ['garble']),
    ('twice', ['twice']),
]


def offline(start):
    return ['set offline', *chip(start, 'offline-approved')]


def forwards():
    settle = service('settlement REF-2') + swipe('sale REF-3 1500')
    voice = 'offline-sale REF-1 1000 code=A12345 supervised'
    tip = ['plug printer', 'start tip REF-1 150 original=REF-0', 'until done', 'until quiet']
    for name, steps in (('sale/offline', offline('sale REF-1 1000')), ('offline-sale/chip', chip(voice)),
                        ('offline-sale/stripe', swipe(voice)), ('tip/none', tip)):
        kind = 'tip' if name.startswith('tip') else 'offline-sale'
        for outcome, script in FORWARDS:
            yield Scenario(f'{name}/{outcome}', steps, 'approved', [f'{words} kind={kind}' for words in script], QUICK,
                           SOLD, after=settle)
    # The card is asked again, when no byte of the request has left.
    yield Scenario('sale/offline/not-reached', ['set offline-online', *offline('sale REF-1 1000')[1:-1]], 'approved',
                   before=SOLD, after=settle, unreachable=True)
    before = ['set offline'] + SOLD + offline('sale REF-A 700')[1:]
    for outcome, script, result in (('chip-uploaded', [], 'approved'),
                                    ('chip-unanswered', ['drop-answer kind=chip-upload'], 'failed'),
                                    ('chip-lost', ['drop kind=chip-upload'], 'failed'),
                                    ('chip-and-details', ['wrong-amount kind=settlement'], 'approved')):
        yield Scenario(f'settlement/none/{outcome}', service('settlement REF-1'), result, script, QUICK, before,
                       after=settle)


# What nobody is sure about, until somebody who has asked the acquirer says how it is: its name, what it is, what went
# wrong, the outcome, what becomes of it.
LEFT_OPEN = [
    ('reversal', 'sale REF-1 1200', ['drop', 'decline 05 kind=reversal'], 'settled', 'failed'),
    ('reversal-of-a-booking', 'sale REF-1 1200', ['drop-answer', 'decline 05 kind=reversal'], 'settled', 'failed'),
    ('refund-booked', 'refund REF-1 300 original=REF-0 supervised', ['drop-answer'], 'approved', 'approved'),
    ('refund-lost', 'refund REF-1 300 original=REF-0 supervised', ['drop'], 'declined', 'declined'),
    ('forward', 'offline-sale REF-1 1000 code=A12345 supervised', ['decline 51 kind=offline-sale'], 'settled', 'approved'),
]


def resolutions():
    for name, call, spoiled, outcome, result in LEFT_OPEN:
        how = {'before': SOLD + ['enrol 02 1234'], 'left': swipe(call), 'spoiled': spoiled,
               'after': swipe('sale REF-3 1500')}
        for entry, step in (('resolve', f'resolve REF-1 {outcome}'),
                            ('code', f'resolve-with-code REF-1 {outcome} 02 1234')):
            yield Scenario(f'resolve/{entry}/{name}', ['plug printer', step, 'until quiet'], result, **how)
    yield Scenario('resolve/code/wrong', ['plug printer', 'resolve-with-code REF-1 settled 02 4321', 'until quiet'],
                   'failed', before=SOLD + ['enrol 02 1234'], left=swipe('sale REF-1 1200'), spoiled=LEFT_OPEN[0][2])
    # Of one that is still to be sent nothing leaves any more.
    yield Scenario('resolve/resolve/pending', ['plug printer', 'run 50', 'resolve REF-1 settled', 'until quiet'], 'failed',
                   before=SOLD, left=swipe('sale REF-1 1200')[:-1], spoiled=['bad-mac', 'close kind=reversal'],
                   unreachable=True)
    # Nobody knows whether it was voided: nothing more of it is given back, until somebody does.
    lost = ['drop', 'decline 05 kind=reversal']
    left = swipe('void REF-A 900 original=REF-0 supervised')
    for kind, call in (('refund', 'refund REF-1 900 original=REF-0 supervised'), ('sale', 'sale REF-1 1500'),
                       ('settlement', 'settlement REF-1')):
        way = service if kind == 'settlement' else swipe
        yield Scenario(f'{kind}/held/refused', way(call), 'refused', before=SOLD, left=left, spoiled=lost)
        yield Scenario(f'{kind}/held/resolved', ['plug printer', 'resolve REF-A settled'] + way(call)[1:], 'approved',
                       before=SOLD, left=left, spoiled=lost)


# What changes the whole journal, between two sales.
def upkeep():
    before = SOLD + swipe('refund REF-A 100 original=REF-0 supervised') + chip('sale REF-B 800') \
        + service('settlement REF-C') + swipe('sale REF-D 700')
    kept = swipe('void REF-1 700 original=REF-D supervised')
    after = service('settlement REF-2') + swipe('sale REF-3 1500')
    # The first purge marks how far it was then; what lies before the mark is old when days have passed.
    yield Scenario('journal/purge/settled', [*kept[:2], 'pass 400', 'purge 180', *kept[2:]], 'approved',
                   before=before + ['purge 180'], after=after, proof=lambda t: t['purged'])
    yield Scenario('journal/new-key/sold', ['set new-key', *kept], 'approved', before=before, after=after)
    yield Scenario('journal/new-key/uploaded', ['set new-key', *service('settlement REF-1')], 'approved',
                   ['wrong-amount kind=settlement'], before=before, after=after[4:])
    yield Scenario('journal/new/first', ['plug printer', 'until quiet', *swipe('sale REF-1 1000')[1:]], 'approved')


# The acquirer is told of another phone, and that stands, or is taken back.
def changes():
    confirm = service('binding-confirm REF-1')[:-1]
    confirm[1] += ' phone=+8613800138001'
    for outcome, script, result, seconds in PLAIN:
        result = 'declined' if outcome in ('declined', 'in-progress') else result
        words = [f'{w} kind=binding-confirm' for w in script]
        for end in ('commit', 'withdraw'):
            yield Scenario(f'binding/{end}/{outcome}', confirm + [f'{end} REF-1', 'until quiet'], result, words, seconds, SOLD)
    for outcome, script in FORWARDS[1:]:
        words = [f'{w} kind=binding-withdraw'.replace('decline 51', 'decline 96') for w in script]
        yield Scenario(f'binding/taken-back/{outcome}', confirm + ['withdraw REF-1', 'until quiet'], 'approved', words, QUICK,
                       SOLD)
    yield Scenario('binding/withdraw/first', confirm + ['withdraw REF-1', 'until quiet'], 'approved')


# Killed when the acquirer has booked it and has not answered; and again, anywhere on the way back.
def restarts():
    done = {'sale': SOLD, 'settlement': SOLD}
    calls = {'sale': 'sale REF-1 1000', 'settlement': 'settlement REF-1'}
    for kind, before, call, _ in ABOUT:
        done[kind], calls[kind] = [step for start in before for step in swipe(start)], call
    for kind, call in calls.items():
        way = service if kind == 'settlement' else swipe
        steps = [step for step in way(call) if not step.startswith('until ')]
        devices = [step for step in steps if step.startswith(THERE)]
        result = {'refund': 'unconfirmed'}.get(kind, 'failed')
        yield Scenario(f'{kind}/restart/booked', devices + ['until quiet'] + way(call)[len(devices):], result,
                       before=done[kind], crashed=steps + ['run 60', 'die'],
                       after=service('settlement REF-2') if way is service else [])


def all_scenarios():
    return {s.name: s for group in (sales(), others(), services(), settlements(), forwards(), resolutions(), upkeep(),
                                         changes(), restarts()) for s in group}
