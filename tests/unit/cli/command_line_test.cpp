#include "cli/command_line.hpp"

#include <doctest/doctest.h>

using namespace larder::cli;
using Arguments = std::vector<std::string>;

namespace {

template <class Options>
Options parsed(const Arguments& arguments) {
    const auto result = parse_command_line(arguments);
    REQUIRE(std::holds_alternative<Command>(result));
    REQUIRE(std::holds_alternative<Options>(std::get<Command>(result)));
    return std::get<Options>(std::get<Command>(result));
}

Exit exited(const Arguments& arguments) {
    const auto result = parse_command_line(arguments);
    REQUIRE(std::holds_alternative<Exit>(result));
    return std::get<Exit>(result);
}

}  // namespace

TEST_CASE("serve is the default command") {
    CHECK(parsed<ServeOptions>({}).config_file.empty());
    CHECK(parsed<ServeOptions>({"-c", "a.yaml"}).config_file == "a.yaml");
    CHECK(parsed<ServeOptions>({"--origin", "http://127.0.0.1:8000"}).origin ==
          "http://127.0.0.1:8000");
    const auto all =
        parsed<ServeOptions>({"serve", "--config=b.yaml", "--listen", "a:1", "--listen", "b:2",
                              "--admin", "off", "--origin", "http://o", "--redis", "redis://r"});
    CHECK(all.config_file == "b.yaml");
    CHECK(all.listen == Arguments{"a:1", "b:2"});
    CHECK(all.admin == "off");
    CHECK(all.origin == "http://o");
    CHECK(all.redis == "redis://r");
}

TEST_CASE("check, explain, purge and stats take what the contract says") {
    CHECK(parsed<CheckOptions>({"check", "-c", "a.yaml"}).config_file == "a.yaml");

    const auto explain = parsed<ExplainOptions>(
        {"explain", "GET", "/a?b=c", "-H", "Accept: text/html", "-H", "X:y"});
    CHECK(explain.method == "GET");
    CHECK(explain.url == "/a?b=c");
    CHECK(explain.headers ==
          std::vector<std::pair<std::string, std::string>>{{"Accept", "text/html"}, {"X", "y"}});
    CHECK(parsed<ExplainOptions>({"explain", "-H", "A: b", "GET", "/x"}).url == "/x");

    const auto purge =
        parsed<PurgeOptions>({"purge", "--soft", "--admin", "http://h:1", "a", "b:*"});
    CHECK(purge.soft);
    CHECK_FALSE(purge.tag);
    CHECK(purge.admin.url == "http://h:1");
    CHECK(purge.items == Arguments{"a", "b:*"});
    CHECK(parsed<PurgeOptions>({"purge", "--tag", "t"}).tag);
    CHECK(parsed<PurgeOptions>({"purge", "--dry-run", "t"}).dry_run);
    CHECK(parsed<PurgeOptions>({"purge", "t"}).admin.url == "http://127.0.0.1:9180");

    CHECK(parsed<StatsOptions>({"stats", "--watch"}).watch);
    CHECK(parsed<StatsOptions>({"stats", "--token", "s"}).admin.token == "s");
}

TEST_CASE("help and version are asked for, not errors") {
    CHECK(exited({"--version"}).text.starts_with("larder "));
    CHECK(exited({"--version"}).status == exit_fine);
    const Exit help = exited({"--help"});
    CHECK(help.status == exit_fine);
    for (const char* command : {"serve", "check", "explain", "purge", "stats"})
        CHECK(help.text.find(command) != std::string::npos);
    CHECK(exited({"purge", "--help"}).status == exit_fine);
    CHECK(exited({"purge", "--help"}).text.find("--soft") != std::string::npos);
}

TEST_CASE("what is not understood is a usage error with exit status 2") {
    for (const Arguments& arguments :
         std::vector<Arguments>{{"frobnicate"},
                                {"--frobnicate"},
                                {"serve", "--frobnicate"},
                                {"serve", "extra"},
                                {"-c"},
                                {"explain"},
                                {"explain", "GET"},
                                {"explain", "GET", "/", "more"},
                                {"explain", "GET", "/", "-H", "no colon"},
                                {"purge"},
                                {"purge", ""},
                                {"purge", "--soft"},
                                {"check", "--format", "xml"},
                                {"stats", "extra"}}) {
        CAPTURE(arguments.front());
        const Exit exit = exited(arguments);
        CHECK(exit.status == exit_usage);
        CHECK(exit.text.starts_with("larder: "));
    }
}
