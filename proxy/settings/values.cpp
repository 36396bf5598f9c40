#include "settings/values.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "settings/units.hpp"

namespace larder::settings {
namespace {

constexpr std::string_view a_duration = "a duration such as 250ms, 60s, 5m, 1h or 7d";
constexpr std::string_view a_size = "a size such as 8KB, 64MB or 1GB";
constexpr std::string_view a_network = "a network such as 10.0.0.0/8 or fd00::/8";
constexpr std::uint64_t count_max = 1'000'000;
constexpr std::uint64_t buffer_size_max = 16 * 1024 * 1024;

/// Reads a scalar with `parse` (text to optional), or says what was expected.
template <class Parse>
auto read_form(const Node& node, std::string_view expected, const Parse& parse)
    -> decltype(parse(std::string())) {
    const auto text = node.text(expected);
    if (!text) return std::nullopt;
    const auto value = parse(*text);
    if (!value) error_expected_form(node, expected, *text);
    return value;
}

std::optional<int> parse_count(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number == 0 || *number > count_max) return std::nullopt;
    return static_cast<int>(*number);
}

/// A reader of counts that also knows a word for zero.
std::optional<int> read_count_or(const Node& node, std::string_view word) {
    const std::string expected = "a whole number from 1 to 1000000, or " + std::string(word);
    return read_form(node, expected, [&](const std::string& text) {
        return text == word ? std::optional<int>(0) : parse_count(text);
    });
}

}  // namespace

void error_expected_form(const Node& node, std::string_view expected, std::string_view written) {
    node.error("expected " + std::string(expected) + ", not \"" + std::string(written) + '"');
}

std::optional<bool> read_switch(const Node& node) {
    return read_form(node, "on or off", parse_switch);
}

std::optional<std::chrono::milliseconds> read_duration(const Node& node) {
    return read_form(node, a_duration, parse_duration);
}

std::optional<std::chrono::milliseconds> read_timeout(const Node& node) {
    const auto duration = read_duration(node);
    if (!duration || duration->count() > 0) return duration;
    node.error("must be longer than zero");
    return std::nullopt;
}

std::optional<std::uint64_t> read_size(const Node& node) {
    const auto size = read_form(node, a_size, parse_size);
    if (!size || *size > 0) return size;
    node.error("must be larger than zero");
    return std::nullopt;
}

std::optional<std::uint64_t> read_buffer_size(const Node& node) {
    const auto size = read_size(node);
    if (!size || *size <= buffer_size_max) return size;
    node.error("must not exceed 16MB: every connection may hold that much");
    return std::nullopt;
}

std::optional<std::uint64_t> read_size_or_unlimited(const Node& node) {
    return read_form(node, std::string(a_size) + ", or unlimited", [](const std::string& text) {
        return text == "unlimited" ? std::optional<std::uint64_t>(UINT64_MAX) : parse_size(text);
    });
}

std::optional<int> read_count(const Node& node) {
    return read_form(node, "a whole number from 1 to 1000000", parse_count);
}

std::optional<int> read_count_or_unlimited(const Node& node) {
    return read_count_or(node, "unlimited");
}

std::optional<int> read_count_or_auto(const Node& node) { return read_count_or(node, "auto"); }

std::optional<double> read_share(const Node& node) {
    return read_form(node, "a percentage such as 10%, or off", [](const std::string& text) {
        return text == "off" ? std::optional<double>(0) : parse_percentage(text);
    });
}

std::optional<std::string> read_text(const Node& node) { return node.text("text"); }

std::optional<std::string> read_filled_text(const Node& node) {
    auto text = node.text("text");
    if (!text || !text->empty()) return text;
    node.error("must not be empty");
    return std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(const Node& node) {
    std::vector<std::string> out;
    if (node.is_null()) return out;
    const bool is_list = node.is_list();
    bool complete = true;
    for (const Node& item : is_list ? node.items() : std::vector<Node>{node}) {
        auto text = read_filled_text(item);
        complete = complete && text;
        if (text) out.push_back(std::move(*text));
    }
    if (!complete) return std::nullopt;
    return out;
}

bool is_field_name(std::string_view name) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
               marks.find(c) != std::string_view::npos;
    });
}

std::optional<std::vector<std::string>> read_field_names(const Node& node) {
    std::vector<std::string> names;
    if (node.is_null()) return names;
    for (const Node& item : node.is_list() ? node.items() : std::vector<Node>{node}) {
        const auto text = read_filled_text(item);
        if (!text) continue;
        if (!is_field_name(*text)) error_expected_form(item, "the name of a header field", *text);
        names.push_back(to_lower_copy(*text));
    }
    return names;
}

std::optional<std::vector<Coding>> read_codings(const Node& node) {
    std::vector<Coding> codings;
    constexpr std::string_view expected = "a list of zstd, br and gzip, or off";
    if (node.is_null()) return codings;
    if (!node.is_list()) {
        const auto text = node.text(expected);
        if (!text) return std::nullopt;
        if (parse_switch(*text) == false) return codings;
    }
    const auto word =
        one_of<Coding>({{"zstd", Coding::zstd}, {"br", Coding::br}, {"gzip", Coding::gzip}});
    for (const Node& item : node.is_list() ? node.items() : std::vector<Node>{node}) {
        const auto coding = word(item);
        if (!coding) continue;
        if (std::count(codings.begin(), codings.end(), *coding) > 0) {
            item.error("is named twice");
        } else {
            codings.push_back(*coding);
        }
    }
    return codings;
}

std::optional<std::vector<Network>> read_networks(const Node& node) {
    std::vector<Network> out;
    if (node.is_null()) return out;
    const bool is_list = node.is_list();
    bool complete = true;
    for (const Node& item : is_list ? node.items() : std::vector<Node>{node}) {
        const auto network = read_form(item, a_network, parse_network);
        complete = complete && network;
        if (!network) continue;
        const Network canonical = network->canonical();
        if (canonical != *network)
            item.warn("has bits beyond its prefix; taken as " + to_text(canonical));
        out.push_back(canonical);
    }
    if (!complete) return std::nullopt;
    return out;
}

std::optional<HostPort> read_address(const Node& node) {
    return read_form(node,
                     "an address such as 127.0.0.1:8080, [::1]:8080, :8080 or "
                     "unix:/run/larder.sock",
                     parse_listen_address);
}

}  // namespace larder::settings
