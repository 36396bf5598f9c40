#include "observe/request_events.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace larder;
using namespace larder::observe;
using namespace std::chrono_literals;

namespace {

RequestEvent an_event() {
    RequestEvent event;
    event.client = "10.1.2.3";
    event.method = "GET";
    event.route = "/articles/{id}";
    event.status = 503;
    event.x_cache = cache::XCache::miss;
    event.detail = cache::Detail::set_cookie;
    event.duration = 60ms;
    return event;
}

Event shared(RequestEvent event) { return std::make_shared<const RequestEvent>(std::move(event)); }

}  // namespace

TEST_CASE("a filter takes what meets each of its conditions") {
    struct Row {
        const char* name;
        const char* value;
        bool takes;
    };
    for (const Row& row :
         {Row{"route", "/articles/{id}", true}, Row{"route", "/articles", false},
          Row{"cache", "MISS", true}, Row{"cache", "hit", false}, Row{"status", "5xx", true},
          Row{"status", "503", true}, Row{"status", "504", false}, Row{"status", "4xx", false},
          Row{"method", "get", true}, Row{"method", "PUT", false},
          Row{"client", "10.0.0.0/8", true}, Row{"client", "10.1.2.3", true},
          Row{"client", "fd00::/8", false}, Row{"client", "10.1.2.4", false},
          Row{"detail", "set-cookie", true}, Row{"detail", "private", false},
          Row{"slower", "50ms", true}, Row{"slower", "1s", false}, Row{"slower", "0", true}}) {
        CAPTURE(row.name);
        CAPTURE(row.value);
        EventFilter filter;
        REQUIRE_FALSE(filter.add(row.name, row.value));
        CHECK(filter.takes(an_event()) == row.takes);
        REQUIRE_FALSE(filter.add("method", "GET"));
        if (std::string_view(row.name) != "method") CHECK(filter.takes(an_event()) == row.takes);
    }
    CHECK(EventFilter().takes(an_event()));
}

TEST_CASE("a condition that makes no sense is refused, with what would be right") {
    for (const auto& [name, value] : {std::pair{"cache", "WARM"},
                                      {"status", "5x"},
                                      {"status", "abc"},
                                      {"client", "10"},
                                      {"slower", "fast"},
                                      {"slower", "5h"},
                                      {"colour", "red"}}) {
        CAPTURE(name);
        CAPTURE(value);
        EventFilter filter;
        const auto wrong = filter.add(name, value);
        REQUIRE(wrong);
        CHECK(wrong->find("expected") != std::string::npos);
    }
}

TEST_CASE("nobody listens, then somebody does, then nobody") {
    RequestEvents events;
    CHECK_FALSE(events.has_listeners());
    int wakes = 0;
    auto listener = events.listen({}, [&wakes] { ++wakes; });
    CHECK(events.has_listeners());
    events.publish(shared(an_event()));
    events.publish(shared(an_event()));
    CHECK(wakes == 1);
    CHECK(listener->take().events.size() == 2);
    events.publish(shared(an_event()));
    CHECK(wakes == 2);
    listener.reset();
    events.publish(shared(an_event()));
    CHECK_FALSE(events.has_listeners());
}

TEST_CASE("a slow listener loses what comes beyond its bound, and learns how much") {
    RequestEvents events;
    const auto slow = events.listen({}, [] {});
    for (std::size_t i = 0; i < EventListener::kept_max + 7; ++i)
        events.publish(shared(an_event()));
    const EventListener::Taken taken = slow->take();
    CHECK(taken.events.size() == EventListener::kept_max);
    CHECK(taken.lost == 7);
    CHECK(slow->take().lost == 0);
}

TEST_CASE("only so many may listen") {
    RequestEvents events;
    std::vector<std::shared_ptr<EventListener>> all;
    for (std::size_t i = 0; i < RequestEvents::listeners_max; ++i)
        all.push_back(events.listen({}, [] {}));
    CHECK(all.back());
    CHECK_FALSE(events.listen({}, [] {}));
    all.pop_back();
    CHECK(events.listen({}, [] {}));
}

TEST_CASE("threads publish while others listen and leave") {
    RequestEvents events;
    std::vector<std::thread> threads;
    std::atomic<bool> done{false};
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!done) events.publish(shared(an_event()));
        });
    std::uint64_t seen = 0;
    // Longer where the threads get no turn.
    for (int i = 0; i < 200 || (seen == 0 && i < 1'000'000); ++i) {
        const auto listener = events.listen({}, [] {});
        std::this_thread::yield();
        const auto taken = listener->take();
        seen += taken.events.size() + taken.lost;
    }
    done = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(seen > 0);
}
