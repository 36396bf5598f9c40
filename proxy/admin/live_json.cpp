#include "admin/live_json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/json_text.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;
using observe::RankBy;

constexpr std::array<std::string_view, 4> rank_words{"hits", "misses", "origin-time", "bytes"};
constexpr std::size_t top_max = 1000;

std::string decoded(std::string_view text) {
    std::string plain(text);
    std::replace(plain.begin(), plain.end(), '+', ' ');
    return percent_decoded(plain).value_or(std::string(text));
}

json::string text_of(std::string_view text) { return json::string(text.data(), text.size()); }

double milliseconds(std::chrono::nanoseconds time) {
    return static_cast<double>(time.count() / 1000) / 1000;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query) {
    std::vector<std::pair<std::string, std::string>> out;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view part = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        out.emplace_back(decoded(part.substr(0, equals)),
                         decoded(part.substr(std::min(equals + 1, part.size()))));
    }
    return out;
}

std::variant<observe::EventFilter, std::string> parse_event_query(std::string_view query) {
    observe::EventFilter filter;
    for (const auto& [name, value] : query_pairs(query))
        if (auto wrong = filter.add(name, value)) return *std::move(wrong);
    return filter;
}

std::string to_sse(const observe::RequestEvent& event) {
    const json::object data{{"time", rfc3339_text(event.time)},
                            {"client", event.client},
                            {"method", event.method},
                            {"target", event.target},
                            {"status", event.status},
                            {"cache", text_of(to_word(event.x_cache))},
                            {"detail", text_of(to_token(event.detail))},
                            {"route", event.route},
                            {"milliseconds", milliseconds(event.duration)},
                            {"origin_milliseconds", milliseconds(event.origin_time)},
                            {"request_id", event.request_id}};
    return "event: request\ndata: " + json_text(data) + "\n\n";
}

std::string to_sse_lost(std::uint64_t events) {
    return "event: lost\ndata: {\"events\": " + std::to_string(events) + "}\n\n";
}

std::variant<TopQuestion, std::string> parse_top_query(std::string_view query) {
    TopQuestion question;
    for (const auto& [name, value] : query_pairs(query)) {
        if (name == "by") {
            const auto word = std::find(rank_words.begin(), rank_words.end(), value);
            if (word == rank_words.end())
                return "by=" + value +
                       " is not understood: expected hits, misses, origin-time or bytes";
            question.by = static_cast<RankBy>(word - rank_words.begin());
        } else if (name == "limit") {
            const auto limit = parse_decimal(value);
            if (!limit || *limit == 0 || *limit > top_max)
                return "limit=" + value + " is not understood: expected a number from 1 to 1000";
            question.count = *limit;
        } else {
            return "unknown parameter " + name + ": expected by or limit";
        }
    }
    return question;
}

std::string to_top_json(RankBy by, const std::vector<observe::RankedKey>& keys) {
    const auto shown = [by](std::uint64_t value) -> json::value {
        if (by != RankBy::origin_time) return value;
        return milliseconds(std::chrono::nanoseconds(static_cast<std::int64_t>(value)));
    };
    json::array list;
    for (const observe::RankedKey& key : keys)
        list.push_back(json::object{{"key", key.key},
                                    {"route", key.route},
                                    {"value", shown(key.value)},
                                    {"error", shown(key.error)}});
    return json_text(json::object{{"by", text_of(rank_words[static_cast<std::size_t>(by)])},
                                  {"keys", std::move(list)}});
}

}  // namespace larder::admin
