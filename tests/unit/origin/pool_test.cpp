#include "origin/pool.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <list>

#include "net/detached.hpp"

namespace larder::origin {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

/// A server of which at most so many connections are taken, and a worker's pool before it. The
/// kernel accepts.
struct Scene {
    explicit Scene(int max_connections, Milliseconds patience = 2000ms)
        : listening(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        settings::Origin settings;
        settings.servers = {{false, {"127.0.0.1", listening.local_endpoint().port()}}};
        settings.max_connections = max_connections;
        settings.connect_timeout = patience;
        upstream = std::make_shared<Upstream>(settings);
    }
    ~Scene() {
        net::end_all_waits(context);
        wheel.stop();
        context.restart();
        context.run_for(1s);
        held.clear();
        context.restart();
        context.run_for(1s);
    }

    boost::asio::io_context context{1};
    boost::asio::basic_socket_acceptor<tcp, net::Executor> listening;
    net::DeadlineWheel wheel{context};
    net::BufferPool buffers;
    Pool pool{context, wheel, buffers};
    std::shared_ptr<Upstream> upstream;
    std::vector<ConnectionPtr> held;
    std::vector<int> served;  // in their order
    int refused = 0;
};

net::Task<void> take(Scene& scene, int number) {
    Acquired got = co_await scene.pool.acquire(scene.upstream, Pool::Kept::proved);
    if (!got.connection) {
        ++scene.refused;
        co_return;
    }
    scene.served.push_back(number);
    scene.held.push_back(std::move(got.connection));
}

void start(Scene& scene, int number) {
    net::start_detached(scene.context.get_executor(), take(scene, number), "a test");
}

template <class Condition>
bool run_until(Scene& scene, const Condition& condition) {
    const SteadyTime give_up = steady_now() + 5s;
    while (!condition() && steady_now() < give_up) {
        scene.context.restart();
        scene.context.run_for(2ms);
    }
    return condition();
}

void give_back_first(Scene& scene) {
    ConnectionPtr connection = std::move(scene.held.front());
    scene.held.erase(scene.held.begin());
    scene.pool.release(std::move(connection));
}

TEST_CASE("those who wait for max_connections cost next to nothing while they wait") {
    Scene scene(1);
    start(scene, 0);
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 1; }));
    for (int i = 1; i <= 20; ++i) start(scene, i);
    scene.context.restart();
    scene.context.poll();
    scene.context.restart();
    const std::size_t steps = scene.context.run_for(200ms);
    CHECK(steps <
          100);  // one looks every 10 ms; when they woke each other it was some hundred thousand
    CHECK(scene.served.size() == 1);
}

TEST_CASE("who came first is served first, newcomers do not push in") {
    Scene scene(1);
    start(scene, 0);
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 1; }));
    for (int i = 1; i <= 5; ++i) start(scene, i);
    scene.context.restart();
    scene.context.poll();
    for (int i = 1; i <= 5; ++i) {
        give_back_first(scene);
        start(scene, 5 + i);  // asks while the connection is on its way to the one who waits
        const std::size_t so_far = static_cast<std::size_t>(i) + 1;
        REQUIRE(run_until(scene, [&] { return scene.served.size() == so_far; }));
    }
    CHECK(scene.served == std::vector<int>{0, 1, 2, 3, 4, 5});
    CHECK(scene.upstream->addresses()->front()->connections == 1);
}

TEST_CASE("the place of a connection that ended goes to the first who waits") {
    Scene scene(2);
    for (int i = 0; i < 6; ++i) start(scene, i);
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 2; }));
    scene.context.restart();
    scene.context.run_for(30ms);
    CHECK(scene.upstream->addresses()->front()->connections == 2);
    scene.held.clear();
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 4; }));
    CHECK(scene.served == std::vector<int>{0, 1, 2, 3});
    CHECK(scene.upstream->addresses()->front()->waiting == 2);
}

TEST_CASE("a place that another worker gave up is found soon") {
    Scene scene(1);
    Counted other_worker(scene.upstream->addresses()->front()->connections);
    start(scene, 0);
    start(scene, 1);
    scene.context.restart();
    scene.context.run_for(30ms);
    CHECK(scene.served.empty());
    other_worker.end();
    const SteadyTime since = steady_now();
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 1; }));
    CHECK(steady_now() - since < 500ms);
}

