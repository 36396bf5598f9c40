#include "cli/admin_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <optional>
#include <stdexcept>

#include "base/text.hpp"
#include "cli/printable.hpp"

namespace larder::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;

constexpr std::uint64_t answer_bytes_max = 64 * 1024 * 1024;

/// One request and its answer. Each step starts the next one, and the context runs until the last
/// step or the deadline.
class Exchange {
public:
    Exchange(asio::io_context& context, http::request<http::string_body> request)
        : stream_(context), request_(std::move(request)) {
        parser_.body_limit(answer_bytes_max);
    }

    /// To be called before start(). The authorities are the system's, or those in SSL_CERT_FILE.
    void use_tls(const std::string& host) {
        tls_context_.set_default_verify_paths();
        tls_.emplace(stream_, tls_context_);
        tls_->set_verify_mode(asio::ssl::verify_peer);
        tls_->set_verify_callback(asio::ssl::host_name_verification(host));
        std::string name = host;
        SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 name.data());
    }

    void start(const asio::ip::tcp::resolver::results_type& endpoints,
               std::chrono::milliseconds timeout) {
        stream_.expires_after(timeout);
        stream_.async_connect(endpoints, [this](error_code connected, const auto&) {
            if (!failed(connected)) shake_hands();
        });
    }

    error_code error;
    [[nodiscard]] AdminAnswer answer() {
        return {static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
    }

private:
    void shake_hands() {
        if (!tls_) return send(stream_);
        tls_->async_handshake(asio::ssl::stream_base::client, [this](error_code shaken) {
            if (!failed(shaken)) send(*tls_);
        });
    }

    template <class Stream>
    void send(Stream& stream) {
        http::async_write(stream, request_, [this, &stream](error_code sent, std::size_t) {
            if (!failed(sent)) receive(stream);
        });
    }

    template <class Stream>
    void receive(Stream& stream) {
        http::async_read(stream, input_, parser_,
                         [this](error_code received, std::size_t) { failed(received); });
    }

    bool failed(error_code what) { return (error = what).failed(); }

    beast::tcp_stream stream_;
    asio::ssl::context tls_context_{asio::ssl::context::tls_client};
    std::optional<asio::ssl::stream<beast::tcp_stream&>> tls_;
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

}  // namespace

void fail_to_ask(const AdminTarget& admin, const boost::system::error_code& error) {
    std::string why = error == beast::error::timeout ? "no answer in time" : error.message();
    if (error == asio::error::connection_refused)
        why += "; nothing listens there: start larder, or name its admin address with --admin";
    throw std::runtime_error("cannot ask the admin server at " + admin.url + ": " + why);
}

HostPort parse_admin_url(const std::string& url) {
    std::string_view rest = url;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!iequals(rest.substr(0, scheme.size()), scheme)) continue;
        rest.remove_prefix(scheme.size());
        break;
    }
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
    if (error) fail_to_ask(admin, error);

    Exchange exchange(context, make_request(admin, address, path, body));
    if (iequals(std::string_view(admin.url).substr(0, 8), "https://"))
        exchange.use_tls(address.host);
    exchange.start(endpoints, timeout);
    context.run();
    if (exchange.error) fail_to_ask(admin, exchange.error);
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
    // What curl has to send helps nobody who typed one of larder's own commands.
    if (answer.status == 401)
        return text("error") + ": type `export LARDER_ADMIN_TOKEN=TOKEN` first, or give --token";
    const std::string detail = text("detail");
    return detail.empty() ? text("error") : text("error") + ": " + detail;
}

int tell_failure(std::ostream& errors) {
    try {
        throw;
    } catch (const boost::system::system_error&) {
        errors << "larder: what answers there is not larder's admin server: check --admin (the "
                  "address that `admin` names, not `listen`)\n";
    } catch (const std::exception& error) {
        errors << "larder: " << printable(error.what()) << '\n';
    }
    return exit_wrong;
}

}  // namespace larder::cli
