#include "route/path_spellings.hpp"

#include <algorithm>

#include "route/percent.hpp"

namespace larder::route {
namespace {

using Segments = std::vector<std::string_view>;

Segments cut(std::string_view path, bool at_encoded_slashes) {
    Segments out;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t from = at;
        const bool slash =
            next_decoded(path, at) == '/' && (path[from] == '/' || at_encoded_slashes);
        if (!slash) continue;
        if (from > 0) out.push_back(path.substr(begin, from - begin));
        begin = at;
    }
    out.push_back(path.substr(begin));
    return out;
}

// RFC 3986, 5.2.4, on segments.
void remove_dots(Segments& segments) {
    Segments out;
    for (std::string_view segment : segments) {
        if (decodes_to(segment, "..")) {
            if (!out.empty()) out.pop_back();
        } else if (!decodes_to(segment, ".")) {
            out.push_back(segment);
        }
    }
    segments = std::move(out);
}

void remove_empty(Segments& segments) {
    std::erase_if(segments, [](std::string_view segment) { return segment.empty(); });
}

void add(std::vector<std::string>& out, std::string spelling, std::string_view path) {
    if (spelling != path && std::find(out.begin(), out.end(), spelling) == out.end())
        out.push_back(std::move(spelling));
}

bool is_ordinary(std::string_view path) {
    if (path.size() < 2) return true;
    if (path.ends_with('/')) return false;
    const bool plain = path.find('%') == std::string_view::npos;
    if (plain) return path.find("//") == path.npos && path.find("/.") == path.npos;
    for (std::size_t at = 0; at < path.size();) {
        const bool raw_slash = path[at] == '/';
        const int byte = next_decoded(path, at);
        if (byte != '/') continue;
        std::size_t next = at;
        const int after = next < path.size() ? next_decoded(path, next) : '/';
        if (!raw_slash || after == '/' || after == '.') return false;
    }
    return true;
}

void add_spellings(std::vector<std::string>& out, std::string_view spelled, std::string_view path) {
    for (const bool encoded : {false, true}) {
        for (const bool empty_first : {false, true}) {
            Segments segments = cut(spelled, encoded);
            const bool trailing = segments.back().empty() || decodes_to(segments.back(), ".") ||
                                  decodes_to(segments.back(), "..");
            if (empty_first) remove_empty(segments);
            remove_dots(segments);
            remove_empty(segments);
            std::string spelling;
            for (std::string_view segment : segments) spelling.append("/").append(segment);
            if (trailing) add(out, spelling + "/", path);
            add(out, spelling.empty() ? "/" : std::move(spelling), path);
        }
    }
}

}  // namespace

bool has_parameters(std::string_view path) {
    return path.find(';') != std::string_view::npos || path.find("%3") != std::string_view::npos;
}

std::string without_parameters(std::string_view path) {
    std::string out;
    bool in_parameters = false;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t from = at;
        const int byte = next_decoded(path, at);
        if (path[from] == '/') in_parameters = false;
        if (byte == ';') in_parameters = true;
        if (!in_parameters) out.append(path, from, at - from);
    }
    return out;
}

std::vector<std::string> other_spellings(std::string_view path) {
    std::vector<std::string> out;
    if (!path.starts_with('/')) return out;
    if (!is_ordinary(path)) add_spellings(out, path, path);
    if (!has_parameters(path)) return out;
    const std::string plain = without_parameters(path);
    add(out, plain, path);
    if (!is_ordinary(plain)) add_spellings(out, plain, path);
    return out;
}

}  // namespace larder::route
