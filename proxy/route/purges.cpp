#include "route/purges.hpp"

#include <algorithm>
#include <string>

#include "route/compiled_impl.hpp"
#include "route/key_shape.hpp"
#include "route/part_value.hpp"
#include "route/percent.hpp"

namespace larder::route {
namespace {

void add_once(std::vector<std::string>& list, std::string item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(std::move(item));
}

// False where a {json:} has no value. `folds_all`: all values in lower case, not only those of the
// path.
bool fill(const Shape& shape, const ValueSource& from, bool folds_all, std::string& out) {
    for (const Piece& piece : shape.pieces()) {
        if (piece.kind == Piece::Kind::literal) {
            out += piece.text;
        } else if (piece.kind == Piece::Kind::star) {
            out.push_back('*');
        } else {
            Part part = *piece.part;
            part.folds_case = part.folds_case || folds_all;
            const std::size_t begin = out.size();
            if (!append_part(out, part, from)) return false;
            if (folds_all && !part.sha256) fold_case(out, begin);
        }
    }
    return true;
}

void add_instance(const Shape& shape, std::string text, PurgeSet& out) {
    leave_own_namespace(text);
    if (shape.has_star()) {
        add_once(out.patterns, std::move(text));
        return;
    }
    shorten_key(text, text.size());
    add_once(out.keys, std::move(text));
}

// If one {json:} of the line has no value, all of them become '*', because tags are made of these
// two forms only. Where keys hold the path's values in lower case, a value that comes from
// elsewhere may be meant for such a key, so the line is added in lower case too.
void add_line(const CompiledPurge& line, bool folds_case, const ValueSource& from, PurgeSet& out) {
    std::string text;
    const bool found = !line.has_json || [&] {
        std::string probe;
        const auto& parts = line.source.parts;
        return std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
            return part.kind != Part::Kind::json || append_part(probe, part, from);
        });
    }();
    const Shape& shape = found ? line.concrete : line.widened;
    if (!fill(shape, from, false, text)) return;
    std::string folded;
    if (folds_case && fill(shape, from, true, folded) && folded != text)
        add_instance(shape, std::move(folded), out);
    add_instance(shape, std::move(text), out);
}

}  // namespace

void split_target(std::string_view target, http::RequestHead& request) {
    request.target = target;
    const std::size_t question = target.find('?');
    request.path = target.substr(0, question);
    request.has_query = question != std::string_view::npos;
    request.query = request.has_query ? target.substr(question + 1) : std::string_view{};
}

http::RequestHead get_of(const http::RequestHead& from, std::string_view target) {
    http::RequestHead request;
    request.method = http::Method::get;
    request.method_name = "GET";
    request.host = from.host;
    request.scheme = from.scheme;
    request.authority = from.authority;
    split_target(target, request);
    return request;
}

void collect_rule_purges(const CompiledRoute& write, const Captures& captures,
                         const http::RequestHead& request, const JsonLookup* json, PurgeSet& out,
                         Secrets secrets) {
    for (const CompiledPurge& line : write.impl->purges) {
        const Parameters parameters(request.query, line.source.query_names);
        add_line(line, write.impl->path.path_case == settings::PathCase::insensitive,
                 {captures, request, parameters, nullptr, json, secrets}, out);
    }
}

void collect_own_entries(const CompiledRoute& read, const Captures& captures,
                         const http::RequestHead& request, PurgeSet& out) {
    if (!read.impl->own_pattern) {
        std::string key;
        build_key(read, captures, request, key);
        add_once(out.keys, std::move(key));
        return;
    }
    const Parameters parameters(request.query, read.impl->key.query_names);
    std::string text;
    fill(*read.impl->own_pattern, {captures, request, parameters}, false, text);
    add_instance(*read.impl->own_pattern, std::move(text), out);
}

}  // namespace larder::route
