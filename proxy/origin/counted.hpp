#pragma once
#include <atomic>
#include <utility>

namespace larder::origin {

/// Adds one to a figure that several threads share, for as long as this object lives. The figure
/// outlives the object.
class Counted {
public:
    Counted() = default;
    explicit Counted(std::atomic<int>& figure) noexcept : figure_(&figure) {
        figure.fetch_add(1, std::memory_order_relaxed);
    }
    Counted(Counted&& other) noexcept : figure_(std::exchange(other.figure_, nullptr)) {}
    Counted& operator=(Counted&& other) noexcept {
        std::swap(figure_, other.figure_);
        return *this;
    }
    ~Counted() { end(); }

    /// Takes over a one that was added already.
    [[nodiscard]] static Counted adopt(std::atomic<int>& figure) noexcept {
        Counted counted;
        counted.figure_ = &figure;
        return counted;
    }
    [[nodiscard]] bool counts() const { return figure_ != nullptr; }

    void end() noexcept {
        if (figure_) std::exchange(figure_, nullptr)->fetch_sub(1, std::memory_order_relaxed);
    }

private:
    std::atomic<int>* figure_ = nullptr;
};

}  // namespace larder::origin
