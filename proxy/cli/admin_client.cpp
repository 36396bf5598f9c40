#include "cli/admin_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <stdexcept>

#include "base/text.hpp"

namespace larder::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

constexpr std::uint64_t answer_bytes_max = 64 * 1024 * 1024;

/// One exchange: the steps call one another, and the context runs until the last of them or the
/// deadline.
class Exchange {
public:
    Exchange(asio::io_context& context, http::request<http::string_body> request)
        : stream_(context), request_(std::move(request)) {
        parser_.body_limit(answer_bytes_max);
    }

    void start(const asio::ip::tcp::resolver::results_type& endpoints,
               std::chrono::milliseconds timeout) {
        stream_.expires_after(timeout);
        stream_.async_connect(endpoints, [this](error_code connected, const auto&) {
            if (!failed(connected)) send();
        });
    }

    error_code error;
    [[nodiscard]] AdminAnswer answer() {
        return {static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
    }

private:
    void send() {
        http::async_write(stream_, request_, [this](error_code sent, std::size_t) {
            if (!failed(sent)) receive();
        });
    }

    void receive() {
        http::async_read(stream_, input_, parser_,
                         [this](error_code received, std::size_t) { failed(received); });
    }

    bool failed(error_code what) { return (error = what).failed(); }

    beast::tcp_stream stream_;
    http::request<http::string_body> request_;
    http::response_parser<http::string_body> parser_;
    beast::flat_buffer input_;
};

http::request<http::string_body> make_request(const AdminTarget& admin, const HostPort& address,
                                              const std::string& path, const std::string& body) {
    http::request<http::string_body> request(body.empty() ? http::verb::get : http::verb::post,
                                             path, 11);
    request.set(http::field::host, to_text(address));
    request.set(http::field::user_agent, "larder/" LARDER_VERSION);
    request.keep_alive(false);
    if (!admin.token.empty()) request.set(http::field::authorization, "Bearer " + admin.token);
    if (!body.empty()) {
        request.set(http::field::content_type, "application/json");
        request.body() = body;
        request.prepare_payload();
    }
    return request;
}

[[noreturn]] void fail(const AdminTarget& admin, const error_code& error) {
    const std::string why = error == beast::error::timeout ? "no answer in time" : error.message();
    throw std::runtime_error("cannot ask the admin server at " + admin.url + ": " + why);
}

}  // namespace

HostPort parse_admin_url(const std::string& url) {
    constexpr std::string_view scheme = "http://";
    std::string_view rest = url;
    if (iequals(rest.substr(0, scheme.size()), scheme)) rest.remove_prefix(scheme.size());
    while (rest.ends_with('/')) rest.remove_suffix(1);
    auto address = parse_authority(rest, 9180);
    if (!address) throw std::runtime_error("not an admin URL (like http://127.0.0.1:9180): " + url);
    return *std::move(address);
}

AdminAnswer ask_admin(const AdminTarget& admin, const std::string& path, const std::string& body,
                      std::chrono::milliseconds timeout) {
    const HostPort address = parse_admin_url(admin.url);
    asio::io_context context{1};
    error_code error;
    asio::ip::tcp::resolver resolver(context);
    const auto endpoints = resolver.resolve(address.host, std::to_string(address.port), error);
    if (error) fail(admin, error);

    Exchange exchange(context, make_request(admin, address, path, body));
    exchange.start(endpoints, timeout);
    context.run();
    if (exchange.error) fail(admin, exchange.error);
    return exchange.answer();
}

std::string describe_error(const AdminAnswer& answer) {
    namespace json = boost::json;
    error_code error;
    const json::value body = json::parse(answer.body, error);
    if (error || !body.is_object() || !body.get_object().contains("error"))
        return "the admin server answered with status " + std::to_string(answer.status);
    const auto text = [&body](const char* name) {
        const json::value* found = body.get_object().if_contains(name);
        return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                      : std::string();
    };
    const std::string detail = text("detail");
    return detail.empty() ? text("error") : text("error") + ": " + detail;
}

}  // namespace larder::cli
