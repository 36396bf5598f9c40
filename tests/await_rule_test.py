#!/usr/bin/python3
"""An await is a statement of its own, with a named result: g++ 12 miscompiles many others without a warning.

Allowed are `co_await f(a);`, `x = co_await f(a);`, `const auto [a, b] = co_await f(a);` and `(void)co_await f(a);`.
Not allowed is a co_await in the head of if, while, for or switch, beside ?:, && or ||, as an argument, in a co_return,
twice in one statement, with a capturing lambda or a braced argument in its statement, or in a capturing lambda's body.
"""
import os
import re
import sys

PROXY = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "proxy")

STATEMENT_START = re.compile(
    r"^(?:\[\[maybe_unused\]\]\s*)?(?:(?:const\s+)?auto\s*&{0,2}\s*(?:\w+|\[[\w\s,]*\])\s*=\s*"  # auto x =, auto [a] =
    r"|(?:const\s+)?[\w:]+(?:<[\w:<>,\s*&]*>)?[\s*&]+\w+\s*=\s*"  # Type x =
    r"|[\w.>\[\]-]+\s*=\s*"  # x = , a.b =
    r"|\(void\)\s*"
    r"|std::ignore\s*=\s*)?co_await\b(.*)$",
    re.S,
)
CONDITION = re.compile(r"\b(if|while|for|switch)(\s+constexpr)?\s*$")
CAPTURING_LAMBDA = re.compile(r"\[[^\[\]]*[\w&=][^\[\]]*\]\s*(\(|\{)")


def without_comments_and_literals(text):
    """The text with the same lines, comments blank and literals empty."""

    def blank(found):
        whole = found[0]
        if whole.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", whole)
        return whole[0] + whole[0] + "\n" * whole.count("\n")

    return re.sub(
        r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S
    )


def statement_around(code, at):
    """(start, end) of the statement with the co_await at `at`, and the text before an unclosed '(' around it."""
    depth, start, opener = 0, at, None
    while start > 0:
        c = code[start - 1]
        if c == ")" or c == "]":
            depth += 1
        elif c == "(" or c == "[":
            depth -= 1
            if depth < 0 and opener is None:
                opener = code[: start - 1]
        elif c in ";{}" and depth <= 0:
            break
        start -= 1
    end, depth = at, 0
    while end < len(code) and not (code[end] == ";" and depth <= 0):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(code[end], 0)
        end += 1
    return start, end, opener


def without_head(statement):
    """Without labels, `else`, and the heads of if, while and for whose single statement this is."""
    while True:
        statement = statement.strip()
        found = re.match(
            r"(else|do)\b|(?:case\s+[\w:]+|default)\s*:(?!:)|(?:if(?:\s+constexpr)?|while|for)\s*\(", statement
        )
        if not found:
            return statement
        if not found[0].endswith("("):
            statement = statement[found.end() :]
            continue
        depth, at = 1, found.end()
        while at < len(statement) and depth:
            depth += {"(": 1, ")": -1}.get(statement[at], 0)
            at += 1
        if "co_await" in statement[:at]:
            return statement
        statement = statement[at:]


def fault_of(code, at):
    """What is wrong with the co_await at `at`, or nothing."""
    start, end, opener = statement_around(code, at)
    if opener is not None:
        return (
            "in the head of a condition or loop" if CONDITION.search(opener) else "inside an expression's parentheses"
        )
    statement = without_head(code[start:end])
    if statement.count("co_await") > 1:
        return "twice in one statement"
    found = STATEMENT_START.match(statement)
    if not found:
        return "not a statement of its own with a named result"
    rest = found[1]
    if "&&" in rest or "||" in rest or re.search(r"\?[^?]*:(?!:)", rest):
        return "beside ?:, && or ||"
    if CAPTURING_LAMBDA.search(rest):
        return "in one statement with a capturing lambda"
    if "{" in rest:
        return "in one statement with a braced argument"
    return None


def capturing_coroutines(code):
    """Positions of capturing lambdas whose own body awaits."""
    for found in re.finditer(r"\[[^\[\]\n]*[\w&=][^\[\]\n]*\]\s*(\([^()]*(?:\([^()]*\)[^()]*)*\))?[^;{}()]*\{", code):
        if re.search(r"[\w\])]\s*$", code[: found.start()]):
            continue  # an index, not a lambda
        depth, end = 1, found.end()
        while end < len(code) and depth:
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        if "co_await" in code[found.end() : end] and "= co_await" not in found[0]:
            binding = re.search(r"(auto|const)\s*&{0,2}\s*$", code[: found.start()])
            if not binding:
                yield found.start()


def problems_of(path, text):
    code = without_comments_and_literals(text)
    problems = []
    for found in re.finditer(r"\bco_await\b", code):
        fault = fault_of(code, found.start())
        if fault:
            problems.append((found.start(), f"co_await {fault}"))
    problems += [(at, "a capturing lambda is a coroutine") for at in capturing_coroutines(code)]
    return [f"{path}:{code.count(chr(10), 0, at) + 1}: {what}" for at, what in sorted(problems)]


GOOD = """
Task<int> f(std::string name) {
    co_await step(name, 'x');
    const auto [error, size] = co_await read(socket, as_result);
    const std::optional<Head> head = co_await parse(in.put);
    error = co_await connect(path); // if (co_await x)
    client.bytes = co_await write(buffers[0]);
    [[maybe_unused]] const auto [ignored] = co_await timer.wait(as_result);
    (void)co_await wait("if (co_await it)");
    if (error) co_return co_error;
    else co_await again(1'000);
    while (more()) co_await again();
    for (auto& item : list) { co_await use(item); }
    switch (kind) { case Kind::a: co_await use(a); break; }
    if (!done && open || x ? y : z) { const bool good = co_await go(std::move(x)); }
    sort(list, [&](auto a, auto b) { return a < b; });
}
"""

BAD = (
    "if (co_await f()) return;",
    "while (!co_await f()) {}",
    "for (auto x : co_await f()) {}",
    "switch (co_await f()) {}",
    "const auto x = a ? co_await f() : b;",
    "const bool x = a && co_await f();",
    "const bool x = co_await f() || b;",
    "if (const auto x = co_await f(); x) {}",
    "co_return co_await f();",
    "g(co_await f());",
    "auto x = 1 + co_await f();",
    "co_await f([this] { return 1; });",
    "co_await f({1, 2});",
    "co_await f(Thing{1});",
    "x = co_await f(co_await g());",
    "const auto x = co_await f() ? 1 : 2;",
    "auto l = [&x]() -> Task<void> { co_await x; };",
    "spawn([this](int a) mutable { co_await f(a); });",
    "if (a) if (co_await f()) {}",
    "auto x = (co_await f()).value();",
    "for (int i = 0; i < 3; i = co_await f()) {}",
)


def check_itself():
    """The checker must be able to fail, and to let pass."""
    assert not problems_of("good", GOOD), problems_of("good", GOOD)
    for line in BAD:
        assert problems_of("bad", "Task<void> g() {\n    " + line + "\n}\n"), line


def main():
    check_itself()
    problems, awaits = [], 0
    for folder, _, names in os.walk(PROXY):
        for name in sorted(names):
            if name.endswith((".hpp", ".cpp")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as source:
                    text = source.read()
                awaits += text.count("co_await")
                problems += problems_of(os.path.relpath(path, os.path.dirname(PROXY)), text)
    print("\n".join(problems) or f"{awaits} awaits, each a statement of its own")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
