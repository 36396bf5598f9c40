#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "redis/reply.hpp"
#include "redis/url.hpp"

/// What sentinels say of their master, and whether it may be used. Pure.
///
/// A master that is cut off from its sentinels goes on answering, and meanwhile a replica takes its
/// place. So a master is used only while sentinels name it. Sentinels need a majority of their
/// group for a failover. While half of the group is heard, the others are no majority.
namespace larder::redis {

/// How long what a sentinel has said counts, from when it was asked.
inline constexpr Milliseconds sentinel_counts_for{1000};

/// What one sentinel says of the master.
struct SentinelWord {
    RedisAddress master;
    std::uint64_t epoch = 0;       ///< of its configuration: a failover raises it; 0: not told
    std::size_t group = 0;         ///< how many sentinels watch the master; 0: not told
    bool is_failing_over = false;  ///< it is about to put another server in that master's place
};
/// From the replies to SENTINEL MASTER, which may be a refusal, and to SENTINEL
/// GET-MASTER-ADDR-BY-NAME. Nothing where the latter names no address.
[[nodiscard]] std::optional<SentinelWord> read_sentinel_word(const RedisReply& master,
                                                             const RedisReply& address);

/// Why the master is not to be used now.
enum class MasterDoubt : std::uint8_t {
    none,          ///< it may be used
    unheard,       ///< no sentinel has answered of late
    few,           ///< too few sentinels have answered of late: the others may have replaced it
    outdated,      ///< only sentinels answer that have missed a failover
    failing_over,  ///< a sentinel is about to replace it
};

/// What all sentinels have said of late. One thread.
class SentinelWords {
public:
    /// `listed`: how many sentinels will be heard; they are numbered from 0.
    explicit SentinelWords(std::size_t listed) : said_(listed) {}

    /// The sentinel said so when it was asked at that time.
    void heard(std::size_t sentinel, SentinelWord word, SteadyTime asked_at);

    struct Judgement {
        std::optional<RedisAddress> master;  ///< nothing: no sentinel is to be believed now
        MasterDoubt doubt = MasterDoubt::none;
        SteadyTime until{};  ///< up to when the master may be used; the past: not now
    };
    /// Who the master is. Of different words the one with the highest epoch counts, then what is
    /// used at `present`. `avoided` turned out to be no master: it counts only where no other
    /// address is named.
    [[nodiscard]] Judgement judge(const RedisAddress& present, const RedisAddress& avoided,
                                  SteadyTime now);

private:
    struct Said {
        SentinelWord word;
        SteadyTime asked_at{};  ///< the epoch: never
    };
    [[nodiscard]] std::size_t needed(std::uint64_t epoch) const;
    [[nodiscard]] bool accepts(std::uint64_t epoch, std::size_t heard, SteadyTime now);

    std::vector<Said> said_;
    std::uint64_t epoch_ = 0;  ///< of the newest word that was believed
    SteadyTime epoch_at_{};    ///< when it was said last
};

}  // namespace larder::redis
