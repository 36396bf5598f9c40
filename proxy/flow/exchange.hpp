#pragma once
#include <memory>
#include <string>
#include <vector>

#include "flow/announce_write.hpp"
#include "flow/lookup.hpp"
#include "flow/read_plan.hpp"
#include "http/head_parser.hpp"
#include "redis/budget.hpp"
#include "route/route_table.hpp"

namespace larder::flow {

/// All that is known of one request while it is under way. Its buffers are kept for the next.
struct Exchange {
    http::HeadStorage storage;
    http::RequestHead request;
    route::Match match;
    std::string key;
    route::KeyInfo key_info;
    std::vector<std::string> tags;
    std::string text;                  ///< heads being put together
    std::string origin_head;           ///< of a pass: the head that goes to the origin,
    std::string passed_lines;          ///< the lines of its answer as they are passed on,
    http::HeadStorage origin_storage;  ///< and what its answer's head is parsed into
    SteadyTime began{};
    cache::Detail bypass = cache::Detail::none;  ///< why a read stays out of the cache
    ReadPlan plan;  ///< of a read under a route that no `bypass` keeps out of the cache
    Lookup lookup;  ///< of such a read, once it was looked up
    cache::Outcome outcome;
    bool is_write = false;  ///< it may change something at the origin (http::is_write); set where
                            ///< it is passed on
    int status = 0;
    std::uint64_t bytes_in = 0;  ///< of the request: its head, and its body without chunk framing
    std::uint64_t bytes_out = 0;
    bool keep_alive = true;     ///< the connection may carry another request behind this one
    bool body_pending = false;  ///< bytes of the request's body may still be on the way
    bool answered = false;      ///< a byte of the final response was sent
    std::shared_ptr<const Announcement> announced;  ///< of a write; see announce_write
    bool purge_failed =
        false;  ///< the write's answer must not pass: what it made stale could not be purged
    redis::RedisBudget
        redis_budget;  ///< of a write: the announcement's and the purge's waits together

    /// The response was sent: lets go of what others could use.
    void release() {
        lookup.clear();
        announced.reset();
    }

    void reset() {
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
        answered = false;
        purge_failed = false;
        redis_budget = {};
    }
};

}  // namespace larder::flow
