#pragma once
#include "http/cache_control.hpp"
#include "http/message.hpp"
#include "settings/settings.hpp"

namespace larder::cache {

/// What the origin says of caching a response, from the one field that counts for us: nothing under
/// `ignore: [cache-control]`, else CDN-Cache-Control where it is valid (RFC 9213, 2.1), else
/// Cache-Control.
struct OriginDirectives {
    http::CacheControl control;
    bool expires_counts = true;  ///< false where CDN-Cache-Control or `ignore` replaces Expires

    /// must-revalidate, proxy-revalidate and s-maxage forbid stale service (RFC
    /// 9111, 4.2.4, 5.2.2.10).
    [[nodiscard]] bool forbids_stale() const {
        return control.must_revalidate || control.proxy_revalidate || control.s_maxage.has_value();
    }

    /// Marked as shared: may answer requests with any credentials.
    [[nodiscard]] bool shared() const { return control.public_ || control.s_maxage.has_value(); }
    /// May answer requests with Authorization (RFC 9111, 3.5). The rule says nothing of cookies,
    /// and pages with sessions say must-revalidate too.
    [[nodiscard]] bool shared_if_authorized() const { return shared() || control.must_revalidate; }
};

OriginDirectives read_origin_directives(const http::Fields& fields, const settings::Route& rule);

}  // namespace larder::cache
