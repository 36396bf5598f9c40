#include "server/message_channel.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace larder::server {
namespace {

/// Keeps what came, for a test to wait for.
struct Received : MessageChannel::Handler {
    void on_message(char kind, std::string_view body) override {
        const std::scoped_lock lock(mutex);
        messages.emplace_back(kind, std::string(body));
        changed.notify_all();
    }
    void on_end() override {
        const std::scoped_lock lock(mutex);
        ended = true;
        changed.notify_all();
    }
    template <class Condition>
    bool wait(Condition condition) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, Seconds(10), condition);
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::pair<char, std::string>> messages;
    bool ended = false;
};

struct Ends {
    Ends() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, of) == 0); }
    int of[2];
};

TEST_CASE("messages of any size arrive whole and in order, also those sent before the start") {
    Ends ends;
    Received here;
    Received there;
    MessageChannel a(ends.of[0], here);
    MessageChannel b(ends.of[1], there);
    const std::string large(3'000'000, 'x');
    a.send('a', "");
    a.send('b', large);
    a.start();
    b.start();
    for (int i = 0; i < 1000; ++i) a.send('c', std::to_string(i));
    REQUIRE(there.wait([&] { return there.messages.size() == 1002; }));
    CHECK(a.flush(steady_now() + Seconds(10)));
    CHECK(there.messages[0] == std::pair('a', std::string()));
    CHECK(there.messages[1].second == large);
    CHECK(there.messages[1001] == std::pair('c', std::string("999")));
    b.send('d', "back");
    REQUIRE(here.wait([&] { return here.messages.size() == 1; }));
    a.close();
    CHECK(there.wait([&] { return there.ended; }));
    b.send('e', "nobody hears");
}

TEST_CASE("a peer that breaks the rules, or a body beyond them, ends the channel") {
    Ends ends;
    Received there;
    MessageChannel b(ends.of[1], there);
    b.start();
    const char lies[] = "\xff\xff\xff\xffx";
    REQUIRE(::write(ends.of[0], lies, 5) == 5);
    CHECK(there.wait([&] { return there.ended; }));
    ::close(ends.of[0]);

    Ends others;
    Received here;
    MessageChannel a(others.of[0], here);
    a.start();
    a.send('x', std::string(MessageChannel::body_bytes_max + 1, 'x'));
    CHECK(here.wait([&] { return here.ended; }));
    CHECK_FALSE(a.flush(steady_now() + Seconds(1)));
    ::close(others.of[1]);
}

}  // namespace
}  // namespace larder::server
