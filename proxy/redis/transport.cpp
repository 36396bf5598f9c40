#include "redis/transport.hpp"

#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>

#include "net/read_rest.hpp"

namespace larder::redis {
namespace asio = boost::asio;
namespace {

using tcp = asio::ip::tcp;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;

}  // namespace

namespace {

std::shared_ptr<asio::ssl::context> make_tls(const settings::RedisTls& settings) {
    auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv3 |
                     asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    if (settings.ca.empty()) {
        tls->set_default_verify_paths();
    } else {
        tls->load_verify_file(settings.ca);
    }
    if (!settings.certificate.empty()) {
        tls->use_certificate_chain_file(settings.certificate);
        tls->use_private_key_file(settings.key, asio::ssl::context::pem);
    }
    tls->set_verify_mode(settings.verify ? asio::ssl::verify_peer : asio::ssl::verify_none);
    return tls;
}

}  // namespace

std::shared_ptr<asio::ssl::context> make_redis_tls(const RedisUrl& url,
                                                   const settings::RedisTls& settings) {
    const bool of_sentinels = url.kind == RedisUrl::Kind::sentinel &&
                              (!settings.ca.empty() || !settings.certificate.empty());
    if (!url.secure && !of_sentinels) return nullptr;
    return make_tls(settings);
}

std::shared_ptr<asio::ssl::context> make_sentinel_tls(const RedisUrl& url,
                                                      const settings::Redis& settings) {
    if (url.kind != RedisUrl::Kind::sentinel || !settings.sentinel_tls) return nullptr;
    return make_tls(*settings.sentinel_tls);
}

RedisTransport::RedisTransport(asio::io_context& context, std::shared_ptr<asio::ssl::context> tls)
    : context_(context),
      tls_(std::move(tls)),
      socket_(context),
      watch_(net::ReadyWatch::make(&RedisTransport::input_came, this)) {}

RedisTransport::~RedisTransport() {
    close();
    net::ReadyWatch::leave(watch_);
}

Task<error_code> RedisTransport::connect(RedisUrl::Kind kind, RedisAddress address,
                                         std::string path) {
    error_code error;
    if (kind == RedisUrl::Kind::unix_socket) {
        error = co_await connect_unix(std::move(path));
    } else {
        error = co_await connect_tcp(address);
    }
    if (!error) socket_.non_blocking(true, error);
    if (error || !tls_ || kind == RedisUrl::Kind::unix_socket) co_return error;
    error = co_await secure(address.host);
    co_return error;
}

Task<error_code> RedisTransport::connect_tcp(RedisAddress address) {
    error_code error;
    std::vector<tcp::endpoint> endpoints;
    const auto literal = asio::ip::make_address(address.host, error);
    if (!error) {
        endpoints.emplace_back(literal, address.port);
    } else {
        Resolver resolver(context_);
        const std::string port = std::to_string(address.port);
        const auto [failed, results] =
            co_await resolver.async_resolve(address.host, port, as_result);
        if (failed) co_return failed;
        for (const auto& result : results) endpoints.push_back(result.endpoint());
    }
    error = asio::error::host_not_found;
    for (const tcp::endpoint& endpoint : endpoints) {
        if (closed_) co_return asio::error::operation_aborted;
        error_code ignored;
        socket_.close(ignored);
        const asio::generic::stream_protocol::endpoint target(endpoint);
        const auto [failed] = co_await socket_.async_connect(target, as_result);
        error = failed;
        if (!failed) break;
    }
    if (closed_) co_return asio::error::operation_aborted;
    if (!error) socket_.set_option(tcp::no_delay(true), error);
    reads_tell_rest_ = !error && net::make_reads_tell_rest(socket_.native_handle());
    co_return error;
}

Task<error_code> RedisTransport::connect_unix(std::string path) {
    const asio::generic::stream_protocol::endpoint target{
        asio::local::stream_protocol::endpoint(path)};
    const auto [failed] = co_await socket_.async_connect(target, as_result);
    co_return failed;
}

Task<error_code> RedisTransport::secure(std::string host) {
    secure_ = std::make_unique<asio::ssl::stream<Socket&>>(socket_, *tls_);
    error_code literal;
    asio::ip::make_address(host, literal);
    // RFC 6066, 3: literal addresses are not permitted in the server name
    if (literal)
        SSL_ctrl(secure_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 host.data());
    secure_->set_verify_callback(asio::ssl::host_name_verification(host));
    const auto [failed] =
        co_await secure_->async_handshake(asio::ssl::stream_base::client, as_result);
    co_return failed;
}

Task<std::size_t> RedisTransport::read_some(asio::mutable_buffer into, bool may_be_reset) {
    if (secure_) {
        const auto [failed, size] = co_await secure_->async_read_some(into, as_result);
        co_return failed ? 0 : size;
    }
    if (!reads_tell_rest_) {
        const auto [failed, size] = co_await socket_.async_read_some(into, as_result);
        co_return failed ? 0 : size;
    }
    bool is_empty = watch_->armed() && !may_be_reset;
    while (true) {
        if (is_empty) {
            co_await waiting_.wait();
        } else if (left_some_) {
            co_await asio::post(context_, as_awaitable);  // it may be much: others have their turn
        }
        if (!socket_.is_open()) co_return 0;
        is_empty = false;
        const ssize_t got = net::read_and_tell_rest(
            socket_.native_handle(), static_cast<char*>(into.data()), into.size(), true, is_empty);
        if (is_empty && !watch_->armed()) watch_->arm(socket_);
        left_some_ = !is_empty;
        if (got >= 0) co_return static_cast<std::size_t>(got);
        if (!is_empty) co_return 0;
    }
}

void RedisTransport::input_came(void* self, bool dropped) {
    static_cast<RedisTransport*>(self)->waiting_.wake(dropped);
}

std::size_t RedisTransport::write_at_once(std::string_view bytes) {
    if (secure_) return 0;
    error_code error;
    const std::size_t size = socket_.send(asio::buffer(bytes), 0, error);
    return error ? 0 : size;
}

void RedisTransport::end() {
    closed_ = true;
    error_code failed;
    socket_.shutdown(Socket::shutdown_both, failed);
    if (failed) close();  // it was not connected yet
}

void RedisTransport::close() {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
}

void RedisTransport::abort() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
}

}  // namespace larder::redis
