#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/outcome.hpp"
#include "cache/stored_response.hpp"
#include "net/event.hpp"
#include "store/generations.hpp"

/// Opaque here: what the shared store gave for the fetch.
namespace larder::redis {
struct Lease;
}

namespace larder::store {

/// How far a fetch has come, as its readers see it.
enum class FetchState : std::uint8_t {
    pending,    ///< no final response head yet
    streaming,  ///< the head is there, the body is coming
    complete,   ///< the whole response is there
    resolved,   ///< there is an entry to answer from: another instance's, or one the origin
                ///< confirmed (304)
    failed,     ///< the origin gave no response
    cut,        ///< the response ended before its end, after its head was passed on
};

/// The response that is being fetched, as far as its readers need it.
struct FetchedHead {
    int status = 0;
    std::string lines;  ///< status line and fields, each with CRLF, no framing field but
                        ///< Content-Length, no blank line
    std::optional<std::uint64_t> length;  ///< nothing: the end shows when it comes
    bool lines_have_length = false;       ///< Content-Length stands among the lines
    std::string etag;
    std::string last_modified;
    cache::Detail not_stored = cache::Detail::none;  ///< why it is not stored; none: it is
    cache::Detail doubt =
        cache::Detail::none;  ///< it is stored if Redis takes it, but Redis refused the last one:
                              ///< shown in place of `stored`
    cache::Detail missed =
        cache::Detail::none;  ///< why what is in Redis could not be served: shown beside `stored`
    bool shareable = false;   ///< the requests that joined may have it too
    bool reusable =
        false;  ///< fresh without a validation: requests that come while it streams may have it too
    std::vector<std::string> omit;  ///< lower-case names that only the one who asked may see
                                    ///< (private="..", no-cache="..")
    std::vector<std::string> vary;
    std::string variant;
    std::vector<std::string>
        tags;  ///< its response tags: a purge of one since the fetch began closes the door
    std::string content_encoding;
};

/// Where the entry of a resolved fetch comes from.
enum class Resolution : std::uint8_t {
    revalidated,  ///< the origin confirmed it (304)
    updated,      ///< the origin's answer to HEAD brought its fields up to date
    joined,       ///< another instance's fetch brought it
    found,        ///< it was there after all, when the lease was taken: nobody fetched
};

/// Why a fetch failed, for the answer.
struct FetchFailure {
    int status = 502;
    cache::Detail detail = cache::Detail::origin_error;
    std::string message;
};

/// One fetch under way: written by the coroutine that runs it, read by any number of clients on any
/// thread, each at its own pace. What is stored is buffered whole (at most max_object); what is
/// not, only as far as the slowest reader is behind, and the origin is then read no faster than
/// that. Once the entry is made, readers read the entry's body. All members are safe from every
/// thread.
class Fetch {
public:
    /// One reader of the fetch. Every change wakes it on its own thread.
    class Reader {
    public:
        Reader(std::shared_ptr<Fetch> fetch, net::Executor executor);
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;

        struct View {
            FetchState state = FetchState::pending;
            std::string_view data;  ///< the next bytes of the body, valid until the next call
            bool at_end = false;    ///< complete, and everything was read
        };
        /// Moves on behind the data of the last call.
        [[nodiscard]] View next();

        [[nodiscard]] FetchState state() const;
        /// The reader came too late: the front of the body is gone already.
        [[nodiscard]] bool too_late() const { return late_; }
        /// Waits for a change, and at most until `at`. May end without any. False: the worker
        /// stops.
        [[nodiscard]] net::Task<bool> wait_for_change(SteadyTime at);
        /// The interim responses that came since the last call.
        [[nodiscard]] std::vector<std::string> take_interim();
        /// The fetch is paused because of this reader, and another reader has read all there is.
        [[nodiscard]] bool holds_up_others() const;
        /// How much of the body the reader has done with.
        [[nodiscard]] std::uint64_t position() const;

