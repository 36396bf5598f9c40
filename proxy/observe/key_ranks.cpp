#include "observe/key_ranks.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "base/hex.hpp"
#include "base/text.hpp"

namespace larder::observe {

std::vector<RankedKey> heaviest(const std::vector<SpaceSaving>& tables, std::size_t count) {
    // A key that one table lacks may have had up to that table's lightest weight there.
    std::unordered_map<std::string, RankedKey> sums;
    std::uint64_t unseen = 0;
    for (const SpaceSaving& table : tables) unseen += table.weight_of_others();
    for (const SpaceSaving& table : tables) {
        for (const RankedKey& key : table.all()) {
            const auto [sum, is_new] =
                sums.try_emplace(key.key, RankedKey{key.key, key.route, 0, 0});
            if (is_new) sum->second.error = unseen;
            sum->second.value += key.value;
            sum->second.error += key.error;
            sum->second.error -= table.weight_of_others();
        }
    }
    std::vector<RankedKey> all;
    all.reserve(sums.size());
    for (auto& [name, sum] : sums) all.push_back(std::move(sum));
    std::sort(all.begin(), all.end(), [](const RankedKey& a, const RankedKey& b) {
        return a.value != b.value ? a.value > b.value : a.key < b.key;
    });
    if (all.size() > count) all.resize(count);
    return all;
}

// A block of samples that took less than it should makes the steps wider, one that took longer
// makes them narrower: some 2,500 samples in a second at most.
std::uint32_t HitSampler::next(SteadyTime now) {
    constexpr auto block_takes = std::chrono::milliseconds(100);
    const std::uint32_t weight = every_;
    if (++samples_ >= samples_in_block) {
        const auto took = now - block_began_;
        if (took < block_takes) every_ = std::min(every_ * 2, every_max);
        if (took > 3 * block_takes) every_ = std::max(every_ / 2, 1u);
        block_began_ = now;
        samples_ = 0;
    }
    left_ = every_;
    return weight;
}

void KeyRanks::add(const Use& use) {
    const auto table = [this](RankBy by) -> SpaceSaving& {
        return tables_[static_cast<std::size_t>(by)];
    };
    const std::scoped_lock lock(mutex_);
    table(use.hit ? RankBy::hits : RankBy::misses).add(use.key, use.route, use.weight);
    table(RankBy::bytes).add(use.key, use.route, use.bytes * use.weight);
    if (use.origin_time.count() > 0)
        table(RankBy::origin_time)
            .add(use.key, use.route, static_cast<std::uint64_t>(use.origin_time.count()));
}

void KeyRanks::add_uncached(std::string_view path, std::uint64_t weight,
                            std::chrono::nanoseconds origin_time) {
    const std::string shape = path_shape(path);
    const std::scoped_lock lock(mutex_);
    tables_[static_cast<std::size_t>(RankBy::uncached)].add(shape, {}, weight);
    tables_[static_cast<std::size_t>(RankBy::uncached_time)].add(
        shape, {}, static_cast<std::uint64_t>(origin_time.count()) * weight);
}

namespace {

// Digits only, or a long text of hex digits and dashes.
bool looks_like_an_id(std::string_view segment) {
    constexpr std::size_t hex_bytes_min = 8;
    const auto is_hex = [](char c) { return hex_value(c) >= 0 || c == '-'; };
    if (segment.size() >= hex_bytes_min) return std::all_of(segment.begin(), segment.end(), is_hex);
    return !segment.empty() && std::all_of(segment.begin(), segment.end(), is_digit);
}

}  // namespace

std::string path_shape(std::string_view path) {
    constexpr std::size_t bytes_max = 256;
    std::string out;
    while (!path.empty() && out.size() < bytes_max) {
        path.remove_prefix(path.front() == '/' ? 1 : 0);
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view segment = path.substr(0, end);
        out += '/';
        out += looks_like_an_id(segment) ? std::string_view("{id}")
                                         : segment.substr(0, bytes_max - out.size());
        path.remove_prefix(end);
    }
    return out;
}

SpaceSaving KeyRanks::table(RankBy by) const {
    const std::scoped_lock lock(mutex_);
    return tables_[static_cast<std::size_t>(by)];
}

}  // namespace larder::observe
