#include "admin/explain_query.hpp"

#include "admin/query.hpp"

namespace larder::admin {
namespace {

/// Puts one parameter into the question; returns what is wrong with it, or nothing.
std::string take(std::string_view name, std::string value, ExplainQuestion& question) {
    if (name == "url") {
        question.url = std::move(value);
    } else if (name == "method") {
        question.method = std::move(value);
    } else if (name == "header") {
        return add_header(value, question.headers);
    } else {
        return "unknown parameter; known are method, url and header (an & inside the url is %26)";
    }
    return {};
}

}  // namespace

std::variant<ExplainQuestion, std::string> parse_explain_query(std::string_view query) {
    ExplainQuestion question;
    std::string complaint =
        for_each_parameter(query, [&](std::string_view name, std::string value) {
            return take(name, std::move(value), question);
        });
    if (!complaint.empty()) return complaint;
    if (question.method.empty()) question.method = "GET";
    if (question.url.empty())
        return std::string("url is missing: /explain?method=GET&url=/articles/42");
    if (!question.url.starts_with("/") && !question.url.starts_with("http://") &&
        !question.url.starts_with("https://"))
        return std::string("url must start with '/', http:// or https://");
    return question;
}

}  // namespace larder::admin
