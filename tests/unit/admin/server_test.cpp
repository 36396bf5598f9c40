#include "admin/server.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <stdexcept>
#include <thread>

using namespace larder::admin;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

class FakeBackend : public AdminBackend {
public:
    larder::observe::RequestEvents events;
    bool is_ready = true;
    bool answers = true;  ///< else completions are kept in `owed`
    bool throws = false;
    PurgeOrder last_order;
    PurgeAsker last_asker;
    ExplainQuestion last_question;
    std::function<void(PurgeResult)> owed;

    bool ready() override { return is_ready; }
    std::string metrics_text() override { return "larder_up 1\n"; }
    std::string stats_json() override {
        if (throws) throw std::runtime_error("on purpose");
        return R"({"version":"test"})";
    }
    std::string config_text() override { return "listen: 127.0.0.1:8080\n"; }

    void explain(ExplainQuestion question, std::function<void(JsonAnswer)> done) override {
        last_question = std::move(question);
        done({200, R"({"decision":"HIT"})"});
    }

    void count_entries(PurgeOrder, std::function<void(JsonAnswer)> done) override {
        done({200, R"({"dry_run":true})"});
    }
    void list_entries(EntriesQuestion, std::function<void(JsonAnswer)> done) override {
        done({200, R"({"entries":[]})"});
    }
    void show_entry(EntryQuestion, std::function<void(JsonAnswer)> done) override {
        done({200, R"({"variants":[]})"});
    }

    std::string advice_json() override { return R"({"advice":[]})"; }
    std::string purges_json() override { return R"({"purges":[]})"; }
    std::vector<larder::observe::RankedKey> top(larder::observe::RankBy,
                                                std::size_t count) override {
        return std::vector<larder::observe::RankedKey>(count, {"k", "/k", 2'000'000, 0});
    }
    std::shared_ptr<larder::observe::EventListener> listen(larder::observe::EventFilter filter,
                                                           std::function<void()> wake) override {
        return events.listen(std::move(filter), std::move(wake));
    }
    void reload(std::function<void(JsonAnswer)> done) override {
        done({422, R"({"errors":[],"warnings":[]})"});
    }

    void purge(PurgeOrder order, PurgeAsker asker, std::function<void(PurgeResult)> done) override {
        last_order = order;
        last_asker = std::move(asker);
        if (!answers) {
            owed = std::move(done);
            return;
        }
        std::thread([order = std::move(order), done = std::move(done)] {
            done({PurgeResult::Outcome::done, order, order, 1, ""});
        }).join();
    }
};

/// A client that sends bytes as they are and reads until the server closes.
std::string talk(std::uint16_t port, const std::string& request) {
    asio::io_context context;
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), port});
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    std::string response;
    asio::read(socket, asio::dynamic_buffer(response), error);
    return response;
}

struct Fixture {
    FakeBackend backend;
    AdminServer server;

    explicit Fixture(std::string token = "") : server(options(std::move(token)), backend) {}

    static AdminOptions options(std::string token) {
        AdminOptions out;
        out.address = {"127.0.0.1", 0};
        out.access.token = std::move(token);
        return out;
    }

    std::string ask(const std::string& line, const std::string& fields = "",
                    const std::string& body = "") {
        std::string request =
            line + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + fields;
        if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return talk(server.port(), request + "\r\n" + body);
    }
};

int status_of(const std::string& response) {
    return response.size() < 12 ? 0 : std::stoi(response.substr(9, 3));
}
std::string body_of(const std::string& response) {
    std::string body = response.substr(response.find("\r\n\r\n") + 4);
    if (body.ends_with("}\n")) body.pop_back();  // JSON: for those who read it in a terminal
    return body;
}
bool has(const std::string& response, std::string_view text) {
    return response.find(text) != std::string::npos;
}

const std::string one_key = R"({"keys":["articles:42"]})";

}  // namespace

