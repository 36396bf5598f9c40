#include "flow/forward_heads.hpp"

#include <algorithm>

#include "base/text_writer.hpp"
#include "cache/coded_form.hpp"
#include "flow/request_trace.hpp"
#include "http/claims.hpp"
#include "http/hop_by_hop.hpp"
#include "http/http_date.hpp"
#include "http/max_forwards.hpp"

namespace larder::flow {
namespace {

using http::FieldId;

bool is_id_field(const http::Field& field) { return iequals(field.name, "x-request-id"); }

// The client's own id is not the one in use.
bool is_replaced_id(const http::Field& field, std::string_view id) {
    return !id.empty() && is_id_field(field) && field.value != id;
}

bool keeps_id(const http::RequestHead& request, std::string_view id) {
    return std::any_of(request.fields.begin(), request.fields.end(), [&](const http::Field& field) {
        return is_id_field(field) && field.value == id &&
               !http::parse_connection(request.fields).names(field);
    });
}

// Copies field lines. Adjacent lines that need no change are copied in one piece.
class LineCopy {
public:
    explicit LineCopy(TextWriter& out) : out_(out) {}
    ~LineCopy() { flush(); }
    LineCopy(const LineCopy&) = delete;
    LineCopy& operator=(const LineCopy&) = delete;

    void add(const http::Field& field) {
        if (!is_as_written(field)) {
            add(field.name, field.value);
            return;
        }
        if (field.name.data() != end_) {
            flush();
            begin_ = field.name.data();
        }
        end_ = field.value.data() + field.value.size() + 2;
    }

    /// Adds a changed line in the place of the field.
    void add(std::string_view name, std::string_view value) {
        flush();
        out_.add_line(name, value);
    }

private:
    // "Name: value" CRLF, in one piece of memory.
    static bool is_as_written(const http::Field& field) {
        const char* const colon = field.name.data() + field.name.size();
        if (field.value.data() != colon + 2 || colon[0] != ':' || colon[1] != ' ') return false;
        const char* const end = field.value.data() + field.value.size();
        return end[0] == '\r' && end[1] == '\n';
    }

    void flush() {
        if (begin_) out_.add({begin_, static_cast<std::size_t>(end_ - begin_)});
        begin_ = end_ = nullptr;
    }

