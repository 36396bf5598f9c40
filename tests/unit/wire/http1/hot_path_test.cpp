#include <doctest/doctest.h>

#include <thread>

#include "unit/support/allocation_count.hpp"
#include "unit/support/one_worker.hpp"
#include "unit/support/system_call_count.hpp"

namespace larder {
namespace {

using test::LoopbackListener;
using test::OneWorker;
using test::receive;
using test::send;
using test::Socket;

constexpr std::string_view browser_request =
    "GET /articles/4200000000000042?fields=title,author&limit=20 HTTP/1.1\r\n"
    "Host: api.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: application/json\r\nAccept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n"
    "Sec-Fetch-Dest: empty\r\nSec-Fetch-Mode: cors\r\n\r\n";

std::string answer_of(OneWorker& worker, const Socket& client) {
    std::string answer;
    std::array<char, 8192> room{};
    const SteadyTime give_up = steady_now() + std::chrono::seconds(10);
    while (answer.find("\r\n\r\n") == std::string::npos || answer.size() < 1024) {
        REQUIRE(steady_now() < give_up);
        worker.context.run_one_for(std::chrono::milliseconds(50));
        answer += receive(client, room);
    }
    return answer;
}

}  // namespace

TEST_CASE("a hit costs two system calls and no allocation, from bytes in to bytes out") {
    LoopbackListener origin;
    LoopbackListener listener;
    OneWorker worker("origin: http://127.0.0.1:" + origin.port() +
                     "\nredis: off\nmemory: 16mb\nroutes:\n"
                     "  - match: GET /articles/{id}\n    key: articles:{id}\n    ttl: 60s\n");
    const Socket client(::socket(AF_INET, SOCK_STREAM, 0));
    listener.connect(client);
    std::optional<net::TcpSocket> accepted = net::own_socket(
        worker.services->executor(), boost::asio::ip::tcp::v4(), listener.accept_not_blocking());
    REQUIRE(accepted);
    wire::serve_connection(
        worker.connections->add(std::move(*accepted), boost::asio::ip::address_v4::loopback()), {});

    std::thread origin_thread([&origin] { answer_once(origin); });
    send(client, browser_request);
    const std::string missed = answer_of(worker, client);
    origin_thread.join();
    CAPTURE(missed);
    CHECK(missed.find("X-Cache: MISS\r\n") != std::string::npos);
    for (int warm_up = 0; warm_up < 3; ++warm_up) {
        send(client, browser_request);
        CHECK(answer_of(worker, client).find("X-Cache: HIT\r\n") != std::string::npos);
    }
    worker.context.poll();

    std::array<char, 8192> room{};
    send(client, browser_request);
    const std::size_t allocations_before = test::allocations();
    const test::SystemCalls before = test::system_calls();
    worker.context.poll();
    const test::SystemCalls after = test::system_calls();
    const std::size_t allocations_after = test::allocations();
    const std::string_view hit = receive(client, room);

    CHECK(hit.find("X-Cache: HIT\r\n") != std::string_view::npos);
    CHECK(hit.ends_with("xxxx"));
    CHECK(allocations_after == allocations_before);
    CHECK(after.reads - before.reads == 1);
    CHECK(after.writes - before.writes == 1);
    CHECK(after.others == before.others);
}

}  // namespace larder