TEST_CASE("a wait ends after connect_timeout, and with a stop") {
    Scene scene(1, 50ms);
    Counted other_worker(scene.upstream->addresses()->front()->connections);
    for (int i = 0; i < 3; ++i) start(scene, i);
    CHECK(run_until(scene, [&] { return scene.refused == 3; }));
    Scene stopped(1, 60'000ms);
    Counted another(stopped.upstream->addresses()->front()->connections);
    for (int i = 0; i < 3; ++i) start(stopped, i);
    stopped.context.restart();
    stopped.context.poll();
    net::end_all_waits(stopped.context);
    CHECK(run_until(stopped, [&] { return stopped.refused == 3; }));
    CHECK(stopped.upstream->addresses()->front()->waiting == 0);
}

// ---- several addresses

constexpr const char* good = "127.0.0.1";
constexpr const char* swallows = "127.0.0.2";
constexpr const char* refuses = "127.0.0.3";

/// Two addresses of which the first swallows packets: its listener's queue is full.
struct TwoAddresses {
    TwoAddresses()
        : living(context, tcp::endpoint(boost::asio::ip::make_address(good), 0)), dead(context) {
        dead.open(tcp::v4());
        dead.bind(tcp::endpoint(boost::asio::ip::make_address(swallows), 0));
        dead.listen(0);
        const tcp::endpoint at = dead.local_endpoint();
        for (int i = 0; i < 4; ++i) {
            net::TcpSocket& socket = filling.emplace_back(context.get_executor());
            socket.open(tcp::v4());
            socket.native_non_blocking(true);
            // Asio would wait for the connection.
            static_cast<void>(
                ::connect(socket.native_handle(), at.data(), static_cast<socklen_t>(at.size())));
        }
    }

    [[nodiscard]] std::uint16_t port_of(const std::string& host) const {
        return (host == swallows ? dead : living).local_endpoint().port();
    }

    std::shared_ptr<Upstream> upstream(const std::string& first, const std::string& second,
                                       int most = 0) const {
        settings::Origin settings;
        settings.servers = {{false, {first, port_of(first)}}, {false, {second, port_of(second)}}};
        settings.max_connections = most;
        settings.connect_timeout = 1500ms;
        return std::make_shared<Upstream>(settings);
    }

    boost::asio::io_context context{1};
    boost::asio::basic_socket_acceptor<tcp, net::Executor> living;
    boost::asio::basic_socket_acceptor<tcp, net::Executor> dead;
    std::list<net::TcpSocket> filling;
};

SteadyClock::duration time_to_serve(Scene& scene, std::size_t count) {
    const SteadyTime since = steady_now();
    start(scene, static_cast<int>(count));
    const std::size_t wanted = scene.served.size() + 1;
    REQUIRE(run_until(scene, [&] { return scene.served.size() == wanted; }));
    return steady_now() - since;
}

TEST_CASE(
    "an idle connection that another worker waits for is given up soon, whatever else is idle") {
    Scene scene(1);
    const std::shared_ptr<Upstream> limited = scene.upstream;
    settings::Origin unlimited = limited->settings();
    unlimited.max_connections = 0;
    const auto take_and_give_back = [&scene](std::shared_ptr<Upstream> upstream) {
        scene.upstream = std::move(upstream);
        start(scene, 0);
        REQUIRE(run_until(scene, [&] { return scene.held.size() == 1; }));
        give_back_first(scene);
    };
    take_and_give_back(limited);
    take_and_give_back(std::make_shared<Upstream>(unlimited));
    Address& address = *limited->addresses()->front();
    const SteadyTime since = steady_now();
    // The pool looks at its idle connections at least once before anyone waits.
    REQUIRE(run_until(scene, [&] { return steady_now() - since > 100ms; }));
    REQUIRE(address.connections == 1);
    address.waiting = 1;
    const SteadyTime waits_since = steady_now();
    CHECK(run_until(scene, [&] { return address.connections == 0; }));
    CHECK(steady_now() - waits_since < 1s);
    address.waiting = 0;
}

TEST_CASE("an address that swallows packets delays one connection, and no later one") {
    const TwoAddresses two;
    Scene scene(0);
    scene.upstream = two.upstream(swallows, good);
    const auto first = time_to_serve(scene, 0);
    CHECK(first >= 240ms);
    CHECK(first < 900ms);
    for (std::size_t i = 1; i < 6; ++i) CHECK(time_to_serve(scene, i) < 240ms);
    CHECK_FALSE(scene.upstream->addresses()->front()->told_unreachable);
    CHECK(run_until(scene,
                    [&] { return scene.upstream->addresses()->front()->told_unreachable.load(); }));
    CHECK(scene.upstream->addresses()->front()->connections == 0);
}

TEST_CASE("an address that refuses costs no time") {
    const TwoAddresses two;
    Scene scene(0);
    scene.upstream = two.upstream(refuses, good);
    for (std::size_t i = 0; i < 4; ++i) CHECK(time_to_serve(scene, i) < 240ms);
    CHECK_FALSE(scene.upstream->addresses()->front()->reachable);
}

TEST_CASE("all attempts together end with connect_timeout") {
    const TwoAddresses two;
    Scene scene(0);
    scene.upstream = two.upstream(swallows, swallows);
    const SteadyTime since = steady_now();
    start(scene, 0);
    REQUIRE(run_until(scene, [&] { return scene.refused == 1; }));
    CHECK(steady_now() - since >= 1400ms);
    CHECK(steady_now() - since < 2500ms);
}

TEST_CASE("another address is not tried beyond its max_connections") {
    const TwoAddresses two;
    Scene scene(1);
    scene.upstream = two.upstream(refuses, good, 1);
    Counted taken(scene.upstream->addresses()->back()->connections);
    start(scene, 0);
    REQUIRE(run_until(scene, [&] { return scene.refused == 1; }));
    CHECK(scene.upstream->addresses()->back()->connections == 1);
}

TEST_CASE("a connection to an address that left its name is not kept") {
    Scene scene(0);
    start(scene, 0);
    REQUIRE(run_until(scene, [&] { return scene.served.size() == 1; }));
    scene.upstream->addresses()->front()->gone = true;
    give_back_first(scene);
    CHECK(scene.upstream->addresses()->front()->connections == 0);
}

}  // namespace
}  // namespace larder::origin
