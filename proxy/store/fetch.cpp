#include "store/fetch.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <new>

namespace larder::store {
namespace {

// A wake-up takes memory, which may be short when a fetch fails. So readers also look by
// themselves, this often.
constexpr std::chrono::seconds look_anyway{5};

// The capture is moved, not copied, because the last owner of the event must be on the event's own
// thread.
void notify(const std::shared_ptr<net::Event>& event) {
    boost::asio::post(event->executor(), [held = event] { held->notify(); });
}

}  // namespace

Fetch::Fetch(std::string key_in, std::string name_in, Guards guards_in)
    : key(std::move(key_in)), name(std::move(name_in)), guards(std::move(guards_in)) {}

Fetch::Reader::Reader(std::shared_ptr<Fetch> fetch, net::Executor executor)
    : fetch_(std::move(fetch)), event_(std::make_shared<net::Event>(executor)) {
    const std::scoped_lock lock(fetch_->mutex_);
    late_ = fetch_->dropped_ > 0;
    position_ = fetch_->dropped_;
    fetch_->readers_.push_back(this);
}

Fetch::Reader::~Reader() {
    const std::scoped_lock lock(fetch_->mutex_);
    std::erase(fetch_->readers_, this);
    fetch_->drop_passed();
    fetch_->drop_blocks_of_entry();
    fetch_->wake_producer();
}

net::Task<bool> Fetch::Reader::wait_for_change(SteadyTime at) {
    return event_->wait_until(std::min(at, steady_now() + look_anyway));
}

FetchState Fetch::Reader::state() const { return fetch_->state(); }

Fetch::Reader::View Fetch::Reader::next() {
    const std::scoped_lock lock(fetch_->mutex_);
    Fetch& fetch = *fetch_;
    if (handed_out_ > 0) {
        position_ += handed_out_;
        handed_out_ = 0;
        holds_block_ = false;
        fetch.drop_passed();
        fetch.drop_blocks_of_entry();
        fetch.wake_producer();
    }
    View view{fetch.state_, fetch.data_at(position_), false};
    handed_out_ = view.data.size();
    holds_block_ = handed_out_ > 0 && !fetch.entry_;
    view.at_end = fetch.state_ == FetchState::complete && position_ + handed_out_ == fetch.size_;
    return view;
}

std::vector<std::string> Fetch::Reader::take_interim() {
    const std::scoped_lock lock(fetch_->mutex_);
    const auto& all = fetch_->interim_;
    std::vector<std::string> news(all.begin() + static_cast<std::ptrdiff_t>(interim_seen_),
                                  all.end());
    interim_seen_ = all.size();
    return news;
}

bool Fetch::Reader::holds_up_others() const {
    const std::scoped_lock lock(fetch_->mutex_);
    const Fetch& fetch = *fetch_;
    const bool holds_up = fetch.state_ == FetchState::streaming && fetch.must_pause_locked() &&
                          position_ + window_bytes < fetch.size_;
    if (!holds_up) return false;
    return std::any_of(fetch.readers_.begin(), fetch.readers_.end(),
                       [&fetch](const Reader* reader) { return reader->position_ == fetch.size_; });
}

std::uint64_t Fetch::Reader::position() const {
    const std::scoped_lock lock(fetch_->mutex_);
    return position_;
}

FetchState Fetch::state() const {
    const std::scoped_lock lock(mutex_);
    return state_;
}

cache::Stored Fetch::entry() const {
    const std::scoped_lock lock(mutex_);
    return entry_;
}

Resolution Fetch::resolution() const {
    const std::scoped_lock lock(mutex_);
    return resolution_;
}

cache::Detail Fetch::not_stored() const {
    const std::scoped_lock lock(mutex_);
    return not_stored_;
}

FetchFailure Fetch::failure() const {
    const std::scoped_lock lock(mutex_);
    return failure_;
}

std::string Fetch::trailers() const {
    const std::scoped_lock lock(mutex_);
    return trailers_;
}

void Fetch::add_interim(std::string head) {
    const std::scoped_lock lock(mutex_);
    if (interim_.size() < interim_max) interim_.push_back(std::move(head));
    wake_all();
}

void Fetch::begin(FetchedHead head) {
    const std::scoped_lock lock(mutex_);
    storing_ = head.not_stored == cache::Detail::none;
    head_ = std::move(head);
    state_ = FetchState::streaming;
    wake_all();
}

void Fetch::append(std::string_view data) {
    const std::scoped_lock lock(mutex_);
    size_ += data.size();
    while (!data.empty()) {
        // A block never grows beyond what it reserved: readers hold views into it.
        if (blocks_.empty() || blocks_.back().size() == blocks_.back().capacity()) {
            blocks_.emplace_back();
            const std::uint64_t expected = head_.length.value_or(block_bytes);
            blocks_.back().reserve(static_cast<std::size_t>(std::clamp<std::uint64_t>(
                expected, data.size() < 1024 ? 1024 : data.size(), block_bytes)));
        }
        std::string& block = blocks_.back();
        const std::size_t part = std::min(data.size(), block.capacity() - block.size());
        block.append(data.substr(0, part));
        data.remove_prefix(part);
    }
    if (!storing_) drop_passed();
    wake_all();
}

void Fetch::complete(std::string trailers, cache::Stored entry) {
    const std::scoped_lock lock(mutex_);
    trailers_ = std::move(trailers);
    entry_ = std::move(entry);
    state_ = FetchState::complete;
    drop_blocks_of_entry();
    wake_all();
}

void Fetch::resolve(cache::Stored entry, Resolution resolution, cache::Detail not_stored) {
    const std::scoped_lock lock(mutex_);
    not_stored_ = not_stored;
    entry_ = std::move(entry);
    resolution_ = resolution;
    state_ = FetchState::resolved;
    wake_all();
}

void Fetch::fail(FetchFailure failure) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(failure);
    state_ = FetchState::failed;
    wake_all();
}

