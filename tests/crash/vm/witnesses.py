# SPDX-License-Identifier: LGPL-2.1-or-later
"""All that there is to be held against each other, copied while tilld is at rest."""

import os, shutil, sys

import outside

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import check, story

TERMINAL = 'T0000001'


def look(world, directory):
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    for name in ('test.db', 'test.db-wal'):
        if os.path.exists(f'{outside.STATE}/{name}'):
            shutil.copyfile(f'{outside.STATE}/{name}', f'{directory}/{name}')
    outside.copy_ledger(f'{directory}/ledger.db')
    told = story.Story(f'{world.directory}/story')
    with open(f'{directory}/told.log', 'w') as f:
        f.write(told.told())
    story.write_papers(f'{directory}/paper.log', told.of('paper'), f'{directory}/test.db')
    return list(check.check(check.Witnesses(directory, f'{directory}/ledger.db', TERMINAL)))