TEST_CASE(
    "an exception behind one request is told, answered with 500, and costs nobody else anything") {
    FakeBackend backend;
    AdminOptions options = Fixture::options("");
    std::atomic<int> told = 0;
    options.failed = [&told](const std::exception_ptr&) { ++told; };
    AdminServer server(options, backend);
    const auto ask = [&server](const std::string& target) {
        return talk(server.port(),
                    "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    };
    backend.throws = true;
    CHECK(status_of(ask("/stats")) == 500);
    CHECK(told == 1);
    CHECK(status_of(ask("/healthz")) == 200);
    backend.throws = false;
    CHECK(status_of(ask("/stats")) == 200);
}

TEST_CASE("the admin server answers what it is asked") {
    Fixture admin;
    CHECK(has(admin.ask("GET /"), "<!doctype html>"));
    CHECK(body_of(admin.ask("GET /healthz")) == R"({"status":"ok"})");
    CHECK(admin.ask("GET /healthz").ends_with("}\n"));  // for those who read it in a terminal
    CHECK(status_of(admin.ask("GET /readyz")) == 200);
    const std::string metrics = admin.ask("GET /metrics");
    CHECK(has(metrics, "Content-Type: text/plain; version=0.0.4"));
    CHECK(body_of(metrics) == "larder_up 1\n");
    CHECK(body_of(admin.ask("GET /stats?x=y")) == R"({"version":"test"})");
    CHECK(body_of(admin.ask("GET /config")) == "listen: 127.0.0.1:8080\n");
    CHECK(body_of(admin.ask("GET /explain?url=/articles/42&header=A:b")) ==
          R"({"decision":"HIT"})");
    CHECK(admin.backend.last_question.url == "/articles/42");
    CHECK(status_of(admin.ask("GET /explain")) == 400);
}

TEST_CASE("readiness turns 503 while draining, health does not") {
    Fixture admin;
    admin.backend.is_ready = false;
    CHECK(status_of(admin.ask("GET /readyz")) == 503);
    CHECK(status_of(admin.ask("GET /healthz")) == 200);
}

TEST_CASE("HEAD is GET without the body") {
    Fixture admin;
    const std::string response = admin.ask("HEAD /metrics");
    CHECK(status_of(response) == 200);
    CHECK(has(response, "Content-Length: 12\r\n"));
    CHECK(body_of(response).empty());
}

TEST_CASE("unknown paths and methods are told so, in JSON") {
    Fixture admin;
    CHECK(status_of(admin.ask("GET /nothing")) == 404);
    CHECK(boost::json::parse(body_of(admin.ask("GET /nothing"))).as_object().contains("error"));
    const std::string get = admin.ask("GET /purge");
    CHECK(status_of(get) == 405);
    CHECK(has(get, "Allow: POST\r\n"));
    const std::string post = admin.ask("POST /stats", "", "x");
    CHECK(status_of(post) == 405);
    CHECK(has(post, "Allow: GET, HEAD\r\n"));
    CHECK(status_of(admin.ask("FROB /stats")) == 405);
}

TEST_CASE("a purge is passed on and its result awaited") {
    Fixture admin;
    const std::string form =
        "Content-Type: application/x-www-form-urlencoded\r\n";  // what curl -d sends
    const std::string response = admin.ask("POST /purge", form, one_key);
    CHECK(status_of(response) == 200);
    CHECK(boost::json::parse(body_of(response)).at_pointer("/purged/keys") == 1);
    CHECK(boost::json::parse(body_of(response)).at_pointer("/names/keys/0") == "articles:42");
    CHECK(admin.backend.last_asker.who == "127.0.0.1");
    CHECK(admin.backend.last_order.keys == std::vector<std::string>{"articles:42"});
    CHECK(status_of(admin.ask("POST /purge", "", R"({"kyes":["a"]})")) == 400);
    CHECK(status_of(admin.ask("POST /purge")) == 400);
}

TEST_CASE("a completion that never comes is a 504, one that comes late is ignored") {
    FakeBackend backend;
    backend.answers = false;
    AdminOptions options = Fixture::options("");
    options.answer_timeout = std::chrono::milliseconds(20);
    {
        AdminServer server(options, backend);
        const std::string request =
            "POST /purge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
            "24\r\n\r\n" +
            one_key;
        CHECK(status_of(talk(server.port(), request)) == 504);
        backend.owed({});
    }
    backend.owed({});  // the server is gone
}

TEST_CASE("with a token, everything but health and readiness needs it") {
    Fixture admin("secret");
    CHECK(status_of(admin.ask("GET /healthz")) == 200);
    CHECK(status_of(admin.ask("GET /readyz")) == 200);
    for (const char* line : {"GET /", "GET /metrics", "GET /stats", "GET /explain?url=/",
                             "GET /config", "GET /nothing", "POST /purge"}) {
        CAPTURE(line);
        const std::string refused = admin.ask(line, "", one_key);
        CHECK(status_of(refused) == 401);
        CHECK(has(refused, "WWW-Authenticate: Bearer"));
        for (const char* wrong :
             {"Bearer secre", "Bearer secret2", "Bearer ", "Basic secret", "secret", ""})
            CHECK(status_of(admin.ask(line, "Authorization: " + std::string(wrong) + "\r\n",
                                      one_key)) == 401);
        CHECK(status_of(admin.ask(
                  line, "Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n",
                  one_key)) == 401);
        CHECK(status_of(admin.ask(line, "Authorization: Bearer secret\r\n", one_key)) != 401);
    }
    larder::settings::Admin access;
    access.token = "other";
    admin.server.set_access(access, nullptr);
    CHECK(status_of(admin.ask("GET /stats", "Authorization: Bearer secret\r\n")) == 401);
    CHECK(status_of(admin.ask("GET /stats", "Authorization: bearer other\r\n")) == 200);
}

TEST_CASE("a named token may do what its rights say") {
    Fixture admin;
    larder::settings::Admin access;
    access.tokens = {{"graphs", "r", {.read = true}},
                     {"deploy", "p", {.purge = true}},
                     {"ops", "l", {.reload = true}}};
    admin.server.set_access(access, nullptr);
    struct Row {
        const char* line;
        int graphs, deploy, ops;
    };
    for (const Row& row :
         {Row{"GET /metrics", 200, 403, 403}, Row{"GET /purges", 200, 403, 403},
          Row{"POST /purge", 403, 200, 403}, Row{"POST /service/s/purge/t", 403, 200, 403},
          Row{"POST /reload", 403, 403, 422}, Row{"GET /healthz", 200, 200, 200}}) {
        CAPTURE(row.line);
        const auto by = [&](const char* token) {
            const std::string field = std::string("Authorization: Bearer ") + token + "\r\n";
            return admin.ask(row.line, field, one_key);
        };
        CHECK(status_of(by("r")) == row.graphs);
        CHECK(status_of(by("p")) == row.deploy);
        CHECK(status_of(by("l")) == row.ops);
        if (row.line != std::string("GET /healthz")) CHECK(status_of(by("x")) == 401);
        if (row.graphs == 403) CHECK(has(by("r"), "graphs"));
    }
    CHECK(status_of(admin.ask("POST /purge", "Authorization: Bearer p\r\n", one_key)) == 200);
    CHECK(admin.backend.last_asker.token == "deploy");
}

TEST_CASE("the heaviest keys are shown by what is asked") {
    Fixture admin;
    const auto ask = [&](const std::string& query) { return admin.ask("GET /top" + query); };
    const auto answer = boost::json::parse(body_of(ask("?by=origin-time&limit=2")));
    CHECK(answer.at("by") == "origin-time");
    CHECK(answer.at("keys").as_array().size() == 2);
    CHECK(answer.at_pointer("/keys/0/value").to_number<double>() == 2.0);
    CHECK(boost::json::parse(body_of(ask(""))).at_pointer("/keys/0/value") == 2'000'000);
    for (const char* bad : {"?by=x", "?limit=0", "?limit=1001", "?x=1"})
        CHECK(status_of(ask(bad)) == 400);
}

TEST_CASE("who listens is served until it goes, and its end is noticed") {
    Fixture admin;
    asio::io_context context;
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), admin.server.port()});
    asio::write(socket,
                asio::buffer(std::string("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    std::string text;
    const auto read_to = [&](std::string_view end) {
        while (text.find(end) == std::string::npos) {
            char block[4096];
            text.append(block, socket.read_some(asio::buffer(block)));
        }
    };
    read_to(": listening");
    admin.backend.events.publish(std::make_shared<const larder::observe::RequestEvent>());
    read_to("event: request\ndata: {");
    socket.close();
    while (admin.backend.events.has_listeners()) {
        admin.backend.events.publish(std::make_shared<const larder::observe::RequestEvent>());
        std::this_thread::yield();
    }
    CHECK(status_of(admin.ask("GET /events?status=x")) == 400);
    CHECK(status_of(admin.ask("HEAD /events")) == 200);
}

TEST_CASE("calls of other services' purge clients are understood, with their own tokens") {
    Fixture admin("secret");
    const std::string fastly = "Fastly-Key: secret\r\nFastly-Soft-Purge: 1\r\n";
    CHECK(status_of(admin.ask("POST /service/s/purge/a%2Fb", fastly)) == 200);
    CHECK(admin.backend.last_order.tags == std::vector<std::string>{"a%2Fb", "a/b"});
    CHECK(admin.backend.last_order.soft);
    CHECK(admin.backend.last_asker.source == larder::observe::PurgeSource::fastly);
    CHECK(status_of(admin.ask("POST /service/s/purge/t", "Fastly-Key: wrong\r\n")) == 401);
    CHECK(has(admin.ask("POST /service/s/purge/t"), R"("msg":"unauthorized")"));
    CHECK(status_of(admin.ask("GET /service/s/purge/t", "Fastly-Key: secret\r\n")) == 405);
    CHECK(status_of(admin.ask("GET /stats", "Fastly-Key: secret\r\n")) == 401);

    const std::string cloudflare = "Authorization: Bearer secret\r\n";
    const std::string answer = admin.ask("POST /client/v4/zones/z/purge_cache", cloudflare,
                                         R"({"files": ["http://a/x", {"url": "b/y"}]})");
    CHECK(body_of(answer) == R"({"success":true,"errors":[],"messages":[],"result":{"id":"z"}})");
    CHECK(admin.backend.last_order.urls == std::vector<std::string>{"http://a/x", "http://b/y"});
    const std::string refused =
        admin.ask("POST /client/v4/zones/z/purge_cache", cloudflare, R"({"tag": ["x"]})");
    CHECK(status_of(refused) == 400);
    CHECK(has(refused, R"("success":false)"));
}

TEST_CASE("a page from another site can neither purge nor read") {
    Fixture admin;
    for (const char* field : {"Origin: http://evil.example", "Origin: null",
                              "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"}) {
        CAPTURE(field);
        CHECK(status_of(admin.ask("POST /purge", std::string(field) + "\r\n", one_key)) == 403);
    }
    CHECK(status_of(admin.ask("POST /purge",
                              "Origin: http://127.0.0.1\r\nSec-Fetch-Site: same-origin\r\n",
                              one_key)) == 200);

    const auto with_host = [&admin](const std::string& host,
                                    const std::string& field = "User-Agent: Mozilla/5.0") {
        return status_of(talk(admin.server.port(), "GET /stats HTTP/1.1\r\nHost: " + host + "\r\n" +
                                                       field + "\r\nConnection: close\r\n\r\n"));
    };
    CHECK(with_host("localhost:9180") == 200);
    CHECK(with_host("[::1]:9180") == 200);
    CHECK(with_host("127.0.0.1:9180") == 200);
    // A name rebound to this address: its page may read what is answered, and its POST carries its
    // Origin.
    for (const char* field : {"User-Agent: Mozilla/5.0", "Accept-Language: en", "Referer: x",
                              "Origin: http://rebound.example:9180", "Sec-Fetch-Site: none"}) {
        CAPTURE(field);
        CHECK(with_host("rebound.example:9180", field) == 403);
    }
    CHECK(with_host("rebound.example:9180", "User-Agent: curl/7.88.1") == 200);
    CHECK(status_of(talk(admin.server.port(),
                         "POST /purge HTTP/1.1\r\nHost: rebound.example:9180\r\nOrigin: "
                         "http://rebound.example:9180\r\nContent-Length: " +
                             std::to_string(one_key.size()) + "\r\nConnection: close\r\n\r\n" +
                             one_key)) == 403);
}

TEST_CASE("what is too large or is not HTTP is refused") {
    Fixture admin;
    CHECK(status_of(admin.ask("POST /purge", "", std::string(1024 * 1024 + 1, ' '))) == 413);
    CHECK(status_of(admin.ask("GET /stats", "X: " + std::string(20'000, 'a') + "\r\n")) == 431);
    CHECK(status_of(talk(admin.server.port(), "nonsense\r\n\r\n")) == 400);
    CHECK(status_of(admin.ask("GET /stats")) == 200);
}

TEST_CASE("a client that asks before it sends its body is told to go ahead") {
    Fixture admin;
    const std::string response = admin.ask("POST /purge", "Expect: 100-continue\r\n", one_key);
    CHECK(response.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a connection serves several requests, pipelined ones too") {
    Fixture admin;
    const std::string response =
        talk(admin.server.port(),
             "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
             "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(has(response, R"({"status":"ok"})"));
    CHECK(has(response, R"({"status":"ready"})"));
}

TEST_CASE("an idle or silent client is closed, and stopping waits for nobody") {
    FakeBackend backend;
    AdminOptions options = Fixture::options("");
    options.request_timeout = std::chrono::milliseconds(20);
    AdminServer server(options, backend);
    CHECK(talk(server.port(), "GET /sta").empty());

    options.request_timeout = std::chrono::hours(1);
    AdminServer patient(options, backend);
    asio::io_context context;
    tcp::socket silent(context);
    silent.connect({asio::ip::address_v4::loopback(), patient.port()});
    patient.stop();
    char byte = 0;
    boost::system::error_code error;
    asio::read(silent, asio::buffer(&byte, 1), error);
    CHECK(error);
}

TEST_CASE(
    "an address that is taken is refused with a readable line, a socket handed over is used") {
    Fixture admin;
    const larder::HostPort address{"127.0.0.1", admin.server.port()};
    AdminOptions options;
    options.address = address;
    CHECK_THROWS_WITH_AS(
        AdminServer(options, admin.backend),
        ("admin: cannot listen on " + larder::to_text(address) +
         ": the address is in use; stop the process that serves it, or choose another with --admin "
         "or `admin`")
            .c_str(),
        std::runtime_error);

    options.inherited_socket = dup(admin.server.native_socket());
    AdminServer successor(options, admin.backend);
    admin.server.stop();
    CHECK(successor.port() == admin.server.port());
    CHECK(status_of(admin.ask("GET /healthz")) == 200);
}
