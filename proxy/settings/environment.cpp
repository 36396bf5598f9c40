#include "settings/environment.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/text.hpp"

namespace larder::settings {
namespace {

constexpr int nesting_max = 8;

bool is_name_start(char c) { return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_'; }

std::size_t name_size(std::string_view text) {
    if (text.empty() || !is_name_start(text.front())) return 0;
    std::size_t size = 1;
    while (size < text.size() && (is_name_start(text[size]) || is_digit(text[size]))) ++size;
    return size;
}

/// The position of the brace that closes a "${"; npos where there is none. `text` begins behind the
/// "${". Braces within a default come in pairs, because the default may be a key with placeholders.
std::size_t closing_brace(std::string_view text) {
    int open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '{') ++open;
        if (text[i] == '}' && open-- == 0) return i;
    }
    return std::string_view::npos;
}

Substituted substitute(std::string_view text, const Environment& environment, int depth);

// A secret is short; a device or a large file given by mistake must not fill the memory.
constexpr std::size_t file_bytes_max = 64 * 1024;

Substituted read_file(const std::string& path) {
    const auto unreadable = [&](const std::string& why) {
        return Substituted{"", "cannot read " + path + ": " + why};
    };
    if (!path.starts_with('/'))
        return {"", "expected ${file:/path}, with an absolute path, not \"${file:" + path + "}\""};
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return unreadable("it is a directory");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) return unreadable(std::strerror(errno));
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad()) return unreadable(std::strerror(errno));
    if (text.size() > file_bytes_max) return unreadable("it is larger than 64KB");
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return {std::move(text), ""};
}

/// Replaces what stands between the braces of one "${...}".
Substituted expand(std::string_view content, const Environment& environment, int depth) {
    constexpr std::string_view file = "file:";
    if (content.starts_with(file)) return read_file(std::string(content.substr(file.size())));
    const std::size_t size = name_size(content);
    const std::string name(content.substr(0, size));
    const std::string_view rest = content.substr(size);
    if (name.empty() || !(rest.empty() || rest.starts_with(":-"))) {
        return {"", "expected ${NAME}, ${NAME:-default} or ${file:/path}, not \"${" +
                        std::string(content) + "}\" ($${ stands for a literal ${)"};
    }
    const auto value = environment(name);
    if (rest.empty()) {
        if (value) return {*value, ""};
        return {"", "the environment variable " + name + " is not set; set it, or write ${" + name +
                        ":-default}"};
    }
    if (value && !value->empty()) return {*value, ""};
    return substitute(rest.substr(2), environment, depth + 1);
}

Substituted substitute(std::string_view text, const Environment& environment, int depth) {
    if (depth > nesting_max) return {"", "${...} are nested too deeply"};
    Substituted out;
    while (!text.empty()) {
        if (text.starts_with("$${")) {
            out.text += "${";
            text.remove_prefix(3);
        } else if (text.starts_with("${")) {
            text.remove_prefix(2);
            const std::size_t end = closing_brace(text);
            if (end == std::string_view::npos)
                return {"", "a ${ without its } ($${ stands for a literal ${)"};
            const Substituted inner = expand(text.substr(0, end), environment, depth);
            if (!inner.error.empty()) return inner;
            out.text += inner.text;
            text.remove_prefix(end + 1);
        } else {
            const std::size_t next = text.find('$', 1);
            out.text += text.substr(0, next);
            text.remove_prefix(std::min(next, text.size()));
        }
    }
    return out;
}

}  // namespace

Environment process_environment() {
    return [](const std::string& name) -> std::optional<std::string> {
        const char* value = std::getenv(name.c_str());
        if (!value) return std::nullopt;
        return std::string(value);
    };
}

Substituted substitute_environment(std::string_view text, const Environment& environment) {
    return substitute(text, environment, 0);
}

}  // namespace larder::settings
