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
        entries_[text_of(item)] = Entry{item, ++version_};
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
    SlotGroups owed = touches_ || entries_.empty() ? 0 : all_groups;
    if (touches_)
        for (const auto& [text, entry] : entries_) owed |= touches_(entry.item);
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
    entry = Entry{item, std::max(until, entry.until)};
    if (entries_.size() <= entries_max_) return;
    std::erase_if(entries_, [now](const auto& known) { return known.second.until <= now; });
    // Less than an eighth was freed: the next purges would walk the whole list again and again.
    if (entries_.size() <= entries_max_ - entries_max_ / 8) return;
    for (const auto& [text, known] : entries_)
        everything_until_ = std::max(everything_until_, known.until);
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
    const std::lock_guard lock(mutex_);
    std::vector<PurgeItem> items;
    if (everything_until_ > now) items.push_back(purge_everything());
    if (everything_until_ > now) return items;
    items.reserve(entries_.size());
    for (const auto& [text, entry] : entries_)
        if (entry.until > now) items.push_back(entry.item);
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
