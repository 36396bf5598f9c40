#include "redis/purge_text.hpp"

#include <algorithm>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace larder::redis {
namespace {

using Kind = PurgeItem::Kind;

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7F && byte != '%';
}

void append_escaped(std::string_view name, std::string& out) {
    for (const char c : name) {
        if (is_plain(c)) {
            out.push_back(c);
            continue;
        }
        append_percent(out, static_cast<unsigned char>(c));
    }
}

std::optional<std::string> unescape(std::string_view text) {
    const bool readable =
        std::all_of(text.begin(), text.end(), [](char c) { return c == '%' || is_plain(c); });
    return readable ? percent_decoded(text) : std::nullopt;
}

std::optional<Kind> kind_of(char letter) {
    for (const Kind kind :
         {Kind::key, Kind::pattern, Kind::response_tag, Kind::scan, Kind::everything})
        if (static_cast<char>(kind) == letter) return kind;
    return std::nullopt;
}

// Calls `take` with each line, without its end. False: it refused one, or the last one has no end.
template <class Take>
bool each_line(std::string_view lines, Take take) {
    while (!lines.empty()) {
        const std::size_t end = lines.find('\n');
        if (end == std::string_view::npos || !take(lines.substr(0, end))) return false;
        lines.remove_prefix(end + 1);
    }
    return true;
}

}  // namespace

void append_line(const PurgeItem& item, std::string& out) {
    out.push_back(static_cast<char>(item.kind));
    out.append(item.soft ? "s " : "h ");
    append_escaped(item.name, out);
    out.push_back('\n');
}

std::optional<PurgeItem> parse_line(std::string_view line) {
    if (line.size() < 3 || (line[1] != 'h' && line[1] != 's') || line[2] != ' ')
        return std::nullopt;
    const std::optional<Kind> kind = kind_of(line[0]);
    std::optional<std::string> name = unescape(line.substr(3));
    if (!kind || !name) return std::nullopt;
    return PurgeItem{*kind, line[1] == 's', std::move(*name)};
}

std::string to_lines(const std::vector<PurgeItem>& items) {
    std::string out;
    for (const PurgeItem& item : items) append_line(item, out);
    return out;
}

std::optional<std::vector<PurgeItem>> parse_lines(std::string_view lines) {
    std::vector<PurgeItem> items;
    const bool good = each_line(lines, [&](std::string_view line) {
        std::optional<PurgeItem> item = parse_line(line);
        if (item) items.push_back(std::move(*item));
        return item.has_value();
    });
    if (!good) return std::nullopt;
    return items;
}

std::string to_lines(const std::vector<PurgeHistory::Remembered>& remembered) {
    std::string out;
    for (const PurgeHistory::Remembered& one : remembered) {
        append_decimal(out, one.left.count());
        out.push_back(' ');
        append_line(one.item, out);
    }
    return out;
}

std::optional<std::vector<PurgeHistory::Remembered>> parse_remembered(std::string_view lines) {
    constexpr std::uint64_t longest = 1'000'000'000'000;  // thirty years
    std::vector<PurgeHistory::Remembered> out;
    const bool good = each_line(lines, [&](std::string_view line) {
        const std::size_t blank = std::min(line.find(' '), line.size());
        const std::optional<std::uint64_t> left = parse_decimal(line.substr(0, blank));
        if (!left || *left > longest || blank == line.size()) return false;
        std::optional<PurgeItem> item = parse_line(line.substr(blank + 1));
        if (item) out.push_back({std::move(*item), Milliseconds(static_cast<std::int64_t>(*left))});
        return item.has_value();
    });
    if (!good) return std::nullopt;
    return out;
}

std::vector<PurgeItem> items_of(const store::PurgeOrder& order) {
    std::vector<PurgeItem> items;
    const auto add = [&](Kind kind, const std::vector<std::string>& names) {
        for (const std::string& name : names) items.push_back({kind, order.soft, name});
    };
    if (order.everything) items.push_back(purge_everything());
    add(Kind::key, order.set.keys);
    add(Kind::pattern, order.set.patterns);
    add(Kind::response_tag, order.tags);
    add(Kind::scan, order.scan_patterns);
    return items;
}

store::PurgeOrder order_of(const std::vector<PurgeItem>& items) {
    store::PurgeOrder order;
    order.soft = !items.empty() && std::all_of(items.begin(), items.end(),
                                               [](const PurgeItem& item) { return item.soft; });
    for (const PurgeItem& item : items) {
        switch (item.kind) {
            case Kind::key:
                order.set.keys.push_back(item.name);
                break;
            case Kind::pattern:
                order.set.patterns.push_back(item.name);
                break;
            case Kind::response_tag:
                order.tags.push_back(item.name);
                break;
            case Kind::scan:
                order.scan_patterns.push_back(item.name);
                break;
            case Kind::everything:
                order.everything = true;
                break;
        }
    }
    return order;
}

}  // namespace larder::redis
