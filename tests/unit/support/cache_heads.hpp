#pragma once
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "cache/storable.hpp"
#include "cache/stored_head.hpp"
#include "cache/stored_response.hpp"
#include "unit/support/heads.hpp"

/// Stored responses and rules for the tests of the cache's decisions.
namespace larder::test {

/// A read rule with a ttl of a minute and nothing else.
inline settings::Route minute_rule() {
    settings::Route rule;
    rule.kind = settings::RouteKind::read;
    rule.ttl = 60s;
    return rule;
}

/// A read rule that grants nothing of its own.
inline settings::Route bare_rule() {
    settings::Route rule;
    rule.kind = settings::RouteKind::read;
    return rule;
}

inline cache::StoreDecision decide(const http::ResponseHead& response,
                                   const settings::Route& rule = bare_rule(),
                                   cache::Detail personal = cache::Detail::none,
                                   WallTime requested_at = noon, WallTime received_at = noon) {
    return cache::decide_storable(Request("GET /a\nHost: h"), response, rule, personal,
                                  requested_at, received_at);
}

/// The response as it would be stored at noon; the test fails where it would not be.
inline std::unique_ptr<cache::Draft> draft(std::string_view text, std::string body = "meow",
                                           const settings::Route& rule = bare_rule()) {
    const Response response(text);
    const cache::StoreDecision decision = decide(response, rule);
    CHECK(decision.reason == cache::Detail::none);
    auto out = std::make_unique<cache::Draft>();
    const http::ResponseHead& head = response;
    out->status = head.status;
    out->freshness = decision.freshness;
    out->vary = decision.vary;
    out->body = std::move(body);
    cache::append_stored_head(head, decision.omit, rule.strip, out->body.size(), noon, out->head);
    cache::index_stored_head(*out);
    return out;
}

/// The same, made.
inline cache::Stored store(std::string_view text, std::string body = "meow",
                           const settings::Route& rule = bare_rule()) {
    return cache::make_stored(*draft(text, std::move(body), rule));
}

}  // namespace larder::test
