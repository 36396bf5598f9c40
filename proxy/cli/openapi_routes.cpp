#include "cli/openapi_routes.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <ostream>
#include <sstream>
#include <vector>

#include "base/json_string.hpp"
#include "base/text.hpp"
#include "settings/yaml_tree.hpp"

namespace larder::cli {
namespace {

using settings::Value;

constexpr std::array<std::string_view, 4> write_methods{"post", "put", "patch", "delete"};
constexpr int references_max = 8;

/// The member of a map; null: there is none.
const Value* member(const Value* value, std::string_view key) {
    if (value == nullptr || value->kind != Value::Kind::map) return nullptr;
    for (const auto& [name, inner] : value->entries)
        if (name.text == key) return &inner;
    return nullptr;
}

/// What `$ref` leads to within the document ("#/components/parameters/limit").
const Value* resolved(const Value& document, const Value* value) {
    for (int followed = 0; followed < references_max; ++followed) {
        const Value* reference = member(value, "$ref");
        if (reference == nullptr || !reference->text.starts_with("#/")) return value;
        value = &document;
        for (std::string_view rest = std::string_view(reference->text).substr(2); !rest.empty();) {
            const std::size_t end = std::min(rest.find('/'), rest.size());
            value = member(value, rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return nullptr;
}

/// "/v2" of "https://api.example.com/v2": what stands before each path.
std::string base_path(const Value& document) {
    std::string url;
    if (const Value* base = member(&document, "basePath")) url = base->text;
    const Value* servers = member(&document, "servers");
    if (servers != nullptr && !servers->items.empty())
        if (const Value* first = member(&servers->items.front(), "url")) url = first->text;
    const std::size_t scheme = url.find("://");
    if (scheme != std::string::npos) {
        const std::size_t path = url.find('/', scheme + 3);
        url = path == std::string::npos ? "" : url.substr(path);
    }
    while (url.ends_with('/')) url.pop_back();
    return url.starts_with('/') && url.find('{') == std::string::npos ? url : "";
}

bool is_placeholder_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '_' || c == '-';
    });
}

/// Whether a placeholder of this name would mean something else than a parameter of the request.
bool is_taken_name(std::string_view name) {
    return name == "path" || name == "host" || name == "method" || name == "body";
}

struct Placeholder {
    std::string name;
    std::string text;  ///< "{limit=20}"
};

/// The query parameters that the document names for an operation, its path's included. An
/// operation's own description of a parameter replaces the path's. A key cannot name a parameter
/// called "host"; such a one is appended to the key as any other that the key does not name.
std::vector<Placeholder> query_of(const Value& document, const Value& path, const Value& get) {
    std::vector<Placeholder> out;
    for (const Value* list : {member(&path, "parameters"), member(&get, "parameters")}) {
        if (list == nullptr) continue;
        for (const Value& item : list->items) {
            const Value* parameter = resolved(document, &item);
            const Value* in = member(parameter, "in");
            const Value* name = member(parameter, "name");
            if (in == nullptr || name == nullptr || in->text != "query" ||
                !is_placeholder_name(name->text) || is_taken_name(name->text))
                continue;
            const Value* schema = resolved(document, member(parameter, "schema"));
            const Value* standard = member(schema != nullptr ? schema : parameter, "default");
            const bool plain = standard != nullptr && standard->kind == Value::Kind::scalar &&
                               standard->text.find_first_of("{}|\"\\") == std::string::npos;
            std::erase_if(out, [&](const Placeholder& other) { return other.name == name->text; });
            out.push_back({name->text, '{' + name->text +
                                           (plain ? '=' + standard->text : std::string()) + '}'});
        }
    }
    return out;
}

/// A path of the document as larder matches it: a segment that holds a placeholder is one as a
/// whole ("/files/{name}.json" becomes "/files/{name}"), under a name that larder takes.
std::string matched_path(std::string_view path) {
    std::string out;
    std::vector<std::string> names;
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        rest.remove_prefix(end);
        out += '/';
        const std::size_t open = segment.find('{');
        if (open == std::string_view::npos) {
            out += segment;
            continue;
        }
        const std::size_t close = std::min(segment.find('}', open), segment.size());
        std::string name(segment.substr(open + 1, close - open - 1));
        for (char& c : name)
            if (!is_placeholder_name(std::string_view(&c, 1))) c = '_';
        if (name.empty()) name = "part";
        while (is_taken_name(name) || std::find(names.begin(), names.end(), name) != names.end())
            name += '_';
        out += '{' + name + '}';
        names.push_back(std::move(name));
    }
    return out;
}

/// "articles:{id}" of "/articles/{id}", "articles:list" of "/articles".
std::string key_of_path(std::string_view path) {
    std::string key;
    bool ends_in_capture = false;
    for (std::string_view rest = path; !rest.empty();) {
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        rest.remove_prefix(end);
        if (segment.empty()) continue;
        ends_in_capture = segment.front() == '{';
        if (!key.empty()) key += ':';
        key += segment;
    }
    return ends_in_capture ? key : key.empty() ? "root" : key + ":list";
}

std::string quoted(const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

/// One path of the document, as larder sees it.
struct Resource {
    std::string path;
    std::string key;      ///< without its query
    std::string pattern;  ///< what purges all its entries; empty: it is not read
    const Value* operations = nullptr;
};

std::string parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "" : path.substr(0, slash);
}

/// A path that sorts behind those that have text where it has a placeholder, and else as the
/// document has them.
std::string with_placeholders_last(const std::string& path) {
    std::string kinds;
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1))
        kinds.push_back(at + 1 < path.size() && path[at + 1] == '{' ? '1' : '0');
    return kinds;
}

