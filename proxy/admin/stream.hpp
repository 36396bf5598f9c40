#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

namespace larder::admin {

/// The connection of one client of the admin server, with TLS or without. Reads and writes as
/// Asio's streams do; a timeout ends both. Only with plain callbacks as completion handlers.
class AdminStream {
public:
    using Tcp =
        boost::beast::basic_stream<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
    using executor_type = Tcp::executor_type;
    using next_layer_type = Tcp;

    /// `tls` null: none.
    AdminStream(Tcp::socket_type socket, std::shared_ptr<boost::asio::ssl::context> tls)
        : context_(std::move(tls)), tcp_(std::move(socket)) {
        if (context_) tls_.emplace(tcp_, *context_);
    }

    [[nodiscard]] executor_type get_executor() { return tcp_.get_executor(); }
    [[nodiscard]] Tcp& tcp() { return tcp_; }
    [[nodiscard]] bool is_tls() const { return tls_.has_value(); }
    void expires_after(std::chrono::milliseconds time) { tcp_.expires_after(time); }
    void expires_never() { tcp_.expires_never(); }
    void close() { tcp_.close(); }

    /// Once, before anything is read; only with TLS.
    template <class Handler>
    void async_handshake(Handler&& handler) {
        tls_->async_handshake(boost::asio::ssl::stream_base::server,
                              std::forward<Handler>(handler));
    }
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) return tls_->async_read_some(buffers, std::forward<Handler>(handler));
        tcp_.async_read_some(buffers, std::forward<Handler>(handler));
    }
    template <class Buffers, class Handler>
    void async_write_some(const Buffers& buffers, Handler&& handler) {
        if (tls_) return tls_->async_write_some(buffers, std::forward<Handler>(handler));
        tcp_.async_write_some(buffers, std::forward<Handler>(handler));
    }

private:
    std::shared_ptr<boost::asio::ssl::context> context_;
    Tcp tcp_;
    std::optional<boost::asio::ssl::stream<Tcp&>> tls_;
};

}  // namespace larder::admin
