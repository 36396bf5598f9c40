#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

/// Which rule a request falls under, and the keys, tags and purges the rule makes of it. Pure: no
/// I/O, no clock. A RouteTable never changes after it was compiled and is read by every thread.
namespace larder::route {

inline constexpr std::size_t captures_max = 16;

/// The raw (still percent-encoded) values of a path's captures, in the order of the pattern. Views
/// into the path.
struct Captures {
    std::array<std::string_view, captures_max> values{};
    std::size_t count = 0;
};

class CompiledRoute;  // defined in route/compiled_route.hpp

/// A route that takes the request, or null where none does.
struct Match {
    const CompiledRoute* route = nullptr;
    Captures captures;
};

/// A tag that stands for "all entries that extend this key": a purge of the key itself covers the
/// entry.
inline constexpr char extension_mark = '\x01';
inline std::string extension_tag(std::string_view key) { return extension_mark + std::string(key); }
/// The key of such a tag; empty where it is another tag.
constexpr std::string_view extended_key(std::string_view tag) {
    return tag.starts_with(extension_mark) ? tag.substr(1) : std::string_view{};
}

/// What is known about a key besides its text.
struct KeyInfo {
    std::size_t bare_size = 0;  ///< the key's size without the appended query; equal to the whole
                                ///< size where there is none
    bool query_bypass = false;  ///< the route says `query: bypass` and the request has a parameter
                                ///< the key does not name
    std::string long_key;       ///< the whole of a key that was too long and got shortened, for
                                ///< collect_tags; else empty
    std::size_t long_bare_size = 0;  ///< bare_size of long_key
    bool needless_encoding = false;  ///< a parameter's name encodes a character that needs none: an
                                     ///< origin may read it raw
    bool unusable_body = false;      ///< the key needs the body as JSON, and readers may understand
                                     ///< it differently (http::CanonicalJson)
    std::vector<std::string>
        more_tags{};  ///< of a path with `;parameters`: what covers the same path without them
};

/// What one purge covers. Keys are exact (and cover the keys that extend them with an appended
/// query); a pattern holds '*'. Both are without redis.prefix. In a value that came from a request,
/// '*' is percent-encoded, so it never acts as a pattern.
struct PurgeSet {
    std::vector<std::string> keys;
    std::vector<std::string> patterns;
    void clear() {
        keys.clear();
        patterns.clear();
    }
    [[nodiscard]] bool empty() const { return keys.empty() && patterns.empty(); }
};

/// Looks up a JSON Pointer (RFC 6901) in the write's response body; nothing where there is no
/// scalar value at it. Passed as a function so that this layer needs no JSON library.
class JsonLookup {
public:
    virtual ~JsonLookup() = default;
    [[nodiscard]] virtual std::optional<std::string> find(std::string_view pointer) const = 0;
};

/// Whether the request may change something at the origin (http::is_write). A POST under a read
/// route does not, unless a header field overrides its method.
bool may_change(const Match& match, const http::RequestHead& request);

/// Whether a text shows the values that it takes from the request, or `***` in their place.
enum class Secrets : std::uint8_t {
    shown,
    masked,             ///< those of header fields and cookies are masked
    masked_with_query,  ///< and those of query parameters
};

class RouteTable {
public:
    RouteTable();
    ~RouteTable();
    RouteTable(RouteTable&&) noexcept;
    RouteTable& operator=(RouteTable&&) noexcept;

    /// Compiles all routes and appends what is wrong with them to `problems` (every error, with
    /// position and path). A table that had errors must not be used. `before`: the table that this
    /// one replaces; see CompiledRoute::rules.
    static RouteTable compile(const settings::Settings& settings, settings::Problems& problems,
                              const RouteTable* before = nullptr);

    /// The first route that takes the method, host and path. HEAD falls under GET's routes.
    /// Allocates nothing.
    [[nodiscard]] Match match(http::Method method, std::string_view method_name,
                              std::string_view host, std::string_view path) const;