void Fetch::cut() {
    const std::scoped_lock lock(mutex_);
    state_ = FetchState::cut;
    wake_all();
}

void Fetch::abandon() noexcept {
    const std::scoped_lock lock(mutex_);
    producer_.reset();
    if (state_ != FetchState::pending && state_ != FetchState::streaming) return;
    failure_.message = "internal error";  // short enough to need no memory
    state_ = state_ == FetchState::pending ? FetchState::failed : FetchState::cut;
    try {
        wake_all();
    } catch (const std::bad_alloc&) {  // a reader that was not woken looks anyway, soon
    }
}

void Fetch::release_waiters() {
    const std::scoped_lock lock(mutex_);
    waiters_released_ = true;
    wake_all();
}

void Fetch::set_lease(std::shared_ptr<const redis::Lease> lease) {
    const std::scoped_lock lock(mutex_);
    lease_ = std::move(lease);
}

std::shared_ptr<const redis::Lease> Fetch::lease() const {
    const std::scoped_lock lock(mutex_);
    return lease_;
}

bool Fetch::waiters_released() const {
    const std::scoped_lock lock(mutex_);
    return waiters_released_;
}

void Fetch::stop_storing() {
    const std::scoped_lock lock(mutex_);
    storing_ = false;
    drop_passed();
}

bool Fetch::storing() const {
    const std::scoped_lock lock(mutex_);
    return storing_;
}

std::size_t Fetch::readers() const {
    const std::scoped_lock lock(mutex_);
    return readers_.size();
}

std::string Fetch::body() const {
    const std::scoped_lock lock(mutex_);
    std::string whole;
    if (state_ == FetchState::complete && entry_) whole = entry_->body();
    if (!whole.empty()) return whole;
    whole.reserve(static_cast<std::size_t>(size_));
    for (const std::string& block : blocks_) whole.append(block);
    return whole;
}

std::uint64_t Fetch::size() const {
    const std::scoped_lock lock(mutex_);
    return size_;
}

bool Fetch::must_pause() const {
    const std::scoped_lock lock(mutex_);
    return must_pause_locked();
}

bool Fetch::must_pause_locked() const {
    return !storing_ && !readers_.empty() && size_ - dropped_ > window_bytes;
}

void Fetch::set_producer_event(std::shared_ptr<net::Event> event) {
    const std::scoped_lock lock(mutex_);
    producer_ = std::move(event);
}

void Fetch::wake_all() {
    for (const Reader* reader : readers_) notify(reader->event_);
}

void Fetch::wake_producer() {
    if (producer_) notify(producer_);
}

// What there is of the body from that position on.
std::string_view Fetch::data_at(std::uint64_t position) const {
    if (state_ == FetchState::complete && entry_)
        return entry_->body().substr(static_cast<std::size_t>(position));
    std::uint64_t block_start = dropped_;
    for (const std::string& block : blocks_) {
        if (position < block_start + block.size())
            return std::string_view(block).substr(static_cast<std::size_t>(position - block_start));
        block_start += block.size();
    }
    return {};
}

// The entry holds the same bytes. Without this, both copies would stay for as long as the slowest
// client takes.
void Fetch::drop_blocks_of_entry() {
    if (state_ != FetchState::complete || !entry_) return;
    const bool in_use = std::any_of(readers_.begin(), readers_.end(),
                                    [](const Reader* reader) { return reader->holds_block_; });
    if (!in_use) blocks_.clear();
}

// Frees what every reader has passed, if the body is not stored.
void Fetch::drop_passed() {
    if (storing_) return;
    std::uint64_t slowest = size_;
    for (const Reader* reader : readers_) slowest = std::min(slowest, reader->position_);
    while (!blocks_.empty() && dropped_ + blocks_.front().size() <= slowest) {
        // The last block may still grow, unless it is full.
        if (blocks_.size() == 1 && blocks_.front().size() < blocks_.front().capacity()) break;
        dropped_ += blocks_.front().size();
        blocks_.pop_front();
    }
}

}  // namespace larder::store
