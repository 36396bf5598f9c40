#include "store/redis_news.hpp"

#include "base/text.hpp"

// "p SENDER KEEP\n", then "KIND SOFT SIZE NAME\n" for each item: names may hold any byte.
namespace larder::store {
namespace {

constexpr std::size_t items_max = 100'000;

/// The text up to `mark`, which is dropped; nothing where it does not come.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    if (end == text.npos) return std::nullopt;
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end + 1);
    return taken;
}

bool is_kind(char kind) {
    switch (static_cast<PurgeItem::Kind>(kind)) {
        case PurgeItem::Kind::key:
        case PurgeItem::Kind::pattern:
        case PurgeItem::Kind::response_tag:
        case PurgeItem::Kind::scan:
        case PurgeItem::Kind::everything: return true;
    }
    return false;
}

std::optional<PurgeItem> take_item(std::string_view& text) {
    const auto kind = take_until(text, ' ');
    const auto soft = take_until(text, ' ');
    const auto size_text = take_until(text, ' ');
    if (!kind || !soft || !size_text || kind->size() != 1 || !is_kind(kind->front())) return std::nullopt;
    const auto size = parse_decimal(*size_text);
    if (!size || *size >= text.size() || text[static_cast<std::size_t>(*size)] != '\n') return std::nullopt;
    PurgeItem item;
    item.kind = static_cast<PurgeItem::Kind>(kind->front());
    item.soft = *soft == "s";
    item.name = text.substr(0, static_cast<std::size_t>(*size));
    text.remove_prefix(static_cast<std::size_t>(*size) + 1);
    return item;
}

}  // namespace

std::string encode_news(const News& news) {
    std::string out;
    out.push_back(static_cast<char>(news.kind));
    out.append(" ").append(news.sender).append(" ");
    append_decimal(out, news.keep.count());
    out.push_back('\n');
    for (const PurgeItem& item : news.items) {
        out.push_back(static_cast<char>(item.kind));
        out.append(item.soft ? " s " : " h ");
        append_decimal(out, static_cast<std::int64_t>(item.name.size()));
        out.append(" ").append(item.name).append("\n");
    }
    return out;
}

std::optional<News> decode_news(std::string_view text) {
    const auto kind = take_until(text, ' ');
    const auto sender = take_until(text, ' ');
    const auto keep_text = take_until(text, '\n');
    if (!kind || !sender || !keep_text || kind->size() != 1 || sender->empty()) return std::nullopt;
    const auto keep = parse_decimal(*keep_text);
    if (!keep || *keep > INT64_MAX) return std::nullopt;
    News news;
    news.kind = static_cast<News::Kind>(kind->front());
    if (news.kind != News::Kind::here && news.kind != News::Kind::bye && news.kind != News::Kind::purges) return std::nullopt;
    news.sender = *sender;
    news.keep = Milliseconds(static_cast<std::int64_t>(*keep));
    while (!text.empty() && news.items.size() < items_max) {
        auto item = take_item(text);
        if (!item) return std::nullopt;
        news.items.push_back(std::move(*item));
    }
    return text.empty() ? std::optional(std::move(news)) : std::nullopt;
}

}  // namespace larder::store
