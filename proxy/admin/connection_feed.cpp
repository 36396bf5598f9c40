// A connection that sends requests as they happen (GET /events), until the client goes.
#include <boost/asio/write.hpp>

#include "admin/connection.hpp"
#include "admin/live_json.hpp"

namespace larder::admin {
namespace {

namespace beast = boost::beast;

constexpr std::chrono::seconds heartbeat{15};
constexpr std::chrono::seconds write_timeout{
    120};  // a reader who takes nothing for so long is gone
constexpr std::string_view feed_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n: listening\n\n";

}  // namespace

void AdminConnection::start_feed(observe::EventFilter filter) {
    // Called on a worker's thread, so it must not use the connection there.
    const auto wake = [mailbox = shared_.mailbox, weak = weak_from_this()] {
        mailbox->post([weak] {
            if (const auto self = weak.lock()) self->feed();
        });
    };
    listener_ = shared_.backend.listen(std::move(filter), wake);
    if (!listener_)
        return send(error_reply(503, "too many listen already", "end another listener first"),
                    true);
    stream_.expires_never();
    watch_for_end();
    feed_text_ = feed_head;
    write_feed();
}

void AdminConnection::feed() {
    if (!listener_ || feed_busy_) return;
    const observe::EventListener::Taken taken = listener_->take();
    feed_text_.clear();
    for (const observe::Event& event : taken.events) feed_text_ += to_sse(*event);
    if (taken.lost > 0) feed_text_ += to_sse_lost(taken.lost);
    if (feed_text_.empty()) return keep_feed_alive();
    write_feed();
}

void AdminConnection::write_feed() {
    feed_busy_ = true;
    answer_timer_.cancel();
    stream_.expires_after(write_timeout);
    boost::asio::async_write(
        stream_, boost::asio::buffer(feed_text_),
        [self = shared_from_this()](beast::error_code error, std::size_t) { self->on_fed(error); });
}

void AdminConnection::on_fed(beast::error_code error) {
    feed_busy_ = false;
    if (!closed_) return;
    if (error) return close();
    feed();  // what came meanwhile
}

// A comment now and then shows both sides, and what stands between them, that the connection lives.
void AdminConnection::keep_feed_alive() {
    answer_timer_.expires_after(heartbeat);
    answer_timer_.async_wait([self = shared_from_this()](beast::error_code error) {
        if (error || !self->listener_ || self->feed_busy_) return;
        self->feed_text_ = ":\n\n";
        self->write_feed();
    });
}

void AdminConnection::watch_for_end() {
    stream_.async_read_some(boost::asio::buffer(&feed_input_, 1),
                            [self = shared_from_this()](beast::error_code error, std::size_t) {
                                if (!self->closed_) return;
                                error ? self->close() : self->watch_for_end();
                            });
}

}  // namespace larder::admin