    private:
        friend class Fetch;
        std::shared_ptr<Fetch> fetch_;
        std::shared_ptr<net::Event> event_;
        std::uint64_t position_ = 0;
        std::size_t handed_out_ = 0;
        std::size_t interim_seen_ = 0;
        bool late_ = false;
        bool holds_block_ = false;  // what was handed out last lies in a block
    };

    Fetch(std::string key_in, std::string name_in, Guards guards_in);

    const std::string key;
    const std::string name;  ///< on the board: the key, the Host, and the variant where it is known
    const Guards guards;     ///< what a later reader checks before it joins
    const SteadyTime began_at = steady_now();

    // ---- for the readers
    /// Valid from `streaming` on.
    [[nodiscard]] const FetchedHead& head() const { return head_; }
    [[nodiscard]] FetchState state() const;
    [[nodiscard]] cache::Stored entry()
        const;  ///< once resolved, and once complete where it was storable
    [[nodiscard]] Resolution resolution() const;
    [[nodiscard]] cache::Detail not_stored() const;  ///< of a resolved fetch
    [[nodiscard]] FetchFailure failure() const;
    [[nodiscard]] std::string trailers() const;

    // ---- for the coroutine that runs it
    void add_interim(std::string head);
    void begin(FetchedHead head);
    void append(std::string_view data);
    /// The body ended well. `entry` may be null.
    void complete(std::string trailers, cache::Stored entry);
    /// `not_stored`: why what the origin confirmed cannot be stored anew; none: it is.
    void resolve(cache::Stored entry, Resolution resolution,
                 cache::Detail not_stored = cache::Detail::none);
    void fail(FetchFailure failure);
    void cut();
    /// Nobody runs the fetch any more. If it has not ended, it fails; if its body has begun, it is
    /// cut.
    void abandon() noexcept;
    /// The answer is of no use to others: the requests that joined need not wait for it.
    void release_waiters();
    /// What the fetch was begun under in Redis; null: not known yet, so the origin has not been
    /// asked.
    void set_lease(std::shared_ptr<const redis::Lease> lease);
    [[nodiscard]] std::shared_ptr<const redis::Lease> lease() const;
    [[nodiscard]] bool waiters_released() const;
    /// The body turned out larger than what may be stored: from now on it is only passed through.
    void stop_storing();
    [[nodiscard]] bool storing() const;
    [[nodiscard]] std::size_t readers() const;
    /// The whole body so far, while it is storing.
    [[nodiscard]] std::string body() const;
    [[nodiscard]] std::uint64_t size() const;
    /// Whether the slowest reader is so far behind that reading on would buffer too much.
    [[nodiscard]] bool must_pause() const;
    /// Null: nobody is to be woken any more. The event is used on its own thread only.
    void set_producer_event(std::shared_ptr<net::Event> event);

private:
    static constexpr std::uint64_t window_bytes = 512 * 1024;
    static constexpr std::size_t block_bytes = 64 * 1024;
    static constexpr std::size_t interim_max = 64;

    void wake_all();
    void wake_producer();
    void drop_passed();
    void drop_blocks_of_entry();
    [[nodiscard]] bool must_pause_locked() const;
    [[nodiscard]] std::string_view data_at(std::uint64_t position) const;

    mutable std::mutex mutex_;  // guards everything below
    FetchState state_ = FetchState::pending;
    FetchedHead head_;  // written once, before `streaming`
    std::deque<std::string> blocks_;
    std::uint64_t dropped_ = 0;  // bytes in front of the first block
    std::uint64_t size_ = 0;
    bool storing_ = true;
    std::string trailers_;
    std::vector<std::string> interim_;
    cache::Stored entry_;
    Resolution resolution_ = Resolution::found;
    cache::Detail not_stored_ = cache::Detail::none;
    bool waiters_released_ = false;
    std::shared_ptr<const redis::Lease> lease_;
    FetchFailure failure_;
    std::vector<Reader*> readers_;
    std::shared_ptr<net::Event> producer_;
};

using FetchPtr = std::shared_ptr<Fetch>;

}  // namespace larder::store
