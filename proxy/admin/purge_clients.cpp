#include "admin/purge_clients.hpp"

#include <boost/json.hpp>
#include <vector>

#include "admin/purge_body.hpp"
#include "base/json_text.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"
#include "cache/origin_tags.hpp"

namespace larder::admin {
namespace {

namespace json = boost::json;
namespace http = boost::beast::http;
using Form = ClientCall::Form;

std::string_view value_of(const http::fields& fields, std::string_view name) {
    const auto found = fields.find({name.data(), name.size()});
    if (found == fields.end()) return {};
    return {found->value().data(), found->value().size()};
}

/// Fastly looks at the field's presence; its documentation sends 1.
bool asks_softly(std::string_view value) { return !value.empty() && value != "0"; }

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> out;
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        out.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return out;
}

json::value parsed(std::string_view body, std::string& fault) {
    json::error_code error;
    json::value value = json::parse(json::string_view(body.data(), body.size()), error);
    if (error) fault = "the body is not valid JSON: " + error.message();
    if (!error && !value.is_object()) fault = "the body must be a JSON object";
    return value;
}

/// A URL as a client names it: "example.com/a" and "//example.com/a" are "http://example.com/a".
std::string whole_url(std::string url) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!iequals(std::string_view(url).substr(0, scheme.size()), scheme)) continue;
        return url.replace(0, scheme.size(), scheme);
    }
    if (url.starts_with("/")) return url.starts_with("//") ? "http:" + url : url;
    return "http://" + url;
}

bool is_encoded_whole(std::string_view url) {
    const std::string_view begin = url.substr(0, url.find_first_of("/?"));
    const auto has = [begin](std::string_view slash) {
        return begin.find(slash) != std::string_view::npos;
    };
    return has("%2F") || has("%2f") || has("%3A") || has("%3a");
}

/// The strings of a list, or what is wrong with it. Cloudflare's `files` may hold objects with
/// `url`.
std::string read_names(std::string_view field, const json::value& value,
                       std::vector<std::string>& out) {
    const std::string name = "\"" + std::string(field) + "\"";
    if (!value.is_array()) return name + " must be a list of strings";
    for (const json::value& item : value.get_array()) {
        const json::value* text = &item;
        if (field == "files" && item.is_object()) text = item.get_object().if_contains("url");
        if (text == nullptr || !text->is_string() || text->get_string().empty())
            return name + (field == "files" ? " must hold URLs, or objects with \"url\""
                                            : " must hold strings that are not empty");
        out.emplace_back(text->get_string());
    }
    if (out.size() > purge_items_max)
        return name + " must hold at most " + std::to_string(purge_items_max) + " items";
    return {};
}

std::string read_cloudflare(std::string_view body, PurgeOrder& order) {
    std::string fault;
    const json::value value = parsed(body, fault);
    if (!fault.empty()) return fault;
    for (const auto& member : value.get_object()) {
        const std::string_view field(member.key().data(), member.key().size());
        std::vector<std::string>* list = field == "tags"       ? &order.tags
                                         : field == "files"    ? &order.urls
                                         : field == "hosts"    ? &order.hosts
                                         : field == "prefixes" ? &order.prefixes
                                                               : nullptr;
        if (list != nullptr) {
            std::string wrong = read_names(field, member.value(), *list);
            if (!wrong.empty()) return wrong;
        } else if (field == "purge_everything") {
            if (!member.value().is_bool()) return "purge_everything is true or false";
            order.everything = member.value().get_bool();
        } else {
            return "unknown field " + json_text(json::string(field)) +
                   "; known are tags, files, hosts, prefixes and purge_everything";
        }
    }
    for (std::string& url : order.urls) url = whole_url(std::move(url));
    return {};
}

std::string read_fastly_tags(const http::fields& fields, std::string_view body, PurgeOrder& order) {
    cache::add_named_tags(value_of(fields, "Surrogate-Key"), order.tags);
    if (body.empty()) return {};
    std::string fault;
    const json::value value = parsed(body, fault);
    if (!fault.empty()) return fault;
    const json::value* keys = value.get_object().if_contains("surrogate_keys");
    return keys != nullptr ? read_names("surrogate_keys", *keys, order.tags) : std::string();
}

std::string decoded(std::string_view text) {
    return percent_decoded(text).value_or(std::string(text));
}

