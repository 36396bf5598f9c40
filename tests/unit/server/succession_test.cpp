#include <doctest/doctest.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "server/from_predecessor.hpp"
#include "server/succession_messages.hpp"
#include "server/to_successor.hpp"

// Each end of a hand-over without Redis, with the test as the other process.
namespace larder::server {
namespace {

using namespace std::chrono_literals;

/// What one of the processes consists of.
struct Process {
    Process() { spdlog::set_level(spdlog::level::off); }
    ~Process() { spdlog::set_level(spdlog::level::info); }

    SuccessionParts parts() {
        return {generations, memory,        board,
                nullptr,     &trust,        nullptr,
                nullptr,     [](auto&&) {}, [] { return std::string(); }};
    }

    store::Generations generations;
    store::MemoryStore memory{1024 * 1024, generations};
    store::FetchBoard board{generations};
    HandoverTrust trust{memory};
};

void send(int descriptor, char kind, const std::string& body) {
    const auto size = static_cast<std::uint32_t>(body.size());
    std::string text(4, '\0');
    std::memcpy(text.data(), &size, sizeof size);
    text.append(1, kind).append(body);
    REQUIRE(::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

void send_alive(int descriptor, SteadyTime sent) {
    send(descriptor, message::alive, message::alive_body(sent));
}

template <class Condition>
bool becomes_true(Condition condition) {
    const SteadyTime give_up = steady_now() + 10s;
    while (!condition() && steady_now() < give_up) std::this_thread::sleep_for(1ms);
    return condition();
}

/// The new process.
struct New {
    New() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        old = ends[1];
        FromPredecessor::Calls calls;
        calls.is_over = [this] { is_over = true; };
        calls.predecessor_lives = [this] { return lives.load(); };
        from = std::make_unique<FromPredecessor>(ends[0], process.parts(), std::move(calls));
    }
    ~New() {
        from.reset();
        if (old >= 0) ::close(old);
    }
    [[nodiscard]] bool trusts() const { return process.trust.lasts(); }
    void end_channel() { ::close(std::exchange(old, -1)); }

    Process process;
    int old = -1;  // the old process's end
    std::atomic<bool> lives{true};
    std::atomic<bool> is_over{false};
    std::unique_ptr<FromPredecessor> from;
};

/// The old process, which has started a new one.
struct Old {
    Old() {
        other = to.open();
        REQUIRE(other >= 0);
        to.begin();
    }
    ~Old() {
        if (other >= 0) ::close(other);
    }
    [[nodiscard]] bool trusts() const { return process.trust.lasts(); }
    void end_channel() { ::close(std::exchange(other, -1)); }

    Process process;
    ToSuccessor to{process.parts()};
    int other = -1;  // the new process's end
};

}  // namespace

TEST_CASE("a sign of life is no later than now, whatever it says") {
    const SteadyTime now = steady_now();
    CHECK(message::parse_alive(message::alive_body(now - 3s), now) >= now - 3s - 1ms);
    CHECK(message::parse_alive(message::alive_body(now - 3s), now) <= now - 3s);
    CHECK(message::parse_alive(message::alive_body(now + 3s), now) <= now);
    CHECK(message::parse_alive("99999999999999999999999", now).value_or(now) <= now);
    CHECK_FALSE(message::parse_alive("soon", now));
}

TEST_CASE("the new process answers from memory for a while after the last sign of life was sent") {
    New process;
    CHECK(process.trusts());  // an older version sends none
    send_alive(process.old, steady_now());
    send(process.old, message::inherited, "");
    process.from->inherit();
    CHECK_FALSE(process.process.memory.is_retired());
    CHECK(becomes_true([&] { return !process.trusts(); }));
    send_alive(process.old, steady_now() - trusted_after_sign);  // it lay in the channel for long
    send(process.old, message::silent, "");
    process.from->take_over();
    CHECK_FALSE(process.trusts());
    send_alive(process.old, steady_now());
    CHECK(becomes_true([&] { return process.trusts(); }));
    send(process.old, message::finished, "");
    process.end_channel();
    CHECK(becomes_true([&] { return process.is_over.load(); }));
    CHECK(process.trusts());
}

TEST_CASE("without an orderly end the new process trusts its memory when the old one is gone") {
    New process;
    send_alive(process.old, steady_now());
    send(process.old, message::inherited, "");
    process.from->inherit();
    send(process.old, message::silent, "");
    process.from->take_over();
    const std::uint64_t position = process.process.generations.advance();
    process.end_channel();
    CHECK(becomes_true([&] { return !process.trusts(); }));
    process.lives = false;
    CHECK(becomes_true([&] { return process.trusts(); }));
    const std::uint32_t slot = store::Generations::slot_of_key("a");
    CHECK_FALSE(process.process.generations.valid({&slot, 1}, position));
}

TEST_CASE("a new process does not serve before a silent old one has lost trust in its memory") {
    New process;
    send(process.old, message::inherited, "");
    process.from->inherit();
    const SteadyTime asked = steady_now();
    std::thread end([&] {
        while (steady_now() < asked + 2500ms) std::this_thread::sleep_for(1ms);
        process.lives = false;
    });
    process.from->take_over();
    const auto waited = steady_now() - asked;
    end.join();
    CHECK(waited >= 2500ms);  // with an old process that lives it would be about five seconds
}

TEST_CASE("the old process answers from memory while the new one starts or shows signs of life") {
    Old process;
    CHECK(process.trusts());
    send_alive(process.other, steady_now());
    CHECK(process.trusts());
    process.end_channel();  // the new process may serve all the same
    CHECK(becomes_true([&] { return !process.trusts(); }));
    CHECK(process.to.may_miss_writes());
    process.to.end();  // it has ended, and had not asked for silence
    CHECK(process.trusts());
}

TEST_CASE("what the old process holds is of no use after the new one has served") {
    Old process;
    const std::uint32_t slot = store::Generations::slot_of_key("a");
    const std::uint64_t position = process.process.generations.advance();
    send(process.other, message::step_back, "");
    process.end_channel();
    process.to.end();  // although the request for silence may not have been read before
    CHECK(process.trusts());
    CHECK_FALSE(process.process.generations.valid({&slot, 1}, position));
}

TEST_CASE("a new process that dies in its start takes nothing from the old one's memory") {
    Old process;
    const std::uint32_t slot = store::Generations::slot_of_key("a");
    const std::uint64_t position = process.process.generations.advance();
    process.end_channel();
    process.to.end();
    CHECK(process.trusts());
    CHECK(process.process.generations.valid({&slot, 1}, position));
}

}  // namespace larder::server
