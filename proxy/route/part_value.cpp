#include "route/part_value.hpp"

#include <algorithm>

#include "base/sha256.hpp"
#include "http/canonical_json.hpp"
#include "route/percent.hpp"

namespace larder::route {
namespace {

using Kind = Part::Kind;

void append_hashed(std::string& out, std::string_view raw, Source source, bool folds_case) {
    if (source == Source::text) {
        append_sha256(out, folds_case ? to_lower_copy(raw) : std::string(raw));
        return;
    }
    std::string bytes;
    if (append_decoded(bytes, raw, source)) {
        append_sha256(out, folds_case ? to_lower_copy(bytes) : bytes);
        return;
    }
    bytes.clear();
    append_value(bytes, raw, source);
    if (folds_case) fold_case(bytes, 0);
    append_sha256(out, bytes);
    out.push_back('!');
}

/// Appends the values of one placeholder, joined.
class Sink {
public:
    Sink(std::string& out, const Part& part) : out_(out), part_(part) {}

    void add(std::string_view raw, Source source) {
        if (any_) out_.push_back(',');
        any_ = true;
        const std::size_t begin = out_.size();
        if (part_.sha256) {
            append_hashed(out_, raw, source, part_.folds_case);
        } else {
            append_value(out_, raw, source, part_.kind == Kind::rest || part_.kind == Kind::path);
            if (part_.folds_case) fold_case(out_, begin);
        }
    }

    [[nodiscard]] bool any() const { return any_; }

private:
    std::string& out_;
    const Part& part_;
    bool any_ = false;
};

void add_field(Sink& sink, const Part& part, const http::Fields& fields) {
    const auto matches = [&part](const http::Field& line) {
        return part.field != http::FieldId::other ? line.id == part.field
                                                  : iequals(line.name, part.text);
    };
    const auto first = std::find_if(fields.begin(), fields.end(), matches);
    if (first == fields.end()) return;
    if (std::find_if(first + 1, fields.end(), matches) == fields.end()) {
        sink.add(first->value, Source::text);
        return;
    }
    std::string joined(first->value);
    for (auto line = first + 1; line != fields.end(); ++line)
        if (matches(*line)) joined.append(", ").append(line->value);
    sink.add(joined, Source::text);
}

void add_cookies(Sink& sink, const Part& part, const http::Fields& fields) {
    for (const http::Field& line : fields) {
        if (line.id != http::FieldId::cookie) continue;
        for (std::string_view rest = line.value; !rest.empty();) {
            const std::size_t end = std::min(rest.find(';'), rest.size());
            const std::string_view pair = trim_ows(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const std::size_t equals = pair.find('=');
            if (equals != std::string_view::npos && pair.substr(0, equals) == part.text)
                sink.add(pair.substr(equals + 1), Source::text);
        }
    }
}

// Adds the whole body, or the value at the pointer. A body that cannot be read as JSON adds
// nothing: see is_body_usable.
void add_body(Sink& sink, const Part& part, const ValueSource& from) {
    const http::RequestHead& request = from.request;
    if (!http::may_ask_by_body(request.method)) return;
    if (!part.json) return sink.add(request.body, Source::text);
    BodyJson own(request.body);
    const http::CanonicalJson* const json = (from.body ? from.body : &own)->get();
    const auto value = json ? json->text_at(part.text) : std::nullopt;
    if (value) sink.add(*value, Source::text);
}

void add_values(Sink& sink, const Part& part, const ValueSource& from) {
    switch (part.kind) {
        case Kind::literal:
        case Kind::star:
            return;
        case Kind::capture:
        case Kind::rest:
            sink.add(from.captures.values[part.slot], Source::path);
            return;
        case Kind::query:
            for (const Parameter& parameter : from.parameters.all())
                if (parameter.slot == part.slot) sink.add(parameter.value, Source::query);
            return;
        case Kind::path:
            sink.add(from.request.path, Source::path);
            return;
        case Kind::host:
            sink.add(to_lower_copy(from.request.authority), Source::text);
            return;
        case Kind::method:
            sink.add(from.request.method == http::Method::head ? "GET" : from.request.method_name,
                     Source::text);
            return;
        case Kind::header:
            add_field(sink, part, from.request.fields);
            return;
        case Kind::cookie:
            add_cookies(sink, part, from.request.fields);
            return;
        case Kind::response:
            if (from.response) add_field(sink, part, from.response->fields);
            return;
        case Kind::body:
            add_body(sink, part, from);
            return;
        case Kind::json: {
            if (!from.json) return;
            if (const auto value = from.json->find(part.text)) sink.add(*value, Source::text);
            return;
        }
    }
}

}  // namespace

bool append_part(std::string& out, const Part& part, const ValueSource& from) {
    if (from.secrets != Secrets::shown && part.is_secret()) {
        out += masked_value;
        return true;
    }
    const std::size_t begin = out.size();
    Sink sink(out, part);
    add_values(sink, part, from);
    if (sink.any() && part.kind == Kind::query && from.secrets == Secrets::masked_with_query)
        out.replace(begin, std::string::npos, masked_value);
    if (sink.any()) return true;
    if (part.fallback) {
        sink.add(*part.fallback, Source::text);
        return true;
    }
    if (part.kind == Kind::json || part.kind == Kind::response) return false;
    if (part.sha256) append_sha256(out, {});
    return true;
}

}  // namespace larder::route
