#include "store/scan_patterns.hpp"

#include <algorithm>
#include <mutex>

#include "route/pattern.hpp"

namespace larder::store {

ScanPatterns::Verdict judge_by(const std::vector<ScanPatterns::Pattern>& patterns,
                               std::string_view key, std::uint64_t sequence) {
    ScanPatterns::Verdict verdict;
    for (const ScanPatterns::Pattern& pattern : patterns) {
        if (sequence >= pattern.position || !route::glob_match(pattern.text, key)) continue;
        if (pattern.soft) verdict.soft_at = std::max(verdict.soft_at, pattern.position);
        if (!pattern.soft) verdict.purged = true;
    }
    return verdict;
}

bool ScanPatterns::add(std::string_view text, bool soft, std::uint64_t position) {
    const std::unique_lock lock(mutex_);
    const auto same = [&](const Pattern& pattern) {
        return pattern.soft == soft && pattern.text == text;
    };
    const auto found = std::find_if(patterns_.begin(), patterns_.end(), same);
    if (found != patterns_.end()) {
        found->position = std::max(found->position, position);
        return true;
    }
    if (patterns_.size() >= patterns_max) return false;
    patterns_.push_back({std::string(text), soft, position});
    any_.store(true, std::memory_order_release);
    return true;
}

ScanPatterns::Verdict ScanPatterns::judge(std::string_view key, std::uint64_t sequence) const {
    const std::shared_lock lock(mutex_);
    return judge_by(patterns_, key, sequence);
}

std::vector<ScanPatterns::Pattern> ScanPatterns::all() const {
    const std::shared_lock lock(mutex_);
    return patterns_;
}

void ScanPatterns::remove(const std::vector<Pattern>& swept) {
    const std::unique_lock lock(mutex_);
    std::erase_if(patterns_, [&](const Pattern& pattern) {
        return std::any_of(swept.begin(), swept.end(), [&](const Pattern& done) {
            return done.soft == pattern.soft && done.position == pattern.position &&
                   done.text == pattern.text;
        });
    });
    any_.store(!patterns_.empty(), std::memory_order_release);
}

}  // namespace larder::store