class Draft {
public:
    explicit Draft(const Value& document) : document_(document), base_(base_path(document)) {}

    /// False: no path is named.
    bool read() {
        const Value* paths = member(&document_, "paths");
        if (paths == nullptr) return false;
        for (const auto& [name, operations] : paths->entries) {
            if (!name.text.starts_with('/')) continue;  // an extension (x-...)
            const Value* inner = resolved(document_, &operations);
            if (inner == nullptr || inner->kind != Value::Kind::map) continue;
            const std::string path = matched_path(name.text);
            const auto same = [&](const Resource& one) { return one.path == base_ + path; };
            if (std::any_of(resources_.begin(), resources_.end(), same)) continue;
            resources_.push_back({base_ + path, key_of_path(path), "", inner});
        }
        // Concrete paths are matched before templated ones, whatever their order in the document.
        std::stable_sort(
            resources_.begin(), resources_.end(), [](const Resource& one, const Resource& other) {
                return with_placeholders_last(one.path) < with_placeholders_last(other.path);
            });
        return !resources_.empty();
    }

    std::string write() {
        std::string out =
            "# Drafted from an OpenAPI document. Before you use it: decide each ttl (how old may "
            "an\n"
            "# answer be that nothing purged?), and what else each write changes.\n"
            "# A test for each route: see `examples` in larder's reference configuration.\n"
            "#\n"
            "#origin: http://127.0.0.1:8000             # take the # away: where the API is\n"
            "routes:\n";
        for (Resource& resource : resources_) add_read(resource, out);
        for (const Resource& resource : resources_) add_write(resource, out);
        return out;
    }

private:
    void add_read(Resource& resource, std::string& out) const {
        const Value* get = member(resource.operations, "get");
        if (get == nullptr) return;
        std::string key = resource.key;
        const std::vector<Placeholder> query = query_of(document_, *resource.operations, *get);
        for (const Placeholder& placeholder : query) key += ':' + placeholder.text;
        resource.pattern = query.empty() ? resource.key : resource.key + ":*";
        const Value* security = member(get, "security");
        if (security == nullptr) security = member(&document_, "security");
        if (security != nullptr && !security->items.empty())
            out +=
                "  # Needs credentials: answers are shared only if the origin marks them so, or "
                "the\n"
                "  # key holds the credential.\n";
        out += "  - match: GET " + resource.path + "\n    key: " + quoted(key) + "\n    ttl: 60s\n";
    }

    void add_write(const Resource& resource, std::string& out) const {
        std::string methods;
        for (const std::string_view method : write_methods) {
            if (member(resource.operations, method) == nullptr) continue;
            if (!methods.empty()) methods += ',';
            for (const char c : method) methods += static_cast<char>(c - 'a' + 'A');
        }
        if (methods.empty()) return;
        std::string purges;
        for (const Resource& other : resources_) {
            const bool concerns =
                other.path == resource.path || other.path == parent_of(resource.path);
            if (!concerns || other.pattern.empty()) continue;
            purges += (purges.empty() ? "" : ", ") + quoted(other.pattern);
        }
        // Without a rule, a write still purges its own URL and those that its answer names.
        if (purges.empty()) return;
        out += "  - match: " + methods + ' ' + resource.path + "\n    purge: [" + purges + "]\n";
    }

    const Value& document_;
    std::string base_;
    std::vector<Resource> resources_;
};

}  // namespace

std::optional<std::string> draft_routes(const std::string& document, std::string& fault) {
    settings::Problems problems;
    const std::optional<Value> tree = settings::read_yaml(document, problems);
    if (!tree) {
        fault = problems.empty() ? "it cannot be read"
                                 : "line " + std::to_string(problems.front().at.line) + ": " +
                                       problems.front().message;
        return std::nullopt;
    }
    Draft draft(*tree);
    if (!draft.read()) {
        fault = "it names no paths: is it an OpenAPI document?";
        return std::nullopt;
    }
    return draft.write();
}

int run_routes(const RoutesOptions& options, std::ostream& out, std::ostream& errors) {
    std::ifstream file(options.openapi_file, std::ios::binary);
    std::ostringstream text;
    if (file) text << file.rdbuf();
    if (!file) {
        errors << "larder: cannot read " << options.openapi_file << '\n';
        return exit_wrong;
    }
    std::string fault;
    const std::optional<std::string> draft = draft_routes(text.str(), fault);
    if (!draft) {
        errors << "larder: " << options.openapi_file << ": " << fault << '\n';
        return exit_wrong;
    }
    out << *draft;
    return exit_fine;
}

}  // namespace larder::cli