    TextWriter& out_;
    const char* begin_ = nullptr;
    const char* end_ = nullptr;
};

bool is_precondition_or_range(FieldId id) {
    switch (id) {
        case FieldId::if_match:
        case FieldId::if_none_match:
        case FieldId::if_modified_since:
        case FieldId::if_unmodified_since:
        case FieldId::if_range:
        case FieldId::range:
            return true;
        default:
            return false;
    }
}

// CGI-like interfaces (WSGI, Rack, PHP) read Content_Length as Content-Length, so both names have
// the same restrictions.
FieldId id_without_underscores(const http::Field& field) {
    if (field.id != FieldId::other || field.name.find('_') == std::string_view::npos)
        return field.id;
    std::string name(field.name);
    std::replace(name.begin(), name.end(), '_', '-');
    return http::field_id(name);
}

// Fields that larder rewrites or drops, whatever the client sent.
bool is_rewritten(const http::Field& field) {
    const FieldId id = id_without_underscores(field);
    switch (id) {
        case FieldId::host:
        case FieldId::content_length:
        case FieldId::connection:
        case FieldId::proxy_authorization:
            return true;
        default:
            return http::is_hop_by_hop(id) || iequals(field.name, "http2-settings");
    }
}

// Fields that pass as they came, unless Connection names them: most of a request's. For these the
// other questions need not be asked.
bool always_passes(FieldId id) {
    switch (id) {
        case FieldId::accept:
        case FieldId::accept_encoding:
        case FieldId::authorization:
        case FieldId::cache_control:
        case FieldId::content_encoding:
        case FieldId::content_type:
        case FieldId::cookie:
        case FieldId::pragma:
            return true;
        default:
            return false;
    }
}

// Hosts have no case (RFC 3986, 3.2.2), and share an entry whatever theirs is. The origin must not
// choose by it what all of them get.
void add_host(TextWriter& out, std::string_view name, std::string_view host,
              const RequestHeadOptions& options) {
    if (options.for_cache) {
        out.add_line(name, to_lower_copy(host));
    } else {
        out.add_line(name, host);
    }
}

// X-Forwarded-*: extends those of a trusted peer, replaces all others, because a client must not
// set them.
void append_forwarding(const http::RequestHead& request, const Sender& sender,
                       const RequestHeadOptions& options, TextWriter& out) {
    out.add("X-Forwarded-For: ");
    if (sender.trusted) {
        for (const http::Field& field : request.fields) {
            if (field.id != FieldId::x_forwarded_for || field.value.empty()) continue;
            out.add(field.value);
            out.add(", ");
        }
    }
    out.add(sender.address);
    out.add("\r\n");
    // RFC 7239, 4: each proxy adds an element. Without a list from a trusted peer, X-Forwarded-* is
    // enough.
    if (const auto before =
            sender.trusted ? request.fields.joined(FieldId::forwarded) : std::nullopt;
        before && !before->empty()) {
        const bool v6 = sender.address.find(':') != std::string::npos;
        out.add_line("Forwarded",
                     *before + ", for=" + (v6 ? "\"[" + sender.address + "]\"" : sender.address) +
                         ";proto=" + (sender.tls ? "https" : "http"));
    }
    if (!sender.trusted || !request.fields.has(FieldId::x_forwarded_proto))
        out.add_line("X-Forwarded-Proto", request.scheme);
    if (!request.authority.empty() &&
        (!sender.trusted || !request.fields.has(FieldId::x_forwarded_host)))
        add_host(out, "X-Forwarded-Host", request.authority, options);
}

// RFC 9110, 7.6.3: the version by which the request came.
std::string_view via_member(const http::RequestHead& request) {
    if (request.major_version == 2) return "2.0 larder";
    return request.minor_version == 0 ? "1.0 larder" : "1.1 larder";
}

}  // namespace

Sender sender_of(const Client& client) {
    const http::RequestHead& request = client.request();
    // Origins read addresses there: a client on a Unix socket is on this machine.
    const std::string_view address = request.peer == "unix" ? "127.0.0.1" : request.peer;
    return {std::string(address), request.peer_trusted, request.peer_tls};
}

namespace {

// Whether a field of the request is left out of the head for the origin.
bool is_left_out(const http::Field& field, const http::RequestHead& request, const Sender& sender,
                 const RequestHeadOptions& options, const settings::Settings& settings) {
    if (is_rewritten(field) || http::is_dropped(field, sender.trusted)) return true;
    if (options.for_cache && is_precondition_or_range(field.id)) return true;
    switch (field.id) {
        case FieldId::expect:
            return request.minor_version == 0 ||
                   (iequals(field.value, "100-continue") && !request.expects_continue);
        case FieldId::x_forwarded_for:
        case FieldId::forwarded:
            return true;  // extended
        case FieldId::other:
            return is_debug_field(field, settings) || is_replaced_id(field, options.request_id);
        default:
            return false;
    }
}

bool makes_coded_forms(const settings::Settings& settings) {
    return std::any_of(
        settings.routes.begin(), settings.routes.end(),
        [](const settings::Route& route) { return route.compress && !route.compress->empty(); });
}

// Copies the fields of the request that are forwarded to the origin.
void copy_end_to_end(const http::RequestHead& request, const Sender& sender,
                     const RequestHeadOptions& options, const settings::Settings& settings,
                     TextWriter& out) {
    const http::ConnectionOptions connection = http::parse_connection(request.fields);
    const http::MaxForwards hops = http::max_forwards_of(request);
    LineCopy lines(out);
    for (const http::Field& field : request.fields) {
        if (connection.names(field)) continue;
        // RFC 9110, 7.6.1, does not count Trailer among the fields to be removed.
        const bool announces_trailers =
            field.id == FieldId::trailer && request.framing == http::Framing::chunked;
        if (always_passes(field.id) || announces_trailers) {
            lines.add(field);
        } else if (is_left_out(field, request, sender, options, settings)) {
            continue;
        } else if (hops.kind == http::MaxForwards::Kind::goes_on && http::is_max_forwards(field)) {
            lines.add(field.name, std::to_string(hops.left));
        } else if (field.id == FieldId::if_match && makes_coded_forms(settings)) {
            lines.add(field.name, cache::with_uncoded_tags(field.value));
        } else if (options.for_cache && (field.id == FieldId::x_forwarded_host ||
                                         field.id == FieldId::x_forwarded_proto)) {
            lines.add(field.name, to_lower_copy(field.value));
        } else {
            lines.add(field);
        }
    }
}

void append_start_line(const http::RequestHead& request, const RequestHeadOptions& options,
                       const HeadTarget& target, std::string& out) {
    out.assign(options.method.empty() ? request.method_name : options.method);
    out += ' ';
    if (target.route && !target.route->origin_path.empty()) {
        target.route->origin_path.append_target(target.captures, request, out);
    } else {
        out.append(request.target);
    }
    out += " HTTP/1.1\r\n";
}

}  // namespace

void build_origin_head(const http::RequestHead& request, const Sender& sender,
                       const RequestHeadOptions& options, const HeadTarget& target,
                       const settings::Settings& settings, std::string& out) {
    append_start_line(request, options, target, out);
    TextWriter head(out);
    const std::string& own_host = target.upstream.settings().host;
    const std::string_view host =
        !own_host.empty()       ? std::string_view(own_host)
        : !request.host.empty() ? request.host
                                : std::string_view(target.upstream.servers().front()->authority);
    add_host(head, "Host", host, options);
    copy_end_to_end(request, sender, options, settings, head);
    if (!options.request_id.empty() && !keeps_id(request, options.request_id))
        head.add_line("X-Request-Id", options.request_id);
    append_forwarding(request, sender, options, head);
    if (settings.headers.via) head.add_line("Via", via_member(request));
    head.add(options.conditional);
    if (options.upgrade) {
        head.add("Connection: upgrade\r\n");
        for (const http::Field& field : request.fields)
            if (field.id == FieldId::upgrade) head.add_line(field.name, field.value);
    }
    if (request.framing == http::Framing::chunked) {
        head.add("Transfer-Encoding: chunked\r\n");
    } else if (request.framing == http::Framing::length ||
               request.fields.has(FieldId::content_length)) {
        char digits[20];
        const char* const end =
            write_decimal(digits, static_cast<std::int64_t>(request.content_length));
        head.add_line("Content-Length", {digits, static_cast<std::size_t>(end - digits)});
    }
    head.add("\r\n");
}

namespace {

void copy_passed(const http::ResponseHead& response, const std::vector<std::string>& strip,
                 bool upgrade, const settings::Headers& headers, TextWriter& out) {
    const http::ConnectionOptions connection = http::parse_connection(response.fields);
    LineCopy lines(out);
    for (const http::Field& field : response.fields) {
        const bool passes =
            (field.id == FieldId::trailer && response.framing == http::Framing::chunked) ||
            (upgrade && (field.id == FieldId::upgrade || field.id == FieldId::connection));
        if (!passes) {
            if (http::is_hop_by_hop(field.id) || connection.names(field)) continue;
            // RFC 9110, 8.6: a client that believes this field waits for a body that never comes.
            if (field.id == FieldId::content_length &&
                (response.status < 200 || response.status == 204))
                continue;
            if (field.id == FieldId::x_cache && headers.x_cache) continue;
            if (!strip.empty() &&
                std::find(strip.begin(), strip.end(), to_lower_copy(field.name)) != strip.end())
                continue;
        }
        lines.add(field);
    }
}

}  // namespace

void append_passed_head(const http::ResponseHead& response, const std::vector<std::string>& strip,
                        bool upgrade, const settings::Headers& headers, WallTime received_at,
                        std::string& out) {
    TextWriter head(out);
    const auto digit = [&response](int place) {
        return static_cast<char>('0' + response.status / place % 10);
    };
    const char status[] = {digit(100), digit(10), digit(1), ' '};
    head.add("HTTP/1.1 ");
    head.add({status, sizeof status});
    head.add(response.reason);
    head.add("\r\n");
    copy_passed(response, strip, upgrade, headers, head);
    const bool dated = response.status < 200 || response.fields.has(FieldId::date);
    if (!dated)
        head.add_line("Date", http::format_http_date(std::chrono::floor<Seconds>(received_at)));
}

OwnedRequest::OwnedRequest(const http::RequestHead& request) : head_(request) {
    std::size_t size = request.method_name.size() + request.target.size() + request.host.size() +
                       request.peer.size() + request.scheme.size() + request.authority.size() +
                       request.body.size();
    for (const http::Field& field : request.fields) size += field.name.size() + field.value.size();
    bytes_.reserve(size);  // no view may move while the rest is added
    const auto keep = [this](std::string_view text) {
        const std::size_t at = bytes_.size();
        bytes_.append(text);
        return std::string_view(bytes_).substr(at, text.size());
    };
    head_.method_name = keep(request.method_name);
    head_.target = keep(request.target);
    head_.path = head_.target.substr(0, request.path.size());
    head_.query =
        request.has_query ? head_.target.substr(request.path.size() + 1) : std::string_view{};
    head_.host = keep(request.host);
    head_.peer = keep(request.peer);
    head_.scheme = keep(request.scheme);
    head_.authority = keep(request.authority);
    head_.body = keep(request.body);
    fields_.reserve(request.fields.size());
    for (const http::Field& field : request.fields) {
        const std::string_view name = keep(field.name);
        const std::string_view value = keep(field.value);
        fields_.push_back({name, value, field.id});
    }
    head_.fields = http::Fields(fields_);
}

route::Captures OwnedRequest::captures_of(const route::Captures& captures,
                                          const http::RequestHead& request) const {
    route::Captures own;
    own.count = captures.count;
    for (std::size_t i = 0; i < captures.count; ++i) {
        const std::string_view value = captures.values[i];
        const auto at = static_cast<std::size_t>(value.data() - request.path.data());
        own.values[i] = head_.path.substr(at, value.size());
    }
    return own;
}

}  // namespace larder::flow
