#!/bin/sh
# Runs the first Python that is 3.11 or newer with the arguments after the first:
# the one that the first argument names, or where it is empty python3.11, its successors, python3.
#   tools/python.sh "" -m venv .venv
set -eu

wanted=$1
shift

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

if [ -n "$wanted" ]; then
    if new_enough "$wanted"; then exec "$wanted" "$@"; fi
    echo "PYTHON: expected a Python 3.11 or newer, got $wanted; name another one." >&2
    exit 1
fi

for found in python3.11 python3.12 python3.13 python3.14 python3 python; do
    if new_enough "$found"; then exec "$found" "$@"; fi
done

echo "Python: expected 3.11 or newer on the PATH, got none;" \
    "install one, or name it with make install PYTHON=/path/to/python3.11" >&2
exit 1
