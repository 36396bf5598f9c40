#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cache/client_head.hpp"
#include "cache/request_outcome.hpp"
#include "flow/announce_write.hpp"
#include "flow/lookup.hpp"
#include "flow/read_plan.hpp"
#include "http/head_parser.hpp"
#include "redis/budget.hpp"
#include "route/route_table.hpp"

namespace larder::flow {

struct RequestTrace;  // defined in flow/request_trace.hpp

/// The state of one request under way. Its buffers are reused for the next request.
struct Exchange {
    Exchange();
    ~Exchange();

    http::HeadStorage storage;
    http::RequestHead request;
    route::Match match;
    std::string key;
    route::KeyInfo key_info;
    std::vector<std::string> tags;
    std::string text;                  ///< heads being put together
    std::string origin_head;           ///< of a pass: the head for the origin,
    std::string passed_lines;          ///< the lines of its answer that go to the client,
    http::HeadStorage origin_storage;  ///< and the storage of the answer's parsed head
    SteadyTime began{};
    cache::Detail bypass = cache::Detail::none;  ///< why a read stays out of the cache
    ReadPlan plan;  ///< of a read under a route that no `bypass` keeps out of the cache
    Lookup lookup;  ///< of such a read, once it was looked up
    cache::Outcome outcome;
    bool is_write = false;  ///< it may change something at the origin (http::is_write); set before
                            ///< it is passed on
    int status = 0;
    std::uint64_t bytes_in = 0;  ///< of the request: its head, and its body without chunk framing
    std::uint64_t bytes_out = 0;
    bool keep_alive = true;     ///< the connection may carry another request after this one
    std::string body;           ///< of a request whose key needs its body: what was read of it
    bool body_taken = false;    ///< `body`, or request.body, is the body or its beginning
    bool body_pending = false;  ///< bytes of the request's body may still be on the way
    bool answered = false;      ///< a byte of the final response was sent
    std::shared_ptr<const Announcement> announced;  ///< of a write; see announce_write
    bool purge_failed =
        false;  ///< do not forward the write's answer: stale entries could not be purged
    redis::RedisBudget redis_budget;  ///< of a write: for the announcement and the purge together
    std::chrono::nanoseconds origin_time{0};  ///< what the request waited for the origin's head
    std::string request_id;                   ///< made for a request without one; empty: not needed
    std::unique_ptr<RequestTrace> trace;  ///< of a request that asks for Larder-Explain, else null

    /// Whether clients see an Age: see cache::hides_age.
    [[nodiscard]] cache::Outcome::AgeField age_field() const {
        const bool hidden = match.route && cache::hides_age(match.route->rule);
        return hidden ? cache::Outcome::AgeField::hidden : cache::Outcome::AgeField::shown;
    }

    /// Call it when the response was sent. Releases what other requests could use.
    void release() {
        lookup.clear();
        announced.reset();
    }

    void reset() {
        origin_time = {};
        request_id.clear();
        if (trace) forget_trace();
        match = {};
        key.clear();
        tags.clear();
        text.clear();
        bypass = cache::Detail::none;
        outcome = {};
        is_write = false;
        status = 0;
        bytes_in = 0;
        bytes_out = 0;
        keep_alive = true;
        body_pending = false;
        if (!body.empty()) std::string().swap(body);  // an assignment would keep its memory
        body_taken = false;
        answered = false;
        purge_failed = false;
        redis_budget = {};
    }

private:
    void forget_trace();
};

}  // namespace larder::flow