    [[nodiscard]] const std::vector<std::unique_ptr<CompiledRoute>>& routes() const;

    /// For a read whose path has `;parameters` in its segments. Many servers do not count them as
    /// part of the path, so a purge of the path without them must cover the entry: adds its tags to
    /// KeyInfo::more_tags. For any other path this costs one look at the path.
    void note_plain_path(const http::RequestHead& request, KeyInfo& key_info) const;

    /// Adds to `out` what a completed write purges: the write rule's keys and patterns where
    /// `write` is one, and the own entries of the URL (of each read route that would take a GET,
    /// HEAD, QUERY or POST of it), whatever headers or cookies their keys hold. `json` may be null
    /// (no usable body): a placeholder that needs it becomes '*'. Where fields of the request
    /// override its method, the rules of both methods count. Adds nothing where the write changes
    /// nothing. `secrets`: masked for a log; a purge itself needs the values shown.
    void collect_write_purges(const Match& write, const http::RequestHead& request,
                              const JsonLookup* json, PurgeSet& out,
                              Secrets secrets = Secrets::shown) const;

    /// Whether the write changes nothing that is cached, because its route says so (`purge: []`).
    /// Where fields of the request override its method, this must hold for every such method.
    [[nodiscard]] bool changes_nothing(const Match& write, const http::RequestHead& request) const;

    /// Adds the own entries of a URL: of the write's target, of Location and Content-Location, of
    /// PURGE, of admin `urls`. `from`: the request that names it, whose host and target URI count;
    /// `target` in origin-form.
    void collect_url_purges(const http::RequestHead& from, std::string_view target,
                            PurgeSet& out) const;

    /// The targets that clients use for a URL which the origin named in its answer to this request:
    /// one for each route of the same origin whose `origin_path` the URL begins with.
    [[nodiscard]] std::vector<std::string> client_targets(const Match& request,
                                                          std::string_view origin_target) const;

    /// Whether the pattern is exactly one of the tags that entries carry (see collect_tags), for
    /// every read route whose keys it can cover. Any other pattern needs a scan of the keys.
    [[nodiscard]] bool is_tag_pattern(std::string_view pattern) const;

    /// Adds patterns that cover all keys of the read routes whose entries purges found under other
    /// names, or not at all, by the table that was in force before. Many, or a null `before`: "*".
    void collect_renamed(const RouteTable* before, std::vector<std::string>& patterns) const;
    /// A digest of under which names purges find the entries of all routes. Equal ones: a purge by
    /// name means the same in both tables.
    [[nodiscard]] std::string reach() const;

    /// CompiledRoute::rules of all read routes.
    [[nodiscard]] std::vector<std::uint32_t> rules() const;

    struct Impl;  ///< the files of this folder share it

private:
    std::unique_ptr<Impl> impl_;
};

/// Writes the key of a request under a read route into `key` (replaces it, reuses its capacity).
KeyInfo build_key(const CompiledRoute& route, const Captures& captures,
                  const http::RequestHead& request, std::string& key);

/// The same key for logs, records and reports.
std::string masked_key(const CompiledRoute& route, const Captures& captures,
                       const http::RequestHead& request, Secrets secrets = Secrets::masked);

/// Replaces `tags` by the pattern instances that cover an entry with this key. Each is a tag of the
/// entry: a write rule purges the pattern by invalidating that tag. Does not include response tags.
void collect_tags(const CompiledRoute& route, std::string_view key, const KeyInfo& key_info,
                  std::vector<std::string>& tags);

/// Tags that the route's `tags:` option makes of the request and the response
/// (`author:{response:x-author}`).
void collect_response_tags(const CompiledRoute& route, const Captures& captures,
                           const http::RequestHead& request, const http::ResponseHead& response,
                           std::vector<std::string>& tags);

}  // namespace larder::route
