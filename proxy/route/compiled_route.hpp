#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/credential_names.hpp"
#include "route/origin_path.hpp"
#include "route/route_table.hpp"

namespace larder::route {

/// One route, compiled. The public members are what the program needs beyond matching; they are
/// constant.
class CompiledRoute {
public:
    explicit CompiledRoute(settings::Route rule_in);
    ~CompiledRoute();

    settings::Route rule;       ///< the options as loaded
    std::size_t index = 0;      ///< position in the table
    std::string path_template;  ///< "/articles/{id}", the metrics' `path` label
    std::size_t origin = 0;     ///< 0: settings.origin; else 1 + its place in settings.origins
    OriginPath origin_path;     ///< empty: the origin has the same path
    /// The number of this read route's rules: everything that decides about its entries and which
    /// purges reach them. Routes that share entries have the same number. A reload that changes
    /// none of these rules keeps the number. A number that is gone never comes back, because purges
    /// in the meantime may have missed the entries that were made under it. 0: no read route.
    std::uint32_t rules = 0;
    bool key_has_host = false;  ///< {host} in the key, or `host:` pinned: the variant needs no Host
    bool key_has_authorization = false;
    /// "~", eight digits, "~": of a read route a digest of what decides which requests an entry
    /// answers (the key, the path, the host, `path_case`, `ignore_query`), to whom it may be served
    /// (`ignore`, `strip`, `credentials`), which statuses (`status_ttl`) and tags it may have
    /// (`tags`, `tag_headers`), where it comes from (`origin`, `origin_path`) and how clients get
    /// it
    /// (`client_cache_control`, `etag`, `compress`). All instances and versions that decide alike
    /// have the same text. A response that was stored under another text is not served.
    std::string sharing;
    http::CredentialNames
        credentials;  ///< fields of settings.credentials that neither the key nor `ignore` covers
    http::CredentialNames credential_fields;  ///< all of settings.credentials
    std::vector<std::string> key_headers;     ///< lower-case names of {header:...} in the key
    std::vector<std::string> key_cookies;     ///< names of {cookie:...} in the key
    /// The key, or a purge of this write route, takes values from header fields or cookies: show it
    /// by masked_key, or with Secrets::masked.
    bool has_secrets = false;

    struct Impl;
    std::unique_ptr<Impl> impl;  ///< the matcher's own
};

}  // namespace larder::route
