#include <algorithm>
#include <array>

#include "http/canonical_json.hpp"
#include "route/compiled_impl.hpp"
#include "route/key_shape.hpp"
#include "route/parameters.hpp"
#include "route/part_value.hpp"
#include "route/percent.hpp"

// A key is `BARE` or `BARE?APPENDED`. APPENDED is a list of members joined by '&'. Values hold
// neither '?' nor '&' nor '=', so the parts can be told apart whatever a request says. Members, in
// this order:
//   !NAME=SIZE           The size of a value whose end the template's next literal does not show
//                        (see Part::ambiguous_before).
//   !PATH                The route's path, where the key would else be one of another route's.
//   !METHOD,TYPE,CODING  The method, Content-Type and Content-Encoding of a request that asks by
//                        its body.
//   NAME=VALUE           A query parameter that the key does not name (just NAME where the request
//                        has no '='). Also one that the key names, where the bare key is the same
//                        for an empty value and an absent one.
// Parameters are sorted by name. Parameters of one name keep their order, because an API may take
// the first or the last of them.
namespace larder::route {
namespace {

/// The appended members.
class Appended {
public:
    explicit Appended(std::string& key) : key_(key) {}

    std::string& next() {
        key_.push_back(first_ ? '?' : '&');
        first_ = false;
        return key_;
    }

private:
    std::string& key_;
    bool first_ = true;
};

struct SizeMark {
    const Part* part;
    std::size_t size;
};

struct SizeMarks {
    std::array<SizeMark, 32> items;
    std::size_t count = 0;
};

void append_bare(std::string& key, const Template& from, const ValueSource& source,
                 SizeMarks& marks) {
    for (const Part& part : from.parts) {
        if (part.kind == Part::Kind::literal) {
            key += part.text;
            continue;
        }
        const std::size_t begin = key.size();
        append_part(key, part, source);
        if (part.ambiguous_before != 0 &&
            key.find(part.ambiguous_before, begin) != std::string::npos)
            marks.items[marks.count++] = {&part, key.size() - begin};
    }
}

// Some APIs split a query at ';' too: what stands behind one may be another parameter, which the
// route does not ignore.
bool may_hold_another(const Parameter& parameter) {
    return parameter.name.find(';') != std::string_view::npos ||
           parameter.value.find(';') != std::string_view::npos;
}

bool ignored(const Parameter& parameter, const std::vector<std::pair<std::string, bool>>& rules) {
    const bool named = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
        return rule.second ? decodes_to_prefix(parameter.name, rule.first)
                           : decodes_to(parameter.name, rule.first);
    });
    return named && !may_hold_another(parameter);
}

// Moves the parameters to append to the front and sorts them.
std::span<Parameter> select_appended(Parameters& parameters, const CompiledRoute::Impl& impl,
                                     KeyInfo& key_info) {
    const std::span<Parameter> all = parameters.all();
    std::vector<bool> hidden;  // filled before anything moves, and only if a named one is empty
    const bool any_hidden = std::any_of(all.begin(), all.end(), [](const Parameter& parameter) {
        return parameter.slot != unnamed_slot && parameter.value.empty();
    });
    if (any_hidden) {
        std::vector<std::size_t> seen(impl.key.query_names.size());
        for (const Parameter& parameter : all)
            if (parameter.slot != unnamed_slot) ++seen[parameter.slot];
        for (const Parameter& parameter : all)
            hidden.push_back(parameter.slot != unnamed_slot &&
                             (!parameter.has_equals ||
                              (parameter.value.empty() && !impl.key.empty_differs[parameter.slot] &&
                               seen[parameter.slot] == 1)));
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const bool unnamed = all[i].slot == unnamed_slot && !ignored(all[i], impl.ignore_query);
        key_info.query_bypass = key_info.query_bypass || unnamed;
        if (unnamed || (any_hidden && hidden[i])) all[kept++] = all[i];
    }
    const std::span<Parameter> chosen = all.first(kept);
    std::sort(chosen.begin(), chosen.end(), [](const Parameter& a, const Parameter& b) {
        const int names = compare_decoded(a.name, b.name);
        return names != 0 ? names < 0 : a.order < b.order;
    });
    return chosen;
}

