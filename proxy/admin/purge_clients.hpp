#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "admin/access.hpp"
#include "admin/backend.hpp"

/// The purge calls of Fastly's and Cloudflare's APIs, so that applications that use these services
/// purge larder by a change of the address. Pure.
namespace larder::admin {

struct ClientCall {
    enum class Form : std::uint8_t {
        fastly_tag,   ///< POST /service/ID/purge/TAG
        fastly_tags,  ///< POST /service/ID/purge, tags in Surrogate-Key or in the body
        fastly_all,   ///< POST /service/ID/purge_all
        fastly_url,   ///< POST /purge/URL
        cloudflare,   ///< POST /client/v4/zones/ID/purge_cache
    };
    Form form = Form::fastly_tag;
    std::string id;    ///< of the service or zone; larder accepts every one
    std::string item;  ///< the tag or the URL in the path

    [[nodiscard]] bool is_fastly() const { return form != Form::cloudflare; }
    [[nodiscard]] observe::PurgeSource source() const {
        return is_fastly() ? observe::PurgeSource::fastly : observe::PurgeSource::cloudflare;
    }
    [[nodiscard]] TokenField token_field() const {
        return is_fastly() ? TokenField::fastly : TokenField::cloudflare;
    }
};

/// The call that a request's target stands for; nothing where it is none of these.
[[nodiscard]] std::optional<ClientCall> find_client_call(std::string_view target);

/// What is purged, or a sentence that says what is wrong.
[[nodiscard]] std::variant<PurgeOrder, std::string> parse_client_order(
    const ClientCall& call, const boost::beast::http::fields& fields, std::string_view body);

/// The answer that the service's own client expects. `id`: different for each purge.
[[nodiscard]] JsonAnswer to_client_answer(const ClientCall& call, const PurgeOrder& order,
                                          const PurgeResult& result, const std::string& id);
[[nodiscard]] JsonAnswer to_client_error(const ClientCall& call, int status, std::string_view error,
                                         std::string_view detail);

}  // namespace larder::admin
