#!/usr/bin/python3
"""Makes the man page larder.yaml(5) of the commented reference: reference_page.py config/larder.yaml"""
import sys

HEAD = r""".TH LARDER.YAML 5 "" "larder" "File Formats"
.SH NAME
larder.yaml \- configuration of the caching proxy larder
.SH DESCRIPTION
One YAML file says where larder listens, what it stands before, what it caches and what a write makes old.
.B larder check
names file, line and column of each mistake;
.B systemctl reload larder
or SIGHUP takes a change over.
.PP
What follows is the commented reference: each key stands with its default.
It is also in
.IR /usr/share/doc/larder/examples/larder.yaml .
.SH REFERENCE
.nf
"""

FOOT = r""".fi
.SH SEE ALSO
.BR larder (8)
"""


def as_roff(line):
    """A line as it is, whatever it begins with and however wide it is."""
    text = line.rstrip("\n").replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text.replace("~", "\\(ti").replace("^", "\\(ha") if text else ""


with open(sys.argv[1]) as reference:
    sys.stdout.write(HEAD + "".join(as_roff(line) + "\n" for line in reference) + FOOT)
