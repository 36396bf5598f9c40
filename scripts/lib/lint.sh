# shellcheck shell=bash
# Sourced by scripts/build: what is said about the sources without running them. build/lint holds the compile commands.

lint_failed=()

lint_step() { # NAME COMMAND...
    local name=$1
    shift
    echo "== $name"
    "$@" || lint_failed+=("$name")
}

# Files that clang-format would write otherwise are counted and named, not refused: much of the code was laid out by hand.
count_unformatted() {
    local file count=0
    while read -r file; do
        clang-format --dry-run -Werror "$file" >/dev/null 2>&1 && continue
        count=$((count + 1))
        echo "  $file"
    done
    echo "$count files differ from .clang-format"
}

tidy() { # JOBS
    git ls-files 'proxy/*.cpp' | xargs -P "$1" -n 1 clang-tidy-16 -p build/lint --quiet --warnings-as-errors='*' 2>/dev/null
}

lint() { # JOBS
    lint_step "awaits" /usr/bin/python3 tests/await_rule_test.py
    lint_step "layers" /usr/bin/python3 tests/layers_test.py
    lint_step "headers" env JOBS="$1" /usr/bin/python3 tests/headers_test.py clang++-16
    lint_step "clang-tidy" tidy "$1"
    echo "== clang-format"
    git ls-files 'proxy/*.cpp' 'proxy/*.hpp' 'tests/*.cpp' 'tests/*.hpp' | count_unformatted
    [ ${#lint_failed[@]} = 0 ] && return
    printf 'lint failed: %s\n' "${lint_failed[@]}" >&2
    return 1
}
