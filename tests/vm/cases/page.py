# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Does what a page of the documentation shows, in its order, and holds what comes out against what it shows.

    page.py PAGE DIR USER    prints TAP; DIR/<the page's name> is the page with what was seen

In the page:
    ```console       lines after "$ " are run by USER, those after "# " by root; below each
                     is what it prints. An ellipsis is anything within a line, and any lines where it is a line of its own.
                     What only reads is run again for a minute, until it prints that.
    ```python        is run by one interpreter from the first to the last; what it prints is in ```text behind it
    ```python FILE   is a file, ```sh FILE too
    <!-- run: COMMAND -->   by root, not shown
    <!-- card: CARD -->     goes into the reader when it is waited for, and comes out at the end
"""
import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
import time

USER = ["setpriv", f"--reuid={sys.argv[3]}", f"--regid={sys.argv[3]}", "--init-groups"]
READS = re.compile(r"get-property|introspect|Describe|Get[A-Z]|List[A-Z]|FindTransaction|journalctl|sh faults|"
                   r"tillctl (show|list|status|fault)")
PATIENCE = 180

INTERPRETER = """
import contextlib, io, json, sys, traceback
scope = {"__name__": "page"}
sys.path.insert(0, ".")
for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(json.loads(line), scope)
        except Exception:
            traceback.print_exc(file=out)
    print(json.dumps(out.getvalue()), flush=True)
"""


def fits(seen, shown):
    """Whether lines that were seen are those that are shown."""
    if not shown:
        return not seen
    if shown[0].strip() == "…":
        return any(fits(seen[i:], shown[1:]) for i in range(len(seen) + 1))
    if not seen:
        return False
    pattern = re.sub(r"([\[\]*?])", r"[\1]", shown[0]).replace("…", "*")
    return fnmatch.fnmatchcase(seen[0].rstrip(), pattern.rstrip()) and fits(seen[1:], shown[1:])


def run(command, user=(), timeout=120):
    done = subprocess.run([*user, "bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=timeout, text=True, check=False)
    return done.returncode, done.stdout


def get(path, interface, name):
    _, out = run(f"busctl --json=short get-property org.tilld1 {path} org.tilld1.{interface} {name}")
    try:
        return json.loads(out)["data"]
    except ValueError:
        return ""


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def current_state():
    path = get("/org/tilld1", "Manager", "CurrentTransaction")
    return get(path, "Transaction", "State") if len(path) > 1 else ""


class Page:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().split("\n")
        self.written = []
        self.n = self.failed = 0
        self.card = None
        self.interpreter = subprocess.Popen([*USER, "python3", "-u", "-c", INTERPRETER], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)

    def result(self, good, what, seen=""):
        self.n += 1
        if not good:
            self.failed += 1
            print("\n".join("# " + line for line in seen.splitlines()))
        print(f"{'ok' if good else 'not ok'} {self.n} - {what}", flush=True)

    # ---- What a page is made of ----

    def play(self):
        i = 0
        while i < len(self.lines):
            line = self.lines[i]
            hidden = re.fullmatch(r"<!-- (run|card): (.*) -->", line)
            fence = re.fullmatch(r"```(console|python|sh) ?(\S*)", line)
            if hidden:
                self.hidden(*hidden.groups())
            if not fence:
                self.written.append(line)
                i += 1
                continue
            end = self.lines.index("```", i)
            block = self.lines[i + 1:end]
            self.written.append(line)
            i = end + 1
            if fence[1] == "console":
                self.console(block)
            elif fence[2]:
                self.file(fence[2], block)
            else:
                i = self.python(block, i)
        self.card_is_out()
        self.interpreter.stdin.close()

    def hidden(self, verb, argument):
        if verb == "run":
            status, out = run(argument)
            self.result(status == 0, argument, out)
            return
        self.card_is_out()
        self.card = threading.Thread(target=self.hold_card, args=(argument,))
        self.card.start()

    def hold_card(self, name):
        if until(lambda: current_state() == "waiting-card"):
            run(f"till-sim insert {name}")
            until(lambda: current_state() in ("done", ""))
        run("till-sim remove")

    def card_is_out(self):
        if self.card:
            self.card.join()
        self.card = None

    def file(self, name, block):
        with open(name, "w", encoding="utf-8") as f:
            f.write("\n".join(block) + "\n")
        self.written += [*block, "```"]

    # ---- What is run ----

    def console(self, block):
        i = 0
        while i < len(block):
            command = [block[i]]
            while command[-1].endswith(("\\", "|")):
                command.append(block[i + len(command)])
            i += len(command)
            shown = []
            while i < len(block) and block[i][:2] not in ("$ ", "# "):
                shown.append(block[i])
                i += 1
            self.written += command + self.command("\n".join(command), shown)
        self.written.append("```")

    def command(self, text, shown):
        user = USER if text.startswith("$") else []
        seen = []

        def try_it():
            seen.append(run(text[2:], user)[1].splitlines())
            return fits(seen[-1], shown)

        good = until(try_it) if READS.search(text) else try_it()
        # What came first is as telling as what it was at the end.
        both = seen[0] if seen[0] == seen[-1] else [*seen[0], "…", *seen[-1]]
        self.result(good, re.sub(r"\\?\n *", " ", text), "\n".join(both))
        return shown if good else seen[-1]

    def python(self, block, i):
        """The output that is shown behind it is taken, too."""
        shown = None
        if self.lines[i:i + 1] == ["```text"]:
            end = self.lines.index("```", i)
            shown = self.lines[i + 1:end]
        print(json.dumps("\n".join(block)), file=self.interpreter.stdin, flush=True)
        seen = json.loads(self.interpreter.stdout.readline()).splitlines()
        good = fits(seen, shown or [])
        self.result(good, block[-1], "\n".join(seen))
        self.written += [*block, "```"]
        if shown is None:
            self.written += [] if good else ["```text", *seen, "```"]
            return i
        self.written += ["```text", *(shown if good else seen), "```"]
        return end + 1


def main():
    page = Page(sys.argv[1])
    try:
        page.play()
    finally:
        with open(os.path.join(sys.argv[2], os.path.basename(sys.argv[1])), "w", encoding="utf-8") as f:
            f.write("\n".join(page.written))
    print(f"1..{page.n}")
    return 1 if page.failed else 0


sys.exit(main())
