"""Lengths of files and functions, and the form of lines."""
import re

FILE_MAX, FILE_WARN = 800, 500
FUNCTION_MAX, FUNCTION_TESTS = 70, 90   # a test program's main is a list of calls
COLUMNS, COLUMNS_LISTS = 100, 140       # tests and tables hold long constants
C_FILE = re.compile(r"\.[chS]$|\.def$")
# Heads of tests are read by make as one line each.
HEAD = re.compile(r"^// (uses|libs|flags):")


def functions(text):
    """(name, first line, length) of each function body: '{' and '}' in column 0."""
    start, name = None, ""
    for n, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = n
        elif line.startswith("}") and start:
            yield name, start, n - start + 1
            start = None
        elif start is None:
            m = re.match(r"^[A-Za-z_].*?(\w+)\(", line)
            if m:
                name = m.group(1)


def lengths(files):
    bad = []
    for path, text in files.items():
        n = text.count("\n")
        if n > FILE_MAX:
            bad.append(f"{path}: {n} lines, at most {FILE_MAX}")
        most = FUNCTION_TESTS if path.startswith("tests/") else FUNCTION_MAX
        if path.endswith(".c"):
            bad += [f"{path}:{at}: {name} has {k} lines, at most {most}"
                    for name, at, k in functions(text) if k > most]
    return bad


def long_files(files):
    return [f"{p}: {t.count(chr(10))} lines, think of {FILE_WARN}"
            for p, t in files.items() if FILE_WARN < t.count("\n") <= FILE_MAX]


def form(files):
    bad = []
    for path, text in files.items():
        list_like = path.startswith("tests/") or path.endswith(".def")
        limit = COLUMNS_LISTS if list_like else COLUMNS
        # Recipes need them, and so do here-documents with <<-.
        tabs = path.endswith(("Makefile", ".mk")) or "<<-" in text
        if text and not text.endswith("\n"):
            bad.append(f"{path}: no newline at the end")
        for n, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                bad.append(f"{path}:{n}: blanks at the end of the line")
            if "\t" in line and not tabs:
                bad.append(f"{path}:{n}: a tab")
            if len(line) > limit and C_FILE.search(path) and not HEAD.match(line):
                bad.append(f"{path}:{n}: {len(line)} columns, at most {limit}")
    return bad
