#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "admin/routes.hpp"
#include "admin/server.hpp"
#include "admin/stream.hpp"

namespace larder::admin {

/// Posts a backend's completion from any thread to the admin server's thread. Drops it once closed.
class Mailbox {
public:
    explicit Mailbox(boost::asio::io_context& context) : context_(&context) {}

    template <class Function>
    void post(Function function) {
        const std::scoped_lock lock(mutex_);
        if (context_ != nullptr) boost::asio::post(*context_, std::move(function));
    }

    void close() {
        const std::scoped_lock lock(mutex_);
        context_ = nullptr;
    }

private:
    std::mutex mutex_;
    boost::asio::io_context* context_;  // guarded by mutex_
};

/// What all connections share. Outlives them.
struct AdminShared {
    AdminOptions options;  ///< its access only on the server's thread
    AdminBackend& backend;
    std::shared_ptr<Mailbox> mailbox;
    std::shared_ptr<boost::asio::ssl::context> tls{};  ///< null: none; on the server's thread
};

/// One client's connection to the admin server: reads requests and sends the answers. Runs on the
/// server's thread. Its pending operation keeps the object alive, or the server does while it waits
/// for an answer.
class AdminConnection : public std::enable_shared_from_this<AdminConnection> {
public:
    using Closed = std::function<void(AdminConnection*)>;

    /// Calls `closed` at the end of the connection, on the server's thread; `closed` releases the
    /// connection.
    AdminConnection(AdminStream::Tcp::socket_type socket, AdminShared& shared, Closed closed);

    void start();
    void close();

private:
    void read_request(std::chrono::milliseconds timeout);
    void on_head(boost::beast::error_code error);
    void read_body();
    void on_request(boost::beast::error_code error);
    void refuse(boost::beast::error_code error);
    void await_answer();
    void on_answer(std::uint64_t number, AdminReply reply);
    void send(AdminReply reply, bool keep_alive);
    void on_sent(boost::beast::error_code error, bool keep_alive);
    void start_feed(observe::EventFilter filter);
    void feed();
    void write_feed();
    void on_fed(boost::beast::error_code error);
    void keep_feed_alive();
    void watch_for_end();
    void linger();
    void discard(std::size_t discarded);

    AdminStream stream_;
    AdminShared& shared_;
    Closed closed_;
    boost::asio::steady_timer answer_timer_;
    boost::beast::flat_buffer input_{64 * 1024};
    std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
    boost::beast::http::response<boost::beast::http::string_body> response_;
    std::shared_ptr<observe::EventListener> listener_;  // null: no events are sent
    std::string feed_text_;                             // being written
    bool feed_busy_ = false;
    char feed_input_ = 0;  // a listener has nothing to say: read to notice its end
    std::uint64_t number_ =
        0;  // of the request being answered; a completion for another number came too late
};

}  // namespace larder::admin
