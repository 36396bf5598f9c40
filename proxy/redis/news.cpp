#include "redis/news.hpp"

#include "base/text.hpp"
#include "redis/purge_text.hpp"

// "p SENDER KEEP", then the purges as lines (purge_text.hpp).
namespace larder::redis {
namespace {

/// The text up to `mark`, which is dropped; nothing where it does not come.
std::optional<std::string_view> take_until(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    if (end == text.npos) return std::nullopt;
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end + 1);
    return taken;
}

}  // namespace

std::string encode_news(const News& news) {
    std::string out;
    out.push_back(static_cast<char>(news.kind));
    out.append(" ").append(news.sender).append(" ");
    append_decimal(out, news.keep.count());
    out.push_back('\n');
    out.append(to_lines(news.items));
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
    if (news.kind != News::Kind::here && news.kind != News::Kind::bye &&
        news.kind != News::Kind::purges && news.kind != News::Kind::planned)
        return std::nullopt;
    news.sender = *sender;
    news.keep = Milliseconds(static_cast<std::int64_t>(*keep));
    auto items = parse_lines(text);
    if (!items) return std::nullopt;
    news.items = std::move(*items);
    return news;
}

}  // namespace larder::redis
