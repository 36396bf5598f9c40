#!/usr/bin/env bash
# Fills in the licence of the clone, as Debian's copyright files have it: each line begins with a blank, an empty one is " .".
set -euo pipefail
name=$(sed -n '1s/ License$//p' LICENSE)
body=$(sed -e 's/^/ /' -e 's/^ $/ ./' LICENSE)
while IFS= read -r line; do
    case $line in
        @LICENSE@) printf '%s\n' "$body" ;;
        *) printf '%s\n' "${line/@LICENSE_NAME@/${name/MIT/Expat}}" ;;
    esac
done