// The same body asks for something else with another method, type or coding.
void append_body_kind(std::string& out, const http::RequestHead& request) {
    out.push_back('!');
    append_value(out, request.method_name, Source::text);
    for (const http::FieldId id : {http::FieldId::content_type, http::FieldId::content_encoding}) {
        out.push_back(',');
        append_value(out, request.fields.joined(id).value_or(std::string()), Source::text);
    }
}

// Whether the key can be made of the body: if the key needs the body as JSON, the body must mean
// the same to every reader.
bool is_body_usable(const Template& key, const http::RequestHead& request, BodyJson& body) {
    if (!http::may_ask_by_body(request.method)) return true;
    const bool needs_json = std::any_of(key.parts.begin(), key.parts.end(), [](const Part& part) {
        return part.kind == Part::Kind::body && part.json;
    });
    if (!needs_json) return true;
    const http::CanonicalJson* const json = body.get();
    return json && json->is_exact();
}

void append_members(std::string& key, const CompiledRoute::Impl& impl, const SizeMarks& marks,
                    const http::RequestHead& request, Parameters& parameters, Secrets secrets,
                    KeyInfo& key_info) {
    Appended members(key);
    const bool collides = std::any_of(impl.rivals.begin(), impl.rivals.end(),
                                      [&key](const Shape* rival) { return rival->fits(key); });
    for (std::size_t i = 0; i < marks.count; ++i) {
        std::string& out = members.next();
        out.push_back('!');
        append_value(out, marks.items[i].part->text, Source::text);
        out.push_back('=');
        append_decimal(out, static_cast<std::int64_t>(marks.items[i].size));
    }
    if (collides) members.next() += impl.collision_mark;
    if (http::may_ask_by_body(request.method)) append_body_kind(members.next(), request);
    for (const Parameter& parameter : select_appended(parameters, impl, key_info)) {
        std::string& out = members.next();
        // A value may stand without a name.
        if (!parameter.has_equals && secrets == Secrets::masked_with_query) {
            out += masked_value;
            continue;
        }
        append_value(out, parameter.name, Source::query);
        if (!parameter.has_equals) continue;
        out.push_back('=');
        if (secrets == Secrets::masked_with_query) {
            out += masked_value;
        } else {
            append_value(out, parameter.value, Source::query);
        }
    }
}

KeyInfo build(const CompiledRoute& route, const Captures& captures,
              const http::RequestHead& request, Secrets secrets, std::string& key) {
    const CompiledRoute::Impl& impl = *route.impl;
    key.clear();
    KeyInfo key_info;
    SizeMarks marks;
    Parameters parameters(request.query, impl.key.query_names);
    BodyJson body(request.body);
    append_bare(key, impl.key, {captures, request, parameters, nullptr, nullptr, secrets, &body},
                marks);
    leave_own_namespace(key);
    key_info.bare_size = key.size();
    append_members(key, impl, marks, request, parameters, secrets, key_info);
    key_info.unusable_body = !is_body_usable(impl.key, request, body);
    key_info.query_bypass = key_info.query_bypass && route.rule.query_bypass;
    key_info.needless_encoding = parameters.needless_encoding();
    if (key.size() > key_bytes_max) {
        key_info.long_key = key;
        key_info.long_bare_size = key_info.bare_size;
        key_info.bare_size = shorten_key(key, key_info.bare_size);
    }
    return key_info;
}

}  // namespace

KeyInfo build_key(const CompiledRoute& route, const Captures& captures,
                  const http::RequestHead& request, std::string& key) {
    return build(route, captures, request, Secrets::shown, key);
}

std::string masked_key(const CompiledRoute& route, const Captures& captures,
                       const http::RequestHead& request, Secrets secrets) {
    std::string key;
    static_cast<void>(build(route, captures, request, secrets, key));
    return key;
}

}  // namespace larder::route
