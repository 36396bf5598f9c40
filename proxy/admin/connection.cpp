#include "admin/connection.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string_view>
#include <utility>

#include "admin/page.hpp"

namespace larder::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::uint32_t head_bytes_max = 16 * 1024;
constexpr std::uint64_t body_bytes_max = 1024 * 1024;
constexpr std::chrono::seconds linger_time{2};
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;
constexpr std::string_view go_ahead = "HTTP/1.1 100 Continue\r\n\r\n";

http::response<http::string_body> to_response(AdminReply reply, const AdminRequest& request,
                                              bool keep_alive) {
    http::response<http::string_body> response(static_cast<http::status>(reply.status),
                                               request.version());
    response.set(http::field::content_type, reply.content_type);
    // Who asks with curl finds the next prompt, or the next answer, on a line of its own.
    if (reply.content_type == "application/json" && !reply.body.ends_with('\n')) reply.body += '\n';
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Content-Security-Policy", admin_page_policy());
    response.set("Referrer-Policy", "no-referrer");
    if (!reply.allow.empty()) response.set(http::field::allow, reply.allow);
    if (reply.status == 401) response.set(http::field::www_authenticate, "Bearer realm=\"larder\"");
    response.keep_alive(keep_alive);
    response.content_length(reply.body.size());
    if (request.method() != http::verb::head) response.body() = std::move(reply.body);
    return response;
}

}  // namespace

AdminConnection::AdminConnection(AdminStream::Tcp::socket_type socket, AdminShared& shared,
                                 Closed closed)
    : stream_(std::move(socket), shared.tls),
      shared_(shared),
      closed_(std::move(closed)),
      answer_timer_(stream_.get_executor()) {}

void AdminConnection::start() {
    if (!stream_.is_tls()) return read_request(shared_.options.request_timeout);
    stream_.expires_after(shared_.options.request_timeout);
    stream_.async_handshake([self = shared_from_this()](beast::error_code error) {
        error ? self->close() : self->read_request(self->shared_.options.request_timeout);
    });
}

void AdminConnection::close() {
    answer_timer_.cancel();
    listener_.reset();
    stream_.close();
    if (closed_) std::exchange(closed_, nullptr)(this);
}

void AdminConnection::read_request(std::chrono::milliseconds timeout) {
    parser_.emplace();
    parser_->header_limit(head_bytes_max);
    parser_->body_limit(body_bytes_max);
    stream_.expires_after(timeout);
    http::async_read_header(stream_, input_, *parser_,
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                                self->on_head(error);
                            });
}

void AdminConnection::on_head(beast::error_code error) {
    if (error) return refuse(error);
    const bool is_asked_first = beast::iequals(parser_->get()[http::field::expect], "100-continue");
    if (!is_asked_first || parser_->is_done()) return read_body();
    stream_.expires_after(shared_.options.request_timeout);
    boost::asio::async_write(stream_, boost::asio::buffer(go_ahead),
                             [self = shared_from_this()](beast::error_code failed, std::size_t) {
                                 failed ? self->close() : self->read_body();
                             });
}

void AdminConnection::read_body() {
    stream_.expires_after(shared_.options.request_timeout);
    http::async_read(stream_, input_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                         self->on_request(error);
                     });
}

void AdminConnection::on_request(beast::error_code error) {
    if (error) return refuse(error);
    await_answer();
    // A completion runs on another thread, so it must not keep the connection alive or use it
    // there.
    const auto done = [mailbox = shared_.mailbox, weak = weak_from_this(),
                       number = number_](AdminReply reply) {
        mailbox->post([weak, number, reply = std::move(reply)]() mutable {
            if (const auto self = weak.lock()) self->on_answer(number, std::move(reply));
        });
    };
    beast::error_code unknown;
    const auto peer = stream_.tcp().socket().remote_endpoint(unknown);
    const std::string who = unknown ? "" : peer.address().to_string();
    try {
        answer_admin_request({parser_->get(), who, shared_.options.access}, shared_.backend, done);
    } catch (...) {
        if (shared_.options.failed) shared_.options.failed(std::current_exception());
        on_answer(number_, error_reply(500, "internal error: see the log of larder"));
    }
}

void AdminConnection::refuse(beast::error_code error) {
    if (error == http::error::header_limit)
        return send(error_reply(431, "the request's head is too large"), false);
    if (error == http::error::body_limit)
        return send(error_reply(413, "the request's body is too large"), false);
    const bool is_parse_error =
        error.category() == make_error_code(http::error::bad_method).category();
    if (is_parse_error && error != http::error::end_of_stream &&
        error != http::error::partial_message)
        return send(error_reply(400, "bad request", error.message()), false);
    close();
}

void AdminConnection::await_answer() {
    ++number_;
    stream_.expires_never();
    answer_timer_.expires_after(shared_.options.answer_timeout);
    answer_timer_.async_wait(
        [self = shared_from_this(), number = number_](beast::error_code error) {
            if (!error) self->on_answer(number, error_reply(504, "no answer in time"));
        });
}

void AdminConnection::on_answer(std::uint64_t number, AdminReply reply) {
    if (number != number_ || !closed_) return;
    ++number_;
    answer_timer_.cancel();
    if (reply.events) return start_feed(*std::move(reply.events));
    send(std::move(reply), parser_->get().keep_alive());
}

void AdminConnection::send(AdminReply reply, bool keep_alive) {
    response_ = to_response(std::move(reply), parser_->get(), keep_alive);
    stream_.expires_after(shared_.options.answer_timeout);
    // HEAD: Content-Length is that of the GET response, and no body is sent.
    http::async_write(
        stream_, response_,
        [self = shared_from_this(), keep_alive](beast::error_code error, std::size_t) {
            self->on_sent(error, keep_alive);
        });
}

void AdminConnection::on_sent(beast::error_code error, bool keep_alive) {
    if (!closed_) return;
    if (error) return close();
    if (!keep_alive) return linger();
    read_request(shared_.options.idle_timeout);
}

// The kernel resets a connection that is closed with unread bytes, and the client may lose the
// answer. So read on for a moment.
void AdminConnection::linger() {
    beast::error_code error;
    stream_.tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    if (error) return close();
    stream_.expires_after(linger_time);
    discard(0);
}

void AdminConnection::discard(std::size_t discarded) {
    if (discarded > linger_bytes_max) return close();
    input_.clear();
    stream_.async_read_some(
        input_.prepare(16 * 1024),
        [self = shared_from_this(), discarded](beast::error_code error, std::size_t bytes) {
            error ? self->close() : self->discard(discarded + bytes);
        });
}

}  // namespace larder::admin
