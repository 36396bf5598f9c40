#include "settings/environment.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "unit/settings/loading.hpp"

using namespace larder::settings;

namespace {

Substituted substitute(const std::string& text) {
    return substitute_environment(
        text,
        environment_of({{"A", "apple"}, {"EMPTY", ""}, {"TRICK", "${A} $${A}"}, {"_b2", "x"}}));
}

}  // namespace

TEST_CASE("variables stand anywhere in a value") {
    const std::pair<std::string, std::string> cases[] = {
        {"${A}", "apple"},
        {"<${A}:${_b2}>", "<apple:x>"},
        {"${NONE:-pear}", "pear"},
        {"${NONE:-}", ""},
        {"${A:-pear}", "apple"},
        {"${EMPTY}", ""},
        {"${EMPTY:-pear}", "pear"},
        {"${NONE:-${A}}", "apple"},
        {"${NONE:-${NOR:-deep}}!", "deep!"},
        {"${NONE:-redis://h:1/0}", "redis://h:1/0"},
        {"${NONE:-articles:{id}}", "articles:{id}"},
        {"${A:-articles:{id}}", "apple"},
        {"$${A}", "${A}"},
        {"$$${A}", "$${A}"},
        {"cost: 5$", "cost: 5$"},
        {"$A $ $$ $(A)", "$A $ $$ $(A)"},
        {"{id}", "{id}"},
        {"", ""},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        CHECK(substitute(text).text == expected);
        CHECK(substitute(text).error == "");
    }
}

TEST_CASE("what a variable holds is not looked at again") {
    CHECK(substitute("${TRICK}").text == "${A} $${A}");
}

TEST_CASE("a variable that is not set, or not well formed, is an error that says so") {
    const std::pair<std::string, std::string> cases[] = {
        {"${NONE}", "NONE is not set"},     {"${NONE:-${NOR}}", "NOR is not set"},
        {"${A", "without its }"},           {"${NONE:-{}", "without its }"},
        {"${}", "expected ${NAME}"},        {"${1A}", "expected ${NAME}"},
        {"${A:?must}", "expected ${NAME}"}, {"${A-x}", "expected ${NAME}"},
        {"${A B}", "expected ${NAME}"},     {"${:-x}", "expected ${NAME}"},
    };
    for (const auto& [text, expected] : cases) {
        CAPTURE(text);
        CHECK(substitute(text).error.find(expected) != std::string::npos);
    }
}

TEST_CASE("defaults within defaults have an end") {
    std::string text = "x";
    for (int i = 0; i < 100; ++i) text = "${NONE:-" + text + "}";
    CHECK(substitute(text).error.find("nested") != std::string::npos);
}

TEST_CASE("a value may be what a file holds, without its last line end") {
    const std::string path = "/tmp/larder-environment-test-" + std::to_string(::getpid());
    const auto with = [&](const std::string& content) {
        std::ofstream(path, std::ios::binary) << content;
        return substitute("<${file:" + path + "}>");
    };
    CHECK(with("secret\n").text == "<secret>");
    CHECK(with("secret\r\n").text == "<secret>");
    CHECK(with("two\n\n").text == "<two\n>");
    CHECK(with("").text == "<>");
    CHECK(with("${A}").text == "<${A}>");
    CHECK(with(std::string(64 * 1024 + 1, 'x')).error.find("larger than 64KB") !=
          std::string::npos);
    std::remove(path.c_str());
    CHECK(substitute("${file:" + path + "}").error.find("No such file") != std::string::npos);
    CHECK(substitute("${file:/tmp}").error.find("a directory") != std::string::npos);
    CHECK(substitute("${file:secret}").error.find("absolute path") != std::string::npos);
}
