#include "redis/transport.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/detached.hpp"

// How a connection is read, with a peer on the loopback interface.
namespace larder::redis {
namespace {

using tcp = boost::asio::ip::tcp;
using namespace std::chrono_literals;

struct Read {
    std::string text;      // all that came
    int pieces = 0;        // in so many reads
    bool is_over = false;  // the last one gave nothing
};

Task<void> connect_to(std::shared_ptr<RedisTransport> transport, std::uint16_t port, bool& works) {
    const RedisAddress address{"127.0.0.1", port};
    const std::string path;
    const error_code failed = co_await transport->connect(RedisUrl::Kind::tcp, address, path);
    works = !failed;
}

Task<void> read_all(std::shared_ptr<RedisTransport> transport, std::size_t at_once,
                    bool may_be_reset, Read& read) {
    std::string room(at_once, '\0');
    while (true) {
        const std::size_t size =
            co_await transport->read_some(boost::asio::buffer(room), may_be_reset);
        if (size == 0) break;
        read.text.append(room, 0, size);
        ++read.pieces;
    }
    read.is_over = true;
}

struct Scene {
    Scene() {
        bool works = false;
        net::start_detached(context.get_executor(),
                            connect_to(transport, acceptor.local_endpoint().port(), works), "test");
        run_until(works);
        acceptor.accept(peer);
    }
    ~Scene() { transport->close(); }

    void start_reading(std::size_t at_once, bool may_be_reset) {
        net::start_detached(context.get_executor(),
                            read_all(transport, at_once, may_be_reset, read), "test");
    }
    void run_until(const bool& done) {
        context.restart();
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (!done && std::chrono::steady_clock::now() < end) context.run_one_for(10ms);
        REQUIRE(done);
    }
    void run_until_read(std::string_view text) {
        context.restart();
        const auto end = std::chrono::steady_clock::now() + 10s;
        while (read.text != text && std::chrono::steady_clock::now() < end)
            context.run_one_for(10ms);
        REQUIRE(read.text == text);
    }
    void send(std::string_view text) { boost::asio::write(peer, boost::asio::buffer(text)); }
    void reset() {
        peer.set_option(tcp::socket::linger(true, 0));
        peer.close();
    }

    boost::asio::io_context context{1};
    boost::asio::io_context others;
    tcp::acceptor acceptor{others, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
    tcp::socket peer{others};
    std::shared_ptr<RedisTransport> transport = std::make_shared<RedisTransport>(context, nullptr);
    Read read;
};

TEST_CASE("all that a peer sends is read, whatever fits into one read") {
    for (const bool may_be_reset : {true, false}) {
        Scene scene;
        scene.start_reading(4, may_be_reset);
        scene.send("abcdefghij");
        scene.run_until_read("abcdefghij");
        scene.send("k");
        scene.run_until_read("abcdefghijk");
        scene.send("lmno");
        scene.run_until_read("abcdefghijklmno");
        CHECK_FALSE(scene.read.is_over);
        scene.peer.close();
        scene.run_until(scene.read.is_over);
    }
}

TEST_CASE("an end that comes with the last bytes is seen after them") {
    for (const bool may_be_reset : {true, false}) {
        Scene scene;
        scene.start_reading(100, may_be_reset);
        scene.send("first ");
        scene.run_until_read("first ");
        scene.send("last");
        scene.peer.close();
        scene.run_until(scene.read.is_over);
        CHECK(scene.read.text == "first last");
    }
}

TEST_CASE("a reset ends the reading") {
    for (const bool may_be_reset : {true, false}) {
        Scene scene;
        scene.start_reading(100, may_be_reset);
        scene.send("a");
        scene.run_until_read("a");
        scene.reset();
        scene.run_until(scene.read.is_over);
    }
}

TEST_CASE("after a reset that came unseen, writing tells") {
    Scene scene;
    scene.start_reading(100, false);
    scene.send("a");
    scene.reset();
    scene.context.restart();
    while (scene.read.pieces == 0 && !scene.read.is_over) scene.context.run_one_for(10ms);
    bool failed = false;
    scene.transport->write(std::vector{boost::asio::buffer("b", 1)},
                           [&failed](error_code error) { failed = failed || error; });
    scene.run_until(failed);
}

TEST_CASE("closing ends a read that waits") {
    for (const bool may_be_reset : {true, false}) {
        Scene scene;
        scene.start_reading(100, may_be_reset);
        scene.send("a");
        scene.run_until_read("a");
        scene.transport->close();
        scene.run_until(scene.read.is_over);
    }
}

TEST_CASE("what has come is read although the connection has been ended") {
    Scene scene;
    scene.start_reading(2, false);
    scene.send("abcde");
    scene.run_until_read("abcde");
    scene.send("fgh");
    scene.transport->end();
    scene.run_until(scene.read.is_over);
    CHECK(scene.read.text == "abcdefgh");
}

TEST_CASE("a read that waits when its io_context ends goes with it") {
    std::weak_ptr<RedisTransport> transport;
    {
        Scene scene;
        scene.start_reading(100, false);
        scene.send("a");
        scene.run_until_read("a");
        transport = std::exchange(scene.transport,
                                  std::make_shared<RedisTransport>(scene.context, nullptr));
        CHECK_FALSE(transport.expired());
    }
    CHECK(transport.expired());
}

}  // namespace
}  // namespace larder::redis
