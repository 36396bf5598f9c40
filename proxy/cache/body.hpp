#pragma once
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace larder::cache {

/// Bytes that never change and may have any number of owners, on any thread.
class SharedBytes {
public:
    explicit SharedBytes(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

    friend void intrusive_ptr_add_ref(const SharedBytes* p) {
        p->references_.fetch_add(1, std::memory_order_relaxed);
    }
    friend void intrusive_ptr_release(const SharedBytes* p) {
        if (p->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete p;
    }

private:
    const std::string bytes_;
    mutable std::atomic<std::uint32_t> references_{0};
};

/// A body of a response: a large one is shared and never copied, whatever is copied around it.
class Body {
public:
    /// From so many bytes on a body is shared.
    static constexpr std::size_t shared_from = 16 * 1024;

    Body() = default;
    /// Not explicit: a body is its bytes.
    Body(std::string bytes) {  // NOLINT(google-explicit-constructor)
        if (bytes.size() < shared_from) {
            own_ = std::move(bytes);
        } else {
            shared_ = new SharedBytes(std::move(bytes));
        }
    }
    Body(std::string_view bytes) {  // NOLINT(google-explicit-constructor)
        if (bytes.size() < shared_from) {
            own_ = bytes;
        } else {
            shared_ = new SharedBytes(std::string(bytes));
        }
    }
    Body(const char* bytes) : Body(std::string_view(bytes)) {}  // NOLINT
    explicit Body(boost::intrusive_ptr<const SharedBytes> bytes) : shared_(std::move(bytes)) {}

    [[nodiscard]] std::string_view view() const {
        return shared_ ? std::string_view(shared_->bytes()) : std::string_view(own_);
    }
    operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)
    [[nodiscard]] std::size_t size() const { return view().size(); }
    [[nodiscard]] bool empty() const { return view().empty(); }
    /// Null: the body is small, or there is none.
    [[nodiscard]] const boost::intrusive_ptr<const SharedBytes>& shared() const { return shared_; }

    friend bool operator==(const Body& body, std::string_view bytes) {
        return body.view() == bytes;
    }

private:
    std::string own_;
    boost::intrusive_ptr<const SharedBytes> shared_;
};

}  // namespace larder::cache
