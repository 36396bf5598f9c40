#include "settings/schema.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "settings/effective_config.hpp"
#include "settings/load_settings.hpp"

namespace larder::settings {
namespace {

namespace json = boost::json;

constexpr const char* variable = "\\$\\{";
constexpr const char* switch_pattern =
    "[Oo][Nn]|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss]|[Oo][Ff][Ff]|[Ff][Aa][Ll][Ss][Ee]|[Nn][Oo]";

json::value number(double value) {
    if (value == std::floor(value)) return static_cast<std::int64_t>(value);
    return value;
}

json::object of_numbers(const Form& form) {
    const bool whole = form.numbers == Form::Numbers::whole;
    json::object out{{"type", whole ? "integer" : "number"}};
    out[form.above_minimum ? "exclusiveMinimum" : "minimum"] = number(form.minimum);
    if (form.maximum > 0) out["maximum"] = number(form.maximum);
    return out;
}

json::object of_pattern(const std::string& pattern) {
    return {{"type", "string"}, {"pattern", "^(?:" + pattern + ")$|" + variable}};
}

/// Appends each way to write a value of this form; editors show the words.
void append_ways(const Form& form, json::array& ways) {
    const bool is_any_text = form.pattern.empty() && form.words.empty() && !form.is_switch;
    if (is_any_text) {
        json::object text{{"type", json::array{"string", "number", "boolean"}}};
        if (!form.may_be_empty) text["minLength"] = 1;
        ways.push_back(std::move(text));
        return;
    }
    if (!form.words.empty()) {
        json::array words(form.words.begin(), form.words.end());
        ways.push_back(json::object{{"enum", std::move(words)}});
    }
    if (form.is_switch) {
        ways.push_back(json::object{{"type", "boolean"}});
        ways.push_back(of_pattern(switch_pattern));
    } else if (!form.pattern.empty()) {
        ways.push_back(of_pattern(form.pattern));
        if (form.any_scalar) ways.push_back(json::object{{"type", {"number", "boolean"}}});
        if (form.pattern.find("[Ff][Aa][Ll]") != std::string::npos)
            ways.push_back(json::object{{"enum", json::array{false}}});  // as YAML reads that word
    } else {
        ways.push_back(json::object{{"type", "string"}, {"pattern", variable}});
    }
    if (form.numbers != Form::Numbers::none) ways.push_back(of_numbers(form));
}

json::object required(const std::vector<std::string>& keys) {
    return {{"required", json::array(keys.begin(), keys.end())}};
}

json::object of_group(const std::vector<std::string>& keys) {
    if (keys.size() == 1) return required(keys);
    json::array any;
    for (const std::string& key : keys) any.push_back(required({key}));
    return {{"anyOf", std::move(any)}};
}

const json::value* member_of(const json::value* value, const std::string& name) {
    return value != nullptr && value->is_object() ? value->get_object().if_contains(name) : nullptr;
}

/// The place of a Shape: its path, and its default value.
struct Place {
    std::string path;
    const json::value* standard = nullptr;
};

json::object of_shape(const Shape& shape, const Place& place);

/// The description of a key; null: none. An item of a list may also stand alone (`listen`), and
/// means the same there.
const std::string* description_of(std::string path) {
    const auto& texts = key_descriptions();
    auto found = texts.find(path);
    if (const std::size_t brackets = path.find("[].");
        found == texts.end() && brackets != path.npos)
        found = texts.find(path.erase(brackets, 2));
    return found == texts.end() ? nullptr : &found->second;
}

json::object of_map(const Shape& shape, const Place& place) {
    json::object out{{"type", "object"}};
    json::object properties;
    for (const auto& [name, member] : shape.members) {
        Place inner{place.path.empty() ? name : place.path + '.' + name,
                    member_of(place.standard, name)};
        properties[name] = of_shape(*member, inner);
    }
    if (!properties.empty()) out["properties"] = std::move(properties);
    if (!shape.any_member) {
        out["additionalProperties"] = false;
    } else if (const json::object any = of_shape(*shape.any_member, {}); true) {
        if (shape.any_member_pattern.empty()) {
            out["additionalProperties"] = any;
        } else {
            out["patternProperties"] = json::object{{shape.any_member_pattern, any}};
            out["additionalProperties"] = false;
        }
    }
    if (!shape.required.empty())
        out["required"] = json::array(shape.required.begin(), shape.required.end());
    if (!shape.alternatives.empty()) {
        json::array groups;
        for (const auto& group : shape.alternatives) groups.push_back(of_group(group));
        out["oneOf"] = std::move(groups);
    }
    json::object dependencies;
    for (const auto& [key, other] : shape.needs) dependencies[key] = json::array{other};
    if (!dependencies.empty()) out["dependencies"] = std::move(dependencies);
    return out;
}

/// The default of the items of `listen`, since its map form has no default of its own.
const json::value* first_item(const json::value* list) {
    if (list == nullptr || !list->is_array() || list->get_array().empty()) return nullptr;
    return &list->get_array().front();
}

bool is_worth_saying(const json::value& standard) {
    return !standard.is_object() && !(standard.is_array() && standard.get_array().empty());
}

json::object of_shape(const Shape& shape, const Place& place) {
    json::array ways;
    for (const Form& form : shape.forms) append_ways(form, ways);
    if (shape.nothing) ways.push_back(json::object{{"type", "null"}});
    if (shape.item) {
        const Place item{place.path + "[]", first_item(place.standard)};
        json::object list{{"type", "array"}, {"items", of_shape(*shape.item, item)}};
        ways.push_back(std::move(list));
    }
    if (shape.map) ways.push_back(of_map(shape, place));
    json::object out;
    if (const std::string* text = description_of(place.path)) out["description"] = *text;
    if (place.standard != nullptr && is_worth_saying(*place.standard) &&
        !place.path.ends_with("[]"))
        out["default"] = *place.standard;
    if (ways.size() == 1) {
        for (auto& [name, value] : ways[0].get_object()) out[name] = std::move(value);
    } else {
        out["anyOf"] = std::move(ways);
    }
    return out;
}

/// Every default, as /config would show it for a configuration with a Redis and a read route. The
/// keys that have no default are left out.
json::value standard_values() {
    Settings settings;
    settings.redis.emplace();
    settings.state.clear();
    settings.routes.emplace_back().kind = RouteKind::read;
    settings.origin.health.path = std::string("/");
    json::value out = json::parse(effective_config(settings));
    json::object& top = out.get_object();
    top["redis"].get_object().erase("url");
    top["origin"].get_object()["health"].get_object().erase("path");
    json::object& route = top["routes"].get_array()[0].get_object();
    route.erase("match");
    route.erase("key");
    return out;
}

}  // namespace

json::object config_schema() {
    const json::value standard = standard_values();
    json::object out{{"$schema", "http://json-schema.org/draft-07/schema#"},
                     {"title", "larder's configuration"}};
    for (auto& [name, value] : of_shape(describe_settings(), {"", &standard}))
        out[name] = std::move(value);
    json::object& properties = out["properties"].get_object();
    properties["redis"].get_object()["default"] = "off";
    properties["routes"].get_object().erase("default");
    return out;
}

}  // namespace larder::settings
