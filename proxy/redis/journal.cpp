#include "redis/journal.hpp"

#include <algorithm>

namespace larder::redis {
namespace {

std::string text_of(const PurgeItem& item) {
    std::string text;
    text.reserve(item.name.size() + 2);
    text.push_back(static_cast<char>(item.kind));
    text.push_back(item.soft ? 's' : 'h');
    text.append(item.name);
    return text;
}

}  // namespace

PurgeItem purge_everything() { return {PurgeItem::Kind::everything, false, {}}; }

void PurgeJournal::add(const std::vector<PurgeItem>& items) {
    const std::lock_guard lock(mutex_);
    const auto put = [&](const PurgeItem& item) {
        entries_[text_of(item)] = Entry{item, ++version_, touches_ ? touches_(item) : all_groups};
    };
    const std::string everything = text_of(purge_everything());
    for (const PurgeItem& item : items) {
        if (entries_.contains(everything)) break;
        put(item);
        if (entries_.size() <= entries_max_) continue;
        entries_.clear();
        break;
    }
    // A purge of everything may be under way and may have passed the items' keys already. So its
    // version must rise, and it is done again.
    const bool all = !items.empty() && (entries_.empty() || entries_.contains(everything));
    if (all) put(purge_everything());
    count();
    if (observer_ && !items.empty())
        observer_->added(all ? std::vector{purge_everything()} : items);
}

void PurgeJournal::count() {
    SlotGroups owed = 0;
    for (const auto& [text, entry] : entries_) owed |= entry.touched;
    owed_.store(owed, std::memory_order_release);
    size_.store(entries_.size(), std::memory_order_release);
}

void PurgeJournal::observe(Observer* observer) {
    const std::lock_guard lock(mutex_);
    observer_ = observer;
    if (!observer_) return;
    std::vector<PurgeItem> items;
    for (const auto& [text, entry] : entries_) items.push_back(entry.item);
    observer_->begins(items);
}

std::vector<PurgeJournal::Entry> PurgeJournal::pending() const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> entries;
    entries.reserve(entries_.size());
    for (const auto& [text, entry] : entries_) entries.push_back(entry);
    std::sort(entries.begin(), entries.end(),
              [](const Entry& one, const Entry& two) { return one.version < two.version; });
    return entries;
}

void PurgeJournal::acknowledged(const std::vector<Entry>& entries) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = entries_.empty();
    for (const Entry& entry : entries) {
        const auto at = entries_.find(text_of(entry.item));
        if (at != entries_.end() && at->second.version == entry.version) entries_.erase(at);
    }
    count();
    if (observer_ && entries_.empty() && !was_empty) observer_->emptied();
}

void PurgeHistory::put(const PurgeItem& item, SteadyTime now, SteadyTime until) {
    Entry& entry = entries_[text_of(item)];
    entry = Entry{item, std::max(until, entry.until), ++position_};
    if (entries_.size() <= entries_max_) return;
    std::erase_if(entries_, [now](const auto& known) { return known.second.until <= now; });
    // Less than an eighth was freed: the next purges would walk the whole list again and again.
    if (entries_.size() <= entries_max_ - entries_max_ / 8) return;
    for (const auto& [text, known] : entries_)
        everything_until_ = std::max(everything_until_, known.until);
    everything_position_ = position_;
    entries_.clear();
}

void PurgeHistory::add(const std::vector<PurgeItem>& items, SteadyTime now, Milliseconds keep) {
    const std::lock_guard lock(mutex_);
    for (const PurgeItem& item : items) put(item, now, now + keep);
}

void PurgeHistory::note_lifetime(Milliseconds lifetime) {
    std::int64_t seen = longest_lifetime_ms_.load(std::memory_order_relaxed);
    while (seen < lifetime.count() &&
           !longest_lifetime_ms_.compare_exchange_weak(seen, lifetime.count())) {
    }
}

std::vector<PurgeItem> PurgeHistory::recent(SteadyTime now) const {
    std::vector<PurgeItem> items;
    for (Placed& placed : after(0, now)) items.push_back(std::move(placed.item));
    return items;
}

std::vector<PurgeHistory::Placed> PurgeHistory::after(std::uint64_t position,
                                                      SteadyTime now) const {
    std::vector<Placed> items;
    {
        const std::lock_guard lock(mutex_);
        // It is done after all that was remembered up to now, so it stands for all of that.
        if (everything_until_ > now && everything_position_ > position)
            return {Placed{purge_everything(), position_}};
        for (const auto& [text, entry] : entries_)
            if (entry.position > position && entry.until > now)
                items.push_back(Placed{entry.item, entry.position});
    }
    std::sort(items.begin(), items.end(),
              [](const Placed& one, const Placed& two) { return one.position < two.position; });
    return items;
}

std::vector<PurgeHistory::Remembered> PurgeHistory::snapshot(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    const auto left = [now](SteadyTime until) {
        return std::chrono::ceil<Milliseconds>(until - now);
    };
    std::vector<Remembered> out;
    if (everything_until_ > now) out.push_back({purge_everything(), left(everything_until_)});
    for (const auto& [text, entry] : entries_)
        if (entry.until > now) out.push_back({entry.item, left(entry.until)});
    return out;
}

void PurgeHistory::restore(const std::vector<Remembered>& remembered, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    for (const Remembered& one : remembered) put(one.item, now, now + one.left);
}

}  // namespace larder::redis