/// The rest of the target from a part of its path on.
std::string_view from(std::string_view target, std::string_view part) {
    return target.substr(static_cast<std::size_t>(part.data() - target.data()));
}

std::string missing(const ClientCall& call) {
    if (call.is_fastly())
        return "nothing to purge: name tags in Surrogate-Key or in {\"surrogate_keys\": [...]}";
    return "nothing to purge: give tags, files, hosts, prefixes or \"purge_everything\": true";
}

}  // namespace

std::optional<ClientCall> find_client_call(std::string_view target) {
    const std::vector<std::string_view> parts = segments_of(target.substr(0, target.find('?')));
    const auto text = [&](std::size_t i) { return decoded(parts[i]); };
    if (parts.size() == 5 && parts[0] == "client" && parts[1] == "v4" && parts[2] == "zones" &&
        parts[4] == "purge_cache")
        return ClientCall{Form::cloudflare, text(3), ""};
    if (parts.size() == 3 && parts[0] == "service" && parts[2] == "purge_all")
        return ClientCall{Form::fastly_all, text(1), ""};
    if (parts.size() == 3 && parts[0] == "service" && parts[2] == "purge")
        return ClientCall{Form::fastly_tags, text(1), ""};
    // Fastly's client does not encode the slashes of a tag.
    if (parts.size() >= 4 && parts[0] == "service" && parts[2] == "purge" && !parts[3].empty())
        return ClientCall{Form::fastly_tag, text(1), std::string(from(target, parts[3]))};
    if (parts.size() >= 2 && parts[0] == "purge" && !parts[1].empty())
        return ClientCall{Form::fastly_url, "", std::string(from(target, parts[1]))};
    return std::nullopt;
}

std::variant<PurgeOrder, std::string> parse_client_order(const ClientCall& call,
                                                         const http::fields& fields,
                                                         std::string_view body) {
    PurgeOrder order;
    order.soft = call.is_fastly() && asks_softly(value_of(fields, "Fastly-Soft-Purge"));
    std::string fault;
    switch (call.form) {
        case Form::fastly_tag:
            // Fastly's client sends a tag as it is; others encode it.
            order.tags.push_back(call.item);
            if (decoded(call.item) != call.item) order.tags.push_back(decoded(call.item));
            break;
        case Form::fastly_tags:
            fault = read_fastly_tags(fields, body, order);
            break;
        case Form::fastly_all:
            order.everything = true;
            break;
        case Form::fastly_url:
            // The same with a URL. Where all of it is encoded, its first slash is encoded too.
            order.urls.push_back(
                whole_url(is_encoded_whole(call.item) ? decoded(call.item) : call.item));
            break;
        case Form::cloudflare:
            fault = read_cloudflare(body, order);
            break;
    }
    if (fault.empty() && order.empty()) fault = missing(call);
    if (!fault.empty()) return fault;
    return order;
}

JsonAnswer to_client_answer(const ClientCall& call, const PurgeOrder& order,
                            const PurgeResult& result, const std::string& id) {
    if (result.outcome == PurgeResult::Outcome::malformed)
        return to_client_error(call, 400, "bad purge", result.message);
    if (result.outcome == PurgeResult::Outcome::failed)
        return to_client_error(call, 503, "the purge failed", result.message);
    if (call.form == Form::cloudflare)
        return {200, json_text(json::object{{"success", true},
                                            {"errors", json::array()},
                                            {"messages", json::array()},
                                            {"result", {{"id", call.id}}}})};
    if (call.form != Form::fastly_tags)
        return {200, json_text(json::object{{"status", "ok"}, {"id", id}})};
    json::object ids;
    for (const std::string& tag : order.tags) ids[tag] = id;
    return {200, json_text(ids)};
}

JsonAnswer to_client_error(const ClientCall& call, int status, std::string_view error,
                           std::string_view detail) {
    json::object out{{"error", json::string_view(error.data(), error.size())},
                     {"detail", json::string_view(detail.data(), detail.size())}};
    if (call.is_fastly()) {
        out["msg"] = out["error"];
    } else {
        out["success"] = false;
        out["errors"] = json::array{
            {{"code", status}, {"message", std::string(error) + ": " + std::string(detail)}}};
        out["messages"] = json::array();
        out["result"] = nullptr;
    }
    return {status, json_text(out)};
}

}  // namespace larder::admin
