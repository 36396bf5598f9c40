#include "settings/yaml_tree.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;

namespace {

struct Tree {
    std::optional<Value> value;
    Problems problems;
    [[nodiscard]] std::string fault() const {
        return problems.empty() ? "" : to_text(problems.front(), "f");
    }
};

Tree read(const std::string& text) {
    Tree out;
    out.value = read_yaml(text, out.problems);
    return out;
}

}  // namespace

TEST_CASE("values know where they stand, from one on") {
    const Tree tree = read("a: 1\nb:\n  - x\n  - {c: y}\n");
    REQUIRE(tree.value.has_value());
    const auto& entries = tree.value->entries;
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].second.at.line == 1);
    CHECK(entries[0].second.at.column == 4);
    const Value& inner = entries[1].second.items.at(1).entries.at(0).second;
    CHECK(inner.text == "y");
    CHECK(inner.at.line == 4);
    CHECK(inner.at.column == 9);
}

TEST_CASE("an empty text is a null value") {
    for (const std::string text : {"", "\n", "# nothing\n", "---\n", "~"}) {
        CAPTURE(text);
        const Tree tree = read(text);
        REQUIRE(tree.value.has_value());
        CHECK(tree.value->kind == Value::Kind::null);
    }
}

TEST_CASE("repeated keys are kept, for the reader to report") {
    CHECK(read("a: 1\na: 2\n").value->entries.size() == 2);
}

TEST_CASE("aliases and merge keys stand for what they name") {
    const Tree tree = read("base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\nlist: [*base]\n");
    REQUIRE(tree.value.has_value());
    const auto& use = tree.value->entries.at(1).second.entries;
    REQUIRE(use.size() == 2);
    CHECK(use[0].first.text == "b");
    CHECK(use[0].second.text == "3");
    CHECK(use[1].first.text == "a");
    CHECK(tree.value->entries.at(2).second.items.at(0).entries.size() == 2);

    const auto several = read("x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {<<: [*x, *y]}\n");
    REQUIRE(several.value.has_value());
    const auto& merged = several.value->entries.at(2).second.entries;
    REQUIRE(merged.size() == 2);
    CHECK(merged[0].second.text == "1");

    CHECK(read("a: {<<: 1}").fault() == "f:1:9: error: << needs a map, or a list of maps");
    CHECK(read("a: {\"<<\": 1}").value->entries.at(0).second.entries.size() == 1);
}

TEST_CASE("a value that is not there has the place where it would stand") {
    const Tree tree = read("a:\n'b': # nothing\nc: ~\nf: {g: , h: null}\nno:\nn: null\nz:");
    REQUIRE(tree.value.has_value());
    std::vector<std::pair<int, int>> places;
    const auto& entries = tree.value->entries;
    for (const auto& [key, value] : entries)
        if (value.kind == Value::Kind::null) places.emplace_back(value.at.line, value.at.column);
    for (const auto& [key, value] : entries.at(3).second.entries)
        places.emplace_back(value.at.line, value.at.column);
    const std::vector<std::pair<int, int>> expected{{1, 3}, {2, 5}, {3, 4}, {5, 4},
                                                    {6, 4}, {7, 3}, {4, 7}, {4, 13}};
    CHECK(places == expected);
}

TEST_CASE("an unquoted variable within braces is told how to be written") {
    const std::pair<const char*, const char*> cases[] = {
        {"limits: {body_bytes: ${BB:-x}}", "f:1:22: "},
        {"a: [x, ${A}]", "f:1:8: "},
        {"a: 1\nb:\n  - {c: 'x{', d: \"[${Q}\",\n     e: a${A}b}", "f:4:10: "},
        {"a: x{y # {\nb: &x {c: http://${A}:1}", "f:2:18: "},
    };
    for (const auto& [text, place] : cases) {
        CAPTURE(text);
        const Tree tree = read(text);
        CHECK(tree.problems.size() == 1);
        CHECK_MESSAGE(tree.fault().starts_with(place), tree.fault());
        CHECK(tree.fault().find("must be quoted, as in \"${NAME}\"") != std::string::npos);
    }
    for (const char* text :
         {"a: ${A}\nb: [", "a: {b: '${A}'}\nc: [", "a: articles:{id}:${A}\nb: ["}) {
        CAPTURE(text);
        CHECK(read(text).fault().find("quoted") == std::string::npos);
    }
    CHECK(read("a: {b: '${A}', c: \"${B}\"}\nd: x${C}").problems.empty());
}

TEST_CASE("what is not YAML is one problem with its position") {
    CHECK(read("a: [1\nb: 2\n").fault().starts_with("f:"));
    CHECK(read("a: \"open").fault().find("not valid YAML") != std::string::npos);
    CHECK(read("a: 1\n b: 2\n").fault().starts_with("f:2:"));
    CHECK(read("a: *none\n").fault().starts_with("f:1:"));
    CHECK(read("\t- a").problems.size() == 1);
    CHECK(read("a: 1\n---\nb: 2\n").fault().find("one YAML document") != std::string::npos);
    CHECK(read("a: &x [*x]\n").fault().starts_with("f:1:"));
}

TEST_CASE("a question mark may stand in a value within braces") {
    const Tree tree = read("{a: GET /b?c=1, d?: e? f, \"g?\": 'h?', i: [x?, ?y]} # ?");
    CHECK(tree.fault() == "");
    REQUIRE(tree.value.has_value());
    const auto& entries = tree.value->entries;
    REQUIRE(entries.size() == 4);
    CHECK(entries[0].second.text == "GET /b?c=1");
    CHECK(entries[1].first.text == "d?");
    CHECK(entries[1].first.at.column == 17);
    CHECK(entries[1].second.text == "e? f");
    CHECK(entries[2].first.text == "g?");
    CHECK(entries[2].second.text == "h?");
    CHECK(entries[3].second.items.at(0).text == "x?");
    CHECK(entries[3].second.items.at(1).text == "?y");
    CHECK(read("? a\n: b\n").value->entries.at(0).second.text == "b");
}

TEST_CASE("control characters are no part of a text") {
    CHECK(read("a: b\n c\x01").fault() ==
          "f:2:3: error: a control character; expected text in UTF-8");
    CHECK(read(std::string("a: \0", 4)).fault() ==
          "f:1:4: error: a control character; expected text in UTF-8");
    CHECK(read("a: b\r\nc: \"d\te\"\r\n").fault() == "");
}

TEST_CASE("aliases that multiply end at a bound") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string name = "a" + std::to_string(i);
        const std::string last = "*a" + std::to_string(i - 1);
        bomb += name + ": &" + name + " [";
        for (int k = 0; k < 10; ++k) bomb += (k > 0 ? ", " : "") + last;
        bomb += "]\n";
    }
    CHECK(read(bomb).fault().find("larger than a configuration may be") != std::string::npos);

    std::string wide = "a: &a " + std::string(1024 * 1024, 'x') + "\nb: [*a";
    for (int i = 0; i < 70; ++i) wide += ", *a";
    CHECK(read(wide + "]\n").fault().find("larger than a configuration may be") !=
          std::string::npos);
}

TEST_CASE("nesting ends at a bound") {
    CHECK(read(std::string(40, '[') + std::string(40, ']')).fault().find("nested too deeply") !=
          std::string::npos);
    CHECK(read(std::string(20000, '[')).problems.size() == 1);
    CHECK(read(std::string(20, '[') + std::string(20, ']')).problems.empty());
}

TEST_CASE("a text beyond any configuration's size is not parsed") {
    CHECK(read(std::string(yaml_text_bytes_max + 1, '#')).fault() ==
          "f: error: larger than a configuration may be");
}
