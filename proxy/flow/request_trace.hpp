#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "flow/exchange.hpp"

namespace larder::flow {

class Client;

/// What a request that holds the debug token tells in Larder-Explain.
struct RequestTrace {
    struct Step {
        const char* name;
        std::chrono::nanoseconds took;
    };
    std::vector<Step> steps;
    const char* found_in = nullptr;  ///< "memory", "redis" or "fetch" (another request's, just
                                     ///< complete); null: no entry was found
};

/// Measures one step of a request, from here to the end of the scope, where it has a trace. `name`
/// is a literal. The exchange outlives it.
class TraceStep {
public:
    TraceStep(Exchange& exchange, const char* name) : exchange_(exchange), name_(name) {
        if (exchange_.trace) began_ = steady_now();
    }
    ~TraceStep() {
        if (exchange_.trace) exchange_.trace->steps.push_back({name_, steady_now() - began_});
    }
    TraceStep(const TraceStep&) = delete;
    TraceStep& operator=(const TraceStep&) = delete;

private:
    Exchange& exchange_;
    const char* name_;
    SteadyTime began_{};
};

/// Measures what a request waits for the origin, from here to the end of the scope.
class OriginWait {
public:
    explicit OriginWait(Exchange& exchange) : exchange_(exchange), step_(exchange, "origin") {}
    ~OriginWait() { exchange_.origin_time += steady_now() - began_; }
    OriginWait(const OriginWait&) = delete;
    OriginWait& operator=(const OriginWait&) = delete;

private:
    Exchange& exchange_;
    TraceStep step_;
    SteadyTime began_ = steady_now();
};

/// Whether the field is `Larder-Debug` with the configured token. Such a field is not forwarded.
[[nodiscard]] bool is_debug_field(const http::Field& field, const settings::Settings& settings);

/// Gives the exchange a trace where a field of the request is that one.
void begin_trace(Client& client);

/// Appends the line "Larder-Explain: {...}" with CRLF for a request with a trace. `lines`: the
/// response's status line and fields.
void append_explanation(Client& client, std::string_view lines, std::string& out);

}  // namespace larder::flow
