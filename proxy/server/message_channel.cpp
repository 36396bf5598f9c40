#include "server/message_channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace larder::server {
namespace {

constexpr std::size_t head_bytes = 5;
constexpr std::size_t read_bytes = 64 * 1024;

}  // namespace

MessageChannel::MessageChannel(int descriptor, Handler& handler)
    : descriptor_(descriptor), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), handler_(handler) {
    ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

MessageChannel::~MessageChannel() {
    close();
    ::close(descriptor_);
    ::close(wake_);
}

void MessageChannel::start() {
    thread_ = std::thread([this] { run(); });
}

void MessageChannel::wake() const {
    const std::uint64_t one = 1;
    const ssize_t written = ::write(wake_, &one, sizeof one);
    static_cast<void>(written);  // full: the thread is already being woken
}

void MessageChannel::send(char kind, std::string_view body) {
    {
        const std::scoped_lock lock(mutex_);
        if (ended_) return;
        if (body.size() > body_bytes_max || output_.size() + body.size() > backlog_bytes_max) {
            ended_ = true;
        } else {
            const auto size = static_cast<std::uint32_t>(body.size());
            char length[4];
            std::memcpy(length, &size, sizeof length);
            output_.append(length, sizeof length).append(1, kind).append(body);
        }
    }
    wake();
}

bool MessageChannel::flush(SteadyTime until) {
    std::unique_lock lock(mutex_);
    const bool done =
        progressed_.wait_until(lock, until, [this] { return ended_ || output_.empty(); });
    return done && !ended_;
}

bool MessageChannel::hear_all(SteadyTime until) {
    std::unique_lock lock(mutex_);
    progressed_.wait_until(lock, until, [this] { return ended_; });
    return heard_all_;
}

void MessageChannel::end() {
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    wake();
}

void MessageChannel::close() {
    end();
    if (thread_.joinable()) thread_.join();
    ::shutdown(descriptor_, SHUT_RDWR);
}

// Reads and writes until either side ends.
void MessageChannel::run() {
    SteadyTime due = steady_now();
    while (true) {
        if (steady_now() >= due) {
            handler_.on_interval();
            due = steady_now() + interval;
        }
        bool writes = false;
        {
            const std::scoped_lock lock(mutex_);
            if (ended_) break;
            writes = !output_.empty();
        }
        const auto events = static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN);
        std::array<pollfd, 2> watched{pollfd{descriptor_, events, 0}, pollfd{wake_, POLLIN, 0}};
        const auto left = std::chrono::ceil<Milliseconds>(due - steady_now());
        const int wait_ms = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
        if (::poll(watched.data(), watched.size(), wait_ms) < 0 && errno != EINTR) break;
        std::uint64_t woken = 0;
        const ssize_t taken = ::read(wake_, &woken, sizeof woken);
        static_cast<void>(taken);
        if ((watched[0].revents & POLLOUT) != 0 && !write_some()) {
            static_cast<void>(read_some());  // what the peer has sent before it ended
            break;
        }
        if ((watched[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !read_some()) break;
    }
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    progressed_.notify_all();
    ::shutdown(descriptor_, SHUT_RDWR);
    handler_.on_end();
}

bool MessageChannel::write_some() {
    const std::scoped_lock lock(mutex_);
    while (output_done_ < output_.size()) {
        const ssize_t sent = ::send(descriptor_, output_.data() + output_done_,
                                    output_.size() - output_done_, MSG_NOSIGNAL);
        if (sent < 0) return errno == EAGAIN || errno == EINTR;
        output_done_ += static_cast<std::size_t>(sent);
    }
    output_.clear();
    output_done_ = 0;
    progressed_.notify_all();
    return true;
}

bool MessageChannel::read_some() {
    while (true) {
        const std::size_t before = input_.size();
        input_.resize(before + read_bytes);
        const ssize_t got = ::recv(descriptor_, input_.data() + before, read_bytes, 0);
        input_.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
        // A peer that ended with unread messages looks like a broken connection.
        if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            const bool good = hand_out();
            const std::scoped_lock lock(mutex_);
            heard_all_ = good && input_.empty();
            return false;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN && hand_out();
        if (input_.size() > body_bytes_max && !hand_out()) return false;
    }
}

// False: the bytes that came are not a message.
bool MessageChannel::hand_out() {
    std::string_view rest = input_;
    while (rest.size() >= head_bytes) {
        std::uint32_t size = 0;
        std::memcpy(&size, rest.data(), sizeof size);
        if (size > body_bytes_max) return false;
        if (rest.size() < head_bytes + size) break;
        handler_.on_message(rest[4], rest.substr(head_bytes, size));
        rest.remove_prefix(head_bytes + size);
    }
    input_.erase(0, input_.size() - rest.size());
    handler_.on_pause();
    return true;
}

}  // namespace larder::server
