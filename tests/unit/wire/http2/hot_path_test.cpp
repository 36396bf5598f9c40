#include <doctest/doctest.h>

#include <thread>

#include "unit/support/allocation_count.hpp"
#include "unit/support/http2_peer.hpp"
#include "unit/support/one_worker.hpp"
#include "unit/support/system_call_count.hpp"

namespace larder {
namespace {

const test::FieldPairs browser_request{
    {":method", "GET"},
    {":scheme", "http"},
    {":authority", "api.example"},
    {":path", "/articles/42"},
    {"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
    {"accept", "application/json"},
    {"accept-language", "en-US,en;q=0.5"},
    {"accept-encoding", "gzip, deflate, br, zstd"},
    {"sec-fetch-dest", "empty"},
    {"sec-fetch-mode", "cors"}};

struct Talk {
    test::LoopbackListener origin;
    test::LoopbackListener listener;
    test::OneWorker worker{"origin: http://127.0.0.1:" + origin.port() +
                           "\nredis: off\nmemory: 16mb\nroutes:\n"
                           "  - match: GET /articles/{id}\n    key: articles:{id}\n    ttl: 60s\n"};
    test::Socket socket{::socket(AF_INET, SOCK_STREAM, 0)};
    test::Http2Peer client;
    std::vector<char> room = std::vector<char>(256 * 1024);

    Talk() {
        listener.connect(socket);
        std::optional<net::TcpSocket> accepted =
            net::own_socket(worker.services->executor(), boost::asio::ip::tcp::v4(),
                            listener.accept_not_blocking());
        REQUIRE(accepted);
        wire::serve_connection(
            worker.connections->add(std::move(*accepted), boost::asio::ip::address_v4::loopback()),
            {});
    }
    std::vector<std::int32_t> ask(int count) {
        std::vector<std::int32_t> streams;
        for (int i = 0; i < count; ++i) streams.push_back(client.request(browser_request));
        test::send(socket, client.take());
        return streams;
    }
    void take_answers() { client.receive(test::receive(socket, room)); }
    void wait_for(std::int32_t stream) {
        const SteadyTime give_up = steady_now() + std::chrono::seconds(10);
        while (!client.responses[stream].closed) {
            REQUIRE(steady_now() < give_up);
            worker.context.run_one_for(std::chrono::milliseconds(50));
            take_answers();
        }
    }
};

std::string x_cache(const test::Http2Peer::Response& response) {
    for (const auto& [name, value] : response.fields)
        if (name == "x-cache") return value;
    return "";
}

}  // namespace

TEST_CASE("hits over HTTP/2 cost two system calls, however many come at once") {
    Talk talk;
    std::thread origin_thread([&talk] { test::answer_once(talk.origin); });
    const std::int32_t missed = talk.ask(1).front();
    talk.wait_for(missed);
    origin_thread.join();
    CHECK(x_cache(talk.client.responses[missed]) == "MISS");
    for (int warm_up = 0; warm_up < 3; ++warm_up) talk.wait_for(talk.ask(20).back());
    talk.worker.context.poll();

    for (const int count : {1, 20}) {
        const std::vector<std::int32_t> streams = talk.ask(count);
        const std::size_t allocations_before = test::allocations();
        const test::SystemCalls before = test::system_calls();
        talk.worker.context.poll();
        const test::SystemCalls after = test::system_calls();
        const std::size_t allocations_after = test::allocations();
        talk.take_answers();
        for (const std::int32_t stream : streams) {
            CHECK(talk.client.responses[stream].closed);
            CHECK(x_cache(talk.client.responses[stream]) == "HIT");
            CHECK(talk.client.responses[stream].body.size() == 1024);
        }
        CHECK(after.reads - before.reads == 1);
        CHECK(after.writes - before.writes == 1);
        CHECK(after.others == before.others);
        // Each stream, and no part of a request or a response.
        CHECK(allocations_after - allocations_before <= static_cast<std::size_t>(count));
    }
}

}  // namespace larder
