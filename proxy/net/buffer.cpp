#include "net/buffer.hpp"

namespace larder::net {

Buffer::Room Buffer::room(std::size_t wanted) {
    if (!block_) {
        capacity_ =
            wanted > BufferPool::small_bytes ? BufferPool::large_bytes : BufferPool::small_bytes;
        block_ = pool_->take(capacity_);
        begin_ = end_ = 0;
    }
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ - end_ >= wanted) return {block_ + end_, capacity_ - end_};
    if (size() + wanted > capacity_ && capacity_ < BufferPool::large_bytes) {
        char* larger = pool_->take(BufferPool::large_bytes);
        const std::size_t held = size();
        std::memcpy(larger, block_ + begin_, held);
        pool_->give_back(block_, capacity_);
        block_ = larger;
        capacity_ = BufferPool::large_bytes;
        begin_ = 0;
        end_ = held;
    } else if (begin_ > 0) {
        std::memmove(block_, block_ + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    return {block_ + end_, capacity_ - end_};
}

void Buffer::release() {
    if (!block_) return;
    pool_->give_back(block_, capacity_);
    block_ = nullptr;
    capacity_ = begin_ = end_ = 0;
}

BufferPool::~BufferPool() {
    for (char* block : small_) delete[] block;
    for (char* block : large_) delete[] block;
}

char* BufferPool::take(std::size_t bytes) {
    auto& kept = bytes > small_bytes ? large_ : small_;
    if (kept.empty()) return new char[bytes];
    char* block = kept.back();
    kept.pop_back();
    return block;
}

void BufferPool::give_back(char* block, std::size_t bytes) {
    auto& kept = bytes > small_bytes ? large_ : small_;
    if (kept.size() >= (bytes > small_bytes ? kept_large_max : kept_small_max)) {
        delete[] block;
    } else {
        kept.push_back(block);
    }
}

}  // namespace larder::net
