#pragma once
#include <string_view>

#include "http/message.hpp"
#include "route/compiled_route.hpp"
#include "route/route_table.hpp"

namespace larder::route {

/// Adds what the `purge` lines of one write rule make of a request, without the own entries of its
/// URL.
void collect_rule_purges(const CompiledRoute& write, const Captures& captures,
                         const http::RequestHead& request, const JsonLookup* json, PurgeSet& out,
                         Secrets secrets);

/// Adds the own entries of a URL under a read route. `request` is a GET of the URL.
void collect_own_entries(const CompiledRoute& read, const Captures& captures,
                         const http::RequestHead& request, PurgeSet& out);

/// A bare GET of a URL, for keys that are made without a client's request. `target` in origin-form.
http::RequestHead get_of(const http::RequestHead& from, std::string_view target);

/// Sets path and query from the target.
void split_target(std::string_view target, http::RequestHead& request);

}  // namespace larder::route
