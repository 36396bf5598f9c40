#include "settings/values.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "settings/units.hpp"

namespace larder::settings {
namespace {

constexpr const char* some_digit_above_zero = "(?=[0-9.]*[1-9])";
constexpr std::uint64_t count_max = 1'000'000;
constexpr std::uint64_t buffer_size_max = 16 * 1024 * 1024;

enum class Zero { accepted, refused };

Form duration_form(Zero zero) {
    const std::string positive = zero == Zero::refused ? some_digit_above_zero : "";
    return {.expected = "a duration such as 250ms, 60s, 5m, 1h or 7d",
            .pattern = positive + "(?:[0-9]+ms|[0-9]+(?:\\.[0-9]{1,9})?[smhd]?)",
            .numbers = Form::Numbers::any,
            .above_minimum = zero == Zero::refused,
            .maximum = 2147483647.0};
}

Form size_form(Zero zero, std::vector<std::string> words = {}) {
    const std::string positive = zero == Zero::refused ? some_digit_above_zero : "";
    Form form{.expected = "a size such as 8KB, 64MB or 1GB",
              .pattern = positive + "[0-9]{1,20}(?:[KMGkmg][Bb])?",
              .words = std::move(words),
              .numbers = Form::Numbers::whole,
              .above_minimum = zero == Zero::refused};
    for (const std::string& word : form.words) form.expected += ", or " + word;
    return form;
}

Form count_form(std::vector<std::string> words = {}) {
    Form form{.expected = "a whole number from 1 to 1000000",
              .pattern = "0*(?:[1-9][0-9]{0,5}|1000000)",
              .words = std::move(words),
              .numbers = Form::Numbers::whole,
              .minimum = 1,
              .maximum = count_max};
    for (const std::string& word : form.words) form.expected += ", or " + word;
    return form;
}

Form network_form() {
    return pattern_form("a network such as 10.0.0.0/8 or fd00::/8",
                        "(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|[0-9A-Fa-f.:]*(?:::|:[0-9A-Fa-f]+:)[0-"
                        "9A-Fa-f.:]*)(?:/[0-9]{1,3})?");
}

/// Reads a scalar with `parse` (text to optional), or says what was expected.
template <class Parse>
auto read_form(const Node& node, const Form& form, const Parse& parse)
    -> decltype(parse(std::string())) {
    const auto text = node.text(form);
    if (!text) return std::nullopt;
    const auto value = parse(*text);
    if (!value) error_expected_form(node, form.expected, *text);
    return value;
}

std::optional<int> parse_count(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || *number == 0 || *number > count_max) return std::nullopt;
    return static_cast<int>(*number);
}

/// A reader of counts that also knows a word for zero.
std::optional<int> read_count_or(const Node& node, std::string_view word) {
    return read_form(node, count_form({std::string(word)}), [&](const std::string& text) {
        return text == word ? std::optional<int>(0) : parse_count(text);
    });
}

}  // namespace

void error_expected_form(const Node& node, std::string_view expected, std::string_view written) {
    node.error("expected " + std::string(expected) + ", not \"" + std::string(written) + '"');
}

std::optional<bool> read_switch(const Node& node) {
    return read_form(node, {.expected = "on or off", .is_switch = true}, parse_switch);
}

std::optional<bool> read_off(const Node& node, std::string_view otherwise) {
    const auto text = node.text(off_form("off"));
    if (!text) return std::nullopt;
    const auto on = parse_switch(*text);
    if (!on) {
        error_expected_form(node, "off", *text);
        return std::nullopt;
    }
    if (*on) node.error(std::string(otherwise));
    return on;
}

std::optional<std::chrono::milliseconds> read_duration(const Node& node) {
    return read_form(node, duration_form(Zero::accepted), parse_duration);
}

std::optional<std::chrono::milliseconds> read_timeout(const Node& node) {
    const auto duration = read_form(node, duration_form(Zero::refused), parse_duration);
    if (!duration || duration->count() > 0) return duration;
    node.error("must be longer than zero");
    return std::nullopt;
}

std::optional<std::uint64_t> read_size(const Node& node) {
    const auto size = read_form(node, size_form(Zero::refused), parse_size);
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
    return read_form(node, size_form(Zero::accepted, {"unlimited"}), [](const std::string& text) {
        return text == "unlimited" ? std::optional<std::uint64_t>(UINT64_MAX) : parse_size(text);
    });
}

std::optional<int> read_count(const Node& node) {
    return read_form(node, count_form(), parse_count);
}

std::optional<int> read_count_or_unlimited(const Node& node) {
    return read_count_or(node, "unlimited");
}

std::optional<int> read_count_or_auto(const Node& node) { return read_count_or(node, "auto"); }

std::optional<double> read_share(const Node& node) {
    const Form form = pattern_form("a percentage such as 10%, or off",
                                   "(?:100(?:\\.0*)?|[0-9]{1,2}(?:\\.[0-9]*)?)%", {"off"});
    return read_form(node, form, [](const std::string& text) {
        return text == "off" ? std::optional<double>(0) : parse_percentage(text);
    });
}

std::optional<std::string> read_text(const Node& node) { return node.text(any_text()); }

std::optional<std::string> read_filled_text(const Node& node) {
    auto text = node.text({.expected = "text", .may_be_empty = false});
    if (!text || !text->empty()) return text;
    node.error("must not be empty");
    return std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(const Node& node) {
    std::vector<std::string> out;
    if (node.is_null_as_empty()) return out;
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

std::optional<std::string> read_field_name(const Node& node) {
    constexpr const char* expected = "the name of a header field";
    const auto text = node.text(
        {.expected = expected, .pattern = "[!#$%&'*+.^_`|~0-9A-Za-z-]+", .any_scalar = true});
    if (!text) return std::nullopt;
    if (is_field_name(*text)) return to_lower_copy(*text);
    error_expected_form(node, expected, *text);
    return std::nullopt;
}

std::optional<std::vector<std::string>> read_field_names(const Node& node) {
    std::vector<std::string> names;
    if (node.is_null_as_empty()) return names;
    for (const Node& item : node.is_list() ? node.items() : std::vector<Node>{node}) {
        const auto name = read_field_name(item);
        if (name) names.push_back(*name);
    }
    return names;
}

std::optional<std::vector<Coding>> read_codings(const Node& node) {
    std::vector<Coding> codings;
    if (node.is_null_as_empty()) return codings;
    if (!node.is_list()) {
        const auto text = node.text(off_form("a list of zstd, br and gzip, or off"));
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
    if (node.is_null_as_empty()) return out;
    const bool is_list = node.is_list();
    bool complete = true;
    for (const Node& item : is_list ? node.items() : std::vector<Node>{node}) {
        const auto network = read_form(item, network_form(), parse_network);
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

Form off_form(std::string expected) {
    return pattern_form(std::move(expected), "[Oo][Ff][Ff]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]", {"off"});
}

Form address_form(std::vector<std::string> words) {
    Form form = pattern_form(
        "an address such as 127.0.0.1:8080, [::1]:8080, :8080 or "
        "unix:/run/larder.sock",
        "(?:\\[[0-9A-Fa-f:.]+\\]|[^\\s:/\\[\\]@?#]*):[0-9]{1,5}|unix:/.+", std::move(words));
    for (const std::string& word : form.words) form.expected += ", or " + word;
    return form;
}

std::optional<HostPort> read_address(const Node& node) {
    return read_form(node, address_form(), parse_listen_address);
}

}  // namespace larder::settings
