# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a terminal does while it is killed: a kind of transaction, how the card is read, and how it comes out."""

import dataclasses

STRIPE = ';6200000000000054=49121011234567890?'
# What the answer time-out comes to while time runs fifty times faster: a quick one is 0.1 s.
QUICK, PATIENT = 5, 250


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
    unreachable: bool = False
    reference: str = 'REF-1'

    @property
    def kind(self):
        return self.name.split('/')[0]

    # What a checkout does that finds no answer after a crash: the same call again.
    @property
    def again(self):
        return self.steps


def chip(start, card='unionpay'):
    return ['plug printer', 'plug emv', f'card {card}', f'start {start}', 'until done', 'until quiet']


def swipe(start):
    return ['plug printer', 'plug msr', f'start {start}', f'swipe {STRIPE}', 'until done', 'until quiet']


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


def sales():
    for entry, way in (('chip', chip), ('stripe', swipe)):
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


def all_scenarios():
    return {s.name: s for s in sales()}
