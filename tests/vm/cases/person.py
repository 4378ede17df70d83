# SPDX-License-Identifier: LGPL-2.1-or-later
"""
A person at a terminal, who answers what is asked and nothing else.

    person.py TRANSCRIPT MODEM-LOG PROMPT=ANSWER... -- COMMAND...

The first PROMPT (a part of what is shown) that stands at the end of what the terminal shows is answered. An answer
"@NUMBER" is the six digits that this phone was sent last, "@8NUMBER" the eight, once a new message is there; "^C" is Ctrl-C. Each answer is
given once, in any order; the same prompt may come more than once. Ends as the command does; 124 when nothing is asked
or shown for three minutes. The transcript is all that the terminal has shown.
"""
import json
import os
import pty
import re
import select
import sys
import termios
import time

PATIENCE = 180


def messages(log, number):
    texts = []
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("{"):
                said = json.loads(line)
                if said.get("call") == "Create" and said["number"] == number:
                    texts.append(said["text"])
    return texts


def find_code(log, number, digits, used):
    for text in reversed(messages(log, number)):
        found = re.search(rf"(?<!\d)(\d{{{digits}}})(?!\d)", text)
        if found and found.group(1) not in used:
            used.add(found.group(1))
            return found.group(1)
    return None


def make_answer(text, log, used):
    """None while it is not there yet."""
    if text == "^C":
        return b"\x03"
    if text.startswith("@8"):
        text = find_code(log, text[2:], 8, used)
    elif text.startswith("@"):
        text = find_code(log, text[1:], 6, used)
    return None if text is None else text.encode() + b"\n"


def is_quiet(fd):
    """A prompt makes the terminal take no signals before it reads: what is typed earlier is forgotten."""
    return not termios.tcgetattr(fd)[3] & termios.ISIG


def read_some(fd):
    if not select.select([fd], [], [], 0.2)[0]:
        return b""
    try:
        return os.read(fd, 4096) or None
    except OSError:
        return None


def talk(fd, log, answers):
    """Returns what was shown; None as its end when nothing came any more."""
    shown, at, used, last = b"", 0, set(), time.monotonic()
    while True:
        more = read_some(fd)
        if more is None:
            return shown, True
        if more:
            shown, last = shown + more, time.monotonic()
            continue
        if time.monotonic() - last > PATIENCE:
            return shown, False
        asked = shown[at:].decode(errors="replace").rsplit("\n", 1)[-1]
        if not asked.strip() or not is_quiet(fd):
            continue
        for i, (prompt, answer) in enumerate(answers):
            if prompt not in asked:
                continue
            typed = make_answer(answer, log, used)
            if typed is not None:
                del answers[i]
                at, last = len(shown), time.monotonic()
                os.write(fd, typed)
            break


def main():
    split = sys.argv.index("--")
    transcript, log = sys.argv[1:3]
    answers = [tuple(word.split("=", 1)) for word in sys.argv[3:split]]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[split + 1], sys.argv[split + 1 :])
    shown, ended = talk(fd, log, answers)
    with open(transcript, "wb") as file:
        file.write(shown.replace(b"\r\n", b"\n"))
    if not ended:
        print("nothing more came after:", shown.decode(errors="replace"))
        sys.exit(124)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answers:
        print("never asked:", answers)
    print(shown.decode(errors="replace"))
    sys.exit(status)


if __name__ == "__main__":
    main()
