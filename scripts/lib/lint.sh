# shellcheck shell=bash
# Sourced by scripts/build: what is said about the sources without running them. build/lint holds the compile commands.

lint_failed=()

lint_step() { # NAME COMMAND...
    local name=$1
    shift
    echo "== $name"
    "$@" || lint_failed+=("$name")
}

tidy() { # JOBS
    git ls-files 'proxy/*.cpp' | xargs -P "$1" -n 1 clang-tidy-16 -p build/lint --quiet --warnings-as-errors='*' 2>/dev/null
}

lint() { # JOBS
    lint_step "awaits" /usr/bin/python3 tests/await_rule_test.py
    lint_step "layers" /usr/bin/python3 tests/layers_test.py
    lint_step "citations" /usr/bin/python3 tests/citations_test.py
    lint_step "layout" /usr/bin/python3 tests/format_test.py
    lint_step "headers" env JOBS="$1" /usr/bin/python3 tests/headers_test.py clang++-16
    lint_step "clang-tidy" tidy "$1"
    [ ${#lint_failed[@]} = 0 ] && return
    printf 'lint failed: %s\n' "${lint_failed[@]}" >&2
    return 1
}
