#include "settings/problem.hpp"

#include <doctest/doctest.h>

using namespace larder::settings;

TEST_CASE("a problem prints as file, line, column, severity, path and message") {
    const Problem problem{
        Problem::Severity::error, {12, 15}, "limits.max_object", "must not exceed memory"};
    CHECK(to_text(problem, "config/larder.yaml") ==
          "config/larder.yaml:12:15: error: limits.max_object: must not exceed memory");
    CHECK(to_text({Problem::Severity::warning, {}, "memory", "is off"}, "f") ==
          "f: warning: memory: is off");
    CHECK(to_text({Problem::Severity::error, {}, "", "cannot be read"}, "f") ==
          "f: error: cannot be read");
    CHECK(to_text({Problem::Severity::error, {}, "origin", "is missing"}, "") ==
          "error: origin: is missing");
    CHECK(to_text({Problem::Severity::error, {}, "--listen", "bad"}, "f") ==
          "error: --listen: bad");
}

TEST_CASE("warnings alone are no errors") {
    CHECK_FALSE(has_errors({}));
    CHECK_FALSE(has_errors({{Problem::Severity::warning, {}, "", ""}}));
    CHECK(has_errors(
        {{Problem::Severity::warning, {}, "", ""}, {Problem::Severity::error, {}, "", ""}}));
}
