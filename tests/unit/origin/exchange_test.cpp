#include "origin/exchange.hpp"

#include <doctest/doctest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <optional>

#include "net/detached.hpp"

namespace larder::origin {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using Acceptor = boost::asio::basic_socket_acceptor<tcp, net::Executor>;

constexpr std::string_view request_head = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr Milliseconds long_time{5000};

/// One exchange with an origin that the test plays.
struct Scene {
    Scene() : listening(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        settings::Origin settings;
        settings.servers = {{false, {"127.0.0.1", listening.local_endpoint().port()}}};
        upstream = std::make_shared<Upstream>(settings);
    }
    ~Scene() {
        origin.reset();
        exchange.reset();
        pool.clear();
        wheel.stop();
        net::end_all_waits(context);
        context.restart();
        context.run_for(long_time);
    }

    /// Runs what was started until the condition holds.
    template <class Condition>
    bool run_until(const Condition& condition) {
        const SteadyTime give_up = steady_now() + long_time;
        while (!condition() && steady_now() < give_up) {
            context.restart();
            context.run_one_for(20ms);
        }
        return condition();
    }
    /// Runs until nothing is left to do without a further event.
    void settle() {
        context.restart();
        while (context.poll() > 0) context.restart();
    }

    void send_from_origin(std::string_view bytes) {
        boost::asio::write(*origin, boost::asio::buffer(bytes.data(), bytes.size()));
    }

