#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cache/stored_response.hpp"
#include "flow/announce_write.hpp"
#include "flow/outcome_fields.hpp"
#include "http/head_parser.hpp"
#include "net/buffer.hpp"
#include "redis/budget.hpp"
#include "route/route_table.hpp"

namespace larder::flow {

/// All that one request needs while it is under way, with its buffers kept for the next: an idle
/// connection has none.
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
    Outcome outcome;
    bool is_write = false;  ///< it may change something at the origin (http::is_write); set where
                            ///< it is passed on
    int status = 0;
    std::uint64_t bytes_in = 0;  ///< of the request: its head, and its body without chunk framing
    std::uint64_t bytes_out = 0;
    bool keep_alive = true;     ///< the connection may carry another request behind this one
    bool body_pending = false;  ///< bytes of the request's body may still be on the way
    bool answered = false;      ///< a byte of the final response was sent
    bool coalesced = false;
    cache::Detail not_stored = cache::Detail::none;
    std::chrono::nanoseconds saved{0};
    std::shared_ptr<const Announcement> announced;  ///< of a write; see announce_write
    bool purge_failed =
        false;  ///< the write's answer must not pass: what it made stale could not be purged
    redis::RedisBudget
        redis_budget;       ///< of a write: the announcement's and the purge's waits together
    cache::Stored rest_of;  ///< a hit that did not fit the socket's buffer: the entry, and how much
                            ///< of head, text
    std::size_t rest_sent = 0;  ///< and body was sent

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
        coalesced = false;
        not_stored = cache::Detail::none;
        saved = {};
        announced.reset();
        purge_failed = false;
        redis_budget = {};
        rest_of.reset();
        rest_sent = 0;
    }
};

/// One worker's exchanges, reused.
class ExchangePool {
public:
    [[nodiscard]] std::unique_ptr<Exchange> take() {
        if (kept_.empty()) {
            auto fresh = std::make_unique<Exchange>();
            fresh->storage.fields.reserve(64);
            return fresh;
        }
        auto exchange = std::move(kept_.back());
        kept_.pop_back();
        exchange->reset();
        return exchange;
    }
    void give_back(std::unique_ptr<Exchange> exchange) {
        if (kept_.size() < 64) kept_.push_back(std::move(exchange));
    }

private:
    std::vector<std::unique_ptr<Exchange>> kept_;
};

}  // namespace larder::flow
