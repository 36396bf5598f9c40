#include "admin/explain_query.hpp"

#include <algorithm>
#include <optional>

#include "base/percent.hpp"
#include "base/text.hpp"

namespace larder::admin {
namespace {

/// Percent-decodes once; nothing: an escape is malformed. A form writes a space as '+', but in the
/// URL '+' stays '+', because a URL has no spaces.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string spaced(text);
    if (plus_is_space) std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decoded(spaced);
}

bool has_control_bytes(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Puts one parameter into the question; returns what is wrong with it, or nothing.
std::string take(std::string_view name, std::string value, ExplainQuestion& question) {
    if (has_control_bytes(value)) return std::string(name) + " must not hold control bytes";
    if (name == "url") {
        question.url = std::move(value);
    } else if (name == "method") {
        question.method = std::move(value);
    } else if (name == "header") {
        const std::size_t colon = value.find(':');
        if (colon == 0 || colon == std::string::npos)
            return "header must be like header=Accept:%20text/html";
        question.headers.emplace_back(value.substr(0, colon),
                                      trim_ows(std::string_view(value).substr(colon + 1)));
    } else {
        return "unknown parameter; known are method, url and header (an & inside the url is %26)";
    }
    return {};
}

}  // namespace

std::variant<ExplainQuestion, std::string> parse_explain_query(std::string_view query) {
    ExplainQuestion question;
    while (!query.empty()) {
        const std::string_view part = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(part.size() + 1, query.size()));
        if (part.empty()) continue;
        const std::string_view name = part.substr(0, part.find('='));
        auto value = decode(part.substr(std::min(name.size() + 1, part.size())), name != "url");
        if (!value) return std::string("a % must be followed by two hexadecimal digits");
        std::string complaint = take(name, *std::move(value), question);
        if (!complaint.empty()) return complaint;
    }
    if (question.method.empty()) question.method = "GET";
    if (question.url.empty())
        return std::string("url is missing: /explain?method=GET&url=/articles/42");
    if (!question.url.starts_with("/") && !question.url.starts_with("http://") &&
        !question.url.starts_with("https://"))
        return std::string("url must start with '/', http:// or https://");
    return question;
}

}  // namespace larder::admin