    boost::asio::io_context context{1};
    Acceptor listening;
    net::DeadlineWheel wheel{context};
    net::BufferPool buffers;
    Pool pool{context, wheel, buffers};
    std::shared_ptr<Upstream> upstream;
    std::optional<tcp::socket> origin;
    std::optional<Exchange> exchange{std::in_place};
    bool done = false;
};

net::Task<void> send_it(Scene& scene) {
    const RequestBytes request{request_head, {}};
    co_await send_request(scene.pool, scene.upstream, request, ConnectionAge::any, *scene.exchange);
    scene.done = true;
}

net::Task<void> read_head(Scene& scene, HeadReading reading) {
    co_await read_response_head(reading, *scene.exchange);
    scene.done = true;
}

void start(Scene& scene, net::Task<void> task) {
    scene.done = false;
    net::start_detached(scene.context.get_executor(), std::move(task), "a test");
}

// The request is at the origin.
void connect(Scene& scene) {
    start(scene, send_it(scene));
    REQUIRE(scene.run_until([&] { return scene.done; }));
    REQUIRE_FALSE(scene.exchange->failed());
    scene.origin.emplace(scene.context);
    scene.listening.accept(*scene.origin);
}

HeadReading within(Milliseconds timeout) {
    HeadReading reading;
    reading.timeout = timeout;
    return reading;
}

const std::string two_heads =
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"a\"\r\n\r\nmeow";

TEST_CASE("heads are read one by one, wherever their bytes are cut") {
    for (std::size_t cut = 1; cut < two_heads.size(); cut += 7) {
        CAPTURE(cut);
        Scene scene;
        connect(scene);
        start(scene, read_head(scene, within(long_time)));
        scene.send_from_origin(std::string_view(two_heads).substr(0, cut));
        scene.settle();
        scene.send_from_origin(std::string_view(two_heads).substr(cut));
        REQUIRE(scene.run_until([&] { return scene.done; }));
        CHECK(scene.exchange->head.status == 103);
        start(scene, read_head(scene, within(long_time)));
        REQUIRE(scene.run_until([&] { return scene.done; }));
        CHECK(scene.exchange->head.status == 200);
        CHECK(scene.exchange->head.content_length == 4);
        CHECK(scene.exchange->head.fields.value(http::FieldId::etag) == "\"a\"");
    }
}

TEST_CASE("a kept head outlives the reads of the body") {
    Scene scene;
    connect(scene);
    HeadReading reading = within(long_time);
    reading.views = HeadReading::Views::kept;
    start(scene, read_head(scene, reading));
    scene.send_from_origin("HTTP/1.1 200 OK\r\nETag: \"kept\"\r\nContent-Length: 4\r\n\r\n");
    REQUIRE(scene.run_until([&] { return scene.done; }));
    net::Buffer& in = scene.exchange->connection->in;
    in.consume(in.size());
    const net::Buffer::Room room = in.room(4096);
    std::memset(room.at, 'x', room.size);
    CHECK(scene.exchange->head.fields.value(http::FieldId::etag) == "\"kept\"");
}

TEST_CASE("an origin that says nothing is given up in time") {
    Scene scene;
    connect(scene);
    start(scene, read_head(scene, within(50ms)));
    scene.send_from_origin("HTTP/1.1 200");
    REQUIRE(scene.run_until([&] { return scene.done; }));
    CHECK(scene.exchange->error == OriginError::timeout);
}

TEST_CASE("an end before the first byte can be retried, an end inside the head cannot") {
    for (const std::string_view sent : {"", "HTTP/1.1 200 OK\r\n"}) {
        CAPTURE(sent);
        Scene scene;
        connect(scene);
        scene.exchange->repeatable = true;
        scene.exchange->connection->reused = true;
        start(scene, read_head(scene, within(long_time)));
        if (!sent.empty()) scene.send_from_origin(sent);
        scene.origin->close();
        REQUIRE(scene.run_until([&] { return scene.done; }));
        CHECK(scene.exchange->error == (sent.empty() ? OriginError::lost : OriginError::malformed));
        CHECK(may_retry(*scene.exchange) == sent.empty());
        scene.exchange->repeatable = false;
        CHECK_FALSE(may_retry(*scene.exchange));
    }
}

TEST_CASE("a response to HEAD has no body, whatever its length says") {
    Scene scene;
    connect(scene);
    HeadReading reading = within(long_time);
    reading.reply_to = HeadReading::ReplyTo::head;
    start(scene, read_head(scene, reading));
    scene.send_from_origin("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    REQUIRE(scene.run_until([&] { return scene.done; }));
    CHECK(scene.exchange->head.framing == http::Framing::none);
}

// ---- the body

struct BodyRead {
    std::string bytes;
    BodyReader::Status status = BodyReader::Status::data;
};

net::Task<void> read_body(Scene& scene, BodyRead& read, Milliseconds idle) {
    const http::ResponseHead& head = scene.exchange->head;
    BodyReader body(scene.exchange->connection->stream, scene.exchange->connection->in,
                    head.framing, head.content_length, idle, http::ChunkSender::origin);
    while (read.status == BodyReader::Status::data) {
        const BodyReader::Piece piece = co_await body.next();
        read.status = piece.status;
        if (piece.status == BodyReader::Status::data) read.bytes.append(piece.data);
    }
    finish_exchange(scene.pool, *scene.exchange, body);
    scene.done = true;
}

// Reads head and body of a response that comes in two pieces; `rest` empty: the origin waits.
BodyRead body_of(Scene& scene, std::string_view first, std::string_view rest, bool then_close,
                 Milliseconds idle = long_time) {
    connect(scene);
    start(scene, read_head(scene, within(long_time)));
    scene.send_from_origin(first);
    CHECK(scene.run_until([&] { return scene.done; }));
    BodyRead read;
    start(scene, read_body(scene, read, idle));
    scene.settle();
    if (!rest.empty()) scene.send_from_origin(rest);
    // A close with the request unread would be a reset.
    if (then_close) scene.origin->shutdown(tcp::socket::shutdown_send);
    CHECK(scene.run_until([&] { return scene.done; }));
    return read;
}

TEST_CASE("a body ends by its length, its last chunk, or the end of the connection") {
    for (const auto& [first, rest, then_close] :
         {std::tuple{"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nme", "owmeow", false},
          std::tuple{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmeo",
                     "w\r\n4\r\nmeow\r\n0\r\n\r\n", false},
          std::tuple{"HTTP/1.1 200 OK\r\n\r\nmeow", "meow", true}}) {
        CAPTURE(first);
        Scene scene;
        const BodyRead read = body_of(scene, first, rest, then_close);
        CHECK(read.status == BodyReader::Status::end);
        CHECK(read.bytes == "meowmeow");
    }
}

TEST_CASE("a body that is cut off, malformed or late is told apart") {
    const std::string_view chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmeow";
    {
        Scene scene;
        CHECK(body_of(scene, chunked, "\r\n", true).status == BodyReader::Status::truncated);
    }
    {
        Scene scene;
        CHECK(body_of(scene, chunked, "\r\nhello\r\n", false).status ==
              BodyReader::Status::malformed);
    }
    {
        Scene scene;
        CHECK(body_of(scene, chunked, "", false, 50ms).status == BodyReader::Status::timed_out);
    }
}

TEST_CASE("only a connection whose body ended well, and that holds nothing more, serves again") {
    const auto kept = [](std::string_view response, std::string_view rest) {
        Scene scene;
        body_of(scene, response, rest, false, 50ms);
        start(scene, send_it(scene));
        CHECK(scene.run_until([&] { return scene.done; }));
        return scene.exchange->connection && scene.exchange->connection->reused;
    };
    CHECK(kept("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "meow"));
    CHECK_FALSE(kept("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", "meowmeow"));
    CHECK_FALSE(kept("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n", "meow"));
    CHECK_FALSE(kept("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n", "meow"));
}

}  // namespace
}  // namespace larder::origin
