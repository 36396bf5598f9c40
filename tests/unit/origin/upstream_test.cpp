#include "origin/upstream.hpp"

#include <doctest/doctest.h>

#include <thread>

namespace larder::origin {
namespace {

using namespace std::chrono_literals;

settings::Origin servers(const std::vector<std::string>& urls) {
    settings::Origin origin;
    std::string fault;
    for (const std::string& url : urls)
        origin.servers.push_back(*settings::parse_origin_url(url, fault));
    return origin;
}

template <class Condition>
bool until(const Condition& condition) {
    const SteadyTime give_up = steady_now() + 10s;
    while (!condition() && steady_now() < give_up) std::this_thread::sleep_for(1ms);
    return condition();
}

TEST_CASE("a server's URL is taken apart") {
    const Upstream upstream(
        servers({"http://127.0.0.1", "https://[::1]:8443", "http://127.0.0.2:81"}));
    CHECK(upstream.addresses()->size() == 3);
    CHECK(to_text(upstream.addresses()->at(0)->endpoint) == "127.0.0.1:80");
    CHECK(to_text(upstream.addresses()->at(1)->endpoint) == "[::1]:8443");
    CHECK(to_text(upstream.addresses()->at(2)->endpoint) == "127.0.0.2:81");
    CHECK_FALSE(upstream.has_names());
}

TEST_CASE("an address that failed is left out for as long as ejection says") {
    settings::Origin origin = servers({"http://127.0.0.1:81", "http://127.0.0.1:82"});
    origin.ejection.failures = 2;
    origin.ejection.duration = 700ms;
    Upstream upstream(origin);
    Address& address = *upstream.addresses()->front();
    const SteadyTime now = steady_now();
    upstream.note_failure(address, now);
    CHECK(Upstream::usable(address, now));
    upstream.note_failure(address, now);
    CHECK_FALSE(Upstream::usable(address, now + 699ms));
    CHECK(Upstream::usable(address, now + 701ms));
    upstream.note_failure(address, now + 1s);
    CHECK(Upstream::usable(address, now + 1s));  // counted anew
}

TEST_CASE("a name that ends with a dot is looked up as it is, and shown to TLS without the dot") {
    const Upstream upstream(servers({"https://no-such-name.invalid.:1"}));
    CHECK(upstream.servers()[0]->host == "no-such-name.invalid.");
    CHECK(upstream.servers()[0]->server_name == "no-such-name.invalid");
    CHECK(upstream.has_names());
}

TEST_CASE("a name is looked up without waiting for it") {
    Upstream upstream(servers({"http://localhost:81", "http://127.0.0.1:82"}));
    CHECK(upstream.is_up(*upstream.servers()[0]));
    CHECK(until([&] { return upstream.addresses()->size() >= 2; }));
    CHECK(upstream.has_address(*upstream.servers()[0]));
    CHECK(upstream.first_answers_by() == SteadyTime::min());
    CHECK(upstream.addresses()->back()->endpoint.port() == 82);
}

TEST_CASE("a name without an address is awaited for a moment only") {
    Upstream upstream(servers({"http://no-such-name.invalid:81"}));
    CHECK(until([&] { return upstream.first_answers_by() == SteadyTime::min(); }));
    CHECK(upstream.addresses()->empty());
    CHECK_FALSE(upstream.is_up(*upstream.servers()[0]));
    CHECK(upstream.pick(*upstream.addresses(), steady_now()) == nullptr);
}

TEST_CASE("what cannot be reached is left out while there is another") {
    Upstream upstream(servers({"http://127.0.0.1:81", "http://127.0.0.1:82"}));
    const auto addresses = upstream.addresses();
    const SteadyTime now = steady_now();
    Address& first = *addresses->at(0);
    Address& second = *addresses->at(1);
    upstream.note_not_connected(first, ConnectFailure::unreachable, now);
    for (int i = 0; i < 4; ++i) CHECK(upstream.pick(*addresses, now + 1h) == &second);
    upstream.note_not_connected(second, ConnectFailure::slow, now);
    CHECK(upstream.pick(*addresses, now) != upstream.pick(*addresses, now));  // better than none
    upstream.note_connected(first);
    for (int i = 0; i < 4; ++i) CHECK(upstream.pick(*addresses, now) == &first);
    first.up = false;
    CHECK(upstream.pick(*addresses, now) == &second);
    second.up = false;
    CHECK(upstream.pick(*addresses, now) == nullptr);
}

TEST_CASE("a reload takes over what is known, and does not wait for a lookup") {
    settings::Origin origin = servers({"http://localhost:81", "http://127.0.0.1:82"});
    const Upstream before(origin);
    REQUIRE(until([&] { return before.addresses()->size() >= 2; }));
    before.addresses()->back()->reachable = false;
    before.addresses()->back()->up = false;
    origin.servers.push_back({false, {"127.0.0.1", 83}});
    const Upstream without_checks(origin, &before);
    CHECK(without_checks.addresses()->size() == before.addresses()->size() + 1);
    const auto known = without_checks.addresses()->at(before.addresses()->size() - 1);
    CHECK(known->endpoint.port() == 82);
    CHECK_FALSE(known->reachable);
    CHECK(known->up);  // nobody would find it well again
    origin.health.path = "/health";
    const Upstream with_checks(origin, &before);
    CHECK_FALSE(with_checks.addresses()->at(before.addresses()->size() - 1)->up);
}

TEST_CASE("the end of an upstream does not wait for its lookups") {
    for (int i = 0; i < 20; ++i) const Upstream upstream(servers({"http://localhost:81"}));
}

}  // namespace
}  // namespace larder::origin
